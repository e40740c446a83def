"""Looking for a message whose answer was lost, by what its metadata says."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tocsin.logs import get_logger
from tocsin.slack.line import Line, for_the_row_only
from tocsin.slack.slack_errors import Meaning, SlackError

log = get_logger(__name__)

LOOK_BACK = timedelta(hours=1)  # before the delivery was written: clocks differ
PAGE = 200
PAGES_MAX = 25  # five thousand messages: half of what Slack lets us ask in a minute

# Where we may not read we cannot look, and one duplicate is the lesser evil.
MAY_NOT_READ = frozenset({Meaning.CONFIGURATION, Meaning.DESTINATION})


def metadata(event_type: str, key: str) -> dict[str, Any]:
    """What every message carries, so that it can be found."""
    return {"event_type": event_type, "event_payload": {"delivery": key}}


def find(
    line: Line, channel: str, event_type: str, key: str, *, created_at: datetime, thread_ts: str = ""
) -> dict[str, str] | None:
    """`channel` and `ts` of the message that our bot posted with this key; None when there is none, or we may not look.

    Raises DeliveryError when Slack does not tell.
    """
    try:
        where = _conversation(line, channel)
        return _search(line, where, (event_type, key), created_at, thread_ts)
    except SlackError as error:
        if error.meaning in MAY_NOT_READ:
            log.info("slack: no way to look for a lost message", channel=channel, error_code=error.code)
            return None
        if error.meaning is Meaning.GONE:  # the thread itself
            return None
        raise for_the_row_only(error) from None


def _conversation(line: Line, channel: str) -> str:
    """A message to a person hangs in the conversation with them."""
    if not channel.startswith(("U", "W")):
        return channel
    opened: str = line.call("conversations.open", users=channel)["channel"]["id"]
    return opened


def _search(
    line: Line, channel: str, wanted: tuple[str, str], created_at: datetime, thread_ts: str
) -> dict[str, str] | None:
    method = "conversations.replies" if thread_ts else "conversations.history"
    cursor = ""
    for _ in range(PAGES_MAX):
        answer = line.call(
            method,
            channel=channel,
            ts=thread_ts or None,
            oldest=f"{(created_at - LOOK_BACK).timestamp():.6f}",
            include_all_metadata=True,
            limit=PAGE,
            cursor=cursor or None,
        )
        for message in answer.get("messages") or []:
            if line.is_mine(message) and _says(message) == wanted:
                return {"channel": channel, "ts": message["ts"]}
        cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            return None
    log.warning("slack: too many messages to look through", channel=channel, looked_at=PAGES_MAX * PAGE)
    return None


def _says(message: dict[str, Any]) -> tuple[str, str]:
    carried = message.get("metadata") or {}
    return str(carried.get("event_type", "")), str((carried.get("event_payload") or {}).get("delivery", ""))
