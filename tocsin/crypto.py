"""Secrets at rest: authenticated encryption, bound to the place where the secret is stored.

A sealed value opens only for the (table, column, row) it was sealed for, so a row's secret copied into another row is refused.
Keys come from TOCSIN_SECRET_KEY: the newest seals, each may open, so a key can be replaced while old values are
still read.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

NONCE_BYTES = 12


class CannotOpen(Exception):
    """The sealed value was made for another row, with a key that is gone, or was altered."""


def _keys() -> list[str]:
    return [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]


@lru_cache(maxsize=16)
def _cipher(key: str) -> AESGCM:
    derived = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"tocsin secrets at rest v1").derive(
        key.encode()
    )
    return AESGCM(derived)


def _place(table: str, column: str, row: str) -> bytes:
    return f"{table}\x1f{column}\x1f{row}".encode()


def seal(secret: str, *, table: str, column: str, row: str) -> str:
    """`secret` sealed for one place; URL-safe text. `row` is the row's natural key, known before the row is saved."""
    nonce = os.urandom(NONCE_BYTES)
    sealed = _cipher(_keys()[0]).encrypt(nonce, secret.encode(), _place(table, column, row))
    return urlsafe_b64encode(nonce + sealed).decode()


def unseal(sealed: str, *, table: str, column: str, row: str) -> str:
    """The secret that `seal` was given. Raises CannotOpen."""
    try:
        raw = urlsafe_b64decode(sealed.encode())
    except ValueError as error:
        raise CannotOpen(f"{table}.{column}: not a sealed value") from error
    for key in _keys():
        try:
            return _cipher(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], _place(table, column, row)).decode()
        except (InvalidTag, ValueError):
            continue
    raise CannotOpen(f"{table}.{column} of {row}: no key of TOCSIN_SECRET_KEY opens it")


def digest(token: str) -> str:
    """What the database keeps of a one-time token: 64 hex digits. The token itself is random, so no salt is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two texts are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())
