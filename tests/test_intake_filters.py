"""What a project does not want is answered 200, counted by the reason, and not stored."""

from __future__ import annotations

import ipaddress
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import Sum
from django.test import Client

from tests.samples import sample_event
from tocsin.accounts.models import Organization
from tocsin.errors import DomainError
from tocsin.intake.counts import Outcome
from tocsin.intake.filters import CHECKS, matches
from tocsin.intake.models import Accepted, ItemCount
from tocsin.issues.models import Issue, IssueHash, StoredEvent
from tocsin.projects.filters import FILTERS_MAX, discard, filter_no_more, filter_out
from tocsin.projects.models import Discarded, Filter, Key, Project

Kind = Filter.Kind


def send(key: Key, **fields: Any) -> None:
    """One event; `sender` is the address it comes from, other fields are members of it."""
    sender = fields.pop("sender", "192.0.2.1")
    answer = Client(REMOTE_ADDR=sender).post(
        f"/api/{key.project_id}/store/?sentry_key={key.public_key}",
        data=sample_event(**fields).json,
        content_type="application/json",
    )
    assert answer.status_code == 200
    assert json.loads(answer.content)["id"]


def outcomes() -> dict[str, int]:
    return dict(ItemCount.objects.filter(kind="event").values_list("outcome").annotate(Sum("count")))


def exception(kind: str, value: str, *files: str) -> dict[str, Any]:
    frames = [{"filename": file, "function": "f"} for file in files]
    return {"exception": {"values": [{"type": kind, "value": value, "stacktrace": {"frames": frames}}]}}


def of_browser(value: str, *files: str) -> dict[str, Any]:
    return {"platform": "javascript", **exception("Error", value, *files)}


def by_agent(agent: str) -> dict[str, Any]:
    return {"request": {"url": "https://shop.example/", "headers": {"User-Agent": agent}}}


CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"

# kind, pattern, what is filtered, what is not
CASES: list[tuple[Filter.Kind, str, list[dict[str, Any]], list[dict[str, Any]]]] = [
    (Kind.RELEASE, "shop@1.2", [{"release": "shop@1.2"}, {"release": "SHOP@1.2"}], [{"release": "shop@1.2.1"}, {}]),
    (
        Kind.RELEASE,
        "*-dev*",
        [{"release": "shop@1-dev"}, {"release": "-dev4"}],
        [{"release": "shop@1-de"}, {"release": "dev"}],
    ),
    (
        Kind.ADDRESS,
        "203.0.113.0/24",
        [
            {"user": {"ip_address": "203.0.113.9"}},
            {"user": {"ip_address": "::ffff:203.0.113.9"}},
            {"request": {"env": {"REMOTE_ADDR": "203.0.113.9"}}},
            {"sender": "203.0.113.9"},
        ],
        [{"user": {"ip_address": "203.0.114.9"}}, {"user": {"ip_address": "no address"}}, {"sender": ""}],
    ),
    (
        Kind.ADDRESS,
        "2001:db8::/32",
        [{"user": {"ip_address": "2001:db8::1"}}],
        [{"user": {"ip_address": "2001:db9::1"}}, {"user": {"ip_address": "203.0.113.9"}}],
    ),
    (Kind.ADDRESS, "203.0.113.9", [{"sender": "203.0.113.9"}], [{"sender": "203.0.113.10"}]),
    (
        Kind.MESSAGE,
        "*connection reset*",
        [
            exception("OSError", "Connection reset by peer"),
            {"exception": None, "message": "the connection reset itself"},
            {"exception": [{"type": "A", "value": "connection reset"}, {"type": "B", "value": "other"}]},
        ],
        [exception("OSError", "Connection was reset"), {}],
    ),
    (
        Kind.MESSAGE,
        "ValueError: bad*",
        [exception("ValueError", "bad sku")],
        [exception("TypeError", "bad sku"), exception("ValueError", "a bad sku")],
    ),
    (Kind.MESSAGE, "[object Object]", [exception("", "[object Object]")], [exception("", "o")]),
    (
        Kind.BROWSER,
        "",
        [
            of_browser("x is undefined", "https://shop.example/a.js", "chrome-extension://abcdef/content.js"),
            of_browser("Extension context invalidated.", "https://shop.example/a.js"),
            of_browser("ResizeObserver loop completed with undelivered notifications."),
        ],
        [
            of_browser("x is undefined", "https://shop.example/a.js"),
            of_browser("resize failed", "https://shop.example/chrome-extension.js"),
            exception("Error", "Extension context invalidated."),
        ],
    ),
    (
        Kind.CRAWLER,
        "",
        [by_agent(GOOGLEBOT), {"request": {"headers": [["user-agent", GOOGLEBOT]]}}],
        [by_agent(CHROME), {"request": {"headers": [["user-agent"], "user-agent", 7]}}, {"request": 7}, {}],
    ),
    (
        Kind.HEALTH,
        "",
        [
            {"transaction": name}
            for name in ("/healthz", "GET /healthz", "/api/v1/health/", "/actuator/health/db", "/up")
        ],
        [{"transaction": name} for name in ("/health-insurance", "healthz", "/pushed/up", "/", "shop.tasks.health")],
    ),
]


