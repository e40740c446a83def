"""Database → card. The worker reads when it sends, so a message always shows the present."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from django.conf import settings

from tocsin.alerts import mutes
from tocsin.alerts.models import Destination, Rule, RuleMute
from tocsin.clock import database_now
from tocsin.issues import saying
from tocsin.issues.event import Event
from tocsin.issues.models import Activity, Issue
from tocsin.slack import facts
from tocsin.slack.cards import ActionTaken, CardStatus, DeletedCard, IssueCard, Marker, Muted, ThreadReply, Who
from tocsin.slack.facts import IssueFacts, Wanted
from tocsin.slack.models import Card

ACTIONS_SHOWN = 5

MARKERS: dict[str, Marker] = {
    "fatal": Marker.RED,
    "error": Marker.RED,
    "warning": Marker.YELLOW,
    "info": Marker.BLUE,
    "debug": Marker.BUG,
}

# What a thread is told of an activity.
SAID: dict[str, str] = {
    Activity.Kind.REGRESSED: "is back: it happened again after it was resolved.",
    Activity.Kind.ESCALATED: "is back from the archive: it happens more often than it used to.",
    Activity.Kind.UNARCHIVED: "is back from the archive: what it was to wait for has come.",
}


def issue_url(issue: Issue) -> str:
    """The issue's page."""
    return f"{settings.TOCSIN_URL}/organizations/{issue.organization.slug}/issues/{issue.pk}/"


def card_of(card: Card, *, mention: bool) -> IssueCard | DeletedCard:
    """What this card should show now. `mention`: people as Slack mentions; right in edits, where Slack notifies
    nobody.
    """
    return cards_of([(card, mention)])[0]


def cards_of(wanted: Sequence[Wanted]) -> list[IssueCard | DeletedCard]:
    """The same of many, (card, mention) each, in the order given."""
    return [
        _issue_card(known, card) if known is not None else DeletedCard(what="This issue")
        for known, (card, _) in zip(facts.of_issues(wanted), wanted, strict=True)
    ]


def reply_of(card: Card, activity: Activity) -> ThreadReply:
    """What the card's thread is told of an activity; the channel too, unless the rules of the card are muted there."""
    issue = Issue.objects.select_related("project", "organization").get(
        organization_id=card.organization_id, pk=card.subject_id
    )
    privacy = _privacy(card)
    return ThreadReply(
        short_id=issue.short_id,
        url=issue_url(issue),
        title="" if privacy == Destination.Privacy.TITLE_ONLY else _title(issue, None, privacy),
        said=SAID[activity.kind],
        broadcast=not mutes.is_silent(card.organization_id, card.destination_id or 0, card.rules, database_now()),
    )


def _issue_card(known: IssueFacts, card: Card) -> IssueCard:
    issue, event, activities = known.issue, known.event, known.activities
    rules, people = known.rules, known.people
    state = saying.state(issue)
    full = IssueCard(
        issue_id=issue.pk,
        version=issue.version,
        short_id=issue.short_id,
        url=issue_url(issue),
        project=issue.project.slug,
        level=issue.level,
        marker=_marker(issue, activities),
        status=CardStatus(issue.status),
        title=issue.title,
        heading=_heading(event),
        culprit=issue.culprit,
        message=_message(event),
        tags=_tags(event, rules),
        actions_taken=tuple(_taken(activity, people) for activity in activities[-ACTIONS_SHOWN:]),
        earlier_actions=max(0, len(activities) - ACTIONS_SHOWN),
        state=state.words,
        state_until=state.at,
        events=issue.times_seen,
        users=issue.users_seen,
        comments=issue.comment_count,
        first_seen=issue.first_seen,
        assignee=_assignee(issue, people),
        assignee_option=_assignee_option(issue),
        is_acknowledged=issue.acknowledged_at is not None,
        has_releases=known.has_releases,
        undo=known.undoable.pk if known.undoable else 0,
        priority=issue.get_priority_display(),
        note=next((rule.note for rule in rules if rule.note), ""),
        rule=_rule_names(rules),
        mutes=tuple(muted(mute, people) for mute in known.mutes),
        can_mute=bool(card.destination_id and {rule.pk for rule in rules} - {mute.rule_id for mute in known.mutes}),
        environment=event.environment if event else "",
        release=event.release if event else "",
    )
    privacy = _privacy(card)
    return LESS[privacy](full, issue, event) if privacy in LESS else full


# --- privacy: what a destination may not see is not read onto its card ----------------------------------------------


