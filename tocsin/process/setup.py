"""What every process does first: settings, Django, and a look at whether the database fits this version."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def django() -> None:
    """Import everything. A wrong setting ends the process with one line that names it."""
    import django as framework
    from django.core.exceptions import ImproperlyConfigured

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tocsin.settings")
    try:
        framework.setup()
    except ImproperlyConfigured as error:
        raise SystemExit(f"tocsin: {error}") from None
    data_dir().mkdir(parents=True, exist_ok=True, mode=0o700)


def data_dir() -> Path:
    """The directory for what Tocsin keeps beside its database."""
    from django.conf import settings

    directory: Path = settings.TOCSIN_DATA_DIR
    return directory


def ready() -> bool:
    """Set up, connect the workspace of the environment, and say (on standard error) what keeps Tocsin from starting.

    Leaves no database connection open, because the caller is about to fork.
    """
    django()
    from django.db import DatabaseError

    from tocsin.errors import DomainError
    from tocsin.slack import install

    try:
        if _unapplied_migrations():
            print("tocsin: the database is older than this version. Run: tocsin migrate", file=sys.stderr)
            return False
        install.connect_from_settings()
    except DatabaseError as error:
        print(f"tocsin: the database does not answer: {error}", file=sys.stderr)
        return False
    except DomainError as error:
        print(f"tocsin: Slack is not connected: {error}", file=sys.stderr)
    finally:
        close_connections()
    return True


def close_connections() -> None:
    """Close every connection, and the pools behind them: neither survives a fork."""
    from django.db import connections

    for connection in connections.all(initialized_only=True):
        connection.close()
        close_pool = getattr(connection, "close_pool", None)
        if close_pool is not None:
            close_pool()


def _unapplied_migrations() -> bool:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
