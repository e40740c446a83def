"""The peers' own environments: made once in a cache outside the tree, from their packages, by pip as it is set up here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bench.processes import Failed

PACKAGES: dict[str, tuple[str, ...]] = {
    "bolt": ("slack-bolt", "flask", "sqlalchemy", "psycopg[binary]", "granian", "gunicorn"),
    "bugsink": ("bugsink",),
    "tools": ("py-spy",),
}


def default_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tocsin-bench"


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A virtual environment."""

    path: Path

    @property
    def python(self) -> Path:
        return self.path / "bin" / "python"

    def program(self, name: str) -> Path:
        return self.path / "bin" / name

    def versions(self) -> dict[str, str]:
        command = [self.python, "-m", "pip", "list", "--format", "freeze", "--disable-pip-version-check"]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return dict(line.split("==", 1) for line in listed.splitlines() if "==" in line)


def environment(name: str, cache: Path) -> Environment:
    """The peer's environment, made now if it is not there."""
    made = Environment(path=cache / name)
    if not (made.path / ".complete").exists():
        make(made, PACKAGES[name])
    return made


def make(environment: Environment, packages: tuple[str, ...]) -> float:
    """Install from nothing. Returns the seconds that took; raises Failed."""
    shutil.rmtree(environment.path, ignore_errors=True)
    environment.path.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    _run([sys.executable, "-m", "venv", environment.path])
    _run([environment.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages])
    took = time.monotonic() - began
    (environment.path / ".complete").touch()
    return took


def _run(command: list[str | Path]) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"{' '.join(str(part) for part in command)} failed:\n{done.stderr[-2000:]}")
