"""Fields: what a client lets a person put into one, what it sends of that, and what it says before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tocsin.simulator.elements import ELEMENTS, NUMBERS, OPTION
from tocsin.simulator.limits import LIMITS
from tocsin.simulator.messages import stored_texts
from tocsin.simulator.shapes import Faults

REQUIRED = "Please complete this required field."

# element type → the name of its value in an action, and of its value in the beginning
VALUES: Mapping[str, tuple[str, str]] = {
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "overflow": ("selected_option", ""),
    "users_select": ("selected_user", "initial_user"),
    "channels_select": ("selected_channel", "initial_channel"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "checkboxes": ("selected_options", "initial_options"),
    "multi_users_select": ("selected_users", "initial_users"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "plain_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
}
STATELESS = frozenset({"button", "overflow", "image", "plain_text", "mrkdwn"})
TYPED = frozenset({"plain_text_input", "number_input"})
PICKED = frozenset({"datepicker", "timepicker", "datetimepicker"})


class NotThere(Exception):
    """A person cannot do this: there is no such element, or it does not take that."""


# --- what is chosen --------------------------------------------------------------------------------------------------
def initial(element: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in a field before anybody has used it."""
    name, beginning = VALUES[element["type"]]
    return {name: element.get(beginning, [] if name.endswith("s") else None)}


def chosen(element: Mapping[str, Any], selected: Any) -> dict[str, Any]:
    """What choosing `selected` puts into the action: a value of one of the options, an id, a date, a text, or a list.

    Raises NotThere for what the client does not let anybody choose.
    """
    kind = element["type"]
    if kind == "button":
        return {}
    name, beginning = VALUES[kind]
    if name.endswith("s"):
        return {name: _several(element, name, selected)}
    if name == "selected_option":
        return {name: option(element, selected)}
    if kind in TYPED:
        return {name: _typed(selected)}
    if kind in PICKED:
        _refuse_impossible(kind, beginning, selected)
    return {name: selected}


def option(element: Mapping[str, Any], selected: Any) -> Any:
    """The whole option with this value. An external menu holds none: there the option comes whole, as it was listed."""
    if selected is None:
        return None
    if element["type"].endswith("external_select"):
        faults: Faults = []
        OPTION(selected, "", faults)
        if faults:
            raise NotThere(f"this is no option: {selected!r} {faults[0]}")
        return stored_texts(selected)
    for each in offered(element):
        if each["value"] == selected:
            return each
    raise NotThere(f"there is no option with the value {selected!r}")


def offered(element: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The options that the app has put into the element, those in groups too."""
    groups = element.get("option_groups", [])
    return [*element.get("options", []), *(each for group in groups for each in group["options"])]


def _several(element: Mapping[str, Any], name: str, selected: Any) -> list[Any]:
    many = list(selected or [])
    most = element.get("max_selected_items")
    if most is not None and len(many) > most:
        raise NotThere(f"no more than {most} can be chosen here")
    return [option(element, each) for each in many] if name == "selected_options" else many


def _typed(text: Any) -> str | None:
    """An empty field holds nothing, not an empty text."""
    if text is not None and not isinstance(text, str):
        raise NotThere(f"text is typed here, not {text!r}")
    return text or None


def _refuse_impossible(kind: str, beginning: str, selected: Any) -> None:
    faults: Faults = []
    if selected is not None:
        ELEMENTS[kind].optional[beginning](selected, "", faults)
    if faults:
        raise NotThere(f"this cannot be picked: {selected!r} {faults[0].sentence}")


def is_told(block: Mapping[str, Any], element: Mapping[str, Any], *, has_entered: bool) -> bool:
    """Of an input the app hears if it asked for that; of what is typed as it comes, or when Enter is pressed."""
    if block["type"] != "input":
        return True
    told_on = element.get("dispatch_action_config", {}).get("trigger_actions_on", ["on_enter_pressed"])
    is_heard = "on_character_entered" in told_on or (has_entered and "on_enter_pressed" in told_on)
    return block["dispatch_action"] and (is_heard or element["type"] not in TYPED)


# --- what the client refuses to submit -------------------------------------------------------------------------------
def unfit(view: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Fields that Slack's client does not let pass: by block, with what it says there."""
    for block in view["blocks"]:
        if block["type"] == "input":
            element = block["element"]
            held = view["state"]["values"].get(block["block_id"], {}).get(element["action_id"], {})
            if sentence := _unfit(block, held.get(VALUES[element["type"]][0])):
                yield block["block_id"], sentence


def _unfit(block: Mapping[str, Any], value: Any) -> str:
    element = block["element"]
    if not value:
        return "" if block["optional"] else REQUIRED
    match element["type"]:
        case "number_input":
            return _unfit_number(element, value)
        case "plain_text_input":
            return _unfit_text(element, value)
    return ""


def _unfit_text(element: Mapping[str, Any], value: str) -> str:
    least, most = element.get("min_length", 0), element.get("max_length", LIMITS["plain_text_input.length"])
    if len(value) < least:
        return f"Write at least {least} characters."
    return f"Write {most} characters at most." if len(value) > most else ""


def _unfit_number(element: Mapping[str, Any], value: str) -> str:
    if not re.fullmatch(NUMBERS, value):
        return "Enter a number."
    if not element["is_decimal_allowed"] and "." in value:
        return "Enter a whole number."
    if "min_value" in element and float(value) < float(element["min_value"]):
        return f"Enter {element['min_value']} or more."
    if "max_value" in element and float(value) > float(element["max_value"]):
        return f"Enter {element['max_value']} or less."
    return ""
