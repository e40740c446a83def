"""The card of an issue."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tocsin.slack import mrkdwn
from tocsin.slack.action_ids import Action
from tocsin.slack.blocks.elements import (
    Block,
    actions,
    button,
    context,
    option,
    overflow,
    search_menu,
    section,
    state,
)
from tocsin.slack.cards import ActionTaken, CardStatus, DeletedCard, IssueCard, Muted, Who

TITLE_MAX = 300
CULPRIT_MAX = 300
TAG_MAX = 200
NAME_MAX = 100
FALLBACK_MAX = 600
MUTES_MAX = 5  # lines
MORE_MAX = 5  # entries of an overflow menu
NOBODY = Who()


def draw(card: IssueCard) -> dict[str, Any]:
    """The whole message."""
    blocks = [
        section(f":{card.marker}: *{mrkdwn.link(card.url, card.heading or card.title, TITLE_MAX)}*"),
        *_optional(context, mrkdwn.line(card.culprit, CULPRIT_MAX)),
        *_optional(section, mrkdwn.code_block(card.message, card.message_limit)),
        *_optional(section, _tags(card)),
        *_optional(section, actions_taken(card)),
        context("   ".join(facts(card))),
        _row(card),
        *_optional(section, mrkdwn.note(card.note)),
        *_optional(context, mutes(card)),
        context(" · ".join(_footer(card))),
    ]
    return {"text": fallback(card), "blocks": blocks, "attachments": []}


def draw_shortest(card: IssueCard) -> dict[str, Any]:
    """Title, state and buttons: for when Slack refuses the whole card."""
    blocks = [
        section(f":{card.marker}: *{mrkdwn.link(card.url, card.heading or card.title, TITLE_MAX)}*"),
        context(f"State: *{_said(card.state, card.state_until)}*"),
        _row(card),
    ]
    return {"text": fallback(card), "blocks": blocks, "attachments": []}


def draw_as_text(card: IssueCard) -> dict[str, Any]:
    """Text and a link, without blocks: for when Slack refuses even the shortest card."""
    text = f"{fallback(card)}\n{mrkdwn.link(card.url, card.short_id)}"
    return {"text": text, "blocks": [], "attachments": []}


def draw_deleted(card: DeletedCard) -> dict[str, Any]:
    text = f"{mrkdwn.line(card.what, NAME_MAX)} was deleted."
    return {"text": text, "blocks": [context(text)], "attachments": []}


def fallback(card: IssueCard) -> str:
    """What phones preview and screen readers read."""
    return f"[{mrkdwn.line(card.project, NAME_MAX)}] {card.level.capitalize()}: {mrkdwn.line(card.title, FALLBACK_MAX)}"


def _optional(draw_block: Any, text: str) -> list[Block]:
    return [draw_block(text)] if text else []


def _tags(card: IssueCard) -> str:
    shown = [f"{mrkdwn.line(key, 64)}: {mrkdwn.code(value, TAG_MAX)}" for key, value in card.tags if value.strip()]
    text = ""
    for tag in shown:
        longer = f"{text}  {tag}" if text else tag
        if len(longer) > 2800:
            break
        text = longer
    return text


def actions_taken(card: IssueCard) -> str:
    """What was done, oldest first, a line each."""
    earlier = [f"+{card.earlier_actions} earlier"] if card.earlier_actions else []
    return "\n".join(earlier + [_action_line(action) for action in card.actions_taken])


def _action_line(action: ActionTaken) -> str:
    by = name(action.who)
    return f"*{_said(action.did, action.until, action.whom)}*{f' by {by}' if by else ''} · {mrkdwn.date(action.at)}"


def _said(words: str, until: datetime | None, whom: Who = NOBODY) -> str:
    """Words, and the time or the person that they go on with."""
    parts = (mrkdwn.line(words, 200), mrkdwn.date(until) if until else "", name(whom))
    return " ".join(part for part in parts if part)


def name(who: Who) -> str:
    """A person in mrkdwn; empty for Tocsin itself."""
    return mrkdwn.mention(who.slack_user_id) if who.slack_user_id else mrkdwn.line(who.name, NAME_MAX)


def facts(card: IssueCard) -> list[str]:
    """How the issue is now, in a few words each."""
    known = [
        ("Events", f"{card.events:,}"),
        ("Users", f"{card.users:,}" if card.users else ""),
        ("State", _said(card.state, card.state_until)),
        ("First seen", mrkdwn.date(card.first_seen)),
        ("Assignee", name(card.assignee)),
        ("Priority", mrkdwn.line(card.priority, NAME_MAX)),
        ("Comments", f"{card.comments:,}" if card.comments else ""),
    ]
    return [f"{label}: {value if label == 'First seen' else f'*{value}*'}" for label, value in known if value]


def mutes(card: IssueCard) -> str:
    """What is muted where the card hangs, a line each."""
    lines = [f":no_bell: {muted_line(muted)}" for muted in card.mutes[:MUTES_MAX]]
    others = len(card.mutes) - MUTES_MAX
    return "\n".join(lines + ([f"+{others} other{'s' if others > 1 else ''}"] if others > 0 else []))


def muted_line(muted: Muted) -> str:
    by = name(muted.who)
    held = f" · {muted.held:,} alert{'' if muted.held == 1 else 's'} not posted" if muted.held else ""
    said = f"Rule *{mrkdwn.line(muted.rule, NAME_MAX)}* muted here until {mrkdwn.date(muted.until)}"
    return f"{said}{f' by {by}' if by else ''}{held}"


def _footer(card: IssueCard) -> list[str]:
    parts = (card.project, card.rule and f"Rule: {card.rule}", card.short_id, card.environment, card.release)
    return [mrkdwn.line(part, NAME_MAX) for part in parts if part]


# Which buttons make sense in which status, left to right: (label, action, style). Assign, Undo and the overflow menu follow.
RESOLVE = ("Resolve", Action.RESOLVE, "primary")
RESOLVE_FORM = ("Resolve…", Action.RESOLVE_FORM, "")  # where there are releases to resolve it in
ARCHIVE_FORM = ("Archive…", Action.ARCHIVE_FORM, "")
ROWS: dict[CardStatus, tuple[tuple[str, Action, str], ...]] = {
    CardStatus.UNRESOLVED: (RESOLVE, RESOLVE_FORM, ARCHIVE_FORM),
    CardStatus.RESOLVED: (("Reopen", Action.REOPEN, ""), ARCHIVE_FORM),
    CardStatus.ARCHIVED: (RESOLVE, RESOLVE_FORM, ("Stop archiving", Action.REOPEN, "")),
}
ASSIGN = "Assign"
UNDO = "Undo"


def _row(card: IssueCard) -> Block:
    value = state(card.issue_id, card.version)
    shown = [each for each in ROWS[card.status] if card.has_releases or each is not RESOLVE_FORM]
    buttons = [button(label, action, value, style=style) for label, action, style in shown]
    undo = [button(UNDO, Action.UNDO, state(card.issue_id, card.version, undo=card.undo))] if card.undo else []
    return actions(
        # The version is in it: clients keep what a person chose in a menu for as long as block_id and action_id stay the same.
        state(card.issue_id, card.version, b="row"),
        *buttons,
        search_menu(ASSIGN, Action.ASSIGN),
        *undo,
        overflow(Action.MORE, _more(card)),
    )


def _more(card: IssueCard) -> list[Block]:
    """What makes sense now, in this order. Where that is one too many, Open gives way: the title is the same link."""
    entries = (
        (option("Comment", Action.COMMENT_FORM), True),
        (option("Mute this rule here…", Action.MUTE_FORM), card.can_mute),
        (option("Unmute", Action.UNMUTE), bool(card.mutes)),
        (option("Priority", Action.PRIORITY_FORM), True),
        (option("Acknowledge", Action.ACKNOWLEDGE), not card.is_acknowledged),
        (option("Open", Action.OPEN, url=card.url), True),
    )
    return [entry for entry, makes_sense in entries if makes_sense][:MORE_MAX]
