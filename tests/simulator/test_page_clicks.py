"""Using cards on the simulator's page: what is sent, and what the person sees until and after the app answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Locator, Page, expect
from slack_sdk import WebClient

from tests.simulator.conftest import button, row, section
from tests.slack_fixture import Slack
from tests.waiting import until

CONFIRM = {
    "title": {"type": "plain_text", "text": "Delete & forget?"},
    "text": {"type": "mrkdwn", "text": "It is *gone* then."},
    "confirm": {"type": "plain_text", "text": "Delete it"},
    "deny": {"type": "plain_text", "text": "Keep it"},
}


class Answering:
    """An app on a port of its own. It answers with `status` and `body`, when `may_answer` is set."""

    def __init__(self) -> None:
        self.status, self.body = 200, b""
        self.listed = b'{"options": []}'  # for menus
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.payloads: list[dict[str, Any]] = []
        self.actions: list[dict[str, Any]] = []
        app = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                command = {name: values[0] for name, values in form.items()}
                payload = json.loads(command["payload"]) if "payload" in command else {"type": "command", **command}
                app.payloads.append(payload)
                app.actions += payload.get("actions", [])
                app.may_answer.wait(20)
                body = app.listed if payload["type"].endswith("_suggestion") else app.body
                self.send_response(app.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Nothing: the simulator keeps a journal."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"


@pytest.fixture
def answering(slack: Slack) -> Iterator[Answering]:
    app = Answering()
    thread = threading.Thread(target=app.server.serve_forever)
    thread.start()
    slack.connect(app.url)
    yield app
    app.may_answer.set()
    app.server.shutdown()
    thread.join()
    app.server.server_close()


def shown(page: Page, slack: Slack, bot: WebClient, *elements: dict[str, Any]) -> Locator:
    """A message with these elements, on the page."""
    posted = bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[section(), row(*elements)])
    page.goto(slack.url)
    message = page.locator(f'#messages [data-ts="{posted["ts"]}"]')
    expect(message).to_be_visible()
    return message


def test_a_button_is_pending_until_the_app_answers(
    slack: Slack, bot: WebClient, answering: Answering, page: Page
) -> None:
    message = shown(page, slack, bot, button(value="7"))
    answering.may_answer.clear()
    go = message.get_by_role("button", name="Go")
    go.click()
    expect(go).to_have_attribute("aria-busy", "true")
    go.click()
    answering.may_answer.set()
    expect(go).not_to_have_attribute("aria-busy", "true")
    expect(go).to_be_focused()
    assert [(action["action_id"], action["value"]) for action in answering.actions] == [("go", "7")], "sent once"
    expect(message.get_by_role("alert")).to_have_count(0)


def test_a_wrong_answer_is_told_at_the_button_until_the_next_press(
    slack: Slack, bot: WebClient, answering: Answering, page: Page
) -> None:
    slack.expect_faults()
    message = shown(page, slack, bot, button())
    answering.status = 500
    message.get_by_role("button", name="Go").click()
    expect(message.get_by_role("alert")).to_contain_text("Tocsin answered with status 500.")
    answering.status = 200
    message.get_by_role("button", name="Go").click()
    expect(message.get_by_role("alert")).to_have_count(0)


def test_an_answer_that_slack_does_not_take_is_told(
    slack: Slack, bot: WebClient, answering: Answering, page: Page
) -> None:
    slack.expect_faults()
    message = shown(page, slack, bot, button())
    answering.body = b"ok"
    message.get_by_role("button", name="Go").click()
    expect(message.get_by_role("alert")).to_contain_text("Tocsin gave an answer that Slack does not take.")
    expect(message.get_by_role("alert")).to_contain_text("an empty body")


def test_after_three_seconds_the_app_is_late(slack: Slack, bot: WebClient, answering: Answering, page: Page) -> None:
    slack.expect_faults()
    message = shown(page, slack, bot, button())
    answering.may_answer.clear()
    message.get_by_role("button", name="Go").click()
    expect(message.get_by_role("alert")).to_contain_text("Tocsin takes too long to answer.")
    answering.may_answer.set()
    expect(message.get_by_role("alert")).to_contain_text("Tocsin took too long to answer.")


def test_an_app_that_is_away_is_told(slack: Slack, bot: WebClient, page: Page) -> None:
    slack.expect_faults()
    slack.connect("")
    message = shown(page, slack, bot, button())
    message.get_by_role("button", name="Go").click()
    expect(message.get_by_role("alert")).to_contain_text("Tocsin did not answer.")


def test_a_link_button_opens_a_tab_and_sends_the_click(
    slack: Slack, bot: WebClient, answering: Answering, page: Page
) -> None:
    message = shown(page, slack, bot, button("open", "Open", url=f"{slack.url}/?a=1&b=2"))
    with page.expect_popup() as opened:
        message.get_by_role("link", name="Open").click()
    assert opened.value.url == f"{slack.url}/?a=1&b=2"
    expect(message.get_by_role("link", name="Open")).not_to_have_attribute("aria-busy", "true")
    assert [action["action_id"] for action in answering.actions] == ["open"]


def test_a_dangerous_button_asks_first_and_escape_means_no(
    slack: Slack, bot: WebClient, answering: Answering, page: Page
) -> None:
    message = shown(page, slack, bot, button("delete", "Delete", style="danger", confirm=CONFIRM))
    delete, dialog = message.get_by_role("button", name="Delete"), page.get_by_role("dialog", name="Delete & forget?")
    delete.click()
    expect(dialog).to_contain_text("It is gone then.")
    dialog.get_by_role("button", name="Delete it").click()
    until(lambda: answering.actions, what="the click")
    expect(delete).not_to_have_attribute("aria-busy", "true")
    delete.click()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    delete.click()
    dialog.get_by_role("button", name="Keep it").click()
    expect(dialog).to_be_hidden()
    assert [action["action_id"] for action in answering.actions] == ["delete"]


def test_a_menu_sends_what_was_chosen_and_keeps_it(
    slack: Slack, bot: WebClient, answering: Answering, page: Page
) -> None:
    options = [{"text": {"type": "plain_text", "text": name}, "value": name.lower()} for name in ("High", "Low")]
    message = shown(
        page,
        slack,
        bot,
        {
            "type": "static_select",
            "action_id": "priority",
            "placeholder": {"type": "plain_text", "text": "Priority"},
            "option_groups": [{"label": {"type": "plain_text", "text": "Levels"}, "options": options}],
        },
        {"type": "users_select", "action_id": "ask", "placeholder": {"type": "plain_text", "text": "Ask"}},
    )
    for name, value in (("Priority", "low"), ("Ask", "U0BOB")):
        menu = message.get_by_label(name)
        menu.select_option(value)
        expect(menu).not_to_have_attribute("aria-busy", "true")
        expect(menu).to_have_value(value)
    assert answering.actions[0]["selected_option"]["value"] == "low"
    assert answering.actions[1]["selected_user"] == "U0BOB"


def test_the_overflow_menu_is_used_with_the_keyboard(
    slack: Slack, bot: WebClient, answering: Answering, page: Page
) -> None:
    options = [{"text": {"type": "plain_text", "text": name}, "value": name.lower()} for name in ("Comment", "Mute")]
    message = shown(page, slack, bot, {"type": "overflow", "action_id": "more", "options": options})
    opener = message.get_by_role("button", name="More actions")
    opener.press("Enter")
    expect(message.get_by_role("menuitem", name="Comment")).to_be_focused()
    page.keyboard.press("Escape")
    expect(message.get_by_role("menu")).to_be_hidden()
    expect(opener).to_be_focused()
    opener.press("Enter")
    page.keyboard.press("ArrowDown")
    expect(message.get_by_role("menuitem", name="Mute")).to_be_focused()
    page.keyboard.press("Enter")
    expect(message.get_by_role("menu")).to_be_hidden()
    expect(opener).not_to_have_attribute("aria-busy", "true")
    assert [action["selected_option"]["value"] for action in answering.actions] == ["mute"]


def test_a_click_is_the_acting_persons(slack: Slack, bot: WebClient, answering: Answering, page: Page) -> None:
    message = shown(page, slack, bot, button())
    page.get_by_label("Act as").select_option("U0DAVE")
    expect(page.locator("#text")).to_have_attribute("placeholder", "Message #alerts as Dave")
    message.get_by_role("button", name="Go").click()
    expect(message.get_by_role("button", name="Go")).not_to_have_attribute("aria-busy", "true")
    (entry,) = slack.journal("block_actions")
    assert entry["args"]["user"]["id"] == "U0DAVE"
