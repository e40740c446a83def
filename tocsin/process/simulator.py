"""`tocsin simulator`: the simulator is a program of its own, started in a process of its own."""

from __future__ import annotations

import os
import sys

COMMAND = (sys.executable, "-m", "tocsin.simulator")


def main(argv: list[str]) -> int:
    """Become the simulator; does not return."""
    os.execv(COMMAND[0], [*COMMAND, *argv])  # noqa: S606 - our own program
