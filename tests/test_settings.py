"""A wrong setting stops Tocsin at start, with its name and the reason."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

KEY = "k" * 40


def start(**environment: str) -> subprocess.CompletedProcess[str]:
    """Read the settings in a process of their own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "from tocsin import settings; print(settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS)",
        ],
        env={**kept, "TOCSIN_SECRET_KEY": KEY, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("TOCSIN_SECRET_KEY", "", "at least 32 characters"),
        ("TOCSIN_SECRET_KEY", "short", "at least 32 characters"),
        ("TOCSIN_SECRET_KEY", f"{KEY},short", "at least 32 characters"),
        ("TOCSIN_URL", "tocsin.example", "must look like https://"),
        ("TOCSIN_URL", "ftp://tocsin.example", "must look like https://"),
        ("TOCSIN_URL", "https://tocsin.example/path", "must look like https://"),
        ("TOCSIN_SLACK_API_URL", "https://slack.example/", "ends in /api/"),
        ("TOCSIN_SLACK_API_URL", "http://slack.example/api/", "must begin with https://"),
        ("TOCSIN_DATABASE_URL", "mysql://localhost/x", "must begin with postgresql://"),
        ("TOCSIN_TRUSTED_PROXIES", "10.0.0.1,10.0.0.0/99", "addresses or networks"),
        ("TOCSIN_EMAIL_URL", "mail.example.com", "must look like smtp+tls://"),
        ("TOCSIN_EMAIL_URL", "smtps://mail.example.com", "smtp+ssl: TLS from the start"),
        ("TOCSIN_EMAIL_URL", "smtp://mail.example.com:99999", "a port that is none"),
        ("TOCSIN_EMAIL_FROM", "Tocsin", "must look like Tocsin <tocsin@example.com>"),
        ("TOCSIN_SECRET_KEY_FILE", "/nowhere/at/all", "are both set"),
    ],
)
def test_a_wrong_value_is_refused_with_its_name_and_the_reason(name: str, value: str, reason: str) -> None:
    result = start(**{name: value})
    assert result.returncode != 0
    assert name.removesuffix("_FILE") in result.stderr
    assert reason in result.stderr


def test_a_secret_may_come_from_a_file_newest_first(tmp_path: Path) -> None:
    secret = tmp_path / "keys"
    secret.write_text(f"{'n' * 40},{'o' * 40}\n")
    result = start(TOCSIN_SECRET_KEY_FILE=str(secret), TOCSIN_URL="https://tocsin.example")
    assert result.returncode != 0, "both set"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
    read = subprocess.run(
        [
            sys.executable,
            "-c",
            "from tocsin import settings; print(settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS)",
        ],
        env={**environment, "TOCSIN_SECRET_KEY_FILE": str(secret)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert read.stdout.strip() == f"{'n' * 40} ['{'o' * 40}']"
