"""Links that an app unfurls: the event, chat.unfurl, what is shown below a link, and using it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from tests.simulator.conftest import App, button, row, section
from tests.simulator.test_legacy import RESOLVE, attachment
from tests.simulator.test_response_urls import use
from tests.slack_fixture import Slack

URL = "https://tocsin.example/issues/1/?a=1&b=2"
STORED = URL.replace("&", "&amp;")

# What Slack sends when a link is shared, as the references have it.
ENVELOPE = {
    *("token", "team_id", "context_team_id", "context_enterprise_id", "api_app_id", "event", "type", "event_id"),
    *("event_time", "authorizations", "is_ext_shared_channel", "event_context"),
}
EVENT = {
    *("type", "user", "channel", "message_ts", "links", "source", "unfurl_id", "is_bot_user_member", "event_ts"),
}


@pytest.fixture(autouse=True)
def domains(slack: Slack, app: App) -> None:
    slack.change_app(unfurl_domains=["tocsin.example"])


def events(slack: Slack) -> list[dict[str, Any]]:
    return [entry["args"]["event"] for entry in slack.journal("event_callback")]


def test_a_link_in_a_domain_of_the_app_is_told_once(slack: Slack, app: App) -> None:
    posting = slack.post(f"see {URL} and again {URL} and https://elsewhere.example/", as_="U0ALICE")
    ((path, headers, body),) = app.received
    assert (path, headers["Content-Type"]) == ("/slack/events", "application/json")
    told = json.loads(body)
    assert told.keys() == ENVELOPE
    assert told["event"].keys() == EVENT
    assert told["event"]["links"] == [{"domain": "tocsin.example", "url": STORED}]
    assert (told["event"]["channel"], told["event"]["message_ts"]) == ("C0ALERTS", posting.ts)
    assert (told["event"]["source"], told["event"]["user"]) == ("conversations_history", "U0ALICE")


def test_subdomains_belong_to_a_domain_and_lookalikes_do_not(slack: Slack, app: App) -> None:
    slack.post("https://acme.tocsin.example/x https://eviltocsin.example/ https://tocsin.example.evil/", as_="U0ALICE")
    assert [link["url"] for event in events(slack) for link in event["links"]] == ["https://acme.tocsin.example/x"]


def test_without_the_scope_or_a_link_nothing_is_told(slack: Slack, app: App) -> None:
    slack.post("nothing to see", as_="U0ALICE")
    slack.change_app(scopes=["chat:write"])
    slack.post(URL, as_="U0ALICE")
    assert app.received == []


def test_a_reply_names_its_thread(slack: Slack, app: App) -> None:
    parent = slack.say("hello", as_="U0ALICE")
    slack.post(URL, as_="U0ALICE", thread=parent)
    assert events(slack)[0]["thread_ts"] == parent


def test_an_event_may_be_answered_with_anything_that_says_yes(slack: Slack, app: App) -> None:
    app.status, app.body = 204, b"whatever"
    assert slack.post(URL, as_="U0ALICE").results[0]["judgement"]["ok"]
    slack.expect_faults()
    app.status = 500
    assert not slack.post(URL, as_="U0ALICE").results[0]["judgement"]["ok"]


# --- chat.unfurl -----------------------------------------------------------------------------------------------------
def unfurl(bot: WebClient, ts: str, content: dict[str, Any], url: str = STORED) -> None:
    bot.chat_unfurl(channel="C0ALERTS", ts=ts, unfurls={url: content})


def shown(slack: Slack) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = slack.messages()[-1].get("attachments", [])
    return found


def test_what_the_app_sends_stands_below_the_message_and_replaces_itself(
    slack: Slack, bot: WebClient, app: App
) -> None:
    ts = slack.post(URL, as_="U0ALICE").ts
    unfurl(bot, ts, {"blocks": [section("one")]})
    unfurl(bot, ts, {"blocks": [section("two"), row(button(value="7"))]})
    (there,) = shown(slack)
    assert (there["id"], there["is_app_unfurl"], there["app_unfurl_url"]) == (1, True, STORED)
    assert there["blocks"][0]["text"]["text"] == "two"
    assert slack.messages()[-1]["user"] == "U0ALICE"


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ({"blocks": [{"type": "nonsense"}]}, "invalid_blocks"),
        ({"blocks": [{"type": "rich_text", "elements": []}]}, "invalid_blocks"),
        ({"blocks": [section("x")], "text": "x"}, "cannot_parse_attachment"),
        ({"text": 5}, "cannot_parse_attachment"),
        ("text", "invalid_unfurls_format"),
    ],
)
def test_what_slack_does_not_show_is_refused(slack: Slack, bot: WebClient, app: App, content: Any, error: str) -> None:
    ts = slack.post(URL, as_="U0ALICE").ts
    with pytest.raises(SlackApiError) as refused:
        unfurl(bot, ts, content)
    assert refused.value.response["error"] == error
    assert shown(slack) == []


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"channel": "C0ALERTS", "unfurls": {}}, "missing_ts"),
        ({"ts": "1.1", "unfurls": {}}, "missing_channel"),
        ({"channel": "C0NONE", "ts": "1.1", "unfurls": {}}, "cannot_find_channel"),
        ({"channel": "C0ALERTS", "ts": "1.1", "unfurls": {}}, "cannot_find_message"),
        ({"unfurl_id": "x", "unfurls": {}}, "missing_source"),
        ({"source": "composer", "unfurls": {}}, "missing_unfurl_id"),
        ({"unfurl_id": "x", "source": "post", "unfurls": {}}, "invalid_source"),
        ({"unfurl_id": "x", "source": "composer", "unfurls": {}}, "invalid_unfurl_id"),
    ],
)
def test_a_place_that_is_not_there_is_named(
    slack: Slack, bot: WebClient, app: App, asked: dict[str, Any], error: str
) -> None:
    with pytest.raises(SlackApiError) as refused:
        bot.api_call("chat.unfurl", json=asked)
    assert refused.value.response["error"] == error


def test_only_links_of_the_message_are_unfurled_as_they_were_told(slack: Slack, bot: WebClient, app: App) -> None:
    ts = slack.post(URL, as_="U0ALICE").ts
    for url in (URL, "https://tocsin.example/other"):
        with pytest.raises(SlackApiError, match="cannot_unfurl_url"):
            unfurl(bot, ts, {"blocks": [section("x")]}, url=url)
    plain = slack.say("no link", as_="U0ALICE")
    with pytest.raises(SlackApiError, match="cannot_unfurl_message"):
        unfurl(bot, plain, {"blocks": [section("x")]})


def test_what_somebody_is_writing_is_unfurled_by_its_id(slack: Slack, bot: WebClient, app: App) -> None:
    unfurl_id = slack.compose(URL, as_="U0ALICE").ts
    (event,) = events(slack)
    assert (event["channel"], event["message_ts"], event["source"]) == ("COMPOSER", unfurl_id, "composer")
    preview = {STORED: {"blocks": [section("x")]}}
    bot.api_call("chat.unfurl", json={"unfurl_id": unfurl_id, "source": "composer", "unfurls": preview})
    assert slack.simulation.workspace.offers[unfurl_id].previews == preview


def test_the_person_who_posted_is_asked_to_connect(slack: Slack, bot: WebClient, app: App) -> None:
    ts = slack.post(URL, as_="U0ALICE").ts
    about = {"channel": "C0ALERTS", "ts": ts, "user_auth_required": True, "user_auth_url": "https://tocsin.example/c"}
    bot.api_call("chat.unfurl", json=about)
    (prompt,) = slack.ephemerals("U0ALICE")
    assert "<https://tocsin.example/c|Connect>" in prompt["text"]
    slack.simulation.workspace.unprompted.add("U0ALICE")
    with pytest.raises(SlackApiError, match="cannot_prompt"):
        bot.api_call("chat.unfurl", json=about)


# --- using it --------------------------------------------------------------------------------------------------------
def test_a_click_on_an_unfurl_carries_the_unfurl_and_not_the_message(slack: Slack, bot: WebClient, app: App) -> None:
    ts = slack.post(URL, as_="U0ALICE").ts
    unfurl(bot, ts, {"blocks": [section(), row(button(value="7"))]})
    payload = slack.card(1).click("Go", as_="U0BOB")["payload"]
    assert "message" not in payload
    assert payload["container"] == {
        "type": "message_attachment",
        "message_ts": ts,
        "attachment_id": 1,
        "channel_id": "C0ALERTS",
        "is_ephemeral": False,
        "is_app_unfurl": True,
        "app_unfurl_url": STORED,
    }
    unfurled = payload["app_unfurl"]
    assert unfurled.keys() == {"id", "blocks", "fallback", "bot_id", "app_unfurl_url", "is_app_unfurl", "app_id"}


def test_its_address_replaces_the_unfurl_alone(slack: Slack, bot: WebClient, app: App) -> None:
    ts = slack.post(URL, as_="U0ALICE").ts
    unfurl(bot, ts, {"blocks": [section("one"), row(button(value="7"))]})
    payload = slack.card(1).click("Go", as_="U0BOB")["payload"]
    use(payload["response_url"], replace_original=True, text="x", blocks=[section("two")])
    assert shown(slack)[0]["blocks"][0]["text"]["text"] == "one", "an unfurl has no text beside its blocks"
    use(payload["response_url"], replace_original=True, blocks=[section("two")])
    (there,) = shown(slack)
    assert (there["blocks"][0]["text"]["text"], there["app_unfurl_url"]) == ("two", STORED)
    assert slack.messages()[-1]["text"] == f"<{STORED}>"


def test_a_click_on_an_attachment_of_old_is_answered_with_another(slack: Slack, bot: WebClient, app: App) -> None:
    ts = slack.post(URL, as_="U0ALICE").ts
    unfurl(bot, ts, attachment(RESOLVE))
    app.body = json.dumps(attachment(text="Resolved")).encode()
    result = slack.card(1).click("Resolve", as_="U0BOB")
    assert result["judgement"]["ok"], result["judgement"]
    assert result["payload"]["is_app_unfurl"] is True
    assert result["payload"]["app_unfurl_url"] == STORED
    assert result["payload"]["original_message"].keys() == {"attachments", "is_app_unfurl", "app_unfurl_url"}
    (there,) = shown(slack)
    assert (there["text"], there["app_unfurl_url"], there["id"]) == ("Resolved", STORED, 1)
