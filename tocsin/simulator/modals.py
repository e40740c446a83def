"""Modals: what is open in front of each person, what they do there, and what the app's answer makes of it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tocsin.simulator import installed
from tocsin.simulator.fields import STATELESS, NotThere, chosen, is_told, unfit
from tocsin.simulator.judge import Answer
from tocsin.simulator.limits import LIMITS
from tocsin.simulator.messages import stored_blocks, stored_texts
from tocsin.simulator.payloads import Target, action, held, suggestion, targets
from tocsin.simulator.payloads import find as find_target
from tocsin.simulator.state import User, Workspace, copied

View = dict[str, Any]
Payload = dict[str, Any]

PRIVATE = ("_errors", "_trouble")  # what only the person's own client knows
DEFAULTS: Mapping[str, Any] = {
    "callback_id": "",
    "private_metadata": "",
    "external_id": "",
    "close": None,
    "submit": None,
    "clear_on_close": False,
    "notify_on_close": False,
}
ANSWERED = ("block_actions", "view_submission")  # what an answer can go wrong for before the person's eyes
TROUBLE = "We had some trouble connecting. Try again?"


# --- what is stored --------------------------------------------------------------------------------------------------
def new_view(workspace: Workspace, user_id: str, view: Mapping[str, Any], below: View | None) -> View:
    """A view of this person, as Slack stores it, over the one `below`."""
    view_id = f"V0{secrets.token_hex(5).upper()}"
    opened: View = {
        "id": view_id,
        "team_id": installed.home(workspace, user_id),
        "app_id": workspace.app.id,
        "app_installed_team_id": installed.at(workspace),
        "bot_id": workspace.app.bot_id,
        "previous_view_id": below["id"] if below else None,
        "root_view_id": below["root_view_id"] if below else view_id,
    }
    return fill(workspace, opened, view)


def fill(workspace: Workspace, stored: View, view: Mapping[str, Any]) -> View:
    """Put what the app sent in; what the person chose or typed stays where block_id and action_id are the same."""
    kept = stored.get("state", {}).get("values", {})
    for name in PRIVATE:
        stored.pop(name, None)
    stored.update({**DEFAULTS, **stored_texts(copied(dict(view)))})
    stored["blocks"] = stored_blocks(view["blocks"])
    stored["hash"] = f"{int(workspace.clock.now())}.{secrets.token_hex(4)}"
    stored["state"] = {"values": _values(stored, kept)}
    return stored


def _values(view: View, kept: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    values: dict[str, dict[str, Any]] = {}
    for target in targets(view):
        if target.element["type"] not in STATELESS:
            before = kept.get(target.block_id, {}).get(target.action_id, {})
            is_same = before.get("type") == target.element["type"]
            values.setdefault(target.block_id, {})[target.action_id] = before if is_same else held(target.element)
    return values


def top(workspace: Workspace, user_id: str) -> View | None:
    """What that person has in front of them."""
    stack = workspace.views.get(user_id)
    return stack[-1] if stack else None


def find(workspace: Workspace, view_id: str, external_id: str = "") -> View | None:
    """An open view, whoever has it open."""
    open_ones = [view for stack in workspace.views.values() for view in stack]
    wanted = ("id", view_id) if view_id else ("external_id", external_id)
    return next((view for view in open_ones if view[wanted[0]] == wanted[1]), None)


def public(view: View) -> View:
    """As the app sees it."""
    return {name: value for name, value in copied(view).items() if name not in PRIVATE}


# --- what a person does ----------------------------------------------------------------------------------------------
def choose(workspace: Workspace, user: User, asked: Mapping[str, Any]) -> Payload | None:
    """Put a value into a field, or press a button; the payload of it, or None when the app hears nothing."""
    view, target = _where(workspace, user, asked)
    value = chosen(target.element, asked.get("selected"))
    if target.element["type"] not in STATELESS:
        view["state"]["values"][target.block_id][target.action_id] = held(target.element, value)
    view.get("_errors", {}).pop(target.block_id, None)
    view.pop("_trouble", None)
    workspace.change()
    if not is_told(target.block, target.element, has_entered=bool(asked.get("enter"))):
        return None
    done = action(target, value, workspace.next_ts())
    return {**_common(workspace, user, "block_actions", view), **_in(view), "actions": [done]}


def submit(workspace: Workspace, user: User, asked: Mapping[str, Any]) -> Payload | None:
    """The payload of a submission; None when the client itself refuses: then the errors stand in the view."""
    view = _open(workspace, user, asked)
    if view["submit"] is None:
        raise NotThere("this view has nothing to submit")
    view["_errors"] = dict(unfit(view))
    view.pop("_trouble", None)
    workspace.change()
    if view["_errors"]:
        return None
    return {**_common(workspace, user, "view_submission", view), "view": public(view), "response_urls": []}


def close(workspace: Workspace, user: User, asked: Mapping[str, Any]) -> Payload | None:
    """Close the top view; the payload if the app wants to hear of it."""
    view = _open(workspace, user, asked)
    if view["clear_on_close"]:
        return clear(workspace, user, asked)
    workspace.views[user.id].pop()
    workspace.change()
    return _closed(workspace, user, view, is_cleared=False)


def clear(workspace: Workspace, user: User, asked: Mapping[str, Any]) -> Payload | None:
    """Close all of them; the app hears of the one at the bottom, if it wants to."""
    _open(workspace, user, asked)
    stack = workspace.views.pop(user.id)
    workspace.change()
    return _closed(workspace, user, stack[0], is_cleared=True)


def _closed(workspace: Workspace, user: User, view: View, *, is_cleared: bool) -> Payload | None:
    if not view["notify_on_close"]:
        return None
    return {**_common(workspace, user, "view_closed"), "view": public(view), "is_cleared": is_cleared}


def suggest(workspace: Workspace, user: User, asked: Mapping[str, Any]) -> Payload | None:
    """Somebody types into an external menu of a view; None when that is too little for Slack to ask."""
    view, target = _where(workspace, user, asked)
    about = suggestion(target, asked)
    return about and {**_common(workspace, user, "block_suggestion"), **about, **_in(view)}


def _common(workspace: Workspace, user: User, kind: str, triggering: View | None = None) -> Payload:
    payload = {
        "type": kind,
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team_id},
        "api_app_id": workspace.app.id,
        "token": workspace.app.verification_token,
        **installed.in_view(workspace, user),
    }
    if triggering is not None:
        payload["trigger_id"] = workspace.triggers.issue(user.id, triggering["id"])
    return payload


def _in(view: View) -> Payload:
    return {"container": {"type": "view", "view_id": view["id"]}, "view": public(view)}


def _open(workspace: Workspace, user: User, asked: Mapping[str, Any]) -> View:
    """What is before that person, which has to be the view that `asked` names, if it names one."""
    view = top(workspace, user.id)
    if view is None:
        raise NotThere(f"{user.name} has no modal open")
    if asked.get("view_id") not in (None, view["id"]):
        raise NotThere(f"that view is not in front of {user.name} any more")
    return view


def _where(workspace: Workspace, user: User, asked: Mapping[str, Any]) -> tuple[View, Target]:
    view = _open(workspace, user, asked)
    return view, find_target(view, block_id=str(asked.get("block_id")), action_id=str(asked.get("action_id")))


ACTS: Mapping[str, Callable[[Workspace, User, Mapping[str, Any]], Payload | None]] = {
    "choose": choose,
    "submit": submit,
    "close": close,
    "clear": clear,
    "suggest": suggest,
}


# --- what the answer does --------------------------------------------------------------------------------------------
def answered(workspace: Workspace, payload: Payload, answer: Answer, faults: list[str]) -> None:
    """After a use or a submission of a view: it closes, changes, stays with errors, or another comes over it.

    What cannot be done, as the answer is wrong in a way that only shows here, is added to `faults`.
    """
    stack = workspace.views.get(payload["user"]["id"], [])
    view = next((each for each in stack if each["id"] == payload["view"]["id"]), None)
    if view is None:
        return
    asked = json.loads(answer.body) if answer.body and not faults else {}
    if not faults:
        faults += _impossible(workspace, stack, view, asked)
    if faults:
        view["_trouble"] = TROUBLE
    elif payload["type"] == "view_submission":
        _apply(workspace, payload["user"]["id"], stack, view, asked)


def _impossible(workspace: Workspace, stack: list[View], view: View, asked: Mapping[str, Any]) -> Iterator[str]:
    """Why this answer cannot be followed, with what is open now."""
    action, given = asked.get("response_action"), asked.get("view", {})
    if action == "push" and len(stack) >= LIMITS["view.stack"]:
        yield f"no more than {LIMITS['view.stack']} views can lie upon each other"
    other = find(workspace, "", given["external_id"]) if given.get("external_id") else None
    if other is not None and not (action == "update" and other is view):
        yield f"another open view has the external_id {given['external_id']!r}"


def _apply(workspace: Workspace, user_id: str, stack: list[View], view: View, asked: Mapping[str, Any]) -> None:
    match asked.get("response_action"):
        case "errors":
            view["_errors"] = dict(asked["errors"])
        case "update":
            fill(workspace, view, asked["view"])
        case "push":
            stack.append(new_view(workspace, user_id, asked["view"], view))
        case "clear":
            stack.clear()
        case _:
            stack.remove(view)
