"""What people type to Tocsin: one table. The answer is for them alone."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from tocsin.accounts.access import organizations_of
from tocsin.slack import identity, linking, mrkdwn, team_channels
from tocsin.slack.identity import Person
from tocsin.slack.link_tokens import Purpose
from tocsin.slack.telling import Listener

WORDS_MAX = 2  # of a command's name
QUOTED_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What somebody typed, and where. `rest` is what follows the command's name."""

    listener: Listener
    text: str
    now: datetime
    name: str = ""  # what Slack calls them
    channel_name: str = ""
    rest: str = ""

    @property
    def is_direct(self) -> bool:
        """Whether they are alone with Tocsin, or at least in no channel."""
        return self.listener.place.channel.startswith("D") or self.channel_name == "directmessage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One that people may type. `usage` is what help says before the dash."""

    usage: str
    explained: str
    answer: Callable[[Typed], str]


def answer(typed: Typed) -> str:
    """What they are told, as finished mrkdwn, in the caller's transaction. What is no command gets help."""
    words = typed.text.split()
    for number in range(min(WORDS_MAX, len(words)), 0, -1):
        command = COMMANDS.get(" ".join(words[:number]).lower())
        if command is not None:
            return command.answer(_with_rest(typed, " ".join(words[number:])))
    return help_(typed) if not words else _unknown(typed)


def _with_rest(typed: Typed, rest: str) -> Typed:
    return Typed(
        listener=typed.listener,
        text=typed.text,
        now=typed.now,
        name=typed.name,
        channel_name=typed.channel_name,
        rest=rest,
    )


def _unknown(typed: Typed) -> str:
    quoted = mrkdwn.code(html.unescape(typed.text), QUOTED_MAX)  # Slack has escaped it once
    return f"Tocsin does not know {quoted}.\n{help_(typed)}"


def help_(typed: Typed) -> str:
    name = settings.TOCSIN_SLACK_COMMAND
    lines = (f"`{name} {each.usage}` – {each.explained}" for each in COMMANDS.values())
    return "\n".join(("You can type:", *lines))


# --- who they are ----------------------------------------------------------------------------------------------------


def _person(typed: Typed) -> Person | None:
    return identity.who(typed.listener.workspace, typed.listener.slack_user_id)


def _invited(typed: Typed) -> str:
    return linking.invite(typed.listener, typed.name, typed.now, then="then type it again")


def link(typed: Typed) -> str:
    person = _person(typed)
    if person is None:
        return linking.invite(typed.listener, typed.name, typed.now, then="and your clicks count")
    is_served = organizations_of(person.user).filter(pk__in=typed.listener.organizations).exists()
    lacks = "" if is_served else " That account is in no organization that this workspace is connected to."
    return (
        f"You are connected as {mrkdwn.line(person.user.email)}.{lacks} "
        f"To change that, type `{settings.TOCSIN_SLACK_COMMAND} unlink` first."
    )


def unlink(typed: Typed) -> str:
    person = _person(typed)
    if person is None:
        return f"You are not connected. To connect, type `{settings.TOCSIN_SLACK_COMMAND} link`."
    return linking.unlink(typed.listener, typed.name, person.user, typed.now)


# --- teams -----------------------------------------------------------------------------------------------------------


def _of_team(purpose: Purpose) -> Callable[[Typed], str]:
    def answered(typed: Typed) -> str:
        if typed.is_direct:
            return f"Type `{settings.TOCSIN_SLACK_COMMAND} {typed.text.strip().lower()}` in the team's channel."
        person = _person(typed)
        if person is None:
            return _invited(typed)
        return team_channels.invite(
            typed.listener, purpose, person, typed.now, name=typed.name, channel_name=typed.channel_name
        )

    return answered


COMMANDS: dict[str, Command] = {
    "help": Command(usage="help", explained="this list", answer=help_),
    "link": Command(usage="link", explained="connect your Tocsin account, so that your clicks count", answer=link),
    "unlink": Command(usage="unlink", explained="disconnect it", answer=unlink),
    "link team": Command(
        usage="link team",
        explained="in a channel: tell a team there what concerns all of it",
        answer=_of_team(Purpose.LINK_TEAM),
    ),
    "unlink team": Command(
        usage="unlink team", explained="in a channel: end that", answer=_of_team(Purpose.UNLINK_TEAM)
    ),
}
