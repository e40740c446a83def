"""Modals: opened in front of a person, drawn anew as they choose. What is submitted is `submissions`."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from tocsin.alerts import mutes
from tocsin.alerts.models import Destination, RuleMute
from tocsin.clock import database_now
from tocsin.issues.commands import COMMENT_MAX, ResolveIn
from tocsin.issues.models import Issue, Priority
from tocsin.logs import get_logger
from tocsin.outbox.failures import DeliveryError
from tocsin.projects.releases import newest
from tocsin.slack import client, mrkdwn, reading
from tocsin.slack.action_ids import Field, Form, Until
from tocsin.slack.blocks import draw
from tocsin.slack.cards import (
    ArchiveForm,
    CommentForm,
    MuteForm,
    PriorityForm,
    ResolveForm,
    Told,
    UnmuteForm,
    View,
)
from tocsin.slack.deadline import DATABASE_SECONDS, transaction_within
from tocsin.slack.hanging import hanging_at
from tocsin.slack.models import OpenedView
from tocsin.slack.payloads import Place, ViewSeen
from tocsin.slack.reading import issue_url
from tocsin.slack.telling import Listener, keep_response_url, tell

log = get_logger(__name__)

NOTHING: Mapping[str, str] = {}


# --- opening ---------------------------------------------------------------------------------------------------------


def prepare(form: Form, listener: Listener, issue: Issue, version: int | None, now: datetime) -> OpenedView:
    """Remember what the modal will be about, in the click's transaction."""
    place = listener.place
    return OpenedView.objects.create(
        key=secrets.token_hex(16),
        installation=listener.installation,
        workspace=listener.workspace,
        organization=issue.organization,
        slack_user_id=listener.slack_user_id,
        form=form,
        issue_id=issue.pk,
        version=version if version is not None else issue.version,
        channel=place.channel,
        ts=place.ts,
        thread_ts=place.thread_ts,
        is_ephemeral=place.is_ephemeral,
        is_unfurl=place.is_unfurl,
        response_url=keep_response_url(listener, now),
        created_at=now,
    )


def open_(opened: OpenedView, trigger_id: str, *, within: float) -> None:
    """Open it, outside any transaction. A trigger lives three seconds; when it is too late the person is told."""
    issue = _issue(opened)
    view = draw(form_of(opened, issue, NOTHING, database_now()))
    try:
        client.call(opened.installation.token, "views.open", within=max(0.1, within), trigger_id=trigger_id, view=view)
    except DeliveryError as error:
        log.info("slack: a modal could not be opened", form=opened.form, error_code=error.code)
        with transaction_within(DATABASE_SECONDS):
            tell(listener_of(opened), _too_late(issue), database_now(), kept_url=opened.response_url)


def _too_late(issue: Issue) -> str:
    link = mrkdwn.link(issue_url(issue), issue.short_id)
    return f"Slack did not open the dialog in time. Nothing was changed. Press again, or open {link} in Tocsin."


# --- drawing anew ----------------------------------------------------------------------------------------------------


def find(view: ViewSeen, installation_id: int, slack_user_id: str) -> OpenedView | None:
    """What we know of a modal that this person has open; None when it is not theirs, or too old."""
    rows = OpenedView.objects.select_related("installation", "workspace", "organization", "response_url")
    return rows.filter(key=view.key, installation_id=installation_id, slack_user_id=slack_user_id).first()


def redrawn(opened: OpenedView, view: ViewSeen, now: datetime) -> dict[str, Any]:
    """The view for what is chosen now."""
    return draw(form_of(opened, _issue(opened), view.values, now, view=view))


def update(opened: OpenedView, view: ViewSeen, drawn: Mapping[str, Any], *, within: float) -> None:
    """Send it. When the person has chosen something else meanwhile, that click draws it; a modal that is closed needs nothing."""
    try:
        client.call(
            opened.installation.token,
            "views.update",
            within=max(0.1, within),
            view_id=view.id,
            hash=view.hash,
            view=drawn,
        )
    except DeliveryError as error:
        log.info("slack: a modal was not drawn anew", form=opened.form, error_code=error.code)


# --- reading ---------------------------------------------------------------------------------------------------------


def form_of(
    opened: OpenedView, issue: Issue, values: Mapping[str, str], now: datetime, *, view: ViewSeen | None = None
) -> View:
    """What the modal shows, with what is chosen and typed in it so far."""
    return FORMS[Form(opened.form)](opened, issue, values, now)


