"""The buttons that change what state an issue is in."""

from __future__ import annotations

from tocsin.issues.commands import Acknowledge, Archive, ArchiveUntil, Command, Reopen, Resolve, Undo
from tocsin.slack.action_ids import Form
from tocsin.slack.identity import Person
from tocsin.slack.payloads import Click
from tocsin.slack.replies import Modal, Reply, Whisper


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


def comment_form(click: Click, person: Person) -> Reply:
    return Modal(form=Form.COMMENT)
