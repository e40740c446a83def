"""What Slack refuses in a dialog, and how it says so: sentences that name the field, or the element by its place.

https://docs.slack.dev/reference/methods/dialog.open
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tocsin.simulator.limits import LIMITS

# A rule is called with a field's name and its value, and says what is wrong: "field `title` cannot be …".
Rule = Callable[[str, Any], Iterator[str]]
SUBTYPES = ("email", "number", "tel", "url")
SOURCES = ("static", "users", "channels", "conversations", "external")


def without_nulls(value: Any) -> Any:
    """What is null was not given."""
    if isinstance(value, list):
        return [without_nulls(each) for each in value]
    if isinstance(value, dict):
        return {name: without_nulls(each) for name, each in value.items() if each is not None}
    return value


def faults_of_dialog(dialog: Any) -> list[str]:
    """One sentence for each fault of a dialog without nulls; an empty list when there is none."""
    if not isinstance(dialog, dict):
        return ["The dialog must be an object"]
    return [*(f"The {fault}" for fault in _of_the_whole(dialog)), *_of_elements(dialog.get("elements"))]


# --- rules -----------------------------------------------------------------------------------------------------------
def anything(name: str, value: Any) -> Iterator[str]:
    yield from ()


def text(limit: str) -> Rule:
    def rule(name: str, value: Any) -> Iterator[str]:
        if not isinstance(value, str):
            yield f"field `{name}` must be a string"
        elif len(value) > LIMITS[limit]:
            yield f"field `{name}` cannot be longer than {LIMITS[limit]} characters"

    return rule


def _submit_label(name: str, value: Any) -> Iterator[str]:
    """Slack's sentences call it `submit_button`."""
    yield from text("dialog.submit_label")("submit_button", value)
    if isinstance(value, str) and len(value.split()) != 1:
        yield "field `submit_button` can only be one word"


def flag(name: str, value: Any) -> Iterator[str]:
    if not isinstance(value, bool):
        yield f"field `{name}` must be a boolean"


def number(least: int, most: int) -> Rule:
    def rule(name: str, value: Any) -> Iterator[str]:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            yield f"field `{name}` must be between {least} and {most} (inclusive)"

    return rule


def one_of(*allowed: str) -> Rule:
    def rule(name: str, value: Any) -> Iterator[str]:
        if value not in allowed:
            yield f"has an invalid `{name}`"

    return rule


def _elements(name: str, value: Any) -> Iterator[str]:
    if not isinstance(value, list):
        yield "field `elements` must be a list"
    elif not value:
        yield "field `elements` has to include at least one element"
    elif len(value) > LIMITS["dialog.elements"]:
        yield "field `elements` cannot include more than ten elements"


# --- options ---------------------------------------------------------------------------------------------------------
def _options(name: str, value: Any) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"field `{name}` must be a list"
        return
    if not value:
        yield f"field `{name}` must have at least one option"
    if len(value) > LIMITS["dialog.options"]:
        yield f"field `{name}` must have no more than {LIMITS['dialog.options']} options"
    for item in value:
        yield from _of_option(name, item)


def _of_option(name: str, item: Any) -> Iterator[str]:
    if not isinstance(item, dict):
        yield f"`{name}` item must be an object"
        return
    for part in ("label", "value"):
        given, most = item.get(part), LIMITS[f"dialog.option.{part}"]
        if not given:
            yield f"`{name}` item is missing required field `{part}`"
        elif not isinstance(given, str):
            yield f"`{name}` item `{part}` field must be a string"
        elif len(given) > most:
            yield f"`{name}` item `{part}` field cannot exceed {most} characters"
    for strange in item.keys() - {"label", "value"}:
        yield f"`{name}` item has no field `{strange}`"


def _option_groups(name: str, value: Any) -> Iterator[str]:
    if not isinstance(value, list) or not value or not all(isinstance(group, dict) for group in value):
        yield f"field `{name}` must be a list of groups"
        return
    for group in value:
        if group.keys() != {"label", "options"}:
            yield f"`{name}` item must have the fields `label` and `options`"
            return
        yield from text("dialog.option.label")("label", group["label"])
        yield from _options("options", group["options"])
    if sum(len(group["options"]) for group in value if isinstance(group["options"], list)) > LIMITS["dialog.options"]:
        yield f"field `{name}` must have no more than {LIMITS['dialog.options']} options"


