"""Links to Tocsin that people post: shown below them to whoever is in the channel, if the person who posted them may see that."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from tocsin.alerts.models import Destination
from tocsin.clock import database_now
from tocsin.issues.access import visible_issues
from tocsin.issues.models import Issue
from tocsin.outbox import service as outbox
from tocsin.outbox.models import Priority
from tocsin.outbox.worker import Lease
from tocsin.slack import identity, linking, mrkdwn, reading
from tocsin.slack import line as lines
from tocsin.slack.action_ids import Action
from tocsin.slack.blocks import elements
from tocsin.slack.cards import Style
from tocsin.slack.installations import Found
from tocsin.slack.linking import Linked
from tocsin.slack.models import Card, Installation, LinkToken, WaitingLink, Workspace
from tocsin.slack.payloads import LinksShared, Place
from tocsin.slack.refresh import ISSUE, refresh_card
from tocsin.slack.telling import Listener

PREVIEW = "slack.unfurl_preview"
PROMPT = "slack.unfurl_prompt"
WAITS_FOR = timedelta(days=1)


# --- which links ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link to an issue, or to one of its events."""

    url: str  # as Slack names it
    organization: str  # slug
    issue_id: int
    event_id: str = ""


ISSUE_PATH = re.compile(r"/issues/(?P<issue>[1-9][0-9]{0,17})/?(?:events/(?P<event>[0-9a-f]{32})/?)?")
IN_ORGANIZATION = re.compile(r"/organizations/(?P<organization>[a-z0-9_-]{1,50})(?P<rest>/.*)")


def links_in(urls: Iterable[str]) -> Iterator[Link]:
    """Those that unfurl, none twice. Both `/organizations/<slug>/…` and `<slug>.<host>/…` are ours."""
    for url in dict.fromkeys(urls):
        organization, path = _place_of(url.replace("&amp;", "&"))
        if organization and (found := ISSUE_PATH.fullmatch(path)):
            yield Link(url=url, organization=organization, issue_id=int(found["issue"]), event_id=found["event"] or "")


def _place_of(url: str) -> tuple[str, str]:
    """The slug of the organization and the path within it; empty when the address is none of ours."""
    ours = urlsplit(settings.TOCSIN_URL)
    try:
        parts = urlsplit(url)
        is_ours = (parts.scheme, parts.port) == (ours.scheme, ours.port)
    except ValueError:
        return "", ""
    host, our_host = parts.hostname or "", ours.hostname or ""
    if is_ours and host == our_host and (found := IN_ORGANIZATION.fullmatch(parts.path)):
        return found["organization"], found["rest"]
    if is_ours and host.endswith(f".{our_host}"):
        return host.removesuffix(f".{our_host}"), parts.path
    return "", ""


# --- when they are posted -------------------------------------------------------------------------------------------


def shared(payload: LinksShared, workspace: Workspace, found: Found, now: datetime) -> None:
    """Unfurl what the person may see; ask who is not linked to connect, and remember the links until then."""
    if payload.sender.id in ("", found.installation.bot_user_id):
        return
    person = identity.who(workspace, payload.sender.id)
    wanted = list(links_in(payload.urls))
    if person is None:
        known = _issues(wanted, Issue.objects.all(), found)
        if known:
            _ask(payload, workspace, found, [link for link, _ in known], now)
        return
    for link, issue in _issues(wanted, visible_issues(person.user), found):
        if payload.unfurl_id:
            _preview(payload, workspace, found, link, issue, now)
        else:
            _unfurl(payload.place, workspace, link, issue, now, is_connect=payload.is_connect)


def _issues(wanted: Iterable[Link], among: Any, found: Found) -> list[tuple[Link, Issue]]:
    """Each link with its issue, as far as it is among these and of an organization that the installation serves."""
    links = list(wanted)
    known = {
        issue.pk: issue
        for issue in among.select_related("organization", "project").filter(
            pk__in={link.issue_id for link in links}, organization__in=found.organizations
        )
    }
    return [
        (link, issue)
        for link in links
        if (issue := known.get(link.issue_id)) is not None and issue.organization.slug == link.organization
    ]


def _unfurl(place: Place, workspace: Workspace, link: Link, issue: Issue, now: datetime, *, is_connect: bool) -> None:
    """A card below the link, kept true like every other. The same link in the same message has one."""
    address = f"{workspace.team_id}/{place.channel}"
    destination = Destination.objects.filter(
        organization_id=issue.organization_id, kind="slack", address=address
    ).first()
    card, is_new = Card.objects.select_related("workspace").get_or_create(
        organization_id=issue.organization_id,
        workspace=workspace,
        subject_kind=ISSUE,
        subject_id=issue.pk,
        address=address,
        unfurl_key=hashlib.sha256(f"{place.ts} {link.url}".encode()).hexdigest(),
        number=1,
        defaults={
            "destination": destination,
            "is_current": False,
            "channel": place.channel,
            "ts": place.ts,
            "style": destination.style if destination else Style.BLOCKS,
            "unfurl_url": link.url,
            "privacy": Destination.Privacy.TITLE_ONLY if is_connect else Destination.Privacy.FULL,
            "event_id": link.event_id,
            "delivery_key": secrets.token_hex(16),
            "created_at": now,
        },
    )
    if not is_new:
        Card.objects.filter(pk=card.pk).update(content_hash="", is_gone=False)  # Slack asks for it anew
    refresh_card(card, now, priority=Priority.POST)


