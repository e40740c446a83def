"""What hangs below somebody's message: several unfurls, refusals told apart, and answers that spare the message."""

from __future__ import annotations

import json
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from tests.simulator.conftest import App, button, row, section
from tests.simulator.test_legacy import RESOLVE, STATIC, attachment
from tests.simulator.test_response_urls import use
from tests.slack_fixture import Slack
from tocsin.simulator.fields import NotThere

ONE, TWO = "https://tocsin.example/issues/1/", "https://tocsin.example/issues/2/"


@pytest.fixture(autouse=True)
def domains(slack: Slack, app: App) -> None:
    slack.change_app(unfurl_domains=["tocsin.example"])


def shown(slack: Slack) -> list[tuple[int, str]]:
    """Number and address of what hangs below the last message."""
    return [(each["id"], each["app_unfurl_url"]) for each in slack.messages()[-1].get("attachments", [])]


def refusal(bot: WebClient, **asked: Any) -> dict[str, Any]:
    with pytest.raises(SlackApiError) as refused:
        bot.chat_unfurl(**asked)
    answer: Any = refused.value.response.data
    return dict(answer)


# --- the event -------------------------------------------------------------------------------------------------------
def test_a_message_with_several_links_is_told_at_once(slack: Slack, app: App) -> None:
    slack.change_app(unfurl_domains=["tocsin.example", "eu.tocsin.example"])
    slack.post(f"{ONE} and https://EU.Tocsin.example/x, not <{TWO}|issues/2>, http://[broken", as_="U0ALICE")
    ((_, _, body),) = app.received
    assert json.loads(body)["event"]["links"] == [
        {"domain": "tocsin.example", "url": ONE},
        {"domain": "eu.tocsin.example", "url": "https://EU.Tocsin.example/x"},
    ]


def test_a_private_channel_that_the_bot_is_not_in_is_told_of_too(slack: Slack, bot: WebClient, app: App) -> None:
    ts = slack.post(ONE, as_="U0ALICE", channel="secret").ts
    event = json.loads(app.received[0][2])["event"]
    assert (event["channel"], event["is_bot_user_member"]) == ("C0SECRET", False)
    assert event["unfurl_id"].startswith(f"C0SECRET.{ts}.")
    bot.chat_unfurl(channel="C0SECRET", ts=ts, unfurls={ONE: {"blocks": [section()]}})
    assert slack.messages("secret")[-1]["attachments"][0]["is_app_unfurl"] is True


def test_the_app_hears_nothing_of_its_own_messages(slack: Slack, bot: WebClient, app: App) -> None:
    ts = bot.chat_postMessage(channel="C0ALERTS", text=ONE)["ts"]
    assert app.received == []
    asked = {"channel": "C0ALERTS", "ts": ts, "unfurls": {ONE: {"blocks": [section()]}}}
    assert refusal(bot, **asked)["error"] == "cannot_unfurl_message"


@pytest.mark.parametrize("domains", [["https://tocsin.example"], ["tocsin.example/x"], ["a.example"] * 6, "a.example"])
def test_what_is_no_domain_cannot_be_registered(slack: Slack, domains: Any) -> None:
    with pytest.raises(NotThere, match="/unfurl_domains"):
        slack.change_app(unfurl_domains=domains)


# --- chat.unfurl -----------------------------------------------------------------------------------------------------
def test_the_app_may_call_before_it_has_answered_the_event(slack: Slack, bot: WebClient) -> None:
    def early(path: str, headers: Any, body: bytes) -> tuple[int, dict[str, str], bytes]:
        event = json.loads(body)["event"]
        shown = {link["url"]: {"blocks": [section()]} for link in event["links"]}
        bot.chat_unfurl(channel=event["channel"], ts=event["message_ts"], unfurls=shown)
        return 200, {}, b""

    slack.connect(deliver=early)
    slack.post(ONE, as_="U0ALICE")
    assert shown(slack) == [(1, ONE)]


def test_a_form_and_the_id_of_the_event_will_do(slack: Slack, bot: WebClient, app: App) -> None:
    slack.post(f"{ONE} {TWO}", as_="U0ALICE")
    unfurl_id = json.loads(app.received[0][2])["event"]["unfurl_id"]
    unfurls = {TWO: {"blocks": [section("a & b")]}}
    about = {"unfurl_id": unfurl_id, "source": "conversations_history", "unfurls": json.dumps(unfurls)}
    bot.api_call("chat.unfurl", data=about)
    assert shown(slack) == [(1, TWO)]
    assert slack.messages()[-1]["attachments"][0]["blocks"][0]["text"]["text"] == "a &amp; b"
    assert slack.journal("chat.unfurl")[0]["args"]["unfurls"] == unfurls
    bot.chat_unfurl(channel="C0ALERTS", ts=slack.messages()[-1]["ts"], unfurls={ONE: {"text": "x"}})
    assert shown(slack) == [(1, TWO), (2, ONE)]


