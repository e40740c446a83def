"""What people type to Tocsin, by command or in a direct message: one table. The answer is for them alone."""

from __future__ import annotations

import html
from dataclasses import replace

from tocsin.errors import DomainError
from tocsin.slack import mrkdwn
from tocsin.slack.commands import about, issues, people, rules
from tocsin.slack.commands.typed import Command, Said, Typed, as_typed, for_linked
from tocsin.slack.link_tokens import Purpose

WORDS_MAX = 2  # of a command's name
QUOTED_MAX = 200


def answer(typed: Typed) -> Said:
    """What they are told, in the caller's transaction. What is no command gets help; what is refused its sentence."""
    words = typed.text.split()
    for number in range(min(WORDS_MAX, len(words)), 0, -1):
        command = COMMANDS.get(" ".join(words[:number]).lower())
        if command is not None:
            return _answered(command, replace(typed, rest=" ".join(words[number:])))
    return help_(typed) if not words else _unknown(typed)


def _answered(command: Command, typed: Typed) -> Said:
    try:
        return command.answer(typed)
    except DomainError as error:
        return Said(text=mrkdwn.escape(str(error)), is_final=True)


def _unknown(typed: Typed) -> Said:
    quoted = mrkdwn.code(html.unescape(typed.text), QUOTED_MAX)  # Slack has escaped it once
    return Said(text=f"Tocsin does not know {quoted}.\n{help_(typed).text}")


def help_(typed: Typed) -> Said:
    lines = (f"{as_typed(each.usage)} – {each.explained}" for each in COMMANDS.values())
    return Said(text="\n".join(("You can type:", *lines)))


COMMANDS: dict[str, Command] = {
    "help": Command(usage="help", explained="this list", answer=help_),
    "link": Command(
        usage="link", explained="connect your Tocsin account, so that your clicks count", answer=people.link
    ),
    "unlink": Command(usage="unlink", explained="disconnect it", answer=people.unlink),
    "link team": Command(
        usage="link team",
        explained="in a channel: tell a team there what concerns all of it",
        answer=people.of_team(Purpose.LINK_TEAM, "link team"),
    ),
    "unlink team": Command(
        usage="unlink team",
        explained="in a channel: end that",
        answer=people.of_team(Purpose.UNLINK_TEAM, "unlink team"),
    ),
    "issues": Command(
        usage="issues is:new level:error",
        explained="the first ten that a search finds; without one the unresolved ones",
        answer=for_linked(issues.listed),
    ),
    "issue": Command(usage="issue SHOP-1", explained="one issue, with its buttons", answer=for_linked(issues.shown)),
    "resolve": Command(usage="resolve SHOP-1", explained="resolve it now", answer=for_linked(issues.resolve)),
    "assign": Command(
        usage="assign SHOP-1 to me",
        explained="or to `@somebody`, an e-mail, `#team`, `team:slug`, `nobody`",
        answer=for_linked(issues.assign),
    ),
    "mute": Command(
        usage=rules.EXAMPLE,
        explained="in a channel: a rule tells it nothing for hours (`2h`), days (`1d`) or a week (`1w`)",
        answer=rules.mute,
    ),
    "status": Command(usage="status", explained="whether messages come through", answer=for_linked(about.status)),
    "settings": Command(usage="settings", explained="where to change what you are told", answer=about.settings_),
}
