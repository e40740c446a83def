"""The access matrix: every principal at every route, method, action, dialog and menu, for what is theirs, others' and gone.

What is expected follows from one small table, STANDINGS, and from what each door is for. A route, method, action, dialog or menu
that is not in the tables below fails the first tests of this file.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, get_resolver

from tests.environment import BOT_TOKEN
from tests.pages import Page, csrf_token
from tests.people import Person, make_person
from tests.signed import block_actions, form, interactive, post
from tests.slack_fixture import Slack
from tocsin import bus
from tocsin.accounts.access import Right
from tocsin.accounts.actor import Origin
from tocsin.accounts.models import ApiToken, Organization, Role, Team, User
from tocsin.accounts.tokens import make_token
from tocsin.alerts.commands import MuteRule
from tocsin.alerts.models import Destination, Rule, RuleDestination, RuleMute
from tocsin.clock import database_now
from tocsin.issues.commands import Bulk, Listed, Resolve
from tocsin.issues.models import Activity, Issue
from tocsin.outbox.models import Delivery
from tocsin.projects import releases
from tocsin.projects.models import Key, Project, ProjectTeam
from tocsin.slack import searches
from tocsin.slack.action_ids import Action, Form, ShortcutId
from tocsin.slack.actions import CHOICES, DISMISSALS, HANDLERS, LINKS, SUBMISSIONS
from tocsin.slack.commands import COMMANDS
from tocsin.slack.models import Card, Identity, Installation, OpenedView, Workspace
from tocsin.slack.options import SOURCES

pytestmark = [pytest.mark.guarantee, pytest.mark.cells]

SECRET = "ZeroDivisionError"  # in the title of every issue: nobody reads it who may not
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class Standing(StrEnum):
    """What a person is to an issue."""

    MAY = "may change it"
    LOOKS = "may look at it"
    NO_TEAM = "is of the organization, and in no team of the project"
    STRANGER = "is not of the organization"


class Owner(StrEnum):
    OURS = "ours"
    THEIRS = "another organization's"
    GONE = "never there"
    DELETED = "deleted"


# Who, and what they are to an issue of ours. To one of another organization everybody is a stranger but eve.
STANDINGS: dict[str, Standing] = {
    "alice": Standing.MAY,  # member, in the project's team
    "ada": Standing.MAY,  # admin, in the team
    "max": Standing.MAY,  # manager, in no team
    "olga": Standing.MAY,  # owner, in no team
    "carol": Standing.MAY,  # member, in the team; her Slack user is not linked
    "fay": Standing.MAY,  # member here and there
    "bob": Standing.LOOKS,  # viewer, in the team
    "dora": Standing.NO_TEAM,  # member
    "adam": Standing.NO_TEAM,  # admin
    "vic": Standing.NO_TEAM,  # viewer
    "eve": Standing.STRANGER,  # owner, elsewhere
    "mallory": Standing.STRANGER,  # removed a second ago
    "ivan": Standing.STRANGER,  # deactivated
    "nobody": Standing.STRANGER,  # no account at all
}
OF_THEIRS = {"eve": Standing.MAY, "fay": Standing.NO_TEAM}
CANNOT_SIGN_IN = ("ivan", "nobody")
NOT_LINKED = ("carol", "nobody")


def standing(who: str, whose: Owner) -> Standing:
    if whose is Owner.OURS:
        return STANDINGS[who]
    return OF_THEIRS.get(who, Standing.STRANGER) if whose is Owner.THEIRS else Standing.STRANGER


def organization_of(whose: Owner) -> Owner:
    """Whose the organization in the address is."""
    return Owner.OURS if whose is Owner.DELETED else whose


# --- the world --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    people: dict[str, Person]
    issues: dict[Owner, int]
    organizations: dict[Owner, str]

    def state(self) -> list[tuple[Any, ...]]:
        """All that a person could have changed."""
        issues = Issue.objects.order_by("pk").values_list(
            *("pk", "version", "status", "substatus", "assignee_user", "assignee_team", "priority", "comment_count"),
            *("acknowledged_at", "archived_until", "resolution"),
        )
        mutes = RuleMute.objects.order_by("pk").values_list("pk", "until", "ended_at")
        return [*issues, ("activities", Activity.objects.count()), *mutes]

    def browser(self, who: str) -> Client:
        if who in CANNOT_SIGN_IN and who not in self.people:
            return Client(enforce_csrf_checks=True, SERVER_NAME="localhost")
        return self.people[who].browser()


@pytest.fixture
def world(
    request: pytest.FixtureRequest,
    organization: Organization,
    team: Team,
    workspace: Workspace,
    installation: Installation,
    elsewhere: Organization,
    make_issue: Callable[..., Issue],
    slack: Slack,
) -> World:
    """An issue of ours and one of eve's, whose organization this workspace does not serve; and everybody."""
    people = {name: request.getfixturevalue(name) for name in ("alice", "bob", "carol", "eve", "mallory")}
    people["olga"] = request.getfixturevalue("owner")
    roles = {"ada": (Role.ADMIN, team), "max": (Role.MANAGER, None), "dora": (Role.MEMBER, None)}
    roles |= {"adam": (Role.ADMIN, None), "vic": (Role.VIEWER, None), "fay": (Role.MEMBER, team)}
    roles |= {"ivan": (Role.MEMBER, team)}
    for name, (role, in_team) in roles.items():
        people[name] = make_person(name, organization, role, team=in_team, workspace=workspace)
    people["ivan"].user.is_active = False
    people["ivan"].user.save()
    elsewhere.members.create(user=people["fay"].user, role=Role.MEMBER)
    theirs = Project.objects.create(organization=elsewhere, slug="bakery", name="Bakery")
    ProjectTeam.objects.create(
        organization=elsewhere, project=theirs, team=Team.objects.create(organization=elsewhere, slug="ovens", name="O")
    )
    now = database_now()
    ours = make_issue()
    foreign = make_issue(of=theirs)
    for issue in (ours, foreign):
        hang(issue, workspace)
    deleted = make_issue()
    gone = deleted.pk
    deleted.delete()
    releases.ensure([(ours.organization_id, ours.project_id, "shop@1.4.2")], now)
    releases.ensure([(foreign.organization_id, foreign.project_id, "bakery@2.0")], now)
    return World(
        people=people,
        issues={Owner.OURS: ours.pk, Owner.THEIRS: foreign.pk, Owner.GONE: 999_999, Owner.DELETED: gone},
        organizations={
            Owner.OURS: "acme",
            Owner.THEIRS: "elsewhere",
            Owner.GONE: "nowhere",
            Owner.DELETED: "acme",
        },
    )


