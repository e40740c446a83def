"""What an issue's page shows of an event and of what was done."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from tocsin.errors import NotFound
from tocsin.intake.stored import event_of
from tocsin.issues.event import Event
from tocsin.issues.models import Activity, Issue, StoredEvent
from tocsin.web.trace import Part, Raised, fold, raised

SHOWN_ACTIVITY = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownEvent:
    """An event, with its stacks as people read them. `stack` is that of a message; exceptions carry their own."""

    event: Event
    raised: tuple[Raised, ...]
    stack: tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """Ids of the events around one; empty at an end."""

    older: str
    newer: str


def events_of(issue: Issue) -> QuerySet[StoredEvent]:
    return StoredEvent.objects.filter(organization_id=issue.organization_id, issue=issue)


def find_event(issue: Issue, event_id: str) -> StoredEvent | None:
    """The event with this id, or the latest when it is empty (None: all were forgotten). Raises NotFound."""
    if not event_id:
        return events_of(issue).order_by("-accepted_at", "-pk").first()
    event = events_of(issue).filter(event_id=event_id).first()
    if event is None:
        raise NotFound(f"{issue.short_id} has no such event. It may have been forgotten: old events are.")
    return event


def neighbours(event: StoredEvent) -> Neighbours:
    around = StoredEvent.objects.filter(organization_id=event.organization_id, issue_id=event.issue_id)
    at, pk = event.accepted_at, event.pk
    older = around.filter(Q(accepted_at__lt=at) | Q(accepted_at=at, pk__lt=pk)).order_by("-accepted_at", "-pk")
    newer = around.filter(Q(accepted_at__gt=at) | Q(accepted_at=at, pk__gt=pk)).order_by("accepted_at", "pk")
    return Neighbours(
        older=older.values_list("event_id", flat=True).first() or "",
        newer=newer.values_list("event_id", flat=True).first() or "",
    )


def activity_of(issue: Issue) -> tuple[list[Activity], bool]:
    """(the latest of what was done, the newest first; whether there is more)."""
    done = Activity.objects.filter(organization_id=issue.organization_id, issue=issue)
    latest = list(done.select_related("user").order_by("-pk")[: SHOWN_ACTIVITY + 1])
    return latest[:SHOWN_ACTIVITY], len(latest) > SHOWN_ACTIVITY


def shown_event(row: StoredEvent) -> ShownEvent:
    """Decode and normalise what the SDK sent: events are kept as they came, and read with today's understanding."""
    event = event_of(row)
    return ShownEvent(event=event, raised=raised(event), stack=fold(event.stacktrace))
