"""Waiting for what is to happen, with a deadline. The one place where a test sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def until(look: Callable[[], Found], *, seconds: float = 10.0, what: str = "") -> Found:
    """What `look()` returns as soon as that is true. Raises AssertionError naming `what` when `seconds` have passed."""
    deadline = time.monotonic() + seconds
    pause = 0.005
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s for {what or look}, and it never happened (last seen: {found!r})")
        time.sleep(pause)  # noqa: TID251 - between two looks
        pause = min(pause * 1.5, 0.1)
