"""What the figures were taken on."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("tocsin", "django", "granian", "msgspec", "psycopg", "pysqlite3", "urllib3")


def facts() -> dict[str, Any]:
    """Cores, memory, load, versions: nothing that names the machine or its owner."""
    return {
        "cores": os.cpu_count(),
        "cores allowed": len(os.sched_getaffinity(0)),
        "processor": _field("/proc/cpuinfo", "model name"),
        "memory": _field("/proc/meminfo", "MemTotal"),
        "load at the start": os.getloadavg(),
        "kernel": platform.release(),
        "python": sys.version.split()[0],
        "packages": {name: _version(name) for name in PACKAGES},
        "sqlite": _sqlite(),
        "postgresql": _postgresql(),
        "commit": _commit(),
    }


def _field(path: str, name: str) -> str:
    lines = Path(path).read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _sqlite() -> str:
    try:
        import pysqlite3
    except ImportError:
        return ""
    return str(pysqlite3.sqlite_version)


def _postgresql() -> str:
    from tests import postgresql

    binaries = postgresql.find_binaries()
    if binaries is None:
        return ""
    return subprocess.run(
        [binaries / "postgres", "--version"], capture_output=True, text=True, check=False
    ).stdout.strip()


def _commit() -> str:
    root = Path(__file__).resolve().parent.parent
    command = ["git", "-C", str(root), "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
