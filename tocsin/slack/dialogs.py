"""The dialog of old that asks when an issue is resolved: opened from attachments, answered by `dialog_submission`.

Shape: https://docs.slack.dev/legacy/legacy-dialogs
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction

from tocsin import bus
from tocsin.accounts.access import is_member
from tocsin.errors import DomainError, Invalid, Stale
from tocsin.issues.commands import Command
from tocsin.issues.models import Issue
from tocsin.logs import get_logger
from tocsin.outbox.failures import DeliveryError
from tocsin.projects.releases import newest
from tocsin.slack import answers, client, identity, in_place, linking, mrkdwn
from tocsin.slack.actions import status
from tocsin.slack.addresses import may_respond_to
from tocsin.slack.answers import EMPTY, Answer
from tocsin.slack.cards import Style
from tocsin.slack.clicks import DATABASE_IS_DOWN, GONE
from tocsin.slack.identity import Person
from tocsin.slack.in_place import Spot
from tocsin.slack.models import ResponseUrl
from tocsin.slack.payloads import Click, Clicks, DialogSubmission, IssueSeen, Place
from tocsin.slack.reading import issue_url
from tocsin.slack.refresh import refresh_issue
from tocsin.slack.telling import Listener, keep_response_url, tell
from tocsin.slack.unforeseen import unforeseen

log = get_logger(__name__)

CALLBACK_MAX = 255  # characters
LABEL_MAX = 75
FIELD = "resolve_type"
CHOOSE = "Choose when the issue is resolved."


# --- opening ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What Slack is asked for after the commit, and what the person is told when that comes to nothing."""

    token: str
    dialog: Mapping[str, Any]
    too_late: str  # finished mrkdwn


def prepare(payload: Clicks, listener: Listener, issue: Issue, now: datetime) -> Prepared:
    """In the click's transaction."""
    release = newest(issue.project)
    link = mrkdwn.link(issue_url(issue), issue.short_id)
    return Prepared(
        token=listener.installation.token,
        dialog={
            "title": "Resolve issue",
            "callback_id": _callback_id(payload, listener, issue, now),
            "state": _state(payload, issue),
            "submit_label": "Resolve",
            "elements": [
                {
                    "type": "select",
                    "name": FIELD,
                    "label": mrkdwn.plain(f"{issue.short_id} is resolved", 48),
                    "value": "resolved",
                    "options": _choices(release.version if release else ""),
                }
            ],
        },
        too_late=f"Slack did not open the dialog. The issue was not resolved. Press again, or open {link} in Tocsin.",
    )


def _choices(release: str) -> list[dict[str, str]]:
    current = f"In the current release ({release})" if release else "In the current release"
    entries = {
        "resolved": "Now",
        "resolved:inNextRelease": "In the next release",
        "resolved:inCurrentRelease": mrkdwn.plain(current, LABEL_MAX),
    }
    return [{"label": label, "value": value} for value, label in entries.items()]


def _callback_id(payload: Clicks, listener: Listener, issue: Issue, now: datetime) -> str:
    """What the submission is about, and where its answer goes. An address that is too long is kept under its id."""
    about = {"issue": issue.pk, "orig_response_url": payload.response_url, "is_message": payload.is_message}
    text = json.dumps(about)
    if len(text) <= CALLBACK_MAX:
        return text
    kept = keep_response_url(listener, now)
    return json.dumps(about | {"orig_response_url": "", "kept": kept.key if kept else ""})


def _state(payload: Clicks, issue: Issue) -> str:
    """What the submission does not say again: which message it was, and the version that was seen. It carries no authority."""
    place = payload.place
    seen = next((click.issue.version for click in payload.clicks if click.issue.version), None)
    return json.dumps(
        {
            "ts": place.ts,
            "thread_ts": place.thread_ts,
            "v": seen,
            "is_ephemeral": place.is_ephemeral,
            "is_unfurl": place.is_unfurl,
        }
    )


def open_(prepared: Prepared, trigger_id: str, seconds: float) -> Answer | None:
    """Open it, outside any transaction. When that fails the answer to the click says so."""
    try:
        client.call(
            prepared.token,
            "dialog.open",
            within=max(0.1, seconds),
            trigger_id=trigger_id,
            dialog=json.dumps(prepared.dialog),
        )
    except DeliveryError as error:
        log.info("slack: a dialog could not be opened", error_code=error.code)
        return answers.spoken(prepared.too_late)
    return None


