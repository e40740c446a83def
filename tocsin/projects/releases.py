"""Releases: found or made by name, compared, and the newest of a project."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import F, OuterRef, QuerySet, Subquery

from tocsin.projects.models import Project, Release, ReleaseProject
from tocsin.projects.versions import VERSION_MAX, parse

Named = tuple[int, int, str]  # (organization, project, version)


def ensure(wanted: Iterable[Named], now: datetime) -> dict[tuple[int, str], Release]:
    """The release of each, made when it is new, and known as its project's. By (organization, version).

    Any number of workers may do this at once.
    """
    named = {(organization, project, version[:VERSION_MAX]) for organization, project, version in wanted if version}
    if not named:
        return {}
    found = _found({(organization, version) for organization, _, version in named})
    if missing := sorted({(organization, version) for organization, _, version in named} - found.keys()):
        Release.objects.bulk_create([_new(*each, now) for each in missing], ignore_conflicts=True)
        found |= _found(set(missing))
    _know(
        sorted((organization, project, found[organization, version].pk) for organization, project, version in named),
        now,
    )
    return found


def _found(names: set[tuple[int, str]]) -> dict[tuple[int, str], Release]:
    rows = Release.objects.filter(
        organization__in={organization for organization, _ in names}, version__in={version for _, version in names}
    )
    return {key: row for row in rows if (key := (row.organization_id, row.version)) in names}


def _new(organization: int, name: str, now: datetime) -> Release:
    version = parse(name)
    return Release(
        organization_id=organization, version=name, package=version.package, sort_key=version.key, created_at=now
    )


def _know(rows: list[tuple[int, int, int]], now: datetime) -> None:
    known = set(
        ReleaseProject.objects.filter(
            organization__in={organization for organization, _, _ in rows},
            project__in={project for _, project, _ in rows},
            release__in={release for _, _, release in rows},
        ).values_list("organization_id", "project_id", "release_id")
    )
    ReleaseProject.objects.bulk_create(
        [
            ReleaseProject(organization_id=organization, project_id=project, release_id=release, created_at=now)
            for organization, project, release in rows
            if (organization, project, release) not in known
        ],
        ignore_conflicts=True,
    )


def is_newer(one: Release, other: Release) -> bool:
    """Whether `one` comes after `other`: by version where both have an order, else by date. Never across packages."""
    if one.package != other.package:
        return False
    mine, others = bytes(one.sort_key), bytes(other.sort_key)
    if mine and others and mine != others:
        return mine > others
    return (one.created_at, one.pk) > (other.created_at, other.pk)


def of_project(project: Project) -> QuerySet[Release]:
    """The project's releases, those that it got last first."""
    return Release.objects.filter(organization_id=project.organization_id, release_projects__project=project).order_by(
        "-release_projects__created_at", "-pk"
    )


def newest(project: Project) -> Release | None:
    """What runs now, as far as is known: of the package that the project got a release of last, the one with the highest
    version; when that last release has no version order, itself.
    """
    last = of_project(project).first()
    if last is None or not last.sort_key:
        return last
    return of_project(project).filter(package=last.package).exclude(sort_key=b"").order_by("-sort_key", "-pk").first()


def newest_of(projects: QuerySet[Project]) -> dict[int, str]:
    """The version of each project's `newest`, in one query. Those without a release are left out."""
    of_each = Release.objects.filter(organization=OuterRef("organization"), release_projects__project=OuterRef("pk"))
    last = of_each.order_by("-release_projects__created_at", "-pk")
    highest = of_each.filter(package=OuterRef("last_package")).exclude(sort_key=b"").order_by("-sort_key", "-pk")
    found = projects.annotate(
        last_version=Subquery(last.values("version")[:1]),
        last_package=Subquery(last.values("package")[:1]),
        last_key=Subquery(last.values("sort_key")[:1]),
        highest=Subquery(highest.values("version")[:1]),
    ).filter(last_version__isnull=False)
    rows = found.values_list("pk", F("last_key"), F("last_version"), F("highest"))
    return {project: highest if key else last for project, key, last, highest in rows}
