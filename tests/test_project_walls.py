"""The walls between rooms: that they hold, that nothing slips by them unnamed, and that they notice a breach."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "tocsin"

# Files and packages that have to be pure: they reach neither Django, nor models, nor Slack's SDK.
PURE = (
    "charts",
    "intake.envelope",
    "intake.light",
    "intake.normalise",
    "issues.commands",
    "issues.event",
    "issues.forecast",
    "issues.grouping",
    "issues.queries.language",
    "projects.versions",
    "slack.action_ids",
    "slack.attachments",
    "slack.blocks",
    "slack.cards",
    "slack.mrkdwn",
    "slack.payloads",
    "slack.replies",
    "slack.verify",
)
# Rooms at slack's height or above, which may know Slack; every other room is below it.
ABOVE = {"cli", "process", "urls", "apps", "wsgi", "wiring", "web", "api", "slack", "simulator"}


def contract(name: str) -> dict[str, Any]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    found: dict[str, Any] = next(one for one in contracts if one["id"] == name)
    return found


def exists(module: str) -> bool:
    path = PACKAGE.joinpath(*module.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def rooms() -> set[str]:
    files = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    return files | {path.parent.name for path in PACKAGE.glob("*/__init__.py")}


def test_every_pure_file_stands_behind_its_wall() -> None:
    walled = set(contract("pure")["source_modules"])
    assert walled == {f"tocsin.{name}" for name in PURE if exists(name)}


def test_every_room_below_slack_is_kept_from_slack() -> None:
    assert set(contract("slack-only-in-slack")["source_modules"]) == {f"tocsin.{room}" for room in rooms() - ABOVE}


def test_the_simulator_and_every_room_are_kept_apart() -> None:
    others = {f"tocsin.{room}" for room in rooms() - {"simulator"}}
    assert set(contract("judge-from-outside")["source_modules"]) == others
    assert set(contract("judge-from-inside")["forbidden_modules"]) == others | {"django", "slack_sdk"}


BREACHES = {
    "layers": ("issues/breach.py", "import tocsin.slack.cards"),
    "slack-only-in-slack": ("outbox/breach.py", "import slack_sdk"),
    "judge-from-outside": ("web/breach.py", "import tocsin.simulator"),
    "judge-from-inside": ("simulator/breach.py", "import tocsin.errors"),
    "pure": ("slack/blocks/breach.py", "import tocsin.slack.models"),
}


def test_every_wall_has_its_breach_here() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert {one["id"] for one in contracts} == BREACHES.keys()


@pytest.mark.slow
@pytest.mark.parametrize("name", BREACHES)
def test_a_wall_notices_a_breach(name: str, tmp_path: Path) -> None:
    _copy_sources(tmp_path)
    assert _lint(name, tmp_path) == 0
    file, line = BREACHES[name]
    (tmp_path / "tocsin" / file).write_text(line + "\n")
    assert _lint(name, tmp_path) == 1


def _copy_sources(target: Path) -> None:
    (target / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    for source in PACKAGE.rglob("*.py"):
        copy = target / source.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(source.read_bytes())


def _lint(name: str, folder: Path) -> int:
    """The exit status of import-linter for one contract of the sources in `folder`."""
    command = [
        *(sys.executable, "-c", "import sys; from importlinter.cli import lint_imports_command as run; run()"),
        *("--contract", name, "--no-cache"),
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    assert "Contracts:" in done.stdout, done.stdout + done.stderr
    return done.returncode