@pytest.mark.parametrize(("kind", "pattern", "unwanted", "wanted"), CASES, ids=lambda value: str(value)[:20])
def test_a_filter_keeps_out_what_it_is_about_and_nothing_else(
    key: Key,
    project: Project,
    digest_all: Callable[[], int],
    kind: Filter.Kind,
    pattern: str,
    unwanted: list[dict[str, Any]],
    wanted: list[dict[str, Any]],
) -> None:
    filter_out(project, kind, pattern)
    for fields in (*unwanted, *wanted):
        send(key, **dict(fields))
    assert digest_all() == len(unwanted) + len(wanted)
    assert outcomes() == {"accepted": len(unwanted) + len(wanted), f"filtered_{kind}": len(unwanted)}
    assert StoredEvent.objects.count() == len(wanted)
    assert not Accepted.objects.exists()


def test_every_kind_has_its_check_and_its_reason() -> None:
    assert CHECKS.keys() == set(Kind)
    assert {outcome for _, outcome in CHECKS.values()} == {Outcome(f"filtered_{kind}") for kind in Kind}
    longest = max(len(outcome) for outcome in Outcome)
    assert longest <= ItemCount._meta.get_field("outcome").max_length


def test_a_filter_is_its_projects_alone(
    key: Key, organization: Organization, elsewhere: Organization, digest_all: Callable[[], int]
) -> None:
    for other in (organization, elsewhere):
        project = Project.objects.create(organization=other, slug="other", name="Other")
        filter_out(project, Kind.MESSAGE, "*zero*")
        discard(project, ["0" * 32])
    send(key)
    digest_all()
    assert outcomes() == {"accepted": 1}


def test_a_filter_that_is_taken_back_filters_no_more(key: Key, project: Project, digest_all: Callable[[], int]) -> None:
    assert filter_out(project, Kind.RELEASE, " 1.* ") == filter_out(project, Kind.RELEASE, "1.*")
    send(key, release="1.0")
    digest_all()
    filter_no_more(project, Kind.RELEASE, "1.*")
    send(key, release="1.0")
    digest_all()
    assert outcomes() == {"accepted": 2, "filtered_release": 1}


def test_events_of_a_deleted_issue_are_not_stored_again(
    key: Key, project: Project, digest_all: Callable[[], int]
) -> None:
    send(key, fingerprint=["a"])
    digest_all()
    hashes = list(IssueHash.objects.values_list("hash", flat=True))
    Issue.objects.all().delete()
    discard(project, hashes)
    discard(project, hashes)
    assert Discarded.objects.count() == 1
    send(key, fingerprint=["a"])
    send(key, fingerprint=["b"])
    digest_all()
    assert outcomes() == {"accepted": 3, "filtered_deleted": 1}
    assert Issue.objects.count() == 1


def test_a_batch_costs_two_statements_more_however_many_filters_there_are(
    key: Key, project: Project, statements: Any, digest_all: Callable[[], int]
) -> None:
    send(key)
    before = statements.count
    digest_all()
    usual = statements.count - before
    for number in range(50):
        filter_out(project, Kind.MESSAGE, f"*{number}*")
        filter_out(project, Kind.RELEASE, f"*{number}*")
    send(key, fingerprint=["another"])
    with statements.at_most(usual):
        digest_all()


NO_PATTERNS = {
    Kind.RELEASE: ["", "*", " ** ", "x" * 201, "a\0b"],
    Kind.MESSAGE: ["", "*"],
    Kind.ADDRESS: ["", "300.1.2.3", "shop.example", "203.0.113.0/33", "*"],
    Kind.BROWSER: ["x"],
    Kind.CRAWLER: ["Googlebot"],
    Kind.HEALTH: ["/up"],
}


