"""The control API over HTTP, the page's files, and the command."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.error import HTTPError

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from tests.simulator.conftest import button, row
from tests.slack_fixture import Slack
from tests.waiting import until


def control(slack: Slack, path: str, body: Any = None, method: str | None = None) -> Any:
    """JSON from /control/…; a body makes it a POST. Errors are returned, too."""
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(
            urllib.request.Request(f"{slack.url}/control/{path}", data=data, method=method), timeout=30
        ) as answer:
            return json.load(answer)
    except HTTPError as refused:
        with refused:
            return json.load(refused) | {"status": refused.status}


def test_the_state_shows_what_a_person_sees(slack: Slack, bot: WebClient) -> None:
    bot.chat_postMessage(channel="C0OPS", text="private")
    bot.chat_postEphemeral(channel="C0ALERTS", user="U0ALICE", text="psst")
    everything, alices, eves = (control(slack, f"state{query}") for query in ("", "?as=U0ALICE", "?as=U0EVE"))
    assert everything["team"] == {"id": "T0TOCSIN", "name": "Tocsin Demo", "domain": "tocsin-demo"}
    assert [user["name"] for user in everything["users"]][:2] == ["alice", "bob"]
    assert everything["messages"]["C0ALERTS"][0]["_ephemeral_to"] == "U0ALICE"
    assert [each["text"] for each in alices["messages"]["C0OPS"]] == ["private"]
    assert len(alices["messages"]["C0ALERTS"]) == 1
    assert eves["messages"]["C0ALERTS"] == []
    names = {channel["name"]: channel for channel in eves["channels"]}
    assert names.keys() == {"alerts", "alerts-classic", "general", "old"}
    assert (names["old"]["is_archived"], names["old"]["is_member"], names["alerts"]["is_member"]) == (True, False, True)


def test_a_change_is_told_to_who_waits_for_it(slack: Slack, bot: WebClient) -> None:
    version = control(slack, "state")["version"]
    assert control(slack, f"changes?since={version - 1}")["version"] == version
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(control, slack, f"changes?since={version}")
        bot.chat_postMessage(channel="C0ALERTS", text="x")
        assert waiting.result(10)["version"] > version


class Recorder(BaseHTTPRequestHandler):
    """An app over HTTP that answers well, and would keep connections."""

    protocol_version = "HTTP/1.1"
    connections: ClassVar[set[Any]] = set()

    def do_POST(self) -> None:
        self.connections.add(self.client_address)
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Quiet."""


def test_a_click_goes_to_the_request_url_and_is_told_of(slack: Slack, bot: WebClient) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Recorder) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        control(slack, "app", {"request_url": f"http://127.0.0.1:{server.server_port}/interactive"})
        posted = bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[row(button())])
        where = {"as": "U0ALICE", "channel": "C0ALERTS", "ts": posted["ts"], "action_id": "go"}
        once = control(slack, "click", where)
        thrice = control(slack, "click", {**where, "times": 3, "at_once": True})
        server.shutdown()
    assert (once["status"], once["body"], once["judgement"]) == (200, "", {"ok": True, "faults": []})
    assert once["payload"]["actions"][0]["action_id"] == "go"
    assert [result["status"] for result in thrice["results"]] == [200] * 3
    entries = control(slack, "journal?method=block_actions")
    assert [(entry["direction"], entry["status"]) for entry in entries] == [("out", 200)] * 4
    assert control(slack, "judgements") == []
    assert len(Recorder.connections) == 4, "a connection that was kept would break when the app is restarted"


def test_a_click_on_nothing_is_refused_with_the_reason(slack: Slack, bot: WebClient) -> None:
    posted = bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[row(button())])
    where = {"as": "U0ALICE", "channel": "C0ALERTS", "ts": posted["ts"], "action_id": "stop"}
    assert control(slack, "click", where)["status"] == 404
    assert "no element 'stop'" in control(slack, "click", where)["error"]
    assert control(slack, "click", {**where, "action_id": "go", "as": "U0X"})["status"] == 404
    assert "signing mode" in control(slack, "click", {**where, "action_id": "go", "signing": "odd"})["error"]


def test_people_write_where_they_are_members(slack: Slack) -> None:
    assert control(slack, "post", {"as": "U0BOB", "channel": "alerts", "text": "a < b"})["channel"] == "C0ALERTS"
    assert [each["text"] for each in slack.messages("alerts")] == ["a &lt; b"]
    assert control(slack, "post", {"as": "U0EVE", "channel": "C0OPS", "text": "x"})["status"] == 404
    assert control(slack, "post", {"as": "U0BOB", "channel": "C0OLD", "text": "x"})["status"] == 404


