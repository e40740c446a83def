"""A query as a queryset: of the issues that a person may see, those that it means."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from django.db.models import Case, CharField, Exists, OuterRef, Q, QuerySet, Value, When

from tocsin.accounts.access import Right
from tocsin.accounts.models import User
from tocsin.issues.access import visible_issues
from tocsin.issues.models import DIGITS, Issue, Status, StoredEvent
from tocsin.issues.queries.language import LATEST, ME, NONE, Key, Query, State, Term
from tocsin.projects import releases
from tocsin.projects.access import has_project
from tocsin.projects.models import Project


def find(query: Query, user: User, within: Collection[int], right: Right = Right.READ) -> QuerySet[Issue]:
    """The issues that the query means, of those of these organizations on which this person holds the right now. In no order."""
    asker = Asker(user=user, within=frozenset(within))
    wanted = Q(organization__in=asker.within)
    for term in query.terms:
        meant = MEANT[term.key](term, asker)
        wanted &= ~meant if term.is_negated else meant
    return visible_issues(user, right).filter(wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks, and in which organizations."""

    user: User
    within: frozenset[int]


# --- what each term means --------------------------------------------------------------------------------------------


def _text(term: Term, asker: Asker) -> Q:
    return Q(title__icontains=term.value) | Q(culprit__icontains=term.value) | called(term.value)


def called(text: str) -> Q:
    """The one issue that people call so: "shop-1a". Nothing when the text cannot be a short id."""
    match = re.fullmatch(rf"([-\w]{{1,50}})-([{DIGITS}]{{1,12}})", text.upper(), re.ASCII)
    if match is None:
        return NOTHING
    number = 0
    for digit in match[2]:
        number = number * len(DIGITS) + DIGITS.index(digit)
    return Q(project__slug__iexact=match[1], number=number)


NOTHING = Q(pk__in=())
IS_ASSIGNED = Q(assignee_user__isnull=False) | Q(assignee_team__isnull=False)
BESIDE: dict[State, Q] = {
    State.ASSIGNED: IS_ASSIGNED,
    State.UNASSIGNED: ~IS_ASSIGNED,
    State.ACKNOWLEDGED: Q(acknowledged_at__isnull=False),
}
STATES: dict[State, Q] = {
    **{state: Q(status=state) for state in State if state in Status.values},
    **{state: Q(substatus=state) for state in State if state not in Status.values},
    **BESIDE,
}


def _is(term: Term, asker: Asker) -> Q:
    return STATES[State(term.value)]


def _assigned(term: Term, asker: Asker) -> Q:
    if term.value == ME:
        return Q(assignee_user=asker.user)
    if term.value == NONE:
        return ~IS_ASSIGNED
    if term.value.startswith("#"):
        return Q(assignee_team__slug__iexact=term.value.removeprefix("#"))
    return Q(assignee_user__email=term.value)


def _level(term: Term, asker: Asker) -> Q:
    return Q(level=term.value)


def _release(term: Term, asker: Asker) -> Q:
    """An event of the issue came from it. "1.4.2" is enough for "shop@1.4.2"."""
    if term.value == LATEST:
        return _newest(asker)
    return Q(Exists(_events().filter(Q(release=term.value) | Q(release__endswith=f"@{term.value}"))))


def _newest(asker: Asker) -> Q:
    """An event of the issue came from what is its project's newest release now."""
    seen = has_project(asker.user, Right.READ, project="pk", organization="organization")
    newest = releases.newest_of(Project.objects.filter(seen, organization__in=asker.within))
    if not newest:
        return NOTHING
    of_project = Case(
        *(When(project=project, then=Value(version)) for project, version in newest.items()), output_field=CharField()
    )
    return Q(Exists(_events().filter(release=of_project)))


def _environment(term: Term, asker: Asker) -> Q:
    return Q(Exists(_events().filter(environment=term.value)))


def _events() -> QuerySet[StoredEvent]:
    return StoredEvent.objects.filter(organization=OuterRef("organization"), issue=OuterRef("pk"))


def _project(term: Term, asker: Asker) -> Q:
    return Q(project__slug__iexact=term.value)


MEANT: dict[Key, Callable[[Term, Asker], Q]] = {
    Key.TEXT: _text,
    Key.IS: _is,
    Key.ASSIGNED: _assigned,
    Key.LEVEL: _level,
    Key.RELEASE: _release,
    Key.ENVIRONMENT: _environment,
    Key.PROJECT: _project,
}
