"""The Web API as clients speak to it: dialects, tokens, scopes, arguments, channels, people."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.simulator.conftest import section
from tests.slack_fixture import Slack

JSON = "application/json; charset=utf-8"
FORM = "application/x-www-form-urlencoded"


def request(
    slack: Slack,
    method: str,
    body: Any = None,
    *,
    content_type: str | None = None,
    token: str | None = "",
    query: str = "",
) -> dict[str, Any]:
    """One raw call; POST when there is a body. `token` None sends none."""
    data = body.encode() if isinstance(body, str) else body
    headers = {} if token is None else {"Authorization": f"Bearer {token or slack.bot_token}"}
    asked = urllib.request.Request(f"{slack.api_url}{method}?{query}", data=data, headers=headers)
    if content_type is not None:
        asked.add_unredirected_header("Content-Type", content_type)
    with urllib.request.urlopen(asked) as answer:
        assert answer.status == 200
        read: dict[str, Any] = json.load(answer)
    return read


# --- dialects --------------------------------------------------------------------------------------------------------
def test_a_message_may_come_as_json_as_a_form_or_in_the_query(slack: Slack) -> None:
    args = {"channel": "C0ALERTS", "text": "x", "blocks": json.dumps([section()])}
    answers = [
        request(slack, "chat.postMessage", json.dumps(args), content_type=JSON),
        request(slack, "chat.postMessage", json.dumps(args | {"blocks": [section()]}), content_type=JSON),
        request(slack, "chat.postMessage", urlencode(args), content_type=FORM),
        request(slack, "chat.postMessage", query=urlencode(args)),
    ]
    assert [answer["ok"] for answer in answers] == [True] * 4
    assert [len(each["blocks"]) for each in slack.messages("alerts")] == [1] * 4


def test_the_token_may_be_an_argument(slack: Slack) -> None:
    assert request(slack, "auth.test", urlencode({"token": slack.bot_token}), content_type=FORM, token=None)["ok"]
    assert "token" not in slack.journal("auth.test")[0]["args"]


def test_json_is_not_read_by_methods_that_only_read(slack: Slack) -> None:
    answer = request(slack, "users.info", json.dumps({"user": "U0ALICE"}), content_type=JSON)
    assert answer["response_metadata"]["messages"] == ["[ERROR] missing required field: user"]


def test_json_without_a_charset_is_warned_of(slack: Slack) -> None:
    answer = request(slack, "auth.test", "{}", content_type="application/json")
    assert (answer["ok"], answer["warning"]) == (True, "missing_charset")
    assert answer["response_metadata"]["warnings"] == ["missing_charset"]


@pytest.mark.parametrize(
    ("body", "content_type", "error"),
    [
        ("{", JSON, "invalid_json"),
        ("[]", JSON, "json_not_object"),
        (b"\xff", JSON, "invalid_json"),
        ("{}", "application/json; charset=utf-16", "invalid_charset"),
        ("text=x", "text/plain", "invalid_post_type"),
        ("text=x", "", "missing_post_type"),
    ],
)
def test_a_body_that_slack_does_not_read_is_refused(slack: Slack, body: Any, content_type: str, error: str) -> None:
    assert request(slack, "chat.postMessage", body, content_type=content_type)["error"] == error


def test_slacks_own_clients_get_along(slack: Slack, bot: WebClient) -> None:
    async def converse() -> list[Any]:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        posted = await client.chat_postMessage(channel="#alerts", text="x", blocks=[section()])
        at = {"channel": posted["channel"], "ts": posted["ts"]}
        return [
            await client.auth_test(),
            await client.chat_update(**at, text="y", blocks=[section()]),
            await client.chat_getPermalink(channel=at["channel"], message_ts=at["ts"]),
            await client.chat_postEphemeral(channel="C0ALERTS", user="U0ALICE", text="x"),
            await client.conversations_list(types=["public_channel", "private_channel"], limit=2),
            await client.conversations_info(channel="C0ALERTS"),
            await client.conversations_members(channel="C0ALERTS"),
            await client.conversations_open(users=["U0ALICE"], return_im=True),
            await client.conversations_join(channel="C0GENERAL"),
            await client.conversations_history(channel="C0ALERTS", include_all_metadata=True),
            await client.conversations_replies(**at),
            await client.users_info(user="U0ALICE", include_locale=True),
            await client.users_list(limit=2),
            await client.users_lookupByEmail(email="alice@example.com"),
            await client.team_info(),
            await client.bots_info(bot="B0TOCSIN"),
            await client.chat_delete(**at),
        ]

    # In a thread of its own: the browser tests of this process keep an event loop in this one.
    with ThreadPoolExecutor(1) as thread:
        assert all(answer["ok"] for answer in thread.submit(lambda: asyncio.run(converse())).result())
    posted = bot.chat_postMessage(channel="#alerts", text="x", blocks=[section()], unfurl_links=False)
    at = {"channel": posted["channel"], "ts": posted["ts"]}
    answers = [
        bot.auth_test(),
        bot.chat_update(**at, text="y", blocks=[section()]),
        bot.chat_getPermalink(channel=at["channel"], message_ts=at["ts"]),
        bot.conversations_list(types=["public_channel", "private_channel"], exclude_archived=True, limit=2),
        bot.conversations_info(channel="C0ALERTS", include_num_members=True),
        bot.conversations_members(channel="C0ALERTS", limit=2),
        bot.conversations_open(users=["U0ALICE"]),
        bot.conversations_replies(**at),
        bot.users_info(user="U0ALICE"),
        bot.users_list(),
        bot.users_lookupByEmail(email="alice@example.com"),
        bot.team_info(),
        bot.bots_info(bot="B0TOCSIN"),
        bot.chat_delete(**at),
    ]
    assert all(answer["ok"] for answer in answers)
    assert {entry["verb"] for entry in slack.journal("users.info")} == {"GET", "POST"}


# --- who may call what -----------------------------------------------------------------------------------------------
def test_a_call_needs_a_token_that_is_good(slack: Slack) -> None:
    assert request(slack, "auth.test", token=None)["error"] == "not_authed"
    assert request(slack, "auth.test", token="xoxb-other")["error"] == "invalid_auth"
    slack.simulation.workspace.app.token_error = "token_revoked"
    assert request(slack, "auth.test")["error"] == "token_revoked"


def test_a_missing_scope_is_named_with_those_there_are(slack: Slack) -> None:
    slack.simulation.workspace.app.scopes = ["users:read"]
    answer = request(slack, "chat.postMessage", query="channel=C0ALERTS&text=x")
    assert answer == {"ok": False, "error": "missing_scope", "needed": "chat:write", "provided": "users:read"}
    assert request(slack, "conversations.list", query="types=private_channel")["error"] == "missing_scope"
    answer = request(slack, "users.info", query="user=U0ALICE")
    assert "email" not in answer["user"]["profile"]


def test_an_unknown_method_is_slacks_own_error(slack: Slack) -> None:
    assert request(slack, "chat.postMesage", query="text=x") == {
        "ok": False,
        "error": "unknown_method",
        "req_method": "chat.postMesage",
    }


@pytest.mark.parametrize(
    ("method", "args", "said"),
    [
        ("chat.postMessage", {"channel": "C0ALERTS", "text": "x", "blcoks": []}, "unexpected argument: blcoks"),
        ("chat.postMessage", {"text": "x"}, "missing required field: channel"),
        ("chat.postMessage", {"channel": "C0ALERTS", "text": 7}, "must be a string [json-pointer:/text]"),
        ("chat.postMessage", {"channel": "C0ALERTS", "text": "x", "mrkdwn": "perhaps"}, "must be a boolean"),
        ("chat.update", {"channel": "C0ALERTS", "text": "x", "ts": 1772368200.0001}, "must be a timestamp"),
    ],
)
def test_a_wrong_argument_is_named(slack: Slack, method: str, args: dict[str, Any], said: str) -> None:
    answer = request(slack, method, json.dumps(args), content_type=JSON)
    assert answer["error"] == "invalid_arguments"
    assert said in answer["response_metadata"]["messages"][0]


def test_a_path_that_is_none_is_not_found(slack: Slack) -> None:
    with pytest.raises(HTTPError) as refused:
        urllib.request.urlopen(f"{slack.url}/nothing")
    with refused.value as answer:
        assert answer.status == 404


# --- channels --------------------------------------------------------------------------------------------------------
def names(answer: Any) -> list[str]:
    return [channel["name"] for channel in answer["channels"]]


def test_private_channels_are_listed_only_with_the_app_in_them(slack: Slack, bot: WebClient) -> None:
    assert names(bot.conversations_list()) == ["alerts", "alerts-classic", "general", "old"]
    assert names(bot.conversations_list(types="private_channel")) == ["ops-private"]
    assert "old" not in names(bot.conversations_list(exclude_archived=True))
    member = {each["name"]: each["is_member"] for each in bot.conversations_list()["channels"]}
    assert (member["alerts"], member["general"]) == (True, False)
    with pytest.raises(SlackApiError, match="invalid_types"):
        bot.conversations_list(types="channel")
    with pytest.raises(SlackApiError, match="channel_not_found"):
        bot.conversations_info(channel="C0SECRET")


def test_lists_come_in_pages(slack: Slack, bot: WebClient) -> None:
    found: list[str] = []
    cursor = ""
    for _ in range(3):
        page = bot.conversations_list(limit=2, cursor=cursor)
        found += names(page)
        cursor = page["response_metadata"]["next_cursor"]
        if not cursor:
            break
    assert found == ["alerts", "alerts-classic", "general", "old"]
    with pytest.raises(SlackApiError, match="invalid_limit"):
        bot.conversations_list(limit=1001)


def test_the_app_joins_public_channels_by_itself(slack: Slack, bot: WebClient) -> None:
    assert bot.conversations_join(channel="C0GENERAL")["channel"]["is_member"]
    assert bot.conversations_join(channel="C0GENERAL")["warning"] == "already_in_channel"
    for channel, error in (("C0OLD", "is_archived"), ("C0OPS", "method_not_supported_for_channel_type")):
        with pytest.raises(SlackApiError, match=error):
            bot.conversations_join(channel=channel)


def test_history_is_for_members(slack: Slack, bot: WebClient) -> None:
    with pytest.raises(SlackApiError, match="not_in_channel"):
        bot.conversations_history(channel="C0GENERAL")


def test_the_app_can_be_thrown_out(slack: Slack, bot: WebClient) -> None:
    slack.change_channel("ops-private", "kick")
    with pytest.raises(SlackApiError, match="channel_not_found"):
        bot.chat_postMessage(channel="C0OPS", text="x")
    slack.change_channel("ops-private", "invite")
    assert bot.chat_postMessage(channel="C0OPS", text="x")["ok"]


# --- people ----------------------------------------------------------------------------------------------------------
def test_a_deactivated_account_is_marked_and_not_found_by_mail(slack: Slack, bot: WebClient) -> None:
    slack.simulation.workspace.users["U0BOB"].deleted = True
    assert bot.users_info(user="U0BOB")["user"]["deleted"] is True
    with pytest.raises(SlackApiError, match="users_not_found"):
        bot.users_lookupByEmail(email="bob@example.com")
    with pytest.raises(SlackApiError, match="user_disabled"):
        bot.conversations_open(users="U0BOB")


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ({"users": ""}, "users_list_not_supplied"),
        ({"users": "U0NOBODY"}, "user_not_found"),
        ({"users": "U0ALICE,U0BOB"}, "invalid_user_combination"),
        ({"users": ",".join(f"U{number}" for number in range(9))}, "too_many_users"),
        ({"users": "U0TOCSIN"}, "cannot_dm_bot"),
        ({"users": "U0ALICE", "prevent_creation": True}, "channel_not_found"),
        ({"channel": "C0ALERTS"}, "channel_not_found"),
    ],
)
def test_a_direct_conversation_is_opened_with_one_person(
    slack: Slack, bot: WebClient, args: dict[str, Any], error: str
) -> None:
    with pytest.raises(SlackApiError, match=error):
        bot.conversations_open(**args)
    opened = bot.conversations_open(users="U0ALICE")["channel"]["id"]
    again = bot.conversations_open(channel=opened, return_im=True)
    assert (again["already_open"], again["channel"]["user"]) == (True, "U0ALICE")


def test_what_is_not_there_is_not_found(slack: Slack, bot: WebClient) -> None:
    slack.change_user("U0EVE", is_stranger=True)
    for call, args, error in (
        (bot.users_info, {"user": "U0NOBODY"}, "user_not_found"),
        (bot.bots_info, {"bot": "B0OTHER"}, "bot_not_found"),
        (bot.bots_info, {}, "missing_argument"),
        (bot.team_info, {"team": "T0OTHER"}, "team_not_found"),
        (bot.conversations_open, {"users": "U0EVE"}, "user_not_visible"),
        (bot.conversations_list, {"cursor": "!"}, "invalid_cursor"),
    ):
        with pytest.raises(SlackApiError, match=error):
            call(**args)


def test_guests_bots_and_strangers_are_told_apart(slack: Slack, bot: WebClient) -> None:
    users = slack.simulation.workspace.users
    users["U0EVE"].is_stranger, users["U0DAVE"].is_restricted = True, True
    assert bot.users_info(user="U0EVE")["user"]["is_stranger"] is True
    assert bot.users_info(user="U0DAVE")["user"]["is_restricted"] is True
    assert bot.users_info(user="U0TOCSIN")["user"]["is_bot"] is True
    assert "U0EVE" not in [member["id"] for member in bot.users_list()["members"]]
    assert slack.messages("general", as_="U0DAVE") == []


# --- views -----------------------------------------------------------------------------------------------------------
VIEW = {"type": "modal", "title": {"type": "plain_text", "text": "Title"}, "blocks": [section()]}


def test_a_trigger_opens_one_view_within_three_seconds(slack: Slack, bot: WebClient) -> None:
    issue = slack.simulation.workspace.triggers.issue
    trigger = slack.do(issue, "U0ALICE")
    view = bot.views_open(trigger_id=trigger, view=VIEW)["view"]
    assert view["id"].startswith("V")
    with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
        bot.views_open(trigger_id=trigger, view=VIEW)
    late = slack.do(issue, "U0ALICE")
    slack.advance(4)
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        bot.views_open(trigger_id=late, view=VIEW)
    with pytest.raises(SlackApiError, match="invalid_trigger_id"):
        bot.views_open(trigger_id="1.2.3", view=VIEW)


def test_a_view_with_inputs_needs_a_submit_button(slack: Slack, bot: WebClient) -> None:
    field = {
        "type": "input",
        "label": {"type": "plain_text", "text": "Name"},
        "element": {"type": "plain_text_input", "min_length": 5, "max_length": 4},
    }
    view = {**VIEW, "blocks": [field]}
    with pytest.raises(SlackApiError, match="min_length must not be more than max_length"):
        bot.views_open(trigger_id="1.2.3", view=view)
    field["element"] = {"type": "plain_text_input"}
    with pytest.raises(SlackApiError, match="missing required field: submit"):
        bot.views_open(trigger_id="1.2.3", view=view)
