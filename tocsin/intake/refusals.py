"""Why something that an SDK sent is not taken. `str(refusal)` is the reason: it goes back in the body and in X-Sentry-Error."""

from __future__ import annotations

from typing import ClassVar


class Refused(Exception):
    """Nothing of the request was stored."""

    status: ClassVar[int]


class Malformed(Refused):
    """It is not what it should be, whatever the reader does; sending it again cannot help."""

    status = 400


class NoKey(Refused):
    """No key came with it, or what came cannot be one."""

    status = 401


class KeyRefused(Refused):
    """The key is unknown, switched off, or another project's: one answer, so that nobody learns which."""

    status = 403

    def __init__(self) -> None:
        super().__init__(
            "This key does not send to this project. Compare the DSN with the one in the project's settings."
        )


class TooLarge(Refused):
    """It passes one of the caps in `limits`."""

    status = 413


class ComeBack(Refused):
    """Later it will be taken. `retry_after` is in whole seconds, at least 1; `rate_limits` tells SDKs what to hold back."""

    status = 429

    def __init__(self, reason: str, retry_after: int, rate_limits: str) -> None:
        super().__init__(f"{reason} Try again in {retry_after} s.")
        self.retry_after = retry_after
        self.rate_limits = f"{retry_after}:{rate_limits}"


class TooMany(ComeBack):
    """The key has used up its minute."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("This key has sent as much as it may in a minute.", retry_after, ":key:minute")


class OverQuota(ComeBack):
    """The project has sent as many events as it may in a `period` ("hour", "day"). Other items are still taken."""

    def __init__(self, retry_after: int, period: str) -> None:
        super().__init__(
            f"This project has sent as many events as it may in one {period}.",
            retry_after,
            f"error:project:quota_{period}",
        )
