"""Dialogs of old: what is open in front of each person, what they do there, and what the app's answer makes of it.

https://docs.slack.dev/legacy/legacy-dialogs
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tocsin.simulator import installed
from tocsin.simulator.dialog_answers import faults_of_option
from tocsin.simulator.dialog_validation import offered
from tocsin.simulator.fields import REQUIRED, NotThere
from tocsin.simulator.judge import Answer
from tocsin.simulator.limits import LIMITS
from tocsin.simulator.modals import TROUBLE
from tocsin.simulator.payloads import channel_name
from tocsin.simulator.state import User, Workspace, copied

Dialog = dict[str, Any]
Element = Mapping[str, Any]
Payload = dict[str, Any]
ResponseUrl = Callable[[User, str], str]  # for this person, in the channel of that id

DEFAULTS: Mapping[str, Any] = {"submit_label": "Submit", "notify_on_cancel": False, "state": ""}
LEAST = 1  # letters before an external menu is asked for, unless the app says how many


# --- what is open ----------------------------------------------------------------------------------------------------
def put_before(workspace: Workspace, user_id: str, dialog: Dialog, channel: str) -> None:
    """Open a dialog before that person, in place of one that is there. `channel` is where they were asked for it, or empty."""
    beginnings = {element["name"]: _beginning(element) for element in dialog["elements"]}
    workspace.dialogs[user_id] = {
        **DEFAULTS,
        **copied(dialog),
        "id": secrets.token_hex(6),
        "channel": channel,
        "values": {name: option["value"] if option else None for name, option in beginnings.items()},
        "labels": {name: option.get("label", "") for name, option in beginnings.items() if option},
        "errors": {},
        "trouble": "",
        "sent": "",  # the action_ts of the last submission
    }
    workspace.change()


def _beginning(element: Element) -> Mapping[str, str] | None:
    """What stands in an element before anybody has used it."""
    if element.get("selected_options"):
        first: Mapping[str, str] = element["selected_options"][0]
        return first
    return {"value": element["value"]} if element.get("value") else None


def public(dialog: Dialog | None) -> Dialog | None:
    """As the person's own client knows it."""
    return {name: value for name, value in copied(dialog).items() if name != "sent"} if dialog else None


def _in_front(workspace: Workspace, user: User, asked: Mapping[str, Any]) -> Dialog:
    """The dialog before that person, which has to be the one that `asked` names, if it names one."""
    dialog = workspace.dialogs.get(user.id)
    if dialog is None:
        raise NotThere(f"{user.name} has no dialog open")
    if asked.get("dialog_id") not in (None, dialog["id"]):
        raise NotThere(f"that dialog is not in front of {user.name} any more")
    return dialog


def _element(dialog: Dialog, asked: Mapping[str, Any]) -> Element:
    for element in dialog["elements"]:
        if element["name"] == asked.get("name"):
            found: Element = element
            return found
    raise NotThere(f"there is no element {asked.get('name')!r} in this dialog")


# --- what is chosen --------------------------------------------------------------------------------------------------
def _typed(workspace: Workspace, user: User, element: Element, selected: Any) -> str:
    if not isinstance(selected, str):
        raise NotThere(f"text is typed here, not {selected!r}")
    return selected


def _offered(workspace: Workspace, user: User, element: Element, selected: Any) -> str:
    if selected not in [option["value"] for option in offered(element)]:
        raise NotThere(f"there is no option with the value {selected!r}")
    return str(selected)


def _listed(workspace: Workspace, user: User, element: Element, selected: Any) -> str:
    """An external menu holds no options: there the option comes whole, as it was listed."""
    if faults := list(faults_of_option(selected)):
        raise NotThere(f"this is no option: {selected!r} {faults[0]}")
    return str(selected["value"])


def _person(workspace: Workspace, user: User, element: Element, selected: Any) -> str:
    if selected not in workspace.users:
        raise NotThere(f"there is no person {selected!r}")
    return str(selected)


def _conversation(workspace: Workspace, user: User, element: Element, selected: Any) -> str:
    channel = workspace.channels.get(selected)
    if channel is None or not workspace.may_see(user.id, channel):
        raise NotThere(f"{user.name} sees no conversation {selected!r}")
    return channel.id


def _channel(workspace: Workspace, user: User, element: Element, selected: Any) -> str:
    """Only public ones are listed."""
    if workspace.channels[_conversation(workspace, user, element, selected)].is_private:
        raise NotThere(f"{selected!r} is not public")
    return str(selected)


CHOOSERS: Mapping[str, Callable[[Workspace, User, Element, Any], str]] = {
    "text": _typed,
    "textarea": _typed,
    "static": _offered,
    "external": _listed,
    "users": _person,
    "channels": _channel,
    "conversations": _conversation,
}


def kind_of(element: Element) -> str:
    """The type, or of a menu the source of its options."""
    return str(element.get("data_source", "static") if element["type"] == "select" else element["type"])