@pytest.mark.parametrize(("kind", "pattern"), [(kind, one) for kind, them in NO_PATTERNS.items() for one in them])
def test_a_pattern_that_makes_no_sense_is_refused_with_a_sentence(
    project: Project, kind: Filter.Kind, pattern: str
) -> None:
    with pytest.raises(DomainError, match=r"\.$"):
        filter_out(project, kind, pattern)
    assert not Filter.objects.exists()


def test_a_project_has_only_so_many_filters(project: Project) -> None:
    Filter.objects.bulk_create(
        Filter(organization=project.organization, project=project, kind=Kind.RELEASE, pattern=f"{number}*")
        for number in range(FILTERS_MAX)
    )
    filter_out(project, Kind.RELEASE, "1*")  # it is there
    with pytest.raises(DomainError, match=f"at most {FILTERS_MAX}"):
        filter_out(project, Kind.RELEASE, "one more")


GLOBS = [
    ("abc", "abc", True),
    ("abc", "abcd", False),
    ("a*c", "ac", True),
    ("a*c", "abbc", True),
    ("a*c", "abcb", False),
    ("*b*", "abc", True),
    ("ab*ba", "aba", False),
    ("ab*ba", "abba", True),
    ("*a*a*", "a", False),
    ("*a*a*", "aba", True),
    ("a**c", "abc", True),
    ("*.*.*", "1.2.3", True),
    ("a\nb*", "a\nb\nc", True),
    ("a?c", "abc", False),
    ("Ä*", "äx", True),
]


@pytest.mark.parametrize(("pattern", "words", "expected"), GLOBS)
def test_a_star_stands_for_anything_and_nothing_else_does(pattern: str, words: str, expected: bool) -> None:
    assert matches(pattern, words) is expected


def test_no_pattern_takes_long() -> None:
    began = time.process_time()
    assert not matches("*a" * 100 + "b", "a" * 100_000)
    assert time.process_time() - began < 1


# --- where it comes from ---------------------------------------------------------------------------------------------

PROXIES = "10.0.0.0/8"
FORWARDED = [
    # trusted proxies, REMOTE_ADDR, X-Forwarded-For, the address that counts
    ([], "192.0.2.7", "203.0.113.9", "192.0.2.7"),
    ([PROXIES], "192.0.2.7", "203.0.113.9", "192.0.2.7"),
    ([PROXIES], "10.0.0.1", "203.0.113.9", "203.0.113.9"),
    ([PROXIES], "10.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"),
    ([PROXIES], "10.0.0.1", "198.51.100.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
    ([PROXIES], "10.0.0.1", "", "10.0.0.1"),
    ([PROXIES], "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
    ([PROXIES], "10.0.0.1", "203.0.113.9, nonsense", "10.0.0.1"),
    ([PROXIES], "10.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
    ([PROXIES], "10.0.0.1", "[2001:db8::9]:4711", "2001:db8::9"),
    ([PROXIES], "::ffff:10.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
    ([PROXIES], "10.0.0.1", "1.2.3.4," * 5000 + "203.0.113.9", "203.0.113.9"),
    ([], "", "203.0.113.9", ""),
]


@pytest.mark.parametrize(("trusted", "remote", "forwarded", "expected"), FORWARDED)
def test_a_forwarded_address_is_believed_from_trusted_proxies_alone(
    key: Key, settings: Any, trusted: list[str], remote: str, forwarded: str, expected: str
) -> None:
    settings.TOCSIN_TRUSTED_PROXIES = tuple(map(ipaddress.ip_network, trusted))
    answer = Client(REMOTE_ADDR=remote).post(
        f"/api/{key.project_id}/store/?sentry_key={key.public_key}",
        data=b"{}",
        content_type="application/json",
        headers={"X-Forwarded-For": forwarded} if forwarded else {},
    )
    assert answer.status_code == 200
    assert Accepted.objects.get().address == expected


def test_people_in_browsers_are_told_apart_by_where_they_are(key: Key, digest_all: Callable[[], int]) -> None:
    """Their SDK does not know its own address, and says so."""
    for sender in ("203.0.113.9", "203.0.113.10", "203.0.113.9", ""):
        send(key, sender=sender, user={"ip_address": "{{auto}}"})
    digest_all()
    issue = Issue.objects.get()
    assert (issue.times_seen, issue.users_seen) == (4, 2)
