"""Signatures of requests to the app, and every way in which one can be wrong.

https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

SIGNATURE = "X-Slack-Signature"
TIMESTAMP = "X-Slack-Request-Timestamp"
STALE_SECONDS = 301


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A request to the app, ready to be sent."""

    headers: Mapping[str, str]
    body: bytes


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """`v0=` and the HMAC of timestamp and body as they are sent."""
    signed = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def signed(secret: str, timestamp: str, body: bytes) -> Letter:
    return Letter(headers={TIMESTAMP: timestamp, SIGNATURE: signature(secret, timestamp, body)}, body=body)


def _at(shift: int) -> Callable[[str, int, bytes], Letter]:
    return lambda secret, now, body: signed(secret, str(now + shift), body)


def _without(*names: str) -> Callable[[str, int, bytes], Letter]:
    def sign(secret: str, now: int, body: bytes) -> Letter:
        letter = signed(secret, str(now), body)
        return replace(letter, headers={name: each for name, each in letter.headers.items() if name not in names})

    return sign


def _with_timestamp(timestamp: str) -> Callable[[str, int, bytes], Letter]:
    return lambda secret, _, body: signed(secret, timestamp, body)


def _tampered(secret: str, now: int, body: bytes) -> Letter:
    return replace(signed(secret, str(now), body), body=body + b"%20")


def _garbled(secret: str, now: int, body: bytes) -> Letter:
    """Signed as it is, and no UTF-8."""
    return signed(secret, str(now), body + b"\xff\xfe")


def _with_version(version: str) -> Callable[[str, int, bytes], Letter]:
    def sign(secret: str, now: int, body: bytes) -> Letter:
        letter = signed(secret, str(now), body)
        other = letter.headers[SIGNATURE].replace("v0=", version)
        return replace(letter, headers={**letter.headers, SIGNATURE: other})

    return sign


# mode → how a request of now is signed. All but "ok" are to be refused by the app.
MODES: Mapping[str, Callable[[str, int, bytes], Letter]] = {
    "ok": _at(0),
    "bad_secret": lambda secret, now, body: signed(f"not {secret}", str(now), body),
    "stale": _at(-STALE_SECONDS),
    "future": _at(STALE_SECONDS),
    "missing": _without(SIGNATURE, TIMESTAMP),
    "missing_signature": _without(SIGNATURE),
    "missing_timestamp": _without(TIMESTAMP),
    "tampered": _tampered,
    "not_utf8": _garbled,
    "not_a_number": _with_timestamp("yesterday"),
    "wrong_version": _with_version("v1="),
    "no_version": _with_version(""),
}
REFUSED = frozenset(MODES) - {"ok", "not_utf8"}
