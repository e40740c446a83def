"""Outcome → the HTTP answer. Clicks in blocks show nothing of the answer's body, so it is empty; whispers go another way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tocsin.slack.payloads import (
    Callback,
    Clicks,
    Closed,
    Event,
    OptionsQuery,
    Payload,
    SlashCommand,
    Submission,
    is_goodbye,
)


class Outcome(StrEnum):
    """How a delivery ended. Stored, so that the same delivery again gets the same kind of answer."""

    DONE = "done"  # also refused with a whisper
    GONE = "gone"  # the issue is not there, or is not shared with this workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP answer. `body` None is a body of no bytes; else it is sent as JSON."""

    status: int = 200
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


EMPTY = Answer()
NO_RETRY = {"X-Slack-No-Retry": "1"}  # asks Slack not to send the event again
UNAVAILABLE = Answer(status=503, headers={"Retry-After": "5"})

ANSWERS: dict[Outcome, Answer] = {Outcome.DONE: EMPTY, Outcome.GONE: Answer(status=403)}


def malformed(*, is_event: bool) -> Answer:
    return Answer(status=400, headers=NO_RETRY if is_event else {})


def challenge(text: str) -> Answer:
    return Answer(body={"challenge": text})


def spoken(text: str) -> Answer:
    """A whisper in the body, where Slack shows it: the answer to a command. `text` is finished mrkdwn."""
    return Answer(body={"response_type": "ephemeral", "replace_original": False, "text": text})


def form_errors(errors: Mapping[str, str]) -> Answer:
    """What is wrong in a modal, by the id of the field's block. It stays open."""
    return Answer(body={"response_action": "errors", "errors": dict(errors)})


def instead(view: Mapping[str, Any]) -> Answer:
    """Another view in the place of the one that was submitted."""
    return Answer(body={"response_action": "update", "view": view})


def options(groups: Mapping[str, Sequence[Mapping[str, Any]]]) -> Answer:
    """The entries of a menu by the name of their group; one group without a name is a plain list."""
    if set(groups) <= {""}:
        return Answer(body={"options": list(groups.get("", ()))})
    shown = [{"label": {"type": "plain_text", "text": name}, "options": list(each)} for name, each in groups.items()]
    return Answer(body={"option_groups": shown})


def not_connected(payload: Payload) -> Answer:
    """For an installation that we do not know, or that serves no organization."""
    if is_goodbye(payload):
        return EMPTY
    return NOT_CONNECTED[type(payload)]


HOW_TO_CONNECT = (
    "This workspace is not connected to Tocsin. Whoever runs Tocsin connects it: "
    "set TOCSIN_SLACK_BOT_TOKEN to the bot token of this workspace's app, and start Tocsin again."
)
NOT_CONNECTED: dict[type[Any], Answer] = {
    Clicks: Answer(status=403),
    Submission: Answer(status=403),
    Closed: Answer(status=403),
    OptionsQuery: Answer(status=403),
    Callback: Answer(status=403),
    Event: Answer(status=403, headers=NO_RETRY),
    SlashCommand: spoken(HOW_TO_CONNECT),
}
