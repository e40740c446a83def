"""Who can be assigned an issue: as a menu, as suggestions where that would be too long, and found by what somebody typed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from tocsin.accounts import search
from tocsin.accounts.models import Team, User
from tocsin.errors import Invalid
from tocsin.issues.models import Issue
from tocsin.projects.access import people_of, teams_of

MENU_MAX = 40  # people; with more, a name is typed
SUGGESTED = 100
NAMED = 5  # of those whom a name may mean
CHOICE = re.compile(r"(user|team):([1-9][0-9]{0,17})")
ADDRESS = re.compile(r"(?:.*\()?([^\s()]+@[^\s()]+?)\)?")
NOBODY = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    value: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignees:
    """`groups` are those of a menu, with their headings; without any, a name is typed and `suggested` helps with it."""

    groups: tuple[tuple[str, tuple[Option, ...]], ...] = ()
    suggested: tuple[str, ...] = ()
    chosen: str = ""  # value of the menu


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A person or a team; neither: nobody."""

    user_id: int | None = None
    team_id: int | None = None


def assignees(issue: Issue, me: User, typed: str = "") -> Assignees:
    """Me first, then teams, then people by name. `typed`: what was not enough to find somebody by."""
    teams = list(teams_of(issue.project).order_by("slug"))
    people = list(_by_name(people_of(issue.project).exclude(pk=me.pk))[: MENU_MAX + 1])
    if len(people) > MENU_MAX:
        meant = list(_matching(issue, typed)[:SUGGESTED]) if typed else []
        people = list(_by_name(people_of(issue.project))[:SUGGESTED])
        return Assignees(suggested=tuple(dict.fromkeys([*map(_told, meant), *map(str, teams), *map(_told, people)])))
    groups = (
        ("", (Option(value=NOBODY, label="Nobody"), Option(value=f"user:{me.pk}", label=f"Me ({me.display_name})"))),
        ("Teams", tuple(Option(value=f"team:{team.pk}", label=str(team)) for team in teams)),
        ("People", _named(people)),
    )
    return Assignees(groups=tuple(group for group in groups if group[1]), chosen=_chosen(issue))


def _by_name(people: QuerySet[User]) -> QuerySet[User]:
    return people.order_by("search", "pk")


def _chosen(issue: Issue) -> str:
    if issue.assignee_user_id is not None:
        return f"user:{issue.assignee_user_id}"
    return f"team:{issue.assignee_team_id}" if issue.assignee_team_id is not None else NOBODY


def _named(people: Sequence[User]) -> tuple[Option, ...]:
    """By name; two of one name are told apart by their e-mail."""
    names = [user.display_name for user in people]
    twice = {name for name in names if names.count(name) > 1}
    return tuple(
        Option(value=f"user:{user.pk}", label=_told(user) if user.display_name in twice else user.display_name)
        for user in people
    )


def _told(user: User) -> str:
    """A person as a suggestion: found again by the e-mail."""
    return f"{user.name} ({user.email})" if user.name else user.email


# --- what was chosen or typed ----------------------------------------------------------------------------------------


def find(typed: str, issue: Issue, me: User) -> Found:
    """Whom a choice of the menu means, or a name, an e-mail, a #team, "me" or "nobody". Raises Invalid.

    An id is not looked up: the command says whether it may be assigned.
    """
    if chosen := CHOICE.fullmatch(typed):
        return Found(**{f"{chosen[1]}_id": int(chosen[2])})
    if not typed:
        raise Invalid("Choose one person or one team.", field="assignee")
    word = typed.casefold()
    if word in (NOBODY, "nobody"):
        return Found()
    if word == "me":
        return Found(user_id=me.pk)
    return Found(team_id=_team(typed, issue).pk) if typed.startswith("#") else Found(user_id=_person(typed, issue).pk)


def _team(typed: str, issue: Issue) -> Team:
    found = teams_of(issue.project).filter(slug__iexact=typed.removeprefix("#")).first()
    if found is None:
        raise Invalid(f"No team of that name looks after the project {issue.project.slug}.", field="assignee")
    return found


def _person(typed: str, issue: Issue) -> User:
    if address := ADDRESS.fullmatch(typed):
        found = list(people_of(issue.project).filter(email=address[1].lower()))
    else:
        found = _meant(typed, list(_matching(issue, typed)[: NAMED + 1])) if search.typed(typed) else []
    if len(found) == 1:
        return found[0]
    if found:
        more = " and others" if len(found) > NAMED else ""
        names = ", ".join(map(_told, found[:NAMED]))
        raise Invalid(f"That may be {names}{more}. Type more of the name, or the e-mail address.", field="assignee")
    raise Invalid(
        f"Nobody of that name has access to the project {issue.project.slug}. Type a name, an e-mail address, or a #team.",
        field="assignee",
    )


def _meant(typed: str, found: list[User]) -> list[User]:
    """Those who are called exactly so, if there are any."""
    return [user for user in found if user.display_name.casefold() == typed.casefold()] or found


def _matching(issue: Issue, typed: str) -> QuerySet[User]:
    """People in whose name or e-mail every typed word begins a word."""
    wanted = Q()
    for beginning in search.typed(typed):
        wanted &= Q(search__contains=beginning)
    return _by_name(people_of(issue.project).filter(wanted))