def hang(issue: Issue, workspace: Workspace) -> None:
    """A rule of the issue's project has told #alerts of it: the message that `tests.signed` clicks on."""
    project, organization = issue.project, issue.organization
    rule = Rule.objects.create(organization=organization, project=project, name="New issues")
    alerts = Destination.objects.create(organization=organization, kind="slack", address="T0TOCSIN/C0ALERTS", name="#a")
    RuleDestination.objects.create(organization=organization, rule=rule, destination=alerts)
    Card.objects.create(
        organization=organization,
        workspace=workspace,
        destination=alerts,
        subject_kind="issue",
        subject_id=issue.pk,
        address=alerts.address,
        channel="C0ALERTS",
        ts="1700000000.000100",
        rules=[rule.pk],
        created_at=database_now(),
    )


# --- routes -----------------------------------------------------------------------------------------------------------


class Door(StrEnum):
    """What an address is for."""

    ISSUE = "the page of an issue"
    LIST = "the page of an organization"
    MANAGED = "of an organization, for who manages it"
    HOME = "the first page"
    SIGNED_IN = "a page of one's own account"
    PUBLIC = "a page for anybody"
    SDK = "for SDKs, by their key"
    SLACK = "for Slack, by its signature"
    LINK = "for whoever has the link"
    API_ISSUE = "the API's issue"
    API_COMMENTS = "the API's comments"
    API_LIST = "the API's list"
    HEALTH = "for machines"


ROUTES: dict[str, tuple[Door, tuple[str, ...]]] = {
    "api/<int:project_id>/envelope/": (Door.SDK, ("POST", "OPTIONS")),
    "api/<int:project_id>/envelope": (Door.SDK, ("POST", "OPTIONS")),
    "api/<int:project_id>/store/": (Door.SDK, ("POST", "OPTIONS")),
    "api/<int:project_id>/store": (Door.SDK, ("POST", "OPTIONS")),
    "slack/interactive": (Door.SLACK, ("POST",)),
    "slack/options": (Door.SLACK, ("POST",)),
    "slack/events": (Door.SLACK, ("POST",)),
    "slack/commands": (Door.SLACK, ("POST",)),
    "api/0/organizations/<slug:slug>/issues/": (Door.API_LIST, ("GET",)),
    "api/0/organizations/<slug:slug>/issues/<int:issue_id>/": (Door.API_ISSUE, ("GET", "PUT")),
    "api/0/organizations/<slug:slug>/issues/<int:issue_id>/comments/": (Door.API_COMMENTS, ("GET", "POST")),
    "api/0/issues/<int:issue_id>/": (Door.API_ISSUE, ("GET", "PUT")),
    "api/0/issues/<int:issue_id>/comments/": (Door.API_COMMENTS, ("GET", "POST")),
    "": (Door.HOME, ("GET", "HEAD")),
    "organizations/<slug:slug>/issues/": (Door.LIST, ("GET", "HEAD", "POST")),
    "organizations/<slug:slug>/issues/<int:issue_id>/": (Door.ISSUE, ("GET", "HEAD", "POST")),
    "organizations/<slug:slug>/issues/<int:issue_id>/events/<slug:event_id>/": (Door.ISSUE, ("GET", "HEAD", "POST")),
    "organizations/<slug:slug>/audit/": (Door.MANAGED, ("GET", "HEAD")),
    "organizations/<slug:slug>/slack/": (Door.MANAGED, ("GET", "HEAD", "POST")),
    "accounts/slack/": (Door.SIGNED_IN, ("GET", "HEAD", "POST")),
    "slack/link/<str:token>/": (Door.LINK, ("GET", "HEAD", "POST")),
    "slack/team/<str:token>/": (Door.LINK, ("GET", "HEAD", "POST")),
    "accounts/login/": (Door.PUBLIC, ("GET", "HEAD", "POST")),
    "accounts/logout/": (Door.PUBLIC, ("GET", "HEAD", "POST")),
    "accounts/inactive/": (Door.PUBLIC, ("GET", "HEAD")),
    "accounts/password/change/": (Door.SIGNED_IN, ("GET", "HEAD", "POST")),
    "accounts/password/set/": (Door.SIGNED_IN, ("GET", "HEAD", "POST")),
    "livez": (Door.HEALTH, ("GET", "HEAD")),
    "readyz": (Door.HEALTH, ("GET", "HEAD")),
    "metrics": (Door.HEALTH, ("GET", "HEAD")),
}


def routes() -> list[str]:
    patterns = get_resolver().url_patterns
    assert all(isinstance(each, URLPattern) for each in patterns), "an address was included from elsewhere"
    return [str(each.pattern) for each in patterns]


def test_every_route_is_in_the_matrix() -> None:
    assert sorted(routes()) == sorted(ROUTES), "Say in ROUTES who may come to the new address, and by which methods."


def address(route: str, world: World, whose: Owner) -> str:
    """Of an issue under its own organization; of an event, any."""
    parts = {
        "<slug:slug>": world.organizations[whose],
        "<int:issue_id>": str(world.issues[whose]),
        "<slug:event_id>": "0" * 32,
        "<int:project_id>": "1",
        "<str:token>": "no-such-token",
    }
    for name, value in parts.items():
        route = route.replace(name, value)
    return f"/{route}"


