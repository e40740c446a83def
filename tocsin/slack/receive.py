"""Everything that Slack sends enters here, whichever way it came."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db import connection
from prometheus_client import Counter

from tocsin.clock import database_now
from tocsin.group_commit import GroupCommit
from tocsin.logs import get_logger
from tocsin.outbox.failures import DeliveryError
from tocsin.slack import (
    answers,
    clicks,
    client,
    commands,
    dialogs,
    in_place,
    installations,
    linking,
    modals,
    options,
    payloads,
    received,
    searches,
    shortcuts,
    styles,
    submissions,
    unfurls,
)
from tocsin.slack.action_ids import ShortcutId
from tocsin.slack.actions import CHOICES, DISMISSALS
from tocsin.slack.answers import EMPTY, Answer, Effect, Outcome
from tocsin.slack.cards import Style
from tocsin.slack.clicks import DATABASE_IS_DOWN
from tocsin.slack.commands.typed import Said, Typed
from tocsin.slack.deadline import DATABASE_SECONDS, transaction_within
from tocsin.slack.installations import Found
from tocsin.slack.models import OpenedView
from tocsin.slack.payloads import (
    Callback,
    Clicks,
    Closed,
    DialogSubmission,
    Event,
    Kind,
    LinksShared,
    Malformed,
    OptionsQuery,
    RateLimited,
    Shortcut,
    SlashCommand,
    Submission,
    UrlVerification,
    ViewSeen,
)
from tocsin.slack.telling import Listener, keep_response_url, tell
from tocsin.slack.unforeseen import unforeseen

log = get_logger(__name__)

OUTAGE_SECONDS = 0.5
# A commit whose answer was lost may have happened all the same, so nothing is said that may not be so.
OUTAGE = "Tocsin's database does not answer. If the message does not show your change in a minute, try again."

RATE_LIMITED = Counter("tocsin_slack_rate_limited_minutes", "Minutes in which Slack held back events.")

ForInstallation = (
    Clicks
    | Submission
    | DialogSubmission
    | Closed
    | OptionsQuery
    | Shortcut
    | Callback
    | Event
    | LinksShared
    | SlashCommand
)

FromPlace = Clicks | DialogSubmission | Shortcut | SlashCommand  # these tell where the person is

MOMENT = 0.05  # seconds: a database that is there gets as much, however late it is
WITHIN = 2.5  # seconds from the request's arrival: what is left after the commit, a modal may take


def receive(kind: Kind, payload: Mapping[str, Any]) -> Answer:
    """Do what was asked, and return the answer, after the commit. Never raises."""
    arrived = time.monotonic()
    try:
        value = payloads.read(kind, payload)
    except Malformed as error:
        log.warning("slack: cannot be read", kind=kind, reason=str(error))
        return answers.malformed(is_event=kind is Kind.EVENT)
    match value:
        case UrlVerification(challenge=challenge):
            return answers.challenge(challenge)
        case RateLimited(team_id=team_id, minute=minute):
            RATE_LIMITED.inc()
            log.warning("slack: events were held back", team=team_id, minute=minute)
            return EMPTY
        case _:
            return _for_installation(value, arrived)


def _for_installation(payload: ForInstallation, arrived: float) -> Answer:
    try:
        effect = _transact(Work(payload=payload, arrived=arrived))
        instead = effect.after(arrived + WITHIN - time.monotonic()) if effect.after is not None else None
        return instead or effect.answer
    except DATABASE_IS_DOWN as error:
        log.error("slack: the database does not answer", error=str(error))
        return _during_outage(payload)
    except Exception:  # noqa: BLE001 - logged with a reference; Slack is answered whatever happens
        return _after_fault(payload)


# --- in one transaction ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What has to be done, and when it came (monotonic)."""

    payload: ForInstallation
    arrived: float


def _transact(work: Work) -> Effect:
    """SQLite writes one transaction at a time, so those that wait share the next one and its flush to disk; PostgreSQL does
    that by itself.
    """
    if connection.vendor == "sqlite":
        return _clicks_together.submit(work, within=_seconds_left(work))
    with transaction_within(_seconds_left(work)) as now:
        return _effect(work.payload, now)


def _seconds_left(work: Work) -> float:
    """What the database may still take."""
    return max(MOMENT, work.arrived + DATABASE_SECONDS - time.monotonic())


def _commit(works: Sequence[Work]) -> list[Effect | Exception]:
    """A fault of one of them raises, and undoes all; each is then done alone."""
    with transaction_within(min(map(_seconds_left, works))) as now:
        return [_effect(work.payload, now) for work in works]


