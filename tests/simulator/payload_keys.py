"""Whether the simulator's payloads hold every key that captured ones have, kind by kind.

`python -m tests.simulator.payload_keys FOLDER [--without NAME]` reads every *.json below FOLDER that is a payload of a kind
which the simulator makes, and prints each key that the simulator's lack; it ends with 1 if there is one. Folders called NAME
are passed over: those that hold what is no capture, such as all keys that a kind ever had. What depends on what was
posted (the blocks of a message, the values of a form) is not compared; KNOWN says what is not made on purpose, and why.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from slack_sdk import WebClient

from tests.simulator.conftest import FURTHER, App, Modals, button, question, row, section
from tests.simulator.test_dialogs import dialog, menu, text
from tests.slack_fixture import Slack

Payload = dict[str, Any]

ALICE = "U0ALICE"
URL = "https://tocsin.example/issues/1/"

# Below these a payload repeats what the app or a person has put there.
CONTENT = frozenset(
    {
        *("message", "original_message", "state.values", "submission", "view.blocks", "view.state.values"),
        *("app_unfurl.blocks", "view.title", "view.close", "view.submit", "event.blocks"),
    }
)
# Of an action: the others belong to its element.
ALWAYS_IN_ACTIONS = frozenset({"action_id", "block_id", "type", "action_ts", "name"})

# Why a captured key may be missing: how a kind and how a key begin, and the reason.
WORKFLOW = "only in workflows of the platform's own functions"
OPTIONAL = "in some captures of the kind, and not in those of today's Slack"
KNOWN: tuple[tuple[str, str, str], ...] = (
    ("", "function_data", WORKFLOW),
    ("", "interactivity", WORKFLOW),
    ("", "bot_access_token", WORKFLOW),
    ("message_action", "user.team_id", OPTIONAL),
    ("message_action", "user.username", OPTIONAL),
    ("view_closed", "trigger_id", OPTIONAL),
    ("view_closed", "response_urls", OPTIONAL),
    ("", "team_id", OPTIONAL),
    ("", "enterprise_id", OPTIONAL),
    ("shortcut", "enterprise.domain", OPTIONAL),
    ("view_submission", "response_urls[].", "only for menus with response_url_enabled, which Tocsin has not"),
    ("event link_shared", "event.user_locale", OPTIONAL),
    ("event link_shared", "event.is_unfurl_refresh", "an unfurl is not refreshed by hand in the simulator"),
    ("interactive_message", "app_unfurl_url", "documented for block_actions only"),
)


def known(kind: str, key: str) -> str:
    """Why this key may be missing; empty if it may not."""
    return next((why for start, name, why in KNOWN if kind.startswith(start) and key.startswith(name)), "")


# --- kinds -----------------------------------------------------------------------------------------------------------
def kind_of(payload: Mapping[str, Any]) -> str:
    """As far as its keys depend on it; empty for what is no payload."""
    kind = payload.get("type")
    if kind == "event_callback":
        return f"event {payload.get('event', {}).get('type')}"
    if kind == "interactive_message" and "actions" not in payload:
        return "interactive_message, options"
    if kind in ("block_actions", "block_suggestion"):
        return f"{kind} {_place(payload)}"
    if kind is None and "command" in payload:
        return "slash command"
    return kind if isinstance(kind, str) else ""


def _place(payload: Mapping[str, Any]) -> str:
    container = payload.get("container") or {}
    if container.get("type") == "view" or "view" in payload:
        return "in a view"
    if container.get("is_app_unfurl") or "app_unfurl" in payload:
        return "below a link"
    return "on what one person sees" if container.get("is_ephemeral") else "on a message"


def keys(value: Any, path: str = "") -> Iterator[str]:
    """Every key as "team.id"; a list's as "actions[].type"."""
    if path in CONTENT:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            if path == "actions[]" and name not in ALWAYS_IN_ACTIONS:
                continue
            below = f"{path}.{name}" if path else str(name)
            yield below
            yield from keys(inner, below)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner, f"{path}[]")


# --- what the simulator makes ----------------------------------------------------------------------------------------
@dataclass(slots=True, kw_only=True)
class World:
    """A workspace with an app that takes everything."""

    slack: Slack
    bot: WebClient
    app: App = field(default_factory=App)

    @property
    def modals(self) -> Modals:
        return Modals(slack=self.slack, bot=self.bot)

    def post(self, **content: Any) -> None:
        self.bot.chat_postMessage(channel=self.slack.channel(), text="x", **content)

    def press(self, **asked: Any) -> None:
        self.slack.click({"as": ALICE, **asked})


ROW = row(button(), {"type": "external_select", "action_id": "who", "min_query_length": 0})
OLD: dict[str, Any] = {
    "fallback": "x",
    "callback_id": '{"issue": 1}',
    "actions": [
        {"name": "go", "type": "button", "text": "Go", "value": "go"},
        {"name": "who", "type": "select", "text": "Who", "data_source": "external", "min_query_length": 0},
    ],
}


def _in_messages(world: World) -> None:
    world.post(blocks=[ROW])
    card = world.slack.card(1)
    card.click("Go", as_=ALICE)
    world.press(do="suggest", channel=card.channel, ts=card.ts, action_id="who", value="a")
    world.bot.chat_postMessage(channel=card.channel, text="x", blocks=[ROW], thread_ts=card.ts)
    world.press(channel=card.channel, ts=card.replies()[0]["ts"], action_id="go")
    ts = world.bot.chat_postMessage(channel=card.channel, text="x", attachments=[{"blocks": [ROW]}])["ts"]
    world.press(channel=card.channel, ts=ts, action_id="go")