def of(*doors: Door) -> list[str]:
    return [route for route, (door, _) in ROUTES.items() if door in doors]


@pytest.mark.parametrize("whose", Owner)
@pytest.mark.parametrize("who", STANDINGS)
def test_pages_are_read_by_whoever_may(world: World, who: str, whose: Owner) -> None:
    browser = world.browser(who)
    for route in of(Door.ISSUE, Door.LIST):
        is_event = "event_id" in route
        answer = browser.get(address(route, world, whose))
        assert answer.status_code == reading(who, whose, is_list=route in of(Door.LIST), is_event=is_event), route
        seen = standing(who, organization_of(whose) if route in of(Door.LIST) else whose)
        assert (SECRET in answer.content.decode()) <= (seen in (Standing.MAY, Standing.LOOKS)), route


MANAGES = {"max": Owner.OURS, "olga": Owner.OURS, "eve": Owner.THEIRS}


@pytest.mark.parametrize("whose", Owner)
@pytest.mark.parametrize("who", STANDINGS)
def test_pages_for_managers_are_theirs(world: World, who: str, whose: Owner) -> None:
    """And from them nobody's link with Slack is ended by anybody else."""
    browser, before = world.browser(who), list(Identity.objects.order_by("pk").values_list("pk", "user"))
    at = organization_of(whose)
    expected = 200 if MANAGES.get(who) is at else 404 if standing(who, at) is Standing.STRANGER else 403
    token = csrf_token(browser) if who not in CANNOT_SIGN_IN else ""
    for route in of(Door.MANAGED):
        answer = browser.get(address(route, world, whose))
        assert answer.status_code == (302 if who in CANNOT_SIGN_IN else expected), route
        assert ("alice@example.com" in answer.content.decode()) <= (MANAGES.get(who) is Owner.OURS)
        if expected != 200 or who in CANNOT_SIGN_IN:
            for number, _ in before:
                sent = {"identity": str(number), "csrfmiddlewaretoken": token}
                assert browser.post(address(route, world, whose), sent).status_code in (302, 403, 404, 405)
    assert list(Identity.objects.order_by("pk").values_list("pk", "user")) == before


def reading(who: str, whose: Owner, *, is_list: bool, is_event: bool) -> int:
    if who in CANNOT_SIGN_IN:
        return 302
    if is_list:
        return 404 if standing(who, organization_of(whose)) is Standing.STRANGER else 200
    return {Standing.STRANGER: 404, Standing.NO_TEAM: 403}.get(standing(who, whose), 404 if is_event else 200)


@pytest.mark.parametrize(
    ("who", "foreign"),
    [("mallory", Owner.OURS), ("eve", Owner.OURS), ("alice", Owner.THEIRS), ("alice", Owner.DELETED)],
)
def test_not_there_and_not_yours_are_one_answer(world: World, who: str, foreign: Owner) -> None:
    """On pages, in the API and in Slack."""
    for route in of(Door.ISSUE, Door.LIST):
        if route in of(Door.LIST) and foreign is Owner.DELETED:
            continue
        never = address(route, world, Owner.GONE)
        if foreign is Owner.DELETED:  # of an organization that she knows
            never = never.replace("nowhere", world.organizations[foreign])
        answers = [world.browser(who).get(each) for each in (address(route, world, foreign), never)]
        assert Page(answers[0]).main == Page(answers[1]).main, route
    if who != "mallory":  # hers opens nothing at all
        token = token_of(world, who, "all")
        for route in of(Door.API_ISSUE, Door.API_COMMENTS):
            for method, body in (("GET", None), ("PUT", {"priority": "low"}), ("POST", {"text": "x"})):
                never = address(route, world, Owner.GONE)
                if foreign is Owner.DELETED:
                    never = never.replace("nowhere", world.organizations[foreign])
                answers = [call(method, each, token, body) for each in (address(route, world, foreign), never)]
                assert answers[0].content == answers[1].content, (method, route)
    if foreign is not Owner.OURS:
        pressed = [
            interactive(
                block_actions(used(Action.RESOLVE, carried_plain(world, each), world), user=slack_id(world, who))
            )
            for each in (foreign, Owner.GONE)
        ]
        assert [answer.content for answer in pressed] == [b"", b""]
        assert len(set(whispers())) == 1


def test_fay_whose_token_is_for_here_does_not_learn_of_what_is_there(world: World) -> None:
    token = token_of(world, "fay", "all")
    for route in of(Door.API_ISSUE, Door.API_COMMENTS):
        answers = [call("GET", address(route, world, each), token) for each in (Owner.THEIRS, Owner.GONE)]
        assert (answers[0].status_code, answers[0].content) == (404, answers[1].content)


BUTTONS = ("resolve", "archive", "reopen", "comment", "assign", "unassign", "priority", "acknowledge", "undo")


@pytest.mark.parametrize("whose", Owner)
@pytest.mark.parametrize("who", STANDINGS)
def test_nothing_on_a_page_changes_what_somebody_may_not_change(world: World, who: str, whose: Owner) -> None:
    browser, before = world.browser(who), world.state()
    if standing(who, whose) is Standing.MAY and who not in CANNOT_SIGN_IN:
        return  # tests/test_web_issue_actions.py: what happens then
    token = csrf_token(browser)
    for route in of(Door.ISSUE):
        for action in BUTTONS:
            fields = {"action": action, "csrfmiddlewaretoken": token, "text": "x", "assignee": "me", "priority": "low"}
            answer = browser.post(address(route, world, whose), fields)
            assert answer.status_code in (302, 403, 404), (route, action)
            assert SECRET not in answer.content.decode() or standing(who, whose) is Standing.LOOKS
    assert world.state() == before


