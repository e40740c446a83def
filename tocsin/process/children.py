"""Processes that Tocsin starts: they die with their parent, and leave their number where it can be read."""

from __future__ import annotations

import ctypes
import os
import signal
from pathlib import Path

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Ask the kernel (Linux) to end this process when its parent ends, however that happens.

    `parent` is the number of the parent as it was before the fork: when it is gone already, this process ends at once.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        raise SystemExit(0)


def write_pid(data_dir: Path, name: str) -> None:
    """Leave this process's number in `data_dir`/`name`.pid, whole or not at all."""
    path = data_dir / f"{name}.pid"
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_text(f"{os.getpid()}\n", encoding="ascii")
    fresh.replace(path)


def read_pid(data_dir: Path, name: str) -> int | None:
    """The number that `write_pid` left, or None."""
    try:
        return int((data_dir / f"{name}.pid").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
