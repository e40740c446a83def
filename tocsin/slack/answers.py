"""Outcome → the HTTP answer. Clicks in blocks show nothing of the answer's body, so it is empty; whispers go another way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tocsin.slack.payloads import (
    Callback,
    Clicks,
    Closed,
    Dialect,
    DialogSubmission,
    Event,
    LinksShared,
    OptionsQuery,
    Payload,
    Shortcut,
    SlashCommand,
    Submission,
    is_goodbye,
)


class Outcome(StrEnum):
    """How a delivery ended. Stored, so that the same delivery again gets the same kind of answer."""

    DONE = "done"  # also refused with a whisper
    GONE = "gone"  # the issue is not there, or is not shared with this workspace
    TOLD = "told"  # refused in words, which are kept
    INVITED = "invited"  # told how to connect, or to part from a wrong account


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP answer. `body` None is a body of no bytes; else it is sent as JSON."""

    status: int = 200
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


EMPTY = Answer()


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """The answer, and what is to be done between the commit and the answer: it is told how many seconds are left, and may say
    another answer.
    """

    answer: Answer = EMPTY
    after: Callable[[float], Answer | None] | None = None


NO_RETRY = {"X-Slack-No-Retry": "1"}  # asks Slack not to send the event again
UNAVAILABLE = Answer(status=503, headers={"Retry-After": "5"})

ANSWERS: dict[Outcome, Answer] = {
    Outcome.DONE: EMPTY,
    Outcome.GONE: Answer(status=403),
    Outcome.TOLD: EMPTY,
    Outcome.INVITED: EMPTY,
}


def malformed(*, is_event: bool) -> Answer:
    return Answer(status=400, headers=NO_RETRY if is_event else {})


def challenge(text: str) -> Answer:
    return Answer(body={"challenge": text})


def spoken(text: str, blocks: Sequence[Mapping[str, Any]] = ()) -> Answer:
    """A whisper in the body, where Slack shows it: the answer to a command. `text` is finished mrkdwn."""
    shown = {"blocks": list(blocks)} if blocks else {}
    return Answer(body={"response_type": "ephemeral", "replace_original": False, "text": text, **shown})


def form_errors(errors: Mapping[str, str]) -> Answer:
    """What is wrong in a modal, by the id of the field's block. It stays open."""
    return Answer(body={"response_action": "errors", "errors": dict(errors)})


def instead(view: Mapping[str, Any]) -> Answer:
    """Another view in the place of the one that was submitted."""
    return Answer(body={"response_action": "update", "view": view})


def dialog_errors(errors: Mapping[str, str]) -> Answer:
    """What is wrong in a dialog of old, by the name of the element. It stays open."""
    return Answer(body={"errors": [{"name": name, "error": text} for name, text in errors.items()]})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One that a menu lists; both are at most as long as the menu takes."""

    text: str
    value: str


Entries = Mapping[str, Sequence[Entry]]  # by the name of their group; one group without a name is a plain list


def options(groups: Entries, dialect: Dialect = Dialect.BLOCKS) -> Answer:
    entry, group = DIALECTS[dialect]
    if set(groups) <= {""}:
        return Answer(body={"options": [entry(each) for each in groups.get("", ())]})
    shown = [{**group(name), "options": [entry(each) for each in entries]} for name, entries in groups.items()]
    return Answer(body={"option_groups": shown})


def _in_blocks(entry: Entry) -> dict[str, Any]:
    return {"text": {"type": "plain_text", "text": entry.text}, "value": entry.value}


def _group_in_blocks(name: str) -> dict[str, Any]:
    return {"label": {"type": "plain_text", "text": name}}


def _in_attachments(entry: Entry) -> dict[str, Any]:
    return {"text": entry.text, "value": entry.value}


def _group_in_attachments(name: str) -> dict[str, Any]:
    return {"text": name}


def _in_dialogs(entry: Entry) -> dict[str, Any]:
    return {"label": entry.text, "value": entry.value}


def _group_in_dialogs(name: str) -> dict[str, Any]:
    return {"label": name}


DIALECTS: Mapping[Dialect, tuple[Callable[[Entry], dict[str, Any]], Callable[[str], dict[str, Any]]]] = {
    Dialect.BLOCKS: (_in_blocks, _group_in_blocks),
    Dialect.ATTACHMENTS: (_in_attachments, _group_in_attachments),
    Dialect.DIALOG: (_in_dialogs, _group_in_dialogs),
}


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
    DialogSubmission: Answer(status=403),
    Closed: Answer(status=403),
    OptionsQuery: Answer(status=403),
    Shortcut: Answer(status=403),
    Callback: Answer(status=403),
    Event: Answer(status=403, headers=NO_RETRY),
    LinksShared: Answer(status=403, headers=NO_RETRY),
    SlashCommand: spoken(HOW_TO_CONNECT),
}