@pytest.mark.parametrize("whose", Owner)
@pytest.mark.parametrize("who", STANDINGS)
def test_nothing_done_to_many_changes_what_somebody_may_not_change(world: World, who: str, whose: Owner) -> None:
    """On the list of every organization, and whatever is ticked there."""
    if standing(who, whose) is Standing.MAY and who not in CANNOT_SIGN_IN:
        return  # tests/test_web_issue_bulk.py: what happens then
    browser, before = world.browser(who), world.state()
    token = csrf_token(browser)
    for at in Owner:
        for action in ("resolve", "archive", "reopen", "assign"):
            ticked = f"{world.issues[whose]}:1"
            fields = {"action": action, "csrfmiddlewaretoken": token, "issue": ticked, "assignee": "me"}
            answer = browser.post(address(of(Door.LIST)[0], world, at), fields, follow=True)
            assert SECRET not in answer.content.decode() or standing(who, organization_of(at)) is not Standing.STRANGER
    assert world.state() == before


@pytest.mark.parametrize("who", ["alice", "bob", "eve", "nobody"])
@pytest.mark.parametrize("route", ROUTES)
def test_a_route_takes_its_own_methods_only_and_no_get_changes_anything(world: World, route: str, who: str) -> None:
    door, methods = ROUTES[route]
    browser = world.browser(who)
    before = world.state()
    for method in METHODS:
        headers = {"Authorization": f"Bearer {token_of(world, who, 'all')}"} if route.startswith("api/0") else {}
        answer = browser.generic(method, address(route, world, Owner.OURS), b"{}", "application/json", headers=headers)
        if method in methods:
            assert answer.status_code != 405, (route, method)
        elif door is not Door.PUBLIC and door is not Door.SIGNED_IN:  # allauth's pages answer others in their own way
            assert answer.status_code in (403, 404, 405), (route, method)  # 403: without its CSRF token
    assert world.state() == before


def test_what_needs_a_key_a_signature_or_a_link_is_closed_without(world: World) -> None:
    browser = Client(SERVER_NAME="localhost")
    for route in of(Door.SDK):
        assert browser.post(address(route, world, Owner.OURS), b"{}", "application/json").status_code in (401, 403)
    for route in of(Door.SLACK):
        assert browser.post(address(route, world, Owner.OURS), b"payload={}", "text/plain").status_code == 401
    signed_in = world.people["alice"].browser()
    for route in of(Door.LINK):
        assert signed_in.get(address(route, world, Owner.OURS)).status_code == 410
    for route in of(Door.SIGNED_IN):
        assert browser.get(address(route, world, Owner.OURS)).status_code == 302


@pytest.mark.parametrize("of_project", ["their own", "another"])
def test_a_key_opens_its_own_project_only(world: World, project: Project, key: Key, of_project: str) -> None:
    theirs = Issue.objects.get(pk=world.issues[Owner.THEIRS]).project_id
    number = key.project_id if of_project == "their own" else theirs
    body = json.dumps({"event_id": "a" * 32, "message": "x"}).encode()
    answer = Client(SERVER_NAME="localhost").post(
        f"/api/{number}/store/?sentry_key={key.public_key}", body, "application/json"
    )
    assert answer.status_code == (200 if of_project == "their own" else 403)


# --- the API ----------------------------------------------------------------------------------------------------------

SCOPES: dict[str, list[ApiToken.Scope]] = {
    "all": list(ApiToken.Scope),
    "read": [ApiToken.Scope.EVENT_READ],
    "write": [ApiToken.Scope.EVENT_WRITE],
    "none": [],
}


def token_of(world: World, who: str, scopes: str) -> str:
    """Of their own organization; a wrong one of who has no account."""
    if who == "nobody":
        return "tcsn_made-up"
    person = world.people[who]
    return make_token(person.user, person.organization, "test", SCOPES[scopes])


def call(method: str, path: str, token: str, body: dict[str, Any] | None = None) -> HttpResponse:
    data = json.dumps(body).encode() if body is not None else b""
    client = Client(enforce_csrf_checks=True, SERVER_NAME="localhost")
    return client.generic(method, path, data, "application/json", headers={"Authorization": f"Bearer {token}"})


def allowed(route: str, who: str, whose: Owner, scopes: str, *, writes: bool) -> int:
    """The status. A token is of one organization: what its person may elsewhere, it may not."""
    if who in ("nobody", "ivan", "mallory"):
        return 401
    wanted = ApiToken.Scope.EVENT_WRITE if writes else ApiToken.Scope.EVENT_READ
    if wanted not in SCOPES[scopes]:
        return 403
    own = Owner.THEIRS if who == "eve" else Owner.OURS
    if route in of(Door.API_LIST) and organization_of(whose) is own:
        return 200
    if whose is not own:
        return 404
    if route in of(Door.API_LIST):
        return 200
    here = standing(who, whose)
    if here is Standing.NO_TEAM or (here is Standing.LOOKS and writes):
        return 403
    return 200


@pytest.mark.parametrize("scopes", SCOPES)
@pytest.mark.parametrize("whose", Owner)
@pytest.mark.parametrize("who", STANDINGS)
def test_a_token_may_what_its_person_and_its_scopes_may(world: World, who: str, whose: Owner, scopes: str) -> None:
    token = token_of(world, who, scopes)
    for route in of(Door.API_ISSUE, Door.API_COMMENTS, Door.API_LIST):
        answer = call("GET", address(route, world, whose), token)
        expected = allowed(route, who, whose, scopes, writes=False)
        assert answer.status_code == expected, route
        if expected != 200:
            assert SECRET not in answer.content.decode()
    before = world.state()
    for route in of(Door.API_ISSUE, Door.API_COMMENTS):
        method, body = ("POST", {"text": "x"}) if route in of(Door.API_COMMENTS) else ("PUT", {"priority": "low"})
        answer = call(method, address(route, world, whose), token, body)
        expected = allowed(route, who, whose, scopes, writes=True)
        assert answer.status_code in ((200, 201) if expected == 200 else (expected,)), route
        if expected != 200:
            assert SECRET not in answer.content.decode()
        if expected != 200:
            assert world.state() == before, route


# --- Slack ------------------------------------------------------------------------------------------------------------

