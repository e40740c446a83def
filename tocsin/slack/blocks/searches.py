"""The modals of the shortcuts: a search with what may be done to what it found, what was done, and a comment of a message."""

from __future__ import annotations

import zlib
from typing import Any

from tocsin.issues.queries.language import QUERY_MAX
from tocsin.slack import mrkdwn
from tocsin.slack.action_ids import Action, Field, Form, Many
from tocsin.slack.blocks.elements import Block, button, context, option, plain, search_menu, section, state
from tocsin.slack.cards import BulkDone, FoundIssue, MessageForm, SearchForm

TEXT_MAX = 75  # what an entry takes
TITLE_MAX = 200
NOTE_MAX = 3000  # what Slack's text field takes
QUOTE_MAX = 1500
TITLES = {Form.FIND: "Find issue", Form.TRIAGE: "Triage"}
HINT = "Press Enter to search. For example: is:new level:error !assigned:me release:latest timeout"
MANY: dict[Many, tuple[str, str]] = {
    Many.RESOLVE: ("Resolve", "Any event that comes from now on brings it back."),
    Many.ARCHIVE: ("Archive until it escalates", "It comes back when it happens clearly more often than before."),
    Many.REOPEN: ("Reopen", "Also stops archiving."),
    Many.ASSIGN: ("Assign…", "To a person or a team."),
}


def draw(form: SearchForm) -> dict[str, Any]:
    is_done_here = bool(form.picked or (form.found and form.form == Form.TRIAGE)) and form.may_triage
    blocks = [*_organizations(form), _query(form), *_result(form), *(_what(form) if is_done_here else [])]
    return _view(
        Form(form.form), form.key, TITLES[Form(form.form)], blocks, submit="Apply" if is_done_here else "Search"
    )


def _view(
    form: Form, key: str, title: str, blocks: list[Block], *, submit: str = "", close: str = "Close"
) -> dict[str, Any]:
    view = {
        "type": "modal",
        "callback_id": form.value,
        "private_metadata": key,
        "title": plain(title),
        "close": plain(close),
        "blocks": blocks,
        "notify_on_close": True,
    }
    return view | ({"submit": plain(submit)} if submit else {})


def _input(
    block_id: str, label: str, element: Block, *, tells: bool = False, optional: bool = False, hint: str = ""
) -> Block:
    """`tells`: each choice in it is told, so that the modal can be drawn anew."""
    block: Block = {
        "type": "input",
        "block_id": block_id,
        "label": plain(label),
        "element": element,
        "dispatch_action": tells,
        "optional": optional,
    }
    return block | ({"hint": plain(hint)} if hint else {})


# --- what is looked for ----------------------------------------------------------------------------------------------


def _organizations(form: SearchForm) -> list[Block]:
    if not form.organizations:
        return []
    options = [option(mrkdwn.plain(name, TEXT_MAX) or "…", str(number)) for number, name in form.organizations]
    chosen = next(each for each in options if each["value"] == str(form.organization))
    menu = {
        "type": "static_select",
        "action_id": Action.CHOOSE_ORGANIZATION.value,
        "options": options,
        "initial_option": chosen,
    }
    return [_input(Field.ORGANIZATION.value, "Organization", menu, tells=True)]


def _query(form: SearchForm) -> Block:
    element: Block = {
        "type": "plain_text_input",
        "action_id": Action.SEARCH.value,
        "max_length": QUERY_MAX,
        "dispatch_action_config": {"trigger_actions_on": ["on_enter_pressed"]},
        "focus_on_load": True,
    }
    if form.query:
        element["initial_value"] = form.query
    return _input(Field.QUERY.value, "Search", element, tells=True, optional=True, hint=HINT)


# --- what is found ---------------------------------------------------------------------------------------------------


def _result(form: SearchForm) -> list[Block]:
    if form.wrong:
        return [section(f":warning: {mrkdwn.escape(form.wrong, 600)}")]
    if form.picked is not None:
        return _picked(form.picked)
    if not form.found:
        return [section("Nothing found.")]
    shown = _ticks(form) if form.form == Form.TRIAGE else [_row(issue) for issue in form.found]
    return [context(_how_many(form)), *shown]


