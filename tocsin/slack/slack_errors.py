"""What Slack's errors mean, in one table: what to do with the delivery, and what to say to people.

The codes are those of Slack's reference pages for the methods that Tocsin calls. An unknown code is taken for our own mistake, and
said so, never passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from tocsin.outbox.failures import DeliveryError, Scope


class Meaning(StrEnum):
    """What an error asks of us."""

    RETRY = "retry"  # it passes
    AWAY = "away"  # it passes, and meanwhile nothing of this workspace will do
    UNCLEAR = "unclear"  # it passes, and may have had its effect
    RATE = "rate"  # this method of this workspace rests
    TOKEN = "token"  # the token has run out
    INSTALLATION = "installation"  # the app is no longer in the workspace
    DESTINATION = "destination"  # this channel or person cannot be told
    CONFIGURATION = "configuration"  # somebody has to allow it at Slack
    OURS = "ours"  # we sent something wrong
    REFUSED_MESSAGE = "refused_message"  # we drew something Slack does not take: a plainer message may do
    GONE = "gone"  # the message is no longer there, or no longer ours to edit
    BENIGN = "benign"  # it is so already


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    meaning: Meaning
    sentence: str
    repair: str = ""


def _all(meaning: Meaning, sentence: str, repair: str, codes: str) -> dict[str, Entry]:
    return {code: Entry(meaning=meaning, sentence=sentence, repair=repair) for code in codes.split()}


ERRORS: dict[str, Entry] = {
    # --- it passes
    **_all(
        Meaning.RETRY,
        "Slack cannot do this now.",
        "Tocsin tries again by itself.",
        "message_limit_exceeded external_channel_migrating update_failed unable_to_share_files fetch_members_failed "
        "list_record_comment_fetch_failed",
    ),
    **_all(
        Meaning.AWAY,
        "The workspace cannot be used now.",
        "Tocsin tries again by itself.",
        "org_login_required service_unavailable team_added_to_org",
    ),
    **_all(
        Meaning.UNCLEAR,
        "Slack had a fault while doing this.",
        "Tocsin looks whether it was done, and tries again by itself.",
        "fatal_error internal_error request_timeout",
    ),
    **_all(Meaning.RATE, "Slack asks for a pause.", "Tocsin waits as long as Slack says.", "ratelimited rate_limited"),
    # --- the installation
    **_all(
        Meaning.TOKEN, "The bot token has run out.", "Install the app again and set its new token.", "token_expired"
    ),
    **_all(
        Meaning.INSTALLATION,
        "Slack does not accept the bot token.",
        "Install the app again and set its new token; if the app has a list of allowed IP addresses, add this server's.",
        "account_inactive not_authed token_revoked invalid_auth",
    ),
    # --- the destination
    **_all(
        Meaning.DESTINATION,
        "Slack finds no such channel or person for the bot.",
        "If the channel is private, invite the bot to it; if it was deleted, choose another.",
        "channel_not_found user_not_found users_not_found user_not_visible cannot_find_channel",
    ),
    **_all(Meaning.DESTINATION, "The bot is not in the channel.", "Invite the bot to it.", "not_in_channel"),
    **_all(
        Meaning.DESTINATION, "The channel is archived.", "Unarchive it, or choose another.", "is_archived is_inactive"
    ),
    **_all(
        Meaning.DESTINATION,
        "The person is not in the channel, or cannot be written to.",
        "Ask them to join it, or choose another place.",
        "user_not_in_channel user_disabled cannot_dm_bot invalid_user_combination messages_tab_disabled",
    ),
    **_all(
        Meaning.DESTINATION,
        "The channel does not let the bot write there.",
        "Ask the channel's managers to allow it, or choose another channel.",
        "restricted_action restricted_action_non_threadable_channel restricted_action_read_only_channel "
        "restricted_action_thread_locked restricted_action_thread_only_channel cannot_reply_to_message app_access_restricted "
        "posting_to_channel_denied channel_is_limited_access method_not_supported_for_channel_type ekm_access_denied "
        "slack_connect_canvas_sharing_blocked slack_connect_file_link_sharing_blocked slack_connect_lists_sharing_blocked "
        "slack_connect_blocked_file_type slack_connect_clip_sharing_blocked slack_connect_file_upload_sharing_blocked",
    ),
    # --- what somebody has to allow
    **_all(
        Meaning.CONFIGURATION,
        "The app lacks a scope for this.",
        "Add the scope to the app at Slack and install it again.",
        "missing_scope",
    ),
    **_all(
        Meaning.CONFIGURATION,
        "The workspace's settings do not allow this.",
        "Ask an administrator of the workspace.",
        "access_denied accesslimited enterprise_is_restricted no_permission not_allowed_token_type "
        "two_factor_setup_required team_not_found team_access_not_granted as_user_not_supported "
        "metadata_must_be_sent_from_app send_on_behalf_not_allowed blocked_file_type is_bot plan_upgrade_required "
        "limit_required cannot_auth_user cannot_find_service",
    ),
    **_all(
        Meaning.CONFIGURATION,
        "Slack no longer offers what Tocsin asked for.",
        "Install a newer version of Tocsin.",
        "deprecated_endpoint method_deprecated unknown_method",
    ),
    # --- what we got wrong
    **_all(
        Meaning.REFUSED_MESSAGE,
        "Slack refused the message as it was drawn.",
        "This is a fault of Tocsin; a plainer message is sent.",
        "invalid_blocks invalid_blocks_format msg_blocks_too_long msg_too_long invalid_attachments "
        "attachment_payload_limit_exceeded too_many_attachments block_mismatch no_text markdown_text_conflict "
        "cannot_parse_attachment",
    ),
    **_all(
        Meaning.OURS,
        "Slack refused what Tocsin sent.",
        "This is a fault of Tocsin: please report it with this code.",
        "invalid_arg_name invalid_array_arg invalid_arguments invalid_charset invalid_form_data invalid_post_type "
        "missing_post_type draft_already_deleted draft_already_sent draft_has_conflict "
        "draft_not_found duplicate_channel_not_found duplicate_message_not_found invalid_metadata_format "
        "invalid_metadata_schema metadata_too_large missing_file_data too_many_contact_cards cant_broadcast_message "
        "file_share_limit_reached max_file_sharing_exceeded no_dual_broadcast_content_update invalid_cursor invalid_limit "
        "invalid_types missing_argument invalid_metadata_filter_keys invalid_ts_latest invalid_ts_oldest too_many_users "
        "not_enough_users users_list_not_supplied invalid_source invalid_unfurl_id invalid_unfurls_format missing_channel "
        "missing_source missing_ts missing_unfurl_id missing_unfurls",
    ),
    # --- nothing to mend
    **_all(
        Meaning.GONE,
        "The message was deleted, or can no longer be edited.",
        "The next alert makes a new card.",
        "message_not_found cant_update_message edit_window_closed cant_delete_message thread_not_found "
        "cannot_find_message cannot_unfurl_message cannot_unfurl_url",
    ),
    **_all(
        Meaning.BENIGN,
        "There is nothing left to do.",
        "",
        "file_deleted file_is_deleted file_not_found streaming_state_conflict cannot_prompt",
    ),
}

UNKNOWN = Entry(
    meaning=Meaning.OURS,
    sentence="Slack answered with an error that Tocsin does not know.",
    repair="Please report it with this code.",
)


class SlackError(DeliveryError):
    """An `ok: false`, with what it means."""

    def __init__(self, method: str, code: str, entry: Entry, **options: Any) -> None:
        super().__init__(code, entry.sentence, repair=entry.repair, method=method, **options)
        self.meaning = entry.meaning


# How the worker is to take it.
TAKEN: dict[Meaning, dict[str, Any]] = {
    Meaning.RETRY: {},
    Meaning.UNCLEAR: {"is_ambiguous": True},
    Meaning.AWAY: {"scope": Scope.POOL, "retry_after": timedelta(seconds=30)},
    Meaning.RATE: {"scope": Scope.METHOD, "retry_after": timedelta(seconds=30)},
    Meaning.TOKEN: {"scope": Scope.POOL, "retry_after": timedelta(seconds=30)},
    Meaning.INSTALLATION: {"scope": Scope.POOL, "retry_after": timedelta(seconds=30)},
    Meaning.DESTINATION: {"is_permanent": True},
    Meaning.CONFIGURATION: {"is_permanent": True},
    Meaning.OURS: {"is_permanent": True},
    Meaning.REFUSED_MESSAGE: {"is_permanent": True},
    Meaning.GONE: {"is_permanent": True},
    Meaning.BENIGN: {"is_permanent": True},
}


def failure(method: str, answer: Mapping[str, Any]) -> SlackError:
    """The error of an answer whose `ok` is not true."""
    code = str(answer.get("error") or "no_error_code")
    entry = ERRORS.get(code, UNKNOWN)
    if code == "missing_scope" and answer.get("needed"):
        repair = f"Add the scope {answer['needed']} to the app at Slack and install it again."
        entry = Entry(meaning=entry.meaning, sentence=f"The app lacks a scope for {method}.", repair=repair)
    return SlackError(method, code, entry, **TAKEN[entry.meaning])


def rate_limit(method: str, pause: timedelta) -> SlackError:
    """The error of status 429: this method of this workspace rests for `pause`."""
    return SlackError(method, "ratelimited", ERRORS["ratelimited"], **{**TAKEN[Meaning.RATE], "retry_after": pause})
