"""views.open, views.update, views.push: modals in front of the person who clicked."""

from __future__ import annotations

from typing import Any

from tocsin.simulator import modals
from tocsin.simulator.arguments import Arguments, Signature, nested, text
from tocsin.simulator.errors import ApiError, invalid_arguments
from tocsin.simulator.limits import LIMITS
from tocsin.simulator.methods.method import Method
from tocsin.simulator.state import Workspace
from tocsin.simulator.triggers import Trigger
from tocsin.simulator.views import faults_of_view, size_of


def open_(workspace: Workspace, args: Arguments) -> dict[str, Any]:
    """The view is checked first: a faulty one leaves the trigger unused."""
    _check(workspace, args["view"])
    user = _trigger(workspace, args).user
    opened = modals.new_view(workspace, user, args["view"], None)
    workspace.views[user] = [opened]
    workspace.change()
    return {"view": modals.public(opened)}


def update(workspace: Workspace, args: Arguments) -> dict[str, Any]:
    """By `view_id` or `external_id`; with `hash` only if nothing has changed the view since."""
    if not args.get("view_id") and not args.get("external_id"):
        raise invalid_arguments("missing required field: view_id or external_id")
    view = modals.find(workspace, args.get("view_id", ""), args.get("external_id", ""))
    if view is None:
        raise ApiError("not_found")
    if args.get("hash") and args["hash"] != view["hash"]:
        raise ApiError("hash_conflict")
    _check(workspace, args["view"], besides=view["id"])
    modals.fill(workspace, view, args["view"])
    workspace.change()
    return {"view": modals.public(view)}


def push(workspace: Workspace, args: Arguments) -> dict[str, Any]:
    """Over the view in which the trigger was made, which has to be open still; three at most."""
    _check(workspace, args["view"])
    trigger = _trigger(workspace, args)
    stack = workspace.views.get(trigger.user, [])
    if all(view["id"] != trigger.view for view in stack):
        raise ApiError("not_found")
    if len(stack) >= LIMITS["view.stack"]:
        raise ApiError("push_limit_reached")
    stack.append(modals.new_view(workspace, trigger.user, args["view"], stack[-1]))
    workspace.change()
    return {"view": modals.public(stack[-1])}


def _check(workspace: Workspace, view: Any, *, besides: str = "") -> None:
    if size_of(view) > LIMITS["view.bytes"]:
        raise ApiError("view_too_large")
    if faults := faults_of_view(view):
        raise invalid_arguments(*(str(fault) for fault in faults))
    external_id = view.get("external_id")
    other = modals.find(workspace, "", external_id) if external_id else None
    if other is not None and other["id"] != besides:
        raise ApiError("duplicate_external_id")


def _trigger(workspace: Workspace, args: Arguments) -> Trigger:
    if not args.get("trigger_id"):
        raise invalid_arguments("missing required field: trigger_id")
    return workspace.triggers.use(args["trigger_id"])


VIEW = {"view": nested("invalid_arguments")}
BY_TRIGGER = Signature(VIEW, {"trigger_id": text, "interactivity_pointer": text})

METHODS = (
    Method(name="views.open", tier="4", takes_json=True, run=open_, signature=BY_TRIGGER),
    Method(
        name="views.update",
        tier="4",
        takes_json=True,
        run=update,
        signature=Signature(VIEW, {"view_id": text, "external_id": text, "hash": text}),
    ),
    Method(name="views.push", tier="4", takes_json=True, run=push, signature=BY_TRIGGER),
)
