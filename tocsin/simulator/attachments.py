"""Attachments of old: their fields, their buttons and menus."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tocsin.simulator.shapes import (
    Check,
    Fault,
    Faults,
    Shape,
    anything,
    boolean,
    every,
    integer,
    listing,
    one_of,
    pattern,
    string,
    url,
)

ANY_TEXT = string(minimum=0)
CONFIRM = Shape(
    required={"text": string()},
    optional={"title": ANY_TEXT, "ok_text": ANY_TEXT, "dismiss_text": ANY_TEXT},
)
OPTION = Shape(
    required={"text": string("attachment.action.option.text"), "value": string("attachment.action.option.value")},
    optional={"description": ANY_TEXT},
)
OPTION_GROUP = Shape(
    required={"text": string("attachment.action.option.text"), "options": listing(OPTION, "attachment.action.options")},
    optional={},
)
# What the app lists when Slack asks for the entries of an external menu; an empty list says that there are none.
LISTED = Shape(
    required={},
    optional={
        "options": listing(OPTION, "attachment.action.options", minimum=0),
        "option_groups": listing(
            Shape(
                required={
                    "text": string("attachment.action.option.text"),
                    "options": listing(OPTION, "attachment.action.options", minimum=0),
                },
                optional={},
            ),
            minimum=0,
        ),
        "selected_options": listing(anything, minimum=0),
    },
)
FIELD = Shape(required={}, optional={"title": ANY_TEXT, "value": ANY_TEXT, "short": boolean})


def _has_its_parts(value: Any, at: str, faults: Faults) -> None:
    """A menu has options or a source of them; a button has none."""
    is_menu = value["type"] == "select"
    stray = {"options", "option_groups", "data_source", "selected_options", "min_query_length"} & value.keys()
    if not is_menu and stray:
        faults.append(Fault(f"a button has no {', '.join(sorted(stray))}", at))
    if is_menu and value.get("data_source", "static") == "static" and not stray & {"options", "option_groups"}:
        faults.append(Fault("missing required field: options", at))


ACTION = Shape(
    required={"name": string(minimum=0), "text": string(), "type": one_of("button", "select")},
    optional={
        "id": string(),
        "value": string("attachment.action.value", minimum=0),
        "style": one_of("default", "primary", "danger", ""),
        "url": url("button.url"),
        "confirm": CONFIRM,
        "options": listing(OPTION, "attachment.action.options"),
        "option_groups": listing(OPTION_GROUP, "attachment.action.options"),
        "data_source": one_of("static", "users", "channels", "conversations", "external"),
        "selected_options": listing(anything),
        "min_query_length": integer(0, 1_000),
    },
    rule=_has_its_parts,
)


def _actions_have_a_callback_id(value: Any, at: str, faults: Faults) -> None:
    if value.get("actions") and not value.get("callback_id"):
        faults.append(Fault("missing required field: callback_id", at))


def _names_no_stranger(value: Any, at: str, faults: Faults) -> None:
    strange = set(value.get("mrkdwn_in", [])) - {"text", "pretext", "fields", "title", "fallback", "footer", "value"}
    if strange:
        faults.append(Fault(f"unknown field: {', '.join(sorted(strange))}", f"{at}/mrkdwn_in"))


_TEXTS: Mapping[str, Check] = dict.fromkeys(
    ("fallback", "pretext", "author_name", "author_subname", "title", "text", "attachment_type"), ANY_TEXT
)
_LINKS: Mapping[str, Check] = dict.fromkeys(
    ("author_link", "author_icon", "title_link", "image_url", "thumb_url", "footer_icon", "from_url"),
    url("image.image_url"),
)


def _time(value: Any, at: str, faults: Faults) -> None:
    """Seconds since 1970, as a number or as text."""
    try:
        float(value)
    except (TypeError, ValueError):
        faults.append(Fault("must be a time in seconds", at))


ATTACHMENT = Shape(
    required={},
    optional={
        **_TEXTS,
        **_LINKS,
        "id": integer(1, 100),
        "color": pattern(r"#?[0-9a-fA-F]{6}|good|warning|danger", "a colour"),
        "footer": string("attachment.footer", minimum=0),
        "fields": listing(FIELD, minimum=0),
        "mrkdwn_in": listing(string(), minimum=0),
        "ts": _time,
        "callback_id": string("attachment.callback_id"),
        "actions": listing(ACTION, "attachment.actions", minimum=0),
        "blocks": anything,
    },
    rule=every(_actions_have_a_callback_id, _names_no_stranger),
)
