"""Issues: errors that are the same error, what is known of them, and all that was done about them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from tocsin.accounts.models import Organization, Team, User
from tocsin.projects.models import Project, Release


class Status(models.TextChoices):
    UNRESOLVED = "unresolved"
    RESOLVED = "resolved"
    ARCHIVED = "archived"


class Substatus(models.TextChoices):
    """How an issue is in its status. A resolved issue has none."""

    NONE = ""
    NEW = "new"
    ONGOING = "ongoing"
    ESCALATING = "escalating"
    REGRESSED = "regressed"
    UNTIL_ESCALATING = "until_escalating"
    UNTIL_CONDITION = "until_condition"
    FOREVER = "forever"


class Priority(models.TextChoices):
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Resolution(models.TextChoices):
    """What an issue was resolved against. `Issue.resolved_in` names the release, where there is one."""

    NONE = ""  # it is not resolved
    NOW = "now"
    AFTER = "after"  # that release: only newer ones bring it back
    IN = "in"  # that release: it and newer ones bring it back


class Issue(models.Model):
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="issues")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="issues")
    number = models.PositiveBigIntegerField()  # counts within the project; shown as SHOP-1A
    type = models.CharField(max_length=16, default="error")
    title = models.CharField(max_length=255)
    culprit = models.CharField(max_length=200, blank=True)
    level = models.CharField(max_length=10, default="error")
    platform = models.CharField(max_length=32, blank=True)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.UNRESOLVED)
    substatus = models.CharField(max_length=20, choices=Substatus.choices, default=Substatus.NEW, blank=True)
    priority = models.CharField(max_length=8, choices=Priority.choices, default=Priority.HIGH)
    assignee_user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    assignee_team = models.ForeignKey(Team, null=True, on_delete=models.SET_NULL, related_name="+")
    # Grows with status, substatus, condition, assignee, resolution, priority and merge; not with events or comments.
    version = models.PositiveBigIntegerField(default=1)
    # Counts the times the issue began to need somebody: new, regressed, unarchived by escalation or condition.
    episode = models.PositiveIntegerField(default=1)
    resolved_at = models.DateTimeField(null=True)  # the database's clock; events accepted later regress it
    resolution = models.CharField(max_length=8, choices=Resolution.choices, default=Resolution.NONE, blank=True)
    resolved_in = models.ForeignKey(Release, null=True, on_delete=models.SET_NULL, related_name="+")
    # What ends the archive, and how far it has come. Events accepted after `archived_at` count.
    archived_at = models.DateTimeField(null=True)
    archived_until = models.DateTimeField(null=True)
    archived_events = models.PositiveIntegerField(null=True)  # so many more; within `archived_minutes`, if that is set
    archived_minutes = models.PositiveIntegerField(null=True)
    archived_users = models.PositiveIntegerField(null=True)
    archived_events_seen = models.PositiveBigIntegerField(default=0)
    archived_users_seen = models.PositiveBigIntegerField(default=0)
    # The PostgreSQL transaction that set resolved_at or archived_at: an event accepted before its commit does not count, though
    # its accepted_at may be later. Null on SQLite, which commits one after another.
    status_xid = models.BigIntegerField(null=True)
    acknowledged_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    acknowledged_at = models.DateTimeField(null=True)  # of this episode
    undo_until = models.DateTimeField(
        null=True
    )  # the last action may be undone; the clock clears it, so that cards hear
    status_changed_at = models.DateTimeField()
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    times_seen = models.PositiveBigIntegerField(default=0)
    users_seen = models.PositiveBigIntegerField(default=0)
    comment_count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "project", "number"], name="issue_number_once_per_project")
        ]
        indexes: ClassVar = [
            models.Index(fields=["organization", "status", "-last_seen"], name="issue_list"),
            models.Index(fields=["organization", "project", "status", "-last_seen"], name="issue_list_of_project"),
            models.Index(fields=["undo_until"], name="undos_that_end", condition=Q(undo_until__isnull=False)),
            models.Index(
                fields=["archived_until"], name="archives_that_end", condition=Q(archived_until__isnull=False)
            ),
        ]

    @property
    def short_id(self) -> str:
        """SHOP-1A: the project's slug in capitals and the number in base 32."""
        return short_id(self.project.slug, self.number)


DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no I, L, O, U, so nobody misreads one over the phone


def short_id(slug: str, number: int) -> str:
    """How people name an issue. `number` counts from 1."""
    digits = ""
    while number:
        number, digit = divmod(number, len(DIGITS))
        digits = DIGITS[digit] + digits
    return f"{slug.upper()}-{digits or '0'}"


class IssueHash(models.Model):
    """Which issue the events of one grouping hash belong to."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    hash = models.CharField(max_length=32)
    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="hashes")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "project", "hash"], name="issue_hash_once_per_project")
        ]


class StoredEvent(models.Model):
    """One event of an issue, as it was sent. The row is what makes an event count once, however often it came."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="events")
    event_id = models.CharField(max_length=32)
    accepted_at = models.DateTimeField()
    timestamp = models.DateTimeField()  # the SDK's clock
    encoding = models.CharField(max_length=8, default="identity")
    payload = models.BinaryField()
    environment = models.CharField(max_length=64, blank=True)
    release = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "project", "event_id"], name="event_once_per_project")
        ]
        indexes: ClassVar = [models.Index(fields=["organization", "issue", "-accepted_at"], name="events_of_issue")]


class IssueUser(models.Model):
    """That somebody was affected by an issue: a hash of who, counted once."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="+")
    user_hash = models.CharField(max_length=32)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "issue", "user_hash"], name="issue_user_once")
        ]


class IssueCount(models.Model):
    """How often an issue was seen in one hour (accept time): what sparklines and, later, escalation read."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="counts")
    hour = models.DateTimeField()
    count = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "issue", "hour"], name="issue_count_once_an_hour")
        ]


class Activity(models.Model):
    """One thing that happened to an issue: who, from where, when, and what it was before."""

    class Kind(models.TextChoices):
        FIRST_SEEN = "first_seen"
        RESOLVED = "resolved"
        REOPENED = "reopened"
        REGRESSED = "regressed"
        ARCHIVED = "archived"
        COMMENTED = "commented"
        ASSIGNED = "assigned"
        UNASSIGNED = "unassigned"
        PRIORITY = "priority"
        ACKNOWLEDGED = "acknowledged"
        ESCALATED = "escalated"  # back from the archive: more events than its past lets expect
        UNARCHIVED = "unarchived"  # back from the archive: its end has come
        UNDONE = "undone"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="activities")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    origin = models.CharField(max_length=8)
    identity = models.CharField(max_length=100, blank=True)  # opaque; Slack writes "T1/U1"
    version = models.PositiveBigIntegerField()  # of the issue, after this
    fields_changed = models.JSONField(default=list)  # which versioned fields this overwrote
    before = models.JSONField(default=dict)  # what is needed to undo it
    text = models.TextField(blank=True)  # of a comment
    about = models.JSONField(default=dict)  # what is needed to say it: issues.saying
    created_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["organization", "issue", "id"], name="activities_of_issue")]


class BulkAction(models.Model):
    """Something that was done to several issues at once, so that it can be undone at once."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    activities = models.JSONField(default=list)  # [issue, activity] of each that was changed
    created_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)


class Subscription(models.Model):
    """Somebody who hears of an issue, and why."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="subscriptions")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    reason = models.CharField(max_length=20)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "issue", "user"], name="subscription_once")
        ]
