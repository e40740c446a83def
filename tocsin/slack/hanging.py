"""What a message has to do with the alerts: which destination is told there, and which rules asked for it."""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.slack.models import Card
from tocsin.slack.payloads import Place
from tocsin.slack.refresh import ISSUE


@dataclass(frozen=True, slots=True, kw_only=True)
class Hanging:
    """Nothing (0, none) for a message that no rule has asked for."""

    destination_id: int = 0
    rule_ids: tuple[int, ...] = ()


def hanging_at(place: Place, workspace_id: int, issue_id: int) -> Hanging:
    """The issue's card at that place. Whose it is, is for whoever uses the ids to ask."""
    if not place.ts:
        return Hanging()
    cards = Card.objects.filter(
        workspace_id=workspace_id, channel=place.channel, ts=place.ts, subject_kind=ISSUE, subject_id=issue_id
    )
    card = cards.filter(destination__isnull=False).first()
    return Hanging(destination_id=card.destination_id or 0, rule_ids=tuple(card.rules)) if card else Hanging()
