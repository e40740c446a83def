"""What a test run starts with: an environment of its own, made before Django reads its settings.

Loaded by `-p tests.environment` in every pytest process: the one that is started, and the workers it starts in turn.
The former also starts the PostgreSQL cluster of the run (TOCSIN_TEST_DATABASE=postgresql) and removes it in the end.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from tests import postgresql

SECRET_KEY = "a-secret-key-that-only-tests-use-0123456789"
BOT_TOKEN = "xoxb-a-bot-token-that-only-tests-use"
SIGNING_SECRET = "a-signing-secret-that-only-tests-use"
# What a developer may set from outside; any other TOCSIN_ variable of their shell is none of the tests' business.
KEPT = {"TOCSIN_TEST_DATABASE", "TOCSIN_GUARANTEES", "TOCSIN_TEST_CLUSTER", "TOCSIN_GOLDEN", "TOCSIN_TRACE"}


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    for name in [name for name in os.environ if name.startswith("TOCSIN_") and name not in KEPT]:
        del os.environ[name]
    data_dir = tempfile.mkdtemp(prefix="tocsin-test-")
    early_config.add_cleanup(lambda: shutil.rmtree(data_dir, ignore_errors=True))
    os.environ |= {
        "TOCSIN_SECRET_KEY": SECRET_KEY,
        "TOCSIN_DATA_DIR": data_dir,
        "TOCSIN_URL": "http://localhost",
        "TOCSIN_SLACK_SIGNING_SECRET": SIGNING_SECRET,
        # Nobody answers there. The fixture `slack` puts the simulator in its place.
        "TOCSIN_SLACK_API_URL": "http://127.0.0.1:9/api/",
    }
    if os.environ.get("TOCSIN_TEST_DATABASE") == "postgresql":
        os.environ["TOCSIN_DATABASE_URL"] = _cluster(early_config)
    return (yield)


def _cluster(config: pytest.Config) -> str:
    """The address of the run's cluster, started here unless the process that started this one did."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return os.environ["TOCSIN_TEST_CLUSTER"]
    binaries = postgresql.find_binaries()
    if binaries is None:
        _without_postgresql()
    else:
        cluster = postgresql.start(binaries, Path(tempfile.mkdtemp(prefix="tocsin-postgresql-")))
        config.add_cleanup(cluster.stop)
        os.environ["TOCSIN_TEST_CLUSTER"] = cluster.url
    return os.environ["TOCSIN_TEST_CLUSTER"]


def _without_postgresql() -> None:
    """Passed over with a loud line where PostgreSQL cannot be had; a failure where CI must have it."""
    line = "PostgreSQL is not installed (apt install postgresql): NOTHING WAS TESTED ON POSTGRESQL."
    pytest.exit(f"\n{'!' * 100}\n{line}\n{'!' * 100}", returncode=1 if os.environ.get("CI") == "true" else 0)
