"""The table of limits, row by row: what just fits is taken, one more is refused, and Slack says where."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.models import blocks as models
from slack_sdk.models.dialogs import DialogBuilder, DialogStaticSelector, DialogTextArea, DialogTextField
from slack_sdk.models.views import View

from tests.simulator.conftest import button, row, section
from tests.slack_fixture import Slack
from tocsin.simulator.limits import LIMITS

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def option(text: str = "text", value: str = "value", **more: Any) -> Json:
    return {"text": plain(text), "value": value, **more}


def options(count: int) -> list[Json]:
    return [option(value=str(number)) for number in range(count)]


def select(**more: Any) -> Json:
    return {"type": "static_select", "action_id": "s", **({"options": options(1)} | more)}


def grouped(groups: list[Json]) -> Json:
    return {"type": "static_select", "action_id": "s", "option_groups": groups}


def confirm(**more: str) -> Json:
    texts = {"title": "t", "text": "t", "confirm": "c", "deny": "d", **more}
    return button(confirm={name: plain(text) for name, text in texts.items()})


def image(**more: str) -> Json:
    return {"type": "image", "alt_text": "alt", "image_url": "https://example.com/i.png", **more}


def field(**more: Any) -> Json:
    element = {"type": "plain_text_input", "action_id": "p"}
    return {"type": "input", "label": plain("label"), "element": element, **more}


def address(length: int) -> str:
    return "https://example.com/".ljust(length, "a")


def table(rows: int, columns: int, characters: int = 1) -> Json:
    cells = [{"type": "raw_text", "text": "x" * characters} for _ in range(columns)]
    return {"type": "table", "rows": [cells for _ in range(rows)]}


def legacy(**action: Any) -> Json:
    return {"callback_id": "c", "actions": [{"name": "n", "text": "t", "type": "button", **action}]}


def menu(**more: Any) -> Json:
    return legacy(type="select", **more)


@dataclass(frozen=True, slots=True)
class Case:
    """What `make(n)` gives has n characters or items of what the limit is about; `pointer` is where it is refused."""

    method: str
    make: Callable[[int], Json]
    pointer: str
    error: str = "invalid_blocks"


def block(make: Callable[[int], Json], pointer: str) -> Case:
    return Case("chat.postMessage", lambda n: {"text": "t", "blocks": [make(n)]}, f"/blocks/0{pointer}")


def element(make: Callable[[int], Json], pointer: str) -> Case:
    return block(lambda n: row(make(n)), f"/elements/0{pointer}")


def attachment(make: Callable[[int], Json], pointer: str) -> Case:
    def args(n: int) -> Json:
        return {"text": "t", "attachments": [make(n)]}

    return Case("chat.postMessage", args, f"/attachments/0{pointer}", error="invalid_attachments")


def view(make: Callable[[int], Json], pointer: str) -> Case:
    def args(n: int) -> Json:
        return {"view": {"type": "modal", "title": plain("t"), "blocks": [section()], **make(n)}}

    return Case("views.open", args, f"/view{pointer}", error="invalid_arguments")


def message(make: Callable[[int], Json], pointer: str, error: str, method: str = "chat.postMessage") -> Case:
    return Case(method, make, pointer, error)


CASES: dict[str, Case] = {
    "update.text": message(lambda n: {"text": "x" * n}, "", "msg_too_long", "chat.update"),
    "markdown_text": message(lambda n: {"markdown_text": "x" * n}, "", "msg_too_long"),
    "message.blocks": message(lambda n: {"text": "t", "blocks": [section()] * n}, "/blocks", "invalid_blocks"),
    "message.attachments": message(
        lambda n: {"text": "t", "attachments": [{"text": "a"}] * n}, "", "too_many_attachments"
    ),
    "metadata.bytes": message(lambda n: {"text": "t", "metadata": _metadata_of(n)}, "/metadata", "metadata_too_large"),
    "view.blocks": view(lambda n: {"blocks": [section()] * n}, "/blocks"),
    "view.bytes": Case("views.open", lambda n: {"view": _view_of(n)}, "", error="view_too_large"),
    "view.title": view(lambda n: {"title": plain("x" * n)}, "/title/text"),
    "view.submit": view(lambda n: {"submit": plain("x" * n)}, "/submit/text"),
    "view.close": view(lambda n: {"close": plain("x" * n)}, "/close/text"),
    "view.private_metadata": view(lambda n: {"private_metadata": "x" * n}, "/private_metadata"),
    "view.callback_id": view(lambda n: {"callback_id": "x" * n}, "/callback_id"),
    "view.external_id": view(lambda n: {"external_id": "x" * n}, "/external_id"),
    "text": block(lambda n: {"type": "context", "elements": [plain("x" * n)]}, "/elements/0/text"),
    "block_id": block(lambda n: {"type": "divider", "block_id": "x" * n}, "/block_id"),
    "action_id": element(lambda n: button("x" * n), "/action_id"),
    "section.text": block(lambda n: section("x" * n), "/text/text"),
    "section.fields": block(lambda n: {"type": "section", "fields": [plain("x")] * n}, "/fields"),
    "section.field": block(lambda n: {"type": "section", "fields": [plain("x" * n)]}, "/fields/0/text"),
    "header.text": block(lambda n: {"type": "header", "text": plain("x" * n)}, "/text/text"),
    "context.elements": block(lambda n: {"type": "context", "elements": [plain("x")] * n}, "/elements"),
    "actions.elements": block(lambda n: row(*(button(f"b{number}") for number in range(n))), "/elements"),
    "image.alt_text": block(lambda n: image(alt_text="x" * n), "/alt_text"),
    "image.image_url": block(lambda n: image(image_url=address(n)), "/image_url"),
    "image.title": block(lambda n: image() | {"title": plain("x" * n)}, "/title/text"),
    "input.label": block(lambda n: field(label=plain("x" * n)), "/label/text"),
    "input.hint": block(lambda n: field(hint=plain("x" * n)), "/hint/text"),
    "markdown.text": block(lambda n: {"type": "markdown", "text": "x" * n}, "/text"),
    "table.rows": block(lambda n: table(n, 1), "/rows"),
    "table.columns": block(lambda n: table(1, n), "/rows"),
    "table.characters": block(lambda n: table(1, 1, n), ""),
    "alert.text": view(lambda n: {"blocks": [{"type": "alert", "text": plain("x" * n)}]}, "/blocks/0/text/text"),
    "button.text": element(lambda n: button(label="x" * n), "/text/text"),
    "button.value": element(lambda n: button(value="x" * n), "/value"),
    "button.url": element(lambda n: button(url=address(n)), "/url"),
    "button.accessibility_label": element(lambda n: button(accessibility_label="x" * n), "/accessibility_label"),
    "placeholder": element(lambda n: select(placeholder=plain("x" * n)), "/placeholder/text"),
    "select.options": element(lambda n: select(options=options(n)), "/options"),
    "select.option_groups": element(
        lambda n: grouped([{"label": plain("g"), "options": options(1)}] * n), "/option_groups"
    ),
    "option.text": element(lambda n: select(options=[option("x" * n)]), "/options/0/text/text"),
    "option.value": element(lambda n: select(options=[option(value="x" * n)]), "/options/0/value"),
    "option.description": element(
        lambda n: select(options=[option(description=plain("x" * n))]), "/options/0/description/text"
    ),
    "option.url": element(lambda n: {"type": "overflow", "options": [option(url=address(n))]}, "/options/0/url"),
    "option_group.label": element(
        lambda n: grouped([{"label": plain("x" * n), "options": options(1)}]), "/option_groups/0/label/text"
    ),
    "overflow.options": element(lambda n: {"type": "overflow", "options": options(n)}, "/options"),
    "radio_buttons.options": element(lambda n: {"type": "radio_buttons", "options": options(n)}, "/options"),
    "checkboxes.options": element(lambda n: {"type": "checkboxes", "options": options(n)}, "/options"),
    "confirm.title": element(lambda n: confirm(title="x" * n), "/confirm/title/text"),
    "confirm.text": element(lambda n: confirm(text="x" * n), "/confirm/text/text"),
    "confirm.confirm": element(lambda n: confirm(confirm="x" * n), "/confirm/confirm/text"),
    "confirm.deny": element(lambda n: confirm(deny="x" * n), "/confirm/deny/text"),
    "plain_text_input.length": block(
        lambda n: field(element={"type": "plain_text_input", "initial_value": "x" * n}), "/element/initial_value"
    ),
    "attachment.actions": attachment(lambda n: {"callback_id": "c", "actions": legacy()["actions"] * n}, "/actions"),
    "attachment.footer": attachment(lambda n: {"text": "a", "footer": "x" * n}, "/footer"),
    "attachment.callback_id": attachment(lambda n: legacy() | {"callback_id": "x" * n}, "/callback_id"),
    "attachment.action.value": attachment(lambda n: legacy(value="x" * n), "/actions/0/value"),
    "attachment.action.options": attachment(
        lambda n: menu(options=[{"text": "t", "value": "v"}] * n), "/actions/0/options"
    ),
    "attachment.action.option.text": attachment(
        lambda n: menu(options=[{"text": "x" * n, "value": "v"}]), "/actions/0/options/0/text"
    ),
    "attachment.action.option.value": attachment(
        lambda n: menu(options=[{"text": "t", "value": "x" * n}]), "/actions/0/options/0/value"
    ),
}


def dialog(make: Callable[[int], Json]) -> Case:
    """A dialog with these fields; a fault of it is told without a pointer."""
    return Case("dialog.open", lambda n: {"dialog": _dialog(**make(n))}, "", "validation_errors")


def typed(make: Callable[[int], Json], kind: str = "text") -> Case:
    """The same with an element of this kind that has these fields."""
    return dialog(lambda n: {"elements": [_dialog_element(type=kind, **make(n))]})


def _dialog(**more: Any) -> Json:
    return {"title": "t", "callback_id": "c", "elements": [_dialog_element()], **more}


def _dialog_element(**more: Any) -> Json:
    return {"type": "text", "name": "n", "label": "l", **more}


def _labelled(**more: str) -> Json:
    return {"label": "l", "value": "v", **more}


CASES |= {
    "dialog.title": dialog(lambda n: {"title": "x" * n}),
    "dialog.callback_id": dialog(lambda n: {"callback_id": "x" * n}),
    "dialog.submit_label": dialog(lambda n: {"submit_label": "x" * n}),
    "dialog.state": dialog(lambda n: {"state": "x" * n}),
    "dialog.elements": dialog(lambda n: {"elements": [_dialog_element(name=str(each)) for each in range(n)]}),
    "dialog.element.name": typed(lambda n: {"name": "x" * n}),
    "dialog.element.label": typed(lambda n: {"label": "x" * n}),
    "dialog.element.hint": typed(lambda n: {"hint": "x" * n}),
    "dialog.element.placeholder": typed(lambda n: {"placeholder": "x" * n}),
    "dialog.text": typed(lambda n: {"value": "x" * n}),
    "dialog.textarea": typed(lambda n: {"value": "x" * n}, "textarea"),
    "dialog.options": typed(lambda n: {"options": [_labelled()] * n}, "select"),
    "dialog.option.label": typed(lambda n: {"options": [_labelled(label="x" * n)]}, "select"),
    "dialog.option.value": typed(lambda n: {"options": [_labelled(value="x" * n)]}, "select"),
}
CUT = {"message.text"}  # longer text is cut
STACKED = {"view.stack"}  # in test_views: views_lie_upon_each_other
CONFIGURED = {
    *("app.shortcuts", "shortcut.name", "shortcut.callback_id", "shortcut.description"),  # in test_shortcuts
    "app.unfurl_domains",  # in test_unfurl_messages
    *("app.commands", "command.description", "command.usage_hint"),  # in test_slash_commands
}


def _metadata_of(size: int) -> Json:
    empty = {"event_type": "e", "event_payload": {"x": ""}}
    return {"event_type": "e", "event_payload": {"x": "x" * (size - len(json.dumps(empty)))}}


def _view_of(size: int) -> Json:
    def made(length: int) -> Json:
        blocks = [section("x" * 2_900) for _ in range(80)] + [section("x" * (length // 8 or 1)) for _ in range(8)]
        blocks[-1] = section("x" * (length - 7 * (length // 8) or 1))
        return {"type": "modal", "title": plain("t"), "blocks": blocks}

    base = len(json.dumps(made(8)))
    return made(size - base + 8)


def test_every_limit_has_a_case() -> None:
    assert CASES.keys() | CUT | STACKED | CONFIGURED == LIMITS.keys()


@pytest.fixture
def call(slack: Slack, bot: WebClient) -> Callable[[str, Json], Any]:
    """`call(method, args)`, with the channel, message or trigger that the method needs."""
    slack.loosen()
    posted = bot.chat_postMessage(channel="C0ALERTS", text="x")
    needed: dict[str, Callable[[], Json]] = {
        "chat.postMessage": lambda: {"channel": "C0ALERTS"},
        "chat.update": lambda: {"channel": "C0ALERTS", "ts": posted["ts"]},
        "views.open": lambda: {"trigger_id": slack.do(slack.simulation.workspace.triggers.issue, "U0ALICE")},
        "dialog.open": lambda: {"trigger_id": slack.do(slack.simulation.workspace.triggers.issue, "U0ALICE")},
    }
    slack.change_app(request_url="http://127.0.0.1/")
    return lambda method, args: bot.api_call(method, json={**needed[method](), **args})


@pytest.mark.parametrize("name", sorted(CASES))
def test_what_just_fits_is_taken_and_one_more_is_refused(call: Callable[[str, Json], Any], name: str) -> None:
    case, limit = CASES[name], LIMITS[name]
    assert call(case.method, case.make(limit))["ok"]
    with pytest.raises(SlackApiError) as refused:
        call(case.method, case.make(limit + 1))
    answer = refused.value.response
    assert answer["error"] == case.error
    if case.pointer:
        (said,) = answer["response_metadata"]["messages"]
        assert said.startswith("[ERROR] ")
        assert said.endswith(f"[json-pointer:{case.pointer}]")


def test_text_of_a_new_message_is_cut(slack: Slack, bot: WebClient) -> None:
    limit = LIMITS["message.text"]
    posted = bot.chat_postMessage(channel="C0ALERTS", text="x" * (limit + 1))
    assert posted["message"]["text"] == "x" * limit


# --- the numbers, against those of Slack's own package ----------------------------------------------------------------
PUBLISHED: dict[str, int] = {
    "confirm.title": models.ConfirmObject.title_max_length,
    "confirm.text": models.ConfirmObject.text_max_length,
    "confirm.confirm": models.ConfirmObject.confirm_max_length,
    "confirm.deny": models.ConfirmObject.deny_max_length,
    "option.text": models.Option.label_max_length,
    "option.value": models.Option.value_max_length,
    "option_group.label": models.OptionGroup.label_max_length,
    "select.options": models.StaticSelectElement.options_max_length,
    "select.option_groups": models.StaticSelectElement.option_groups_max_length,
    "overflow.options": models.OverflowMenuElement.options_max_length,
    "button.text": models.ButtonElement.text_max_length,
    "button.url": models.ButtonElement.url_max_length,
    "button.value": models.ButtonElement.value_max_length,
    "image.image_url": models.ImageElement.image_url_max_length,
    "image.alt_text": models.ImageElement.alt_text_max_length,
    "image.title": models.ImageBlock.title_max_length,
    "placeholder": models.InputInteractiveElement.placeholder_max_length,
    "action_id": models.InteractiveElement.action_id_max_length,
    "block_id": models.Block.block_id_max_length,
    "actions.elements": models.ActionsBlock.elements_max_length,
    "context.elements": models.ContextBlock.elements_max_length,
    "header.text": models.HeaderBlock.text_max_length,
    "input.label": models.InputBlock.label_max_length,
    "input.hint": models.InputBlock.hint_max_length,
    "markdown.text": models.MarkdownBlock.text_max_length,
    "section.fields": models.SectionBlock.fields_max_length,
    "section.text": models.SectionBlock.text_max_length,
    "view.title": View.title_max_length,
    "view.submit": View.submit_max_length,
    "view.close": View.close_max_length,
    "view.blocks": View.blocks_max_length,
    "view.private_metadata": View.private_metadata_max_length,
    "view.callback_id": View.callback_id_max_length,
    "dialog.title": DialogBuilder.title_max_length,
    "dialog.submit_label": DialogBuilder.submit_label_max_length,
    "dialog.state": DialogBuilder.state_max_length,
    "dialog.elements": DialogBuilder.elements_max_length,
    "dialog.element.name": DialogTextField.name_max_length,
    "dialog.element.label": DialogTextField.label_max_length,
    "dialog.element.hint": DialogTextField.hint_max_length,
    "dialog.element.placeholder": DialogTextField.placeholder_max_length,
    "dialog.text": DialogTextField.max_value_length,
    "dialog.textarea": DialogTextArea.max_value_length,
    "dialog.options": DialogStaticSelector.options_max_length,
}


def test_the_numbers_are_those_of_slacks_own_package() -> None:
    assert {name: LIMITS[name] for name in PUBLISHED} == PUBLISHED