def _how_many(form: SearchForm) -> str:
    if form.total <= len(form.found):
        return f"{form.total:,} found, the last seen first."
    total = f"more than {form.total_most:,}" if form.total > form.total_most else f"{form.total:,}"
    return f"The first {len(form.found)} of {total}, the last seen first. Search for less to see others."


def _ticks(form: SearchForm) -> list[Block]:
    options = [
        option(
            mrkdwn.plain(f"{issue.short_id} {issue.title}", TEXT_MAX),
            f"{issue.issue_id}:{issue.version}",
            note=mrkdwn.plain(" · ".join(_facts(issue)), TEXT_MAX),
        )
        for issue in form.found
    ]
    # Clients keep what is ticked for as long as the ids are the same: another list is another block.
    which = zlib.crc32(" ".join(each["value"] for each in options).encode())
    boxes = {"type": "checkboxes", "action_id": Action.TICK_ISSUES.value, "options": options}
    return [_input(f"{Field.ISSUES}:{which:08x}", "Issues", boxes, optional=True)]


def _facts(issue: FoundIssue) -> list[str]:
    until = f" {issue.state_until:%Y-%m-%d %H:%M} UTC" if issue.state_until else ""
    events = f"{issue.events:,} event{'' if issue.events == 1 else 's'}"
    facts = [f"{issue.state}{until}", events, f"assigned to {issue.assignee}" if issue.assignee else ""]
    return [fact for fact in facts if fact]


def _row(issue: FoundIssue) -> Block:
    choose = button("Choose", Action.PICK_ISSUE, state(issue.issue_id, issue.version))
    return {**section(_headline(issue)), "accessory": choose}


def _headline(issue: FoundIssue) -> str:
    link = mrkdwn.link(issue.url, f"{issue.short_id} {issue.title}", TITLE_MAX)
    return f":{issue.level}: *{link}*\n{mrkdwn.line(' · '.join(_facts(issue)), 300)}"


def _picked(issue: FoundIssue) -> list[Block]:
    seen = f"Last seen: {mrkdwn.date(issue.last_seen)}"
    return [
        section(_headline(issue)),
        context(mrkdwn.line(issue.culprit, 300), seen, mrkdwn.link(issue.url, "Open in Tocsin")),
    ]


# --- what to do with it ----------------------------------------------------------------------------------------------


def _what(form: SearchForm) -> list[Block]:
    options = [option(label, many, note=note) for many, (label, note) in MANY.items()]
    radio = {
        "type": "radio_buttons",
        "action_id": Action.CHOOSE_BULK.value,
        "options": options,
        "initial_option": options[list(MANY).index(Many(form.what))],
    }
    blocks = [_input(Field.WHAT.value, "What to do", radio, tells=True)]
    if form.what == Many.ASSIGN:
        menu = search_menu("Type a part of a name", Action.CHOOSE_ASSIGNEE)
        blocks.append(_input(Field.ASSIGNEE.value, "Who looks after it?", menu))
    return blocks


def draw_done(done: BulkDone) -> dict[str, Any]:
    blocks = [section(text) for text in (done.text, done.left) if text]
    if done.can_undo:
        blocks.append(context("Undo puts back what nothing else has changed since. It works for ten minutes."))
    return _view(Form.BULK_DONE, done.key, "Tocsin", blocks, submit="Undo" if done.can_undo else "")


# --- a comment of a message ------------------------------------------------------------------------------------------


def draw_message(form: MessageForm) -> dict[str, Any]:
    issue = [] if form.short_id else [_issue()]
    note = {
        "type": "plain_text_input",
        "action_id": Action.TYPED.value,
        "multiline": True,
        "max_length": NOTE_MAX,
    }
    author = mrkdwn.line(form.author, 100)
    said = mrkdwn.escape(form.said.strip(), QUOTE_MAX)
    blocks = [
        *issue,
        section(f"*{author}* wrote:\n{said}" if said else f"A message of *{author}*, without text."),
        _input(
            Field.TEXT.value, "Add something", note, optional=True, hint="Everybody who may see the issue can read it."
        ),
    ]
    title = mrkdwn.plain(f"Comment on {form.short_id}" if form.short_id else "Comment on issue", 24)
    return _view(Form.COMMENT_MESSAGE, form.key, title, blocks, submit="Comment", close="Cancel")


def _issue() -> Block:
    return _input(Field.ISSUE.value, "Issue", search_menu("Type a part of its title", Action.CHOOSE_ISSUE))
