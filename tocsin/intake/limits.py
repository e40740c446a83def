"""How much is taken at once. One table; sizes in bytes."""

from __future__ import annotations

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

BODY_MAX: Final = 5 * MIB  # as it comes over the wire
ENVELOPE_MAX: Final = 20 * MIB  # after decoding
EVENT_MAX: Final = 1 * MIB  # one event's JSON; also the whole of a decoded /store/ body
HEADER_MAX: Final = 8 * KIB  # the envelope's header, and each item's
ITEMS_MAX: Final = 100  # in one envelope
PIECE: Final = 64 * KIB  # how much is read, and decoded, at a time
DEPTH_MAX: Final = 64  # how deep JSON may nest where it had to be read the slow way; what lies deeper is cut out
DIGITS_MAX: Final = 300  # a longer number is kept as text
