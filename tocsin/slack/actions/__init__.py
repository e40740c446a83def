"""What every action asks for. A handler changes nothing: it turns what was clicked into what is asked."""

from __future__ import annotations

from collections.abc import Callable

from tocsin.alerts.commands import Command as AlertCommand
from tocsin.issues.commands import Command as IssueCommand
from tocsin.slack.action_ids import Action, Form
from tocsin.slack.actions import assign, forms, mutes, status
from tocsin.slack.identity import Person
from tocsin.slack.payloads import Click, ViewSeen
from tocsin.slack.replies import Reply

Command = IssueCommand | AlertCommand
Handler = Callable[[Click, Person], Command | Reply]
Submit = Callable[[ViewSeen, forms.About], Command]

HANDLERS: dict[Action, Handler] = {
    Action.RESOLVE: status.resolve,
    Action.RESOLVE_FORM: status.resolve_form,
    Action.REOPEN: status.reopen,
    Action.ARCHIVE: status.archive,
    Action.ARCHIVE_FORM: status.archive_form,
    Action.ASSIGN: assign.assign,
    Action.UNDO: status.undo,
    Action.ACKNOWLEDGE: status.acknowledge,
    Action.COMMENT_FORM: status.comment_form,
    Action.MUTE_FORM: mutes.mute_form,
    Action.UNMUTE: mutes.unmute,
    Action.PRIORITY_FORM: status.priority_form,
    Action.STATUS: status.by_value,
    Action.ASSIGN_OLD: assign.assign,
    Action.RESOLVE_DIALOG: status.resolve_dialog,
}

# What a modal asks for when it is submitted.
SUBMISSIONS: dict[Form, Submit] = {
    Form.RESOLVE: forms.resolve,
    Form.ARCHIVE: forms.archive,
    Form.COMMENT: forms.comment,
    Form.MUTE: mutes.mute,
    Form.UNMUTE: mutes.unmute_all,
    Form.PRIORITY: forms.priority,
}

# The browser has opened the page already; Slack only wants to hear that we heard. Anybody may.
LINKS = frozenset({Action.OPEN, Action.CONNECT})

# The question to connect, below a link: whichever is pressed, it goes away. Anybody may.
DISMISSALS = frozenset({Action.UNFURL_PROMPT, Action.UNFURL_NOT_NOW})

# Choices inside a modal: they may redraw it, and change nothing else.
CHOICES = frozenset(
    {
        Action.CHOOSE_RESOLVE,
        Action.CHOOSE_RELEASE,
        Action.CHOOSE_ARCHIVE,
        Action.CHOOSE_HOURS,
        Action.CHOOSE_RULE,
        Action.CHOOSE_MUTE,
        Action.CHOOSE_PRIORITY,
        Action.TYPED,
        Action.SEARCH,
        Action.PICK_ISSUE,
        Action.TICK_ISSUES,
        Action.CHOOSE_BULK,
        Action.CHOOSE_ASSIGNEE,
        Action.CHOOSE_ISSUE,
        Action.CHOOSE_ORGANIZATION,
    }
)
