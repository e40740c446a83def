"""How clicks are answered, style by style: in blocks by the outbox, in attachments of old by the answer itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from tocsin.slack import answers, clicks, dialogs, identity, in_place, linking, modals, received
from tocsin.slack.action_ids import Action
from tocsin.slack.answers import ANSWERS, EMPTY, Answer, Effect, Outcome
from tocsin.slack.blocks.listing import LIST
from tocsin.slack.cards import Style
from tocsin.slack.models import OpenedView
from tocsin.slack.payloads import Clicks
from tocsin.slack.telling import Listener, keep_response_url, tell

ANSWERED = "This click was answered before. Nothing was done a second time."


# --- clicks in blocks ------------------------------------------------------------------------------------------------


def _in_blocks(payload: Clicks, listener: Listener, received_id: int, now: datetime) -> Effect:
    """Slack shows nothing of the answer: the person is told, and the message rewritten, by the outbox."""
    handled = clicks.handle(payload, listener, now)
    if handled.outcome is not Outcome.DONE:
        received.ended(received_id, handled.outcome)
    for text in handled.texts:
        tell(listener, text, now)
    if (payload.place.is_ephemeral or payload.place.is_unfurl) and handled.redraw:
        (_say_now if _is_listed(payload) else _rewrite)(payload, listener, now)
    after = partial(_open, handled.opened, payload.trigger_id) if handled.opened else None
    return Effect(answer=ANSWERS[handled.outcome], after=after)


def _in_blocks_again(payload: Clicks, listener: Listener, outcome: str, text: str, now: datetime) -> Effect:
    return Effect(answer=ANSWERS[Outcome(outcome)])


def _is_listed(payload: Clicks) -> bool:
    return any(f'"b":"{LIST}"' in click.block_id for click in payload.clicks)


def _say_now(payload: Clicks, listener: Listener, now: datetime) -> None:
    """Of one of many in a list that one person sees: the others stay where they are."""
    issue = linking.shared_issue(listener.installation, payload.clicks[0].issue.id)
    if issue is not None:
        tell(listener, in_place.said_now(issue), now)


def _rewrite(payload: Clicks, listener: Listener, now: datetime) -> None:
    """What no chat.update reaches is rewritten through the click's own address."""
    spot = _spot(payload, listener, now)
    if spot is not None:
        in_place.answer_later(spot, keep_response_url(listener, now), listener.slack_user_id, now)


def _spot(payload: Clicks, listener: Listener, now: datetime) -> in_place.Spot | None:
    """The message that was clicked; None when its issue is gone."""
    issue = linking.shared_issue(listener.installation, payload.clicks[0].issue.id)
    if issue is None:
        return None
    return in_place.spot_of(
        payload.place,
        workspace=listener.workspace,
        issue=issue,
        style=payload.style,
        is_message=payload.is_message,
        now=now,
    )


def _open(opened: OpenedView, trigger_id: str, seconds: float) -> None:
    modals.open_(opened, trigger_id, within=seconds)


# --- clicks in attachments of old ------------------------------------------------------------------------------------


def _in_attachments(payload: Clicks, listener: Listener, received_id: int, now: datetime) -> Effect:
    """The answer is the message anew, or what the person is told."""
    payload = in_place.with_versions(payload, listener.workspace, listener.organizations)
    handled = clicks.handle(payload, listener, now)
    text = "\n".join(handled.texts)
    if handled.outcome is Outcome.GONE:
        received.ended(received_id, handled.outcome)
        tell(listener, text, now)
        return Effect(answer=ANSWERS[handled.outcome])
    if handled.asked_in_dialog is not None:
        prepared = dialogs.prepare(payload, listener, handled.asked_in_dialog, now)
        return Effect(after=partial(dialogs.open_, prepared, payload.trigger_id))
    if text:
        told = handled.outcome if handled.outcome is Outcome.INVITED else Outcome.TOLD
        received.ended(received_id, told, "" if told is Outcome.INVITED else text)
        return Effect(answer=answers.spoken(text))
    return Effect(answer=_rebuilt(payload, listener, now) if handled.redraw else EMPTY)


def _in_attachments_again(payload: Clicks, listener: Listener, outcome: str, text: str, now: datetime) -> Effect:
    """The same kind of answer, as things are now. A link is made anew, for the old one is not kept."""
    if outcome == Outcome.TOLD:
        return Effect(answer=answers.spoken(text))
    if outcome == Outcome.INVITED:
        person = identity.who(listener.workspace, listener.slack_user_id)
        text = ANSWERED if person else linking.invite(listener, payload.sender.name, now)
        return Effect(answer=answers.spoken(text))
    if outcome == Outcome.GONE or any(clicks.known_action(click) is Action.RESOLVE_DIALOG for click in payload.clicks):
        return Effect(answer=ANSWERS[Outcome(outcome)])
    return Effect(answer=_rebuilt(payload, listener, now))


def _rebuilt(payload: Clicks, listener: Listener, now: datetime) -> Answer:
    spot = _spot(payload, listener, now)
    return in_place.answer(spot, now) if spot is not None else EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What clicks of a style do the first time, and how they are answered when they are delivered again."""

    first: Callable[[Clicks, Listener, int, datetime], Effect]
    again: Callable[[Clicks, Listener, str, str, datetime], Effect]


DOORS: dict[Style, Door] = {
    Style.BLOCKS: Door(first=_in_blocks, again=_in_blocks_again),
    Style.ATTACHMENTS: Door(first=_in_attachments, again=_in_attachments_again),
}
