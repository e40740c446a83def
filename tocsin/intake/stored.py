"""Reading a stored event back: the payload is kept as it was sent, and normalised whenever somebody looks."""

from __future__ import annotations

from tocsin.intake.normalise import normalise
from tocsin.intake.odd_json import decode_object
from tocsin.intake.packing import unpack
from tocsin.issues.event import Event
from tocsin.issues.models import StoredEvent


def event_of(stored: StoredEvent) -> Event:
    """The event of a row, in the one shape."""
    raw = decode_object(unpack(stored.encoding, stored.payload), "the stored event")
    return normalise(raw, accepted_at=stored.accepted_at, event_id=stored.event_id)
