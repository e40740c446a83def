"""Whether an answer of the app is one that Slack takes; if not, the person would have seen an error."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tocsin.simulator import unfurls
from tocsin.simulator.attachments import LISTED
from tocsin.simulator.dialog_answers import faults_of_submission, faults_of_suggestion
from tocsin.simulator.elements import SUGGESTED
from tocsin.simulator.limits import LIMITS
from tocsin.simulator.shapes import Faults
from tocsin.simulator.validation import faults_of_message
from tocsin.simulator.views import faults_of_view, size_of

SECONDS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back; `failure` says why nothing did."""

    status: int = 0
    headers: Mapping[str, str]
    body: bytes = b""
    seconds: float
    failure: str = ""


def _empty(answer: Answer, payload: Mapping[str, Any]) -> list[str]:
    if answer.body:
        return [f"{payload.get('type')} is answered with an empty body, not with {answer.body[:200]!r}"]
    return []


def _submitted(answer: Answer, payload: Mapping[str, Any]) -> list[str]:
    """Nothing, or what is to become of the view."""
    if not answer.body:
        return []
    asked = _json(answer)
    if asked is None:
        return ["a submission is answered with nothing at all, or with a JSON object"]
    action = str(asked.get("response_action"))
    if action not in RESPONSE_ACTIONS:
        return [f"response_action {action!r} is none of {', '.join(RESPONSE_ACTIONS)}"]
    return RESPONSE_ACTIONS[action](asked, payload)


def _errors(asked: Mapping[str, Any], payload: Mapping[str, Any]) -> list[str]:
    errors = asked.get("errors")
    if (
        not isinstance(errors, dict)
        or not errors
        or not all(isinstance(text, str) and text for text in errors.values())
    ):
        return ["errors has to name blocks, each with a text"]
    fields = {block["block_id"] for block in payload["view"]["blocks"] if block["type"] == "input"}
    return [f"there is no input block {name!r} to show an error at" for name in errors if name not in fields]


def _view(asked: Mapping[str, Any], payload: Mapping[str, Any]) -> list[str]:
    if size_of(asked.get("view")) > LIMITS["view.bytes"]:
        return [f"the view is larger than {LIMITS['view.bytes']} bytes"]
    return [str(fault) for fault in faults_of_view(asked.get("view"))]


def _nothing(asked: Mapping[str, Any], payload: Mapping[str, Any]) -> list[str]:
    return []


RESPONSE_ACTIONS: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any]], list[str]]] = {
    "errors": _errors,
    "update": _view,
    "push": _view,
    "clear": _nothing,
}


def _suggested(answer: Answer, payload: Mapping[str, Any]) -> list[str]:
    asked = _json(answer)
    if asked is None or len({"options", "option_groups"} & asked.keys()) != 1:
        return ["a menu is answered with options or with option_groups"]
    faults: Faults = []
    SUGGESTED(asked, "", faults)
    return [str(fault) for fault in faults]


# What an answer to a click on an attachment may say beside the message that it is.
BESIDE = {"response_type", "replace_original", "delete_original", "thread_ts"}
OF_MESSAGES = {"text", "blocks", "attachments", "mrkdwn", "metadata", "unfurl_links", "unfurl_media", "parse"}


def _replaced(answer: Answer, payload: Mapping[str, Any]) -> list[str]:
    """Nothing, or a message; in the place of an unfurl an attachment."""
    if not answer.body:
        return []
    asked = _json(answer)
    if asked is None:
        return ["a click on an attachment is answered with nothing at all, or with a message as a JSON object"]
    said = {name: value for name, value in asked.items() if name not in BESIDE}
    if not said and asked.get("delete_original") is True:
        return []
    if payload["is_app_unfurl"] and asked.get("replace_original", True) is True:
        return [str(fault) for fault in unfurls.faults_of(unfurls.content_of(asked))]
    strange = [f"a message has no {name!r}" for name in sorted(said.keys() - OF_MESSAGES)]
    if asked.get("response_type", "in_channel") not in ("in_channel", "ephemeral"):
        strange.append("response_type is in_channel or ephemeral")
    return strange + faults_of_message(said)


def _said(answer: Answer, payload: Mapping[str, Any]) -> list[str]:
    """A command is answered with nothing, plain text, or a message."""
    asked = _json(answer) if answer.body else None
    if asked is None:
        return []
    said = {name: value for name, value in asked.items() if name not in BESIDE}
    strange = [f"a message has no {name!r}" for name in sorted(said.keys() - OF_MESSAGES)]
    if asked.get("response_type", "ephemeral") not in ("in_channel", "ephemeral"):
        strange.append("response_type is in_channel or ephemeral")
    is_alone = not said and asked.get("response_type") == "in_channel"
    return strange + ([] if is_alone else faults_of_message(said))


def _listed(answer: Answer, payload: Mapping[str, Any]) -> list[str]:
    """Options of old have a plain text; groups of them a text of their own, where blocks have a label."""
    asked = _json(answer)
    if asked is None or len({"options", "option_groups"} & asked.keys()) != 1:
        return ["a menu is answered with options or with option_groups"]
    faults: Faults = []
    LISTED(asked, "", faults)
    groups = asked.get("option_groups") or []
    if not faults and sum(len(group["options"]) for group in groups) > LIMITS["attachment.action.options"]:
        return [f"no more than {LIMITS['attachment.action.options']} options can be listed"]
    return [str(fault) for fault in faults]


def _json(answer: Answer) -> Mapping[str, Any] | None:
    try:
        value = json.loads(answer.body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


# kind of request → what its 200 may hold
BODIES: Mapping[str, Callable[[Answer, Mapping[str, Any]], list[str]]] = {
    "block_actions": _empty,
    "view_submission": _submitted,
    "view_closed": _empty,
    "block_suggestion": _suggested,
    "interactive_message": _replaced,
    "interactive_message options": _listed,
    "shortcut": _empty,
    "message_action": _empty,
    "slash_command": _said,
    "dialog_submission": lambda answer, payload: faults_of_submission(answer.body, payload),
    "dialog_cancellation": _empty,
    "dialog_suggestion": lambda answer, _: faults_of_suggestion(answer.body),
}


def faults_of(kind: str, answer: Answer, payload: Mapping[str, Any], *, is_genuine: bool) -> list[str]:
    """What is wrong with the answer, in words. A request that is not genuine has to be refused."""
    if answer.failure:
        return [f"no answer: {answer.failure}"]
    faults = []
    if answer.seconds >= SECONDS:
        faults.append(f"answered after {answer.seconds:.1f} s; Slack waits {SECONDS:.0f}")
    if not is_genuine:
        if not 400 <= answer.status < 500:
            faults.append(f"answered {answer.status} to a request that Slack did not send; that is to be refused")
        return faults
    if kind == "event_callback":
        return (
            faults
            if 200 <= answer.status < 300
            else [*faults, f"answered {answer.status} to an event; Slack repeats it"]
        )
    if answer.status != 200:
        faults.append(f"answered {answer.status}; Slack takes nothing but 200")
        return faults
    return faults + BODIES[kind](answer, payload)
