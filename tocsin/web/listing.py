"""The issue list: which issues, in which order, a page at a time."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Count, Q, QuerySet

from tocsin.accounts.models import Organization, User
from tocsin.intake.models import Accepted, QuotaSpent
from tocsin.intake.quotas import period_around, threshold
from tocsin.issues.models import Issue, IssueCount
from tocsin.issues.queries.finding import find
from tocsin.issues.queries.language import EVERYTHING, Query
from tocsin.projects.models import Project
from tocsin.web.sparkline import Sparkline, first_hour, sparkline

PAGE = 30  # issues on a page
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the reader asked for. An empty `status` is all of them. `wrong` says why `typed` is no query."""

    status: str = "unresolved"
    typed: str = ""
    query: Query = EVERYTHING
    wrong: str = ""
    project: Project | None = None
    after: str = ""  # a cursor: the page of issues seen less recently than it
    before: str = ""  # a cursor: the page of issues seen more recently than it

    @property
    def shown_status(self) -> str:
        """A query that speaks of the status has the last word."""
        return "" if self.query.says_status else self.status


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    issue: Issue
    spark: Sparkline


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One page. A cursor is empty where there is no page in that direction."""

    rows: tuple[Row, ...] = ()
    newer: str = ""
    older: str = ""


def listing(user: User, organization: Organization, wanted: Wanted, now: datetime) -> Listing:
    """The page that was asked for, of the issues this person may read, the last seen first."""
    if wanted.wrong:
        return Listing()
    found = find(wanted.query, user, [organization.pk]).filter(_wanted(wanted)).select_related("project")
    issues, has_newer, has_older = _page(found, wanted)
    return Listing(
        rows=_rows(organization, issues, now),
        newer=_cursor(issues[0]) if issues and has_newer else "",
        older=_cursor(issues[-1]) if issues and has_older else "",
    )


def _wanted(wanted: Wanted) -> Q:
    condition = Q()
    if wanted.shown_status:
        condition &= Q(status=wanted.shown_status)
    if wanted.project is not None:
        condition &= Q(project=wanted.project)
    return condition


# --- pages: by key, so that a page stays right while events come in ----------------------------------------------------


def _page(found: QuerySet[Issue], wanted: Wanted) -> tuple[list[Issue], bool, bool]:
    """(issues, whether there are newer ones, whether there are older ones)."""
    if (edge := _edge(wanted.before)) is not None:
        seen, pk = edge
        newer = found.filter(Q(last_seen__gt=seen) | Q(last_seen=seen, pk__gt=pk)).order_by("last_seen", "pk")
        issues = list(newer[: PAGE + 1])
        if len(issues) >= PAGE:  # fewer would be the beginning of the list, better shown as a whole page
            return issues[:PAGE][::-1], len(issues) > PAGE, True
    if (edge := _edge(wanted.after)) is not None:
        seen, pk = edge
        found = found.filter(Q(last_seen__lt=seen) | Q(last_seen=seen, pk__lt=pk))
    issues = list(found.order_by("-last_seen", "-pk")[: PAGE + 1])
    return issues[:PAGE], edge is not None, len(issues) > PAGE


def _cursor(issue: Issue) -> str:
    microseconds = (issue.last_seen - EPOCH) // timedelta(microseconds=1)
    return f"{microseconds}-{issue.pk}"


def _edge(cursor: str) -> tuple[datetime, int] | None:
    """Where a page begins; None for what is no cursor of ours."""
    match = re.fullmatch(r"(\d{1,16})-(\d{1,18})", cursor, re.ASCII)
    return (EPOCH + timedelta(microseconds=int(match[1])), int(match[2])) if match else None


def _rows(organization: Organization, issues: Sequence[Issue], now: datetime) -> tuple[Row, ...]:
    sparks = sparklines(organization, issues, now)
    return tuple(Row(issue=issue, spark=sparks[issue.pk]) for issue in issues)


def sparklines(organization: Organization, issues: Sequence[Issue], now: datetime) -> dict[int, Sparkline]:
    """By issue id, with one query for all."""
    counts: dict[int, dict[datetime, int]] = defaultdict(dict)
    found = IssueCount.objects.filter(organization=organization, issue__in=issues, hour__gte=first_hour(now))
    for issue_id, hour, count in found.values_list("issue_id", "hour", "count"):
        counts[issue_id][hour] = count
    return {issue.pk: sparkline(counts[issue.pk], now) for issue in issues}


# --- what is not in the list, and why -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """Events that could not be digested, for one reason."""

    reason: str
    project: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NearlySpent:
    """A project whose quota of this hour or day is nearly spent, or spent."""

    project: Project
    spent: int
    ends: datetime

    @property
    def is_spent(self) -> bool:
        return self.project.quota is not None and self.spent >= self.project.quota


def nearly_spent(projects: Sequence[Project], now: datetime) -> tuple[NearlySpent, ...]:
    """Those of the projects that have sent most of what they may. Asks nothing when none has a quota."""
    limited = {project.pk: project for project in projects if project.quota is not None}
    if not limited:
        return ()
    rows = QuotaSpent.objects.filter(organization=projects[0].organization_id, project__in=limited).order_by("project")
    found = []
    for row in rows:
        project = limited[row.project_id]
        begins, ends = period_around(project.quota_period, now)
        if row.begins == begins and row.count >= threshold(project.quota or 0):
            found.append(NearlySpent(project=project, spent=row.count, ends=ends))
    return tuple(found)


def set_aside(projects: Sequence[Project]) -> tuple[SetAside, ...]:
    """What could not be digested in these projects, the most frequent reasons first, five at most."""
    if not projects:
        return ()
    found = (
        Accepted.objects.filter(
            organization=projects[0].organization_id, project__in=projects, state=Accepted.State.SET_ASIDE
        )
        .values_list("reason", "project__slug")
        .annotate(count=Count("pk"))
        .order_by("-count", "reason")[:5]
    )
    return tuple(SetAside(reason=reason, project=slug, count=count) for reason, slug, count in found)
