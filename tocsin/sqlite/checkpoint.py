"""Moving what was committed from SQLite's log into the database, beside those who commit instead of in their time.

By default whoever happens to commit the thousandth page does it, and waits: with many issues that one click in a hundred took
twice as long. https://www.sqlite.org/wal.html#checkpointing
"""

from __future__ import annotations

import threading
from pathlib import Path

from django.db import connection

from tocsin.sqlite.base import LOG_BYTES

EVERY = 1.0  # seconds


def run_checkpoints(stop: threading.Event) -> None:
    """Look every second, until `stop`. On another database there is nothing to look at."""
    if connection.vendor != "sqlite":
        stop.wait()
        return
    while not stop.wait(EVERY):
        checkpoint_if_long()
    connection.close()


def checkpoint_if_long() -> bool:
    """Whether the log was long enough. Waits for nobody, and nobody waits for it; what is still being read stays in the log."""
    try:
        size = Path(f"{connection.settings_dict['NAME']}-wal").stat().st_size
    except FileNotFoundError:
        return False
    if size <= LOG_BYTES:
        return False
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(PASSIVE)")
    return True
