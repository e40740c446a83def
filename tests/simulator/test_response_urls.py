"""response_urls: five uses, thirty minutes, and what they do to messages."""

from __future__ import annotations

import json
import urllib.request
from typing import Any
from urllib.error import HTTPError

import pytest
from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient

from tests.simulator.conftest import App, button, row, section
from tests.slack_fixture import Slack


@pytest.fixture
def url(slack: Slack, bot: WebClient, app: App) -> str:
    """What alice's click on a card in #alerts came with."""
    bot.chat_postMessage(channel="C0ALERTS", text="card", blocks=[row(button())])
    found: str = slack.card(1).click("Go", as_="U0ALICE")["payload"]["response_url"]
    return found


def use(url: str, **body: Any) -> tuple[int, str]:
    """Status and body."""
    asked = urllib.request.Request(url, data=json.dumps(body).encode(), headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(asked) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


def texts(messages: list[dict[str, Any]]) -> list[str]:
    return [message["text"] for message in messages]


def test_an_answer_is_a_whisper_unless_it_says_otherwise(slack: Slack, url: str) -> None:
    assert use(url, text="psst") == (200, "ok")
    assert texts(slack.ephemerals("U0ALICE", "alerts")) == ["psst"]
    assert slack.ephemerals("U0BOB") == []
    assert use(url, text="everybody", response_type="in_channel") == (200, "ok")
    assert texts(slack.messages("alerts")) == ["card", "everybody"]


def test_slacks_own_client_gets_along(slack: Slack, url: str) -> None:
    answer = WebhookClient(url).send(text="psst", blocks=[section()], replace_original=False)
    assert (answer.status_code, answer.body) == (200, "ok")


def test_the_original_is_replaced_or_deleted(slack: Slack, url: str) -> None:
    assert use(url, replace_original=True, text="new")[0] == 200
    (message,) = slack.messages("alerts")
    assert message["text"] == "new"
    assert "blocks" not in message
    assert use(url, delete_original=True)[0] == 200
    assert slack.messages("alerts") == []


def test_delete_with_a_text_deletes_and_then_posts(slack: Slack, url: str) -> None:
    use(url, delete_original=True, text="instead", response_type="in_channel")
    assert texts(slack.messages("alerts")) == ["instead"]


def test_an_ephemeral_message_is_replaced_by_its_own_url(slack: Slack, url: str) -> None:
    use(url, text="psst", blocks=[row(button("more", "More"))])
    (whisper,) = slack.ephemerals("U0ALICE")
    clicked = slack.click({"as": "U0ALICE", "channel": "C0ALERTS", "ts": whisper["ts"], "action_id": "more"})
    use(clicked["payload"]["response_url"], replace_original=True, text="changed")
    assert texts(slack.ephemerals("U0ALICE")) == ["changed"]
    assert texts(slack.messages("alerts")) == ["card"]


def test_an_answer_may_go_into_the_thread(slack: Slack, url: str) -> None:
    ts = slack.card(1).ts
    use(url, text="below", response_type="in_channel", replace_original=False, thread_ts=ts)
    assert texts(slack.card(1).replies()) == ["below"]


def test_no_membership_is_needed(slack: Slack, url: str) -> None:
    slack.change_channel("alerts", "kick")
    assert use(url, text="still here", response_type="in_channel")[0] == 200


def test_five_uses_are_all(slack: Slack, url: str) -> None:
    slack.loosen()
    assert [use(url, text=str(number))[0] for number in range(6)] == [200] * 5 + [404]
    assert len(slack.ephemerals("U0ALICE")) == 5


def test_it_lives_for_half_an_hour(slack: Slack, url: str) -> None:
    slack.advance(29 * 60)
    assert use(url, text="x")[0] == 200
    slack.advance(61)
    assert use(url, text="x") == (404, '{"ok": false, "error": "expired_url"}')
    assert use(f"{url}x", text="x")[0] == 404


def test_how_the_end_is_told_can_be_set(slack: Slack, url: str) -> None:
    slack.simulation.workspace.app.response_url_gone = {"status": 410, "error": "used_url"}
    slack.advance(3600)
    assert use(url, text="x") == (410, '{"ok": false, "error": "used_url"}')


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"text": "x", "colour": "red"}, "invalid_arguments"),
        ({"text": "x", "link_names": True}, "invalid_arguments"),
        ({"text": "x", "response_type": "loud"}, "invalid_arguments"),
        ({"text": "x", "replace_original": True, "thread_ts": "1.000000"}, "invalid_arguments"),
        ({"text": ""}, "no_text"),
        ({"blocks": [section("")]}, "invalid_blocks"),
    ],
)
def test_what_is_no_message_is_refused(slack: Slack, url: str, body: dict[str, Any], error: str) -> None:
    status, answer = use(url, **body)
    assert (status, json.loads(answer)["error"]) == (400, error)
    assert slack.ephemerals("U0ALICE") == []


@pytest.mark.parametrize(
    ("body", "content_type"), [(b"{", "application/json"), (b"[]", "application/json"), (b"text=x", "text/plain")]
)
def test_what_is_no_json_object_is_refused(slack: Slack, url: str, body: bytes, content_type: str) -> None:
    asked = urllib.request.Request(url, data=body, headers={"Content-Type": content_type})
    with pytest.raises(HTTPError) as refused:
        urllib.request.urlopen(asked)
    with refused.value as answer:
        assert (answer.code, json.load(answer)["error"]) == (400, "invalid_payload")


def test_answers_have_their_pace_too(slack: Slack, bot: WebClient, app: App, url: str) -> None:
    slack.simulation.workspace.clock.stop()
    assert [use(url, text="x")[0] for _ in range(5)] == [200, 200, 200, 200, 429]
    slack.advance(1)
    assert use(url, text="x")[0] == 200


def test_every_use_stands_in_the_journal(slack: Slack, url: str) -> None:
    use(url, text="psst")
    (entry,) = slack.journal("response_url")
    assert (entry["direction"], entry["args"], entry["status"]) == ("in", {"text": "psst"}, 200)
    assert url.endswith(entry["path"])
