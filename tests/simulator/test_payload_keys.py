"""The comparison with captured payloads finds what is missing, and says where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.simulator import payload_keys

KINDS = (
    *("block_actions on a message", "block_actions on what one person sees", "block_actions below a link"),
    *("block_actions in a view", "block_suggestion on a message", "block_suggestion in a view", "view_submission"),
    *("view_closed", "interactive_message", "interactive_message, options", "dialog_submission", "dialog_suggestion"),
    *("dialog_cancellation", "shortcut", "message_action", "event link_shared", "slash command"),
)


@pytest.fixture(scope="module")
def made() -> dict[str, set[str]]:
    return payload_keys.made()


def test_the_stories_make_every_kind(made: dict[str, set[str]]) -> None:
    assert set(KINDS) <= made.keys()


CAPTURE: dict[str, Any] = {
    "type": "shortcut",
    "token": "x",
    "team": {"id": "T1", "domain": "d", "colour": "red"},
    "enterprise": {"id": "E1", "name": "Grid"},
    "user": {"id": "U1"},
}


def test_a_key_that_the_simulator_lacks_is_told_with_its_file(made: dict[str, set[str]], tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.json").write_text(json.dumps(CAPTURE))
    (tmp_path / "b.json").write_text("no JSON")
    (tmp_path / "c.json").write_text('["a", "list"]')
    missing, numbers = payload_keys.compare(tmp_path, made)
    assert missing == ["shortcut: team.colour   (in/a.json)"]
    assert numbers == {"shortcut": 1}
    assert payload_keys.compare(tmp_path, made, ["in"]) == ([], {})


def test_what_was_posted_is_not_compared() -> None:
    payload = {"type": "block_actions", "state": {"values": {"a": {"b": 1}}}, "actions": [{"type": "x", "odd": 1}]}
    assert set(payload_keys.keys(payload)) == {"type", "state", "state.values", "actions", "actions[].type"}