# What pressing it does for somebody who may: the activity that it leaves, or what becomes of the rule, or "" where it opens a
# dialog.
ACTIONS: dict[Action, str] = {
    Action.RESOLVE: "resolved",
    Action.RESOLVE_FORM: "",
    Action.REOPEN: "reopened",
    Action.ARCHIVE: "archived",
    Action.ARCHIVE_FORM: "",
    Action.ASSIGN: "assigned",
    Action.UNDO: "undone",
    Action.ACKNOWLEDGE: "acknowledged",
    Action.COMMENT_FORM: "",
    Action.MUTE_FORM: "",
    Action.UNMUTE: "unmuted",
    Action.PRIORITY_FORM: "",
}
# The same in attachments of old, by name and value.
OLD: dict[tuple[Action, str], str] = {
    (Action.STATUS, "resolved"): "resolved",
    (Action.STATUS, "ignored"): "archived",
    (Action.ASSIGN_OLD, ""): "assigned",
    (Action.RESOLVE_DIALOG, "resolve_dialog"): "",
}
FORMS: dict[Form, str] = {
    Form.RESOLVE: "resolved",
    Form.ARCHIVE: "archived",
    Form.COMMENT: "commented",
    Form.PRIORITY: "priority",
    Form.MUTE: "muted",
    Form.UNMUTE: "unmuted",
}
MENUS = (Action.ASSIGN, Action.CHOOSE_RELEASE, Action.CHOOSE_ASSIGNEE)


# Who sees issues in the modal that a shortcut opens.
SHORTCUTS: dict[ShortcutId, tuple[Standing, ...]] = {
    ShortcutId.FIND: (Standing.MAY, Standing.LOOKS),
    ShortcutId.TRIAGE: (Standing.MAY,),
    ShortcutId.COMMENT: (),
}


def test_every_action_dialog_and_menu_is_in_the_matrix() -> None:
    assert set(HANDLERS) == set(ACTIONS) | {action for action, _ in OLD}, "Say in ACTIONS what the new action does."
    assert set(SUBMISSIONS) == set(FORMS), "Say in FORMS what the new dialog does."
    assert set(SOURCES) == {*MENUS, Action.ASSIGN_OLD}, "Add the new menu to MENUS."
    assert set(Action) - set(HANDLERS) - CHOICES - LINKS - DISMISSALS == {Action.MORE}
    assert set(Form) - set(SUBMISSIONS) == {Form.TOLD} | searches.FORMS
    assert set(SHORTCUTS) == set(ShortcutId), "Say in SHORTCUTS who sees issues in the new one."


def slack_id(world: World, who: str) -> str:
    return world.people[who].slack_user_id if who in world.people else "U0NOBODY"


def carried(world: World, whose: Owner, action: Action) -> str:
    """What the button carries. To undo something, or to reopen, somebody has done something before."""
    issue = Issue.objects.filter(pk=world.issues[whose]).first()
    more = {}
    if issue is not None and action in (Action.REOPEN, Action.UNDO):
        by = world.people["olga" if whose is Owner.OURS else "eve"].actor(Origin.WEB)
        performed = bus.perform(Resolve(issue_id=issue.pk), by=by)
        assert performed.activity is not None
        more = {"undo": performed.activity.pk} if action is Action.UNDO else {}
        issue = performed.issue
    return json.dumps({"issue": world.issues[whose], "v": issue.version if issue else 1, **more})


def muted(world: World, whose: Owner) -> None:
    """Somebody who may has muted the rule of the issue's card."""
    card = Card.objects.filter(subject_id=world.issues[whose]).first()
    if card is not None and card.destination_id is not None:
        by = world.people["olga" if whose is Owner.OURS else "eve"].actor(Origin.WEB)
        rules = tuple(card.rules)
        command = MuteRule(issue_id=card.subject_id, destination_id=card.destination_id, rule_ids=rules, hours=1)
        assert not bus.perform(command, by=by).sentence


def done() -> tuple[str, User | None]:
    """What was done last, and by whom: to a rule, or else to an issue."""
    mute = RuleMute.objects.last()
    if mute is not None:
        return ("unmuted", mute.ended_by) if mute.ended_at else ("muted", mute.by)
    activity = Activity.objects.latest("id")
    return activity.kind, activity.user


def used(action: Action, value: str, world: World) -> dict[str, Any]:
    if action is Action.ASSIGN:
        chosen = {"value": f"user:{world.people['alice'].user.pk}", "text": {"type": "plain_text", "text": "Alice"}}
        about = {"type": "external_select", "selected_option": chosen}
    else:
        about = {"type": "button", "value": value}
    return {"action_id": action.value, "block_id": value, "action_ts": "1.1", **about}


def whispers() -> list[str]:
    return [row.about["text"] for row in Delivery.objects.filter(kind="slack.whisper").order_by("pk")]


def expected_whisper(who: str, whose: Owner) -> str:
    if whose is not Owner.OURS:
        return "gone, or it is not shared"
    if who in NOT_LINKED:
        return "onnect"
    return {
        Standing.LOOKS: "your role in Acme does not change issues",
        Standing.NO_TEAM: "in no team of the project",
        Standing.STRANGER: "Acme",
    }[standing(who, whose)]


@pytest.mark.parametrize("whose", Owner)
@pytest.mark.parametrize("who", STANDINGS)
@pytest.mark.parametrize("action", ACTIONS)
def test_a_button_does_what_its_person_may(world: World, slack: Slack, action: Action, who: str, whose: Owner) -> None:
    value = carried(world, whose, action)
    if action is Action.UNMUTE:
        muted(world, whose)
    before = world.state()
    trigger = slack.simulation.workspace.triggers.issue(slack_id(world, who))
    answer = interactive(block_actions(used(action, value, world), user=slack_id(world, who), trigger_id=trigger))
    assert answer.status_code == (200 if whose is Owner.OURS else 403)
    assert SECRET not in answer.content.decode()
    if whose is Owner.OURS and standing(who, whose) is Standing.MAY and who not in NOT_LINKED:
        assert whispers() == []
        if ACTIONS[action]:
            assert done() == (ACTIONS[action], world.people[who].user)
        else:
            assert len(slack.journal("views.open")) == 1
            assert world.state() == before
        return
    assert world.state() == before
    assert slack.journal("views.open") == []
    (told,) = whispers()
    assert expected_whisper(who, whose) in told
    assert SECRET not in told


