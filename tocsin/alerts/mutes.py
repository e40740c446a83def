"""Mutes: a rule that tells one destination nothing for a while, for everybody."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from tocsin import bus
from tocsin.accounts.access import Right
from tocsin.accounts.actor import Actor
from tocsin.alerts.changes import MuteChanged
from tocsin.alerts.commands import MUTE_HOURS_MAX, MUTE_HOURS_MEMBER, Command, MuteRule, UnmuteRules
from tocsin.alerts.models import Firing, Rule, RuleMute
from tocsin.errors import Forbidden, Invalid, NotFound
from tocsin.issues.access import access_issue
from tocsin.issues.models import Issue
from tocsin.projects.access import is_admin_of

AT_ONCE = 100  # mutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Performed:
    """What `perform` did. `sentence` says why nothing changed, and is empty when something did."""

    issue: Issue
    sentence: str = ""


def perform(command: Command, *, by: Actor) -> Performed:
    """Do what was asked, for whoever may triage the issue, in one transaction: its own, or a savepoint of the caller's.

    Raises NotFound, Forbidden, or another DomainError whose text is for the person.
    """
    if by.user is None:
        raise Forbidden("Rules are muted by people.")
    with transaction.atomic():
        issue = access_issue(command.issue_id, by.user, Right.TRIAGE, within=by.within)
        return Performed(issue=issue, sentence=DOES[type(command)](command, issue, by))


def _mute(command: MuteRule, issue: Issue, by: Actor) -> str:
    rules = rules_at(issue, command.destination_id, command.rule_ids)
    locked = list(rules.select_for_update(of=("self",), no_key=True))  # of two people at once, one comes first
    if not locked:
        raise NotFound("No rule tells this channel of it any more, so there is none to mute. Nothing was changed.")
    muted = mutes_at(issue.organization_id, command.destination_id, command.rule_ids, by.now)
    free = [rule for rule in locked if rule.pk not in {mute.rule_id for mute in muted}]
    if not free:
        return _already(muted[0])
    if len(free) > 1:
        raise Invalid("Choose one of the rules.", field="rule")
    _begin(free[0], command, issue, by)
    return ""


def _begin(rule: Rule, command: MuteRule, issue: Issue, by: Actor) -> None:
    until = by.now + timedelta(hours=_allowed(command.hours, issue, by))
    here = RuleMute.objects.filter(
        organization_id=issue.organization_id, rule=rule, destination_id=command.destination_id, ended_at__isnull=True
    )
    for over in here:  # the clock has not come by yet
        _end(over, by.now)
    RuleMute.objects.create(
        organization_id=issue.organization_id,
        rule=rule,
        destination_id=command.destination_id,
        issue=issue,
        until=until,
        by=by.user,
        created_at=by.now,
    )
    _announce(issue.organization_id, command.destination_id, issue.pk, by.now)


def _allowed(hours: int, issue: Issue, by: Actor) -> int:
    if not 1 <= hours <= MUTE_HOURS_MAX:
        raise Invalid(f"Give a whole number of hours from 1 to {MUTE_HOURS_MAX}.", field="hours")
    if hours > MUTE_HOURS_MEMBER and not (by.user and is_admin_of(issue.project, by.user)):
        raise Invalid(
            f"Only an admin of a team of {issue.project.slug} may mute a rule for longer than a day. Choose 24 hours or less.",
            field="hours",
        )
    return hours


def _already(mute: RuleMute) -> str:
    by = f" by {mute.by.display_name}" if mute.by else ""
    return (
        f"{mute.rule.name} is already muted in {mute.destination.name}{by}, until {mute.until:%Y-%m-%d %H:%M} UTC. "
        "Nothing was changed."
    )


def _unmute(command: UnmuteRules, issue: Issue, by: Actor) -> str:
    """Each is announced to the card that shows it."""
    muted = list(open_mutes(issue.organization_id, by.now).filter(**_asked(command, issue)).order_by("pk"))
    ended = [mute for mute in muted if _end(mute, by.now, ended_by=by.user)]
    return "" if ended else "No rule is muted here. Nothing was changed."


def _asked(command: UnmuteRules, issue: Issue) -> dict[str, Any]:
    return {
        "destination_id": command.destination_id,
        "rule__in": command.rule_ids,
        "rule__project_id": issue.project_id,
    }


DOES: dict[type[Any], Callable[[Any, Issue, Actor], str]] = {MuteRule: _mute, UnmuteRules: _unmute}


# --- what is muted ---------------------------------------------------------------------------------------------------


def open_mutes(organization_id: int, now: datetime) -> QuerySet[RuleMute]:
    """Those in force: of those whose time is over, some may wait for the clock to end them."""
    return RuleMute.objects.filter(organization_id=organization_id, ended_at__isnull=True, until__gt=now)


def mutes_at(organization_id: int, destination_id: int, rule_ids: Iterable[int], now: datetime) -> list[RuleMute]:
    """Those in force of these rules for the destination, with what is needed to say so."""
    found = open_mutes(organization_id, now).filter(destination_id=destination_id, rule__in=list(rule_ids))
    return list(found.select_related("rule", "destination", "by").order_by("pk"))


def with_held(mutes: QuerySet[RuleMute]) -> QuerySet[RuleMute]:
    """Each with `held`: how many alerts of its rule were not told so far."""
    fired = Firing.objects.filter(
        organization=OuterRef("organization"), rule=OuterRef("rule"), fired_at__gte=OuterRef("created_at")
    )
    counted = fired.order_by().values("rule").annotate(number=Count("pk")).values("number")
    return mutes.annotate(held=Coalesce(Subquery(counted, output_field=IntegerField()), 0))


def rules_at(issue: Issue, destination_id: int, rule_ids: Iterable[int]) -> QuerySet[Rule]:
    """Those of these rules that the issue's project has, and that tell the destination."""
    return Rule.objects.filter(
        organization_id=issue.organization_id,
        project_id=issue.project_id,
        pk__in=list(rule_ids),
        rule_destinations__organization_id=issue.organization_id,
        rule_destinations__destination_id=destination_id,
    ).order_by("pk")


