"""Who does something, from where, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tocsin.accounts.models import User


class Origin(StrEnum):
    """Which door a change came through."""

    SLACK = "slack"
    WEB = "web"
    API = "api"
    SDK = "sdk"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who asks. `user` is None exactly when the system acts by itself. `now` is the database's clock.

    `identity` is an opaque text that the origin understands (for Slack "T1/U1"): it is stored with what was done, so that a
    message can name the person as that place knows them. `within`: the organizations that the place serves; None: any.
    """

    user: User | None
    origin: Origin
    now: datetime
    identity: str = ""
    within: frozenset[int] | None = None


def system(now: datetime, origin: Origin = Origin.SYSTEM) -> Actor:
    """Tocsin itself: rights are not asked for."""
    return Actor(user=None, origin=origin, now=now)
