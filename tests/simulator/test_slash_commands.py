"""Slash commands: configured by the app's owner, typed by people, and what becomes of the answer."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

import pytest

from tests.simulator.conftest import App
from tests.simulator.test_control import control
from tests.simulator.test_response_urls import use
from tests.slack_fixture import Slack
from tocsin.simulator.fields import NotThere
from tocsin.simulator.limits import LIMITS

OURS = {"command": "/ours", "description": "Does it", "usage_hint": "[help]"}


@pytest.fixture
def app(slack: Slack, app: App) -> App:
    slack.change_app(commands=[OURS, {"command": "/escaping", "should_escape": True}])
    return app


def test_what_the_app_hears(slack: Slack, app: App) -> None:
    result = slack.command("U0ALICE", "/ours  do <this> & that", channel="ops-private")
    payload = result["payload"]
    assert payload.keys() == {
        *("token", "team_id", "team_domain", "channel_id", "channel_name", "user_id", "user_name", "command", "text"),
        *("api_app_id", "is_enterprise_install", "response_url", "trigger_id"),
    }
    assert (payload["command"], payload["text"]) == ("/ours", "do <this> & that")
    assert (payload["channel_id"], payload["channel_name"]) == ("C0OPS", "privategroup")
    assert (payload["user_id"], payload["team_id"], payload["is_enterprise_install"]) == (
        "U0ALICE",
        "T0TOCSIN",
        "false",
    )
    ((path, headers, body),) = app.received
    assert (path, headers["Content-Type"]) == ("/slack/commands", "application/x-www-form-urlencoded")
    assert {name: values[0] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()} == payload
    assert result["judgement"]["ok"]


def test_people_and_channels_become_ids_where_the_app_wants_it(slack: Slack, app: App) -> None:
    typed = "/escaping a@b.c @alice #alerts #ops-private @nobody <x> #a"
    text = slack.command("U0ALICE", typed)["payload"]["text"]
    assert text == "a@b.c <@U0ALICE|alice> <#C0ALERTS|alerts> <#C0OPS|> @nobody &lt;x&gt; #a"
    assert slack.command("U0ALICE", "/ours @alice")["payload"]["text"] == "@alice"


def test_the_answer_is_shown_to_who_typed_it(slack: Slack, app: App) -> None:
    app.body = json.dumps({"text": "only *you*", "replace_original": False}).encode()
    assert slack.command("U0ALICE", "/ours")["judgement"]["ok"]
    (shown,) = slack.ephemerals("U0ALICE")
    assert shown["text"] == "only *you*"
    assert slack.messages() == []
    app.body = b"plain text"
    slack.command("U0BOB", "/ours")
    assert slack.ephemerals("U0BOB")[-1]["text"] == "plain text"
    app.body = b""
    slack.command("U0CAROL", "/ours")
    assert slack.ephemerals("U0CAROL") == []


def test_an_answer_for_all_shows_what_was_typed(slack: Slack, app: App) -> None:
    app.body = json.dumps({"response_type": "in_channel", "text": "for all"}).encode()
    assert slack.command("U0ALICE", "/ours do it")["judgement"]["ok"]
    typed, said = slack.messages()
    assert (typed["user"], typed["text"]) == ("U0ALICE", "/ours do it")
    assert (said["text"], said["bot_id"]) == ("for all", "B0TOCSIN")
    app.body = b'{"response_type": "in_channel"}'
    assert slack.command("U0ALICE", "/ours")["judgement"]["ok"]
    assert [message["text"] for message in slack.messages()][2:] == ["/ours"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"response_type": "loud", "text": "x"}',
        b'{"text": "x", "colour": "red"}',
        json.dumps({"text": "x", "blocks": [{"type": "actions", "elements": []}]}).encode(),
        b'{"response_type": "ephemeral"}',
    ],
)
def test_an_answer_that_slack_does_not_take_is_judged(slack: Slack, app: App, body: bytes) -> None:
    slack.expect_faults()
    app.body = body
    assert not slack.command("U0ALICE", "/ours")["judgement"]["ok"]
    assert slack.ephemerals("U0ALICE") == []
    (judged,) = slack.judgements()
    assert (judged["type"], judged["user"]) == ("slash_command", "U0ALICE")


def test_its_response_url_answers_later_and_its_trigger_opens_a_view(slack: Slack, app: App) -> None:
    payload = slack.command("U0ALICE", "/ours")["payload"]
    assert "/commands/" in payload["response_url"]
    assert use(payload["response_url"], text="later")[0] == 200
    assert slack.ephemerals("U0ALICE")[-1]["text"] == "later"


@pytest.mark.parametrize(
    ("who", "line", "channel", "why"),
    [
        ("U0ALICE", "/theirs", "alerts", "/theirs is not a command"),
        ("U0ALICE", "", "alerts", "is not a command"),
        ("U0ALICE", "/ours", "old", "cannot write there"),
        ("U0EVE", "/ours", "secret", "cannot write there"),
    ],
)
def test_what_cannot_be_typed(slack: Slack, app: App, who: str, line: str, channel: str, why: str) -> None:
    with pytest.raises(NotThere, match=why):
        slack.command(who, line, channel)
    assert app.received == []


def test_commands_are_not_offered_in_threads_nor_without_their_scope(slack: Slack, app: App) -> None:
    with pytest.raises(NotThere, match="not offered in threads"):
        slack.command("U0ALICE", "/ours", thread_ts=slack.say("hello", as_="U0ALICE"))
    slack.change_app(scopes=["chat:write"])
    with pytest.raises(NotThere, match="not a command"):
        slack.command("U0ALICE", "/ours")


def test_what_just_fits_is_taken_and_one_more_is_refused(slack: Slack) -> None:
    for name in ("description", "usage_hint"):
        most = LIMITS[f"command.{name}"]
        slack.change_app(commands=[{"command": "/ours", name: "x" * most}])
        with pytest.raises(NotThere, match=name):
            slack.change_app(commands=[{"command": "/ours", name: "x" * (most + 1)}])
    slack.change_app(commands=[OURS] * LIMITS["app.commands"])


@pytest.mark.parametrize(
    "wrong", [[{"command": "ours"}], [{"command": "/Ours"}], [{"command": "/ours", "url": "x"}], [OURS] * 51, "x"]
)
def test_what_an_owner_cannot_configure(slack: Slack, wrong: object) -> None:
    with pytest.raises(NotThere):
        slack.change_app(commands=wrong)


def test_by_the_control_api(slack: Slack, app: App) -> None:
    control(slack, "app", {"request_url": "", "commands": [OURS]})
    answer = control(slack, "click", {"as": "U0ALICE", "do": "command", "channel": "alerts", "text": "/ours"})
    assert answer["judgement"]["faults"] == ["no answer: the app has no request URL"]
    slack.expect_faults()


def test_a_forged_one_has_to_be_refused(slack: Slack, app: App) -> None:
    slack.expect_faults()
    assert not slack.command("U0ALICE", "/ours", signing="bad_secret")["judgement"]["ok"]
