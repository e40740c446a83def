"""The load driver: sends signed clicks and events, to this process or a running one, and writes down what came of it.

Its journal is one of the three things that the auditor reads, so an entry is written before anything is sent and completed when an
answer has come; what was never answered stays so.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from tests.samples import sample_event
from tests.slack_fixture import Card, Deliver, Slack, through_wsgi, user_id
from tocsin.projects.models import Key
from tocsin.simulator.clicks import Outgoing

INTERACTIVE = "/slack/interactive"
NO_ANSWER = 0


@dataclass(slots=True, kw_only=True)
class Sent:
    """One delivery. `key` is the same for every delivery of one thing; times are of this machine's clock."""

    what: str  # "click", "submission", "event" or "link"
    key: str
    about: Mapping[str, Any]
    at: float
    answered_at: float = 0.0
    status: int = NO_ANSWER
    body: str = ""

    @property
    def is_answered(self) -> bool:
        """Whether it was acknowledged."""
        return 200 <= self.status < 300


@dataclass(slots=True, kw_only=True)
class Journal:
    """What was sent, in the order in which it was begun, and when processes were killed."""

    sent: list[Sent] = field(default_factory=list)
    kills: list[float] = field(default_factory=list)

    @contextmanager
    def sending(self, what: str, key: str, about: Mapping[str, Any]) -> Iterator[Sent]:
        """An entry, to be completed inside. What the way there raises is raised, and the entry stays without an answer."""
        entry = Sent(what=what, key=key, about=about, at=time.time())
        self.sent.append(entry)
        yield entry
        entry.answered_at = time.time()

    def killed(self) -> None:
        """A process was killed just now, cut off from what it talked to, or stood still for long."""
        self.kills.append(time.time())


# --- what tells one delivery apart from another, as Slack has it ------------------------------------------------------


def about_interaction(payload: Mapping[str, Any]) -> dict[str, Any]:
    """What a click or a submission says, without the message that it was made on."""
    container, view = payload.get("container") or {}, payload.get("view") or {}
    return {
        "user": payload["user"]["id"],
        "channel": container.get("channel_id", ""),
        "ts": container.get("message_ts", ""),
        "actions": [_about_action(action) for action in payload.get("actions", [])],
        "response_url": payload.get("response_url", ""),
        "trigger_id": payload.get("trigger_id", ""),
        "view": view.get("id", ""),
        "form": view.get("callback_id", ""),
        "view_key": view.get("private_metadata", ""),
    }


