"""Events that the app does not take are told again; over HTTP nobody waits for the app."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.signature import SignatureVerifier

from tests.simulator.conftest import App, section
from tests.simulator.test_control import control
from tests.slack_fixture import Slack
from tests.waiting import until
from tocsin.simulator.events import Attempt
from tocsin.simulator.judge import SECONDS

URL = "https://tocsin.example/issues/1/"


@pytest.fixture(autouse=True)
def domains(slack: Slack) -> None:
    slack.change_app(unfurl_domains=["tocsin.example"])


def retries(received: list[tuple[str, dict[str, str], bytes]]) -> list[tuple[str | None, str | None]]:
    return [(headers.get("X-Slack-Retry-Num"), headers.get("X-Slack-Retry-Reason")) for _, headers, _ in received]


# --- again and again -------------------------------------------------------------------------------------------------
def test_an_app_that_fails_is_told_again_at_once_and_after_one_and_five_minutes(slack: Slack, app: App) -> None:
    slack.expect_faults()
    app.status = 500
    slack.post(URL, as_="U0ALICE")
    assert retries(app.received) == [(None, None), ("1", "http_error")]
    slack.advance(59)
    assert len(app.received) == 2
    slack.advance(1)
    assert retries(app.received)[2:] == [("2", "http_error")]
    slack.advance(299)
    assert len(app.received) == 3
    slack.advance(1)
    slack.advance(10_000)
    assert retries(app.received)[3:] == [("3", "http_error")]
    assert len({body for _, _, body in app.received}) == 1, "the same event, with the same id"
    verifier = SignatureVerifier(slack.signing_secret)
    assert all(verifier.is_valid_request(body, headers) for _, headers, body in app.received)
    assert [entry.get("X-Slack-Retry-Num") for entry in slack.journal("event_callback")] == [None, "1", "2", "3"]


def test_an_app_that_has_taken_it_is_told_no_more(slack: Slack, app: App) -> None:
    slack.expect_faults()
    app.status = 503
    slack.post(URL, as_="U0ALICE")
    app.status = 201
    slack.advance(60)
    slack.advance(10_000)
    assert len(app.received) == 3


def test_an_app_may_say_that_it_wants_no_more_of_it(slack: Slack) -> None:
    slack.expect_faults()
    received: list[bytes] = []

    def refuse(path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        received.append(body)
        return 500, {"x-slack-no-retry": "1"}, b""

    slack.connect(deliver=refuse)
    slack.post(URL, as_="U0ALICE")
    slack.advance(10_000)
    assert len(received) == 1


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ({"status": 200, "seconds": SECONDS}, "http_timeout"),
        ({"status": 0, "seconds": 0.1}, "connection_failed"),
        ({"status": 302, "seconds": 0.1}, "http_error"),
    ],
)
def test_the_reason_is_one_of_slacks(slack: Slack, app: App, result: dict[str, Any], reason: str) -> None:
    further = slack.do(slack.simulation.events.after, Attempt(event={}), {"headers": {}, **result})
    assert further is not None
    assert further.reason == reason


def test_an_event_that_slack_has_not_signed_has_to_be_refused(slack: Slack, app: App) -> None:
    app.status = 401
    ((result),) = slack.post(URL, as_="U0ALICE", signing="stale").results
    assert result["judgement"]["ok"]
    app.status = 200
    slack.expect_faults()
    assert not slack.post(URL, as_="U0ALICE", signing="bad_secret").results[0]["judgement"]["ok"]
    slack.advance(10_000)
    assert len(app.received) == 2


# --- over HTTP -------------------------------------------------------------------------------------------------------
@dataclass
class Listening:
    """An app on a port of its own that answers with `status`, when `may_answer` is set."""

    status: int = 200
    may_answer: threading.Event = field(default_factory=threading.Event)
    received: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def listening(slack: Slack) -> Iterator[Listening]:
    app = Listening()
    app.may_answer.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            app.received.append((self.path, dict(self.headers), body))
            app.may_answer.wait(20)
            self.send_response(app.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing: the simulator keeps a journal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    slack.connect(f"http://127.0.0.1:{server.server_port}/slack/interactive")
    yield app
    app.may_answer.set()
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_message_is_posted_whatever_the_app_does(slack: Slack, bot: WebClient, listening: Listening) -> None:
    listening.may_answer.clear()
    ts = control(slack, "post", {"as": "U0ALICE", "channel": "alerts", "text": URL})["ts"]
    until(lambda: listening.received, what="the event")
    bot.chat_unfurl(channel="C0ALERTS", ts=ts, unfurls={URL: {"blocks": [section()]}})
    listening.may_answer.set()
    until(lambda: slack.journal("event_callback")[0]["status"] == 200, what="the answer to be written down")
    ((path, headers, _),) = listening.received
    assert (path, headers["Content-Type"]) == ("/slack/events", "application/json")
    assert slack.messages()[-1]["attachments"][0]["app_unfurl_url"] == URL


def test_the_clock_brings_the_retries(slack: Slack, listening: Listening) -> None:
    slack.expect_faults()
    listening.status = 500
    control(slack, "post", {"as": "U0ALICE", "channel": "alerts", "text": URL})
    until(lambda: len(listening.received) == 2, what="the retry at once")
    until(lambda: len(slack.judgements()) == 2, what="its answer")
    control(slack, "clock", {"advance": 60})
    until(lambda: len(listening.received) == 3, what="the next")


def test_an_app_may_have_an_address_for_events_alone(slack: Slack, listening: Listening) -> None:
    base = slack.simulation.workspace.app.request_url.rpartition("/")[0]
    told = control(slack, "app", {"events_url": f"{base}/told", "request_url": ""})
    assert told["events_url"] == f"{base}/told"
    assert slack.post(URL, as_="U0ALICE").results[0]["judgement"]["ok"]
    assert [path for path, _, _ in listening.received] == ["/slack/told"]


def test_what_is_being_written_is_shown_to_who_writes_it(slack: Slack, bot: WebClient, listening: Listening) -> None:
    unfurl_id = control(slack, "compose", {"as": "U0ALICE", "text": f"look: {URL}"})["unfurl_id"]
    until(lambda: listening.received, what="the event")
    assert json.loads(listening.received[0][2])["event"]["unfurl_id"] == unfurl_id
    unfurls = {URL: {"preview": {"title": {"type": "plain_text", "text": "Issue 1"}}}}
    bot.chat_unfurl(unfurl_id=unfurl_id, source="composer", unfurls=unfurls)
    previews = [{"unfurl_id": unfurl_id, "unfurls": unfurls}]
    assert control(slack, "state?as=U0ALICE")["previews"] == previews
    assert control(slack, "state?as=U0BOB")["previews"] == []
    assert control(slack, "compose", {"as": "U0NOBODY", "text": URL})["status"] == 404
    assert control(slack, "compose", {"as": "U0ALICE", "text": "no link"})["unfurl_id"] == ""
