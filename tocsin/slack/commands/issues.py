"""What is typed about issues: find them, show one with its buttons, resolve, assign."""

from __future__ import annotations

import html
import re

from django.db.models import QuerySet

from tocsin import bus
from tocsin.accounts.access import Right, is_member
from tocsin.accounts.models import Team, User
from tocsin.errors import Invalid, NotFound
from tocsin.issues.access import access_issue, visible_issues
from tocsin.issues.commands import Assign, Resolve, Unassign
from tocsin.issues.models import Issue
from tocsin.issues.queries.finding import called, find
from tocsin.issues.queries.language import parse
from tocsin.slack import in_place, mrkdwn, searches
from tocsin.slack.blocks import draw
from tocsin.slack.blocks.listing import draw_list
from tocsin.slack.commands.typed import Said, Typed, as_typed, straight
from tocsin.slack.identity import Person
from tocsin.slack.models import Identity, TeamChannel
from tocsin.slack.reading import issue_url

FIRST_QUERY = "is:unresolved"
SHOWN = 10
COUNTED = 1000


# --- finding ---------------------------------------------------------------------------------------------------------


def listed(typed: Typed, person: Person) -> Said:
    """The last seen first, each with its buttons. Raises Invalid for what is no search."""
    query = html.unescape(straight(typed.rest)) or FIRST_QUERY
    within = searches.served(person.user, typed.listener.installation).values_list("pk", flat=True)
    found = find(parse(query), person.user, within)
    first = list(found.select_related(*searches.SHOWN_WITH).order_by("-last_seen", "-pk")[:SHOWN])
    if not first:
        return Said(text=f"No issue of yours is {mrkdwn.code(query, 200)}.")
    total = len(first) if len(first) < SHOWN else found[: COUNTED + 1].count()
    shown = [searches.shown(issue) for issue in first]
    return Said(
        text=f"{total} issue{'' if total == 1 else 's'}",
        blocks=draw_list(shown, query=query, total=total, most=COUNTED),
    )


def shown(typed: Typed, person: Person) -> Said:
    """The card, as only they see it: its buttons work."""
    issue = _issue(_only(typed.rest, "issue SHOP-1"), typed, person, Right.READ)
    message = draw(in_place.shown_to_one(typed.listener.workspace, issue, typed.listener.place.channel, typed.now))
    return Said(text=message["text"], blocks=message["blocks"])


def _issue(name: str, typed: Typed, person: Person, right: Right) -> Issue:
    """Raises NotFound, Forbidden, and Invalid where several are called so."""
    ours = Issue.objects.filter(called(name), organization__in=typed.listener.organizations)
    seen = list(visible_issues(person.user).filter(pk__in=ours.values("pk")).values_list("pk", flat=True)[:2])
    if not seen:
        known = next((pk for pk in ours.values_list("pk", flat=True) if _is_theirs(pk, person)), None)
        if known is None:
            raise NotFound(f"There is no issue {name.upper()[:60]}, or it is not shared with this workspace.")
        seen = [known]
    if len(seen) > 1:
        raise Invalid(f"Several issues are called {name.upper()[:60]}: open the one you mean.", field="issue")
    return access_issue(seen[0], person.user, right, within=typed.listener.organizations)


def _is_theirs(issue_id: int, person: Person) -> bool:
    """Of an organization of theirs: then they may hear which right is missing."""
    return is_member(person.user, Issue.objects.values_list("organization_id", flat=True).get(pk=issue_id))


def _only(rest: str, usage: str) -> str:
    words = rest.split()
    if len(words) != 1:
        raise Invalid(f"Name one issue, as in {_plain(usage)}.", field="issue")
    return words[0]


def _plain(line: str) -> str:
    return as_typed(line).strip("`")


# --- changing --------------------------------------------------------------------------------------------------------


def resolve(typed: Typed, person: Person) -> Said:
    issue = _issue(_only(typed.rest, "resolve SHOP-1"), typed, person, Right.TRIAGE)
    performed = bus.perform(Resolve(issue_id=issue.pk), by=typed.actor(person))
    if performed.sentence:
        return Said(text=mrkdwn.escape(performed.sentence), is_final=True)
    return Said(text=f"{_linked(issue)} is resolved.", is_final=True)


TO = re.compile(r"(?P<issue>\S+)\s+(?:to\s+)?(?P<whom>.+)", re.IGNORECASE | re.DOTALL)