def _on_ephemeral_ones(world: World) -> None:
    channel = world.slack.channel()
    for thread_ts in (None, world.slack.say("hello", as_=ALICE)):
        posted = world.bot.chat_postEphemeral(channel=channel, user=ALICE, text="x", blocks=[ROW], thread_ts=thread_ts)
        ts = posted["message_ts"]
        world.press(channel=channel, ts=ts, action_id="go")
        world.press(do="suggest", channel=channel, ts=ts, action_id="who", value="a")


def _below_links(world: World) -> None:
    world.slack.post(URL, as_=ALICE, thread=world.slack.say("hello", as_=ALICE))
    posted = world.slack.post(URL, as_=ALICE)
    world.bot.chat_unfurl(channel=world.slack.channel(), ts=posted.ts, unfurls={URL: {"blocks": [section(), ROW]}})
    world.press(channel=world.slack.channel(), ts=posted.ts, action_id="go")
    world.press(do="suggest", channel=world.slack.channel(), ts=posted.ts, action_id="who", value="a")


def _in_attachments(world: World) -> None:
    world.post(attachments=[OLD])
    card = world.slack.card(1)
    card.click("Go", as_=ALICE)
    card.options("Who", "a", as_=ALICE)


def _in_modals(world: World) -> None:
    name, who = question("Name"), question("Who", "external_select", element={"min_query_length": 0})
    world.modals.open(name, who, FURTHER, notify_on_close=True)
    view = world.slack.view(ALICE)
    view.press("Further")
    view.options("Who", "a")
    view.type("Name", "x")
    world.app.listed = b'{"options": [{"text": {"type": "plain_text", "text": "Ann"}, "value": "1"}]}'
    world.slack.view(ALICE).choose("Who", "Ann")
    world.slack.view(ALICE).submit()
    world.modals.open(notify_on_close=True)
    world.slack.view(ALICE).close()


def _in_dialogs(world: World) -> None:
    shown = dialog(text(value="x"), menu("who", "external", optional=True), notify_on_cancel=True, state="s")
    for end in ("submit", "cancel"):
        world.bot.dialog_open(trigger_id=world.modals.trigger(), dialog=shown)
        box = world.slack.dialog(ALICE)
        if end == "submit":
            world.app.listed = b'{"options": [{"label": "Ann", "value": "1"}]}'
            box.suggest("Who", "ann")
        getattr(world.slack.dialog(ALICE), end)()


def _by_shortcuts(world: World) -> None:
    world.slack.shortcut(ALICE, "find")
    world.slack.shortcut(ALICE, "link", world.slack.say("hello", as_=ALICE))


def _by_commands(world: World) -> None:
    world.slack.command(ALICE, "/ours help")


STORIES: tuple[Callable[[World], None], ...] = (
    *(
        _in_messages,
        _on_ephemeral_ones,
        _below_links,
        _in_attachments,
        _in_modals,
        _in_dialogs,
        _by_shortcuts,
        _by_commands,
    ),
)
SHORTCUTS = [
    {"name": "Find", "type": "global", "callback_id": "find"},
    {"name": "Link", "type": "message", "callback_id": "link"},
]


def made() -> dict[str, set[str]]:
    """By kind: every key of what the simulator has sent in the stories, in a workspace of its own and in one of a Grid."""
    found: dict[str, set[str]] = {}
    for story, grid in product(STORIES, (None, ("E0GRID", "Grid"))):
        slack = Slack()
        slack.start()
        slack.change_team(grid)
        try:
            world = World(slack=slack, bot=WebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[]))
            slack.connect(deliver=world.app)
            slack.change_app(shortcuts=SHORTCUTS, commands=[{"command": "/ours"}], unfurl_domains=["tocsin.example"])
            story(world)
            for entry in slack.journal():
                if entry["direction"] == "out" and (kind := kind_of(entry["args"])):
                    found.setdefault(kind, set()).update(keys(entry["args"]))
        finally:
            slack.stop()
    return found


# --- what was captured -----------------------------------------------------------------------------------------------
def captured(folder: Path, without: Collection[str] = ()) -> Iterator[tuple[Path, Payload]]:
    """Every payload below the folder; what is no JSON object is passed over."""
    for path in sorted(folder.rglob("*.json")):
        if not set(path.relative_to(folder).parts).isdisjoint(without):
            continue
        try:
            read = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            continue
        if isinstance(read, dict) and kind_of(read):
            yield path, read


def compare(
    folder: Path, found: Mapping[str, set[str]], without: Collection[str] = ()
) -> tuple[list[str], dict[str, int]]:
    """What is missing, a line for each; and how many captures of each kind there were."""
    missing: list[str] = []
    numbers: dict[str, int] = {}
    for path, payload in captured(folder, without):
        kind = kind_of(payload)
        if kind not in found:
            continue
        numbers[kind] = numbers.get(kind, 0) + 1
        lacking = sorted(key for key in set(keys(payload)) - found[kind] if not known(kind, key))
        missing += [f"{kind}: {key}   ({path.relative_to(folder)})" for key in lacking]
    return missing, numbers


def main() -> int:
    parser = argparse.ArgumentParser(prog="payload_keys", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="with captured payloads, one JSON object a file")
    parser.add_argument(
        "--without", action="append", default=[], help="a folder in it to pass over (may be given again)"
    )
    asked = parser.parse_args()
    if not asked.folder.is_dir():
        parser.error(f"{asked.folder} is no folder.")
    found = made()
    missing, numbers = compare(asked.folder, found, asked.without)
    for kind in sorted(found):
        print(f"{kind}: {len(found[kind])} keys, {numbers.get(kind, 0)} captures")
    print(*missing, sep="\n")
    return 1 if missing or not numbers else 0


if __name__ == "__main__":
    raise SystemExit(main())
