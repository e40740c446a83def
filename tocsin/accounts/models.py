"""People and tenancy: who there is, what they belong to, and what they may do there."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower

from tocsin.accounts.search import words


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """A person. The e-mail is kept in lower case: people type it as they like."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser):
    """A person, who may belong to several organizations."""

    email = models.EmailField(unique=True, max_length=254)
    name = models.CharField(max_length=100, blank=True)
    search = models.CharField(max_length=400, blank=True, editable=False)  # accounts.search: the words of both
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.search = words(self.name, self.email)
        if (only := kwargs.get("update_fields")) is not None:
            kwargs["update_fields"] = {*only, "search"}
        super().save(*args, **kwargs)

    @property
    def display_name(self) -> str:
        """How messages and pages name this person."""
        return self.name or self.email

    def get_full_name(self) -> str:
        return self.display_name


class Role(models.TextChoices):
    """What a person is in an organization, least first."""

    VIEWER = "viewer"
    MEMBER = "member"
    ADMIN = "admin"
    MANAGER = "manager"
    OWNER = "owner"


class Organization(models.Model):
    """A tenant. Nothing that belongs to one is seen or touched by another."""

    slug = models.SlugField(unique=True, max_length=50)
    name = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.slug


class Member(models.Model):
    """One person in one organization. Removing the row removes every right at once."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "user"], name="member_once_per_organization")
        ]


class Team(models.Model):
    """People who look after projects together."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="teams")
    slug = models.SlugField(max_length=50)
    name = models.CharField(max_length=100)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("organization", Lower("slug"), name="team_slug_once_per_organization")
        ]

    def __str__(self) -> str:
        return f"#{self.slug}"


class TeamMember(models.Model):
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="team_members")
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="team_members")
    is_admin = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "team", "member"], name="team_member_once")
        ]


class ApiToken(models.Model):
    """What a script shows instead of a person. It acts for that person, in one organization; only its hash is kept."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    token_hash = models.CharField(max_length=64, db_index=True)  # SHA-256, hex
    label = models.CharField(max_length=64)
    scopes = models.JSONField(default=list)  # of Scope
    created_at = models.DateTimeField(auto_now_add=True)

    class Scope(models.TextChoices):
        """What a token is good for, as Sentry's tools name it."""

        EVENT_READ = "event:read"
        EVENT_WRITE = "event:write"

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["organization", "token_hash"], name="api_token_once")]


class AuditEntry(models.Model):
    """What was done to people's access in an organization. Written once, in the transaction that does it."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="audit_entries")
    at = models.DateTimeField()
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    action = models.CharField(max_length=32)  # "slack.link"
    sentence = models.CharField(max_length=500)  # plain text, for the page

    class Meta:
        indexes: ClassVar = [models.Index(fields=["organization", "-id"], name="audit_newest")]
