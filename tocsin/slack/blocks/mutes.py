"""The modals that mute and unmute the rules of a card."""

from __future__ import annotations

from typing import Any

from tocsin.slack import mrkdwn
from tocsin.slack.action_ids import Action, Field, Form
from tocsin.slack.blocks.elements import Block, context, option, section
from tocsin.slack.blocks.forms import labelled, view
from tocsin.slack.blocks.issue import NAME_MAX, muted_line
from tocsin.slack.cards import MuteForm, UnmuteForm

HOURS = (("1 hour", "1"), ("8 hours", "8"), ("24 hours", "24"), ("A week", "168"))
RULES_MAX = 100  # entries of a menu
LABEL_MAX = 75
LINES_MAX = 5


def draw_mute(form: MuteForm) -> dict[str, Any]:
    rules = dict(form.rules)
    silent = f"Rule *{mrkdwn.line(rules[form.rule_id], NAME_MAX)}* posts nothing in {mrkdwn.line(form.place, NAME_MAX)}"
    blocks = [
        *_which(form),
        labelled(Field.MUTE_HOURS, "For how long?", _menu(Action.CHOOSE_MUTE, HOURS), tells=True),
        section(f"{silent} until {mrkdwn.date(form.until)}, for everybody."),
        context(
            "What it would have posted is counted, and is not posted later. Cards that hang here stay true, and other rules go on."
        ),
    ]
    return view(Form.MUTE, form.key, "Mute this rule here", blocks, submit="Mute")


def _which(form: MuteForm) -> list[Block]:
    """Asked where there are several."""
    if len(form.rules) == 1:
        return []
    entries = tuple((mrkdwn.plain(name, LABEL_MAX) or "…", str(pk)) for pk, name in form.rules)
    return [labelled(Field.RULE, "Which rule?", _menu(Action.CHOOSE_RULE, entries[:RULES_MAX]), tells=True)]


def _menu(action: Action, entries: tuple[tuple[str, str], ...]) -> Block:
    options = [option(label, value) for label, value in entries]
    return {
        "type": "static_select",
        "action_id": action.value,
        "options": options,
        "initial_option": options[0],
    }


def draw_unmute(form: UnmuteForm) -> dict[str, Any]:
    lines = [muted_line(muted) for muted in form.mutes[:LINES_MAX]]
    blocks = [section("\n".join(lines)), context("Unmute, and it posts here again from now on.")]
    return view(Form.UNMUTE, form.key, "Muted here", blocks, submit="Unmute")
