"""Messages that are rewritten where they were used: by the answer to the click, or through its response_url.

Those are attachments of old, and what no `chat.update` reaches: messages that one person sees, and unfurls.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction

from tocsin.alerts.models import Destination
from tocsin.clock import database_now
from tocsin.issues import saying
from tocsin.issues.models import Issue
from tocsin.outbox import service as outbox
from tocsin.outbox.failures import DeliveryError
from tocsin.outbox.models import Priority
from tocsin.outbox.worker import Lease
from tocsin.slack import attachments, blocks, mrkdwn, reading, response_urls
from tocsin.slack import line as lines
from tocsin.slack.answers import Answer
from tocsin.slack.cards import DeletedCard, IssueCard, Style
from tocsin.slack.drawing import content_of
from tocsin.slack.models import Card, Installation, ResponseUrl, Workspace
from tocsin.slack.payloads import Click, Clicks, Place
from tocsin.slack.refresh import ISSUE, REFRESH, refresh_card
from tocsin.slack.telling import Listener, tell

ANSWER = "slack.answer_in_place"
DELETE = "slack.delete_in_place"
# The answer may be lost, or come after a newer update: then the card is sent once more.
SETTLES_AFTER = timedelta(seconds=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A message that shows an issue: which it is, and how it is rewritten."""

    card: Card  # unsaved if it is none that we have posted
    is_posted: bool
    place: Place
    style: Style
    is_message: bool  # attachments that everybody sees


def spot_of(place: Place, *, workspace: Workspace, issue: Issue, style: Style, is_message: bool, now: datetime) -> Spot:
    """The message at that place. One that we did not post shows nothing but titles, unless only the person sees it."""
    card = posted_card(place, workspace=workspace, issue=issue)
    if card is not None and card.unfurl_url:
        place = replace(place, is_unfurl=True)
    is_message = not place.is_unfurl and (is_message or card is not None)
    shown = card or _unposted(place, workspace, issue, now)
    return Spot(card=shown, is_posted=card is not None, place=place, style=style, is_message=is_message)


def shown_to_one(workspace: Workspace, issue: Issue, channel: str, now: datetime) -> IssueCard | DeletedCard:
    """The card of an issue, for the eyes of one person, who may see it."""
    return reading.card_of(_unposted(Place(channel=channel, is_ephemeral=True), workspace, issue, now), mention=False)


def posted_card(place: Place, *, workspace: Workspace, issue: Issue) -> Card | None:
    """The card of ours that hangs there, or stands below a link there."""
    if not place.ts:
        return None
    known = Card.objects.select_related("workspace", "destination").filter(
        organization_id=issue.organization_id, subject_kind=ISSUE, subject_id=issue.pk
    )
    return known.filter(workspace=workspace, channel=place.channel, ts=place.ts).first()


def _unposted(place: Place, workspace: Workspace, issue: Issue, now: datetime) -> Card:
    privacy = Destination.Privacy.FULL if place.is_ephemeral else Destination.Privacy.TITLE_ONLY
    return Card(
        organization_id=issue.organization_id,
        workspace=workspace,
        destination=Destination(organization_id=issue.organization_id, privacy=privacy),
        subject_kind=ISSUE,
        subject_id=issue.pk,
        address=f"{workspace.team_id}/{place.channel}",
        channel=place.channel,
        ts=place.ts,
        created_at=_moment(place.ts, now),
    )


def _moment(ts: str, now: datetime) -> datetime:
    """When a message was posted: what was done since is listed on it."""
    seconds = ts.partition(".")[0]
    return datetime.fromtimestamp(int(seconds), UTC) if seconds.isdigit() and len(seconds) < 12 else now


# --- what was seen ---------------------------------------------------------------------------------------------------


def with_versions(payload: Clicks, workspace: Workspace, organizations: frozenset[int]) -> Clicks:
    """Attachments carry no version: what the person saw is what the card was last drawn from. Unknown is never stale."""
    place = payload.place
    versions = {
        subject: version
        for subject, version in Card.objects.filter(
            organization__in=organizations, workspace=workspace, channel=place.channel, ts=place.ts, subject_kind=ISSUE
        ).values_list("subject_id", "version")
        if version
    }
    return replace(payload, clicks=tuple(_seen(click, versions.get(click.issue.id)) for click in payload.clicks))


def _seen(click: Click, version: int | None) -> Click:
    return replace(click, issue=replace(click.issue, version=version))


# --- by the answer to a click ----------------------------------------------------------------------------------------


def answer(spot: Spot, now: datetime) -> Answer:
    """The attachment, drawn from what is true now in this transaction, to take the place of the one that was clicked."""
    shown = reading.card_of(spot.card, mention=True)
    if isinstance(shown, DeletedCard):
        return Answer(body=_words(spot, shown))
    _settle(spot, shown.version, now)
    whole = {"replace_original": True} if spot.place.is_ephemeral and not spot.is_message else {}
    return Answer(body={**whole, **_attachment(spot, shown)})


def _attachment(spot: Spot, shown: IssueCard) -> dict[str, Any]:
    """As a message holds it; as an unfurl it is the whole of what is said."""
    drawn = attachments.attachment(shown)
    if spot.is_message:
        return {"attachments": [drawn]}
    return {"response_type": "ephemeral", "attachments": [drawn]} if spot.place.is_ephemeral else drawn


