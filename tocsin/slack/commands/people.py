"""link, unlink, and the same for teams."""

from __future__ import annotations

from tocsin.accounts.access import organizations_of
from tocsin.slack import linking, mrkdwn, team_channels
from tocsin.slack.commands.typed import Answering, Said, Typed, as_typed, for_linked
from tocsin.slack.identity import Person
from tocsin.slack.link_tokens import Purpose


def link(typed: Typed) -> Said:
    person = typed.person
    if person is None:
        return Said(text=linking.invite(typed.listener, typed.name, typed.now, then="and your clicks count"))
    is_served = organizations_of(person.user).filter(pk__in=typed.listener.organizations).exists()
    lacks = "" if is_served else " That account is in no organization that this workspace is connected to."
    known = f"You are connected as {mrkdwn.line(person.user.email)}.{lacks}"
    return Said(text=f"{known} To change that, type {as_typed('unlink')} first.")


def unlink(typed: Typed) -> Said:
    person = typed.person
    if person is None:
        return Said(text=f"You are not connected. To connect, type {as_typed('link')}.")
    return Said(text=linking.unlink(typed.listener, typed.name, person.user, typed.now))


def of_team(purpose: Purpose, line: str) -> Answering:
    def answered(typed: Typed, person: Person) -> Said:
        text = team_channels.invite(
            typed.listener, purpose, person, typed.now, name=typed.name, channel_name=typed.channel_name
        )
        return Said(text=text)

    def where(typed: Typed) -> Said:
        if typed.is_direct:
            return Said(text=f"Type {as_typed(line)} in the team's channel.")
        return for_linked(answered)(typed)

    return where
