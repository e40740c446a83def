"""`tocsin serve`: the supervisor. It has no threads: it imports Django once, forks the web server and the worker,
and starts
again what dies.

    supervisor ─┬─ Granian's main ── web process (answers requests; its number is in web.pid)
                └─ worker            (digests and delivers; its number is in worker.pid)
"""

from __future__ import annotations

import argparse
import errno
import gc
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

from tocsin.process import setup
from tocsin.process.children import die_with_parent, write_pid

WATCHED = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)
BACKOFF = (1, 2, 4, 8, 16, 30)  # seconds before a dead child is started again
STEADY_AFTER = 60  # seconds of life after which a child's next death counts as its first
DRAIN = 8  # seconds that children get to finish what they do

WEB_THREADS = 4


@dataclass(slots=True)
class Child:
    """A process that should be alive."""

    name: str
    run: Callable[[], None]
    pid: int = 0
    started: float = 0.0
    deaths: int = 0
    start_at: float = field(default=0.0)  # monotonic; when it may be started (again)

    def start(self) -> None:
        parent = os.getpid()
        self.started = time.monotonic()
        self.pid = os.fork()
        if self.pid == 0:
            _become(self, parent)

    def died(self, status: int) -> None:
        lived = time.monotonic() - self.started
        self.deaths = 1 if lived > STEADY_AFTER else self.deaths + 1
        wait = BACKOFF[min(self.deaths, len(BACKOFF)) - 1]
        self.start_at = time.monotonic() + wait
        self.pid = 0
        print(
            f"tocsin: {self.name} ended ({_cause(status)}); starting it again in {wait} s", file=sys.stderr, flush=True
        )


def _become(child: Child, parent: int) -> None:
    """In the forked process: undo what belongs to the supervisor, run, and leave without returning."""
    status = 1
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)
        die_with_parent(parent)
        child.run()
        status = 0
    except SystemExit as exit_:
        status = exit_.code if isinstance(exit_.code, int) else int(bool(exit_.code))
    except BaseException:  # noqa: BLE001 - it is printed, and the process ends
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _cause(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"


def supervise(children: list[Child]) -> int:
    """Keep the children alive until SIGTERM or SIGINT; then end them. Returns the exit status."""
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    while True:
        now = time.monotonic()
        for child in children:
            if not child.pid and child.start_at <= now:
                child.start()
        pending = [child.start_at - now for child in children if not child.pid]
        came = signal.sigtimedwait(WATCHED, max(0.0, min(pending, default=3600.0)))
        if came is not None and came.si_signo in (signal.SIGTERM, signal.SIGINT):
            return _end(children)
        _reap(children)


def _reap(children: list[Child]) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        for child in children:
            if child.pid == pid:
                child.died(status)


def _end(children: list[Child]) -> int:
    """SIGTERM, some seconds to finish, then SIGKILL."""
    _signal_all(children, signal.SIGTERM)
    deadline = time.monotonic() + DRAIN
    while any(child.pid for child in children) and time.monotonic() < deadline:
        signal.sigtimedwait((signal.SIGCHLD,), max(0.0, deadline - time.monotonic()))
        for child in children:
            if child.pid and os.waitpid(child.pid, os.WNOHANG)[0]:
                child.pid = 0
    _signal_all(children, signal.SIGKILL)
    return 0


def _signal_all(children: list[Child], number: signal.Signals) -> None:
    for child in children:
        if child.pid:
            os.kill(child.pid, number)


def _refuse_taken_port(host: str, port: int) -> str | None:
    """Why nothing can listen there, in words, or None."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return f"tocsin: port {port} on {host} is taken. Choose another with --port."
            return f"tocsin: cannot listen on {host} port {port}: {error.strerror}."
    return None


def _web(host: str, port: int, workers: int) -> Callable[[], None]:
    def run() -> None:
        from granian.constants import Interfaces
        from granian.log import LogLevels
        from granian.server import Server

        main_pid = os.getpid()
        Server(
            "tocsin.wsgi:application",
            address=host,
            port=port,
            interface=Interfaces.WSGI,
            workers=workers,
            blocking_threads=WEB_THREADS,
            respawn_failed_workers=True,
            workers_kill_timeout=DRAIN - 2,
            log_level=LogLevels.warning,
            websockets=False,
        ).serve(target_loader=lambda _: _application(main_pid))

    return run


def _application(main_pid: int) -> Callable[..., object]:
    """Runs in the web process itself, which Granian has forked."""
    die_with_parent(main_pid)
    write_pid(setup.data_dir(), "web")
    from tocsin.wsgi import application

    return application


def _worker() -> None:
    from tocsin.process import worker

    worker.run(only=None)


def main(argv: list[str]) -> int:
    """Returns 0 after SIGTERM, 1 when it cannot start."""
    parser = argparse.ArgumentParser(prog="tocsin serve", description="Answer Slack, SDKs and browsers.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--workers", type=int, default=1, help="web processes; more than one wants PostgreSQL")
    parser.add_argument("--no-worker", action="store_true", help="do not digest and deliver here")
    parser.add_argument("--slack", choices=["http"], default="http", help="how Slack reaches Tocsin")
    options = parser.parse_args(argv)
    if refusal := _refuse_taken_port(options.host, options.port):
        print(refusal, file=sys.stderr)
        return 1
    if not setup.ready():
        return 1
    children = [Child("the web server", _web(options.host, options.port, options.workers))]
    if not options.no_worker:
        children.append(Child("the worker", _worker))
    gc.collect()
    gc.freeze()
    return supervise(children)
