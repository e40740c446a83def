"""dialog.open: a dialog of old in front of the person who clicked."""

from __future__ import annotations

import json
from typing import Any

from tocsin.simulator import dialogs
from tocsin.simulator.arguments import Arguments, Signature, text
from tocsin.simulator.dialog_validation import faults_of_dialog, without_nulls
from tocsin.simulator.errors import ApiError
from tocsin.simulator.methods.method import Method
from tocsin.simulator.state import Workspace
from tocsin.simulator.triggers import Trigger

# What the methods of views say of a trigger → what this one says.
TRIGGER_ERRORS = {
    "invalid_trigger_id": "invalid_trigger",
    "exchanged_trigger_id": "trigger_exchanged",
    "expired_trigger_id": "trigger_expired",
}


def open_(workspace: Workspace, args: Arguments) -> dict[str, Any]:
    """The dialog is checked first: a faulty one leaves the trigger unused."""
    for name, error in (("trigger_id", "missing_trigger"), ("dialog", "missing_dialog")):
        if args.get(name, "") == "":
            raise ApiError(error)
    if not workspace.app.request_url:
        raise ApiError("app_missing_action_url")
    if faults := faults_of_dialog(args["dialog"]):
        raise ApiError("validation_errors", response_metadata={"messages": faults})
    trigger = _use(workspace, args["trigger_id"])
    dialogs.put_before(workspace, trigger.user, args["dialog"], trigger.channel)
    return {}


def _use(workspace: Workspace, trigger_id: str) -> Trigger:
    try:
        return workspace.triggers.use(trigger_id)
    except ApiError as refused:
        raise ApiError(TRIGGER_ERRORS[refused.error]) from None


def _definition(value: Any) -> Any:
    """JSON, or JSON as text; what is no JSON is left to be refused."""
    try:
        return without_nulls(json.loads(value) if isinstance(value, str) else value)
    except (ValueError, RecursionError):
        return value


METHODS = (
    Method(
        name="dialog.open",
        tier="4",
        takes_json=True,
        run=open_,
        signature=Signature({}, {"dialog": _definition, "trigger_id": text}),
    ),
)
