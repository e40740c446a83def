"""What Slack refuses in blocks and attachments besides lengths, and what it makes of what it takes."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from tests.simulator.conftest import button, row, section
from tests.slack_fixture import Slack
from tocsin.simulator.validation import faults_of_message

Json = dict[str, Any]


def refused(bot: WebClient, error: str = "invalid_blocks", **args: Any) -> str:
    """The message of the error that posting this gives."""
    with pytest.raises(SlackApiError) as raised:
        bot.api_call("chat.postMessage", json={"channel": "C0ALERTS", "text": "t"} | args)
    assert raised.value.response["error"] == error
    said = raised.value.response.get("response_metadata", {}).get("messages", [])
    return "\n".join(said)


def legacy(**action: Any) -> Json:
    return {"callback_id": "c", "actions": [{"name": "n", "text": "t", **action}]}


PLAIN = {"type": "plain_text", "text": "x"}
OPTION = {"text": PLAIN, "value": "v"}


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ({"type": "carousel"}, "unsupported type: carousel [json-pointer:/blocks/0/type]"),
        ({"text": PLAIN}, "missing required field: type [json-pointer:/blocks/0]"),
        ({"type": "section"}, "one of these fields is required: text, fields [json-pointer:/blocks/0]"),
        (section("x", colour="red"), "invalid additional property: colour [json-pointer:/blocks/0]"),
        (section(""), "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
        ({"type": "section", "text": "x"}, "must be an object, not a string [json-pointer:/blocks/0/text]"),
        ({"type": "section", "text": {"type": "html", "text": "x"}}, "[json-pointer:/blocks/0/text/type]"),
        ({"type": "header", "text": {"type": "mrkdwn", "text": "x"}}, "[json-pointer:/blocks/0/text/type]"),
        ({"type": "section", "fields": []}, "no fewer than 1 items allowed [json-pointer:/blocks/0/fields]"),
        (row(), "no fewer than 1 items allowed [json-pointer:/blocks/0/elements]"),
        (row({"type": "slider"}), "unsupported type: slider [json-pointer:/blocks/0/elements/0/type]"),
        (row({"type": "image", "alt_text": "x"}), "unsupported type: image [json-pointer:/blocks/0/elements/0/type]"),
        (row({"type": "plain_text_input"}), "unsupported type: plain_text_input"),
        (row({"type": "multi_users_select"}), "unsupported type: multi_users_select"),
        (row(button(style="default")), "must be one of: primary, danger [json-pointer:/blocks/0/elements/0/style]"),
        (row(button(url="javascript:alert(1)")), "invalid url [json-pointer:/blocks/0/elements/0/url]"),
        (row(button(url="/issues/1")), "invalid url [json-pointer:/blocks/0/elements/0/url]"),
        (row(button(url="https://a b")), "invalid url [json-pointer:/blocks/0/elements/0/url]"),
        (row(button(value=7)), "must be a string, not a number [json-pointer:/blocks/0/elements/0/value]"),
        (row(button(emoji=True)), "invalid additional property: emoji [json-pointer:/blocks/0/elements/0]"),
        (row(button("a"), button("a")), "`action_id` a already exists [json-pointer:/blocks/0/elements/0/action_id]"),
        ({"type": "image", "alt_text": "x"}, "exactly one of these fields is required: image_url, slack_file"),
        ({"type": "divider", "text": PLAIN}, "invalid additional property: text [json-pointer:/blocks/0]"),
        ({"type": "alert", "text": PLAIN}, "unsupported type: alert [json-pointer:/blocks/0/type]"),
        (
            row({"type": "static_select", "options": [OPTION], "initial_option": {**OPTION, "value": "w"}}),
            "must match exactly one of the provided options [json-pointer:/blocks/0/elements/0/initial_option]",
        ),
        (row({"type": "static_select"}), "exactly one of these fields is required: options, option_groups"),
        (row({"type": "radio_buttons", "options": [OPTION, OPTION]}), "values of options must be unique"),
        (row({"type": "datepicker", "initial_date": "1 March"}), "must be a date of the form YYYY-MM-DD"),
        (row({"type": "timepicker", "initial_time": "25:00"}), "must be a time of the form HH:mm"),
        ({"type": "context", "elements": [button()]}, "unsupported type: button"),
        ({"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "b"}]}]}, "type: b"),
        (
            {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}], [{"type": "raw_text", "text": "x"}] * 2]},
            "all rows must have as many cells",
        ),
    ],
)
def test_a_block_that_slack_does_not_know_is_refused_with_the_place(
    slack: Slack, bot: WebClient, block: Json, expected: str
) -> None:
    assert expected in refused(bot, blocks=[block])


def test_ids_of_blocks_are_used_once(slack: Slack, bot: WebClient) -> None:
    twice = [section("x", block_id="b"), section("y", block_id="b")]
    assert "`block_id` b already exists" in refused(bot, blocks=twice)


def test_limits_on_all_blocks_together_hold(slack: Slack, bot: WebClient) -> None:
    long = [{"type": "markdown", "text": "x" * 7_000}] * 2
    assert "12001 characters in all" in refused(bot, blocks=long)
    table = {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]}
    assert "only one table" in refused(bot, blocks=[table, table])


@pytest.mark.parametrize(
    ("error", "args"),
    [
        ("no_text", {"text": ""}),
        ("no_text", {"text": "", "blocks": [], "attachments": []}),
        ("invalid_blocks_format", {"blocks": "[{"}),
        ("invalid_blocks", {"blocks": "{}"}),
        ("invalid_attachments", {"attachments": "nonsense"}),
        ("invalid_attachments", {"attachments": [{"title": "x", "colour": "red"}]}),
        ("invalid_attachments", {"attachments": [{"text": "x", "color": "reddish"}]}),
        ("invalid_attachments", {"attachments": [{"actions": [{"name": "n", "text": "t", "type": "button"}]}]}),
        ("invalid_attachments", {"attachments": [{"text": "x", "mrkdwn_in": ["texts"]}]}),
        ("invalid_attachments", {"attachments": [{"text": "x", "ts": "noon"}]}),
        ("invalid_attachments", {"attachments": [{"text": "x", "title_link": "javascript:x"}]}),
        ("invalid_attachments", {"attachments": [legacy(type="select")]}),
        ("invalid_attachments", {"attachments": [legacy(type="button", options=[])]}),
        ("invalid_arguments", {"parse": "some"}),
        ("invalid_metadata_format", {"metadata": {"event_type": "x"}}),
        ("invalid_metadata_format", {"metadata": {"event_type": "x", "event_payload": []}}),
        ("markdown_text_conflict", {"markdown_text": "x"}),
        ("as_user_not_supported", {"as_user": True}),
        ("missing_scope", {"username": "somebody"}),
    ],
)
def test_what_is_no_message_is_refused(slack: Slack, bot: WebClient, error: str, args: Json) -> None:
    refused(bot, error, **args)


def test_blocks_in_attachments_are_blocks(slack: Slack, bot: WebClient) -> None:
    said = refused(bot, attachments=[{"blocks": [section("")]}])
    assert said.endswith("[json-pointer:/attachments/0/blocks/0/text/text]")


# --- what is stored --------------------------------------------------------------------------------------------------
def test_slack_names_what_has_no_name_and_fills_in_its_defaults(slack: Slack, bot: WebClient) -> None:
    bare = {"type": "button", "text": {"type": "plain_text", "text": "Go"}}
    answer = bot.chat_postMessage(
        channel="C0ALERTS", text="t", blocks=[section("x"), {"type": "actions", "elements": [bare, bare]}]
    )
    stored = answer["message"]["blocks"]
    ids = [stored[0]["block_id"], stored[1]["block_id"], *(each["action_id"] for each in stored[1]["elements"])]
    assert all(ids)
    assert len(set(ids)) == 4
    assert stored[0]["text"] == {"type": "mrkdwn", "text": "x", "verbatim": False}
    assert stored[1]["elements"][0]["text"] == {"type": "plain_text", "text": "Go", "emoji": True}


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("a & b < c > d", "a &amp; b &lt; c &gt; d"),
        ("a &amp; b &lt; c", "a &amp; b &lt; c"),
        ("<https://example.com/?a=1&b=2|here>", "<https://example.com/?a=1&amp;b=2|here>"),
        ("<@U0ALICE> <#C0ALERTS> <!here> <!channel|all>", "<@U0ALICE> <#C0ALERTS> <!here> <!channel|all>"),
        ("<!date^1772368200^{date_short}|then>", "<!date^1772368200^{date_short}|then>"),
        ("<script>", "&lt;script&gt;"),
        ("<@nobody>", "&lt;@nobody&gt;"),
        ("see https://example.com/a.", "see <https://example.com/a>."),
        ("@here and @channel, not a@here.example", "<!here> and <!channel>, not a@here.example"),
    ],
)
def test_text_is_stored_in_slacks_own_form(slack: Slack, bot: WebClient, sent: str, stored: str) -> None:
    answer = bot.chat_postMessage(channel="C0ALERTS", text=sent, blocks=[section(sent)])
    assert answer["message"]["text"] == stored
    assert answer["message"]["blocks"][0]["text"]["text"] == stored


def test_verbatim_text_makes_no_links_and_mentions_by_itself(slack: Slack, bot: WebClient) -> None:
    written = "@here https://example.com/"
    verbatim = {"type": "section", "text": {"type": "mrkdwn", "text": written, "verbatim": True}}
    answer = bot.chat_postMessage(channel="C0ALERTS", text=written, parse="none", blocks=[verbatim])
    assert answer["message"]["text"] == answer["message"]["blocks"][0]["text"]["text"] == written


def test_plain_text_has_no_markup(slack: Slack, bot: WebClient) -> None:
    header = {"type": "header", "text": {"type": "plain_text", "text": "<!here> & <https://example.com>"}}
    answer = bot.chat_postMessage(channel="C0ALERTS", text="t", blocks=[header])
    assert answer["message"]["blocks"][0]["text"]["text"] == "&lt;!here&gt; &amp; &lt;https://example.com&gt;"


def test_attachments_are_numbered_and_their_buttons_too(slack: Slack, bot: WebClient) -> None:
    action = {"name": "n", "text": "Go", "type": "button", "value": "1"}
    attachments = [{"text": "a"}, {"text": "b", "color": "#ff0000", "callback_id": "c", "actions": [action, action]}]
    stored = bot.chat_postMessage(channel="C0ALERTS", text="t", attachments=attachments)["message"]["attachments"]
    assert [each["id"] for each in stored] == [1, 2]
    assert [each["fallback"] for each in stored] == ["a", "b"]
    assert stored[1]["color"] == "ff0000"
    assert [each["id"] for each in stored[1]["actions"]] == ["1", "2"]


def test_attachments_are_stored_in_slacks_own_form(slack: Slack, bot: WebClient) -> None:
    fields = [{"title": "a < b", "value": "<https://example.com|c & d>"}]
    sent = {"title": "a & b", "text": "<!here> & co", "footer": "f > g", "fields": fields, "ts": 1_700_000_000}
    (stored,) = bot.chat_postMessage(channel="C0ALERTS", text="t", attachments=[sent])["message"]["attachments"]
    assert (stored["title"], stored["text"], stored["footer"]) == ("a &amp; b", "<!here> &amp; co", "f &gt; g")
    assert stored["fields"] == [
        {"title": "a &lt; b", "value": "<https://example.com|c &amp; d>", "short": False},
    ]


def test_a_message_under_another_name_needs_its_scope(slack: Slack, bot: WebClient) -> None:
    slack.change_app(scopes=["chat:write", "chat:write.customize"])
    stored = bot.chat_postMessage(channel="C0ALERTS", text="t", username="Bell", icon_emoji=":bell:")["message"]
    assert (stored["subtype"], stored["username"], stored["icons"]) == ("bot_message", "Bell", {"emoji": ":bell:"})


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"text": "x", "blocks": [section()], "attachments": []}, []),
        ({"text": ""}, ["no text, blocks or attachments [json-pointer:/]"]),
        ({"text": 7}, ["must be a string [json-pointer:/text]"]),
        ({"text": "x" * 4_001}, ["must be less than 4001 characters [json-pointer:/text]"]),
        ({"text": "x", "metadata": {}}, []),
        ({"text": "x", "metadata": {"event_type": "e"}}, ["missing required field: event_payload"]),
        ({"text": "x", "attachments": [{"blocks": [{"type": "x"}]}]}, ["unsupported type: x"]),
        ({"text": "x", "attachments": [{"colour": "x"}]}, ["invalid additional property: colour"]),
        ({"text": "x", "blocks": {}}, ["must be an array, not an object [json-pointer:/blocks]"]),
    ],
)
def test_a_message_can_be_judged_without_being_sent(message: Json, expected: list[str]) -> None:
    found = faults_of_message(message)
    assert len(found) == len(expected)
    assert all(fault.startswith(start) for fault, start in zip(found, expected, strict=True))
