"""What a person's clicks on a message do: in order, each in its own savepoint."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import InterfaceError, OperationalError, transaction

from tocsin import bus
from tocsin.accounts.access import Right, is_member
from tocsin.errors import DomainError, NotFound, Stale
from tocsin.issues.access import access_issue
from tocsin.issues.models import Issue
from tocsin.logs import get_logger
from tocsin.slack import identity, linking, modals, mrkdwn
from tocsin.slack.action_ids import Action
from tocsin.slack.actions import HANDLERS
from tocsin.slack.answers import Outcome
from tocsin.slack.identity import Person
from tocsin.slack.models import OpenedView
from tocsin.slack.payloads import Click, Clicks
from tocsin.slack.refresh import refresh_issue
from tocsin.slack.replies import Dialog, Modal, Nothing, Whisper
from tocsin.slack.telling import Listener
from tocsin.slack.unforeseen import unforeseen

log = get_logger(__name__)

UNREADABLE = "Tocsin cannot read this button any more. Nothing was changed. Open the issue in Tocsin instead."
GONE = "That issue is gone, or it is not shared with this workspace. Nothing was changed."

# The database itself failed: then nothing of the request may stay, and the answer says so.
DATABASE_IS_DOWN = (OperationalError, InterfaceError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of one click: what the person is told (finished mrkdwn; empty: nothing), and whether the list goes on."""

    text: str = ""
    outcome: Outcome = Outcome.DONE
    ends: bool = False
    opened: OpenedView | None = None  # a modal, to be opened after the commit
    asked_in_dialog: Issue | None = None  # as a modal, in a dialog of old
    redraw: bool = False  # something was done, or the message is not true: never for who may not look


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled:
    """What came of a list of clicks. `texts` is what the person is to be told; `opened` a modal, `asked_in_dialog` the issue of
    a dialog, that is to be opened after the commit; `redraw`, whether the message is to be shown as things are now.
    """

    outcome: Outcome = Outcome.DONE
    texts: tuple[str, ...] = ()
    opened: OpenedView | None = None
    asked_in_dialog: Issue | None = None
    redraw: bool = False


def is_effectful(clicks: Clicks) -> bool:
    """Whether anything in it asks for more than to be heard."""
    return any(known_action(click) in HANDLERS for click in clicks.clicks)


def known_action(click: Click) -> Action | None:
    """The button; of an overflow menu, the entry that was chosen."""
    name = click.chosen if click.action_id == Action.MORE else click.action_id
    try:
        return Action(name)
    except ValueError:
        return None


def handle(clicks: Clicks, listener: Listener, now: datetime) -> Handled:
    """Do what was clicked, in the caller's transaction. A refusal or a fault undoes that click only, and ends the list. Raises
    what the database raises when it fails.
    """
    handled = Handled()
    for click in clicks.clicks:
        action = known_action(click)
        if action not in HANDLERS:
            continue
        verdict = _one(action, click, clicks, listener, now)
        handled = Handled(
            outcome=verdict.outcome,
            texts=(*handled.texts, *([verdict.text] if verdict.text else [])),
            opened=verdict.opened or handled.opened,
            asked_in_dialog=verdict.asked_in_dialog or handled.asked_in_dialog,
            redraw=verdict.redraw or handled.redraw,
        )
        if verdict.ends:
            break
    return handled


def _one(action: Action, click: Click, clicks: Clicks, listener: Listener, now: datetime) -> Verdict:
    if not click.issue.id:
        return Verdict(text=UNREADABLE, ends=True)
    person = identity.who(listener.workspace, listener.slack_user_id)
    try:
        if person is None:
            issue = _shared(click, listener)
            text = linking.invite_keeping(listener, clicks.sender.name, action, click, issue, now)
            return Verdict(text=text, outcome=Outcome.INVITED, ends=True)
        return _answer(action, click, person, listener, now)
    except DATABASE_IS_DOWN:
        raise
    except Gone:
        return Verdict(text=GONE, outcome=Outcome.GONE, ends=True)
    except NotFound as error:
        return _not_found(error, click, clicks, listener, person, now)
    except DomainError as error:
        return _refused(error, click, listener, now)
    except Exception:  # noqa: BLE001 - logged with a reference that the person is told
        text = unforeseen(action=action, issue=click.issue.id, slack_user=listener.slack_user_id)
        return Verdict(text=text, ends=True)


class Gone(NotFound):
    """There is no such issue in an organization that is connected to the installation."""

    def __init__(self) -> None:
        super().__init__(GONE)


def _shared(click: Click, listener: Listener) -> Issue:
    issue = linking.shared_issue(listener.installation, click.issue.id)
    if issue is None:
        raise Gone
    return issue


def _answer(action: Action, click: Click, person: Person, listener: Listener, now: datetime) -> Verdict:
    match HANDLERS[action](click, person):
        case Nothing():
            return Verdict()
        case Whisper(text=text):
            _shared(click, listener)
            return Verdict(text=text)
        case Modal(form=form):
            issue = access_issue(click.issue.id, person.user, Right.TRIAGE, within=listener.organizations)
            with transaction.atomic():
                return Verdict(opened=modals.prepare(form, listener, issue, click.issue.version, now))
        case Dialog():
            issue = access_issue(click.issue.id, person.user, Right.TRIAGE, within=listener.organizations)
            return Verdict(asked_in_dialog=issue)
        case command:
            performed = bus.perform(command, by=person.actor(now, listener.organizations))
    if performed.sentence:
        refresh_issue(performed.issue.organization_id, performed.issue.pk, now)
        return Verdict(text=mrkdwn.escape(performed.sentence), redraw=True)
    return Verdict(redraw=True)


# --- refusals --------------------------------------------------------------------------------------------------------


def _not_found(
    error: NotFound, click: Click, clicks: Clicks, listener: Listener, person: Person | None, now: datetime
) -> Verdict:
    """Which it is: no such issue here, an account that is no member, or something else that the command asked for."""
    try:
        issue = _shared(click, listener)
    except Gone:
        return Verdict(text=GONE, outcome=Outcome.GONE, ends=True)
    if person is not None and not is_member(person.user, issue.organization_id):
        text = linking.part(listener, clicks.sender.name, person.user, issue.organization, now)
        return Verdict(text=text, outcome=Outcome.INVITED, ends=True)
    return Verdict(text=mrkdwn.escape(str(error)), ends=True)


def _refused(error: DomainError, click: Click, listener: Listener, now: datetime) -> Verdict:
    """When somebody was faster, the person has seen a card that was not true: it is sent again."""
    if isinstance(error, Stale):
        issue = _shared(click, listener)
        refresh_issue(issue.organization_id, issue.pk, now)
    return Verdict(text=mrkdwn.escape(str(error)), ends=True, redraw=isinstance(error, Stale))