def about_old_interaction(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The same of attachments and dialogs of old: what is used is called by its name and, of a button, what it stands for."""
    about = {
        "user": payload["user"]["id"],
        "channel": payload["channel"]["id"],
        "ts": payload.get("message_ts", ""),
        "response_url": payload.get("response_url", ""),
        "trigger_id": payload.get("trigger_id", ""),
    }
    return {**EMPTY_ABOUT, **about, "actions": [_about_old(each, payload) for each in payload.get("actions", [{}])]}


EMPTY_ABOUT = dict.fromkeys(("view", "form", "view_key"), "")


def _about_old(action: Mapping[str, Any], payload: Mapping[str, Any]) -> dict[str, Any]:
    stands_for = action.get("value", "").partition(":")[0]
    name = f"{action.get('name', 'dialog')}{f':{stands_for}' if stands_for else ''}"
    chosen = (action.get("selected_options") or [{}])[0].get("value", "")
    known = {"action_id": name, "block_id": payload["callback_id"], "value": "", "chosen": chosen}
    return {**known, "action_ts": payload["action_ts"]}


def _about_action(action: Mapping[str, Any]) -> dict[str, Any]:
    chosen = action.get("selected_option") or {}
    return {
        "action_id": action["action_id"],
        "block_id": action["block_id"],
        "value": action.get("value", ""),
        "chosen": chosen.get("value", ""),
        "action_ts": action.get("action_ts", ""),
    }


def delivery_key(payload: Mapping[str, Any]) -> str:
    """The same for every delivery of one click, or of one submission."""
    about = ABOUT[payload["type"]](payload)
    if payload["type"] == "view_submission":
        return json.dumps(["submission", about["user"], about["view"], about["trigger_id"]])
    used = [[each["action_id"], each["block_id"], each["action_ts"]] for each in about["actions"]]
    return json.dumps(["click", about["user"], about["channel"] or about["view"], about["ts"], used])


KINDS = {
    "block_actions": "click",
    "view_submission": "submission",
    "interactive_message": "click",
    "dialog_submission": "click",
}
ABOUT: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "block_actions": about_interaction,
    "view_submission": about_interaction,
    "interactive_message": about_old_interaction,
    "dialog_submission": about_old_interaction,
}


# --- sending ----------------------------------------------------------------------------------------------------------


def over_http(url: str, *, seconds: float = 30.0) -> Deliver:
    """Delivers to a running process; nothing that came back is status 0."""

    def deliver(path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        request = urllib.request.Request(f"{url}{path}", data=body, headers=dict(headers), method="POST")
        try:
            with urllib.request.urlopen(request, timeout=seconds) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, dict(refused.headers), refused.read()
        except OSError:
            return NO_ANSWER, {}, b""

    return deliver


class Driver:
    """Clicks and events. Without `to` they are handed to Tocsin's WSGI application, in the thread that sends them.

    `slack.connect(deliver=driver)` lets everything that a test clicks go this way.
    """

    def __init__(self, slack: Slack, *, to: str = "", deliver: Deliver | None = None) -> None:
        from tocsin.wsgi import application

        self.journal = Journal()
        self._slack = slack
        self._deliver = deliver or (over_http(to) if to else through_wsgi(application))

    def __call__(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Deliver it once, and write it down if it may have an effect. Any thread may do so."""
        payload = _payload(body)
        kind = payload.get("type")
        if kind not in KINDS or (kind == "interactive_message" and "actions" not in payload):
            return self._deliver(path, headers, body)
        with self.journal.sending(KINDS[kind], delivery_key(payload), ABOUT[kind](payload)) as entry:
            answer = self._complete(entry, path, headers, body)
            if kind == "interactive_message" and not _whispers(answer[2]):
                entry.body = ""  # the message itself, drawn anew
            return answer

    def _complete(
        self, entry: Sent, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        entry.status, given, answer = self._deliver(path, headers, body)
        entry.body = answer.decode("utf-8", "replace")
        return entry.status, given, answer

    # --- clicks ------------------------------------------------------------------------------------------------------
    def pressed(self, card: Card, label: str, as_: Any, **raw: Any) -> Outgoing:
        """A click on a button, or on an entry of the overflow menu, not sent yet. It may be sent as often as one likes."""
        return self._built(card, as_, {**card.place(label), "raw": raw})

    def chosen(self, card: Card, label: str, option: Mapping[str, Any] | str, as_: Any) -> Outgoing:
        """A choice in a menu whose entries the app lists, not sent yet; of attachments its value."""
        return self._built(card, as_, {**card.menu(label), "selected": option})

    def _built(self, card: Card, as_: Any, what: Mapping[str, Any]) -> Outgoing:
        asked = {"as": user_id(as_), "channel": card.channel, "ts": card.ts, **what}
        built = self._slack.do(self._slack.simulation.clicks.build, asked)
        assert built is not None, "Slack tells nobody of that"
        return built

    def send(self, outgoing: Outgoing) -> int:
        """The status of the answer."""
        return self(INTERACTIVE, outgoing.headers, outgoing.body)[0]

    # --- events ------------------------------------------------------------------------------------------------------
    def event(self, key: Key, **fields: Any) -> Sent:
        """An event of SHOP's checkout; `fields` replace members of it."""
        event = sample_event(**fields)
        about = {"project": key.project_id, "event_id": event.id}
        with self.journal.sending("event", f"{key.project_id}/{event.id}", about) as entry:
            path = f"/api/{key.project_id}/store/?sentry_key={key.public_key}"
            self._complete(entry, path, {"Content-Type": "application/json"}, event.json)
        return entry


def _whispers(body: bytes) -> bool:
    return b'"replace_original": false' in body


def _payload(body: bytes) -> dict[str, Any]:
    """Of interactivity; anything else is empty."""
    if not body.startswith(b"payload="):
        return {}
    payload: dict[str, Any] = json.loads(parse_qs(body.decode())["payload"][0])
    return payload