_clicks_together: GroupCommit[Work, Effect] = GroupCommit(_commit)


def _effect(payload: ForInstallation, now: datetime) -> Effect:
    found = installations.find(payload.source)
    if found is None:
        log.info("slack: not connected", keys=payload.source.keys, kind=type(payload).__name__)
        return Effect(answer=answers.not_connected(payload))
    return EFFECTS[type(payload)](payload, found, now)


# --- what each kind of payload does, in the transaction -------------------------------------------------------------


def _click(payload: Clicks, found: Found, now: datetime) -> Effect:
    for click in payload.clicks:
        if clicks.known_action(click) is None:
            log_once("action", click.action_id)
    if payload.view is not None and any(clicks.known_action(click) in CHOICES for click in payload.clicks):
        return _choice(payload.view, payload, found, now)
    if any(clicks.known_action(click) in DISMISSALS for click in payload.clicks):
        return _dismissal(payload, found, now)
    if not clicks.is_effectful(payload):
        return Effect()
    listener = _listener(payload, found)
    door = styles.DOORS[payload.style]
    key = received.key_of(payload)
    received_id = received.remember(found.installation, key, "click", Outcome.DONE, now)
    if received_id is None:
        return door.again(payload, listener, *received.outcome_of(found.installation, key), now)
    return door.first(payload, listener, received_id, now)


# --- modals and dialogs ----------------------------------------------------------------------------------------------


def _dismissal(payload: Clicks, found: Found, now: datetime) -> Effect:
    """A question goes away, whatever was pressed. Delivered again it is gone already."""
    listener = _listener(payload, found)
    key = received.key_of(payload)
    if received.remember(found.installation, key, "click", Outcome.DONE, now) is not None:
        url = keep_response_url(listener, now)
        if url is not None:
            in_place.delete_later(listener, url, now)
    return Effect()


def _choice(view: ViewSeen, payload: Clicks, found: Found, now: datetime) -> Effect:
    """Something was chosen inside a modal: it is drawn anew, and nothing else happens."""
    opened = modals.find(view, found.installation.pk, payload.sender.id)
    if opened is not None and opened.form in searches.FORMS:
        searched = searches.redrawn(opened, view, payload, found)
        return Effect(after=partial(_redraw, opened, view, searched)) if searched else Effect()
    if opened is None or linking.shared_issue(found.installation, opened.issue_id) is None:
        return Effect()
    drawn = modals.redrawn(opened, view, now)
    return Effect(after=partial(_redraw, opened, view, drawn))


def _redraw(opened: OpenedView, view: ViewSeen, drawn: Mapping[str, Any], seconds: float) -> None:
    modals.update(opened, view, drawn, within=seconds)


def _submission(payload: Submission, found: Found, now: datetime) -> Effect:
    """Remembered only if it had an effect: what was refused may be submitted again."""
    key = received.key_of_submission(payload)
    received_id = received.remember(found.installation, key, "submission", Outcome.DONE, now)
    if received_id is None:
        return Effect()
    answer = submissions.handle(payload, found, now)
    if answer is not EMPTY:
        received.forget(received_id)
    return Effect(answer=answer)


def _dialog(payload: DialogSubmission, found: Found, now: datetime) -> Effect:
    """Remembered only if the dialog closes: what was refused in it may be submitted again."""
    key = received.key_of_dialog(payload)
    received_id = received.remember(found.installation, key, "dialog", Outcome.DONE, now)
    if received_id is None:
        return Effect()
    answer = dialogs.handle(payload, _listener(payload, found), now)
    if answer is not EMPTY:
        received.forget(received_id)
    return Effect(answer=answer)


def _closed(payload: Closed, found: Found, now: datetime) -> Effect:
    """Nothing more will come of it; the response_url, which is a secret, goes with it."""
    opened = modals.find(payload.view, found.installation.pk, payload.sender.id)
    if opened is not None:
        if opened.response_url is not None:
            opened.response_url.delete()
        opened.delete()
    return Effect()


def _options(payload: OptionsQuery, found: Found, now: datetime) -> Effect:
    return Effect(answer=options.answer(payload, found.installation))


def _shortcut(payload: Shortcut, found: Found, now: datetime) -> Effect:
    if payload.name not in set(ShortcutId):
        log_once("shortcut", payload.name)
        return Effect()
    key = received.key_of_shortcut(payload)
    if received.remember(found.installation, key, "shortcut", Outcome.DONE, now) is None:
        return Effect()
    listener = _listener(payload, found)
    return Effect(after=partial(_open_shortcut, listener, payload, shortcuts.view_of(payload, listener, now)))


