"""Whether an answer about a dialog is one that Slack takes; if not, why, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tocsin.simulator.limits import LIMITS


def faults_of_submission(body: bytes, payload: Mapping[str, Any]) -> list[str]:
    """Nothing at all, or errors, each at an element of that dialog."""
    if not body:
        return []
    asked = _object(body)
    if asked is None or asked.keys() != {"errors"}:
        return ["a dialog_submission is answered with nothing at all, or with a JSON object of errors"]
    errors = asked["errors"]
    if not isinstance(errors, list) or not errors:
        return ["errors has to be a list with at least one error"]
    return [fault for each in errors for fault in _of_error(each, payload["submission"])]


def _of_error(error: Any, submission: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(error, dict) or error.keys() != {"name", "error"} or not _are_texts(error.values()):
        yield f"an error has a name and an error, both texts; not {error!r}"
    elif error["name"] not in submission:
        yield f"there is no element {error['name']!r} to show an error at"


def faults_of_suggestion(body: bytes) -> list[str]:
    """`options` or `option_groups`, with `label` where newer menus have `text`; none at all is an empty list."""
    asked = _object(body)
    if asked is None or len(asked) != 1 or not {"options", "option_groups"} & asked.keys():
        return ["a menu of a dialog is answered with options or with option_groups, and nothing else"]
    faults = list(_of_options(asked["options"]) if "options" in asked else _of_groups(asked["option_groups"]))
    if not faults and (count := _count(asked)) > LIMITS["dialog.options"]:
        faults.append(f"no more than {LIMITS['dialog.options']} options are allowed, and there are {count}")
    return faults


def _count(asked: Mapping[str, Any]) -> int:
    if "options" in asked:
        return len(asked["options"])
    return sum(len(group["options"]) for group in asked["option_groups"])


def _of_groups(groups: Any) -> Iterator[str]:
    if not isinstance(groups, list):
        yield "option_groups has to be a list"
        return
    for group in groups:
        if not isinstance(group, dict) or group.keys() != {"label", "options"}:
            yield f"a group has a label and options, and nothing else; not {group!r}"
            continue
        yield from _of_text("label", group["label"])
        yield from _of_options(group["options"])


def _of_options(options: Any) -> Iterator[str]:
    if not isinstance(options, list):
        yield "options has to be a list"
        return
    for option in options:
        yield from faults_of_option(option)


def faults_of_option(option: Any) -> Iterator[str]:
    if not isinstance(option, dict) or option.keys() != {"label", "value"}:
        yield f"an option of a dialog has a label and a value, and nothing else; not {option!r}"
        return
    for name in ("label", "value"):
        yield from _of_text(name, option[name])


def _of_text(name: str, text: Any) -> Iterator[str]:
    most = LIMITS[f"dialog.option.{name}"]
    if not isinstance(text, str) or not 0 < len(text) <= most:
        yield f"{name} has to be a text of 1 to {most} characters; not {text!r}"


def _are_texts(values: Any) -> bool:
    return all(isinstance(value, str) and value for value in values)


def _object(body: bytes) -> Mapping[str, Any] | None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
