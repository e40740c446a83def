"""What somebody typed, and what they are told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from tocsin.accounts.actor import Actor
from tocsin.slack import identity, linking
from tocsin.slack.identity import Person
from tocsin.slack.telling import Listener


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A line, and where it was typed. `rest` is what follows the command's name."""

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

    @property
    def person(self) -> Person | None:
        return identity.who(self.listener.workspace, self.listener.slack_user_id)

    def actor(self, person: Person) -> Actor:
        """They, doing something here and now."""
        return person.actor(self.now, self.listener.organizations)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What they are told: finished mrkdwn, and blocks that show it, where there is more to see. `is_final`: it was done or refused,
    and the same line delivered again is answered with these words alone.
    """

    text: str
    blocks: Sequence[dict[str, Any]] = ()
    is_final: bool = False


Answering = Callable[[Typed], Said]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One that people may type. `usage` is what help shows of it."""

    usage: str
    explained: str
    answer: Answering


def for_linked(answer: Callable[[Typed, Person], Said]) -> Answering:
    """Who is not linked is invited to link, and to type it again."""

    def answered(typed: Typed) -> Said:
        person = typed.person
        if person is None:
            return Said(text=linking.invite(typed.listener, typed.name, typed.now, then="then type it again"))
        return answer(typed, person)

    return answered


def as_typed(line: str) -> str:
    """A line as somebody would type it."""
    return f"`{settings.TOCSIN_SLACK_COMMAND} {line}`"


QUOTES = str.maketrans("“”„‟‘’‚‛", "\"\"\"\"''''")


def straight(text: str) -> str:
    """What phones make of quotes, undone."""
    return text.translate(QUOTES)