# --- what is being written -------------------------------------------------------------------------------------------


def _preview(payload: LinksShared, workspace: Workspace, found: Found, link: Link, issue: Issue, now: datetime) -> None:
    about = {
        "installation_id": found.installation.pk,
        "organization_id": issue.organization_id,
        "issue_id": issue.pk,
        "unfurl_id": payload.unfurl_id,
        "url": link.url,
    }
    outbox.add(PREVIEW, about, _route(workspace, payload), now=now, organization=issue.organization_id)


def preview(
    lease: Lease, *, installation_id: int, organization_id: int, issue_id: int, unfurl_id: str, url: str
) -> None:
    """What the outbox calls to show the title while the message is written."""
    installation = Installation.objects.filter(pk=installation_id).first()
    issue = Issue.objects.select_related("project").filter(organization_id=organization_id, pk=issue_id).first()
    if installation is None or issue is None:
        return
    title = mrkdwn.link(reading.issue_url(issue), f"{issue.short_id}: {issue.title}", 300)
    content = {"blocks": [elements.section(f"*{title}*")]}
    line = lines.to(lease, installation)
    line.call("chat.unfurl", unfurl_id=unfurl_id, source="composer", unfurls={url: content})


def _route(workspace: Workspace, payload: LinksShared) -> outbox.Route:
    return outbox.Route(
        subject=f"unfurl:{secrets.token_hex(8)}",
        lane=f"slack:{workspace.team_id}:{payload.place.channel or payload.sender.id}",
        pool=f"slack:{workspace.team_id}",
        method="chat.unfurl",
    )


# --- who is not linked ----------------------------------------------------------------------------------------------


def _ask(payload: LinksShared, workspace: Workspace, found: Found, links: list[Link], now: datetime) -> None:
    """Nothing of the content is said."""
    if payload.unfurl_id:
        return
    place = payload.place
    WaitingLink.objects.bulk_create(
        [
            WaitingLink(
                workspace=workspace,
                slack_user_id=payload.sender.id,
                channel=place.channel,
                ts=place.ts,
                url=link.url,
                is_connect=payload.is_connect,
                created_at=now,
            )
            for link in links
        ]
    )
    about = {
        "installation_id": found.installation.pk,
        "workspace_id": workspace.pk,
        "slack_user_id": payload.sender.id,
        "channel": place.channel,
        "ts": place.ts,
    }
    outbox.add(PROMPT, about, _route(workspace, payload), now=now, organization=None)


def prompt(lease: Lease, *, installation_id: int, workspace_id: int, slack_user_id: str, channel: str, ts: str) -> None:
    """What the outbox calls to ask the person to connect. The link is made now, so that none is stored in clear."""
    installation = Installation.objects.filter(pk=installation_id).first()
    workspace = Workspace.objects.filter(pk=workspace_id).first()
    if installation is None or workspace is None or identity.who(workspace, slack_user_id) is not None:
        return
    line = lines.to(lease, installation)
    listener = Listener(
        installation=installation, workspace=workspace, slack_user_id=slack_user_id, place=Place(channel=channel)
    )
    token = linking.page_token(listener, LinkToken.Purpose.LINK, database_now())
    line.call(
        "chat.unfurl",
        channel=channel,
        ts=ts,
        unfurls={},
        user_auth_required=True,
        user_auth_blocks=_asked(linking.page_url(token)),
    )


def _asked(url: str) -> list[dict[str, Any]]:
    text = "Connect your account, and Tocsin shows what this link is about."
    connect = elements.button("Connect", Action.UNFURL_PROMPT, "link", style="primary") | {"url": url}
    not_now = elements.button("Not now", Action.UNFURL_NOT_NOW, "ignore")
    return [elements.section(text), elements.actions("tocsin.unfurl_prompt", connect, not_now)]


def on_linked(linked: Linked) -> None:
    """The links that have waited for this person unfurl, as far as they may see what they lead to."""
    waiting = WaitingLink.objects.filter(workspace=linked.workspace, slack_user_id=linked.slack_user_id)
    served = linked.installation.connections.values_list("organization_id", flat=True)
    found = Found(installation=linked.installation, organizations=frozenset(served))
    for row in waiting.filter(created_at__gt=linked.now - WAITS_FOR):
        for link, issue in _issues(links_in([row.url]), visible_issues(linked.user), found):
            place = Place(channel=row.channel, ts=row.ts)
            _unfurl(place, linked.workspace, link, issue, linked.now, is_connect=row.is_connect)
    waiting.delete()