def test_a_message_that_is_gone_is_not_found(slack: Slack, bot: WebClient, app: App) -> None:
    ts = slack.post(ONE, as_="U0ALICE").ts
    bot.chat_postMessage(channel="C0ALERTS", text="a reply", thread_ts=ts)
    posted = slack.do(slack.simulation.workspace.find, "C0ALERTS", ts)
    slack.do(slack.simulation.workspace.remove, posted)
    unfurls = {ONE: {"blocks": [section()]}}
    assert refusal(bot, channel="C0ALERTS", ts=ts, unfurls=unfurls)["error"] == "cannot_find_message"
    unfurl_id = json.loads(app.received[0][2])["event"]["unfurl_id"]
    by_id = {"unfurl_id": unfurl_id, "source": "conversations_history", "unfurls": unfurls}
    assert refusal(bot, **by_id)["error"] == "cannot_find_message"


def test_what_is_missing_or_malformed_is_told_apart(slack: Slack, bot: WebClient, app: App) -> None:
    ts = slack.post(ONE, as_="U0ALICE").ts
    place = {"channel": "C0ALERTS", "ts": ts}
    good = {ONE: {"blocks": [section()]}}
    assert refusal(bot, **place)["error"] == "missing_unfurls"
    assert refusal(bot, **place, unfurls=[good])["error"] == "invalid_unfurls_format"
    assert refusal(bot, **place, unfurls=good, metadata=["x"])["error"] == "invalid_metadata_format"
    assert refusal(bot, **place, unfurls={ONE: {}})["error"] == "cannot_parse_attachment"
    faulty = refusal(bot, **place, unfurls={ONE: {"blocks": [{"type": "rich_text", "elements": []}]}})
    assert "[json-pointer:/unfurls/https:~1~1tocsin.example~1issues~11~1/blocks/0/type]" in str(faulty)
    slack.change_app(unfurl_domains=[])
    assert refusal(bot, **place, unfurls=good)["error"] == "cannot_find_service"
    slack.change_app(scopes=["links:read"])
    assert refusal(bot, **place, unfurls=good)["needed"] == "links:write"
    assert shown(slack) == []


def test_one_wrong_unfurl_keeps_all_away(slack: Slack, bot: WebClient, app: App) -> None:
    ts = slack.post(f"{ONE} {TWO}", as_="U0ALICE").ts
    refused = refusal(bot, channel="C0ALERTS", ts=ts, unfurls={ONE: {"text": "x"}, TWO: {"text": 5}})
    assert refused["error"] == "cannot_parse_attachment"
    assert shown(slack) == []


def test_what_the_composer_shows_may_have_a_preview(slack: Slack, bot: WebClient, app: App) -> None:
    title = {"title": {"type": "plain_text", "text": "Issue 1"}}
    unfurl_id = slack.compose(ONE, as_="U0ALICE").ts
    bot.chat_unfurl(unfurl_id=unfurl_id, source="composer", unfurls={ONE: {"preview": title}})
    wrong = {ONE: {"preview": {"title": "Issue 1"}}}
    assert refusal(bot, unfurl_id=unfurl_id, source="composer", unfurls=wrong)["error"] == "cannot_parse_attachment"
    assert slack.messages() == []


# --- answers ---------------------------------------------------------------------------------------------------------
def press(slack: Slack, bot: WebClient, **content: Any) -> str:
    """The response_url of a click on the unfurl below a message of alice's that has two."""
    ts = slack.post(f"{ONE} {TWO}", as_="U0ALICE").ts
    bot.chat_unfurl(channel="C0ALERTS", ts=ts, unfurls={ONE: {"text": "other"}, TWO: content})
    label = "Go" if "blocks" in content else "Resolve"
    return str(slack.card(1).click(label, as_="U0BOB")["payload"]["response_url"])


def test_deleting_the_original_takes_the_unfurl_and_spares_the_message(slack: Slack, bot: WebClient, app: App) -> None:
    url = press(slack, bot, blocks=[row(button())])
    assert use(url, delete_original="true") == (200, "ok")
    assert shown(slack) == [(1, ONE)]
    assert slack.messages()[-1]["text"] == f"<{ONE}> <{TWO}>"
    bot.chat_unfurl(channel="C0ALERTS", ts=slack.messages()[-1]["ts"], unfurls={TWO: {"text": "back"}})
    assert shown(slack) == [(1, ONE), (2, TWO)]


