"""`tocsin worker`: digests what was accepted, and delivers what the outbox holds."""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Callable

from tocsin.process import setup
from tocsin.process.children import write_pid


def run(*, only: str | None) -> None:
    """Work until SIGTERM or SIGINT, then finish what is under way and return. `only`: "digest", "deliver", or
    None for both.
    """
    from tocsin import wiring
    from tocsin.intake.digest import run_digest
    from tocsin.intake.lag import run_lag_log
    from tocsin.issues.expiry import run_expiry
    from tocsin.outbox.worker import run as run_deliver
    from tocsin.slack.received import run_purge
    from tocsin.slack.reconcile import run_reconciliation
    from tocsin.sqlite.checkpoint import run_checkpoints

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    write_pid(setup.data_dir(), "worker")
    jobs: dict[str, tuple[str, Callable[[], None]]] = {  # name → what it is a part of, and what it does
        "digest": ("digest", lambda: run_digest(stop)),
        "lag": ("deliver", lambda: run_lag_log(stop)),
        "expiry": ("digest", lambda: run_expiry(stop, wiring.CLOCKS)),
        "deliver": ("deliver", lambda: run_deliver(wiring.SENDERS, stop, wiring.READERS)),
        "checkpoint": ("digest", lambda: run_checkpoints(stop)),
        "purge": ("deliver", lambda: run_purge(stop)),
        "reconcile": ("deliver", lambda: run_reconciliation(stop)),
    }
    chosen = {name: job for name, (part, job) in jobs.items() if only in (None, part)}
    failed: list[str] = []
    threads = [
        threading.Thread(target=_or_stop, args=(name, job, stop, failed), name=name) for name, job in chosen.items()
    ]
    for thread in threads:
        thread.start()
    while not stop.wait(1.0):
        pass
    for thread in threads:
        thread.join()
    if failed:
        raise SystemExit(1)


def _or_stop(name: str, job: Callable[[], None], stop: threading.Event, failed: list[str]) -> None:
    """A job that ends with an error ends the process: the supervisor starts a whole one, instead of half of one
    living on.
    """
    from tocsin.logs import get_logger

    try:
        job()
    except Exception:  # noqa: BLE001 - logged, and the process ends
        get_logger(__name__).exception("worker job failed", job=name)
        failed.append(name)
    finally:
        stop.set()


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="tocsin worker", description="Digest events and deliver messages.")
    parser.add_argument("--only", choices=["digest", "deliver"], help="do one of the two")
    options = parser.parse_args(argv)
    if not setup.ready():
        return 1
    run(only=options.only)
    return 0
