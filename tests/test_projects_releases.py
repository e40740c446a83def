"""The order of releases, and which one is the newest."""

from __future__ import annotations

import itertools
import random
import threading
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from tests.threads import at_once
from tests.waiting import until
from tocsin.accounts.models import Organization
from tocsin.clock import database_now
from tocsin.projects import releases
from tocsin.projects.models import Project, Release, ReleaseProject
from tocsin.projects.versions import VERSION_MAX, parse

NOON = datetime.fromisoformat("2026-01-02T12:00:00+00:00")

# In their order: https://semver.org §11, four numbers, builds.
IN_ORDER = (
    "shop@0.9",
    "shop@1.0.0-alpha",
    "shop@1.0.0-alpha.1",
    "shop@1.0.0-alpha.beta",
    "shop@1.0.0-beta",
    "shop@1.0.0-beta.2",
    "shop@1.0.0-beta.11",
    "shop@1.0.0-rc.1",
    "shop@1.0.0",
    "shop@1.0.0+7",
    "shop@1.0.0+12",
    "shop@1.0.0.1",
    "shop@v1.0.1",
    "shop@1.2",
    "shop@1.10.0",
    "shop@2.0.0-1",
    "shop@2.0.0",
    "shop@256.0",
    "shop@65536.0",
    "shop@99999999999999999999.0",
)


def test_versions_sort_by_their_keys() -> None:
    keys = [parse(name).key for name in IN_ORDER]
    assert all(keys)
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "1",
        "shop",
        "shop@",
        "7c1e2f0a9b8d",
        "shop@2026-01-02",
        "shop@1.2.3.4.5",
        "shop@1.2-",
        "shop@1.2+",
        "shop@1.2.0-rc..1",
        "shop@1.2.0-.",
        "shop@1.2.0-rc.",
        "shop@1.2.0+7.",
        "shop@1.2.0-rc_1",
        "shop@1.2.0 ",
        "shop@1.2.0\n",
        "shop@-1.2",
        "shop@V1.2",
        "shop@1..2",
        "shop@1.2@beta",
        "shop@1.x",
        "shop@١.٢",
    ],
)
def test_a_name_without_numbers_has_no_order(name: str) -> None:
    assert parse(name).key == b""


def test_a_package_is_what_stands_before_the_last_at() -> None:
    assert [(parse(name).package, parse(name).number) for name in ("@acme/shop@1.2", "1.2", "shop@1.2")] == [
        ("@acme/shop", "1.2"),
        ("", "1.2"),
        ("shop", "1.2"),
    ]


# --- beside a comparison that is written out ---------------------------------------------------------------------------
IDENTIFIERS = st.one_of(
    st.integers(0, 10**20).map(str),
    st.from_regex(r"[0-9A-Za-z-]*[A-Za-z-][0-9A-Za-z-]*", fullmatch=True).filter(lambda text: len(text) < 12),
    st.sampled_from(["alpha", "beta", "rc", "rc1", "1a", "-", "--", "0", "255", "256", "65535", "65536"]),
)
PARTS = st.lists(IDENTIFIERS, max_size=3)


@st.composite
def written(draw: st.DrawFn) -> tuple[list[int], list[str], list[str]]:
    """The numbers of a version, its pre-release and its build."""
    small_or_large = st.one_of(st.integers(0, 3), st.integers(250, 260), st.integers(0, 10**20))
    return draw(st.lists(small_or_large, min_size=2, max_size=4)), draw(PARTS), draw(PARTS)


def name_of(version: tuple[list[int], list[str], list[str]]) -> str:
    numbers, pre, build = version
    return ".".join(map(str, numbers)) + (f"-{'.'.join(pre)}" if pre else "") + (f"+{'.'.join(build)}" if build else "")


def compared(one: tuple[list[int], list[str], list[str]], other: tuple[list[int], list[str], list[str]]) -> int:
    """-1, 0 or 1: semver.org §11 word for word, then the builds by the same rules; a build comes after none."""
    for mine, others in itertools.zip_longest(one[0], other[0], fillvalue=0):
        if mine != others:
            return -1 if mine < others else 1
    if bool(one[1]) != bool(other[1]):
        return -1 if one[1] else 1
    return identifiers_compared(one[1], other[1]) or identifiers_compared(one[2], other[2])


def identifiers_compared(one: list[str], other: list[str]) -> int:
    for mine, others in zip(one, other, strict=False):
        if mine == others:
            continue
        if mine.isdigit() and others.isdigit():
            return -1 if int(mine) < int(others) else 1
        if mine.isdigit() != others.isdigit():
            return -1 if mine.isdigit() else 1
        return -1 if mine.encode("ascii") < others.encode("ascii") else 1
    return (len(one) > len(other)) - (len(one) < len(other))


@given(written(), written())
def test_keys_sort_as_a_comparison_that_is_written_out(
    one: tuple[list[int], list[str], list[str]], other: tuple[list[int], list[str], list[str]]
) -> None:
    first, second = parse(f"shop@{name_of(one)}").key, parse(f"shop@{name_of(other)}").key
    assert first
    assert second
    assert (first > second) - (first < second) == compared(one, other)


