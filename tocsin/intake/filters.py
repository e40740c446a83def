"""Which events a project does not want. They are counted by the reason, and not stored.

The check is made in digest, where an event is understood: an SDK is answered 200 either way, and keeps to its business.
"""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from tocsin.intake.counts import Outcome
from tocsin.intake.noise import is_a_crawler, is_a_health_check, is_of_an_extension
from tocsin.intake.plain import as_object, text
from tocsin.issues.event import Event
from tocsin.projects.models import Discarded, Filter

Patterns = tuple[str, ...]
Filters = Mapping[Filter.Kind, Patterns]  # of one project; a kind without patterns has an empty one
Place = tuple[int, int]  # (organization, project)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """An event, and the address that it was sent from (empty: unknown)."""

    event: Event
    address: str


def filters_of(places: Iterable[Place]) -> dict[int, Filters]:
    """What each of these projects does not want, by project; those that want everything are left out."""
    wanted = set(places)
    rows = Filter.objects.filter(
        organization__in={organization for organization, _ in wanted}, project__in={project for _, project in wanted}
    )
    found: dict[int, dict[Filter.Kind, Patterns]] = defaultdict(dict)
    for project, kind, pattern in rows.order_by("id").values_list("project_id", "kind", "pattern"):
        of = found[project]
        of[Filter.Kind(kind)] = (*of.get(Filter.Kind(kind), ()), pattern)
    return dict(found)


def discarded(places: Iterable[tuple[Place, str]]) -> set[tuple[int, str]]:
    """(project, grouping hash) of those whose issue was deleted for good."""
    wanted = set(places)
    rows = Discarded.objects.filter(
        organization__in={organization for (organization, _), _ in wanted},
        project__in={project for (_, project), _ in wanted},
        hash__in={hash_ for _, hash_ in wanted},
    )
    return set(rows.values_list("project_id", "hash"))


def unwanted(sent: Sent, filters: Filters) -> Outcome | None:
    """Why the project does not want it; None when it does."""
    for kind, patterns in filters.items():
        is_so, outcome = CHECKS[kind]
        if is_so(sent, patterns):
            return outcome
    return None


# --- the checks ------------------------------------------------------------------------------------------------------


def _is_of_release(sent: Sent, patterns: Patterns) -> bool:
    release = sent.event.release.lower()
    return bool(release) and any(matches(pattern, release) for pattern in patterns)


def _is_of_address(sent: Sent, patterns: Patterns) -> bool:
    """By who was affected, by whom the program says it served, and by who sent it."""
    event = sent.event
    served = text(as_object(event.request.get("env")).get("REMOTE_ADDR"))
    named = {event.user.get("ip_address", ""), served, sent.address} - {""}
    return any(_is_within(address, network) for address in named for network in patterns)


def _says(sent: Sent, patterns: Patterns) -> bool:
    """The message, what an exception says, or its type and that: "ValueError: bad sku"."""
    event = sent.event
    said = [event.message, event.title]
    for exception in event.exceptions:
        said += (exception.value, f"{exception.type}: {exception.value}")
    return any(matches(pattern, words.lower()) for words in said if words for pattern in patterns)


def _is_of_a_browsers_extension(sent: Sent, patterns: Patterns) -> bool:
    event = sent.event
    if event.platform != "javascript":
        return False
    stacks = [event.stacktrace, *(exception.frames for exception in event.exceptions)]
    files = tuple((frame.abs_path or frame.filename).lower() for frames in stacks for frame in frames)
    words = "\n".join([event.title, event.message, *(exception.value for exception in event.exceptions)])
    return is_of_an_extension(words.lower(), files)


def _is_by_a_crawler(sent: Sent, patterns: Patterns) -> bool:
    headers = sent.event.request.get("headers")
    pairs = headers.items() if isinstance(headers, dict) else headers if isinstance(headers, list) else ()
    agents = [pair[1] for pair in pairs if isinstance(pair, (list, tuple)) and len(pair) == 2 and _is_agent(pair[0])]
    return any(is_a_crawler(text(agent)) for agent in agents)


def _is_agent(name: object) -> bool:
    return text(name).lower() == "user-agent"


def _is_a_health_check(sent: Sent, patterns: Patterns) -> bool:
    return is_a_health_check(sent.event.transaction)


CHECKS: dict[Filter.Kind, tuple[Callable[[Sent, Patterns], bool], Outcome]] = {
    Filter.Kind.RELEASE: (_is_of_release, Outcome.FILTERED_RELEASE),
    Filter.Kind.ADDRESS: (_is_of_address, Outcome.FILTERED_ADDRESS),
    Filter.Kind.MESSAGE: (_says, Outcome.FILTERED_MESSAGE),
    Filter.Kind.BROWSER: (_is_of_a_browsers_extension, Outcome.FILTERED_BROWSER),
    Filter.Kind.CRAWLER: (_is_by_a_crawler, Outcome.FILTERED_CRAWLER),
    Filter.Kind.HEALTH: (_is_a_health_check, Outcome.FILTERED_HEALTH),
}


def matches(pattern: str, lower: str) -> bool:
    """Whether all of `lower`, which is lower case, is as `pattern` says: `*` stands for anything. Takes linear time."""
    first, *others = pattern.lower().split("*")
    if not others:
        return lower == first
    *middle, last = others
    if len(lower) < len(first) + len(last) or not (lower.startswith(first) and lower.endswith(last)):
        return False
    at, end = len(first), len(lower) - len(last)
    for part in middle:
        found = lower.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _is_within(address: str, network: str) -> bool:
    """False for what is no address. An IPv4 address in IPv6's clothes is the IPv4 address."""
    try:
        known = ipaddress.ip_address(address.strip())
    except ValueError:
        return False
    known = getattr(known, "ipv4_mapped", None) or known
    return known in _network(network)


@lru_cache(maxsize=1024)
def _network(network: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(network)
