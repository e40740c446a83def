"""What Tocsin knows of Slack: workspaces, who is who there, and which messages are views of what."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from tocsin import crypto
from tocsin.accounts.models import Organization, Team, User
from tocsin.alerts.models import Destination


class Workspace(models.Model):
    """A Slack team. Shared: it may serve several organizations."""

    team_id = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=100, blank=True)
    url = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return self.name or self.team_id


class Installation(models.Model):
    """Our app in a workspace, or (workspace null) in a whole enterprise."""

    class State(models.TextChoices):
        CONNECTED = "connected"
        DISCONNECTED = "disconnected"

    workspace = models.ForeignKey(Workspace, null=True, on_delete=models.CASCADE, related_name="installations")
    enterprise_id = models.CharField(max_length=40, blank=True)
    key = models.CharField(max_length=90, unique=True)  # "T1", "E1/T1" or "E1/": what the token is sealed for
    bot_token = models.CharField(max_length=1000, blank=True)  # sealed
    bot_user_id = models.CharField(max_length=40, blank=True)
    bot_id = models.CharField(max_length=40, blank=True)
    scopes = models.CharField(max_length=2000, blank=True)  # comma list, as granted; empty: unknown
    state = models.CharField(max_length=14, choices=State.choices, default=State.CONNECTED)
    installed_at = models.DateTimeField()
    organizations = models.ManyToManyField(Organization, through="Connection", related_name="slack_installations")

    def seal_token(self, token: str) -> None:
        self.bot_token = crypto.seal(token, table="installation", column="bot_token", row=self.key)

    @property
    def token(self) -> str:
        """The bot token in clear. Raises crypto.CannotOpen."""
        return crypto.unseal(self.bot_token, table="installation", column="bot_token", row=self.key)


class Connection(models.Model):
    """That an organization is served by an installation."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="slack_connections")
    installation = models.ForeignKey(Installation, on_delete=models.CASCADE, related_name="connections")
    allows_outsiders = models.BooleanField(default=False)  # guests, and people of other companies, may be linked

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "installation"], name="connection_once")
        ]


class Identity(models.Model):
    """Who a Slack user is here. One to one within a workspace."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="identities")
    slack_user_id = models.CharField(max_length=40)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="slack_identities")
    linked_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "slack_user_id"], name="identity_once_per_slack_user"),
            models.UniqueConstraint(fields=["workspace", "user"], name="identity_once_per_user"),
        ]


class TeamChannel(models.Model):
    """A channel in which a team is told what concerns all of it."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="slack_channels")
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="team_channels")
    channel = models.CharField(max_length=40)
    channel_name = models.CharField(max_length=100, blank=True)  # when it was connected; empty: a private one
    linked_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    linked_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "team", "workspace", "channel"], name="team_channel_once")
        ]
        indexes: ClassVar = [models.Index(fields=["workspace", "channel"], name="team_channels_at")]

    @property
    def shown(self) -> str:
        """How pages name the channel."""
        return f"#{self.channel_name}" if self.channel_name else f"a private channel ({self.channel})"


class Card(models.Model):
    """A Slack message that is a view of something. The row is claimed without ts; only the sender fills what
    Slack gave.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="cards")
    destination = models.ForeignKey(Destination, null=True, on_delete=models.SET_NULL, related_name="+")
    subject_kind = models.CharField(max_length=16)  # issue
    subject_id = models.BigIntegerField()
    address = models.CharField(max_length=100)  # "T1/C1": where it was asked for
    number = models.PositiveIntegerField(default=1)  # 2, 3 … when an old or gone card was followed by a new one
    is_current = models.BooleanField(default=True)
    is_gone = models.BooleanField(default=False)  # deleted at Slack, or no longer editable
    channel = models.CharField(max_length=40, blank=True)  # the id in Slack's answer
    ts = models.CharField(max_length=40, blank=True)
    style = models.CharField(max_length=12, default="blocks")
    unfurl_url = models.CharField(max_length=2000, blank=True)  # the link that it stands below, as Slack named it
    unfurl_key = models.CharField(max_length=64, blank=True)  # SHA-256 of that message and that link; empty: no unfurl
    privacy = models.CharField(max_length=12, blank=True)  # where there is no destination that says it
    rules = models.JSONField(default=list)  # ids of the rules that asked for it
    event_id = models.CharField(max_length=32, blank=True)  # the event that fired
    episode = models.PositiveIntegerField(default=1)  # the newest that this card's thread was told of
    version = models.PositiveBigIntegerField(default=0)  # of the subject, as rendered last
    content_hash = models.CharField(max_length=64, blank=True)  # of what Slack shows; empty: unknown
    permalink = models.CharField(max_length=300, blank=True)
    delivery_key = models.CharField(max_length=32)  # in the message's metadata: how a lost answer is looked up
    error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    posted_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=[
                    *("organization", "workspace", "subject_kind", "subject_id", "address", "unfurl_key", "number"),
                ],
                name="card_once_per_number",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["organization", "subject_kind", "subject_id"], name="cards_of_subject"),
            models.Index(fields=["workspace", "channel", "ts"], name="card_by_ts"),
            models.Index(fields=["created_at"], name="card_age"),
        ]

    @property
    def outbox_subject(self) -> str:
        """What orders deliveries about this card: replies and refreshes wait for the post."""
        return f"card:{self.pk}"


class WaitingLink(models.Model):
    """A link of somebody who was not linked when they posted it: it unfurls when they are, for a day."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    slack_user_id = models.CharField(max_length=40)
    channel = models.CharField(max_length=40)
    ts = models.CharField(max_length=40)
    url = models.CharField(max_length=2000)
    is_connect = models.BooleanField(default=False)  # the channel is shared with another company
    created_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["workspace", "slack_user_id"], name="waiting_links_of")]