def is_silent(organization_id: int, destination_id: int, rule_ids: Iterable[int], now: datetime) -> bool:
    """Whether all of these rules that there are, one at least, are muted for the destination."""
    rules = Rule.objects.filter(organization_id=organization_id, pk__in=list(rule_ids))
    muted = open_mutes(organization_id, now).filter(destination_id=destination_id).values("rule")
    return rules.filter(pk__in=muted).exists() and not rules.exclude(pk__in=muted).exists()


def hold_back(organization_id: int, fired: list[Rule], now: datetime) -> set[tuple[int, int]]:
    """What is muted of the rules that fire, as (rule, destination). The cards that show these mutes are to count one more."""
    muted = list(open_mutes(organization_id, now).filter(rule__in=fired).order_by("pk"))
    for mute in muted:
        _announce(organization_id, mute.destination_id, mute.issue_id, now, is_count=True)
    return {(mute.rule_id, mute.destination_id) for mute in muted}


# --- the end ---------------------------------------------------------------------------------------------------------


def end_mutes(now: datetime) -> int:
    """End those whose time is over, each in a transaction of its own: a hundred at most, the longest overdue first.

    Returns how many. `now` is the database's clock.
    """
    over = RuleMute.objects.filter(until__lte=now, ended_at__isnull=True).order_by("until", "pk")
    return sum(_end(mute, now) for mute in list(over[:AT_ONCE]))


def _end(mute: RuleMute, now: datetime, **more: Any) -> bool:
    """Whether it was this worker, or this person, that ended it."""
    with transaction.atomic():
        if not RuleMute.objects.filter(pk=mute.pk, ended_at__isnull=True).update(ended_at=now, **more):
            return False
        _announce(mute.organization_id, mute.destination_id, mute.issue_id, now)
        return True


def _announce(
    organization_id: int, destination_id: int, issue_id: int | None, now: datetime, *, is_count: bool = False
) -> None:
    bus.publish(
        MuteChanged(
            organization_id=organization_id,
            destination_id=destination_id,
            issue_id=issue_id,
            now=now,
            is_count=is_count,
        )
    )
