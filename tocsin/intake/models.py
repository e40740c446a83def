"""What was taken in and not yet digested, and how many of what came."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from tocsin.accounts.models import Organization
from tocsin.projects.models import Key, Project


class Accepted(models.Model):
    """An event exactly as it came, until it is digested. One that cannot be digested stays, set aside, with the
    reason.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        SET_ASIDE = "set_aside"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    event_id = models.CharField(max_length=32)
    accepted_at = models.DateTimeField()  # the database's clock
    snapshot = models.TextField(blank=True)  # PostgreSQL's, then: which changes had been committed; empty on SQLite
    encoding = models.CharField(max_length=8, default="identity")  # how `payload` is packed: identity or zlib
    payload = models.BinaryField()  # the event item's JSON
    address = models.CharField(max_length=45, blank=True, db_default="")  # who sent it; forgotten with this row
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "project", "event_id"], name="accepted_event_once")
        ]
        indexes: ClassVar = [models.Index(fields=["state", "id"], name="accepted_waiting")]


class ItemCount(models.Model):
    """How many items of a kind a project sent in an hour, and what became of them."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    hour = models.DateTimeField()
    kind = models.CharField(max_length=32)  # event, transaction, session…: the item's type
    outcome = models.CharField(max_length=16)  # of counts.Outcome
    count = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization", "project", "hour", "kind", "outcome"], name="item_count_once_an_hour"
            )
        ]


class QuotaSpent(models.Model):
    """How many events a project with a quota has sent in its latest period. One row a project, shared by all processes."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    begins = models.DateTimeField()  # the period, by the database's clock
    count = models.PositiveBigIntegerField()  # those that were refused because it was spent are in it

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["organization", "project"], name="quota_spent_once")]


class KeyMinute(models.Model):
    """How many requests a key with a limit has sent in its latest minute. One row a key, shared by all processes."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    key = models.ForeignKey(Key, on_delete=models.CASCADE, related_name="+")
    minute = models.DateTimeField()  # its beginning, by the database's clock
    count = models.PositiveBigIntegerField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["organization", "key"], name="key_minute_once")]