# --- what a person does ----------------------------------------------------------------------------------------------
def choose(workspace: Workspace, user: User, asked: Mapping[str, Any]) -> Payload | None:
    """Put a value into the element called `name`; nothing for null or an empty text. The app does not hear of it."""
    dialog = _in_front(workspace, user, asked)
    element, selected = _element(dialog, asked), asked.get("selected") or None
    name = element["name"]
    chosen = CHOOSERS[kind_of(element)](workspace, user, element, selected) if selected is not None else None
    dialog["values"][name] = chosen
    dialog["labels"].pop(name, None)
    if isinstance(selected, dict):
        dialog["labels"][name] = selected["label"]
    dialog["errors"].pop(name, None)
    dialog["trouble"] = ""
    workspace.change()
    return None


def submit(workspace: Workspace, user: User, asked: Mapping[str, Any]) -> Payload | None:
    """The payload of a submission; None when the client itself refuses: then the errors stand in the dialog."""
    dialog = _in_front(workspace, user, asked)
    dialog["errors"], dialog["trouble"] = dict(unfit(dialog)), ""
    workspace.change()
    if dialog["errors"]:
        return None
    payload = {**_common(workspace, user, dialog, "dialog_submission"), "submission": dict(dialog["values"])}
    dialog["sent"] = payload["action_ts"]
    return payload


def cancel(workspace: Workspace, user: User, asked: Mapping[str, Any]) -> Payload | None:
    """Close it; the payload if the app wants to hear of it."""
    dialog = _in_front(workspace, user, asked)
    del workspace.dialogs[user.id]
    workspace.change()
    return _common(workspace, user, dialog, "dialog_cancellation") if dialog["notify_on_cancel"] else None


def suggest(workspace: Workspace, user: User, asked: Mapping[str, Any]) -> Payload | None:
    """Somebody types into an external menu; None when that is too little for Slack to ask."""
    dialog = _in_front(workspace, user, asked)
    element, typed = _element(dialog, asked), str(asked.get("value", ""))
    if kind_of(element) != "external":
        raise NotThere("that menu has its options already")
    if len(typed) < element.get("min_query_length", LEAST):
        return None
    payload = _common(workspace, user, dialog, "dialog_suggestion")
    if not payload["state"]:
        del payload["state"]
    return {**payload, "name": element["name"], "value": typed}


ACTS: Mapping[str, Callable[[Workspace, User, Mapping[str, Any]], Payload | None]] = {
    "choose": choose,
    "submit": submit,
    "cancel": cancel,
    "suggest": suggest,
}
ANSWERABLE = ("dialog_submission", "dialog_cancellation")  # what comes with a response_url


def act(
    workspace: Workspace, user: User, do: str, asked: Mapping[str, Any], response_url: ResponseUrl
) -> Payload | None:
    """Do it; the payload that the app is sent, or None when it hears nothing of it. Raises NotThere."""
    if do not in ACTS:
        raise NotThere(f"do one of: {', '.join(ACTS)}")
    payload = ACTS[do](workspace, user, asked)
    if payload and payload["type"] in ANSWERABLE and "channel" in payload:
        payload["response_url"] = response_url(user, payload["channel"]["id"])
    return payload


def _common(workspace: Workspace, user: User, dialog: Dialog, kind: str) -> Payload:
    payload = {
        "type": kind,
        "token": workspace.app.verification_token,
        "action_ts": workspace.next_ts(),
        **_installed(workspace, user),
        "callback_id": dialog["callback_id"],
        "state": dialog["state"],
    }
    if channel := workspace.channels.get(dialog["channel"]):
        payload["channel"] = {"id": channel.id, "name": channel_name(channel)}
    return payload


def _installed(workspace: Workspace, user: User) -> Payload:
    """Dialogs say more of it in an Enterprise Grid only."""
    said, who = installed.interactive(workspace), {"id": user.id, "name": user.name}
    if workspace.enterprise is None:
        return {"team": said["team"], "user": who}
    return {**said, "user": {**who, "team_id": user.team_id}}


def unfit(dialog: Dialog) -> Iterator[tuple[str, str]]:
    """Elements that Slack's client does not let pass: by name, with what it says there."""
    for element in dialog["elements"]:
        if sentence := _unfit(element, dialog["values"][element["name"]]):
            yield element["name"], sentence


def _unfit(element: Element, value: str | None) -> str:
    if value is None:
        return "" if element.get("optional") else REQUIRED
    if element["type"] == "select":
        return ""
    least, most = element.get("min_length", 0), element.get("max_length", LIMITS[f"dialog.{element['type']}"])
    if len(value) < least:
        return f"Write at least {least} characters."
    return f"Write {most} characters at most." if len(value) > most else ""


# --- what the answer does --------------------------------------------------------------------------------------------
def answered(workspace: Workspace, payload: Payload, answer: Answer, faults: list[str]) -> None:
    """After a submission the dialog closes, or stays with errors, or with trouble when the answer was wrong."""
    if payload["type"] != "dialog_submission":
        return
    dialog = workspace.dialogs.get(payload["user"]["id"])
    if dialog is None or dialog["sent"] != payload["action_ts"]:
        return
    if faults:
        dialog["trouble"] = TROUBLE
    elif answer.body:
        dialog["errors"] = {each["name"]: each["error"] for each in json.loads(answer.body)["errors"]}
    else:
        del workspace.dialogs[payload["user"]["id"]]
