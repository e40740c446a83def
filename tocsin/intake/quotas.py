"""How much may be sent: requests a minute by a key, events an hour or a day by a project.

Both are spent in the transaction that accepts, in rows that all processes share. An envelope is taken whole or refused whole: the
one with which a quota is spent is the last that is taken.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from tocsin import bus
from tocsin.clock import database_now
from tocsin.intake import statements
from tocsin.intake.auth import Quota, Sender
from tocsin.intake.changes import QuotaNearlySpent
from tocsin.intake.models import KeyMinute, QuotaSpent
from tocsin.intake.refusals import ComeBack, OverQuota, TooMany
from tocsin.projects.models import Project

Asked = tuple[Sender, int]  # who sends, and how many events

MINUTE = timedelta(minutes=1)
LENGTHS: dict[str, timedelta] = {Project.Period.HOUR: timedelta(hours=1), Project.Period.DAY: timedelta(days=1)}


def period_around(period: str, now: datetime) -> tuple[datetime, datetime]:
    """When the hour or day began, and when it ends."""
    begins = now.replace(minute=0, second=0, microsecond=0)
    if period == Project.Period.DAY:
        begins = begins.replace(hour=0)
    return begins, begins + LENGTHS[period]


def threshold(quota: int) -> int:
    """How many events are nearly all of it: four fifths. Then somebody is told."""
    return -(-quota * 4 // 5)


def refuse_if_minute_is_spent(sender: Sender) -> None:
    """Raise TooMany when the key's minute is used up already: before the body is read, for the body is what costs."""
    if sender.rate_limit is None:
        return
    now = database_now()
    spent = KeyMinute.objects.filter(
        organization_id=sender.organization_id, key_id=sender.key_id, minute=_minute(now), count__gte=sender.rate_limit
    )
    if spent.exists():
        raise TooMany(_seconds_until(_minute(now) + MINUTE, now))


def refuse_if_quota_is_spent(sender: Sender) -> None:
    """Raise OverQuota when the project's period is used up already: before its event is read."""
    if sender.quota is None or not sender.quota.may_be_spent:
        return
    now = database_now()
    begins, ends = period_around(sender.quota.period, now)
    spent = QuotaSpent.objects.filter(
        organization_id=sender.organization_id,
        project_id=sender.project_id,
        begins=begins,
        count__gte=sender.quota.events,
    )
    if spent.exists():
        raise OverQuota(_seconds_until(ends, now), sender.quota.period)


def spend(asked: Sequence[Asked], now: datetime) -> list[ComeBack | None]:
    """Spend what is asked for, in the caller's transaction, and say of each why it is refused, if it is.

    Rows are locked in one order, so that two processes never wait in a circle: keys, then projects.
    """
    refused: list[ComeBack | None] = [None] * len(asked)
    for place in _spend_minutes(asked, now):
        refused[place] = TooMany(_seconds_until(_minute(now) + MINUTE, now))
    left = [place for place, (_, events) in enumerate(asked) if events and refused[place] is None]
    for place, quota in _spend_quotas(asked, left, now):
        refused[place] = OverQuota(_seconds_until(period_around(quota.period, now)[1], now), quota.period)
    return refused


def _spend_minutes(asked: Sequence[Asked], now: datetime) -> Iterable[int]:
    """The places of those whose key has used up its minute."""
    by_key: dict[int, list[int]] = defaultdict(list)
    for place, (sender, _) in enumerate(asked):
        if sender.rate_limit is not None:
            by_key[sender.key_id].append(place)
    for key_id in sorted(by_key):
        places = by_key[key_id]
        sender = asked[places[0]][0]
        spent = statements.spend_minute(sender.organization_id, key_id, _minute(now), len(places))
        left = max(0, len(places) - max(0, spent - (sender.rate_limit or 0)))
        yield from places[left:]


def _spend_quotas(asked: Sequence[Asked], places: Iterable[int], now: datetime) -> Iterable[tuple[int, Quota]]:
    """The places of those whose project's period is spent, and its quota."""
    by_project: dict[int, list[int]] = defaultdict(list)
    for place in places:
        if asked[place][0].quota is not None:
            by_project[asked[place][0].project_id].append(place)
    for project_id in sorted(by_project):
        sender = asked[by_project[project_id][0]][0]
        number = sum(asked[place][1] for place in by_project[project_id])
        quota = sender.quota
        if quota is None:
            continue
        begins, ends = period_around(quota.period, now)
        after = statements.spend_quota(sender.organization_id, project_id, begins, number)
        spent = after - number
        if spent < threshold(quota.events) <= after:
            bus.publish(_nearly(sender, quota, after, ends, now))
        for place in by_project[project_id]:
            if spent >= quota.events:
                yield place, quota
            spent += asked[place][1]


def _nearly(sender: Sender, quota: Quota, spent: int, ends: datetime, now: datetime) -> QuotaNearlySpent:
    return QuotaNearlySpent(
        organization_id=sender.organization_id,
        project_id=sender.project_id,
        spent=min(spent, quota.events),
        quota=quota.events,
        period=quota.period,
        ends=ends,
        now=now,
    )


def _minute(now: datetime) -> datetime:
    return now.replace(second=0, microsecond=0)


def _seconds_until(then: datetime, now: datetime) -> int:
    return max(1, -int((now - then).total_seconds() // 1))
