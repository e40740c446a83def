"""`tocsin serve`: whatever dies is started again, whatever is ended ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.processes import Running
from tests.waiting import until


def alive(pid: int) -> bool:
    """Whether a process is there and not a zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def tocsin(running: Running, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tocsin.cli", *arguments],
        env=running.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("name", ["web", "worker"])
def test_a_killed_process_is_started_again(processes: Callable[..., Running], name: str) -> None:
    running = processes()
    killed = running.kill(name)
    until(lambda: running.pid(name) not in (0, killed), seconds=20, what=f"another {name} process")
    until(lambda: alive(running.pid(name)), what="it to live")


def test_sigterm_ends_every_process_within_ten_seconds(processes: Callable[..., Running]) -> None:
    running = processes()
    (supervisor,) = running.started
    pids = [running.pid("web"), running.pid("worker"), supervisor.pid]
    running.stop()
    assert not any(alive(pid) for pid in pids)


def test_a_killed_supervisor_takes_its_processes_with_it(processes: Callable[..., Running]) -> None:
    running = processes()
    (supervisor,) = running.started
    pids = [running.pid("web"), running.pid("worker")]
    assert all(alive(pid) for pid in pids)
    os.kill(supervisor.pid, signal.SIGKILL)
    until(lambda: not any(alive(pid) for pid in pids), seconds=15, what="the processes to end with their parent")


def test_a_taken_port_is_refused_with_a_sentence(processes: Callable[..., Running]) -> None:
    running = processes(start=False)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = tocsin(running, "serve", "--port", str(taken.getsockname()[1]))
    assert result.returncode == 1
    assert "is taken. Choose another with --port." in result.stderr


def test_a_database_that_is_older_is_refused_with_what_to_do(processes: Callable[..., Running], tmp_path: Path) -> None:
    running = processes(start=False)
    running.environment["TOCSIN_DATABASE_URL"] = f"sqlite:///{tmp_path / 'empty.sqlite3'}"
    result = tocsin(running, "serve", "--port", running.url.rpartition(":")[2])
    assert result.returncode == 1
    assert "Run: tocsin migrate" in result.stderr
    assert tocsin(running, "migrate").returncode == 0


def test_a_person_is_made_once_and_may_sign_in(processes: Callable[..., Running]) -> None:
    from tocsin.accounts.models import Member, User

    running = processes(start=False)

    def create(password: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "tocsin.cli",
                *"createuser Grace@Example.com --organization acme --password-stdin".split(),
            ],
            env=running.environment,
            input=password,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert "too short" in create("short\n").stderr
    assert not User.objects.exists()
    assert create("a long enough passphrase\n").returncode == 0
    user = User.objects.get()
    assert user.email == "grace@example.com"
    assert user.check_password("a long enough passphrase")
    assert Member.objects.get().role == "owner"
    assert "is there already" in create("a long enough passphrase\n").stderr


@pytest.mark.parametrize("arguments", [[], ["nonsense"]])
def test_an_unknown_command_lists_those_there_are(arguments: list[str]) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "tocsin.cli", *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 2
    assert "createproject" in result.stderr
