"""The workspace, a client of it as apps have one, and an app that can be told what to answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from slack_sdk import WebClient

from tests.slack_fixture import Slack


@pytest.fixture
def bot(slack: Slack) -> WebClient:
    """Slack's own client with the app's token; it tries nothing twice."""
    return WebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[])


@dataclass(slots=True)
class App:
    """Keeps what it is sent, and answers what it is told to."""

    status: int = 200
    body: bytes = b""
    listed: bytes = b'{"options": []}'  # for menus
    received: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def __call__(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        self.received.append((path, dict(headers), body))
        return self.status, {}, self.listed if path.endswith("/options") else self.body


@pytest.fixture
def app(slack: Slack) -> App:
    answering = App()
    slack.connect(deliver=answering)
    return answering


def button(action_id: str = "go", label: str = "Go", **more: Any) -> dict[str, Any]:
    return {"type": "button", "action_id": action_id, "text": {"type": "plain_text", "text": label}, **more}


def row(*elements: dict[str, Any], issue: int = 1) -> dict[str, Any]:
    """An actions block with the mark of an issue's card."""
    return {"type": "actions", "block_id": f'{{"issue":{issue}}}', "elements": list(elements)}


def section(text: str = "text", **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


# --- views -----------------------------------------------------------------------------------------------------------
def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def choice(text: str, value: str = "", **more: Any) -> dict[str, Any]:
    return {"text": plain(text), "value": value or text.lower(), **more}


def question(label: str, kind: str = "plain_text_input", *, element: Any = None, **more: Any) -> dict[str, Any]:
    """An input block that is named after its label; `element` is what its element has besides its type."""
    made = {"type": kind, "action_id": "value", **(element or {})}
    return {"type": "input", "block_id": label.lower(), "label": plain(label), "element": made, **more}


def modal(*blocks: dict[str, Any], title: str = "Title", **more: Any) -> dict[str, Any]:
    shown = list(blocks) or [section()]
    submit = {"submit": plain("Save")} if any(block["type"] == "input" for block in shown) else {}
    return {"type": "modal", "title": plain(title), "blocks": shown, **submit, **more}


@dataclass(slots=True, kw_only=True)
class Modals:
    """What opens, changes and stacks views in front of people, as the app does it after they clicked."""

    slack: Slack
    bot: WebClient

    def trigger(self, who: str = "U0ALICE") -> str:
        """Of a click in a message."""
        self.bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[row(button())])
        return str(self.slack.card(1).click("Go", as_=who)["payload"]["trigger_id"])

    def open(self, *blocks: dict[str, Any], who: str = "U0ALICE", **more: Any) -> dict[str, Any]:
        answer = self.bot.views_open(trigger_id=self.trigger(who), view=modal(*blocks, **more))
        return dict(answer["view"])

    def push(self, *blocks: dict[str, Any], who: str = "U0ALICE", **more: Any) -> dict[str, Any]:
        """Over a view that has a button "Further"."""
        trigger_id = self.slack.view(who).press("Further")["payload"]["trigger_id"]
        return dict(self.bot.views_push(trigger_id=trigger_id, view=modal(*blocks, **more))["view"])


@pytest.fixture
def modals(slack: Slack, bot: WebClient, app: App) -> Modals:
    return Modals(slack=slack, bot=bot)


FURTHER = row(button("further", "Further"), issue=9)
