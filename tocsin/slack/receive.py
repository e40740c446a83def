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
    installations,
    linking,
    modals,
    options,
    payloads,
    received,
    submissions,
)
from tocsin.slack.actions import CHOICES
from tocsin.slack.answers import ANSWERS, EMPTY, Answer, Outcome
from tocsin.slack.clicks import DATABASE_IS_DOWN
from tocsin.slack.deadline import DATABASE_SECONDS, transaction_within
from tocsin.slack.installations import Found
from tocsin.slack.models import OpenedView
from tocsin.slack.payloads import (
    Callback,
    Clicks,
    Closed,
    Event,
    Kind,
    Malformed,
    OptionsQuery,
    RateLimited,
    SlashCommand,
    Submission,
    UrlVerification,
    ViewSeen,
)
from tocsin.slack.telling import Listener, tell
from tocsin.slack.unforeseen import unforeseen

log = get_logger(__name__)

OUTAGE_SECONDS = 0.5
# A commit whose answer was lost may have happened all the same, so nothing is said that may not be so.
OUTAGE = "Tocsin's database does not answer. If the message does not show your change in a minute, try again."
NO_SUCH_COMMAND = "Tocsin has no commands yet: use the buttons on its messages."

RATE_LIMITED = Counter("tocsin_slack_rate_limited_minutes", "Minutes in which Slack held back events.")

ForInstallation = Clicks | Submission | Closed | OptionsQuery | Callback | Event | SlashCommand

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """The answer, and what is to be done between the commit and the answer: it is told how many seconds are left."""

    answer: Answer = EMPTY
    after: Callable[[float], None] | None = None


def _for_installation(payload: ForInstallation, arrived: float) -> Answer:
    try:
        effect = _transact(Work(payload=payload, arrived=arrived))
        if effect.after is not None:
            effect.after(arrived + WITHIN - time.monotonic())
        return effect.answer
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
    if not clicks.is_effectful(payload):
        return Effect()
    key = received.key_of(payload)
    received_id = received.remember(found.installation, key, "click", Outcome.DONE, now)
    if received_id is None:
        return Effect(answer=ANSWERS[Outcome(received.outcome_of(found.installation, key))])
    handled = clicks.handle(payload, _listener(payload, found), now)
    if handled.outcome is not Outcome.DONE:
        received.ended(received_id, handled.outcome)
    after = partial(_open, handled.opened, payload.trigger_id) if handled.opened else None
    return Effect(answer=ANSWERS[handled.outcome], after=after)


def _open(opened: OpenedView, trigger_id: str, seconds: float) -> None:
    modals.open_(opened, trigger_id, within=seconds)


def _choice(view: ViewSeen, payload: Clicks, found: Found, now: datetime) -> Effect:
    """Something was chosen inside a modal: it is drawn anew, and nothing else happens."""
    opened = modals.find(view, found.installation.pk, payload.sender.id)
    if opened is None or linking.shared_issue(found.installation, opened.issue_id) is None:
        return Effect()
    drawn = modals.redrawn(opened, view, now)
    return Effect(after=lambda seconds: modals.update(opened, view, drawn, within=seconds))


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


def _listener(payload: Clicks, found: Found) -> Listener:
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


def _event(payload: Event, found: Found, now: datetime) -> Effect:
    log_once("event", payload.name)
    return Effect()


def _command(payload: SlashCommand, found: Found, now: datetime) -> Effect:
    log_once("command", payload.name)
    return Effect(answer=answers.spoken(NO_SUCH_COMMAND))


EFFECTS: dict[type[Any], Callable[[Any, Found, datetime], Effect]] = {
    Clicks: _click,
    Submission: _submission,
    Closed: _closed,
    OptionsQuery: _options,
    Callback: _callback,
    Event: _event,
    SlashCommand: _command,
}


# --- when it fails ---------------------------------------------------------------------------------------------------


def _during_outage(payload: ForInstallation) -> Answer:
    """Nothing was committed. The person is told at once, where that needs no database."""
    if isinstance(payload, SlashCommand):
        return answers.spoken(OUTAGE)
    if isinstance(payload, Clicks) and payload.response_url:
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
    if isinstance(payload, SlashCommand):
        return answers.spoken(text)
    if isinstance(payload, Clicks):
        try:
            with transaction_within(DATABASE_SECONDS):
                if (found := installations.find(payload.source)) is not None:
                    tell(_listener(payload, found), text, database_now())
        except Exception:  # the fault itself is logged above; this says why nobody was told
            log.exception("slack: the person could not be told of the fault")
    return EMPTY


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
