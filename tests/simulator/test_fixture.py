"""What the fixture `slack` offers to the tests of Tocsin."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest
from slack_sdk import WebClient

from tests.simulator.conftest import App, button, row, section
from tests.simulator.test_response_urls import use
from tests.slack_fixture import Slack, through_wsgi
from tests.waiting import until
from tocsin.simulator.judge import SECONDS, Answer, faults_of


@dataclass
class Somebody:
    slack_user_id: str


def test_a_card_is_found_by_its_issue_and_the_newest_wins(slack: Slack, bot: WebClient) -> None:
    assert not slack.card(1)
    assert slack.card(1).buttons == []
    with pytest.raises(LookupError):
        slack.card(1).message  # noqa: B018 - reading it is the test
    bot.chat_postMessage(channel="C0ALERTS", text="old", blocks=[row(button(label="Old"))])
    bot.chat_postMessage(channel="C0ALERTS", text="other", blocks=[row(button(label="Other"), issue=2)])
    posted = bot.chat_postMessage(channel="C0ALERTS", text="new", blocks=[section("*Title*"), row(button(label="New"))])
    card = slack.card(1)
    assert card
    assert (card.ts, card.buttons, card.text) == (posted["ts"], ["New"], "*Title*\nNew")
    assert card.message["text"] == "new"
    assert not slack.card(1, "alerts-classic")


def test_a_click_brings_what_its_person_is_whispered(slack: Slack, bot: WebClient) -> None:
    bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[row(button())])
    bot.chat_postEphemeral(channel="C0ALERTS", user="U0ALICE", text="from before")

    def whisper(path: str, headers: Any, body: bytes) -> tuple[int, dict[str, str], bytes]:
        bot.chat_postEphemeral(channel="C0ALERTS", user="U0ALICE", text="because of the click")
        return 200, {}, b""

    slack.connect(deliver=whisper)
    card = slack.card(1)
    assert card.click("Go", as_=Somebody("U0ALICE"))["judgement"]["ok"]
    assert [each["text"] for each in card.whispers] == ["because of the click"]
    with pytest.raises(LookupError, match="no button 'Stop'"):
        card.click("Stop", as_="U0ALICE")


def test_a_request_reaches_a_wsgi_application_whole(slack: Slack, bot: WebClient) -> None:
    seen: dict[str, Any] = {}

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        seen.update(environ, body=environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        start_response("200 OK", [("Content-Length", "0")])
        return [b""]

    bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[row(button())])
    slack.connect(deliver=through_wsgi(application), path="/slack/interactive")
    result = slack.card(1).click("Go", as_="U0ALICE")
    assert result["status"] == 200
    assert (seen["REQUEST_METHOD"], seen["PATH_INFO"]) == ("POST", "/slack/interactive")
    assert seen["CONTENT_TYPE"] == "application/x-www-form-urlencoded"
    assert seen["HTTP_X_SLACK_SIGNATURE"].startswith("v0=")
    assert seen["body"].startswith(b"payload=")


def test_a_process_can_be_killed_while_a_click_is_on_its_way(slack: Slack, bot: WebClient) -> None:
    slack.expect_faults()
    bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[row(button())])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        slack.connect(f"http://127.0.0.1:{listener.getsockname()[1]}/slack/interactive")

        def kill() -> None:
            connection, _ = listener.accept()
            connection.close()

        result = slack.card(1).click("Go", as_="U0ALICE", kill=kill)
    assert result["status"] == 0
    assert "no answer" in result["judgement"]["faults"][0]


def test_a_wrong_answer_fails_the_test_unless_it_is_expected(slack: Slack, bot: WebClient, app: App) -> None:
    app.status = 500
    bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[row(button())])
    slack.card(1).click("Go", as_="U0ALICE")
    with pytest.raises(pytest.fail.Exception, match="answered 500"):
        slack.fail_if_judged()
    slack.expect_faults()
    slack.fail_if_judged()


def test_an_answer_may_take_less_than_three_seconds() -> None:
    for seconds, faults in ((SECONDS - 0.01, 0), (SECONDS, 1)):
        answer = Answer(status=200, headers={}, seconds=seconds)
        assert len(faults_of("block_actions", answer, {}, is_genuine=True)) == faults


def test_people_write_and_clocks_move(slack: Slack, bot: WebClient, app: App) -> None:
    ts = slack.say("hello", as_=Somebody("U0BOB"))
    slack.say("there", as_="U0BOB", thread=ts)
    assert [each["text"] for each in slack.messages("alerts", thread=ts)] == ["there"]
    bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[row(button())])
    url = slack.card(1).click("Go", as_="U0ALICE")["payload"]["response_url"]
    slack.advance(31 * 60)
    assert use(url, text="late")[0] == 404


def test_a_waiting_page_does_not_keep_it_from_ending() -> None:
    own = Slack()
    own.start()
    host, port = own.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as page:
        page.sendall(b"GET /control/changes?since=999 HTTP/1.1\r\nHost: x\r\n\r\n")
        page.settimeout(0.2)
        with pytest.raises(TimeoutError):
            page.recv(1)
        ending = threading.Thread(target=own.stop)
        ending.start()
        until(lambda: not ending.is_alive(), seconds=5, what="the server to end")
