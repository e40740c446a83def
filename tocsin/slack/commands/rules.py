"""What is typed about rules: mute one in this channel."""

from __future__ import annotations

import html
import re

from tocsin import bus
from tocsin.alerts.commands import MuteRule
from tocsin.alerts.models import Destination, Rule
from tocsin.errors import Invalid, NotFound
from tocsin.slack import mrkdwn, searches
from tocsin.slack.commands.typed import Said, Typed, as_typed, for_linked, straight
from tocsin.slack.identity import Person
from tocsin.slack.models import Card

LINE = re.compile(r"(?P<name>.+?)\s+(?P<number>[0-9]{1,3})\s*(?P<unit>[hdw])", re.IGNORECASE | re.DOTALL)
HOURS = {"h": 1, "d": 24, "w": 7 * 24}
LOOKED_AT = 100  # the newest cards of a channel
EXAMPLE = 'mute "New errors" 2h'


def mute(typed: Typed) -> Said:
    """In the channel that the rule tells, for hours, days or a week."""
    if typed.is_direct:
        return Said(text=f"Type {as_typed(EXAMPLE)} in the channel that the rule tells.")
    return for_linked(_mute)(typed)


def _mute(typed: Typed, person: Person) -> Said:
    found = LINE.fullmatch(straight(html.unescape(typed.rest)))
    if found is None:
        raise Invalid(f"Say which rule, and for how long, as in {as_typed(EXAMPLE).strip('`')}.", field="hours")
    name = found["name"].strip().strip("\"'")
    rule, destination = _rule_here(name, typed, person)
    card = _newest_card(rule, destination, typed)
    hours = int(found["number"]) * HOURS[found["unit"].lower()]
    command = MuteRule(issue_id=card.subject_id, destination_id=destination.pk, rule_ids=(rule.pk,), hours=hours)
    performed = bus.perform(command, by=typed.actor(person))
    if performed.sentence:
        return Said(text=mrkdwn.escape(performed.sentence), is_final=True)
    how_long = f"{hours} hour{'' if hours == 1 else 's'}"
    return Said(text=f"The rule {mrkdwn.line(rule.name)} is muted here for {how_long}.", is_final=True)


def _rule_here(name: str, typed: Typed, person: Person) -> tuple[Rule, Destination]:
    """Of an organization of theirs. Raises NotFound, and Invalid where several are called so."""
    address = f"{typed.listener.workspace.team_id}/{typed.listener.place.channel}"
    here = Destination.objects.filter(
        organization__in=searches.served(person.user, typed.listener.installation),
        kind="slack",
        address=address,
        rules__name__iexact=name,
    )
    found = list(here.values_list("pk", "rules__pk").distinct()[:2])
    if not found:
        raise NotFound(f"No rule called {name[:60]} tells this channel.")
    if len(found) > 1:
        raise Invalid(
            f"Several rules are called {name[:60]} here: mute the one you mean on a card of it.", field="rule"
        )
    destination_id, rule_id = found[0]
    return Rule.objects.get(pk=rule_id), Destination.objects.get(pk=destination_id)


def _newest_card(rule: Rule, destination: Destination, typed: Typed) -> Card:
    """A rule is muted by whoever may triage what it told of."""
    cards = Card.objects.filter(
        organization_id=destination.organization_id, destination=destination, subject_kind="issue"
    ).order_by("-pk")[:LOOKED_AT]
    found = next((card for card in cards if rule.pk in card.rules), None)
    if found is None:
        raise NotFound(f"The rule {rule.name} has told this channel of nothing yet: mute it on its first card.")
    return found