def _open_shortcut(listener: Listener, payload: Shortcut, view: Mapping[str, Any], seconds: float) -> None:
    shortcuts.open_(listener, payload.trigger_id, view, within=seconds)


def _listener(payload: FromPlace, found: Found) -> Listener:
    return Listener(
        installation=found.installation,
        workspace=installations.workspace_of(found.installation, payload.source),
        organizations=found.organizations,
        slack_user_id=payload.sender.id,
        place=payload.place,
        response_url=payload.response_url,
    )


def _callback(payload: Callback, found: Found, now: datetime) -> Effect:
    log_once("callback", payload.name)
    return Effect()


def _links(payload: LinksShared, found: Found, now: datetime) -> Effect:
    keys = received.keys_of_links(payload)
    if all(received.remember(found.installation, key, "event", Outcome.DONE, now) is not None for key in keys):
        unfurls.shared(payload, installations.workspace_of(found.installation, payload.source), found, now)
    return Effect()


def _event(payload: Event, found: Found, now: datetime) -> Effect:
    log_once("event", payload.name)
    return Effect()


def _command(payload: SlashCommand, found: Found, now: datetime) -> Effect:
    typed = Typed(
        listener=_listener(payload, found),
        text=payload.text,
        now=now,
        name=payload.sender.name,
        channel_name=payload.channel_name,
    )
    key = received.key_of_command(payload)
    received_id = received.remember(found.installation, key, "command", Outcome.DONE, now)
    if received_id is None:
        outcome, text = received.outcome_of(found.installation, key)
        return Effect(answer=answers.spoken(text)) if outcome == Outcome.TOLD else _said(commands.answer(typed))
    said = commands.answer(typed)
    if said.is_final:
        received.ended(received_id, Outcome.TOLD, said.text)
    return _said(said)


def _said(said: Said) -> Effect:
    return Effect(answer=answers.spoken(said.text, said.blocks))


EFFECTS: dict[type[Any], Callable[[Any, Found, datetime], Effect]] = {
    Clicks: _click,
    Submission: _submission,
    DialogSubmission: _dialog,
    Closed: _closed,
    OptionsQuery: _options,
    Shortcut: _shortcut,
    Callback: _callback,
    Event: _event,
    LinksShared: _links,
    SlashCommand: _command,
}


# --- when it fails ---------------------------------------------------------------------------------------------------


def _during_outage(payload: ForInstallation) -> Answer:
    """Nothing was committed. The person is told at once, where that needs no database."""
    if _reads_the_body(payload):
        return answers.spoken(OUTAGE)
    if isinstance(payload, Clicks | DialogSubmission | Shortcut) and payload.response_url:
        try:
            client.respond(
                payload.response_url,
                {"response_type": "ephemeral", "replace_original": False, "text": OUTAGE},
                seconds=OUTAGE_SECONDS,
            )
        except DeliveryError as error:
            log.info("slack: the person could not be told of the outage", error_code=error.code)
    return answers.UNAVAILABLE


def _after_fault(payload: ForInstallation) -> Answer:
    """Nothing was committed, and trying again would not help."""
    text = unforeseen(kind=type(payload).__name__, keys=payload.source.keys)
    if _reads_the_body(payload):
        return answers.spoken(text)
    if isinstance(payload, Clicks | DialogSubmission | Shortcut):
        try:
            with transaction_within(DATABASE_SECONDS):
                if (found := installations.find(payload.source)) is not None:
                    tell(_listener(payload, found), text, database_now())
        except Exception:  # the fault itself is logged above; this says why nobody was told
            log.exception("slack: the person could not be told of the fault")
    return EMPTY


def _reads_the_body(payload: ForInstallation) -> bool:
    """Whether Slack shows the person what the answer says."""
    return isinstance(payload, SlashCommand) or (isinstance(payload, Clicks) and payload.style is Style.ATTACHMENTS)


# --- what we do not know ---------------------------------------------------------------------------------------------

NAMES_REMEMBERED = 500
_logged: set[tuple[str, str]] = set()
_lock = threading.Lock()


def log_once(what: str, name: str) -> None:
    """One line for each kind of thing that nothing here handles, however often it comes."""
    with _lock:
        if (what, name) in _logged or len(_logged) >= NAMES_REMEMBERED:
            return
        _logged.add((what, name))
    log.info("slack: not handled", what=what, name=name)
