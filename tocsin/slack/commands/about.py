"""status and settings."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import Count, Min

from tocsin.accounts.access import manages
from tocsin.outbox.models import OPEN, Delivery
from tocsin.slack import mrkdwn, searches
from tocsin.slack.commands.typed import Said, Typed, as_typed
from tocsin.slack.identity import Person
from tocsin.slack.parting import IDENTITIES_PATH

LATE = timedelta(minutes=1)
RECENT = timedelta(hours=24)


def status(typed: Typed, person: Person) -> Said:
    """Of what waits for this workspace: how much, since when, and why; and what was given up in the last day."""
    pool = f"slack:{typed.listener.workspace.team_id}"
    mine = Delivery.objects.filter(pool=pool)
    waiting = mine.filter(OPEN).aggregate(number=Count("pk"), oldest=Min("created_at"))
    failed = mine.filter(abandoned_at__gt=typed.now - RECENT).count()
    late = waiting["oldest"] is not None and typed.now - waiting["oldest"] > LATE
    lines = [
        f"Messages to this workspace come late: {waiting['number']} wait, the oldest since {mrkdwn.date(waiting['oldest'])}."
        if late
        else "Messages to this workspace come through."
    ]
    if late and (why := _why(pool)):
        lines.append(why)
    if failed:
        lines.append(f"{failed} could not be delivered in the last 24 hours.")
    return Said(text="\n".join(lines))


def _why(pool: str) -> str:
    row = Delivery.objects.filter(OPEN, pool=pool).exclude(error="").order_by("-attempts", "pk").first()
    return mrkdwn.line(row.error) if row else ""


def settings_(typed: Typed) -> Said:
    person = typed.person
    if person is None:
        return Said(text=f"You are not connected. To connect, type {as_typed('link')}.")
    mine = mrkdwn.link(f"{settings.TOCSIN_URL}{IDENTITIES_PATH}", "Your Slack connections")
    lines = [f"You are connected as {mrkdwn.line(person.user.email)}. {mine}."]
    for organization in searches.served(person.user, typed.listener.installation):
        if manages(person.user, organization):
            url = f"{settings.TOCSIN_URL}/organizations/{organization.slug}/slack/"
            lines.append(f"{mrkdwn.link(url, f'People in Slack of {organization.name}')}.")
    return Said(text="\n".join(lines))
