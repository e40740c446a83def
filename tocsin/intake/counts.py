"""How many items of which kind came, and what became of them: by project and hour, in the transaction that makes it true."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from enum import StrEnum

from tocsin.intake import statements


class Outcome(StrEnum):
    """What became of an item, or of a whole request."""

    ACCEPTED = "accepted"  # an event, stored
    COUNTED = "counted"  # of a kind that is not stored
    DUPLICATE = "duplicate"  # an event that was stored before
    SET_ASIDE = "set_aside"  # an event that could not be digested
    REFUSED = "refused"  # a request with a good key, answered with 4xx
    OVER_QUOTA = "over_quota"  # likewise, because the project's quota is spent
    # An event that the project does not want, by what it was known.
    FILTERED_RELEASE = "filtered_release"
    FILTERED_ADDRESS = "filtered_address"
    FILTERED_MESSAGE = "filtered_message"
    FILTERED_BROWSER = "filtered_browser"
    FILTERED_CRAWLER = "filtered_crawler"
    FILTERED_HEALTH = "filtered_health"
    FILTERED_DELETED = "filtered_deleted"  # its issue was deleted for good


EVENT = "event"
REQUEST = "request"  # the kind of what was refused before its items were known
UNKNOWN = "unknown"

# Other names are all counted as one kind: what a stranger makes up must not make rows.
KINDS = frozenset(
    {
        EVENT, "attachment", "check_in", "client_report", "feedback", "form_data", "log", "metric_buckets", "metric_meta",
        "nel", "profile", "profile_chunk", "raw_security", "replay_event", "replay_recording", "replay_video",
        "security", "session", "sessions", "span", "statsd", "trace_metric", "transaction", "unreal_report",
        "user_report", "user_report_v2",
    }
)  # fmt: skip

Tally = Counter[tuple[int, int, str, Outcome]]  # (organization, project, kind, outcome) → how many


def kind_of(item_type: str) -> str:
    """The kind under which an item of this type is counted."""
    return item_type if item_type in KINDS else UNKNOWN


def add(tally: Tally, now: datetime) -> None:
    """Write a tally down, in an order in which two writers never wait for one another in a circle."""
    rows = [(*of, count) for of, count in sorted(tally.items()) if count]
    if rows:
        statements.add_counts(rows, now.replace(minute=0, second=0, microsecond=0))