def _words(spot: Spot, shown: DeletedCard) -> dict[str, Any]:
    """That it is gone."""
    message = blocks.draw(shown)
    return content_of(message) if spot.place.is_unfurl else {"text": message["text"], "attachments": []}


def _settle(spot: Spot, version: int, now: datetime) -> None:
    """What Slack shows of a posted card is not known for a moment; it is sent again when things have settled."""
    card = spot.card
    if not spot.is_posted:
        return
    Card.objects.filter(pk=card.pk).update(content_hash="", version=version)
    if not outbox.postpone(REFRESH, card.outbox_subject, now + SETTLES_AFTER):
        refresh_card(card, now, after=SETTLES_AFTER)


# --- through a response_url ------------------------------------------------------------------------------------------


def answer_later(spot: Spot, url: ResponseUrl | None, slack_user_id: str, now: datetime) -> None:
    """Rewrite it once this transaction is committed: through its response_url, or, where that is spent, as it can be done."""
    card, place = spot.card, spot.place
    team = card.workspace.team_id
    outbox.add(
        ANSWER,
        {
            "organization_id": card.organization_id,
            "workspace_id": card.workspace_id,
            "issue_id": card.subject_id,
            "place": {
                "channel": place.channel,
                "ts": place.ts,
                "thread_ts": place.thread_ts,
                "is_ephemeral": place.is_ephemeral,
                "is_unfurl": place.is_unfurl,
            },
            "style": spot.style.value,
            "is_message": spot.is_message,
            "response_url_id": url.pk if url else None,
            "slack_user_id": slack_user_id,
        },
        outbox.Route(
            subject=card.outbox_subject if spot.is_posted else f"place:{secrets.token_hex(8)}",
            lane=f"slack:{team}:{place.channel}",
            pool=f"slack:{team}",
            method="response_url",
        ),
        now=now,
        organization=card.organization_id,
        priority=Priority.ANSWER,
    )
    _settle(spot, card.version, now)


def send(
    lease: Lease,
    *,
    organization_id: int,
    workspace_id: int,
    issue_id: int,
    place: dict[str, Any],
    style: str,
    is_message: bool,
    response_url_id: int | None,
    slack_user_id: str,
) -> None:
    """What the outbox calls to do so. An issue that is gone meanwhile leaves the message as it is."""
    issue = Issue.objects.select_related("project", "organization").filter(organization_id=organization_id, pk=issue_id)
    workspace = Workspace.objects.filter(pk=workspace_id).first()
    if workspace is None or (found := issue.first()) is None:
        return
    spot = spot_of(
        Place(**place),
        workspace=workspace,
        issue=found,
        style=Style(style),
        is_message=is_message,
        now=database_now(),
    )
    line = lines.of_card(lease, spot.card, lines.serving(spot.card))
    shown = reading.card_of(spot.card, mention=True)
    try:
        if response_url_id is None:
            raise DeliveryError("no_response_url", "The click came without an address.", is_permanent=True)
        response_urls.use(line, response_url_id, {"replace_original": True, **_drawn(spot, shown)})
    except DeliveryError as error:
        if not error.is_permanent:
            raise
        _otherwise(spot, line.installation, found, slack_user_id)


def _drawn(spot: Spot, shown: IssueCard | DeletedCard) -> dict[str, Any]:
    if isinstance(shown, DeletedCard):
        return _words(spot, shown)
    if spot.style is Style.ATTACHMENTS:
        return _attachment(spot, shown)
    message = blocks.draw(shown)
    return content_of(message) if spot.place.is_unfurl else {**message, "attachments": []}


def _otherwise(spot: Spot, installation: Installation, issue: Issue, slack_user_id: str) -> None:
    """A card is updated as cards are; what only that person sees stays as it is, so they are told."""
    now = database_now()
    with transaction.atomic():
        if spot.is_posted:
            refresh_card(spot.card, now)
            return
        listener = Listener(
            installation=installation, workspace=spot.card.workspace, slack_user_id=slack_user_id, place=spot.place
        )
        tell(listener, said_now(issue), now)


def said_now(issue: Issue) -> str:
    """How it is, in a line."""
    state = mrkdwn.escape(str(saying.state(issue)))
    return f"{mrkdwn.link(reading.issue_url(issue), issue.short_id)} is now: {state}."


# --- away with it ----------------------------------------------------------------------------------------------------


def delete_later(listener: Listener, url: ResponseUrl, now: datetime) -> None:
    """The message that was clicked, which one person sees, goes away."""
    team = listener.workspace.team_id
    outbox.add(
        DELETE,
        {"installation_id": listener.installation.pk, "response_url_id": url.pk},
        outbox.Route(
            subject=f"place:{secrets.token_hex(8)}",
            lane=f"slack:{team}:{listener.place.channel}",
            pool=f"slack:{team}",
            method="response_url",
        ),
        now=now,
        organization=None,
        priority=Priority.ANSWER,
    )


def delete(lease: Lease, *, installation_id: int, response_url_id: int) -> None:
    """What the outbox calls to do so. Where the address is spent, the person can put it away themselves."""
    installation = Installation.objects.filter(pk=installation_id).first()
    if installation is not None:
        response_urls.use(lines.to(lease, installation), response_url_id, {"delete_original": True})
