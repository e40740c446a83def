"""Events are told again to an app that has not answered well: at once, after a minute, after five more.

https://docs.slack.dev/apis/events-api
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tocsin.simulator.clicks import Clicks, Outgoing, Send
from tocsin.simulator.judge import SECONDS
from tocsin.simulator.state import Workspace

RETRY_SECONDS = (0.0, 60.0, 300.0)  # after the attempt before


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One time that the app is told of an event; `number` counts the retries, `due_at` is of the workspace's clock."""

    event: dict[str, Any]
    due_at: float = 0.0
    number: int = 0
    reason: str = ""
    signing: str = "ok"


@dataclass(slots=True, kw_only=True)
class Events:
    workspace: Workspace
    clicks: Clicks

    async def tell(self, attempt: Attempt, send: Send) -> None:
        """Until the app has taken it, or Slack gives up."""
        further: Attempt | None = attempt
        while further is not None:
            await self._wait_until(further.due_at)
            further = self.after(further, await self.clicks.deliver(self.outgoing(further), send))

    async def _wait_until(self, due_at: float) -> None:
        clock = self.workspace.clock
        while (left := due_at - clock.now()) > 0:
            await self.workspace.wait_for_change(self.workspace.version, left)

    def is_due(self, attempt: Attempt) -> bool:
        return attempt.due_at <= self.workspace.clock.now()

    def outgoing(self, attempt: Attempt) -> Outgoing:
        """The request: the same event each time, signed anew."""
        if not attempt.number:
            return self.clicks.tell(attempt.event, signing=attempt.signing)
        headers = {"X-Slack-Retry-Num": str(attempt.number), "X-Slack-Retry-Reason": attempt.reason}
        return self.clicks.tell(attempt.event, signing=attempt.signing, headers=headers)

    def after(self, attempt: Attempt, result: Mapping[str, Any]) -> Attempt | None:
        """The next one; None when the app has taken it, wants no more of it, or has been told often enough."""
        reason = _reason(result)
        if not reason or _refuses_more(result) or attempt.number == len(RETRY_SECONDS) or attempt.signing != "ok":
            return None
        return Attempt(
            event=attempt.event,
            due_at=self.workspace.clock.now() + RETRY_SECONDS[attempt.number],
            number=attempt.number + 1,
            reason=reason,
        )


def _reason(result: Mapping[str, Any]) -> str:
    """Why it is to be told again, in Slack's word; empty when it was taken."""
    if result["seconds"] >= SECONDS:
        return "http_timeout"
    if not result["status"]:
        return "connection_failed"
    return "" if 200 <= result["status"] < 300 else "http_error"


def _refuses_more(result: Mapping[str, Any]) -> bool:
    return any(name.lower() == "x-slack-no-retry" and value == "1" for name, value in result["headers"].items())