def offered(element: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The options that the app has put into a menu, those in groups too."""
    groups = element.get("option_groups", [])
    return [*element.get("options", []), *(each for group in groups for each in group["options"])]


# --- the dialog and its elements -------------------------------------------------------------------------------------
WHOLE: Mapping[str, Rule] = {
    "title": text("dialog.title"),
    "callback_id": text("dialog.callback_id"),
    "elements": _elements,
    "submit_label": _submit_label,
    "state": text("dialog.state"),
    "notify_on_cancel": flag,
}
_COMMON: Mapping[str, Rule] = {
    "type": anything,
    "name": text("dialog.element.name"),
    "label": text("dialog.element.label"),
    "placeholder": text("dialog.element.placeholder"),
    "optional": flag,
}


def _typed(limit: str) -> Mapping[str, Rule]:
    return {
        **_COMMON,
        "hint": text("dialog.element.hint"),
        "subtype": one_of(*SUBTYPES),
        "min_length": number(0, LIMITS[limit]),
        "max_length": number(1, LIMITS[limit]),
        "value": text(limit),
    }


KINDS: Mapping[str, Mapping[str, Rule]] = {
    "text": _typed("dialog.text"),
    "textarea": _typed("dialog.textarea"),
    "select": {
        **_COMMON,
        "data_source": one_of(*SOURCES),
        "options": _options,
        "option_groups": _option_groups,
        "selected_options": _options,
        "value": text("dialog.option.value"),
        "min_query_length": number(0, 1_000),
    },
}


def _of_the_whole(dialog: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"field `{name}` is required" for name in ("title", "callback_id", "elements") if _lacks(dialog, name))
    yield from _of_fields(dialog, WHOLE, "dialog has no field")


def _lacks(value: Mapping[str, Any], name: str) -> bool:
    return bool(value.get(name, "") == "")


def _of_fields(value: Mapping[str, Any], rules: Mapping[str, Rule], strange: str) -> Iterator[str]:
    for name, each in value.items():
        if name not in rules:
            yield f"{strange} `{name}`"
        else:
            yield from rules[name](name, each)


def _of_elements(elements: Any) -> Iterator[str]:
    seen: list[Any] = []
    for index, element in enumerate(elements if isinstance(elements, list) else []):
        yield from (f"Element {index} {fault}" for fault in _of_element(element))
        name = element.get("name") if isinstance(element, dict) else None
        if name and name in seen:
            yield f"Element {index} has a repeated name"
        seen.append(name)


def _of_element(element: Any) -> Iterator[str]:
    if not isinstance(element, dict):
        yield "must be an object"
        return
    missing = [name for name in ("type", "name", "label") if _lacks(element, name)]
    yield from (f"is missing required field `{name}`" for name in missing)
    kind = element.get("type")
    if "type" in missing:
        return
    if not isinstance(kind, str) or kind not in KINDS:
        yield "has an invalid `type`"
        return
    faults = list(_of_fields(element, KINDS[kind], "has no field"))
    yield from faults or (_of_choice if kind == "select" else _of_lengths)(element)


def _of_lengths(element: Mapping[str, Any]) -> Iterator[str]:
    if element.get("min_length", 0) > element.get("max_length", LIMITS[f"dialog.{element['type']}"]):
        yield "field `min_length` must not be more than `max_length`"


def _of_choice(element: Mapping[str, Any]) -> Iterator[str]:
    """A menu of its own options has some, and begins with one of them."""
    if element.get("data_source", "static") != "static":
        return
    if ("options" in element) == ("option_groups" in element):
        yield "must have either `options` or `option_groups`"
    values = [option["value"] for option in offered(element)]
    if element.get("value") and element["value"] not in values:
        yield "field `value` must be that of one of the options"
