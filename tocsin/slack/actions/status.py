"""The buttons that change what state an issue is in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from tocsin.issues.commands import Acknowledge, Archive, ArchiveUntil, Command, Reopen, Resolve, ResolveIn, Undo
from tocsin.slack.action_ids import Form
from tocsin.slack.identity import Person
from tocsin.slack.payloads import Click
from tocsin.slack.replies import Dialog, Modal, Reply, Whisper

UNKNOWN = "Tocsin does not know that button any more. Nothing was changed. Open the issue in Tocsin instead."


def resolve(click: Click, person: Person) -> Command:
    return Resolve(issue_id=click.issue.id, seen_version=click.issue.version)


def resolve_form(click: Click, person: Person) -> Reply:
    return Modal(form=Form.RESOLVE)


def reopen(click: Click, person: Person) -> Command:
    return Reopen(issue_id=click.issue.id, seen_version=click.issue.version)


def archive(click: Click, person: Person) -> Command:
    return Archive(issue_id=click.issue.id, until=ArchiveUntil.FOREVER, seen_version=click.issue.version)


def archive_form(click: Click, person: Person) -> Reply:
    return Modal(form=Form.ARCHIVE)


def acknowledge(click: Click, person: Person) -> Command:
    return Acknowledge(issue_id=click.issue.id)


def undo(click: Click, person: Person) -> Command | Reply:
    if not click.issue.undo:
        return Whisper(text="There is nothing here that could be undone.")
    return Undo(issue_id=click.issue.id, activity_id=click.issue.undo)


def priority_form(click: Click, person: Person) -> Reply:
    return Modal(form=Form.PRIORITY)


def comment_form(click: Click, person: Person) -> Reply:
    return Modal(form=Form.COMMENT)


# --- attachments of old: what the value asks for ---------------------------------------------------------------------

Asked = Callable[[int, int | None, int], Command]  # the issue, the version that was seen, and a number
VALUE = re.compile(r"(?P<name>[A-Za-z_:]{1,60}?)(?::(?P<number>[1-9][0-9]{0,8}))?")


def by_value(click: Click, person: Person) -> Command | Reply:
    return asked(click) or Whisper(text=UNKNOWN)


def asked(click: Click) -> Command | None:
    """None for a value that we do not know."""
    found = VALUE.fullmatch(click.value)
    ask = VALUES.get((found["name"], found["number"] is not None)) if found else None
    return ask(click.issue.id, click.issue.version, int(found["number"] or 0)) if found and ask else None


def resolve_dialog(click: Click, person: Person) -> Reply:
    return Dialog()


def _resolve(when: ResolveIn) -> Asked:
    return lambda issue, seen, _: Resolve(issue_id=issue, when=when, seen_version=seen)


def _archive(until: ArchiveUntil) -> Asked:
    return lambda issue, seen, _: Archive(issue_id=issue, until=until, seen_version=seen)


def _until_events(issue: int, seen: int | None, number: int) -> Command:
    return Archive(issue_id=issue, until=ArchiveUntil.EVENTS, events=number, seen_version=seen)


def _reopen(issue: int, seen: int | None, _: int) -> Command:
    return Reopen(issue_id=issue, seen_version=seen)


# (value, whether a number follows it)
VALUES: Mapping[tuple[str, bool], Asked] = {
    ("resolved", False): _resolve(ResolveIn.NOW),
    ("resolved:inNextRelease", False): _resolve(ResolveIn.NEXT_RELEASE),
    ("resolved:inCurrentRelease", False): _resolve(ResolveIn.CURRENT_RELEASE),
    ("ignored", False): _archive(ArchiveUntil.UNTIL_ESCALATING),
    ("ignored:archived_until_escalating", False): _archive(ArchiveUntil.UNTIL_ESCALATING),
    ("ignored:archived_forever", False): _archive(ArchiveUntil.FOREVER),
    ("ignored:archived_until_condition_met", True): _until_events,
    ("unresolved", False): _reopen,
    ("unresolved:ongoing", False): _reopen,
}
