"""How many events a project may send. `intake.quotas` keeps to it."""

from __future__ import annotations

from tocsin.errors import DomainError
from tocsin.projects.models import Project

QUOTA_MAX = 10**12


def set_quota(project: Project, events: int | None, period: Project.Period = Project.Period.DAY) -> None:
    """At most so many events an hour or a day from now on; None: no end. What was sent in this period already counts when there
    was a quota before. Raises DomainError for a number that makes no sense.
    """
    if events is not None and not 0 < events <= QUOTA_MAX:
        raise DomainError("A quota is at least one event. To take nothing at all, switch the project's keys off.")
    project.quota, project.quota_period = events, period
    project.save(update_fields=["quota", "quota_period"])
