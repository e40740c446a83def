"""Triggers: what a click hands to the app so that it may open a view or a dialog. Three seconds, one use."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from tocsin.simulator.clock import Clock
from tocsin.simulator.errors import ApiError

SECONDS = 3.0
KEPT = 10_000


@dataclass(slots=True)
class Trigger:
    user: str
    sent_at: float
    view: str = ""  # the id of the view that was used, if it was one
    channel: str = ""  # the channel of the message that was used, if it was one
    used: bool = False


@dataclass(slots=True, kw_only=True)
class Triggers:
    clock: Clock
    _known: dict[str, Trigger] = field(default_factory=dict)

    def issue(self, user: str, view: str = "", channel: str = "") -> str:
        """A new trigger for what this person did just now: in the view of that id, or in a message of that channel."""
        now = self.clock.now()
        trigger_id = f"{int(now * 1000)}.{secrets.randbelow(10**12):012}.{secrets.token_hex(16)}"
        self._known[trigger_id] = Trigger(user, now, view, channel)
        if len(self._known) > KEPT:
            del self._known[next(iter(self._known))]
        return trigger_id

    def use(self, trigger_id: str) -> Trigger:
        """Whose it is, and of which view. Raises the errors that views.open answers."""
        trigger = self._known.get(trigger_id)
        if trigger is None:
            raise ApiError("invalid_trigger_id")
        if trigger.used:
            raise ApiError("exchanged_trigger_id")
        if self.clock.now() - trigger.sent_at > SECONDS:
            raise ApiError("expired_trigger_id")
        trigger.used = True
        return trigger
