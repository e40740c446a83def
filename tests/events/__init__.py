"""Events as real SDKs sent them. `generate.py`, `generate.mjs` and `generate_browser.py` make them anew, of Python, Node and
chromium."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def load(name: str) -> dict[str, Any]:
    """One event's JSON, by the name that the generator gave it."""
    event: dict[str, Any] = json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))
    return event


def names() -> list[str]:
    return sorted(path.stem for path in HERE.glob("*.json"))
