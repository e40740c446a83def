"""Who sends: the public key of a DSN, wherever the SDK put it, and what it gives access to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tocsin.intake import statements
from tocsin.intake.refusals import KeyRefused, NoKey

HEADERS = ("HTTP_X_SENTRY_AUTH", "HTTP_AUTHORIZATION")  # in the order in which they are believed

_SCHEME = re.compile(r"\s*sentry\s", re.IGNORECASE)
_IN_HEADER = re.compile(r"\bsentry_key\s*=\s*([^,\s]*)")
_IN_QUERY = re.compile(r"(?:^|&)sentry_key=([^&]*)")
_KEY = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """How many events a project may send in a period. `may_be_spent`: it was, in this period or in an earlier one."""

    events: int
    period: str
    may_be_spent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """A key that may send to its project."""

    organization_id: int
    project_id: int
    key_id: int
    rate_limit: int | None  # requests a minute; None: no limit
    quota: Quota | None = None  # the project's


def key_in_request(environ: Mapping[str, Any]) -> str | None:
    """The key in a header or in the query of a WSGI request; None when neither names one. Raises NoKey for nonsense."""
    for name in HEADERS:
        value = environ.get(name, "")
        if _SCHEME.match(value):
            found = _IN_HEADER.search(value)
            return _checked(found[1] if found else "")
    found = _IN_QUERY.search(environ.get("QUERY_STRING", ""))
    return _checked(found[1]) if found else None


def key_in_dsn(dsn: object) -> str:
    """The key in an envelope header's `dsn`. Raises NoKey: this is the last place where one could be."""
    if not isinstance(dsn, str):
        raise NoKey("No key came with this. SDKs send it in X-Sentry-Auth, as ?sentry_key=, or as dsn in the envelope.")
    try:
        name = urlsplit(dsn).username
    except ValueError:
        name = None
    return _checked(name or "")


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise NoKey("The key is malformed: it has 32 hexadecimal digits. Copy the DSN from the project's settings.")
    return key


def sender(public_key: str, project_id: int) -> Sender:
    """What the key gives access to. Raises KeyRefused unless it is active and of this project."""
    found = statements.find_key(public_key)
    if found is None or found[1] != project_id:
        raise KeyRefused
    organization_id, _, key_id, rate_limit, quota, period, spent = found
    return Sender(
        organization_id=organization_id,
        project_id=project_id,
        key_id=key_id,
        rate_limit=rate_limit,
        quota=None if quota is None else Quota(events=quota, period=period, may_be_spent=spent >= quota),
    )
