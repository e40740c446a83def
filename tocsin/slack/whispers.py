"""Telling one person something, by the first road that is open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from tocsin.outbox.failures import DeliveryError
from tocsin.outbox.worker import Lease
from tocsin.slack import line as lines
from tocsin.slack import lookup, response_urls
from tocsin.slack.line import Line, for_the_row_only
from tocsin.slack.models import Installation
from tocsin.slack.slack_errors import SlackError

WHISPER = "tocsin_whisper"
PLAIN: dict[str, Any] = {"parse": "none", "link_names": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Whisper:
    text: str  # mrkdwn
    channel: str
    user: str
    thread_ts: str = ""
    response_url_id: int | None = None


def whisper(
    lease: Lease,
    *,
    installation_id: int,
    text: str,
    channel: str,
    user: str,
    thread_ts: str = "",
    response_url_id: int | None = None,
) -> None:
    """response_url, else a message that only they see in the channel, else a direct message."""
    installation = Installation.objects.filter(pk=installation_id).first()
    if installation is None:
        return
    line = lines.to(lease, installation)
    what = Whisper(text=text, channel=channel, user=user, thread_ts=thread_ts, response_url_id=response_url_id)
    *first, last = _roads(line, what)
    for road in first:
        try:
            road()
        except DeliveryError as error:
            if not error.is_permanent:
                raise _about_the_row(error) from None
        else:
            return
    last()


def _about_the_row(error: DeliveryError) -> DeliveryError:
    return for_the_row_only(error) if isinstance(error, SlackError) else error


def _roads(line: Line, what: Whisper) -> Iterator[Callable[[], None]]:
    """Those that there are, the best first. Each raises a permanent DeliveryError when it is closed."""
    if what.response_url_id is not None:
        yield partial(_respond, line, what.response_url_id, what.text)
    if what.channel and not what.channel.startswith("D"):
        yield partial(_ephemerally, line, what)
    yield partial(_directly, line, what)


def _respond(line: Line, response_url_id: int, text: str) -> None:
    message = {"response_type": "ephemeral", "replace_original": False, "text": text}
    response_urls.use(line, response_url_id, message)


def _ephemerally(line: Line, what: Whisper) -> None:
    line.call(
        "chat.postEphemeral",
        channel=what.channel,
        user=what.user,
        thread_ts=what.thread_ts or None,
        text=what.text,
        **PLAIN,
    )


def _directly(line: Line, what: Whisper) -> None:
    lease = line.lease
    key = f"whisper-{lease.id}"
    if lease.is_ambiguous and lookup.find(line, what.user, WHISPER, key, created_at=lease.created_at):
        return
    line.call(
        "chat.postMessage",
        channel=what.user,
        text=what.text,
        metadata=lookup.metadata(WHISPER, key),
        unfurl_links=False,
        unfurl_media=False,
        **PLAIN,
    )