@given(st.lists(written(), min_size=2, max_size=8))
def test_sorting_by_key_is_sorting_by_precedence(versions: list[tuple[list[int], list[str], list[str]]]) -> None:
    by_key = sorted(versions, key=lambda version: parse(name_of(version)).key)
    assert all(compared(before, after) <= 0 for before, after in itertools.pairwise(by_key))


@given(st.one_of(st.text(max_size=VERSION_MAX), st.text("0123456789.-+@vab", max_size=VERSION_MAX)))
def test_any_name_can_be_read_and_nothing_of_it_is_lost(name: str) -> None:
    version = parse(name)
    assert version.number in name
    assert version.package in name
    assert f"{version.package}@{version.number}" == name or (version.package == "" and version.number == name)
    column = Release._meta.get_field("sort_key")
    assert len(version.key) <= (column.max_length or 0)


def make(project: Project, *names: str) -> list[Release]:
    """Each an hour after the one before."""
    for hours, name in enumerate(names):
        releases.ensure([(project.organization_id, project.pk, name)], NOON + timedelta(hours=hours))
    found = {row.version: row for row in Release.objects.all()}
    return [found[name] for name in names]


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("shop@1.9.0", "shop@1.10.0"),  # by version, though it came later
        ("shop@1.0.0-rc.1", "shop@1.0.0"),
    ],
)
def test_a_version_decides_whichever_came_first(project: Project, older: str, newer: str) -> None:
    for names in ((older, newer), (newer, older)):
        Release.objects.all().delete()
        make(project, *names)
        by_name = {row.version: row for row in Release.objects.all()}
        assert releases.is_newer(by_name[newer], by_name[older])
        assert not releases.is_newer(by_name[older], by_name[newer])


def test_without_a_version_the_date_decides(project: Project) -> None:
    first, second, third = make(project, "f00d", "cafe", "1.2.3")
    assert releases.is_newer(second, first)
    assert releases.is_newer(third, second)
    assert not releases.is_newer(first, third)
    assert not releases.is_newer(first, first)


def test_packages_are_not_compared(project: Project) -> None:
    shop, admin = make(project, "shop@1.0", "admin@2.0")
    assert not releases.is_newer(admin, shop)
    assert not releases.is_newer(shop, admin)


@pytest.mark.parametrize(
    ("names", "newest"),
    [
        ((), None),
        (("1.2.0", "1.10.0", "1.9.0"), "1.10.0"),
        (("1.2.0", "f00d"), "f00d"),  # what came last has no order
        (("f00d", "2.0.0", "1.0.0"), "2.0.0"),
        (("shop@2.0.0", "admin@1.0.0"), "admin@1.0.0"),  # of the package that was released last
    ],
)
def test_the_newest_release_of_a_project(project: Project, names: tuple[str, ...], newest: str | None) -> None:
    make(project, *names)
    found = releases.newest(project)
    assert (found.version if found else None) == newest


def test_another_projects_releases_are_not_this_ones(project: Project) -> None:
    other = Project.objects.create(organization=project.organization, slug="other", name="Other")
    make(project, "1.0")
    releases.ensure([(other.organization_id, other.pk, "2.0"), (other.organization_id, other.pk, "1.0")], NOON)
    assert [row.version for row in releases.of_project(project)] == ["1.0"]
    assert Release.objects.count() == 2
    assert ReleaseProject.objects.count() == 3


def test_a_release_is_made_once_and_long_names_are_cut(project: Project) -> None:
    wanted = [(project.organization_id, project.pk, name) for name in ("1.0", "x" * 300, "1.0", "")]
    for _ in range(2):
        found = releases.ensure(wanted, NOON)
        assert {version for _, version in found} == {"1.0", "x" * 200}
    assert Release.objects.count() == ReleaseProject.objects.count() == 2


def test_any_order_of_arrival_gives_the_same_newest(project: Project) -> None:
    names = ["shop@1.0.0", "shop@1.0.1", "shop@1.1.0-rc.1", "shop@1.1.0"]
    orders = list(itertools.permutations(names))
    for order in random.Random(7).sample(orders, 8):
        Release.objects.all().delete()
        make(project, *order)
        found = releases.newest(project)
        assert found is not None
        assert found.version == "shop@1.1.0"


@pytest.mark.parametrize(
    ("one", "other", "is_newer"),
    [
        # Each of the pair (first made, made an hour later): is the later one newer?
        ("1.0", "2.0", True),
        ("2.0", "1.0", False),
        ("1.0.0", "1.0", True),  # the same version written otherwise: the date decides
        ("1.0.0-rc.1", "1.0.0-rc.1+5", True),
        ("1.0.0+5", "1.0.0", False),
        ("f00d", "cafe", True),
        ("2.0", "f00d", True),  # one of them has no order
        ("f00d", "1.0", True),
        ("shop@2.0", "2.1", False),  # without a package is another package
        ("shop@2.0", "Shop@2.1", False),
        ("shop@f00d", "shop@2.1", True),
        ("2026-01-02", "2025-01-01", True),  # dates are names without an order
        ("@acme/shop@1.0", "@acme/shop@1.1", True),
    ],
)
def test_which_of_two_releases_is_newer(project: Project, one: str, other: str, is_newer: bool) -> None:
    first, second = make(project, one, other)
    assert releases.is_newer(second, first) == is_newer
    if first.package == second.package:
        assert releases.is_newer(first, second) != is_newer
    else:
        assert not releases.is_newer(first, second)
    assert not releases.is_newer(second, second)


