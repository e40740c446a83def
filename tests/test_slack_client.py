"""Calling Slack: what each answer, and each way of not answering, means."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.environment import BOT_TOKEN
from tests.ports import free_port
from tests.slack_fixture import Slack
from tocsin.outbox.failures import DeliveryError, Scope
from tocsin.slack import client, slack_errors
from tocsin.slack.addresses import may_respond_to
from tocsin.slack.slack_errors import Meaning, SlackError

# What Slack's reference and captures name, by what it means operationally. Common to every method:
COMMON = {
    "A": "account_inactive invalid_auth not_authed token_revoked",
    "B": "token_expired",
    "C": "ekm_access_denied",
    "D": "fatal_error internal_error org_login_required ratelimited request_timeout service_unavailable team_added_to_org",
    "E": "invalid_arg_name invalid_arguments invalid_array_arg invalid_charset invalid_form_data invalid_post_type "
    "missing_post_type",
    "G": "access_denied accesslimited deprecated_endpoint enterprise_is_restricted is_bot method_deprecated missing_scope "
    "no_permission not_allowed_token_type team_access_not_granted two_factor_setup_required unknown_method",
}
# Of one method:
CODES: dict[str, dict[str, str]] = {
    "chat.postMessage": {
        "C": "app_access_restricted cannot_reply_to_message channel_not_found is_archived messages_tab_disabled not_in_channel "
        "restricted_action restricted_action_non_threadable_channel restricted_action_read_only_channel "
        "restricted_action_thread_locked restricted_action_thread_only_channel slack_connect_canvas_sharing_blocked "
        "slack_connect_file_link_sharing_blocked slack_connect_lists_sharing_blocked user_not_found cannot_dm_bot",
        "D": "message_limit_exceeded rate_limited",
        "E": "attachment_payload_limit_exceeded draft_already_deleted draft_already_sent draft_has_conflict draft_not_found "
        "duplicate_channel_not_found duplicate_message_not_found invalid_blocks invalid_blocks_format invalid_metadata_format "
        "invalid_metadata_schema markdown_text_conflict metadata_too_large missing_file_data msg_blocks_too_long no_text "
        "too_many_attachments too_many_contact_cards",
        "G": "as_user_not_supported metadata_must_be_sent_from_app send_on_behalf_not_allowed team_not_found",
    },
    "chat.update": {
        "C": "channel_not_found is_inactive posting_to_channel_denied slack_connect_blocked_file_type "
        "slack_connect_canvas_sharing_blocked slack_connect_clip_sharing_blocked slack_connect_file_link_sharing_blocked "
        "slack_connect_file_upload_sharing_blocked",
        "D": "external_channel_migrating message_limit_exceeded unable_to_share_files update_failed",
        "E": "block_mismatch cant_broadcast_message file_share_limit_reached invalid_attachments invalid_blocks "
        "invalid_blocks_format invalid_metadata_format invalid_metadata_schema markdown_text_conflict "
        "max_file_sharing_exceeded metadata_too_large msg_too_long no_dual_broadcast_content_update no_text "
        "too_many_attachments",
        "F": "cant_update_message edit_window_closed file_deleted file_is_deleted file_not_found message_not_found "
        "streaming_state_conflict",
        "G": "as_user_not_supported blocked_file_type metadata_must_be_sent_from_app team_not_found",
    },
    "chat.postEphemeral": {
        "C": "cannot_reply_to_message channel_not_found is_archived messages_tab_disabled not_in_channel restricted_action "
        "user_not_in_channel",
        "D": "message_limit_exceeded",
        "E": "invalid_attachments invalid_blocks invalid_blocks_format markdown_text_conflict msg_too_long no_text "
        "too_many_attachments",
    },
    "chat.getPermalink": {"C": "channel_not_found", "F": "message_not_found"},
    "conversations.list": {
        "C": "method_not_supported_for_channel_type",
        "E": "invalid_cursor invalid_limit invalid_types missing_argument",
    },
    "conversations.info": {"C": "channel_is_limited_access channel_not_found"},
    "conversations.open": {
        "C": "channel_not_found invalid_user_combination method_not_supported_for_channel_type user_disabled user_not_found "
        "user_not_visible",
        "E": "not_enough_users too_many_users users_list_not_supplied",
    },
    "conversations.history": {
        "C": "channel_is_limited_access channel_not_found not_in_channel",
        "E": "invalid_cursor invalid_metadata_filter_keys invalid_ts_latest invalid_ts_oldest",
    },
    "conversations.replies": {
        "C": "channel_not_found method_not_supported_for_channel_type",
        "D": "list_record_comment_fetch_failed",
        "E": "invalid_cursor invalid_metadata_filter_keys invalid_ts_latest invalid_ts_oldest",
        "F": "thread_not_found",
    },
    "auth.test": {},
    "users.info": {"C": "user_not_found user_not_visible", "E": "too_many_users"},
}
MEANINGS: dict[str, set[Meaning]] = {
    "A": {Meaning.INSTALLATION},
    "B": {Meaning.TOKEN},
    "C": {Meaning.DESTINATION},
    "D": {Meaning.RETRY, Meaning.AWAY, Meaning.UNCLEAR, Meaning.RATE},
    "E": {Meaning.OURS, Meaning.REFUSED_MESSAGE},
    "F": {Meaning.GONE, Meaning.BENIGN},
    "G": {Meaning.CONFIGURATION},
}
NEEDS_NO_REPAIR = {Meaning.BENIGN}
ALL = [
    (method, letter, code)
    for method, own in CODES.items()
    for group in (COMMON, own)
    for letter, codes in group.items()
    for code in codes.split()
]


@pytest.mark.parametrize(("method", "letter", "code"), ALL)
def test_every_code_of_every_method_has_its_class_its_sentence_and_its_repair(
    method: str, letter: str, code: str
) -> None:
    error = slack_errors.failure(method, {"ok": False, "error": code})
    assert error.meaning in MEANINGS[letter]
    assert (error.code, error.method) == (code, method)
    assert error.sentence.endswith(".")
    assert error.repair.endswith(".") or error.meaning in NEEDS_NO_REPAIR
    assert error.is_permanent == (letter in "CEFG")


def test_every_meaning_is_taken_in_some_way() -> None:
    assert slack_errors.TAKEN.keys() == set(Meaning)
    assert {entry.meaning for entry in slack_errors.ERRORS.values()} == set(Meaning)


@pytest.mark.parametrize("answer", [{"error": "brand_new_code"}, {"error": None}, {}, {"error": {"odd": 1}}])
def test_an_unknown_code_is_our_mistake_and_said(answer: dict[str, Any]) -> None:
    error = slack_errors.failure("chat.update", {"ok": False, **answer})
    assert error.meaning is Meaning.OURS
    assert error.is_permanent
    assert "does not know" in error.sentence


def test_a_missing_scope_is_named(slack: Slack) -> None:
    slack.fail("conversations.info", "error", error="missing_scope", needed="groups:read", provided="chat:write")
    error = refused("conversations.info", channel="C0ALERTS")
    assert error.code == "missing_scope"
    assert "groups:read" in error.repair


# --- answers ---------------------------------------------------------------------------------------------------------
def refused(method: str = "chat.postMessage", **arguments: Any) -> DeliveryError:
    given = arguments or {"channel": "C0ALERTS", "text": "hello"}
    with pytest.raises(DeliveryError) as caught:
        client.call(BOT_TOKEN, method, **given)
    return caught.value


def test_an_answer_is_given_as_slack_gave_it(slack: Slack) -> None:
    answer = client.call(BOT_TOKEN, "chat.postMessage", channel="C0ALERTS", text="hello", thread_ts=None)
    assert answer["channel"] == "C0ALERTS"
    assert [message["ts"] for message in slack.messages()] == [answer["ts"]]
    link = client.call(BOT_TOKEN, "chat.getPermalink", channel="C0ALERTS", message_ts=answer["ts"])
    assert link["permalink"].startswith("http")


def test_text_that_no_encoding_takes_is_sent_all_the_same(slack: Slack) -> None:
    client.call(BOT_TOKEN, "chat.postMessage", channel="C0ALERTS", text="half a \ud83d pair")
    assert len(slack.messages()) == 1


def test_a_wrong_token_is_a_refused_installation(slack: Slack) -> None:
    with pytest.raises(SlackError) as caught:
        client.call("xoxb-wrong", "auth.test")
    assert caught.value.meaning is Meaning.INSTALLATION


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("1", 1), ("120", 120), ("0", 0), (None, 30), ("soon", 30), ("-5", 30), ("1e9", 30), ("99999", 3600)],
)
def test_a_429_is_about_the_method_and_lasts_as_long_as_slack_says(
    slack: Slack, told: str | None, seconds: int
) -> None:
    slack.fail("chat.postMessage", "429", retry_after=told)
    error = refused()
    assert (error.scope, error.is_ambiguous, error.is_permanent) == (Scope.METHOD, False, False)
    assert error.retry_after is not None
    assert error.retry_after.total_seconds() == seconds
    assert error.method == "chat.postMessage"


@pytest.mark.parametrize(
    ("kind", "how", "code"),
    [
        ("status", {"status": 500}, "http_500"),
        ("status", {"status": 503}, "http_503"),
        ("html", {}, "unreadable_answer"),
        ("html", {"status": 502}, "http_502"),
        ("status", {"status": 200, "body": ""}, "unreadable_answer"),
        ("status", {"status": 200, "body": "[]"}, "unreadable_answer"),
        ("status", {"status": 200, "body": '{"fine": true}'}, "unreadable_answer"),
        ("status", {"status": 200, "body": "[" * 100_000}, "unreadable_answer"),
        ("truncated", {}, "connection_lost"),
        ("huge", {"bytes": 10_000_000}, "answer_too_long"),
        ("reset_before", {}, "connection_lost"),
        ("reset_after", {}, "connection_lost"),
    ],
)
def test_whatever_leaves_the_outcome_open_is_ambiguous_and_about_the_workspace(
    slack: Slack, kind: str, how: dict[str, Any], code: str
) -> None:
    slack.fail("chat.postMessage", kind, **how)
    error = refused()
    assert (error.code, error.is_ambiguous, error.is_permanent, error.scope) == (code, True, False, Scope.POOL)


@pytest.mark.parametrize("code", ["fatal_error", "internal_error"])
def test_a_fault_of_slacks_own_may_have_had_its_effect(slack: Slack, code: str) -> None:
    slack.fail("chat.postMessage", "error", error=code)
    assert refused().is_ambiguous


@pytest.mark.parametrize("status", [301, 302, 403, 404, 407])
def test_other_statuses_are_tried_again_and_redirects_are_not_followed(slack: Slack, status: int) -> None:
    slack.fail("chat.postMessage", "status", status=status, headers={"Location": f"{slack.url}/elsewhere"})
    error = refused()
    assert (error.code, error.is_permanent, error.is_ambiguous) == (f"http_{status}", False, False)
    assert len(slack.journal("chat.postMessage")) == 1


def test_a_call_is_made_once_however_it_fails(slack: Slack) -> None:
    slack.fail("chat.postMessage", "reset_after")
    refused()
    assert len(slack.journal("chat.postMessage")) == 1
    assert len(slack.messages()) == 1


def late(slack: Slack, seconds: float) -> DeliveryError:
    """The error of a call that is given so many seconds."""
    began = time.monotonic()
    with pytest.raises(DeliveryError) as caught:
        client.respond(f"{slack.url}/response/any", {"text": "hello"}, seconds=seconds)
    assert time.monotonic() - began < seconds + 2
    return caught.value


def test_a_call_ends_in_time_though_its_answer_drips(slack: Slack) -> None:
    slack.fail("response_url", "drip", seconds=0.2)
    error = late(slack, 0.5)
    assert (error.code, error.is_ambiguous) == ("timeout", True)
    client.call(BOT_TOKEN, "auth.test")  # on a connection that works


def test_a_call_that_is_not_answered_ends_in_time(slack: Slack) -> None:
    held = slack.pause("response_url", "after")
    error = late(slack, 0.3)
    assert (error.code, error.is_ambiguous) == ("timeout", True)
    held.release()


def test_nobody_there_is_not_ambiguous(settings: Any) -> None:
    settings.TOCSIN_SLACK_API_URL = f"http://127.0.0.1:{free_port()}/api/"
    error = refused()
    assert (error.code, error.is_ambiguous, error.scope) == ("unreachable", False, Scope.POOL)


@pytest.fixture
def not_slack() -> Iterator[int]:
    """The port of a server that speaks no TLS."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            other, _ = listener.accept()
            with other:
                other.recv(64)
                other.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)


