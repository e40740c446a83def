"""The card of an issue as an attachment of old: for channels that ask for it, and for messages that were drawn so. Pure.

Shape: https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import singledispatch
from typing import Any

from tocsin.slack import blocks, mrkdwn
from tocsin.slack.action_ids import Action
from tocsin.slack.blocks.issue import NAME_MAX, TAG_MAX, TITLE_MAX, actions_taken, facts, fallback, mutes
from tocsin.slack.cards import CardStatus, IssueCard, Marker

Attachment = dict[str, Any]
Button = dict[str, Any]

GREY = "#EDEEEF"  # a person acted last
LEVELS: Mapping[str, str] = {
    "debug": "#FBE14F",
    "info": "#2788CE",
    "warning": "#FFC227",
    "error": "#E03E2F",
    "fatal": "#FA4747",
}
FIELDS_MAX = 20
FOOTER_PARTS_MAX = (140, 60, 90)  # rule, environment, release: with what stands between them, under Slack's 300


@singledispatch
def draw(card: object) -> blocks.Message:
    """The message that shows this card. What is no issue's card is drawn as everywhere."""
    return blocks.draw(card)


@draw.register
def draw_issue(card: IssueCard) -> blocks.Message:
    return message_of(attachment(card))


def draw_shortest(card: IssueCard) -> blocks.Message:
    """Title, state and buttons: for when Slack refuses the whole card."""
    whole = attachment(card)
    kept = ("color", "title", "title_link", "fallback", "callback_id", "actions")
    return message_of({name: whole[name] for name in kept} | {"text": f"State: {card.state}", "mrkdwn_in": []})


def message_of(shown: Attachment) -> blocks.Message:
    """The attachment as a message. Phones preview its fallback."""
    return {"text": "", "blocks": [], "attachments": [shown]}


def attachment(card: IssueCard) -> Attachment:
    """The card itself. What was done with the issue is the end of its text."""
    parts = (
        mrkdwn.line(card.culprit, TITLE_MAX),
        mrkdwn.code_block(card.message, card.message_limit),
        mrkdwn.note(card.note),
        "   ".join(facts(card)),
        mutes(card),
        actions_taken(card),
    )
    return {
        "color": GREY if card.marker is Marker.WHITE else LEVELS.get(card.level, LEVELS["error"]),
        "title": mrkdwn.label(card.heading or card.title, TITLE_MAX),
        "title_link": card.url,
        "fallback": fallback(card),
        "text": "\n".join(part for part in parts if part),
        "mrkdwn_in": ["text"],
        "fields": [
            {"title": mrkdwn.label(key, NAME_MAX), "value": mrkdwn.line(value, TAG_MAX), "short": True}
            for key, value in card.tags
            if value.strip()
        ][:FIELDS_MAX],
        "footer": _footer(card),
        "ts": int(card.first_seen.timestamp()),
        "callback_id": json.dumps({"issue": card.issue_id}),
        "actions": [*(_button(each) for each in _buttons(card)), _assign(card)],
    }


def _footer(card: IssueCard) -> str:
    via = f"{card.short_id} via {card.rule}" if card.rule else card.short_id
    parts = zip((via, card.environment, card.release), FOOTER_PARTS_MAX, strict=True)
    return " · ".join(mrkdwn.label(part, limit) for part, limit in parts if part)


# --- buttons and the menu --------------------------------------------------------------------------------------------

# Which make sense in which status: (label, name, value).
RESOLVE = ("Resolve", Action.STATUS, "resolved")
RESOLVE_DIALOG = ("Resolve…", Action.RESOLVE_DIALOG, "resolve_dialog")  # where there are releases to resolve it in
ARCHIVE = ("Archive", Action.STATUS, "ignored")
ROWS: Mapping[CardStatus, tuple[tuple[str, Action, str], ...]] = {
    CardStatus.UNRESOLVED: (RESOLVE, ARCHIVE),
    CardStatus.RESOLVED: (("Reopen", Action.STATUS, "unresolved"),),
    CardStatus.ARCHIVED: (("Stop archiving", Action.STATUS, "unresolved:ongoing"),),
}


def _buttons(card: IssueCard) -> list[tuple[str, Action, str]]:
    return [RESOLVE_DIALOG if each is RESOLVE and card.has_releases else each for each in ROWS[card.status]]


def _button(drawn: tuple[str, Action, str]) -> Button:
    label, action, value = drawn
    return {"name": action.value, "text": label, "type": "button", "value": value}


def _assign(card: IssueCard) -> Button:
    """Its options are asked for; who looks after the issue now stands in it."""
    menu: Button = {
        "name": Action.ASSIGN_OLD.value,
        "text": "Assign",
        "type": "select",
        "data_source": "external",
        "min_query_length": 0,
    }
    if not card.assignee_option:
        return menu
    return menu | {
        "selected_options": [{"text": mrkdwn.plain(card.assignee.name) or "…", "value": card.assignee_option}]
    }
