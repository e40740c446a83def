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
    MUTE_FORM = "tocsin.mute_form"
    UNMUTE = "tocsin.unmute"
    PRIORITY_FORM = "tocsin.priority_form"
    ACKNOWLEDGE = "tocsin.acknowledge"
    OPEN = "tocsin.open"  # a link button: the browser opens the page, Slack still tells us
    CONNECT = "tocsin.connect"  # a link button: the page that links a Slack user
    UNFURL_PROMPT = "tocsin.unfurl_prompt"  # "link": the browser opens the page that links, and the question goes away
    UNFURL_NOT_NOW = "tocsin.unfurl_not_now"  # "ignore": it goes away
    # In attachments of old: these names are the wire's.
    STATUS = "status"  # the value says which: "resolved", "resolved:inNextRelease", "ignored", "unresolved" …
    ASSIGN_OLD = "assign"  # as ASSIGN
    RESOLVE_DIALOG = "resolve_dialog"
    # In modals.
    CHOOSE_RESOLVE = "tocsin.choose_resolve"
    CHOOSE_RELEASE = "tocsin.choose_release"
    CHOOSE_ARCHIVE = "tocsin.choose_archive"
    CHOOSE_HOURS = "tocsin.choose_hours"
    CHOOSE_RULE = "tocsin.choose_rule"
    CHOOSE_MUTE = "tocsin.choose_mute"
    CHOOSE_PRIORITY = "tocsin.choose_priority"
    SEARCH = "tocsin.search"  # a field in which issues are looked for
    PICK_ISSUE = "tocsin.pick_issue"  # a button beside an issue that was found
    TICK_ISSUES = "tocsin.tick_issues"  # check boxes; a value is "issue:version"
    CHOOSE_BULK = "tocsin.choose_bulk"  # what to do with them: a Many
    CHOOSE_ASSIGNEE = "tocsin.choose_assignee"  # as ASSIGN
    CHOOSE_ISSUE = "tocsin.choose_issue"  # a menu whose options are searched here: ids of issues
    CHOOSE_ORGANIZATION = "tocsin.choose_organization"
    TYPED = "tocsin.typed"  # a field: text, number, date and time


class Form(StrEnum):
    """A modal: its `callback_id`."""

    RESOLVE = "tocsin.form.resolve"
    ARCHIVE = "tocsin.form.archive"
    COMMENT = "tocsin.form.comment"
    MUTE = "tocsin.form.mute"
    UNMUTE = "tocsin.form.unmute"  # comes instead of MUTE where all is muted
    PRIORITY = "tocsin.form.priority"
    FIND = "tocsin.form.find"
    TRIAGE = "tocsin.form.triage"
    BULK_DONE = "tocsin.form.bulk_done"  # what was done to many; submitting it undoes that
    COMMENT_MESSAGE = "tocsin.form.comment_message"
    TOLD = "tocsin.form.told"  # says something; there is nothing to submit


class ShortcutId(StrEnum):
    """A shortcut of the app: its `callback_id`, as the app is configured at Slack."""

    FIND = "tocsin.find"  # global
    TRIAGE = "tocsin.triage"  # global
    COMMENT = "tocsin.comment"  # on a message


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
    RULE = "rule"
    MUTE_HOURS = "mute_hours"
    PRIORITY = "priority"
    QUERY = "query"
    ISSUES = "issues"  # followed by what tells one list from another: blocks.searches
    WHAT = "what"
    ASSIGNEE = "assignee"
    ISSUE = "issue"
    ORGANIZATION = "organization"


class Until(StrEnum):
    """How the modal asks what ends an archive: hours are a choice of their own there."""

    ESCALATING = "until_escalating"
    HOURS = "hours"
    TIME = "time"
    EVENTS = "events"
    USERS = "users"
    RATE = "rate"
    FOREVER = "forever"


class Many(StrEnum):
    """What may be done to several issues at once."""

    RESOLVE = "resolve"
    ARCHIVE = "archive"  # until each escalates
    REOPEN = "reopen"
    ASSIGN = "assign"


OTHER_HOURS = "other"  # a choice of Field.HOURS: then Field.TYPED_HOURS has them
