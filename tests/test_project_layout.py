"""What the project promises about itself: its commands, its pinned packages, its migrations."""

from __future__ import annotations

import io
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from django.core.management import call_command

ROOT = Path(__file__).parent.parent
SETS = ("run", "demo", "dev", "uv")
PINNED = re.compile(r"^([a-z0-9._-]+)==([^ ]+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    return dict(PINNED.findall((ROOT / "requirements" / f"{name}.txt").read_text()))


@pytest.mark.parametrize("name", SETS)
def test_every_package_is_pinned_by_hash(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    entries = re.split(r"\n(?=[a-z0-9])", text)[1:]
    assert entries
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("name", SETS)
def test_no_requirement_names_a_place_to_fetch_from(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    assert not re.search(r"https?://|file:|--index-url|--find-links", text)


def test_the_sets_agree_on_every_version() -> None:
    run, demo, dev, uv = map(pins, SETS)
    assert run.items() <= demo.items() <= dev.items()
    assert uv.items() <= dev.items()


def test_every_dependency_is_in_its_set() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = {
        "run": project["project"]["dependencies"],
        "demo": project["project"]["optional-dependencies"]["demo"],
        "dev": project["dependency-groups"]["dev"],
    }
    for name, dependencies in wanted.items():
        assert {re.split(r"[\[<>=!; ]", one)[0] for one in dependencies} <= pins(name).keys()


@pytest.mark.parametrize("target", ["demo", "test", "quick", "check", "lint", "format", "guarantees", "requirements"])
def test_make_knows_the_target(target: str) -> None:
    done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_migrations_hold_every_change_of_the_models(database: None) -> None:
    call_command("makemigrations", check=True, dry_run=True, stdout=io.StringIO())
