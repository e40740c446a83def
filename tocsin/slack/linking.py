"""One-time pages that connect a Slack user with an account, or part them. The pages themselves are `web`'s."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from tocsin import bus
from tocsin.accounts.access import organizations_of
from tocsin.accounts.models import Organization, User
from tocsin.errors import DomainError, NotFound
from tocsin.issues.models import Issue
from tocsin.slack import link_tokens, mrkdwn, outsiders, parting
from tocsin.slack.action_ids import Action
from tocsin.slack.actions import HANDLERS
from tocsin.slack.actions.assign import LINK
from tocsin.slack.identity import Person
from tocsin.slack.link_tokens import OF_PEOPLE, ONCE, Purpose, Spent
from tocsin.slack.models import Identity, Installation, KeptClick, LinkToken, Workspace
from tocsin.slack.payloads import Click, IssueSeen, Place, issue_seen
from tocsin.slack.replies import Reply
from tocsin.slack.telling import Listener, tell

# Clicks that are kept for an unlinked person, as the page names them. None opens a modal.
KEPT: dict[Action, str] = {
    Action.RESOLVE: "resolve",
    Action.REOPEN: "reopen",
    Action.ARCHIVE: "archive",
    Action.ASSIGN: "change the assignee of",
    Action.ACKNOWLEDGE: "acknowledge",
    Action.UNDO: "undo the last action on",
    Action.ASSIGN_OLD: "change the assignee of",
}
# In attachments of old the value says what the button does.
KEPT_VALUES = {"resolved": "resolve", "ignored": "archive", "unresolved": "reopen"}

NOT_YOURS = "This link is for another organization's Slack workspace, or for another account than yours."


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What the page asks the visitor to confirm. All texts are as they came from outside."""

    purpose: str  # "link" or "unlink"
    slack_user_id: str
    slack_user_name: str
    workspace: str
    email: str  # of the account that is linked, or is to be parted
    organizations: tuple[str, ...]  # which this workspace serves and the account belongs to
    replaces: tuple[str, ...] = ()  # links that end by this one, each as a sentence
    then: str = ""  # the kept click: "resolve SHOP-12"; empty when there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """On the bus: a Slack user was linked, in this transaction."""

    installation: Installation
    workspace: Workspace
    slack_user_id: str
    user: User
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """What was done, as sentences in plain text for the page. `then` is what came of the kept click."""

    sentence: str
    then: str = ""


def shared_issue(installation: Installation, issue_id: int) -> Issue | None:
    """The issue, if it belongs to an organization that is connected to this installation."""
    found = Issue.objects.select_related("project", "organization")
    return found.filter(pk=issue_id, organization__slack_connections__installation=installation).first()


# --- whispers that carry a link --------------------------------------------------------------------------------------


def invite(listener: Listener, name: str, now: datetime, *, then: str = "then press again") -> str:
    """What an unlinked person is told: a link to connect, and what to do then."""
    token, _ = link_tokens.make(Purpose.LINK, listener, now, name=name)
    return f"Tocsin does not know yet who you are. {_connect(token)}, {then}. {ONCE[Purpose.LINK]}"


def invite_keeping(listener: Listener, name: str, action: Action, click: Click, issue: Issue, now: datetime) -> str:
    """The same; a direct action is kept with the link, the newest per issue."""
    if not _kept_as(action, click.value) or click.chosen == LINK:
        return invite(listener, name, now)
    token, row = link_tokens.make(Purpose.LINK, listener, now, name=name)
    KeptClick.objects.filter(
        token__workspace=listener.workspace, token__slack_user_id=listener.slack_user_id, issue_id=issue.pk
    ).delete()
    KeptClick.objects.create(
        token=row,
        organization=issue.organization,
        issue_id=issue.pk,
        action=action,
        value=click.value or click.block_id,
        chosen=click.chosen,
        version=click.issue.version or issue.version,
        created_at=now,
    )
    then = _named(action, click.value, issue)
    return f"Tocsin does not know yet who you are. {_connect(token)}, and say there whether to {then}. {ONCE[Purpose.LINK]}"


