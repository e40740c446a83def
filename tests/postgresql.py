"""A PostgreSQL cluster of the run's own: in a temporary directory, on a port of its own, with a password of its own."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free_port
from tests.waiting import until

USER = "tocsin"
DATABASE = "tocsin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A running server. `url` leads to an empty database named `tocsin`."""

    server: subprocess.Popen[bytes]
    directory: Path
    url: str

    def stop(self) -> None:
        """End it at once and remove what it stored."""
        self.server.send_signal(signal.SIGQUIT)
        self.server.wait(30)
        shutil.rmtree(self.directory)


def find_binaries() -> Path | None:
    """The newest PostgreSQL's programs: where Debian puts them, else beside the `initdb` of PATH, else None."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if debian:
        return debian[-1].parent
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


# PostgreSQL's programs refuse to work for root.
_AS_POSTGRES = ("--reuid=postgres", "--regid=postgres", "--init-groups") if os.geteuid() == 0 else ()


def start(binaries: Path, directory: Path) -> Cluster:
    """A new cluster, answering when this returns. Commits are durable, as everywhere: tests kill processes.

    It ends with this process, however that ends.
    """
    password = secrets.token_hex(16)
    password_file = directory / "password"
    password_file.write_text(password)
    for path in (directory, password_file):
        if os.geteuid() == 0:
            shutil.chown(path, "postgres", "postgres")
    port = free_port()
    _initialize(binaries / "initdb", directory / "data", password_file)
    server = _launch(binaries / "postgres", directory, port)
    address = ["--host", "127.0.0.1", "--port", str(port), "--username", USER]
    ready = [str(binaries / "pg_isready"), *address]
    until(lambda: _succeeds(ready), seconds=30, what=f"PostgreSQL, see {directory}/log")
    environment = {**os.environ, "PGPASSWORD": password}
    subprocess.run([str(binaries / "createdb"), *address, DATABASE], check=True, env=environment)
    url = f"postgresql://{USER}:{password}@127.0.0.1:{port}/{DATABASE}"
    return Cluster(server=server, directory=directory, url=url)


def _initialize(initdb: Path, data: Path, password_file: Path) -> None:
    command = [
        *("setpriv", *_AS_POSTGRES, "--", str(initdb), "--pgdata", str(data), "--username", USER),
        *("--pwfile", str(password_file), "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8"),
    ]
    done = subprocess.run(command, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"initdb failed:\n{done.stdout}\n{done.stderr}")


def _launch(postgres: Path, directory: Path, port: int) -> subprocess.Popen[bytes]:
    command = [
        *("setpriv", "--pdeathsig=QUIT", *_AS_POSTGRES, "--", str(postgres), "-D", str(directory / "data")),
        *("-c", "listen_addresses=127.0.0.1", "-c", f"port={port}", "-c", "max_connections=200"),
        *("-c", f"unix_socket_directories={directory}"),
    ]
    with (directory / "log").open("wb") as log:
        return subprocess.Popen(command, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)


def _succeeds(command: Sequence[str]) -> bool:
    return subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == 0
