"""The menu that says who looks after an issue. Its options are `options.assignees`."""

from __future__ import annotations

import re
from collections.abc import Callable

from tocsin.issues.commands import Assign, Command, Unassign
from tocsin.slack.identity import Person
from tocsin.slack.payloads import Click
from tocsin.slack.replies import Reply, Whisper

CHOICE = re.compile(r"(user|team):([1-9][0-9]{0,17})")
NOBODY = "none"
LINK = "link"  # what somebody chose who was not linked when the menu was opened

LINKED_NOW = "You are connected. Choose again: the menu now lists who can be assigned."
UNKNOWN = "Tocsin does not know that choice. Nothing was changed. Open the menu again and choose one of its entries."


def assign(click: Click, person: Person) -> Command | Reply:
    seen = click.issue.version
    if click.chosen == NOBODY:
        return Unassign(issue_id=click.issue.id, seen_version=seen)
    if click.chosen == LINK:
        return Whisper(text=LINKED_NOW)
    chosen = CHOICE.fullmatch(click.chosen)
    return TO[chosen[1]](click, int(chosen[2])) if chosen else Whisper(text=UNKNOWN)


def _to_user(click: Click, user_id: int) -> Command:
    return Assign(issue_id=click.issue.id, user_id=user_id, seen_version=click.issue.version)


def _to_team(click: Click, team_id: int) -> Command:
    return Assign(issue_id=click.issue.id, team_id=team_id, seen_version=click.issue.version)


TO: dict[str, Callable[[Click, int], Command]] = {"user": _to_user, "team": _to_team}
