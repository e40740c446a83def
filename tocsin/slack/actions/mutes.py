"""Muting the rules of a card, in the channel where it hangs."""

from __future__ import annotations

from tocsin.alerts.commands import Command, MuteRule, UnmuteRules
from tocsin.slack.action_ids import Field, Form
from tocsin.slack.actions.forms import About, number
from tocsin.slack.hanging import hanging_at
from tocsin.slack.identity import Person
from tocsin.slack.payloads import Click, ViewSeen
from tocsin.slack.replies import Modal, Reply


def mute_form(click: Click, person: Person) -> Reply:
    return Modal(form=Form.MUTE)


def unmute(click: Click, person: Person) -> Command:
    return _unmuted(
        About(issue_id=click.issue.id, seen_version=None, workspace_id=person.workspace.pk, place=click.place)
    )


def unmute_all(view: ViewSeen, about: About) -> Command:
    return _unmuted(about)


def mute(view: ViewSeen, about: About) -> Command:
    """Where only one can be meant, the modal has not asked which."""
    hanging = hanging_at(about.place, about.workspace_id, about.issue_id)
    is_asked = Field.RULE in view.values
    return MuteRule(
        issue_id=about.issue_id,
        destination_id=hanging.destination_id,
        rule_ids=(number(view, Field.RULE),) if is_asked else hanging.rule_ids,
        hours=number(view, Field.MUTE_HOURS),
    )


def _unmuted(about: About) -> Command:
    hanging = hanging_at(about.place, about.workspace_id, about.issue_id)
    return UnmuteRules(issue_id=about.issue_id, destination_id=hanging.destination_id, rule_ids=hanging.rule_ids)
