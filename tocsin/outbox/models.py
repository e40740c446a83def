"""What is to be sent. A row says what it is about; the sender renders what is true when it sends."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q


class Priority(models.IntegerChoices):
    """Which goes first when both are due."""

    ANSWER = 0  # to a person who waits
    POST = 1
    REFRESH = 2
    COUNTS = 3


RENDERINGS = (Priority.REFRESH, Priority.COUNTS)  # of the present: any of them does for all that are waiting
OPEN = Q(done_at__isnull=True, abandoned_at__isnull=True)


class Delivery(models.Model):
    """One thing to do towards the outside. All times are the database's clock."""

    organization = models.BigIntegerField(null=True)  # null: it concerns a workspace alone
    kind = models.CharField(max_length=32)  # a key of wiring.SENDERS
    about = models.JSONField(default=dict)  # the sender's keyword arguments: ids, and a whisper's text
    subject = models.CharField(max_length=64)  # order holds within a subject: "card:12"
    lane = models.CharField(max_length=100)  # pace holds within a lane: "slack:T1:C1"
    pool = models.CharField(max_length=100)  # one outside that fails as a whole: "slack:T1"
    method = models.CharField(max_length=40)  # budget within a pool: "chat.update"
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.POST)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    lease_token = models.CharField(max_length=32, blank=True)
    lease_until = models.DateTimeField(null=True)
    is_ambiguous = models.BooleanField(default=False)  # an earlier try may have had its effect
    done_at = models.DateTimeField(null=True)
    abandoned_at = models.DateTimeField(null=True)
    error_code = models.CharField(max_length=64, blank=True)
    error = models.CharField(max_length=500, blank=True)  # the sentence and what to do

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = []
        indexes: ClassVar = [
            models.Index(
                fields=["due_at", "priority", "id"],
                name="delivery_open",
                condition=OPEN,
            ),
            models.Index(
                fields=["subject", "id"],
                name="delivery_order",
                condition=OPEN,
            ),
        ]


class Pace(models.Model):
    """When the next send of a lane or of a (pool, method) may start. Shared by every worker."""

    key = models.CharField(max_length=160, unique=True)  # "lane slack:T1:C1" or "method slack:T1 chat.update"
    ready_at = models.DateTimeField()  # when the budget allows the next one
    blocked_until = models.DateTimeField(null=True)  # Retry-After; of a pool: it fails, and is tried again then