def _kept_as(action: Action, value: str) -> str:
    """What the page calls it; empty for what is not kept."""
    return KEPT_VALUES.get(value.partition(":")[0], "") if action is Action.STATUS else KEPT.get(action, "")


def _connect(token: str) -> str:
    return mrkdwn.link(page_url(token), "Connect your account")


def unlink(listener: Listener, name: str, user: User, now: datetime) -> str:
    """What somebody is told who wants to end their own link: a page that does it."""
    token, _ = link_tokens.make(Purpose.UNLINK, listener, now, name=name)
    link = mrkdwn.link(page_url(token), "Disconnect your account")
    return f"You are connected as {mrkdwn.line(user.email)}. {link}. {ONCE[Purpose.UNLINK]}"


def part(listener: Listener, name: str, user: User, organization: Organization, now: datetime) -> str:
    """What is told to somebody whose account is no member: which account that is, and a link to disconnect it."""
    token, _ = link_tokens.make(Purpose.UNLINK, listener, now, name=name)
    link = mrkdwn.link(page_url(token), "Disconnect it")
    return (
        f"You are connected as {mrkdwn.line(user.email)}, and that account is not an active member of "
        f"{mrkdwn.line(organization.name)}. Nothing was changed. {link} if it is the wrong account."
    )


def page_token(listener: Listener, purpose: Purpose, now: datetime) -> str:
    """Of a page for somebody whose name is not told."""
    token, _ = link_tokens.make(purpose, listener, now)
    return token


def page_url(token: str) -> str:
    return link_tokens.page_of(token, Purpose.LINK)


def _named(action: Action, value: str, issue: Issue) -> str:
    return f"{_kept_as(action, value)} {mrkdwn.line(issue.short_id)}"


# --- the page --------------------------------------------------------------------------------------------------------


def open_token(token: str, user: User, now: datetime) -> Opened:
    """What the visitor is asked. Changes nothing. Raises Spent (410), NotFound (404), and what
    outsiders.refuse() raises.
    """
    row = link_tokens.find(token, now, OF_PEOPLE)
    if row.purpose == Purpose.UNLINK:
        return _opened(row, _parting(row, user).user)
    _require_connected(row, user)
    outsiders.refuse(row, user)
    replaced = [_said_of(identity, user) for identity in _replaced(row, user)]
    return _opened(row, user, replaces=tuple(replaced), then=_then(row))


def confirm(token: str, user: User, now: datetime, *, then: bool) -> Confirmed:
    """Do what the page asked, once. `then`: also what was clicked. Raises Spent (410), NotFound (404), and what
    outsiders.refuse() raises.
    """
    asked = link_tokens.find(token, now, OF_PEOPLE)
    if asked.purpose == Purpose.LINK:
        _require_connected(asked, user)
        outsiders.refuse(asked, user)
    with transaction.atomic():
        row = link_tokens.find(token, now, OF_PEOPLE)
        if row.purpose == Purpose.UNLINK:
            return _part(row, _parting(row, user), user, now)
        _require_connected(row, user)
        link_tokens.use(row, now)
        return _link(row, user, now, then=then)


def _served(row: LinkToken, user: User) -> QuerySet[Organization]:
    return organizations_of(user).filter(slack_connections__installation=row.installation)


def _require_connected(row: LinkToken, user: User) -> None:
    is_connected = row.installation.state == Installation.State.CONNECTED
    if not is_connected or not _served(row, user).exists():
        raise NotFound(NOT_YOURS)


def _opened(row: LinkToken, account: User, *, replaces: tuple[str, ...] = (), then: str = "") -> Opened:
    return Opened(
        purpose=row.purpose,
        slack_user_id=row.slack_user_id,
        slack_user_name=row.slack_user_name,
        workspace=str(row.workspace),
        email=account.email,
        organizations=tuple(organization.name for organization in _served(row, account)),
        replaces=replaces,
        then=then,
    )


def _then(row: LinkToken) -> str:
    kept = KeptClick.objects.filter(token=row).first()
    issue = shared_issue(row.installation, kept.issue_id) if kept else None
    return f"{_kept_as(Action(kept.action), kept.value)} {issue.short_id}" if kept and issue else ""


