"""What every action asks for. A handler changes nothing: it turns what was clicked into what is asked."""

from __future__ import annotations

from collections.abc import Callable

from tocsin.issues.commands import Command
from tocsin.slack.action_ids import Action, Form
from tocsin.slack.actions import assign, forms, status
from tocsin.slack.identity import Person
from tocsin.slack.payloads import Click, ViewSeen
from tocsin.slack.replies import Reply

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
}

# What a modal asks for when it is submitted.
SUBMISSIONS: dict[Form, Submit] = {
    Form.RESOLVE: forms.resolve,
    Form.ARCHIVE: forms.archive,
    Form.COMMENT: forms.comment,
}

# The browser has opened the page already; Slack only wants to hear that we heard. Anybody may.
LINKS = frozenset({Action.OPEN, Action.CONNECT})

# Choices inside a modal: they may redraw it, and change nothing else.
CHOICES = frozenset(
    {Action.CHOOSE_RESOLVE, Action.CHOOSE_RELEASE, Action.CHOOSE_ARCHIVE, Action.CHOOSE_HOURS, Action.TYPED}
)
