"""Shortcuts: each opens a modal in front of whoever chose it. There may be no channel: a modal says what is refused, too."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tocsin.accounts.access import Right
from tocsin.accounts.models import Organization
from tocsin.clock import database_now
from tocsin.errors import DomainError
from tocsin.issues.access import access_issue
from tocsin.issues.models import Issue
from tocsin.logs import get_logger
from tocsin.outbox.failures import DeliveryError
from tocsin.projects.access import projects_of
from tocsin.slack import client, identity, linking, modals, mrkdwn, searches
from tocsin.slack.action_ids import Form, ShortcutId
from tocsin.slack.blocks import draw
from tocsin.slack.deadline import DATABASE_SECONDS, transaction_within
from tocsin.slack.delivery import permalink
from tocsin.slack.identity import Person
from tocsin.slack.models import Card, Identity
from tocsin.slack.payloads import Shortcut
from tocsin.slack.telling import Listener, tell

log = get_logger(__name__)

TOO_LATE = "Slack did not open the dialog in time. Nothing was changed. Choose the shortcut again."
ONLY_LOOKS = (
    "Your role in {} does not change issues. Ask an owner for the role of member. *Find issue* is there for everybody."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A shortcut of somebody who is linked, and a member of these organizations, which the workspace serves."""

    shortcut: Shortcut
    listener: Listener
    person: Person
    organizations: tuple[Organization, ...]
    now: datetime


def view_of(shortcut: Shortcut, listener: Listener, now: datetime) -> dict[str, Any]:
    """The view that is to be opened: the shortcut's own, or one that says why there is none. In the caller's transaction."""
    person = identity.who(listener.workspace, listener.slack_user_id)
    if person is None:
        return modals.told(None, linking.invite(listener, shortcut.sender.name, now))
    organizations = tuple(searches.served(person.user, listener.installation))
    if not organizations:
        of_workspace = Organization.objects.filter(pk__in=listener.organizations).order_by("slug")[0]
        return modals.told(None, linking.part(listener, shortcut.sender.name, person.user, of_workspace, now))
    asked = Asked(shortcut=shortcut, listener=listener, person=person, organizations=organizations, now=now)
    try:
        return OPENERS[ShortcutId(shortcut.name)](asked)
    except DomainError as error:
        return modals.told(None, mrkdwn.escape(str(error)))


def open_(listener: Listener, trigger_id: str, view: Mapping[str, Any], *, within: float) -> None:
    """Open it, outside any transaction. When it is too late the person is told."""
    token = listener.installation.token
    try:
        client.call(token, "views.open", within=max(0.1, within), trigger_id=trigger_id, view=view)
    except DeliveryError as error:
        log.info("slack: a shortcut's modal could not be opened", error_code=error.code)
        with transaction_within(DATABASE_SECONDS):
            tell(listener, TOO_LATE, database_now())


# --- each of them ----------------------------------------------------------------------------------------------------


def _find(asked: Asked) -> dict[str, Any]:
    return _search(Form.FIND, asked.organizations[0], asked)


def _triage(asked: Asked) -> dict[str, Any]:
    """In the first organization in which they may change anything."""
    user = asked.person.user
    may = [each for each in asked.organizations if projects_of(user, each.pk, Right.TRIAGE).exists()]
    if not may:
        return modals.told(None, ONLY_LOOKS.format(mrkdwn.line(asked.organizations[0].name)))
    return _search(Form.TRIAGE, may[0], asked)


def _search(form: Form, organization: Organization, asked: Asked) -> dict[str, Any]:
    opened = searches.begin(form, asked.listener, organization, asked.now)
    return searches.view_of(opened, asked.person.user, searches.FIRST_QUERY)


def _comment(asked: Asked) -> dict[str, Any]:
    """On a card: the dialog of its Comment button. Below a card, or elsewhere: the message itself is kept."""
    place = asked.shortcut.place
    card = _card_at(asked, place.ts)
    if card is not None:
        issue = _issue_of(card, asked)
        opened = modals.prepare(Form.COMMENT, asked.listener, issue, None, asked.now)
        return draw(modals.form_of(opened, issue, modals.NOTHING, asked.now))
    above = _card_at(asked, place.thread_ts) if place.thread_ts else None
    known = _issue_of(above, asked) if above else None
    opened = searches.begin(
        Form.COMMENT_MESSAGE,
        asked.listener,
        known.organization if known else asked.organizations[0],
        asked.now,
        author=_author(asked),
        said=html.unescape(asked.shortcut.said.text),
        permalink=permalink(asked.listener.workspace.url, place.channel, place.ts),
    )
    if known is not None:
        opened.issue_id = known.pk
        opened.save(update_fields=["issue_id"])
    return searches.message_view(opened, known.short_id if known else "")


def _card_at(asked: Asked, ts: str) -> Card | None:
    return Card.objects.filter(
        workspace=asked.listener.workspace,
        channel=asked.shortcut.place.channel,
        ts=ts,
        subject_kind="issue",
        organization__in=asked.listener.organizations,
    ).first()


def _issue_of(card: Card, asked: Asked) -> Issue:
    """Raises a DomainError for who may not comment on it."""
    return access_issue(card.subject_id, asked.person.user, Right.TRIAGE, within=asked.listener.organizations)


def _author(asked: Asked) -> str:
    """Who wrote the message: by the name of their account, if they are linked; else as Slack calls them."""
    said = asked.shortcut.said
    linked = Identity.objects.select_related("user").filter(
        workspace=asked.listener.workspace, slack_user_id=said.user_id
    )
    known = linked.first() if said.user_id else None
    return known.user.display_name if known else said.name or said.user_id or "An app"


OPENERS: dict[ShortcutId, Callable[[Asked], dict[str, Any]]] = {
    ShortcutId.FIND: _find,
    ShortcutId.TRIAGE: _triage,
    ShortcutId.COMMENT: _comment,
}