def old(who: str, issue: int, **more: Any) -> dict[str, Any]:
    """What Slack sends of attachments and dialogs of old."""
    return {
        "type": "interactive_message",
        "callback_id": json.dumps({"issue": issue}),
        "team": {"id": "T0TOCSIN", "domain": "x"},
        "channel": {"id": "C0ALERTS", "name": "alerts"},
        "user": {"id": who, "name": who.lower()},
        "action_ts": "1700000001.000100",
        "message_ts": "1700000000.000100",
        **more,
    }


def assert_refused(answer: Any, who: str, whose: Owner) -> None:
    """In the answer itself; of an issue that is not ours by a whisper."""
    assert SECRET not in answer.content.decode()
    if whose is not Owner.OURS:
        assert (answer.status_code, answer.content) == (403, b"")
    said = whispers()[0] if whose is not Owner.OURS else json.loads(answer.content)["text"]
    assert expected_whisper(who, whose) in said
    assert SECRET not in said


@pytest.mark.parametrize("whose", Owner)
@pytest.mark.parametrize("who", STANDINGS)
@pytest.mark.parametrize(("action", "value"), OLD)
def test_a_button_of_old_does_what_its_person_may(
    world: World, slack: Slack, action: Action, value: str, who: str, whose: Owner
) -> None:
    slack.connect("http://localhost/slack/interactive")
    before = world.state()
    chosen = [{"value": f"user:{world.people['alice'].user.pk}"}]
    pressed = {"name": action.value, "type": "button", "value": value, "selected_options": chosen}
    message = {"type": "message", "text": "", "ts": "1700000000.000100"}
    trigger = slack.simulation.workspace.triggers.issue(slack_id(world, who), channel="C0ALERTS")
    answer = interactive(
        old(
            slack_id(world, who),
            world.issues[whose],
            actions=[pressed],
            original_message=message,
            trigger_id=trigger,
        )
    )
    if whose is Owner.OURS and standing(who, whose) is Standing.MAY and who not in NOT_LINKED:
        assert (answer.status_code, whispers()) == (200, [])
        if OLD[action, value]:
            assert json.loads(answer.content).keys() == {"attachments"}
            assert Activity.objects.latest("id").kind == OLD[action, value]
        else:
            assert answer.content == b""
            assert len(slack.journal("dialog.open")) == 1
            assert world.state() == before
        return
    assert world.state() == before
    assert slack.journal("dialog.open") == []
    assert_refused(answer, who, whose)


@pytest.mark.parametrize("whose", Owner)
@pytest.mark.parametrize("who", STANDINGS)
def test_a_dialog_of_old_does_what_its_person_may(world: World, who: str, whose: Owner) -> None:
    before = world.state()
    submitted = old(
        slack_id(world, who), world.issues[whose], type="dialog_submission", submission={"resolve_type": "resolved"}
    )
    answer = interactive(submitted)
    assert (answer.status_code, answer.content) == (200, b"")
    if whose is Owner.OURS and standing(who, whose) is Standing.MAY and who not in NOT_LINKED:
        assert whispers() == []
        assert Activity.objects.latest("id").kind == "resolved"
        return
    assert world.state() == before
    (told,) = whispers()
    assert expected_whisper(who, whose) in told
    assert SECRET not in told


@pytest.mark.parametrize("whose", Owner)
@pytest.mark.parametrize("who", STANDINGS)
@pytest.mark.parametrize("kind", ["interactive_message", "dialog_suggestion"])
def test_a_menu_of_old_lists_nothing_to_whoever_may_not(world: World, kind: str, who: str, whose: Owner) -> None:
    asked = old(slack_id(world, who), world.issues[whose], type=kind, name="assign", value="")
    answer = json.loads(interactive(asked, "/slack/options").content)
    listed = [each for group in answer.get("option_groups", [answer]) for each in group["options"]]
    if whose is not Owner.OURS:
        assert listed == []
    elif who in NOT_LINKED:
        assert [each["value"] for each in listed] == ["link"]
    else:
        assert bool(listed) == (standing(who, whose) is Standing.MAY)


def modal(
    world: World, workspace: Workspace, installation: Installation, who: str, whose: Owner, form: Form
) -> OpenedView:
    """A dialog in front of somebody, however they came by it."""
    issue = Issue.objects.filter(pk=world.issues[whose]).first()
    return OpenedView.objects.create(
        key=f"key-of-{who}",
        installation=installation,
        workspace=workspace,
        organization=issue.organization if issue else world.people["alice"].organization,
        slack_user_id=slack_id(world, who),
        form=form,
        issue_id=world.issues[whose],
        version=issue.version if issue else 1,
        channel="C0ALERTS",
        ts="1700000000.000100",
        created_at=database_now(),
    )


FILLED_IN = {"text": "It is the till.", "priority": "low", "mute_hours": "8"}


def submission(who: str, key: str, form: Form, **more: Any) -> dict[str, Any]:
    view = {
        "id": "V1",
        "type": "modal",
        "callback_id": form.value,
        "private_metadata": key,
        "hash": "1.a",
        "blocks": [],
        "state": {"values": {name: {"x": {"value": value}} for name, value in FILLED_IN.items()}},
    }
    return {
        "type": "view_submission",
        "team": {"id": "T0TOCSIN", "domain": "x"},
        "user": {"id": who, "username": who, "team_id": "T0TOCSIN"},
        "trigger_id": "1.2.c",
        "view": view,
        **more,
    }


