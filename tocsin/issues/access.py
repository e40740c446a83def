"""The only way to an issue for somebody: the right is a condition of the query that fetches it."""

from __future__ import annotations

from django.db.models import QuerySet

from tocsin.accounts.access import ALL_PROJECTS, ROLES, Right
from tocsin.accounts.models import User
from tocsin.errors import Forbidden, NotFound
from tocsin.issues import statements
from tocsin.issues.models import Issue
from tocsin.projects.access import has_project


def visible_issues(user: User, right: Right = Right.READ) -> QuerySet[Issue]:
    """Every issue, of any organization, on which this person holds the right now."""
    return Issue.objects.filter(has_project(user, right, project="project", organization="organization"))


def access_issue(
    issue_id: int, user: User, right: Right = Right.READ, *, lock: bool = False, within: frozenset[int] | None = None
) -> Issue:
    """The issue with its project and organization, in one SELECT; `lock` holds the row until the transaction ends.

    `within`: the organizations that the door serves through which the person came; None: any. Raises NotFound to a stranger of
    the organization, and Forbidden, naming the missing right, to a member of it.
    """
    seen = statements.see(issue_id, user.pk, lock=lock)
    if seen is None or not seen.role or (within is not None and seen.issue.organization_id not in within):
        raise NotFound("That issue is gone, or it belongs to an organization you are not a member of.")
    issue = seen.issue
    if not _has(Right.READ, seen):
        raise Forbidden(
            f"You are a member of {issue.organization.name}, but in no team of the project {issue.project.slug}. "
            "Ask an owner to add you to one."
        )
    if not _has(right, seen):
        raise Forbidden(
            f"You may look at {issue.short_id}, but your role in {issue.organization.name} does not change issues. "
            "Ask an owner for the role of member."
        )
    return issue


def _has(right: Right, seen: statements.Seen) -> bool:
    """What `projects.access.has_project` says in SQL."""
    return seen.role in ROLES[right] and (seen.role in ALL_PROJECTS or seen.is_in_team)
