"""When somebody is told, and where."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from tocsin.accounts.models import Organization, User
from tocsin.issues.models import Issue
from tocsin.projects.models import Project


class Destination(models.Model):
    """A place that can be told. `address` is understood by the room that serves `kind`: Slack's is "T1/C1"."""

    class Style(models.TextChoices):
        BLOCKS = "blocks"
        ATTACHMENTS = "attachments"  # of old

    class Privacy(models.TextChoices):
        FULL = "full"
        NO_MESSAGE = "no_message"  # the exception's type and culprit only
        TITLE_ONLY = "title_only"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="destinations")
    kind = models.CharField(max_length=16)
    address = models.CharField(max_length=255)
    name = models.CharField(max_length=100)  # as people know it: "#alerts"
    style = models.CharField(max_length=12, choices=Style.choices, default=Style.BLOCKS)
    privacy = models.CharField(max_length=12, choices=Privacy.choices, default=Privacy.FULL)
    fault = models.CharField(max_length=300, blank=True)  # why it cannot be told now, and what to do
    fault_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "kind", "address"], name="destination_once")
        ]

    def __str__(self) -> str:
        return self.name


class Rule(models.Model):
    """When an issue of the project is new or has regressed, tell these destinations."""

    class When(models.TextChoices):
        FIRST_SEEN = "first_seen"
        REGRESSED = "regressed"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="rules")
    name = models.CharField(max_length=100)
    is_active = models.BooleanField(default=True)
    when = models.JSONField(default=list)  # of When; any of them
    tags = models.JSONField(default=list)  # keys of tags to show on the card
    note = models.CharField(max_length=1000, blank=True)  # shown on the card; may mention people
    destinations = models.ManyToManyField(Destination, through="RuleDestination", related_name="rules")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class RuleDestination(models.Model):
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, related_name="rule_destinations")
    destination = models.ForeignKey(Destination, on_delete=models.CASCADE, related_name="rule_destinations")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "rule", "destination"], name="rule_destination_once")
        ]


class Firing(models.Model):
    """That a rule fired for an episode of an issue. The unique key is the claim: two workers never both fire."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, related_name="firings")
    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="+")
    episode = models.PositiveIntegerField()
    event_id = models.CharField(max_length=32)
    fired_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "rule", "issue", "episode"], name="firing_once_an_episode")
        ]


class RuleMute(models.Model):
    """That a rule tells a destination nothing until then, for everybody. The row stays when it has ended: it says who did what."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, related_name="mutes")
    destination = models.ForeignKey(Destination, on_delete=models.CASCADE, related_name="mutes")
    issue = models.ForeignKey(
        Issue, null=True, on_delete=models.SET_NULL, related_name="+"
    )  # on whose card it is shown
    until = models.DateTimeField()
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)  # by the clock, or by somebody
    ended_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization", "rule", "destination"],
                condition=Q(ended_at__isnull=True),
                name="rule_mute_once_at_a_time",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["until"], name="mutes_that_end", condition=Q(ended_at__isnull=True)),
        ]