@pytest.mark.parametrize("whose", Owner)
@pytest.mark.parametrize("who", STANDINGS)
@pytest.mark.parametrize("form", FORMS)
def test_a_dialog_does_what_its_person_may(
    world: World, workspace: Workspace, installation: Installation, form: Form, who: str, whose: Owner
) -> None:
    opened = modal(world, workspace, installation, who, whose, form)
    if form is Form.UNMUTE:
        muted(world, whose)
    before = world.state()
    answer = interactive(submission(slack_id(world, who), opened.key, form))
    assert answer.status_code == 200
    assert SECRET not in answer.content.decode()
    if whose is Owner.OURS and standing(who, whose) is Standing.MAY and who not in NOT_LINKED:
        assert answer.content == b""
        assert done() == (FORMS[form], world.people[who].user)
        return
    told = json.loads(answer.content)["view"]["blocks"][0]["text"]["text"]
    assert expected_whisper(who, whose) in told
    assert world.state() == before


def acting(kind: str, who: str, **more: Any) -> dict[str, Any]:
    person = {"team": {"id": "T0TOCSIN", "domain": "x"}, "user": {"id": who, "username": who, "team_id": "T0TOCSIN"}}
    return {"type": kind, **person, "action_ts": "1.1", **more}


@pytest.mark.parametrize("who", STANDINGS)
@pytest.mark.parametrize("shortcut", SHORTCUTS)
def test_a_shortcut_shows_what_its_person_may_see(world: World, slack: Slack, shortcut: ShortcutId, who: str) -> None:
    before = world.state()
    trigger = slack.simulation.workspace.triggers.issue(slack_id(world, who))
    message = {
        "channel": {"id": "C0ALERTS"},
        "message_ts": "1.1",
        "message": {"ts": "1.1", "text": "x", "user": "U0BOB"},
    }
    answer = interactive(
        acting("shortcut", slack_id(world, who), callback_id=shortcut.value, trigger_id=trigger, **message)
    )
    assert (answer.status_code, answer.content, world.state()) == (200, b"", before)
    (opened,) = slack.journal("views.open")
    shown = json.dumps(opened["args"]["view"])
    sees = standing(who, Owner.OURS) in SHORTCUTS[shortcut] and who not in NOT_LINKED
    assert (SECRET in shown) is sees
    assert "BAKERY" not in shown
    assert f"{world.issues[Owner.THEIRS]}:" not in shown


@pytest.mark.parametrize("whose", Owner)
@pytest.mark.parametrize("who", STANDINGS)
def test_many_are_changed_and_put_back_by_whoever_may(
    world: World, workspace: Workspace, installation: Installation, who: str, whose: Owner
) -> None:
    """Whatever is ticked, in a modal that they came by somehow."""
    opened = modal(world, workspace, installation, who, Owner.OURS, Form.TRIAGE)
    before = world.state()
    boxes = {"type": "checkboxes", "selected_options": [{"value": f"{world.issues[whose]}:1"}]}
    what = {"type": "radio_buttons", "selected_option": {"value": "resolve"}}
    submitted = submission(slack_id(world, who), opened.key, Form.TRIAGE)
    submitted["view"]["state"]["values"] = {"issues:0": {"x": boxes}, "what": {"x": what}}
    answer = interactive(submitted)
    assert (answer.status_code, SECRET in answer.content.decode()) == (200, False)
    if whose is Owner.OURS and standing(who, whose) is Standing.MAY and who not in NOT_LINKED:
        assert Activity.objects.get().kind == "resolved"
        undo = submission(slack_id(world, who), opened.key, Form.BULK_DONE)
        assert b"Undone: 1 issue." in interactive(undo).content
        assert Activity.objects.latest("id").kind == "undone"
        return
    assert world.state() == before


@pytest.mark.parametrize("who", STANDINGS)
def test_what_others_did_to_many_is_put_back_by_whoever_may(
    world: World, workspace: Workspace, installation: Installation, who: str
) -> None:
    listed = (Listed(issue_id=world.issues[Owner.OURS], seen_version=1),)
    organization = world.people["alice"].organization
    bulk = Bulk(organization_id=organization.pk, shape=Resolve(issue_id=0), issues=listed)
    done = bus.perform(bulk, by=world.people["olga"].actor(Origin.WEB))
    opened = modal(world, workspace, installation, who, Owner.OURS, Form.BULK_DONE)
    OpenedView.objects.filter(pk=opened.pk).update(values={"bulk": done.bulk_id})
    before = world.state()
    answer = interactive(submission(slack_id(world, who), opened.key, Form.BULK_DONE))
    assert answer.status_code == 200
    is_allowed = standing(who, Owner.OURS) is Standing.MAY and who not in NOT_LINKED
    assert (world.state() != before) is is_allowed


@pytest.mark.parametrize("whose", Owner)
@pytest.mark.parametrize("who", STANDINGS)
def test_a_message_becomes_a_comment_of_whoever_may(
    world: World, workspace: Workspace, installation: Installation, who: str, whose: Owner
) -> None:
    opened = modal(world, workspace, installation, who, Owner.OURS, Form.COMMENT_MESSAGE)
    kept = {"author": "Bob", "said": "x", "permalink": ""}
    OpenedView.objects.filter(pk=opened.pk).update(issue_id=0, values=kept)
    before = world.state()
    asked = acting(
        "block_suggestion", slack_id(world, who), action_id=Action.CHOOSE_ISSUE.value, block_id="issue", value=""
    )
    asked["view"] = {"id": "V1", "private_metadata": opened.key, "callback_id": Form.COMMENT_MESSAGE.value}
    listed = [each["value"] for each in json.loads(interactive(asked, "/slack/options").content)["options"]]
    may = standing(who, Owner.OURS) is Standing.MAY and who not in NOT_LINKED
    assert listed == ([str(world.issues[Owner.OURS])] if may else ["link"] if who in NOT_LINKED else [])
    submitted = submission(slack_id(world, who), opened.key, Form.COMMENT_MESSAGE)
    chosen = {"type": "external_select", "selected_option": {"value": str(world.issues[whose])}}
    submitted["view"]["state"]["values"]["issue"] = {"x": chosen}
    answer = interactive(submitted)
    assert (answer.status_code, SECRET in answer.content.decode()) == (200, False)
    if may and whose is Owner.OURS:
        assert Activity.objects.get().kind == "commented"
        return
    assert world.state() == before


