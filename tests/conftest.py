"""What every test may ask for. The fixtures stand in the modules named here; see CONTRIBUTING.md for the list."""

from __future__ import annotations

import pytest

from tests.sizes import FULL

pytest_plugins = [
    "tests.guards",
    "tests.databases",
    "tests.world",
    "tests.errors",
    "tests.work",
    "tests.processes",
    "tests.commits",
    "tests.browser",
    "tests.slack_fixture",
    "tests.mail",
    "tests.audit.world",
]

# fixture → the marker that its tests get
MARKED = {
    "db": "database",
    "transactional_db": "database",
    "processes": "processes",
    "browser": "browser",
}

# database → which cells of a large matrix are tested when sizes are small: every third, every seventh. Primes, so that no column
# is left out as a whole.
CELLS_EVERY = {"sqlite": 3, "postgresql": 7}

# marker → the database that its tests are about; on the other one they are not chosen
ONLY_ON = {"sqlite": "sqlite", "postgresql": "postgresql"}


def pytest_report_header() -> str:
    from django.db import connection

    return f"database: {connection.display_name}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark tests by what they use, before `-m` chooses among them, and leave out those of the other database."""
    from django.db import connection

    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        if item.get_closest_marker("django_db"):
            item.add_marker("database")
        for fixture in names & MARKED.keys():
            item.add_marker(MARKED[fixture])
    elsewhere = [marker for marker, vendor in ONLY_ON.items() if vendor != connection.vendor]
    left_out = [item for item in items if any(item.get_closest_marker(marker) for marker in elsewhere)]
    if not FULL:
        cells = [item for item in items if item.get_closest_marker("cells")]
        left_out += [item for number, item in enumerate(cells) if number % CELLS_EVERY[connection.vendor]]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        away = set(left_out)
        items[:] = [item for item in items if item not in away]
