"""Doing things at once, from threads with database connections of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import connection


def at_once(work: Callable[[int], object], number: int) -> None:
    """`work(0)` … `work(number - 1)`, begun together, each in a thread; the first error of them is raised at the end."""
    start = threading.Barrier(number)

    def run(index: int) -> None:
        try:
            start.wait(10)
            work(index)
        finally:
            connection.close()

    with ThreadPoolExecutor(number) as threads:
        for done in [threads.submit(run, index) for index in range(number)]:
            done.result()