def test_a_dialog_of_somebody_else_does_nothing(world: World, workspace: Workspace, installation: Installation) -> None:
    opened = modal(world, workspace, installation, "alice", Owner.OURS, Form.RESOLVE)
    before = world.state()
    for who in STANDINGS:
        if who != "alice":
            answer = interactive(submission(slack_id(world, who), opened.key, Form.RESOLVE))
            assert b"too old" in answer.content
    assert world.state() == before


@pytest.mark.parametrize("whose", Owner)
@pytest.mark.parametrize("who", STANDINGS)
@pytest.mark.parametrize("menu", MENUS)
def test_a_menu_lists_nothing_to_whoever_may_not(
    world: World, workspace: Workspace, installation: Installation, menu: Action, who: str, whose: Owner
) -> None:
    opened = modal(world, workspace, installation, who, whose, Form.RESOLVE)
    asked: dict[str, Any] = {"type": "block_suggestion", "action_id": menu.value, "value": ""}
    asked |= {"team": {"id": "T0TOCSIN"}, "user": {"id": slack_id(world, who), "username": who}}
    if menu is Action.ASSIGN:
        asked["block_id"] = json.dumps({"issue": world.issues[whose], "v": 1})
    else:
        asked |= {"block_id": "release", "view": {"id": "V1", "private_metadata": opened.key, "callback_id": "x"}}
    answer = json.loads(interactive(asked, "/slack/options").content)
    listed = [each for group in answer.get("option_groups", [answer]) for each in group["options"]]
    if whose is not Owner.OURS:
        assert listed == []
    elif who in NOT_LINKED:
        assert [each["value"] for each in listed] == ["link"]
    else:
        assert bool(listed) == (standing(who, whose) is Standing.MAY)


@pytest.mark.parametrize("whose", Owner)
@pytest.mark.parametrize("who", STANDINGS)
@pytest.mark.parametrize("action", sorted(CHOICES | LINKS | DISMISSALS))
def test_choices_in_dialogs_and_links_change_nothing(
    world: World, workspace: Workspace, installation: Installation, action: Action, who: str, whose: Owner
) -> None:
    opened = modal(world, workspace, installation, who, whose, Form.ARCHIVE)
    before = world.state()
    view = submission(slack_id(world, who), opened.key, Form.ARCHIVE)["view"]
    more = {"view": view, "container": {"type": "view", "view_id": "V1"}} if action in CHOICES else {}
    answer = interactive(
        block_actions(used(action, carried_plain(world, whose), world), user=slack_id(world, who), **more)
    )
    assert (answer.status_code, answer.content) == (200, b"")
    assert world.state() == before


def carried_plain(world: World, whose: Owner) -> str:
    return json.dumps({"issue": world.issues[whose], "v": 1})


def test_the_same_person_in_another_workspace_is_nobody(world: World, installation: Installation) -> None:
    """An identity is of its workspace: alice's Slack id in another one is somebody else's."""
    other = Workspace.objects.create(team_id="T0OTHER", name="Other")
    theirs = Installation(workspace=other, key="T0OTHER", installed_at=database_now())
    theirs.seal_token(BOT_TOKEN)
    theirs.save()
    theirs.connections.create(organization=world.people["alice"].organization)
    before = world.state()
    payload = block_actions(used(Action.RESOLVE, carried_plain(world, Owner.OURS), world), user="U0ALICE")
    answer = interactive({**payload, "team": {"id": "T0OTHER", "domain": "other"}})
    assert answer.status_code == 200
    assert world.state() == before
    assert "onnect" in whispers()[0]
    assert not Identity.objects.filter(workspace=other).exists()


# --- commands ---------------------------------------------------------------------------------------------------------
LINES = {
    "issue {}": Right.READ,
    "issues": Right.READ,
    "resolve {}": Right.TRIAGE,
    "assign {} to me": Right.TRIAGE,
    'mute "New issues" 2h': Right.TRIAGE,
}
OF_PEOPLE = {"help", "link", "unlink", "link team", "unlink team", "status", "settings"}


def test_every_command_about_issues_is_in_the_matrix() -> None:
    assert {line.split()[0] for line in LINES} == COMMANDS.keys() - OF_PEOPLE, (
        "Say in LINES which right the new command needs."
    )


@pytest.mark.parametrize("whose", Owner)
@pytest.mark.parametrize("who", STANDINGS)
@pytest.mark.parametrize("line", LINES)
def test_a_command_does_what_its_person_may(world: World, line: str, who: str, whose: Owner) -> None:
    issue = Issue.objects.filter(pk=world.issues[whose]).first()
    before, ours = world.state(), Issue.objects.get(pk=world.issues[Owner.OURS])
    text = line.format(
        issue.short_id if issue and issue.pk != ours.pk else "SHOP-99" if issue is None else ours.short_id
    )
    body = form(
        command="/tocsin",
        text=text,
        user_id=slack_id(world, who),
        channel_id="C0ALERTS",
        team_id="T0TOCSIN",
        trigger_id="1.a",
    )
    answer = post("/slack/commands", body)
    assert answer.status_code == 200
    sees = standing(who, Owner.OURS) in (Standing.MAY, Standing.LOOKS) and who not in NOT_LINKED
    names_ours = "{}" not in line or whose is Owner.OURS
    assert (SECRET in answer.content.decode()) is (sees and names_ours and LINES[line] is Right.READ)
    may = standing(who, Owner.OURS) is Standing.MAY and names_ours and who not in NOT_LINKED
    assert (world.state() != before) is (may and LINES[line] is Right.TRIAGE)
