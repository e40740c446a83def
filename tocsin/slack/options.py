"""The entries of menus that Slack asks us for, from the database alone. At most a hundred; a foreign issue has none."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.db.models import Max, Q, QuerySet

from tocsin.accounts import search
from tocsin.accounts.access import Right, is_member
from tocsin.accounts.models import User
from tocsin.errors import Invalid
from tocsin.issues.access import visible_issues
from tocsin.issues.models import Activity, Issue
from tocsin.issues.queries.finding import find
from tocsin.issues.queries.language import TERMS_MAX, Query, Term, parse
from tocsin.projects import releases
from tocsin.projects.access import people_of, teams_of
from tocsin.slack import answers, identity, installations, linking, modals, mrkdwn, searches
from tocsin.slack.action_ids import Action
from tocsin.slack.actions.assign import LINK, NOBODY
from tocsin.slack.answers import Answer, Entry
from tocsin.slack.models import Installation
from tocsin.slack.payloads import OptionsQuery

MOST = 100
ISSUES_SHOWN = 25
TEXT_MAX = 75  # characters
VALUE_MAX = 150
Groups = dict[str, list[Entry]]

NONE: Groups = {}


def answer(query: OptionsQuery, installation: Installation) -> Answer:
    """What the menu lists for this person."""
    return answers.options(_groups(query, installation), query.dialect)


def _groups(query: OptionsQuery, installation: Installation) -> Groups:
    if query.action_id == Action.CHOOSE_ISSUE:
        return issues(query, installation)
    issue = linking.shared_issue(installation, _issue_id(query, installation))
    source = SOURCES.get(query.action_id)
    if issue is None or source is None:
        return NONE
    person = identity.who(installations.workspace_of(installation, query.source), query.sender.id)
    if person is None:
        return {"": [_option("Connect your account first", LINK)]}
    if not is_member(person.user, issue.organization_id) or not _may_triage(person.user, issue):
        return NONE
    return source(query.typed, issue, person.user)


def _issue_id(query: OptionsQuery, installation: Installation) -> int:
    if query.view is None:
        return query.issue.id
    opened = modals.find(query.view, installation.pk, query.sender.id)
    return opened.issue_id if opened else 0


def _may_triage(user: User, issue: Issue) -> bool:
    return visible_issues(user, Right.TRIAGE).filter(pk=issue.pk).exists()


# --- who can be assigned ---------------------------------------------------------------------------------------------


def assignees(typed: str, issue: Issue, me: User) -> Groups:
    """Me first, then teams, then people: those who did something about the issue lately, then by name. Nobody, when somebody is."""
    looked_for = search.typed(typed)
    people = people_of(issue.project)
    first = [_option(f"Me ({me.display_name})", f"user:{me.pk}")] if people.filter(pk=me.pk).exists() else []
    if issue.assignee_user_id or issue.assignee_team_id:
        first.append(_option("Nobody", NOBODY))
    groups = {
        "You": [option for option in first if _begins(option.text, looked_for)],
        "Teams": [
            _option(str(team), f"team:{team.pk}")
            for team in teams_of(issue.project).order_by("slug")
            if _begins(f"{team.slug} {team.name}", looked_for)
        ][: MOST // 2],
    }
    left = MOST - sum(map(len, groups.values()))
    groups["People"] = _named(_ranked(people.exclude(pk=me.pk), issue, looked_for)[:left])
    return {name: options for name, options in groups.items() if options}


def _begins(text: str, looked_for: list[str]) -> bool:
    words = search.words(text)
    return all(beginning in words for beginning in looked_for)


def _ranked(people: QuerySet[User], issue: Issue, looked_for: list[str]) -> list[User]:
    """Who acted on the issue last comes first."""
    wanted = Q()
    for beginning in looked_for:
        wanted &= Q(search__contains=beginning)
    acted = Activity.objects.filter(organization_id=issue.organization_id, issue=issue, user__isnull=False)
    latest = dict(acted.values("user_id").annotate(last=Max("id")).values_list("user_id", "last"))
    active = sorted(people.filter(wanted, pk__in=latest), key=lambda user: -latest[user.pk])
    others = people.filter(wanted).exclude(pk__in=latest).order_by("search", "pk")[:MOST]
    return [*active, *others]


def _named(people: Iterable[User]) -> list[Entry]:
    """By name; two of one name are told apart by their e-mail."""
    listed = list(people)
    names = [user.display_name for user in listed]
    twice = {name for name in names if names.count(name) > 1}
    return [
        _option(
            f"{user.display_name} ({user.email})" if user.display_name in twice else user.display_name,
            f"user:{user.pk}",
        )
        for user in listed
    ]


# --- releases --------------------------------------------------------------------------------------------------------


def releases_of(typed: str, issue: Issue, me: User) -> Groups:
    """Newest first; by the beginning of the version or of any part of it."""
    wanted = Q()
    if beginning := typed.strip():
        wanted = Q(version__istartswith=beginning)
        for mark in "@.-+":
            wanted |= Q(version__icontains=f"{mark}{beginning}")
    found = releases.of_project(issue.project).filter(wanted)[:MOST]
    return {"": [_option(release.version, release.version) for release in found if len(release.version) <= VALUE_MAX]}


# --- issues ----------------------------------------------------------------------------------------------------------


def issues(query: OptionsQuery, installation: Installation) -> Groups:
    """Those that this person may comment on, the last seen first. What cannot be read as a search is looked for as text."""
    if query.view is None or modals.find(query.view, installation.pk, query.sender.id) is None:
        return NONE
    person = identity.who(installations.workspace_of(installation, query.source), query.sender.id)
    if person is None:
        return {"": [_option("Connect your account first", LINK)]}
    within = searches.served(person.user, installation).values_list("pk", flat=True)
    found = find(_query(query.typed), person.user, within, Right.TRIAGE).select_related("project")
    shown = found.order_by("-last_seen", "-pk")[:ISSUES_SHOWN]
    return {"": [_option(f"{issue.short_id} {issue.title}", str(issue.pk)) for issue in shown]}


def _query(typed: str) -> Query:
    try:
        return parse(typed)
    except Invalid:
        words = [Term(value=word) for word in typed.split()[:TERMS_MAX]]
        return Query(terms=tuple(words))


SOURCES: dict[str, Callable[[str, Issue, User], Groups]] = {
    Action.ASSIGN: assignees,
    Action.ASSIGN_OLD: assignees,
    Action.CHOOSE_ASSIGNEE: assignees,
    Action.CHOOSE_RELEASE: releases_of,
}


def _option(text: str, value: str) -> Entry:
    return Entry(text=mrkdwn.plain(text, TEXT_MAX), value=value)