def test_faults_are_planned_shown_released_and_cleared(slack: Slack, bot: WebClient) -> None:
    planned = control(slack, "faults", {"method": "chat.postMessage", "fault": {"kind": "pause_before"}})
    assert control(slack, "faults")["planned"] == [
        {"id": planned["id"], "method": "chat.postMessage", "kind": "pause_before", "left": 1}
    ]
    with ThreadPoolExecutor(1) as pool:
        posting = pool.submit(bot.chat_postMessage, channel="C0ALERTS", text="x")
        held = until(lambda: control(slack, "faults")["held"], what="the call to be held")
        assert not posting.done()
        assert held[0]["args"] == {"channel": "C0ALERTS", "text": "x"}
        assert control(slack, "release", {"id": held[0]["id"]}) == {"ok": True}
        assert posting.result(5)["ok"]
    assert control(slack, "release", {"id": held[0]["id"]})["status"] == 404
    assert "no fault of kind" in control(slack, "faults", {"method": "*", "fault": {"kind": "fire"}})["error"]
    control(slack, "faults", {"method": "*", "fault": {"kind": "html"}, "times": None})
    control(slack, "faults", method="DELETE")
    assert control(slack, "faults") == {"planned": [], "held": []}


def test_the_world_can_be_changed(slack: Slack) -> None:
    made = control(slack, "channel", {"do": "create", "name": "night-shift", "is_private": True})
    assert (made["id"], made["is_private"], made["is_member"]) == ("C0NIGHTSHIFT", True, True)
    assert control(slack, "channel", {"do": "rename", "channel": "night-shift", "name": "day"})["name"] == "day"
    assert control(slack, "channel", {"do": "archive", "channel": "day"})["is_archived"]
    assert control(slack, "channel", {"do": "kick", "channel": "day", "user": "U0BOB"})["members"].count("U0BOB") == 0
    assert control(slack, "channel", {"do": "delete", "channel": "day"})["id"] == "C0NIGHTSHIFT"
    assert control(slack, "channel", {"do": "explode", "channel": "day"})["status"] == 400
    assert control(slack, "user", {"id": "U0FRANK", "name": "frank"})["real_name"] == "Frank"
    assert control(slack, "user", {"id": "U0BOB", "deleted": True})["deleted"]
    assert "U0BOB" not in control(slack, "state")["channels"][0]["members"]
    before = control(slack, "clock", {"stop": True})["now"]
    assert control(slack, "clock", {"advance": 60})["now"] == before + 60
    assert control(slack, "limits", {"enforced": False}) == {"enforced": False}
    assert control(slack, "app", {"colour": "red"}) == {"error": "unknown: colour", "status": 400}
    assert control(slack, "app", {"scopes": ["chat:write"]})["scopes"] == ["chat:write"]


def test_the_journal_has_every_call_in_order(slack: Slack, bot: WebClient) -> None:
    bot.auth_test()
    posted = bot.chat_postMessage(channel="C0ALERTS", text="x")
    entries = control(slack, "journal")
    assert [(entry["n"], entry["method"], entry["status"]) for entry in entries] == [
        (1, "auth.test", 200),
        (2, "chat.postMessage", 200),
    ]
    assert entries[1]["args"] == {"channel": "C0ALERTS", "text": "x"}
    assert entries[1]["answer"]["ts"] == entries[1]["ts"] == posted["ts"]
    assert control(slack, "journal?since=1&method=chat.postMessage") == entries[1:]
    assert slack.bot_token not in json.dumps(entries)


def test_the_journal_numbers_effects_in_the_order_they_were_taken(slack: Slack, bot: WebClient) -> None:
    held = slack.pause("chat.postMessage", "before")
    with ThreadPoolExecutor(1) as thread:
        slow = thread.submit(bot.chat_postMessage, channel="C0ALERTS", text="first")
        held.wait_reached()
        bot.chat_postMessage(channel="C0ALERTS", text="second")
        held.release()
        slow.result()
    with pytest.raises(SlackApiError):
        bot.chat_postMessage(channel="C0NOWHERE", text="third")
    entries = control(slack, "journal?method=chat.postMessage")
    assert [(entry["args"]["text"], entry.get("effect")) for entry in entries] == [
        ("first", 2),
        ("second", 1),
        ("third", None),
    ]


def test_pages_forbid_everything_from_elsewhere(slack: Slack) -> None:
    with urllib.request.urlopen(f"{slack.url}/control/state") as answer:
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    for path in ("page/../seed.py", "page/%2e%2e/seed.py", "page/nothing.js"):
        with pytest.raises(HTTPError) as refused:
            urllib.request.urlopen(f"{slack.url}/{path}")
        with refused.value as missing:
            assert missing.status == 404


def test_the_command_says_where_it_listens_and_ends_when_told(slack: Slack) -> None:
    options = ["--json", "--port", "0", "--signing-secret", "s", "--bot-token", "xoxb-1"]
    process = subprocess.Popen([sys.executable, "-m", "tocsin.simulator", *options], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout as output:
        told = json.loads(output.readline())
        client = WebClient(token="xoxb-1", base_url=told["api_url"])
        assert client.auth_test()["team_id"] == told["team_id"] == "T0TOCSIN"
        assert told["channels"] == {"alerts": "C0ALERTS", "classic": "C0CLASSIC"}
        assert told["users"]["alice"] == "U0ALICE"
        assert told["url"] + "api/" == told["api_url"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0


def test_a_taken_port_is_told_in_one_sentence(slack: Slack) -> None:
    port = slack.url.rpartition(":")[2]
    command = [sys.executable, "-m", "tocsin.simulator", "--port", port]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 1
    assert f"127.0.0.1:{port}" in ended.stderr
    assert "Traceback" not in ended.stderr