class Received(models.Model):
    """A delivery of Slack's that had an effect, so that the same one again has none."""

    installation = models.ForeignKey(Installation, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=64)  # SHA-256 of what tells this delivery apart
    kind = models.CharField(max_length=24)
    outcome = models.JSONField(default=dict)  # the kind of answer; rendered anew when asked again
    received_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["installation", "key"], name="received_once")]
        indexes: ClassVar = [models.Index(fields=["received_at"], name="received_age")]


class ResponseUrl(models.Model):
    """A response_url: a secret good for 30 minutes and five uses, then deleted."""

    installation = models.ForeignKey(Installation, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=32, unique=True)  # random; what it is sealed for
    url = models.CharField(max_length=2000)  # sealed
    uses = models.PositiveSmallIntegerField(default=0)
    expires_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["expires_at"], name="response_url_age")]

    def seal_url(self, url: str) -> None:
        self.url = crypto.seal(url, table="response_url", column="url", row=self.key)

    @property
    def clear_url(self) -> str:
        """The address in clear. Raises crypto.CannotOpen."""
        return crypto.unseal(self.url, table="response_url", column="url", row=self.key)


class LinkToken(models.Model):
    """A one-time page that connects or disconnects a Slack user, or a team and a channel. The database keeps the token's hash
    only.
    """

    class Purpose(models.TextChoices):
        LINK = "link"
        UNLINK = "unlink"
        LINK_TEAM = "link_team"
        UNLINK_TEAM = "unlink_team"

    purpose = models.CharField(max_length=12, choices=Purpose.choices)
    token_hash = models.CharField(max_length=64, unique=True)
    installation = models.ForeignKey(Installation, on_delete=models.CASCADE, related_name="+")
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    slack_user_id = models.CharField(max_length=40)
    slack_user_name = models.CharField(max_length=100, blank=True)
    channel = models.CharField(max_length=40, blank=True)
    channel_name = models.CharField(max_length=100, blank=True)
    response_url = models.ForeignKey(ResponseUrl, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)


class KeptClick(models.Model):
    """What an unlinked person pressed, to be done once they are linked, if they still want it."""

    token = models.OneToOneField(LinkToken, on_delete=models.CASCADE, related_name="kept_click")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    issue_id = models.BigIntegerField()
    action = models.CharField(max_length=64)  # an action id
    value = models.CharField(max_length=2000, blank=True)
    chosen = models.CharField(max_length=2000, blank=True)  # of a menu
    version = models.PositiveBigIntegerField(default=0)  # of the issue when it was pressed
    created_at = models.DateTimeField()


class OpenedView(models.Model):
    """A modal in front of somebody: what its `private_metadata` names, and what Slack does not send again."""

    key = models.CharField(max_length=32, db_index=True)  # random: the private_metadata
    installation = models.ForeignKey(Installation, on_delete=models.CASCADE, related_name="+")
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    slack_user_id = models.CharField(max_length=40)
    form = models.CharField(max_length=32)  # a Form
    issue_id = models.BigIntegerField()
    version = models.PositiveBigIntegerField(null=True)  # that the person looked at; null: whatever it is now
    values = models.JSONField(default=dict)  # of a form that asks "Do it anyway": what it held
    channel = models.CharField(max_length=40, blank=True)  # where the button was pressed
    ts = models.CharField(max_length=40, blank=True)
    thread_ts = models.CharField(max_length=40, blank=True)
    is_ephemeral = models.BooleanField(default=False)  # the button was on a message that one person sees
    is_unfurl = models.BooleanField(default=False)
    response_url = models.ForeignKey(ResponseUrl, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["organization", "key"], name="opened_view_once")]
        indexes: ClassVar = [models.Index(fields=["created_at"], name="opened_view_age")]
