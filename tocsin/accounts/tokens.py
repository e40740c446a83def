"""API tokens: shown once when they are made, kept as a hash, and good for what their scopes say."""

from __future__ import annotations

import secrets

from django.db.models import F

from tocsin import crypto
from tocsin.accounts.models import ApiToken, Organization, User

PREFIX = "tcsn_"  # so that a token that leaks can be recognised


def make_token(user: User, organization: Organization, label: str, scopes: list[ApiToken.Scope]) -> str:
    """A new token, in clear: it cannot be read again."""
    token = PREFIX + secrets.token_urlsafe(32)
    ApiToken.objects.create(
        organization=organization, user=user, label=label, scopes=list(scopes), token_hash=crypto.digest(token)
    )
    return token


def find_token(token: str) -> ApiToken | None:
    """The token's row with its person and organization, while the person is active and a member; otherwise None."""
    return (
        ApiToken.objects.select_related("user", "organization")
        .filter(token_hash=crypto.digest(token), user__is_active=True)
        .filter(organization__members__user=F("user"))
        .first()
    )
