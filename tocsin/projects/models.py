"""What sends errors: a project, and the keys its programs send with."""

from __future__ import annotations

import secrets
from typing import ClassVar

from django.db import models

from tocsin.accounts.models import Organization, Team


class Project(models.Model):
    class Period(models.TextChoices):
        """How long a quota lasts. An hour and a day begin when they begin in UTC."""

        HOUR = "hour"
        DAY = "day"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="projects")
    slug = models.SlugField(max_length=50)
    name = models.CharField(max_length=100)
    platform = models.CharField(max_length=32, blank=True)
    grouping = models.CharField(max_length=8, default="v1")  # stays with the project once chosen
    last_number = models.PositiveBigIntegerField(default=0)  # of the newest issue; SHOP-1A counts on from here
    quota = models.PositiveBigIntegerField(null=True)  # events that it may send in one period; null: no end
    quota_period = models.CharField(max_length=4, choices=Period.choices, default=Period.DAY, db_default=Period.DAY)
    teams = models.ManyToManyField(Team, through="ProjectTeam", related_name="projects")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "slug"], name="project_slug_once_per_organization")
        ]

    def __str__(self) -> str:
        return self.slug


class ProjectTeam(models.Model):
    """A team that looks after a project: its members have access."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="project_teams")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="project_teams")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "project", "team"], name="project_team_once")
        ]


class Release(models.Model):
    """A version of an organization's programs. `package` and `sort_key` are read out of `version` when the row is made."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="releases")
    version = models.CharField(max_length=200)
    package = models.CharField(max_length=200, blank=True)  # before the @: releases are compared within one
    sort_key = models.BinaryField(max_length=400)  # projects.versions; empty: ordered by date alone
    created_at = models.DateTimeField()
    projects = models.ManyToManyField(Project, through="ReleaseProject", related_name="releases")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "version"], name="release_once_per_organization")
        ]

    def __str__(self) -> str:
        return self.version


class ReleaseProject(models.Model):
    """That a project has a release: an event named it, or somebody said so."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="release_projects")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="release_projects")
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "project", "release"], name="release_project_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["organization", "project", "-created_at"], name="releases_of_project")
        ]


def new_public_key() -> str:
    return secrets.token_hex(16)


class Key(models.Model):
    """What a program shows when it sends: the public half of a DSN. Unique across organizations: it is how they
    are told apart.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="keys")
    public_key = models.CharField(max_length=32, unique=True, default=new_public_key)
    is_active = models.BooleanField(default=True)
    label = models.CharField(max_length=64, default="Default")
    rate_limit_per_minute = models.PositiveIntegerField(null=True)  # requests that it may send; null: no limit
    created_at = models.DateTimeField(auto_now_add=True)

    def dsn(self, origin: str) -> str:
        """What the SDK is configured with; `origin` is Tocsin's own scheme://host[:port]."""
        scheme, host = origin.split("://", 1)
        return f"{scheme}://{self.public_key}@{host}/{self.project_id}"


class Filter(models.Model):
    """Events that a project does not want. Whatever matches one of its filters is counted and not stored."""

    class Kind(models.TextChoices):
        RELEASE = "release"  # of a release that `pattern` matches
        ADDRESS = "address"  # sent by, or caused by somebody at, the address or network that `pattern` is
        MESSAGE = "message"  # saying what `pattern` matches
        BROWSER = "browser"  # the errors of browsers' extensions; no pattern
        CRAWLER = "crawler"  # what breaks when a search engine reads the page; no pattern
        HEALTH = "health"  # what a load balancer asks for to see whether the program lives; no pattern

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="filters")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    pattern = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "project", "kind", "pattern"], name="filter_once")
        ]


class Discarded(models.Model):
    """The grouping hash of an issue that somebody deleted for good: its events are counted and not stored any more."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    hash = models.CharField(max_length=32)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "project", "hash"], name="discarded_once_per_project")
        ]
