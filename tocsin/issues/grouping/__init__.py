"""Which events are the same error. Versioned: a project keeps the version it began with, and a released one never changes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from tocsin.issues.event import Event
from tocsin.issues.grouping import v1


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """`hash`: 32 hex digits; events with the same belong together. `why`: what decided, in words."""

    hash: str
    why: str


GROUPING: dict[str, Callable[[Event], v1.Parts]] = {"v1": v1.parts_of}


def fingerprint_hash(event: Event, version: str) -> Grouping:
    """Where an event belongs. Raises KeyError for a version that does not exist."""
    decided = GROUPING[version](event)
    # With its length before it, no part can pass for two.
    told = "".join(f"{len(part)}:{part}" for part in (version, *decided.parts))
    return Grouping(hash=hashlib.blake2b(told.encode("utf-8", "replace"), digest_size=16).hexdigest(), why=decided.why)
