"""Listeners: which cards a change makes stale, and which messages are to be posted. They write outbox rows,
nothing else.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db.models import Max, QuerySet

from tocsin.alerts.changes import MuteChanged, RuleFired
from tocsin.alerts.models import Destination
from tocsin.issues.changes import COUNTS, IssueChanged
from tocsin.outbox import service as outbox
from tocsin.outbox.models import Priority
from tocsin.outbox.service import Route
from tocsin.slack import statements
from tocsin.slack.models import Card, Workspace
from tocsin.slack.statements import CardRow

ISSUE = "issue"
REFRESH = "slack.refresh_card"

# An older card is too far up the channel for anybody to see that it changed.
REOPENS_FOR = timedelta(days=30)
UNFURLS_FOLLOW_FOR = timedelta(days=30)


def on_issue_changed(change: IssueChanged) -> None:
    """Every card of the issue is stale; a new episode is told in the threads of those that reopen in place."""
    for card in _cards(change.organization_id, change.issue_id):
        if card.is_unfurl and change.now - card.created_at > UNFURLS_FOLLOW_FOR:
            continue
        _refresh(card, change.now, Priority.COUNTS if change.kind == COUNTS else Priority.REFRESH)
        if change.began_episode and change.activity_id and _reopens(card, change.now):
            _tell_thread(card, change.episode, change.activity_id, change.now)


def on_rule_fired(fired: RuleFired) -> None:
    """The destination's card reopens in place (the thread is told by the change itself), or a new one is posted."""
    destination = Destination.objects.filter(
        organization_id=fired.organization_id, pk=fired.destination_id, kind="slack"
    ).first()
    if destination is None:
        return
    team_id = destination.address.partition("/")[0]
    workspace = Workspace.objects.filter(
        team_id=team_id, installations__connections__organization=fired.organization_id
    ).first()
    if workspace is None:
        return
    current = _current(fired, destination, workspace)
    if current is not None and not current.is_gone and _reopens(_row(current), fired.now):
        current.rules = list(dict.fromkeys([*current.rules, *fired.rule_ids]))
        current.save(update_fields=["rules"])
        _refresh(_row(current), fired.now, Priority.REFRESH)
    else:
        _post(fired, destination, workspace, current)


def on_mute_changed(change: MuteChanged) -> None:
    """The card on which the rule was muted says so, until when, and how much it has held back."""
    shown = Card.objects.select_related("workspace").filter(
        organization_id=change.organization_id,
        subject_kind=ISSUE,
        subject_id=change.issue_id or 0,
        destination_id=change.destination_id,
        is_gone=False,
    )
    for card in shown:
        refresh_card(card, change.now, priority=Priority.COUNTS if change.is_count else Priority.REFRESH)


def refresh_issue(organization_id: int, issue_id: int, now: datetime) -> None:
    """Send every card of the issue again, whatever Slack is believed to show: somebody has seen a card that was
    not true.
    """
    for card in _cards(organization_id, issue_id):
        Card.objects.filter(pk=card.id).update(content_hash="")
        _refresh(card, now, Priority.REFRESH)


def route(card: Card, method: str) -> Route:
    """Order holds per card, pace per channel, budgets per workspace and method."""
    return _route(_row(card), method)


def _route(card: CardRow, method: str) -> Route:
    return Route(
        subject=f"card:{card.id}",
        lane=f"slack:{card.address.replace('/', ':')}",
        pool=f"slack:{card.team_id}",
        method=method,
    )


def _row(card: Card) -> CardRow:
    return CardRow(
        id=card.pk,
        organization_id=card.organization_id,
        address=card.address,
        team_id=card.workspace.team_id,
        created_at=card.created_at,
        is_current=card.is_current,
        is_unfurl=bool(card.unfurl_key),
    )


def _cards(organization_id: int, issue_id: int) -> list[CardRow]:
    return statements.cards_of(organization_id, ISSUE, issue_id)


def _current(fired: RuleFired, destination: Destination, workspace: Workspace) -> Card | None:
    return (
        Card.objects.select_related("workspace")
        .filter(
            organization_id=fired.organization_id,
            workspace=workspace,
            subject_kind=ISSUE,
            subject_id=fired.issue_id,
            address=destination.address,
            is_current=True,
        )
        .order_by("-number")
        .first()
    )


def siblings(card: Card) -> QuerySet[Card]:
    """Every card of the same subject in the same place, itself included."""
    return Card.objects.filter(
        organization_id=card.organization_id,
        workspace=card.workspace,
        subject_kind=card.subject_kind,
        subject_id=card.subject_id,
        address=card.address,
        unfurl_key=card.unfurl_key,
    )


def next_number(card: Card) -> int:
    """Of a further card beside this one. The caller holds the current card's lock."""
    last: int = siblings(card).aggregate(last=Max("number"))["last"]
    return last + 1


def _reopens(card: CardRow, now: datetime) -> bool:
    """Of a card that is not gone."""
    return card.is_current and now - card.created_at < REOPENS_FOR


def refresh_card(
    card: Card, now: datetime, *, priority: Priority = Priority.REFRESH, after: timedelta = timedelta(0)
) -> None:
    """One card is to be brought in line, `after` so long."""
    _refresh(_row(card), now, priority, after)


def _refresh(card: CardRow, now: datetime, priority: Priority, after: timedelta = timedelta(0)) -> None:
    outbox.add(
        REFRESH,
        {"card_id": card.id},
        _route(card, "chat.unfurl" if card.is_unfurl else "chat.update"),
        now=now,
        organization=card.organization_id,
        priority=priority,
        after=after,
    )


def _tell_thread(card: CardRow, episode: int, activity_id: int, now: datetime) -> None:
    """Once an episode, whoever comes first."""
    if Card.objects.filter(pk=card.id, episode__lt=episode).update(episode=episode):
        outbox.add(
            "slack.reply",
            {"card_id": card.id, "activity_id": activity_id},
            _route(card, "chat.postMessage"),
            now=now,
            organization=card.organization_id,
        )


def _post(fired: RuleFired, destination: Destination, workspace: Workspace, previous: Card | None) -> None:
    if previous is not None:
        Card.objects.filter(pk=previous.pk).update(
            is_current=False
        )  # and its lock: numbers are given one after another
    card = Card.objects.create(
        organization_id=fired.organization_id,
        workspace=workspace,
        destination=destination,
        subject_kind=ISSUE,
        subject_id=fired.issue_id,
        address=destination.address,
        number=next_number(previous) if previous else 1,
        style=destination.style,
        rules=list(fired.rule_ids),
        event_id=fired.event_id,
        episode=fired.episode,
        delivery_key=secrets.token_hex(16),
        created_at=fired.now,
    )
    outbox.add(
        "slack.post_card",
        {"card_id": card.pk},
        route(card, "chat.postMessage"),
        now=fired.now,
        organization=fired.organization_id,
    )
