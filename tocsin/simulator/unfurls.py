"""Links that an app unfurls: who is told that one was shared, what the app puts below it, and how that is used.

https://docs.slack.dev/messaging/unfurling-links-in-messages
"""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from tocsin.simulator import installed
from tocsin.simulator.attachments import ATTACHMENT
from tocsin.simulator.entities import stored
from tocsin.simulator.errors import ApiError, invalid_arguments, invalid_blocks, with_messages
from tocsin.simulator.fields import NotThere
from tocsin.simulator.messages import stored_attachment
from tocsin.simulator.shapes import Check, Fault, Faults, Shape, listing, pattern, text, url
from tocsin.simulator.state import Offer, Posted, User, Workspace
from tocsin.simulator.validation import IN_MESSAGES, faults_of_blocks

COMPOSER = "COMPOSER"
POSTED, COMPOSED = SOURCES = ("conversations_history", "composer")
KEPT = 10_000  # offers; the oldest are forgotten first
IN_UNFURLS = IN_MESSAGES - {"rich_text"}
PLACE = ("is_app_unfurl", "app_unfurl_url", "from_url", "app_id", "bot_id")  # what stands beside what the app sent
_LINK = re.compile(r"<(https?://[^|>]+)(?:\|([^>]*))?>")
# Slack wants the names of public hosts; here an app lives on this machine.
DOMAINS: Check = listing(
    pattern(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", "a domain in small letters, without scheme, port and path"),
    "app.unfurl_domains",
    minimum=0,
)
# What the composer shows of a link; in a message it means nothing.
PREVIEW = Shape(
    required={},
    optional={
        "title": text("text", "plain_text"),
        "subtitle": text("text", "plain_text"),
        "icon_url": url("image.image_url"),
    },
)


def refuse_faulty_domains(domains: Any) -> None:
    """Raises NotThere for what an app's owner cannot configure."""
    faults: Faults = []
    DOMAINS(domains, "/unfurl_domains", faults)
    if faults:
        raise NotThere("; ".join(str(fault) for fault in faults))


# --- telling the app -------------------------------------------------------------------------------------------------
def shared(workspace: Workspace, text: str) -> list[dict[str, str]]:
    """The links in a stored text that belong to a domain of the app, each with that domain; none twice. One whose label is a
    part of its address is not unfurled.
    """
    found = dict.fromkeys(address for address, label in _LINK.findall(text) if not (label and label in address))
    known = [(address, _domain(workspace.app.unfurl_domains, address)) for address in found]
    return [{"domain": domain, "url": address} for address, domain in known if domain]


def _domain(registered: Sequence[str], address: str) -> str:
    """The registered domain that the address is in, the longest of several, or empty."""
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return ""
    return max((domain for domain in registered if f".{host}".endswith(f".{domain}")), key=len, default="")


def link_shared(workspace: Workspace, user: User, posted: Posted) -> dict[str, Any] | None:
    """The event of a message that somebody has posted; None when the app hears nothing of it."""
    links = shared(workspace, posted.message["text"])
    channel = workspace.channels[posted.channel]
    unfurl_id = f"{posted.channel}.{posted.ts}.{secrets.token_hex(32)}"
    offer = _offer(workspace, user, links, unfurl_id, source=POSTED, channel=posted.channel, ts=posted.ts)
    if offer is None:
        return None
    thread = {"thread_ts": posted.message["thread_ts"]} if posted.thread_ts else {}
    is_member = workspace.bot_is_in(channel)
    return _event(workspace, offer, links, {**thread, "is_bot_user_member": is_member}, channel.is_connect)


def composed(workspace: Workspace, user: User, text: str) -> dict[str, Any] | None:
    """The event of somebody who writes, and has not posted yet. In an Enterprise Grid there is none."""
    links = [] if workspace.enterprise else shared(workspace, stored(text, verbatim=False))
    unfurl_id = f"{user.id}-{uuid.uuid4()}-{secrets.token_hex(16)}"
    offer = _offer(workspace, user, links, unfurl_id, source=COMPOSED, channel=COMPOSER, ts=unfurl_id)
    return _event(workspace, offer, links, {"is_bot_user_member": True}, False) if offer is not None else None


def _offer(
    workspace: Workspace,
    user: User,
    links: Sequence[Mapping[str, str]],
    unfurl_id: str,
    *,
    source: str,
    channel: str,
    ts: str,
) -> Offer | None:
    if not links or user.is_bot or "links:read" not in workspace.app.scopes:
        return None
    offer = Offer(
        unfurl_id=unfurl_id,
        source=source,
        user=user.id,
        channel=channel,
        ts=ts,
        urls=tuple(link["url"] for link in links),
        previews={},
    )
    workspace.offers[unfurl_id] = offer
    if len(workspace.offers) > KEPT:
        del workspace.offers[next(iter(workspace.offers))]
    return offer


def _event(
    workspace: Workspace, offer: Offer, links: Sequence[Mapping[str, str]], more: Mapping[str, Any], is_connect: bool
) -> dict[str, Any]:
    event = {
        "type": "link_shared",
        "user": offer.user,
        "channel": offer.channel,
        "message_ts": offer.ts,
        "links": list(links),
        **({} if workspace.enterprise else {"source": offer.source, "unfurl_id": offer.unfurl_id}),
        "event_ts": workspace.next_ts(),
        **more,
    }
    return installed.envelope(workspace, event, is_connect=is_connect)


# --- what the app puts there -----------------------------------------------------------------------------------------
def offered(workspace: Workspace, args: Mapping[str, Any]) -> Offer:
    """Which links are meant. Raises what chat.unfurl answers."""
    is_by_id = args.get("unfurl_id") or args.get("source")
    return _offered_by_id(workspace, args) if is_by_id else _offered_in_message(workspace, args)


def _offered_by_id(workspace: Workspace, args: Mapping[str, Any]) -> Offer:
    _need(args, "unfurl_id", "source")
    if args["source"] not in SOURCES:
        raise ApiError("invalid_source")
    offer = workspace.offers.get(args["unfurl_id"])
    if offer is None or offer.source != args["source"]:
        raise ApiError("invalid_unfurl_id")
    if offer.source == POSTED:
        _message(workspace, offer.channel, offer.ts)
    return offer


def _offered_in_message(workspace: Workspace, args: Mapping[str, Any]) -> Offer:
    _need(args, "channel", "ts")
    if args["channel"] not in workspace.channels:
        raise ApiError("cannot_find_channel")
    _message(workspace, args["channel"], args["ts"])
    if not workspace.app.unfurl_domains:
        raise ApiError("cannot_find_service")
    for offer in workspace.offers.values():
        if (offer.channel, offer.ts) == (args["channel"], args["ts"]):
            return offer
    raise ApiError("cannot_unfurl_message")


def _need(args: Mapping[str, Any], *names: str) -> None:
    for name in names:
        if not args.get(name):
            raise ApiError(f"missing_{name}")


def _message(workspace: Workspace, channel: str, ts: str) -> Posted:
    posted = workspace.find(channel, ts)
    if posted is None or posted.ephemeral_to or posted.message.get("subtype") == "tombstone":
        raise ApiError("cannot_find_message")
    return posted


def refuse_wrong(offer: Offer, unfurls: Any) -> None:
    """Raise what chat.unfurl answers: an address is that of the event, to the letter."""
    if not isinstance(unfurls, dict) or not all(isinstance(each, dict) for each in unfurls.values()):
        raise ApiError("invalid_unfurls_format")
    if unfurls.keys() - set(offer.urls):
        raise ApiError("cannot_unfurl_url")
    for address, content in unfurls.items():
        refuse_faulty(content, f"/unfurls/{address.replace('~', '~0').replace('/', '~1')}")


def refuse_faulty(content: Mapping[str, Any], at: str = "") -> None:
    """Raise the error for what cannot stand below a link: blocks, or an attachment of old."""
    if faults := _faults_of_blocks(content, at):
        raise invalid_blocks([str(fault) for fault in faults])
    if faults := _faults_beside_blocks(content, at):
        raise with_messages("cannot_parse_attachment", [str(fault) for fault in faults])


def faults_of(content: Mapping[str, Any]) -> Faults:
    """The same, as a list."""
    return [*_faults_of_blocks(content, ""), *_faults_beside_blocks(content, "")]


def _faults_of_blocks(content: Mapping[str, Any], at: str) -> Faults:
    return faults_of_blocks(content.get("blocks", []), f"{at}/blocks", allowed=IN_UNFURLS)


def _faults_beside_blocks(content: Mapping[str, Any], at: str) -> Faults:
    faults: Faults = []
    ATTACHMENT({name: value for name, value in content.items() if name != "preview"}, at, faults)
    if "preview" in content:
        PREVIEW(content["preview"], f"{at}/preview", faults)
    if content.get("blocks") and "text" in content:
        faults.append(Fault("an unfurl has no text beside its blocks", f"{at}/text"))
    if not any(content.values()):
        faults.append(Fault("nothing to show", at))
    return faults


def put(workspace: Workspace, offer: Offer, unfurls: Mapping[str, Mapping[str, Any]]) -> None:
    """Put them below the links, in the place of those that are there already. They were looked through before."""
    posted = workspace.find(offer.channel, offer.ts)
    if posted is None:
        offer.previews.update(unfurls)
        return
    for address, content in unfurls.items():
        _put_one(workspace, posted, address, content)
    workspace.change()


def _put_one(workspace: Workspace, posted: Posted, address: str, content: Mapping[str, Any]) -> None:
    there = posted.message.setdefault("attachments", [])
    about = {
        "is_app_unfurl": True,
        "app_unfurl_url": address,
        "from_url": address,
        "app_id": workspace.app.id,
        "bot_id": workspace.app.bot_id,
    }
    for index, old in enumerate(there):
        if old.get("app_unfurl_url") == address:
            there[index] = {**_stored(content, old["id"]), **about}
            return
    number = 1 + max((int(old["id"]) for old in there), default=0)
    there.append({**_stored(content, number), **about})


def _stored(content: Mapping[str, Any], number: int) -> dict[str, Any]:
    return stored_attachment({name: value for name, value in content.items() if name != "preview"}, number)


# --- how it is used --------------------------------------------------------------------------------------------------
def of(message: Mapping[str, Any], number: int) -> Mapping[str, Any] | None:
    """The unfurl with that number in a message."""
    for attachment in message.get("attachments", []):
        if attachment["id"] == number and attachment.get("is_app_unfurl"):
            return dict(attachment)
    return None


# What an answer to an unfurl may say beside what is to be shown.
_BESIDE = frozenset({"replace_original", "delete_original", "response_type", "unfurl_links", "unfurl_media"})


def content_of(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What is to be shown, out of what was answered."""
    return {name: value for name, value in asked.items() if name not in _BESIDE}


def replace(posted: Posted, number: int, content: Mapping[str, Any]) -> None:
    """Another content in the same place. Raises what a response_url answers."""
    if not content:
        raise invalid_arguments("no blocks or attachment")
    refuse_faulty(content)
    for index, old in enumerate(posted.message.get("attachments", [])):
        if old["id"] == number:
            kept = {name: old[name] for name in PLACE if name in old}
            posted.message["attachments"][index] = {**_stored(content, number), **kept}


def remove(posted: Posted, number: int) -> None:
    """Take it away; what the person has written stays."""
    left = [each for each in posted.message.pop("attachments", []) if each["id"] != number]
    if left:
        posted.message["attachments"] = left
