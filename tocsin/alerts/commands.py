"""What may be asked of the alerts. Pure: a command says what, `mutes.perform` does it.

Both name an issue: who may triage it may ask this of the rules that told of it.
"""

from __future__ import annotations

from dataclasses import dataclass

MUTE_HOURS_MAX = 7 * 24
MUTE_HOURS_MEMBER = 24  # for longer it takes an admin of one of the project's teams


@dataclass(frozen=True, slots=True, kw_only=True)
class MuteRule:
    """A rule is to tell a destination nothing, for so many hours, for everybody: that of `rule_ids` which is not muted there."""

    issue_id: int
    destination_id: int
    rule_ids: tuple[int, ...]
    hours: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmuteRules:
    """Those of these rules that are muted for the destination tell it again."""

    issue_id: int
    destination_id: int
    rule_ids: tuple[int, ...]


Command = MuteRule | UnmuteRules
