"""Where an issue hangs in Slack, and how each of its cards is."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from tocsin.issues.models import Issue
from tocsin.outbox.models import Delivery
from tocsin.slack.models import Card

SHOWN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCard:
    """One card. `state` is a word for people; `trouble` says what is wrong and what to do, or is empty."""

    place: str
    workspace: str
    permalink: str
    state: str
    trouble: str


def cards_of(issue: Issue) -> list[ShownCard]:
    """The issue's latest cards, the newest first, in two queries."""
    cards = list(
        Card.objects.filter(organization_id=issue.organization_id, subject_kind="issue", subject_id=issue.pk)
        .select_related("destination", "workspace")
        .order_by("-pk")[:SHOWN]
    )
    troubles = _troubles(cards)
    return [_shown(card, issue, troubles.get(card.outbox_subject, "")) for card in cards]


def _troubles(cards: list[Card]) -> dict[str, str]:
    """By outbox subject: why its newest delivery has not gone through."""
    if not cards:
        return {}
    failing = Delivery.objects.filter(
        ~Q(error=""), subject__in=[card.outbox_subject for card in cards], done_at__isnull=True
    ).order_by("pk")
    return {delivery.subject: delivery.error for delivery in failing}


def _shown(card: Card, issue: Issue, trouble: str) -> ShownCard:
    return ShownCard(
        place=card.destination.name if card.destination else card.channel or card.address,
        workspace=str(card.workspace),
        permalink=card.permalink if card.permalink.startswith(("https://", "http://")) else "",
        state=_state(card, issue, trouble),
        trouble=card.error or trouble,
    )


def _state(card: Card, issue: Issue, trouble: str) -> str:
    """In the order in which one rules out the next."""
    is_posted = bool(card.ts)
    claims = (
        ("gone", card.is_gone),
        ("not posted", not is_posted and bool(card.error or trouble)),
        ("waiting", not is_posted),
        ("updating", card.version < issue.version or not card.content_hash),
        ("up to date", True),
    )
    return next(state for state, is_so in claims if is_so)