def test_a_server_without_a_certificate_hears_no_token(settings: Any, not_slack: int) -> None:
    settings.TOCSIN_SLACK_API_URL = f"https://127.0.0.1:{not_slack}/api/"
    error = refused()
    assert (error.code, error.is_ambiguous) == ("unreachable", False)


# --- response_urls ---------------------------------------------------------------------------------------------------
SLACK = "https://slack.com/api/"
OTHER = "http://127.0.0.1:8001/api/"


@pytest.mark.parametrize(
    ("url", "api_url", "may"),
    [
        ("https://hooks.slack.com/actions/T1/2/3", SLACK, True),
        ("https://hooks.slack.com/commands/T1/2/3", SLACK, True),
        ("https://hooks.slack.com/app/T1/2/3", SLACK, True),
        ("https://hooks.slack-gov.com/actions/T1/2/3", SLACK, True),
        ("http://hooks.slack.com/actions/T1", SLACK, False),
        ("https://hooks.slack.com/services/T1", SLACK, False),
        ("https://hooks.slack.com", SLACK, False),
        ("https://hooks.slack.com:443/actions/T1", SLACK, False),
        ("https://user@hooks.slack.com/actions/T1", SLACK, False),
        ("https://hooks.slack.com@evil.example/actions/T1", SLACK, False),
        ("https://hooks.slack.com.evil.example/actions/T1", SLACK, False),
        ("https://evil.example/actions/hooks.slack.com", SLACK, False),
        ("https://evil.example\\@hooks.slack.com/actions/T1", SLACK, False),
        ("https://hooks.slack.com/actions/../services/T1", SLACK, False),
        ("https://hooks.slack.com/actions/%2e%2e/services/T1", SLACK, False),
        ("https://hooks.slack.com/actions/T1\r\nX: y", SLACK, False),
        ("https://hooks.slack.com /actions/T1", SLACK, False),
        ("https://hooks.slack。com/actions/T1", SLACK, False),
        ("https://hooks.slack.com:99999/actions/T1", SLACK, False),
        ("https://[::1/actions/T1", SLACK, False),
        ("", SLACK, False),
        ("http://127.0.0.1:8001/response/abc", OTHER, True),
        ("http://127.0.0.1:8002/response/abc", OTHER, False),
        ("https://127.0.0.1:8001/response/abc", OTHER, False),
        ("http://x@127.0.0.1:8001/response/abc", OTHER, False),
        ("https://hooks.slack.com/actions/T1", OTHER, False),
    ],
)
def test_only_slacks_own_addresses_are_answered(url: str, api_url: str, may: bool) -> None:
    assert may_respond_to(url, api_url) is may


def test_an_address_that_is_not_slacks_is_not_called(slack: Slack) -> None:
    with pytest.raises(DeliveryError) as caught:
        client.respond("https://evil.example/actions/T1", {"text": "hello"})
    assert caught.value.is_permanent


def test_a_spent_response_url_is_permanent(slack: Slack) -> None:
    with pytest.raises(DeliveryError) as caught:
        client.respond(f"{slack.url}/response/never-given", {"text": "hello"})
    assert (caught.value.code, caught.value.is_permanent) == ("response_url_spent", True)


def test_a_response_url_that_fails_says_nothing_about_the_workspace(slack: Slack) -> None:
    slack.fail("response_url", "status", status=503)
    with pytest.raises(DeliveryError) as caught:
        client.respond(f"{slack.url}/response/any", {"text": "hello"})
    assert (caught.value.scope, caught.value.is_permanent) == (Scope.ROW, False)