def test_of_two_projects_each_has_its_own_newest(project: Project) -> None:
    """The same releases, which came to them in another order."""
    other = Project.objects.create(organization=project.organization, slug="other", name="Other")
    for hours, (of, name) in enumerate([(project, "f00d"), (other, "cafe"), (project, "cafe"), (other, "f00d")]):
        releases.ensure([(of.organization_id, of.pk, name)], NOON + timedelta(hours=hours))
    assert [row.version for row in releases.of_project(project)] == ["cafe", "f00d"]
    assert [row.version for row in releases.of_project(other)] == ["f00d", "cafe"]
    assert [str(releases.newest(of)) for of in (project, other)] == ["cafe", "f00d"]


def test_another_organizations_release_of_the_same_name_is_another(project: Project, elsewhere: Organization) -> None:
    theirs = Project.objects.create(organization=elsewhere, slug="shop", name="Shop")
    found = releases.ensure(
        [(project.organization_id, project.pk, "1.0"), (theirs.organization_id, theirs.pk, "1.0")], NOON
    )
    mine, others = found[project.organization_id, "1.0"], found[elsewhere.pk, "1.0"]
    assert (mine.organization_id, others.organization_id) == (project.organization_id, elsewhere.pk)
    assert mine.pk != others.pk
    assert [row.pk for row in releases.of_project(project)] == [mine.pk]
    assert [row.pk for row in releases.of_project(theirs)] == [others.pk]


def test_a_known_release_keeps_its_date(project: Project) -> None:
    (first,) = make(project, "1.0")
    again = releases.ensure([(project.organization_id, project.pk, "1.0")], NOON + timedelta(days=9))
    assert again[project.organization_id, "1.0"].created_at == first.created_at == NOON
    assert ReleaseProject.objects.get().created_at == NOON


@pytest.mark.parametrize("length", [VERSION_MAX - 1, VERSION_MAX, VERSION_MAX + 1, 5_000])
@pytest.mark.parametrize("of", ["x", "9", "1.", "ö"])
def test_a_name_of_any_length_is_kept_to_its_first_characters(project: Project, of: str, length: int) -> None:
    name = (of * length)[:length]
    found = releases.ensure([(project.organization_id, project.pk, name)], NOON)
    assert set(found) == {(project.organization_id, name[:VERSION_MAX])}
    assert Release.objects.get().version == name[:VERSION_MAX]
    assert releases.newest(project) == Release.objects.get()


def test_nothing_named_is_nothing_made(project: Project) -> None:
    assert releases.ensure([], NOON) == {}
    assert releases.ensure([(project.organization_id, project.pk, "")], NOON) == {}
    assert not Release.objects.exists()


def test_workers_that_make_the_same_releases_at_once_make_each_once(committed: None, project: Project) -> None:
    """In another order each, in transactions that stay open while the others ask."""
    names = [f"shop@1.{number}" for number in range(20)]
    made: list[dict[tuple[int, str], Release]] = []

    def make_all(index: int) -> None:
        shuffled = random.Random(index).sample(names, len(names))
        with transaction.atomic():
            made.append(
                releases.ensure([(project.organization_id, project.pk, name) for name in shuffled], database_now())
            )

    at_once(make_all, 4)
    assert [{release.pk for release in found.values()} for found in made] == [
        set(Release.objects.values_list("pk", flat=True))
    ] * 4
    assert sorted(Release.objects.values_list("version", flat=True)) == sorted(names)
    assert ReleaseProject.objects.count() == len(names)


@pytest.mark.postgresql  # SQLite has one writer: the other begins when this one has ended
@pytest.mark.parametrize("ends", ["commits", "rolls back"])
def test_a_release_that_another_worker_is_making_is_waited_for(committed: None, project: Project, ends: str) -> None:
    wanted = [(project.organization_id, project.pk, "shop@1.0")]
    is_made, may_end = threading.Event(), threading.Event()

    def make_it() -> None:
        try:
            with transaction.atomic():
                releases.ensure(wanted, NOON)
                is_made.set()
                assert may_end.wait(30)
                transaction.set_rollback(ends == "rolls back")
        finally:
            connection.close()

    other = threading.Thread(target=make_it)
    other.start()
    try:
        assert is_made.wait(30)
        let_go = threading.Thread(target=lambda: (until(_somebody_waits), may_end.set(), connection.close()))
        let_go.start()
        found = releases.ensure(wanted, NOON)
        let_go.join(30)
    finally:
        may_end.set()
        other.join(30)
    assert found[project.organization_id, "shop@1.0"] == Release.objects.get()
    assert ReleaseProject.objects.get().release == Release.objects.get()


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])
