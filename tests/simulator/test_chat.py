"""chat.*: posting, threads, updating, deleting, ephemeral messages, permalinks."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from tests.simulator.conftest import button, row, section
from tests.slack_fixture import Slack


def error_of(bot: WebClient, method: str, **args: Any) -> str:
    with pytest.raises(SlackApiError) as refused:
        bot.api_call(method, json=args)
    error: str = refused.value.response["error"]
    return error


# --- where one may post ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("channel", "error"),
    [
        ("C0NOWHERE", "channel_not_found"),
        ("#nowhere", "channel_not_found"),
        ("C0SECRET", "channel_not_found"),
        ("#secret", "channel_not_found"),
        ("C0OLD", "is_archived"),
        ("U0NOBODY", "channel_not_found"),
        ("U0TOCSIN", "cannot_dm_bot"),
    ],
)
def test_a_message_goes_only_where_the_app_may_post(slack: Slack, bot: WebClient, channel: str, error: str) -> None:
    assert error_of(bot, "chat.postMessage", channel=channel, text="x") == error


def test_a_public_channel_without_the_app_takes_the_scope_for_it(slack: Slack, bot: WebClient) -> None:
    assert bot.chat_postMessage(channel="#general", text="x")["channel"] == "C0GENERAL"
    slack.simulation.workspace.app.scopes.remove("chat:write.public")
    assert error_of(bot, "chat.postMessage", channel="C0GENERAL", text="x") == "not_in_channel"


def test_a_person_is_written_to_in_a_direct_conversation_which_the_answer_names(slack: Slack, bot: WebClient) -> None:
    posted = bot.chat_postMessage(channel="U0BOB", text="hello")
    assert posted["channel"].startswith("D")
    assert [message["text"] for message in slack.direct_messages("U0BOB")] == ["hello"]
    assert bot.conversations_open(users="U0BOB")["channel"]["id"] == posted["channel"]
    assert error_of(bot, "chat.update", channel="U0BOB", ts=posted["ts"], text="y") == "channel_not_found"
    assert bot.chat_update(channel=posted["channel"], ts=posted["ts"], text="y")["text"] == "y"


def test_nobody_else_sees_a_direct_conversation(slack: Slack, bot: WebClient) -> None:
    channel = bot.chat_postMessage(channel="U0BOB", text="hello")["channel"]
    assert [each["text"] for each in slack.messages(channel, as_="U0BOB")] == ["hello"]
    assert slack.messages(channel, as_="U0ALICE") == []


# --- time and author -------------------------------------------------------------------------------------------------
def test_every_message_has_a_later_ts_of_its_own(slack: Slack, bot: WebClient) -> None:
    slack.simulation.workspace.clock.stop()
    stamps = [bot.chat_postMessage(channel="C0ALERTS", text=str(number))["ts"] for number in range(4)]
    assert stamps == sorted(set(stamps))
    assert all(len(ts.partition(".")[2]) == 6 for ts in stamps)


def test_a_message_says_which_app_wrote_it(slack: Slack, bot: WebClient) -> None:
    message = bot.chat_postMessage(channel="C0ALERTS", text="x")["message"]
    assert (message["user"], message["bot_id"], message["app_id"], message["team"]) == (
        "U0TOCSIN",
        "B0TOCSIN",
        "A0TOCSIN",
        "T0TOCSIN",
    )
    assert message["bot_profile"]["name"] == "Tocsin"


# --- threads ---------------------------------------------------------------------------------------------------------
def test_replies_hang_in_the_thread_and_are_counted(slack: Slack, bot: WebClient) -> None:
    parent = bot.chat_postMessage(channel="C0ALERTS", text="parent")["ts"]
    first = bot.chat_postMessage(channel="C0ALERTS", text="one", thread_ts=parent)
    slack.say("two", as_="U0BOB", thread=parent)
    assert first["message"]["parent_user_id"] == "U0TOCSIN"
    assert [each["text"] for each in slack.messages("alerts")] == ["parent"]
    assert [each["text"] for each in slack.messages("alerts", thread=parent)] == ["one", "two"]
    stored = bot.conversations_history(channel="C0ALERTS")["messages"][0]
    assert (stored["reply_count"], stored["reply_users"]) == (2, ["U0TOCSIN", "U0BOB"])
    assert [each["text"] for each in bot.conversations_replies(channel="C0ALERTS", ts=parent)["messages"]] == [
        "parent",
        "one",
        "two",
    ]


def test_a_broadcast_reply_hangs_in_the_channel_too(slack: Slack, bot: WebClient) -> None:
    parent = bot.chat_postMessage(channel="C0ALERTS", text="parent")["ts"]
    bot.chat_postMessage(channel="C0ALERTS", text="back", thread_ts=parent, reply_broadcast=True)
    assert [each.get("subtype") for each in slack.messages("alerts")] == [None, "thread_broadcast"]
    assert [each["text"] for each in slack.messages("alerts", thread=parent)] == ["back"]
    assert [each["text"] for each in bot.conversations_history(channel="C0ALERTS")["messages"]] == ["back", "parent"]


def test_a_reply_needs_a_parent_that_is_there_and_no_reply(slack: Slack, bot: WebClient) -> None:
    parent = bot.chat_postMessage(channel="C0ALERTS", text="parent")["ts"]
    reply = bot.chat_postMessage(channel="C0ALERTS", text="reply", thread_ts=parent)["ts"]
    for thread in (reply, "1.000000"):
        error = error_of(bot, "chat.postMessage", channel="C0ALERTS", text="x", thread_ts=thread)
        assert error == "cannot_reply_to_message"


# --- chat.update -----------------------------------------------------------------------------------------------------
BLOCKS = [section("b", block_id="b")]
ATTACHMENTS = [{"text": "a"}]
METADATA = {"event_type": "card", "event_payload": {"id": 1}}


def updated(slack: Slack, bot: WebClient, **args: Any) -> dict[str, Any]:
    """A message with everything, after this update."""
    posted = bot.api_call(
        "chat.postMessage",
        json={
            "channel": "C0ALERTS",
            "text": "t",
            "blocks": BLOCKS,
            "attachments": ATTACHMENTS,
            "metadata": METADATA,
        },
    )
    bot.api_call("chat.update", json={"channel": "C0ALERTS", "ts": posted["ts"], **args})
    (message,) = slack.messages("alerts")
    return message


def test_text_without_blocks_takes_the_blocks_away_and_marks_the_message_edited(slack: Slack, bot: WebClient) -> None:
    message = updated(slack, bot, text="new")
    assert message["text"] == "new"
    assert "blocks" not in message
    assert message["edited"]["user"] == "B0TOCSIN"


def test_blocks_are_replaced_without_a_mark(slack: Slack, bot: WebClient) -> None:
    message = updated(slack, bot, text="new", blocks=[section("c", block_id="c")])
    assert [block["block_id"] for block in message["blocks"]] == ["c"]
    assert "edited" not in message


def test_attachments_stay_unless_they_are_taken_away(slack: Slack, bot: WebClient) -> None:
    message = updated(slack, bot, text="new")
    assert [each["text"] for each in message["attachments"]] == ["a"]
    bot.chat_update(channel="C0ALERTS", ts=message["ts"], text="new", attachments=[])
    assert "attachments" not in slack.messages("alerts")[0]


def test_attachments_alone_leave_text_and_blocks(slack: Slack, bot: WebClient) -> None:
    message = updated(slack, bot, attachments=[{"text": "other"}])
    assert (message["text"], message["blocks"][0]["block_id"]) == ("t", "b")
    assert [each["text"] for each in message["attachments"]] == ["other"]


def test_metadata_stays_unless_it_is_taken_away(slack: Slack, bot: WebClient) -> None:
    message = updated(slack, bot, text="new")
    assert message["metadata"] == METADATA
    bot.api_call("chat.update", json={"channel": "C0ALERTS", "ts": message["ts"], "text": "x", "metadata": {}})
    assert "metadata" not in slack.messages("alerts")[0]


def test_a_reply_can_be_broadcast_later(slack: Slack, bot: WebClient) -> None:
    parent = bot.chat_postMessage(channel="C0ALERTS", text="parent")["ts"]
    reply = bot.chat_postMessage(channel="C0ALERTS", text="reply", thread_ts=parent)["ts"]
    bot.chat_update(channel="C0ALERTS", ts=reply, text="reply", reply_broadcast=True)
    assert [each["text"] for each in slack.messages("alerts")] == ["parent", "reply"]
    error = error_of(bot, "chat.update", channel="C0ALERTS", ts=parent, text="x", reply_broadcast=True)
    assert error == "cant_broadcast_message"


def test_only_own_messages_that_are_there_can_be_changed(slack: Slack, bot: WebClient) -> None:
    said = slack.say("mine", as_="U0ALICE")
    whispered = bot.chat_postEphemeral(channel="C0ALERTS", user="U0ALICE", text="x")["message_ts"]
    for ts, error in ((said, "cant_update_message"), (whispered, "message_not_found"), ("1.0", "message_not_found")):
        assert error_of(bot, "chat.update", channel="C0ALERTS", ts=ts, text="x") == error
    assert error_of(bot, "chat.delete", channel="C0ALERTS", ts=said) == "cant_delete_message"
    assert error_of(bot, "chat.delete", channel="C0ALERTS", ts=whispered) == "message_not_found"


def test_an_archived_channel_takes_no_changes(slack: Slack, bot: WebClient) -> None:
    ts = bot.chat_postMessage(channel="C0ALERTS", text="x")["ts"]
    slack.change_channel("alerts", "archive")
    assert error_of(bot, "chat.update", channel="C0ALERTS", ts=ts, text="y") == "is_inactive"


# --- the rest --------------------------------------------------------------------------------------------------------
def test_a_deleted_message_is_gone_and_a_deleted_parent_leaves_a_tombstone(slack: Slack, bot: WebClient) -> None:
    alone = bot.chat_postMessage(channel="C0ALERTS", text="alone")["ts"]
    parent = bot.chat_postMessage(channel="C0ALERTS", text="parent")["ts"]
    reply = bot.chat_postMessage(channel="C0ALERTS", text="reply", thread_ts=parent)["ts"]
    for ts in (alone, parent):
        bot.chat_delete(channel="C0ALERTS", ts=ts)
    (left,) = slack.messages("alerts")
    assert left["subtype"] == "tombstone"
    assert error_of(bot, "chat.update", channel="C0ALERTS", ts=parent, text="x") == "message_not_found"
    assert [each["ts"] for each in slack.messages("alerts", thread=parent)] == [reply]


def test_an_ephemeral_message_is_seen_by_one_person_and_stands_in_no_history(slack: Slack, bot: WebClient) -> None:
    answer = bot.chat_postEphemeral(channel="C0ALERTS", user="U0ALICE", text="psst", blocks=[row(button())])
    assert answer.data.keys() == {"ok", "message_ts"}
    assert [each["text"] for each in slack.messages("alerts", as_="U0ALICE")] == ["psst"]
    assert slack.messages("alerts", as_="U0BOB") == slack.messages("alerts") == []
    assert [each["text"] for each in slack.ephemerals("U0ALICE")] == ["psst"]
    assert bot.conversations_history(channel="C0ALERTS")["messages"] == []


@pytest.mark.parametrize(
    ("channel", "user", "error"),
    [
        ("C0OPS", "U0EVE", "user_not_in_channel"),
        ("C0ALERTS", "U0NOBODY", "user_not_in_channel"),
        ("C0GENERAL", "U0ALICE", "not_in_channel"),
        ("C0OLD", "U0ALICE", "is_archived"),
        ("C0SECRET", "U0ALICE", "channel_not_found"),
    ],
)
def test_an_ephemeral_message_needs_both_in_the_channel(
    slack: Slack, bot: WebClient, channel: str, user: str, error: str
) -> None:
    assert error_of(bot, "chat.postEphemeral", channel=channel, user=user, text="x") == error


def test_an_ephemeral_message_takes_no_blocks_in_attachments(slack: Slack, bot: WebClient) -> None:
    attachments = [{"blocks": [section()]}]
    error = error_of(bot, "chat.postEphemeral", channel="C0ALERTS", user="U0ALICE", text="x", attachments=attachments)
    assert error == "invalid_attachments"


def test_a_permalink_names_channel_message_and_thread(slack: Slack, bot: WebClient) -> None:
    parent = bot.chat_postMessage(channel="C0ALERTS", text="parent")["ts"]
    reply = bot.chat_postMessage(channel="C0ALERTS", text="reply", thread_ts=parent)["ts"]
    link = bot.chat_getPermalink(channel="C0ALERTS", message_ts=parent)["permalink"]
    assert link == f"https://tocsin-demo.slack.com/archives/C0ALERTS/p{parent.replace('.', '')}"
    link = bot.chat_getPermalink(channel="C0ALERTS", message_ts=reply)["permalink"]
    assert link.endswith(f"/p{reply.replace('.', '')}?thread_ts={parent}&cid=C0ALERTS")
    with pytest.raises(SlackApiError, match="message_not_found"):
        bot.chat_getPermalink(channel="C0ALERTS", message_ts="1.000000")


def test_metadata_is_found_in_history_when_asked_for(slack: Slack, bot: WebClient) -> None:
    bot.chat_postMessage(channel="C0ALERTS", text="x", metadata=METADATA)
    (message,) = bot.conversations_history(channel="C0ALERTS", include_all_metadata=True)["messages"]
    assert message["metadata"] == METADATA
    (message,) = bot.conversations_history(channel="C0ALERTS")["messages"]
    assert message["metadata"] == {"event_type": "card"}


def test_history_is_read_page_by_page_newest_first(slack: Slack, bot: WebClient) -> None:
    slack.loosen()
    stamps = [bot.chat_postMessage(channel="C0ALERTS", text=str(number))["ts"] for number in range(5)]
    first = bot.conversations_history(channel="C0ALERTS", limit=2)
    assert [each["text"] for each in first["messages"]] == ["4", "3"]
    assert first["has_more"]
    cursor = first["response_metadata"]["next_cursor"]
    second = bot.conversations_history(channel="C0ALERTS", limit=3, cursor=cursor)
    assert [each["text"] for each in second["messages"]] == ["2", "1", "0"]
    assert not second["has_more"]
    span = {"channel": "C0ALERTS", "oldest": stamps[1], "latest": stamps[3]}
    assert [each["text"] for each in bot.conversations_history(**span)["messages"]] == ["2"]
    assert len(bot.conversations_history(**span, inclusive=True)["messages"]) == 3
    with pytest.raises(SlackApiError, match="invalid_ts_oldest"):
        bot.conversations_history(channel="C0ALERTS", oldest="yesterday")
    with pytest.raises(SlackApiError, match="invalid_cursor"):
        bot.conversations_history(channel="C0ALERTS", cursor="bmV4dDpmb28=")


def test_a_deleted_reply_counts_no_more(slack: Slack, bot: WebClient) -> None:
    parent = bot.chat_postMessage(channel="C0ALERTS", text="parent")["ts"]
    reply = bot.chat_postMessage(channel="C0ALERTS", text="reply", thread_ts=parent)["ts"]
    assert slack.messages("alerts")[0]["reply_count"] == 1
    bot.chat_delete(channel="C0ALERTS", ts=reply)
    assert "reply_count" not in slack.messages("alerts")[0]
    with pytest.raises(SlackApiError, match="thread_not_found"):
        bot.conversations_replies(channel="C0ALERTS", ts=reply)