def _resolve(opened: OpenedView, issue: Issue, values: Mapping[str, str], now: datetime) -> ResolveForm:
    release = newest(issue.project)
    return ResolveForm(
        key=opened.key,
        short_id=issue.short_id,
        newest=release.version if release else "",
        asks_release=values.get(Field.WHEN) == ResolveIn.RELEASE,
    )


def _archive(opened: OpenedView, issue: Issue, values: Mapping[str, str], now: datetime) -> ArchiveForm:
    in_a_day = (now + timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
    chosen = values.get(Field.UNTIL, Until.ESCALATING)
    return ArchiveForm(
        key=opened.key,
        short_id=issue.short_id,
        until=chosen if chosen in set(Until) else Until.ESCALATING,
        values=tuple(sorted(values.items())),
        tomorrow=in_a_day,
    )


def _comment(opened: OpenedView, issue: Issue, values: Mapping[str, str], now: datetime) -> CommentForm:
    return CommentForm(key=opened.key, short_id=issue.short_id, limit=COMMENT_MAX)


def _priority(opened: OpenedView, issue: Issue, values: Mapping[str, str], now: datetime) -> PriorityForm:
    choices = tuple((value, str(label)) for value, label in Priority.choices)
    return PriorityForm(key=opened.key, short_id=issue.short_id, choices=choices, priority=issue.priority)


NOTHING_TO_MUTE = "No rule has asked for this message, so there is none to mute."


def _mute(opened: OpenedView, issue: Issue, values: Mapping[str, str], now: datetime) -> View:
    """The rules of the card that tell its channel now, but for those that are muted: where that is all of them, it says so."""
    hanging = hanging_at(place_of(opened), opened.workspace_id, issue.pk)
    rules = list(mutes.rules_at(issue, hanging.destination_id, hanging.rule_ids))
    muted = mutes.mutes_at(issue.organization_id, hanging.destination_id, hanging.rule_ids, now)
    free = [rule for rule in rules if rule.pk not in {mute.rule_id for mute in muted}]
    if not free:
        return _muted(opened, muted)
    chosen = next((rule for rule in free if str(rule.pk) == values.get(Field.RULE)), free[0])
    hours = values.get(Field.MUTE_HOURS, "")
    until = now + timedelta(hours=int(hours) if hours.isdecimal() and len(hours) < 5 else 1)
    return MuteForm(
        key=opened.key,
        place=Destination.objects.get(organization_id=issue.organization_id, pk=hanging.destination_id).name,
        rules=tuple((rule.pk, rule.name) for rule in free),
        rule_id=chosen.pk,
        until=until,
    )


def _muted(opened: OpenedView, muted: Sequence[RuleMute]) -> UnmuteForm | Told:
    if not muted:
        return Told(key=opened.key, text=NOTHING_TO_MUTE)
    return UnmuteForm(key=opened.key, mutes=tuple(reading.muted(mute, {}) for mute in muted))


FORMS: dict[Form, Callable[[OpenedView, Issue, Mapping[str, str], datetime], View]] = {
    Form.RESOLVE: _resolve,
    Form.ARCHIVE: _archive,
    Form.COMMENT: _comment,
    Form.MUTE: _mute,
    Form.UNMUTE: _mute,
    Form.PRIORITY: _priority,
}


def told(opened: OpenedView | None, text: str, *, anyway: str = "") -> dict[str, Any]:
    """A view that says something (finished mrkdwn)."""
    return draw(Told(key=opened.key if opened else "", text=text, anyway=anyway))


def listener_of(opened: OpenedView) -> Listener:
    """The person in front of it, where they pressed."""
    return Listener(
        installation=opened.installation,
        workspace=opened.workspace,
        slack_user_id=opened.slack_user_id,
        place=place_of(opened),
    )


def place_of(opened: OpenedView) -> Place:
    """The message that it was opened on."""
    return Place(
        channel=opened.channel,
        ts=opened.ts,
        thread_ts=opened.thread_ts,
        is_ephemeral=opened.is_ephemeral,
        is_unfurl=opened.is_unfurl,
    )


def _issue(opened: OpenedView) -> Issue:
    return Issue.objects.select_related("project", "organization").get(
        organization_id=opened.organization_id, pk=opened.issue_id
    )
