"""Why a delivery failed, and what that means for the worker."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum


class Scope(StrEnum):
    """How much stands still because of it."""

    ROW = "row"  # this delivery only
    LANE = "lane"  # everything for this channel
    METHOD = "method"  # this method towards this pool: a rate limit
    POOL = "pool"  # everything towards this outside


class DeliveryError(Exception):
    """A send that did not work. `code` is the outside's own (Slack's "is_archived"), `sentence` and `repair` are for people.

    `is_permanent`: trying again cannot help. `retry_after`: how long the outside asked to be left alone (None: our own backoff).
    `is_ambiguous`: it may have had its effect all the same (the answer was lost), so look before sending again.
    `method`: which one a rate limit is about, if it is not the delivery's own.
    """

    def __init__(
        self,
        code: str,
        sentence: str,
        *,
        repair: str = "",
        scope: Scope = Scope.ROW,
        is_permanent: bool = False,
        is_ambiguous: bool = False,
        retry_after: timedelta | None = None,
        method: str = "",
    ) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence
        self.repair = repair
        self.scope = scope
        self.is_permanent = is_permanent
        self.is_ambiguous = is_ambiguous
        self.retry_after = retry_after
        self.method = method


class FencedOut(Exception):
    """This worker's lease ended while it was sending, and another worker has the row. Nothing more may be written with it."""