def _privacy(card: Card) -> str:
    """Of what nothing is known, only the title is shown."""
    return card.destination.privacy if card.destination else card.privacy or Destination.Privacy.TITLE_ONLY


def _without_message(full: IssueCard, issue: Issue, event: Event | None) -> IssueCard:
    title = _title(issue, event, Destination.Privacy.NO_MESSAGE)
    return replace(full, title=title, heading="", message="", tags=())


def _title_only(full: IssueCard, issue: Issue, event: Event | None) -> IssueCard:
    return replace(
        full,
        title=_title(issue, event, Destination.Privacy.TITLE_ONLY),
        heading="",
        culprit="",
        message="",
        tags=(),
        environment="",
        release="",
    )


LESS: dict[str, Callable[[IssueCard, Issue, Event | None], IssueCard]] = {
    Destination.Privacy.NO_MESSAGE: _without_message,
    Destination.Privacy.TITLE_ONLY: _title_only,
}


def _title(issue: Issue, event: Event | None, privacy: str) -> str:
    if privacy == Destination.Privacy.TITLE_ONLY:
        return f"[{issue.project.slug}] {issue.level.capitalize()} issue {issue.short_id}"
    if privacy == Destination.Privacy.NO_MESSAGE:
        return _type_and_culprit(issue, event)
    return issue.title


def _type_and_culprit(issue: Issue, event: Event | None) -> str:
    kind = event.main_exception.type if event and event.main_exception else ""
    parts = [part for part in (kind or f"{issue.level.capitalize()} issue", issue.culprit) if part]
    return " in ".join(parts)


# --- the parts of a card --------------------------------------------------------------------------------------------


def _taken(activity: Activity, people: Mapping[int, str]) -> ActionTaken:
    who = Who()
    if activity.user is not None:
        who = Who(name=activity.user.display_name, slack_user_id=people.get(activity.user.pk, ""))
    said = saying.did(activity.kind, activity.about)
    whom = Who(name=said.name, slack_user_id=people.get(said.user_id or 0, ""))
    return ActionTaken(did=said.words, until=said.at, whom=whom, who=who, at=activity.created_at)


def _marker(issue: Issue, activities: Sequence[Activity]) -> Marker:
    """White while the last change was a person's; else the level's sign."""
    if activities and activities[-1].user_id is not None:
        return Marker.WHITE
    return MARKERS.get(issue.level, Marker.RED)


def _heading(event: Event | None) -> str:
    """The exception's type, when its message follows below."""
    exception = event.main_exception if event else None
    return exception.type if exception and exception.value.strip() else ""


def _message(event: Event | None) -> str:
    """The exception's own message; or a message that is longer than the one line of it that the title shows."""
    if event is None:
        return ""
    if exception := event.main_exception:
        return exception.value
    return event.message if event.message.strip() != event.title else ""


def _tags(event: Event | None, rules: Sequence[Rule]) -> tuple[tuple[str, str], ...]:
    wanted = list(dict.fromkeys(tag for rule in rules for tag in rule.tags))
    if event is None or not wanted:
        return ()
    known: dict[str, str] = {"level": event.level, "environment": event.environment, "release": event.release}
    known.update({"transaction": event.transaction, "server_name": event.server_name, "logger": event.logger})
    known.update(event.tags)
    return tuple((key, known[key]) for key in wanted if known.get(key))


def muted(mute: RuleMute, people: Mapping[int, str]) -> Muted:
    """A mute as cards and modals show it."""
    who = Who(name=mute.by.display_name, slack_user_id=people.get(mute.by.pk, "")) if mute.by else Who()
    return Muted(rule=mute.rule.name, until=mute.until, who=who, held=getattr(mute, "held", 0))


def _assignee(issue: Issue, people: Mapping[int, str]) -> Who:
    if issue.assignee_user:
        return Who(name=issue.assignee_user.display_name, slack_user_id=people.get(issue.assignee_user.pk, ""))
    return Who(name=str(issue.assignee_team or ""))


def _assignee_option(issue: Issue) -> str:
    if issue.assignee_user_id:
        return f"user:{issue.assignee_user_id}"
    return f"team:{issue.assignee_team_id}" if issue.assignee_team_id else ""


def _rule_names(rules: Sequence[Rule]) -> str:
    if not rules:
        return ""
    others = len(rules) - 1
    return rules[0].name + (f" +{others} other{'s' if others > 1 else ''}" if others else "")
