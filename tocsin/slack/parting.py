"""Who is linked with whom, and the end of a link: both sides are told, and each organization concerned has it in its log."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from tocsin.accounts import audit
from tocsin.accounts.access import ROLES, Right, organizations_of
from tocsin.accounts.models import Member, Organization, User
from tocsin.errors import NotFound
from tocsin.notifications import email
from tocsin.slack import mrkdwn
from tocsin.slack.models import Connection, Identity, Installation, ResponseUrl, Workspace
from tocsin.slack.payloads import Place
from tocsin.slack.telling import Listener, tell

IDENTITIES_PATH = "/accounts/slack/"


def served(workspace: Workspace, user: User) -> QuerySet[Organization]:
    """The organizations that this workspace serves and the person belongs to."""
    return organizations_of(user).filter(slack_connections__installation__workspace=workspace).distinct()


def identities_of(user: User) -> QuerySet[Identity]:
    """Their own, oldest first."""
    return Identity.objects.filter(user=user).select_related("workspace", "user").order_by("linked_at", "pk")


def identities_in(organization: Organization) -> QuerySet[Identity]:
    """Those of its members in the workspaces that serve it, by person."""
    workspaces = Connection.objects.filter(organization=organization).values("installation__workspace")
    return (
        Identity.objects.filter(workspace__in=workspaces, user__memberships__organization=organization)
        .select_related("workspace", "user")
        .order_by("user__email", "pk")
    )


def disconnect(identity_id: int, visitor: User, now: datetime) -> str:
    """End a link, one's own or that of somebody whom the visitor manages. Returns what was done, as plain text. Raises NotFound."""
    with transaction.atomic():
        identity = Identity.objects.select_for_update(of=("self",)).select_related("workspace", "user")
        found = identity.filter(pk=identity_id).first()
        if found is None or not may_part(found, visitor):
            raise NotFound("This connection is not there any more, or it is not yours to end.")
        return part(found, visitor, now)


def may_part(identity: Identity, visitor: User) -> bool:
    """Their own; or of a person of an organization which they manage and the workspace serves."""
    if identity.user_id == visitor.pk:
        return True
    managed = served(identity.workspace, visitor).filter(members__user=visitor, members__role__in=ROLES[Right.MANAGE])
    return Member.objects.filter(user=identity.user_id, organization__in=managed).exists()


def part(
    identity: Identity,
    visitor: User,
    now: datetime,
    *,
    listener: Listener | None = None,
    kept_url: ResponseUrl | None = None,
) -> str:
    """End it. `listener`: the road to the Slack user, where a click has opened one; else a direct message."""
    identity.delete()
    person, workspace, slack_user_id = identity.user, identity.workspace, identity.slack_user_id
    is_own = identity.user_id == visitor.pk
    _tell_slack_user(
        identity,
        f"You are no longer connected to {mrkdwn.line(person.email)}"
        f"{'' if is_own else f' by {mrkdwn.line(visitor.email)}'}. Press a button to connect again.",
        now,
        listener=listener,
        kept_url=kept_url,
    )
    who = "You have disconnected" if is_own else f"{visitor.display_name} ({visitor.email}) has disconnected"
    email.add(
        person,
        "Your account is no longer connected to Slack",
        f"{who} the Slack user {slack_user_id} in {workspace} from your account {person.email}.\n\n"
        f"{HOW_AGAIN}\n\n{_yours()}",
        now=now,
    )
    sentence = f"The Slack user {slack_user_id} is no longer connected to {person.email}."
    audit.record(served(workspace, person), "slack.unlink", f"{sentence} ({workspace})", by=visitor, now=now)
    return sentence


HOW_AGAIN = "To connect again, press a button on one of Tocsin's messages in Slack."


def replace(identity: Identity, slack_user_id: str, user: User, now: datetime) -> None:
    """End a link that stands in the way of `slack_user_id` ↔ `user`, and tell whoever loses by it."""
    identity.delete()
    workspace = identity.workspace
    if identity.slack_user_id != slack_user_id:
        said = f"{mrkdwn.line(user.email)} is now connected to {mrkdwn.mention(slack_user_id)}."
        _tell_slack_user(identity, f"{said} You are no longer connected to that account.", now)
    if identity.user_id != user.pk:
        email.add(
            identity.user,
            "Your account is no longer connected to Slack",
            f"The Slack user {identity.slack_user_id} in {workspace} was connected to your account "
            f"{identity.user.email}, and is now connected to another account.\n\n{HOW_AGAIN}\n\n{_yours()}",
            now=now,
        )
    lost = f"The Slack user {identity.slack_user_id} is no longer connected to {identity.user.email}: replaced."
    audit.record(served(workspace, identity.user), "slack.unlink", f"{lost} ({workspace})", by=user, now=now)


def linked(identity: Identity, name: str, now: datetime) -> None:
    """Tell the account that a Slack user acts for it now. `name` is what Slack calls them."""
    person, workspace = identity.user, identity.workspace
    who = f"{email.one_line(name)} ({identity.slack_user_id})" if name else identity.slack_user_id
    email.add(
        person,
        "Your account is connected to Slack",
        f"The Slack user {who} in {workspace} is now connected to your account {person.email}: "
        f"what they press in Slack is done in your name.\n\n{_yours()}\n"
        "If this was not you, disconnect it there and change your password.",
        now=now,
    )
    sentence = f"The Slack user {identity.slack_user_id} is connected to {person.email}. ({workspace})"
    audit.record(served(workspace, person), "slack.link", sentence, by=person, now=now)


def _yours() -> str:
    return f"Your connections: {settings.TOCSIN_URL}{IDENTITIES_PATH}"


def _tell_slack_user(
    identity: Identity,
    text: str,
    now: datetime,
    *,
    listener: Listener | None = None,
    kept_url: ResponseUrl | None = None,
) -> None:
    """Directly, where no click has opened another road. A workspace that is not connected any more is told nothing."""
    if listener is None:
        installation = Installation.objects.filter(
            workspace=identity.workspace, state=Installation.State.CONNECTED
        ).first()
        if installation is None:
            return
        listener = Listener(
            installation=installation,
            workspace=identity.workspace,
            slack_user_id=identity.slack_user_id,
            place=Place(),
        )
    tell(listener, text, now, kept_url=kept_url)
