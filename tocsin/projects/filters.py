"""Saying which events a project does not want. `intake.filters` keeps to it."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Final

from tocsin.errors import DomainError
from tocsin.projects.models import Discarded, Filter, Project

PATTERN_MAX: Final = 200  # characters
FILTERS_MAX: Final = 200  # of a project: each is compared with every event


def filter_out(project: Project, kind: Filter.Kind, pattern: str = "") -> Filter:
    """From now on, do not store what matches. In releases and messages `*` stands for anything; case does not matter.

    Saying it twice is saying it once. Raises DomainError when the pattern makes no sense.
    """
    wanted = _checked(kind, pattern.strip())
    same = Filter.objects.filter(organization=project.organization_id, project=project)
    if not same.filter(kind=kind, pattern=wanted).exists() and same.count() >= FILTERS_MAX:
        raise DomainError(f"A project has at most {FILTERS_MAX} filters.")
    made, _ = Filter.objects.get_or_create(
        organization_id=project.organization_id, project=project, kind=kind, pattern=wanted
    )
    return made


def filter_no_more(project: Project, kind: Filter.Kind, pattern: str = "") -> None:
    """Undo `filter_out`. What was not stored meanwhile stays lost."""
    wanted = _checked(kind, pattern.strip())
    Filter.objects.filter(organization=project.organization_id, project=project, kind=kind, pattern=wanted).delete()


def discard(project: Project, hashes: list[str]) -> None:
    """From now on, do not store events of these grouping hashes: those of an issue that is deleted for good."""
    Discarded.objects.bulk_create(
        [Discarded(organization_id=project.organization_id, project=project, hash=hash_) for hash_ in hashes],
        ignore_conflicts=True,
    )


def _checked(kind: Filter.Kind, pattern: str) -> str:
    if "\0" in pattern or len(pattern) > PATTERN_MAX:
        raise DomainError(f"A pattern has at most {PATTERN_MAX} characters, and no NUL.")
    return _CHECKS[kind](pattern)


def _glob(pattern: str) -> str:
    if not pattern.replace("*", "").strip():
        raise DomainError("A pattern needs at least one character beside *: this one would match every event.")
    return pattern


def _network(pattern: str) -> str:
    try:
        return str(ipaddress.ip_network(pattern, strict=False))
    except ValueError as error:
        raise DomainError(f"{pattern!r} is neither an address nor a network such as 203.0.113.0/24.") from error


def _nothing(pattern: str) -> str:
    if pattern:
        raise DomainError("This filter has no pattern: it is on or off.")
    return ""


_CHECKS: dict[Filter.Kind, Callable[[str], str]] = {
    Filter.Kind.RELEASE: _glob,
    Filter.Kind.ADDRESS: _network,
    Filter.Kind.MESSAGE: _glob,
    Filter.Kind.BROWSER: _nothing,
    Filter.Kind.CRAWLER: _nothing,
    Filter.Kind.HEALTH: _nothing,
}
