"""Block elements and the objects in them: which fields each has, and in which block it may stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tocsin.simulator.limits import LIMITS
from tocsin.simulator.shapes import (
    Check,
    Fault,
    Faults,
    Shape,
    anything,
    at_least_one,
    boolean,
    every,
    exactly_one,
    integer,
    listing,
    one_of,
    pattern,
    string,
    text,
    url,
)

CONFIRM = Shape(
    required={
        "title": text("confirm.title", "plain_text"),
        "text": text("confirm.text"),
        "confirm": text("confirm.confirm", "plain_text"),
        "deny": text("confirm.deny", "plain_text"),
    },
    optional={"style": one_of("primary", "danger")},
)


def option(*kinds: str, **more: Check) -> Shape:
    return Shape(
        required={"text": text("option.text", *kinds), "value": string("option.value")},
        optional={"description": text("option.description", *kinds), **more},
    )


OPTION = option("plain_text")
RICH_OPTION = option()
OPTION_GROUP = Shape(
    required={"label": text("option_group.label", "plain_text"), "options": listing(OPTION, "select.options")},
    optional={},
)
SLACK_FILE = Shape(required={}, optional={"id": string(), "url": url("image.image_url")}, rule=exactly_one("id", "url"))
DISPATCH = Shape(
    required={},
    optional={"trigger_actions_on": listing(one_of("on_enter_pressed", "on_character_entered"))},
    rule=at_least_one("trigger_actions_on"),
)
CONVERSATION_FILTER = Shape(
    required={},
    optional={
        "include": listing(one_of("im", "mpim", "private", "public")),
        "exclude_external_shared_channels": boolean,
        "exclude_bot_users": boolean,
    },
    rule=at_least_one("include", "exclude_external_shared_channels", "exclude_bot_users"),
)

DATE = pattern(r"\d{4}-\d{2}-\d{2}", "a date of the form YYYY-MM-DD")
TIME = pattern(r"([01]\d|2[0-3]):[0-5]\d", "a time of the form HH:mm")
NUMBERS = r"-?\d+(\.\d+)?"
NUMBER = pattern(NUMBERS, "a number, as a string")
PLACEHOLDER = text("placeholder", "plain_text")
COMMON: Mapping[str, Check] = {"type": anything, "action_id": string("action_id")}
MENU: Mapping[str, Check] = {**COMMON, "placeholder": PLACEHOLDER, "confirm": CONFIRM, "focus_on_load": boolean}
MANY: Mapping[str, Check] = {**MENU, "max_selected_items": integer(1, 100)}
STATIC: Mapping[str, Check] = {
    "options": listing(OPTION, "select.options"),
    "option_groups": listing(OPTION_GROUP, "select.option_groups"),
}


def _initial_is_offered(value: Any, at: str, faults: Faults) -> None:
    """What is chosen in the beginning has to be one of the options, exactly."""
    groups = value.get("option_groups", [])
    offered = [*value.get("options", []), *(each for group in groups for each in group["options"])]
    chosen = [value["initial_option"]] if "initial_option" in value else value.get("initial_options", [])
    name = "initial_option" if "initial_option" in value else "initial_options"
    if any(each not in offered for each in chosen):
        faults.append(Fault("must match exactly one of the provided options", f"{at}/{name}"))


def _values_differ(value: Any, at: str, faults: Faults) -> None:
    values = [each["value"] for each in value["options"]]
    if len(values) != len(set(values)):
        faults.append(Fault("values of options must be unique", f"{at}/options"))


def _lengths_fit(value: Any, at: str, faults: Faults) -> None:
    if value.get("min_length", 0) > value.get("max_length", LIMITS["plain_text_input.length"]):
        faults.append(Fault("min_length must not be more than max_length", at))


def _numbers_fit(value: Any, at: str, faults: Faults) -> None:
    named = [name for name in ("initial_value", "min_value", "max_value") if name in value]
    if not value["is_decimal_allowed"] and any("." in value[name] for name in named):
        faults.append(Fault("decimals are not allowed here", at))
    if "min_value" in value and "max_value" in value and float(value["min_value"]) > float(value["max_value"]):
        faults.append(Fault("min_value must not be more than max_value", at))


def _select(initial: str, check: Check, **more: Check) -> Shape:
    return Shape(required={"type": anything}, optional={**MENU, initial: check, **more})


def _multi_select(initial: str, check: Check, **more: Check) -> Shape:
    return Shape(required={"type": anything}, optional={**MANY, initial: listing(check), **more})


_ONE_SOURCE = every(exactly_one("options", "option_groups"), _initial_is_offered)
_QUERY: Mapping[str, Check] = {"min_query_length": integer(0, 1_000)}
_CONVERSATIONS: Mapping[str, Check] = {"default_to_current_conversation": boolean, "filter": CONVERSATION_FILTER}
_FOR_RESPONSE: Mapping[str, Check] = {"response_url_enabled": boolean}

ELEMENTS: Mapping[str, Shape] = {
    "button": Shape(
        required={"type": anything, "text": text("button.text", "plain_text")},
        optional={
            "action_id": string("action_id"),
            "value": string("button.value"),
            "url": url("button.url"),
            "style": one_of("primary", "danger"),
            "confirm": CONFIRM,
            "accessibility_label": string("button.accessibility_label"),
        },
    ),
    "static_select": Shape(
        required={"type": anything}, optional={**MENU, **STATIC, "initial_option": OPTION}, rule=_ONE_SOURCE
    ),
    "external_select": _select("initial_option", OPTION, **_QUERY),
    "users_select": _select("initial_user", string()),
    "channels_select": _select("initial_channel", string(), **_FOR_RESPONSE),
    "conversations_select": _select("initial_conversation", string(), **_CONVERSATIONS, **_FOR_RESPONSE),
    "multi_static_select": Shape(
        required={"type": anything},
        optional={**MANY, **STATIC, "initial_options": listing(OPTION)},
        rule=_ONE_SOURCE,
    ),
    "multi_external_select": _multi_select("initial_options", OPTION, **_QUERY),
    "multi_users_select": _multi_select("initial_users", string()),
    "multi_channels_select": _multi_select("initial_channels", string()),
    "multi_conversations_select": _multi_select("initial_conversations", string(), **_CONVERSATIONS),
    "overflow": Shape(
        required={
            "type": anything,
            "options": listing(option("plain_text", url=url("option.url")), "overflow.options"),
        },
        optional={"action_id": string("action_id"), "confirm": CONFIRM},
        rule=_values_differ,
    ),
    "radio_buttons": Shape(
        required={"type": anything, "options": listing(RICH_OPTION, "radio_buttons.options")},
        optional={**COMMON, "initial_option": RICH_OPTION, "confirm": CONFIRM, "focus_on_load": boolean},
        rule=every(_values_differ, _initial_is_offered),
    ),
    "checkboxes": Shape(
        required={"type": anything, "options": listing(RICH_OPTION, "checkboxes.options")},
        optional={**COMMON, "initial_options": listing(RICH_OPTION), "confirm": CONFIRM, "focus_on_load": boolean},
        rule=every(_values_differ, _initial_is_offered),
    ),
    "datepicker": _select("initial_date", DATE),
    "timepicker": _select("initial_time", TIME, timezone=string()),
    "datetimepicker": Shape(
        required={"type": anything},
        optional={
            **COMMON,
            "initial_date_time": integer(1_000_000_000, 9_999_999_999),
            "confirm": CONFIRM,
            "focus_on_load": boolean,
        },
    ),
    "plain_text_input": Shape(
        required={"type": anything},
        optional={
            **COMMON,
            "initial_value": string("plain_text_input.length", minimum=0),
            "multiline": boolean,
            "min_length": integer(0, LIMITS["plain_text_input.length"]),
            "max_length": integer(1, LIMITS["plain_text_input.length"]),
            "dispatch_action_config": DISPATCH,
            "focus_on_load": boolean,
            "placeholder": PLACEHOLDER,
        },
        rule=_lengths_fit,
    ),
    "number_input": Shape(
        required={"type": anything, "is_decimal_allowed": boolean},
        optional={
            **COMMON,
            "initial_value": NUMBER,
            "min_value": NUMBER,
            "max_value": NUMBER,
            "dispatch_action_config": DISPATCH,
            "focus_on_load": boolean,
            "placeholder": PLACEHOLDER,
        },
        rule=_numbers_fit,
    ),
    "image": Shape(
        required={"type": anything, "alt_text": string("image.alt_text")},
        optional={"image_url": url("image.image_url"), "slack_file": SLACK_FILE},
        rule=exactly_one("image_url", "slack_file"),
    ),
}

# What the app lists when Slack asks for the entries of an external menu; an empty list says that there are none.
SUGGESTED = Shape(
    required={},
    optional={
        "options": listing(OPTION, "select.options", minimum=0),
        "option_groups": listing(
            Shape(
                required={
                    "label": text("option_group.label", "plain_text"),
                    "options": listing(OPTION, "select.options", minimum=0),
                },
                optional={},
            ),
            "select.option_groups",
            minimum=0,
        ),
    },
)

SELECTS = frozenset({"static_select", "external_select", "users_select", "channels_select", "conversations_select"})
MULTI_SELECTS = frozenset(f"multi_{name}" for name in SELECTS)
PICKERS = frozenset({"datepicker", "timepicker"})
CHOICES = frozenset({"radio_buttons", "checkboxes"})

# block → the elements that may stand in it
IN_ACTIONS = {"button", "overflow", "datetimepicker"} | SELECTS | PICKERS | CHOICES
IN_SECTION = {"button", "overflow", "image"} | SELECTS | MULTI_SELECTS | PICKERS | CHOICES
IN_INPUT = {"plain_text_input", "number_input", "datetimepicker"} | SELECTS | MULTI_SELECTS | PICKERS | CHOICES