def assign(typed: Typed, person: Person) -> Said:
    """Raises Invalid for whom nobody here is called so."""
    found = TO.fullmatch(straight(typed.rest))
    if found is None:
        raise Invalid(f"Say which issue, and to whom, as in {_plain('assign SHOP-1 to me')}.", field="whom")
    issue = _issue(found["issue"], typed, person, Right.TRIAGE)
    whom = found["whom"].strip().strip("\"'")
    if whom.lower() in ("nobody", "none", "no one"):
        performed, name = bus.perform(Unassign(issue_id=issue.pk), by=typed.actor(person)), "nobody"
    elif (team := _team(whom, issue, typed)) is not None:
        performed, name = bus.perform(Assign(issue_id=issue.pk, team_id=team.pk), by=typed.actor(person)), str(team)
    else:
        user = _user(whom, issue, typed, person)
        command = Assign(issue_id=issue.pk, user_id=user.pk)
        performed, name = bus.perform(command, by=typed.actor(person)), user.display_name
    if performed.sentence:
        return Said(text=mrkdwn.escape(performed.sentence), is_final=True)
    return Said(text=f"{_linked(issue)} is assigned to {mrkdwn.line(name)}.", is_final=True)


def _linked(issue: Issue) -> str:
    return mrkdwn.link(issue_url(issue), issue.short_id)


# --- whom ------------------------------------------------------------------------------------------------------------

MENTION = re.compile(r"<@([A-Z0-9]{1,40})(?:\|[^>]*)?>")
CHANNEL = re.compile(r"<#([A-Z0-9]{1,40})(?:\|([^>]*))?>")
MAIL = re.compile(r"<mailto:[^|>]+\|([^>]+)>")


def _team(whom: str, issue: Issue, typed: Typed) -> Team | None:
    """`#slug`, `team:slug`, or a channel: that is called so, or that is the channel of one team. None: it is no team's name.
    Raises Invalid for the name of a team that there is not.
    """
    teams = Team.objects.filter(organization_id=issue.organization_id)
    channel = CHANNEL.fullmatch(whom)
    if channel:
        return _called(teams, channel[2] or "") or _of_channel(teams, channel[1], typed)
    prefix, _, slug = whom.partition(":") if whom.lower().startswith("team:") else ("", "", whom.removeprefix("#"))
    if not prefix and not whom.startswith("#"):
        return None
    found = _called(teams, slug)
    if found is None:
        raise Invalid(f"There is no team #{slug[:60]} in {issue.organization.name}.", field="whom")
    return found


def _called(teams: QuerySet[Team], slug: str) -> Team | None:
    return teams.filter(slug__iexact=slug.strip()).first() if slug.strip() else None


def _of_channel(teams: QuerySet[Team], channel: str, typed: Typed) -> Team:
    connected = TeamChannel.objects.filter(workspace=typed.listener.workspace, channel=channel, team__in=teams)
    found = list(connected.select_related("team")[:2])
    if len(found) != 1:
        raise Invalid(
            "No team, or more than one, is connected to that channel: give the team's own name.", field="whom"
        )
    return found[0].team


def _user(whom: str, issue: Issue, typed: Typed, person: Person) -> User:
    """`me`, a mention, an e-mail, a name, or what stands before the @ of an e-mail. Raises Invalid."""
    if whom.lower() == "me":
        return person.user
    if mention := MENTION.fullmatch(whom):
        linked = Identity.objects.select_related("user").filter(
            workspace=typed.listener.workspace, slack_user_id=mention[1]
        )
        known = linked.first()
        if known is None:
            raise Invalid(f"That person is not connected to Tocsin yet: they type {_plain('link')}.", field="whom")
        return known.user
    mail = MAIL.fullmatch(whom)
    return _named(html.unescape(mail[1] if mail else whom).removeprefix("@"), issue)


def _named(name: str, issue: Issue) -> User:
    members = User.objects.filter(memberships__organization_id=issue.organization_id, is_active=True)
    for wanted in ({"email__iexact": name}, {"name__iexact": name}, {"email__istartswith": f"{name}@"}):
        found = list(members.filter(**wanted)[:2])
        if len(found) == 1:
            return found[0]
        if found:
            raise Invalid(f"Several people are called {name[:60]}: give the e-mail.", field="whom")
    raise Invalid(f"Nobody in {issue.organization.name} is called {name[:60]}.", field="whom")
