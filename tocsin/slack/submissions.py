"""What a submitted modal does. What cannot be done is said in the modal: at the field, or instead of the form."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime

from django.db import transaction

from tocsin import bus
from tocsin.accounts.access import is_member
from tocsin.accounts.actor import Actor
from tocsin.errors import DomainError, Invalid, Stale
from tocsin.issues.models import Issue
from tocsin.slack import answers, identity, in_place, linking, modals, mrkdwn, searches
from tocsin.slack.action_ids import Form
from tocsin.slack.actions import SUBMISSIONS
from tocsin.slack.actions.forms import About, shown_at
from tocsin.slack.answers import EMPTY, Answer
from tocsin.slack.cards import Style
from tocsin.slack.clicks import DATABASE_IS_DOWN, GONE
from tocsin.slack.installations import Found
from tocsin.slack.models import OpenedView
from tocsin.slack.payloads import Submission, ViewSeen
from tocsin.slack.refresh import refresh_issue
from tocsin.slack.unforeseen import unforeseen

TOO_OLD = "This dialog is too old, and nothing was changed. Close it and press the button on the message again."


def handle(submission: Submission, found: Found, now: datetime) -> Answer:
    """Do what the modal asks, in the caller's transaction. An answer without a body says that it was done."""
    opened = modals.find(submission.view, found.installation.pk, submission.sender.id)
    if opened is not None and opened.form in searches.FORMS:
        return searches.submit(submission, opened, found, now)
    if opened is None or submission.view.form not in set(SUBMISSIONS):
        return answers.instead(modals.told(None, TOO_OLD))
    issue = linking.shared_issue(found.installation, opened.issue_id)
    if issue is None:
        return _says(opened, GONE)
    person = identity.who(opened.workspace, opened.slack_user_id)
    listener = modals.listener_of(opened)
    if person is None:
        return _says(opened, linking.invite(listener, submission.sender.name, now))
    if not is_member(person.user, issue.organization_id):
        return _says(opened, linking.part(listener, submission.sender.name, person.user, issue.organization, now))
    return _ask(
        Form(submission.view.form),
        _as_held(submission.view, opened),
        opened,
        issue,
        person.actor(now, found.organizations),
    )


def _as_held(view: ViewSeen, opened: OpenedView) -> ViewSeen:
    """A view that asks "Do it anyway" has no fields: what the form held is kept with it."""
    return replace(view, values=opened.values, fields=frozenset()) if opened.values else view


def _about(opened: OpenedView) -> About:
    return About(
        issue_id=opened.issue_id,
        seen_version=opened.version,
        workspace_id=opened.workspace_id,
        place=modals.place_of(opened),
    )


def _ask(form: Form, view: ViewSeen, opened: OpenedView, issue: Issue, by: Actor) -> Answer:
    try:
        with transaction.atomic():
            command = SUBMISSIONS[form](view, _about(opened))
            performed = bus.perform(command, by=by)
    except DATABASE_IS_DOWN:
        raise
    except Invalid as error:
        field = shown_at(error.field, view)
        return answers.form_errors({field.value: str(error)}) if field else _says(opened, mrkdwn.escape(str(error)))
    except Stale as error:
        refresh_issue(issue.organization_id, issue.pk, by.now)
        return _anyway(form, view, opened, str(error))
    except DomainError as error:
        return _says(opened, mrkdwn.escape(str(error)))
    except Exception:  # noqa: BLE001 - logged with a reference that the person is told
        return _says(opened, unforeseen(form=form, issue=issue.pk, identity=by.identity))
    if performed.sentence:
        refresh_issue(issue.organization_id, issue.pk, by.now)
        return _says(opened, mrkdwn.escape(performed.sentence))
    if opened.is_ephemeral or opened.is_unfurl:
        _rewrite(opened, issue, by.now)
    opened.delete()
    return EMPTY


def _rewrite(opened: OpenedView, issue: Issue, now: datetime) -> None:
    """What no chat.update reaches is rewritten through the address of the click that has opened the modal."""
    spot = in_place.spot_of(
        modals.place_of(opened),
        workspace=opened.workspace,
        issue=issue,
        style=Style.BLOCKS,
        is_message=False,
        now=now,
    )
    in_place.answer_later(spot, opened.response_url, opened.slack_user_id, now)


def _says(opened: OpenedView, text: str) -> Answer:
    return answers.instead(modals.told(opened, text))


def _anyway(form: Form, view: ViewSeen, opened: OpenedView, sentence: str) -> Answer:
    """Somebody was faster. The form is kept, for the person to decide."""
    opened.pk, opened.key = None, secrets.token_hex(16)
    opened.version, opened.values = None, dict(view.values)
    opened.save(force_insert=True)
    text = f"{mrkdwn.escape(sentence)}\nDo you want it all the same?"
    return answers.instead(modals.told(opened, text, anyway=form.value))
