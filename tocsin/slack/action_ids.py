"""Every button, menu and form, by the name it has on the wire.

Messages live for years: a name is never used again for another thing.
"""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """What a person pressed or chose."""

    RESOLVE = "tocsin.resolve"
    RESOLVE_FORM = "tocsin.resolve_form"  # opens the modal
    REOPEN = "tocsin.reopen"
    ARCHIVE = "tocsin.archive"  # forever, at once: of messages older than the modal
    ARCHIVE_FORM = "tocsin.archive_form"
    ASSIGN = "tocsin.assign"  # a menu whose options are searched here: "user:1", "team:2", "none", "link"
    UNDO = "tocsin.undo"
    MORE = "tocsin.more"  # the overflow menu; the value of a choice is one of these ids
    COMMENT_FORM = "tocsin.comment_form"
    ACKNOWLEDGE = "tocsin.acknowledge"
    OPEN = "tocsin.open"  # a link button: the browser opens the page, Slack still tells us
    CONNECT = "tocsin.connect"  # a link button: the page that links a Slack user
    # In modals.
    CHOOSE_RESOLVE = "tocsin.choose_resolve"
    CHOOSE_RELEASE = "tocsin.choose_release"
    CHOOSE_ARCHIVE = "tocsin.choose_archive"
    CHOOSE_HOURS = "tocsin.choose_hours"
    TYPED = "tocsin.typed"  # a field: text, number, date and time


class Form(StrEnum):
    """A modal: its `callback_id`."""

    RESOLVE = "tocsin.form.resolve"
    ARCHIVE = "tocsin.form.archive"
    COMMENT = "tocsin.form.comment"
    TOLD = "tocsin.form.told"  # says something; there is nothing to submit


class Field(StrEnum):
    """The block of a field."""

    WHEN = "when"
    RELEASE = "release"
    UNTIL = "until"
    UNTIL_AT = "until_at"
    HOURS = "hours"
    TYPED_HOURS = "typed_hours"
    EVENTS = "events"
    USERS = "users"
    RATE_EVENTS = "rate_events"
    MINUTES = "minutes"
    TEXT = "text"


class Until(StrEnum):
    """How the modal asks what ends an archive: hours are a choice of their own there."""

    ESCALATING = "until_escalating"
    HOURS = "hours"
    TIME = "time"
    EVENTS = "events"
    USERS = "users"
    RATE = "rate"
    FOREVER = "forever"


OTHER_HOURS = "other"  # a choice of Field.HOURS: then Field.TYPED_HOURS has them
