"""Taking secrets out of an event: by the name they stand under, and by what they look like. Pure.

A name counts as secret by its words, so "author" and "monkey" are none. Source lines are searched only for what is a secret by
its own shape: `password = form["password"]` is a line somebody has to read.
"""

from __future__ import annotations

import re
from base64 import b64decode
from functools import lru_cache
from itertools import pairwise
from typing import Final
from urllib.parse import unquote_plus

FILTERED: Final = "[Filtered]"

# Whole words of a name, after "apiKey", "api-key" and "API_KEY" have become "api key".
SECRET_WORDS = frozenset(
    "password passwd passphrase passcode pwd pw secret secrets token tokens jwt apikey auth authorization credential "
    "credentials cookie cookies session sessionid sid csrf csrftoken xsrf cvv cvc iban ssn pin otp dsn privatekey "
    "creditcard signature".split()
)
SECRET_PAIRS = frozenset(
    {
        ("api", "key"),
        ("private", "key"),
        ("access", "key"),
        ("secret", "key"),
        ("encryption", "key"),
        ("signing", "key"),
        ("credit", "card"),
        ("card", "number"),
        ("card", "no"),
    }
)
SECRET_ENDINGS = (
    "password", "passwd", "passphrase", "secret", "token", "apikey", "cookie", "sessionid", "csrf", "credentials",
)  # fmt: skip
NOT_SECRET = frozenset({"", "none", "null", "true", "false", "undefined", "nil", FILTERED.lower()})

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_DIVIDER = re.compile(r"[^a-z0-9]+")

_CARD = re.compile(r"(?<![0-9.])[2-6](?:[ -]?[0-9]){12,18}(?![0-9.])")
_CARD_LENGTHS: tuple[tuple[re.Pattern[str], range], ...] = (  # who issues numbers that begin so, and how long they are
    (re.compile(r"4"), range(13, 20)),
    (re.compile(r"5[0-9]|6"), range(16, 20)),
    (re.compile(r"2[2-7]"), range(16, 17)),
    (re.compile(r"3[47]"), range(15, 16)),
    (re.compile(r"3[0689]"), range(14, 20)),
    (re.compile(r"35"), range(16, 20)),
)
_CREDENTIALS = re.compile(r"\b(bearer|basic)( {1,4})([a-z0-9+/=._~-]{8,4096})", re.IGNORECASE)
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)", re.DOTALL
)
_USERINFO = re.compile(r"\b([a-z][a-z0-9+.-]{1,20}://)[^/\s:@]{0,256}:[^/\s@]{1,256}@", re.IGNORECASE)
# Keys that say by their first letters whose they are: JSON web tokens, and those of some large services.
_ISSUED = re.compile(
    r"\beyJ[\w-]{8,4096}\.[\w-]{4,4096}\.[\w-]{0,4096}"
    r"|\bxox[a-z]-[\w-]{8,256}|\bxapp-[\w-]{8,256}|\bgh[a-z]_[A-Za-z0-9]{16,255}|\bAKIA[0-9A-Z]{16}\b"
    r"|\b[rs]k_(?:live|test)_[A-Za-z0-9]{8,255}"
)
# name=value, and 'name': value as Python and JSON write it inside a text.
_ASSIGNED = re.compile(
    r"""(?<![\w.-])([A-Za-z_][\w.-]{0,199})(=|\\?["']\s{0,4}[:=]\s{0,4})"""
    r"""(\\?"[^"\\]{0,4096}|\\?'[^'\\]{0,4096}|[\[({][^\])}]{0,4096}|[^\s'"\\&;,)}\]]{1,4096})"""
)
_OPENING = re.compile(r"""\\?["']|[\[({]""")


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether what stands under this name is nobody's business."""
    words = [word for word in _DIVIDER.split(_CAMEL.sub(" ", name[:200]).lower()) if word]
    return any(word in SECRET_WORDS or word.endswith(SECRET_ENDINGS) for word in words) or any(
        pair in SECRET_PAIRS for pair in pairwise(words)
    )


def scrub_text(text: str) -> str:
    """`text` without card numbers, credentials, private keys, and values that stand beside a secret name."""
    if "PRIVATE KEY" in text:
        text = _PRIVATE_KEY.sub(FILTERED, text)
    text = scrub_source(text)
    if "=" in text or "':" in text or '":' in text:
        text = _ASSIGNED.sub(_unless_no_secret, text)
    return text


def scrub_source(text: str) -> str:
    """Lines of a program, divided by line feeds, without what is a secret by its shape alone. As many lines as before."""
    if "PRIVATE KEY" in text:
        text = _PRIVATE_KEY.sub(lambda match: FILTERED + "\n" * match[0].count("\n"), text)
    if "://" in text and "@" in text:
        text = _USERINFO.sub(rf"\1{FILTERED}@", text)
    lower = text.lower()
    if "bearer " in lower or "basic " in lower:
        text = _CREDENTIALS.sub(_unless_no_credential, text)
    if "eyJ" in text or "xox" in text or "xapp-" in text or "AKIA" in text or "gh" in text or "k_" in text:
        text = _ISSUED.sub(FILTERED, text)
    return _CARD.sub(_unless_no_card, text)


def is_card(digits: str) -> bool:
    """Whether 13 to 19 digits are the number of a payment card: an issuer's beginning and length, and the check digit."""
    if not any(begin.match(digits) and len(digits) in lengths for begin, lengths in _CARD_LENGTHS):
        return False
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (doubled + sum(int(digit) for digit in digits[-1::-2])) % 10 == 0 and len(set(digits)) > 1


def _unless_no_card(match: re.Match[str]) -> str:
    return FILTERED if is_card(re.sub("[ -]", "", match[0])) else match[0]


def _unless_no_credential(match: re.Match[str]) -> str:
    """ "Basic authentication required" is a sentence; "Basic Ym9iOmh1bnRlcjI=" is a name and a password."""
    is_credential = _BY_SCHEME[match[1].lower()]
    return f"{match[1]}{match[2]}{FILTERED}" if is_credential(match[3]) else match[0]


def _is_basic(word: str) -> bool:
    try:
        return ":" in b64decode(word + "=" * (-len(word) % 4)).decode("utf-8")
    except ValueError:
        return False


def _is_bearer(word: str) -> bool:
    return len(word) >= 24 or any(not character.isalpha() for character in word)


_BY_SCHEME = {"basic": _is_basic, "bearer": _is_bearer}


def _unless_no_secret(match: re.Match[str]) -> str:
    name, divider, value = match[1], match[2], match[3]
    opening = _OPENING.match(value)
    bare = value[opening.end() :] if opening else value
    if bare.lower() in NOT_SECRET or bare == FILTERED or value.startswith(FILTERED[:-1]) or not is_secret_name(name):
        return match[0]
    return f"{name}{divider}{opening[0] if opening else ''}{FILTERED}"


def scrub_query(text: str) -> str:
    """A query string or an urlencoded form, its secrets filtered, the rest as it was."""
    parts = []
    for part in text.split("&"):
        name, equals, value = part.partition("=")
        parts.append(f"{name}={FILTERED}" if equals and value and is_secret_name(unquote_plus(name)) else part)
    return scrub_text("&".join(parts))