# --- submitting ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a submitted dialog is about, as it was put into it."""

    issue: IssueSeen
    response_url: str
    kept: str  # the key of a response_url that is kept
    is_message: bool
    place: Place


def read(submission: DialogSubmission) -> About:
    """Whatever stands there; what is strange there is as if it were not."""
    callback, state = _object(submission.callback_id), _object(submission.state)
    issue_id, seen = callback.get("issue"), state.get("v")
    return About(
        issue=IssueSeen(id=_whole(issue_id) or 0, version=_whole(seen)),
        response_url=_text(callback.get("orig_response_url")),
        kept=_text(callback.get("kept")),
        is_message=callback.get("is_message") is True,
        place=replace(
            submission.place,
            ts=_text(state.get("ts")),
            thread_ts=_text(state.get("thread_ts")),
            is_ephemeral=state.get("is_ephemeral") is True,
            is_unfurl=state.get("is_unfurl") is True,
        ),
    )


def _object(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63 else None


def _text(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= 1000 and "\x00" not in value else ""


def handle(submission: DialogSubmission, listener: Listener, now: datetime) -> Answer:
    """Do what the dialog asks, in the caller's transaction. What is wrong with the choice is said in it; what cannot be done at
    all is whispered, and the dialog closes.
    """
    about = read(submission)
    whisper = partial(_whispered, replace(listener, place=about.place), now)
    issue = linking.shared_issue(listener.installation, about.issue.id)
    if issue is None:
        return whisper(GONE)
    person = identity.who(listener.workspace, listener.slack_user_id)
    if person is None:
        return whisper(linking.invite(listener, submission.sender.name, now))
    if not is_member(person.user, issue.organization_id):
        return whisper(linking.part(listener, submission.sender.name, person.user, issue.organization, now))
    command = _command(submission, about)
    if command is None:
        return answers.dialog_errors({FIELD: CHOOSE})
    return _ask(command, about, issue, person, listener, now)


def _whispered(listener: Listener, now: datetime, text: str) -> Answer:
    tell(listener, text, now)
    return EMPTY


def _command(submission: DialogSubmission, about: About) -> Command | None:
    chosen = submission.values.get(FIELD, "")
    if not chosen.startswith("resolved"):
        return None
    return status.asked(Click(action_id=FIELD, value=chosen, issue=about.issue, place=about.place))


def _ask(command: Command, about: About, issue: Issue, person: Person, listener: Listener, now: datetime) -> Answer:
    whisper = partial(_whispered, replace(listener, place=about.place), now)
    try:
        with transaction.atomic():
            performed = bus.perform(command, by=person.actor(now, listener.organizations))
    except DATABASE_IS_DOWN:
        raise
    except Invalid as error:
        return answers.dialog_errors({FIELD: str(error)[:500]})
    except DomainError as error:
        if isinstance(error, Stale):
            refresh_issue(issue.organization_id, issue.pk, now)
        return whisper(mrkdwn.escape(str(error)))
    except Exception:  # noqa: BLE001 - logged with a reference that the person is told
        return whisper(unforeseen(dialog=FIELD, issue=issue.pk, slack_user=listener.slack_user_id))
    if performed.activity is None:
        refresh_issue(issue.organization_id, issue.pk, now)
        return whisper(mrkdwn.escape(performed.sentence))
    in_place.answer_later(_spot(about, issue, listener, now), _kept(about, listener, now), listener.slack_user_id, now)
    return EMPTY


def _spot(about: About, issue: Issue, listener: Listener, now: datetime) -> Spot:
    return in_place.spot_of(
        about.place,
        workspace=listener.workspace,
        issue=issue,
        style=Style.ATTACHMENTS,
        is_message=about.is_message,
        now=now,
    )


def _kept(about: About, listener: Listener, now: datetime) -> ResponseUrl | None:
    """The address of the message that was clicked, as a row. It came back from outside, so it is looked at again."""
    if about.kept:
        return ResponseUrl.objects.filter(installation=listener.installation, key=about.kept).first()
    if not may_respond_to(about.response_url, settings.TOCSIN_SLACK_API_URL):
        return None
    return keep_response_url(replace(listener, response_url=about.response_url), now)
