"""Whether a request comes from Slack. Pure, and on bytes: nothing is decoded before this has said yes.

https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence

SIGNATURE = "x-slack-signature"
TIMESTAMP = "x-slack-request-timestamp"
MAX_AGE = 300  # seconds, either way

# A server joins a header that came twice with a comma, so a doubled one fits neither.
SIGNATURE_FORM = re.compile(r"v0=[0-9a-f]{64}")
TIMESTAMP_FORM = re.compile(r"[0-9]{1,12}")


def is_from_slack(body: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: float) -> bool:
    """Whether `body`, exactly as it arrived, was signed with one of the secrets within five minutes of `now` (Unix
    seconds). Never raises; the time it takes does not tell how much of a signature was right. Empty secrets do not
    count: without any other, nothing is from Slack.
    """
    signature = _only(headers, SIGNATURE, SIGNATURE_FORM)
    timestamp = _only(headers, TIMESTAMP, TIMESTAMP_FORM)
    if signature is None or timestamp is None or abs(now - int(timestamp)) > MAX_AGE:
        return False
    matches = [hmac.compare_digest(_signed(body, timestamp, secret), signature) for secret in secrets if secret.strip()]
    return any(matches)  # of a finished list: all secrets are tried, whichever fits


def _only(headers: Mapping[str, str], name: str, form: re.Pattern[str]) -> str | None:
    """The header's value, if it came once and has the right form. Names are compared without case."""
    values = [value for given, value in headers.items() if given.lower() == name]
    return values[0] if len(values) == 1 and form.fullmatch(values[0]) else None


def _signed(body: bytes, timestamp: str, secret: str) -> str:
    key = secret.encode("utf-8", "surrogateescape")
    return "v0=" + hmac.new(key, b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()