def test_deleting_with_a_text_deletes_and_then_posts(slack: Slack, bot: WebClient, app: App) -> None:
    url = press(slack, bot, blocks=[row(button())])
    assert use(url, delete_original=True, text="done", response_type="in_channel")[0] == 200
    person, app_message = slack.messages()
    assert [each["id"] for each in person["attachments"]] == [1]
    assert app_message["text"] == "done"


def test_a_whisper_leaves_the_unfurl_alone(slack: Slack, bot: WebClient, app: App) -> None:
    url = press(slack, bot, blocks=[row(button())])
    assert use(url, text="psst", replace_original=False)[0] == 200
    assert [whisper["text"] for whisper in slack.ephemerals("U0BOB")] == ["psst"]
    assert shown(slack) == [(1, ONE), (2, TWO)]


def test_an_attachment_takes_the_place_of_an_attachment(slack: Slack, bot: WebClient, app: App) -> None:
    url = press(slack, bot, **attachment(RESOLVE))
    stored = slack.messages()[-1]["attachments"][1]
    assert (stored["callback_id"], stored["fallback"]) == ('{"issue":1}', "[shop] It broke")
    assert [each["id"] for each in stored["actions"]] == ["1"]
    assert use(url, replace_original=True, **attachment(STATIC, text="Resolved"))[0] == 200
    assert slack.messages()[-1]["attachments"][1]["text"] == "Resolved"
    assert use(url, replace_original=True, attachments=[attachment()])[0] == 400
    assert shown(slack) == [(1, ONE), (2, TWO)]


def test_an_answer_to_a_click_of_old_deletes_no_more_than_the_unfurl(slack: Slack, bot: WebClient, app: App) -> None:
    app.body = b'{"delete_original": true}'
    press(slack, bot, **attachment(RESOLVE))
    assert shown(slack) == [(1, ONE)]


def test_blocks_that_slack_does_not_take_are_a_wrong_answer_to_a_click_of_old(
    slack: Slack, bot: WebClient, app: App
) -> None:
    slack.expect_faults()
    app.body = json.dumps({"blocks": [{"type": "rich_text", "elements": []}]}).encode()
    press(slack, bot, **attachment(RESOLVE))
    assert "rich_text" in slack.judgements()[-1]["faults"][0]
    assert slack.messages()[-1]["attachments"][1]["text"] == "It broke"


# --- clicks ----------------------------------------------------------------------------------------------------------
def test_a_menu_in_an_unfurl_asks_for_its_entries_without_the_message(slack: Slack, bot: WebClient, app: App) -> None:
    parent = slack.say("hello", as_="U0BOB")
    ts = slack.post(ONE, as_="U0ALICE", thread=parent).ts
    menu = {
        "type": "external_select",
        "action_id": "assign",
        "placeholder": {"type": "plain_text", "text": "Assign"},
        "min_query_length": 0,
    }
    bot.chat_unfurl(channel="C0ALERTS", ts=ts, unfurls={ONE: {"blocks": [row(menu)]}})
    message = slack.messages(thread=parent)[-1]
    block_id = message["attachments"][0]["blocks"][0]["block_id"]
    where = {"as": "U0BOB", "channel": "C0ALERTS", "ts": ts, "block_id": block_id, "action_id": "assign"}
    payload = slack.click({**where, "do": "suggest", "value": ""})["payload"]
    assert payload["type"] == "block_suggestion"
    assert "message" not in payload
    assert payload["app_unfurl"]["blocks"] == message["attachments"][0]["blocks"]
    assert (payload["container"]["thread_ts"], payload["container"]["app_unfurl_url"]) == (parent, ONE)
    assert app.received[-1][0] == "/slack/options"


def test_of_two_unfurls_alike_the_one_that_is_named_is_used(slack: Slack, bot: WebClient, app: App) -> None:
    ts = slack.post(f"{ONE} {TWO}", as_="U0ALICE").ts
    bot.chat_unfurl(channel="C0ALERTS", ts=ts, unfurls={url: {"blocks": [row(button())]} for url in (ONE, TWO)})
    where = {"as": "U0BOB", "channel": "C0ALERTS", "ts": ts, "block_id": '{"issue":1}', "action_id": "go"}
    used = [
        slack.click({**where, **more})["payload"]["app_unfurl"]["app_unfurl_url"] for more in ({}, {"attachment_id": 2})
    ]
    assert used == [ONE, TWO]
    with pytest.raises(NotThere):
        slack.click({**where, "attachment_id": 3})
