"""What cards are made of, read from the database for many of them at once: a dozen statements, however many they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F

from tocsin.alerts import mutes
from tocsin.alerts.models import Rule, RuleMute
from tocsin.clock import database_now
from tocsin.intake.stored import event_of
from tocsin.issues.effects import UNDOABLE, can_be_undone
from tocsin.issues.event import Event
from tocsin.issues.models import Activity, Issue, StoredEvent
from tocsin.projects.models import ReleaseProject
from tocsin.slack.models import Card, Identity

# What a card lists as actions taken. A comment is in the thread.
ACTIONS = (
    Activity.Kind.RESOLVED,
    Activity.Kind.REOPENED,
    Activity.Kind.ARCHIVED,
    Activity.Kind.REGRESSED,
    Activity.Kind.ESCALATED,
    Activity.Kind.UNARCHIVED,
    Activity.Kind.ASSIGNED,
    Activity.Kind.UNASSIGNED,
    Activity.Kind.PRIORITY,
    Activity.Kind.ACKNOWLEDGED,
    Activity.Kind.UNDONE,
)

Wanted = tuple[Card, bool]  # a card, and whether people are mentioned on it


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueFacts:
    """What there is to know of an issue for one of its cards."""

    issue: Issue
    event: Event | None  # the one that fired; when retention has taken it, the newest there is
    activities: Sequence[Activity]  # since the card was made, oldest first
    rules: Sequence[Rule]
    people: Mapping[int, str]  # user → Slack id in the card's workspace, of those who are to be mentioned
    undoable: Activity | None  # what Undo would undo now
    has_releases: bool
    mutes: Sequence[RuleMute]  # `mutes.with_held`


def of_issues(wanted: Sequence[Wanted]) -> list[IssueFacts | None]:
    """The facts of each card's issue, in the order given; None where the issue is gone."""
    cards = [card for card, _ in wanted]
    issues = _issues(cards)
    present = [card for card in cards if card.pk in issues]
    events, activities, rules = _events(present, issues), _activities(present), _rules(present)
    undoables = _undoables(issues.values())
    released = _released(issues.values())
    muted = _mutes(present)
    people = _people(
        [
            (card, issues[card.pk], activities[card.pk], muted[card.pk])
            for card, mention in wanted
            if mention and card.pk in issues
        ]
    )
    return [
        IssueFacts(
            issue=issue,
            event=events.get(card.pk),
            activities=activities[card.pk],
            rules=[rule for rule in rules if rule.pk in card.rules and rule.organization_id == issue.organization_id],
            people=people.get(card.workspace_id, {}) if mention else {},
            undoable=undoables.get(issue.pk),
            has_releases=issue.project_id in released,
            mutes=muted[card.pk],
        )
        if (issue := issues.get(card.pk)) is not None
        else None
        for card, mention in wanted
    ]


def _issues(cards: Sequence[Card]) -> dict[int, Issue]:
    """By card. An issue of another organization is none of the card's."""
    found = Issue.objects.select_related(
        "project", "organization", "assignee_user", "assignee_team", "resolved_in"
    ).in_bulk({card.subject_id for card in cards})
    return {
        card.pk: issue
        for card in cards
        if (issue := found.get(card.subject_id)) is not None and issue.organization_id == card.organization_id
    }


def _events(cards: Sequence[Card], issues: Mapping[int, Issue]) -> dict[int, Event]:
    """By card."""
    fired = StoredEvent.objects.filter(
        organization__in={issues[card.pk].organization_id for card in cards},
        project__in={issues[card.pk].project_id for card in cards},
        event_id__in={card.event_id for card in cards},
    )
    by_name = {(stored.issue_id, stored.event_id): stored for stored in fired}
    shown = {card.pk: by_name.get((card.subject_id, card.event_id)) or _newest_event(issues[card.pk]) for card in cards}
    return {pk: event_of(stored) for pk, stored in shown.items() if stored is not None}


def _newest_event(issue: Issue) -> StoredEvent | None:
    stored = StoredEvent.objects.filter(organization_id=issue.organization_id, issue=issue)
    return stored.order_by("-accepted_at", "-id").first()


def _activities(cards: Sequence[Card]) -> dict[int, list[Activity]]:
    """By card."""
    since: dict[int, datetime] = {}
    for card in cards:
        since[card.subject_id] = min(card.created_at, since.get(card.subject_id, card.created_at))
    found: dict[int, list[Activity]] = defaultdict(list)
    if since:
        done = Activity.objects.filter(
            organization__in={card.organization_id for card in cards},
            issue__in=since,
            kind__in=ACTIONS,
            created_at__gte=min(since.values()),
        )
        for activity in done.select_related("user").order_by("id"):
            found[activity.issue_id].append(activity)
    return {card.pk: [each for each in found[card.subject_id] if each.created_at >= card.created_at] for card in cards}


def _rules(cards: Sequence[Card]) -> list[Rule]:
    return list(Rule.objects.filter(pk__in={pk for card in cards for pk in card.rules}).order_by("id"))


def _undoables(issues: Iterable[Issue]) -> dict[int, Activity]:
    """By issue. Only where the clock has not ended it yet."""
    open_ = {issue.pk: issue for issue in issues if issue.undo_until is not None}
    if not open_:
        return {}
    latest = Activity.objects.filter(
        organization__in={issue.organization_id for issue in open_.values()},
        issue__in=open_,
        kind__in=UNDOABLE,
        version=F("issue__version"),
    ).order_by("id")
    newest = {activity.issue_id: activity for activity in latest}
    now = database_now()
    return {pk: activity for pk, activity in newest.items() if can_be_undone(activity, open_[pk], now)}


def _released(issues: Iterable[Issue]) -> set[int]:
    """The projects that have a release."""
    projects = {issue.project_id: issue.organization_id for issue in issues}
    known = ReleaseProject.objects.filter(organization__in=set(projects.values()), project__in=projects)
    return set(known.values_list("project_id", flat=True).distinct())


def _mutes(cards: Sequence[Card]) -> dict[int, list[RuleMute]]:
    """By card: those of its rules that were muted on a card of this issue in this place. An unfurl has no rules."""
    found = RuleMute.objects.filter(
        organization__in={card.organization_id for card in cards},
        issue__in={card.subject_id for card in cards},
        destination__in={card.destination_id for card in cards},
        ended_at__isnull=True,
    )
    listed = list(mutes.with_held(found).select_related("rule", "by").order_by("pk"))
    now = database_now() if listed else None
    return {
        card.pk: [
            mute
            for mute in listed
            if (mute.issue_id, mute.destination_id) == (card.subject_id, card.destination_id)
            and mute.rule_id in card.rules
            and now
            and mute.until > now
        ]
        for card in cards
    }


def _people(shown: Sequence[tuple[Card, Issue, Sequence[Activity], Sequence[RuleMute]]]) -> dict[int, dict[int, str]]:
    """By workspace: the Slack ids of those who acted or muted, and of those whom it was assigned to."""
    users: set[int | None] = set()
    for _, issue, activities, muted in shown:
        users |= {issue.assignee_user_id, *(mute.by_id for mute in muted)}
        for activity in activities:
            users |= {activity.user_id, activity.about.get("user")}
    people: dict[int, dict[int, str]] = defaultdict(dict)
    if users - {None}:
        identities = Identity.objects.filter(
            workspace__in={card.workspace_id for card, _, _, _ in shown}, user__in=users - {None}
        )
        for workspace_id, user_id, slack_user_id in identities.values_list("workspace_id", "user_id", "slack_user_id"):
            people[workspace_id][user_id] = slack_user_id
    return people