def _said_of(identity: Identity, user: User) -> str:
    if identity.user_id == user.pk:
        return f"{user.email} is no longer connected to the Slack user {identity.slack_user_id}."
    return f"The Slack user {identity.slack_user_id} is no longer connected to another account."


# --- link ------------------------------------------------------------------------------------------------------------


def _replaced(row: LinkToken, user: User) -> list[Identity]:
    """Links that stand in the way: this Slack user's to another account, this account's to another Slack user."""
    of_workspace = Identity.objects.select_related("user", "workspace").filter(workspace=row.workspace)
    both = of_workspace.filter(slack_user_id=row.slack_user_id) | of_workspace.filter(user=user)
    return [each for each in both if (each.slack_user_id, each.user_id) != (row.slack_user_id, user.pk)]


def _link(row: LinkToken, user: User, now: datetime, *, then: bool) -> Confirmed:
    for lost in _replaced(row, user):
        parting.replace(lost, row.slack_user_id, user, now)
    identity, is_new = Identity.objects.get_or_create(
        workspace=row.workspace, slack_user_id=row.slack_user_id, user=user, defaults={"linked_at": now}
    )
    done = _run_kept(row, user, now) if then else ""
    bus.publish(
        Linked(
            installation=row.installation,
            workspace=row.workspace,
            slack_user_id=row.slack_user_id,
            user=user,
            now=now,
        )
    )
    sentence = f"You are connected as {user.email}."
    tell(_listener(row), mrkdwn.escape(f"{sentence} {done}".strip()), now, kept_url=row.response_url)
    if is_new:
        parting.linked(identity, row.slack_user_name, now)
    return Confirmed(sentence=sentence, then=done)


def _run_kept(row: LinkToken, user: User, now: datetime) -> str:
    """Do what was clicked, with the rights of now, unless the issue has changed since. Returns what came of it."""
    kept = KeptClick.objects.filter(token=row).first()
    if kept is None:
        return ""
    issue = shared_issue(row.installation, kept.issue_id)
    if issue is None:
        return "The issue is gone, or it is not shared with this workspace any more: your click was not applied."
    version = Issue.objects.select_for_update().values_list("version", flat=True).get(pk=issue.pk)
    if version > kept.version:
        return f"{issue.short_id} has changed since you clicked: your click was not applied."
    click = Click(
        action_id=kept.action,
        value=kept.value,
        chosen=kept.chosen,
        issue=IssueSeen(id=issue.pk, version=kept.version, undo=issue_seen(kept.value).undo),
        place=Place(channel=row.channel),
    )
    person = Person(user=user, workspace=row.workspace, slack_user_id=row.slack_user_id)
    try:
        with transaction.atomic():
            asked = HANDLERS[Action(kept.action)](click, person)
            if isinstance(asked, Reply):
                return "Your click cannot be applied any more: press again."
            performed = bus.perform(asked, by=person.actor(now))
    except DomainError as error:
        return str(error)
    return performed.sentence or f"Done: {_kept_as(Action(kept.action), kept.value)} {issue.short_id}."


# --- unlink ----------------------------------------------------------------------------------------------------------


def _parting(row: LinkToken, visitor: User) -> Identity:
    """The link that is to end: the visitor's own, or that of a person of an organization which the visitor manages and
    this workspace serves.
    """
    identity = (
        Identity.objects.select_related("user", "workspace")
        .filter(workspace=row.workspace, slack_user_id=row.slack_user_id)
        .first()
    )
    if identity is None:
        raise Spent
    if not parting.may_part(identity, visitor):
        raise NotFound(NOT_YOURS)
    return identity


def _part(row: LinkToken, identity: Identity, visitor: User, now: datetime) -> Confirmed:
    link_tokens.use(row, now)
    sentence = parting.part(identity, visitor, now, listener=_listener(row), kept_url=row.response_url)
    return Confirmed(sentence=sentence)


# --- telling ---------------------------------------------------------------------------------------------------------


def _listener(row: LinkToken) -> Listener:
    return Listener(
        installation=row.installation,
        workspace=row.workspace,
        slack_user_id=row.slack_user_id,
        place=Place(channel=row.channel),
    )
