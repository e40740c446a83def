"""Slack, for tests: the simulator in a thread of this process, at an address of its own.

`slack.card(issue).click("Resolve", as_=alice)` sends what Slack sends: a payload built from the message that was really
posted, signed, over HTTP or straight into the WSGI application.
"""

from __future__ import annotations

import asyncio
import io
import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import pytest
from aiohttp import web

from tests.environment import BOT_TOKEN, SIGNING_SECRET
from tests.waiting import until
from tocsin.simulator import dialog_validation, fields, legacy, payloads, seed, unfurls
from tocsin.simulator.app import make_app
from tocsin.simulator.clicks import UNHEARD, Outgoing, OverHttp, address, new_session
from tocsin.simulator.command import url_of
from tocsin.simulator.control import Control
from tocsin.simulator.events import Attempt
from tocsin.simulator.judge import Answer
from tocsin.simulator.simulation import Simulation
from tocsin.simulator.validation import elements_of

Message = dict[str, Any]
Result = dict[str, Any]
# (path, headers, body) → (status, headers, body)
Deliver = Callable[[str, Mapping[str, str], bytes], tuple[int, Mapping[str, str], bytes]]
Done = TypeVar("Done")

INTERACTIVE = "/slack/interactive"
OLD_MENU = "select"  # in an attachment


@contextmanager
def connection_kept() -> Iterator[None]:
    """A request ends; the connection of the test, and what is not committed on it, stay. Django's own client does so."""
    from django.core.signals import request_finished, request_started
    from django.db import close_old_connections

    signals = [signal for signal in (request_started, request_finished) if signal.disconnect(close_old_connections)]
    try:
        yield
    finally:
        for signal in signals:
            signal.connect(close_old_connections)


def through_wsgi(application: Any) -> Deliver:
    """Delivers to a WSGI application, in this thread: on the test's own database connection."""

    def deliver(path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        parts = urlsplit(path)
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "POST",
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(parts.path),
            "QUERY_STRING": parts.query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in headers.items():
            key = name.upper().replace("-", "_")
            environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
        began: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, items: list[tuple[str, str]], *_: Any) -> None:
            began.append((status, items))

        with connection_kept():
            answered = application(environ, start_response)
            try:
                received = b"".join(answered)
            finally:
                if hasattr(answered, "close"):
                    answered.close()
        status, items = began[0]
        return int(status.split()[0]), dict(items), received

    return deliver


@dataclass(slots=True, kw_only=True)
class Pause:
    """The next call of a method is held, until release()."""

    slack: Slack
    id: int

    def is_reached(self) -> bool:
        return self.slack.call(self._holds())

    async def _holds(self) -> bool:
        return any(held.fault == self.id for held in self.slack.simulation.faults.held.values())

    def wait_reached(self, timeout: float = 10.0) -> None:
        """Raises AssertionError when nothing was held within `timeout` seconds."""
        until(self.is_reached, seconds=timeout, what="a call to be held")

    def release(self) -> None:
        """Let the held call go on; one that has not come yet will not be held any more."""
        self.slack.call(self._release())

    async def _release(self) -> None:
        faults = self.slack.simulation.faults
        faults.planned[:] = [fault for fault in faults.planned if fault.id != self.id]
        faults.release(self.id)


@dataclass(slots=True, kw_only=True)
class Card:
    """The newest message about an issue, as it hangs in a channel now. False while there is none."""

    slack: Slack
    channel: str
    ts: str = ""
    stored: Message = field(default_factory=dict)
    whispers: list[Message] = field(default_factory=list)  # what only the last person who clicked sees because of it

    def __bool__(self) -> bool:
        return bool(self.stored)

    @property
    def message(self) -> Message:
        """As Slack stores it. Raises LookupError when there is none."""
        if not self.stored:
            raise LookupError(f"there is no card in {self.channel}")
        return self.stored

    @property
    def text(self) -> str:
        """Everything that can be read, line by line; the fallback text is not."""
        return "\n".join(visible_text(self.stored))

    @property
    def buttons(self) -> list[str]:
        """The labels, from left to right."""
        return list(_buttons(self.stored))

    def click(self, label: str, as_: Any, *, kill: Callable[[], object] | None = None, **options: Any) -> Result:
        """Press the button with this label. `as_` is a Slack user id or somebody with `slack_user_id`.

        Options are those of /control/click: signing, times, at_once, raw, selected. `kill()` is called when the request
        is on its way. Returns status, seconds, body, judgement and payload.
        """
        if label not in self.buttons:
            raise LookupError(f"there is no button {label!r}; there are {self.buttons}")
        return self._use(_buttons(self.message)[label], as_, kill=kill, **options)

    def place(self, label: str) -> dict[str, Any]:
        """The button, or the entry of the overflow menu, of this label, as /control/click names it. Raises LookupError."""
        if label in self.buttons:
            return dict(_buttons(self.message)[label])
        menu = _named(self.message, "More actions")
        return {**menu.where, "selected": _selected(menu.element, [label])}

    def menu(self, label: str) -> dict[str, str]:
        """The menu of this placeholder, as /control/click names it. Raises LookupError."""
        return dict(_named(self.message, label).where)

    def options(self, label: str, query: str, as_: Any) -> list[tuple[str, str, str]]:
        """What a menu lists for that person when they type `query`: (text, value, its group's label or "").

        Nothing when that is too little for Slack to ask the app. Raises AssertionError for an answer that Slack refuses.
        """
        return [_entry(*each) for each in self._listed(_named(self.message, label), query, as_)]

    def choose(self, label: str, *texts: str, as_: Any, **options: Any) -> Result:
        """Choose the entry with this text (those, where several can be chosen; none: nothing) in a menu or boxes.

        They are found by their placeholder, an overflow menu by "More actions", others by the text beside them.
        """
        found = _named(self.message, label)
        if "options" in found.element or "option_groups" in found.element:
            return self._use(found.where, as_, selected=_selected(found.element, texts), **options)
        selected = _options_named(texts, lambda query: self._listed(found, query, as_), found.element)
        return self._use(found.where, as_, selected=selected, **options)

    def _listed(self, found: Named, query: str, as_: Any) -> list[tuple[Message, str]]:
        where = {"as": user_id(as_), "channel": self.channel, "ts": self.ts, **found.where}
        return _listed(self.slack.click({"do": "suggest", "value": query, **where}))

    def _use(
        self, where: dict[str, str], as_: Any, *, kill: Callable[[], object] | None = None, **options: Any
    ) -> Result:
        user = user_id(as_)
        before = {whisper["ts"] for whisper in self.slack.ephemerals(user)}
        asked = {"as": user, "channel": self.channel, "ts": self.ts, **where, **options}
        result = self.slack.click(asked, kill=kill)
        self.whispers = [whisper for whisper in self.slack.ephemerals(user) if whisper["ts"] not in before]
        return result

    def replies(self) -> list[Message]:
        """What hangs in its thread, oldest first."""
        return self.slack.messages(self.channel, thread=self.ts)


@dataclass(slots=True, kw_only=True)
class View:
    """The modal in front of a person, as it was when it was asked for. False when there is none."""

    slack: Slack
    user: str
    stored: Message | None

    def __bool__(self) -> bool:
        return self.stored is not None

    @property
    def view(self) -> Message:
        """As Slack stores it. Raises LookupError when there is none."""
        if self.stored is None:
            raise LookupError(f"{self.user} has no modal open")
        return self.stored

    @property
    def title(self) -> str:
        return str(self.view["title"]["text"])

    @property
    def text(self) -> str:
        """Everything that can be read in it: labels, entries, and what is said at fields or went wrong."""
        said = [*self.errors.values(), self.trouble]
        return "\n".join([*_view_texts(self.view), *(sentence for sentence in said if sentence)])

    @property
    def labels(self) -> list[str]:
        """Of what can be filled in, from top to bottom."""
        return [each.names[0] for each in _all_named(self.view) if each.element["type"] != "button"]

    @property
    def buttons(self) -> list[str]:
        """The labels of those inside it; not of those that submit and close it."""
        return list(_buttons(self.view))

    @property
    def errors(self) -> dict[str, str]:
        """What is said at the fields, by the id of the block."""
        return dict(self.view.get("_errors", {}))

    @property
    def trouble(self) -> str:
        """What the person reads because the app did not answer as it should; else empty."""
        return str(self.view.get("_trouble", ""))

    @property
    def submit_label(self) -> str:
        """Empty when there is nothing to submit."""
        return str((self.view["submit"] or {"text": ""})["text"])

    def choose(self, label: str, *texts: str) -> Result:
        """Choose the entry with this text (those, where several can be chosen; none: nothing) in what has this label.

        A label is that of the field, else the placeholder, else the text beside it.
        """
        found = _named(self.view, label)
        if "options" in found.element or "option_groups" in found.element:
            return self._do("choose", **found.where, selected=_selected(found.element, texts))
        selected = _options_named(texts, lambda query: self._listed(found, query), found.element)
        return self._do("choose", **found.where, selected=selected)

    def type(self, label: str, text: str, *, enter: bool = False) -> Result:
        """Type into a field, in place of what is there; and press Enter in it."""
        return self._do("choose", **_named(self.view, label).where, selected=text, enter=enter)

    def pick(self, label: str, value: Any) -> Result:
        """Set what a field of dates, times, people or channels holds; of check boxes, the texts of those that are checked."""
        found = _named(self.view, label)
        if found.element["type"] == "checkboxes":
            value = _selected(found.element, [value] if isinstance(value, str) else value)
        return self._do("choose", **found.where, selected=value)

    def options(self, label: str, query: str) -> list[tuple[str, str, str]]:
        """What the menu of this label lists when they type `query`: as Card.options()."""
        return [_entry(*each) for each in self._listed(_named(self.view, label), query)]

    def press(self, label: str) -> Result:
        """Press the button with this label inside the view."""
        if label not in self.buttons:
            raise LookupError(f"there is no button {label!r}; there are {self.buttons}")
        return self._do("choose", **_buttons(self.view)[label])

    def submit(self, **how: Any) -> Result:
        """Options are those of Card.click()."""
        return self._do("submit", **how)

    def close(self, **how: Any) -> Result:
        """By its button. Options are those of Card.click()."""
        return self._do("close", **how)

    def clear(self, **how: Any) -> Result:
        """By its cross: all views that lie upon each other. Options are those of Card.click()."""
        return self._do("clear", **how)

    def _listed(self, found: Named, query: str) -> list[tuple[Message, str]]:
        return _listed(self._do("suggest", **found.where, value=query))

    def _do(self, do: str, *, kill: Callable[[], object] | None = None, **asked: Any) -> Result:
        """Refused by the simulator when another view is in front of them by now."""
        about = {"as": self.user, "view": True, "view_id": self.view["id"], "do": do}
        return self.slack.click({**about, **asked}, kill=kill)


@dataclass(slots=True, kw_only=True)
class Dialog:
    """The dialog of old in front of a person, as it was when it was asked for. False when there is none."""

    slack: Slack
    user: str
    stored: Message | None

    def __bool__(self) -> bool:
        return self.stored is not None

    @property
    def dialog(self) -> Message:
        """As the simulator keeps it. Raises LookupError when there is none."""
        if self.stored is None:
            raise LookupError(f"{self.user} has no dialog open")
        return self.stored

    @property
    def title(self) -> str:
        return str(self.dialog["title"])

    @property
    def submit_label(self) -> str:
        return str(self.dialog["submit_label"])

    @property
    def labels(self) -> list[str]:
        """Of its elements, from top to bottom."""
        return [element["label"] for element in self.dialog["elements"]]

    @property
    def values(self) -> dict[str, str | None]:
        """What stands in each element, by its name."""
        return dict(self.dialog["values"])

    @property
    def errors(self) -> dict[str, str]:
        """What is said at the elements, by name."""
        return dict(self.dialog["errors"])

    @property
    def trouble(self) -> str:
        """What the person reads because the app did not answer as it should; else empty."""
        return str(self.dialog["trouble"])

    def choose(self, label: str, text: Any) -> Result:
        """Type `text` into the element of this label or name, or choose what is called so in a menu; None empties it.

        In menus of people and channels it is an id, or somebody with `slack_user_id`. Raises LookupError.
        """
        element = self._element(label)
        source = element.get("data_source", "static") if element["type"] == "select" else ""
        selected: Any = user_id(text)
        if text is not None and source in ("static", "external"):
            listed = self._listed(element, text) if source == "external" else dialog_validation.offered(element)
            found = _option_named(text, listed)
            selected = found if source == "external" else found["value"]
        return self._do("choose", name=element["name"], selected=selected)

    def suggest(self, label: str, query: str) -> list[tuple[str, str]]:
        """What the menu of this label lists when they type `query`: (label, value). Nothing when Slack does not ask.

        Raises AssertionError for an answer that Slack refuses.
        """
        return [(option["label"], option["value"]) for option in self._listed(self._element(label), query)]

    def submit(self, **how: Any) -> Result:
        """Options are those of Card.click()."""
        return self._do("submit", **how)

    def cancel(self, **how: Any) -> Result:
        """Options are those of Card.click()."""
        return self._do("cancel", **how)

    def _element(self, label: str) -> Message:
        for element in self.dialog["elements"]:
            if label in (element["label"], element["name"]):
                return dict(element)
        raise LookupError(f"there is nothing called {label!r}; there are {self.labels}")

    def _listed(self, element: Message, query: str) -> list[Message]:
        result = self._do("suggest", name=element["name"], value=query)
        assert result["judgement"]["ok"], result["judgement"]["faults"]
        return dialog_validation.offered(json.loads(result["body"])) if result["body"] else []

    def _do(self, do: str, *, kill: Callable[[], object] | None = None, **asked: Any) -> Result:
        """Refused by the simulator when another dialog is in front of them by now."""
        about = {"as": self.user, "dialog": True, "dialog_id": self.dialog["id"], "do": do}
        return self.slack.click({**about, **asked}, kill=kill)


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """A message that a person has posted, and how the app has answered the event of it; none if it was not told."""

    ts: str
    results: list[Result]


class Slack:
    """The simulator, listening; everything that a test wants of it."""

    def __init__(self) -> None:
        self.simulation = Simulation(seed.workspace(signing_secret=SIGNING_SECRET, bot_token=BOT_TOKEN))
        self.signing_secret = SIGNING_SECRET
        self.bot_token = BOT_TOKEN
        self.team_id = self.simulation.workspace.team.id
        self.url = ""
        self._control = Control(self.simulation)
        self._deliver: Deliver | None = None
        self._is_connected = False
        self._path = INTERACTIVE
        self._faults_are_expected = False
        self._untold: list[Attempt] = []  # events that the app has not taken
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="slack", daemon=True)

    # --- running -----------------------------------------------------------------------------------------------------
    @property
    def api_url(self) -> str:
        """Ends with a slash."""
        return f"{self.url}/api/"

    def start(self) -> None:
        self._thread.start()
        self.call(self._start())

    async def _start(self) -> None:
        self._runner = web.AppRunner(make_app(self.simulation), access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = url_of(self._runner)
        self.simulation.listens_at(self.url)
        self._session = new_session()

    def stop(self) -> None:
        self.call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _stop(self) -> None:
        await self._session.close()
        await self._runner.cleanup()

    def call(self, work: Awaitable[Done], *, seconds: float = 60.0) -> Done:
        """Do something on the simulator's own loop, and wait for it."""
        return self._begin(work).result(seconds)

    def _begin(self, work: Awaitable[Done]) -> Future[Done]:
        async def run() -> Done:
            return await work

        return asyncio.run_coroutine_threadsafe(run(), self._loop)

    def do(self, function: Callable[..., Done], *args: Any, **named: Any) -> Done:
        """Call a plain function of the simulator on its loop."""

        async def run() -> Done:
            return function(*args, **named)

        return self.call(run())

    # --- where the app is --------------------------------------------------------------------------------------------
    def connect(self, request_url: str = "", *, deliver: Deliver | None = None, path: str = INTERACTIVE) -> None:
        """Send clicks to this address, or hand them to `deliver` (in the thread of the test). Without a call of this,
        they are handed to Tocsin's WSGI application.
        """
        self._deliver, self._path, self._is_connected = deliver, path, True
        self.simulation.workspace.app.request_url = request_url or (f"in-process:{path}" if deliver else "")

    # --- looking -----------------------------------------------------------------------------------------------------
    def channel(self, name: str = "alerts") -> str:
        """The id of a channel."""
        found = self.simulation.workspace.channel_named(name)
        if found is None:
            raise LookupError(f"there is no channel {name!r}")
        return found.id

    def messages(self, channel: str = "alerts", thread: str | None = None, as_: Any = None) -> list[Message]:
        """What hangs in a channel (not in its threads), or in the thread of a message; oldest first.

        With a person, what that person sees; else without what only one person sees.
        """
        who = user_id(as_) if as_ is not None else ""
        state = self.do(self._control.described, who)
        shown = state["messages"].get(self.channel(channel), [])
        if not who:
            shown = [message for message in shown if "_ephemeral_to" not in message]
        if thread is not None:
            return [message for message in shown if message.get("thread_ts") == thread and message["ts"] != thread]
        return [message for message in shown if _hangs_in_channel(message)]

    def ephemerals(self, user: Any, channel: str | None = None) -> list[Message]:
        """What only that person sees, oldest first; in all channels unless one is named."""
        who = user_id(user)
        state = self.do(self._control.described, "")
        wanted = [self.channel(channel)] if channel else list(state["messages"])
        found = [message for each in wanted for message in state["messages"][each]]
        return sorted((each for each in found if each.get("_ephemeral_to") == who), key=lambda each: str(each["ts"]))

    def direct_messages(self, user: Any) -> list[Message]:
        """What the app has written to that person directly."""
        direct = self.do(self.simulation.workspace.direct, user_id(user))
        return self.messages(direct.id)

    def journal(self, method: str | None = None, since: int = 0) -> list[dict[str, Any]]:
        """Calls in and out, oldest first: n, at, direction, method, args, status, answer, ts, seconds, faults."""
        return [dict(entry) for entry in self.do(self.simulation.journal.since, since, method or "")]

    def card(self, issue: Any, channel: str = "alerts") -> Card:
        """The newest message about an issue (or the issue of that id) in a channel."""
        issue_id = getattr(issue, "pk", issue)
        for message in reversed(self.messages(channel)):
            if issue_id in _issues_of(message):
                return Card(slack=self, channel=self.channel(channel), ts=message["ts"], stored=message)
        return Card(slack=self, channel=self.channel(channel))

    # --- acting ------------------------------------------------------------------------------------------------------
    def click(self, asked: Mapping[str, Any], *, kill: Callable[[], object] | None = None) -> Result:
        """A click as /control/click takes it, delivered to where connect() says."""
        self._connect_unless_connected()
        if self._deliver is None:
            return self._click_over_http(asked, kill)
        assert kill is None, "there is no process to kill when the application runs in this one"
        outgoing = self.do(self.simulation.clicks.build, asked)
        if outgoing is None:
            return dict(UNHEARD)
        assert self._deliver is not None
        results = [self._hand_over(outgoing, self._deliver) for _ in range(int(asked.get("times") or 1))]
        return {**results[-1], **({"results": results} if len(results) > 1 else {})}

    def _connect_unless_connected(self) -> None:
        if not self._is_connected:
            from tocsin.wsgi import application

            self.connect(deliver=through_wsgi(application))

    def post(
        self, text: str, as_: Any, channel: str = "alerts", thread: str = "", *, times: int = 1, signing: str = "ok"
    ) -> Posting:
        """A person writes something, and the app is told of it `times` times if it has a link that the app may unfurl.

        An app that does not take the event is told again at once, and then by advance(). `signing` is that of a click.
        """
        self._connect_unless_connected()
        ts = self.say(text, as_, channel, thread)
        posted = self.do(self.simulation.workspace.find, self.channel(channel), ts)
        user = self.simulation.workspace.users[user_id(as_)]
        event = self.do(unfurls.link_shared, self.simulation.workspace, user, posted)
        return Posting(ts=ts, results=self._told(event, times, signing))

    def compose(self, text: str, as_: Any) -> Posting:
        """A person writes something and does not post it."""
        self._connect_unless_connected()
        user = self.simulation.workspace.users[user_id(as_)]
        event = self.do(unfurls.composed, self.simulation.workspace, user, text)
        return Posting(ts=event["event"]["message_ts"] if event else "", results=self._told(event))

    def _told(self, event: dict[str, Any] | None, times: int = 1, signing: str = "ok") -> list[Result]:
        if event is None:
            return []
        return [result for _ in range(times) for result in self._tell(Attempt(event=event, signing=signing))]

    def _tell(self, attempt: Attempt) -> list[Result]:
        """As often as it is due now; what is due later waits for advance()."""
        events, results = self.simulation.events, []
        further: Attempt | None = attempt
        while further is not None and self.do(events.is_due, further):
            results.append(self._send(self.do(events.outgoing, further)))
            further = self.do(events.after, further, results[-1])
        if further is not None:
            self._untold.append(further)
        return results

    def _send(self, outgoing: Outgoing) -> Result:
        if self._deliver is not None:
            return self._hand_over(outgoing, self._deliver)
        return self.call(self.simulation.clicks.deliver(outgoing, self._over_http()))

    def _over_http(self) -> OverHttp:
        app = self.simulation.workspace.app
        return OverHttp(
            session=self._session,
            request_url=app.request_url,
            options_url=app.options_url,
            events_url=app.events_url,
            commands_url=app.commands_url,
        )

    def _hand_over(self, outgoing: Outgoing, deliver: Deliver) -> Result:
        entry = self.do(self.simulation.clicks.begin, outgoing)
        began = time.monotonic()
        path = address(outgoing.kind, self._path)
        status, headers, body = deliver(path, outgoing.headers, outgoing.body)
        answer = Answer(status=status, headers=headers, body=body, seconds=time.monotonic() - began)
        return self.do(self.simulation.clicks.finish, outgoing, entry, answer)

    def _click_over_http(self, asked: Mapping[str, Any], kill: Callable[[], object] | None) -> Result:
        before = self._last_sent()
        sent = self._begin(self.simulation.clicks.click(asked, self._over_http()))
        if kill is not None:
            until(lambda: sent.done() or self._last_sent() > before, what="the click to leave")
            kill()
        return sent.result(60)

    def _last_sent(self) -> int:
        return max((int(entry["n"]) for entry in self.journal() if entry["direction"] == "out"), default=0)

    def view(self, who: Any) -> View:
        """The modal that this person has in front of them."""
        user = user_id(who)
        state = self.do(self._control.described, user)
        return View(slack=self, user=user, stored=state["views"][-1] if state["views"] else None)

    def dialog(self, who: Any) -> Dialog:
        """The dialog of old that this person has in front of them."""
        user = user_id(who)
        return Dialog(slack=self, user=user, stored=self.do(self._control.described, user)["dialog"])

    def shortcut(
        self, as_: Any, callback_id: str, message: Any = None, *, channel: str = "alerts", **options: Any
    ) -> Result:
        """Choose a shortcut of the app by the composer, or on a message: a Card, a message of `channel`, or its ts.

        Options and results are those of Card.click().
        """
        asked = {"as": user_id(as_), "callback_id": callback_id, **options}
        if message is None:
            return self.click({**asked, "do": "shortcut"})
        if isinstance(message, Card):
            place = {"channel": message.channel, "ts": message.ts}
        else:
            place = {"channel": self.channel(channel), "ts": message if isinstance(message, str) else message["ts"]}
        return self.click({**asked, **place, "do": "message_shortcut"})

    def command(self, as_: Any, text: str, channel: str = "alerts", **options: Any) -> Result:
        """Type a line that begins with a command, "/tocsin help". Options and results are those of Card.click()."""
        return self.click(
            {"as": user_id(as_), "channel": self.channel(channel), "text": text, "do": "command", **options}
        )

    def say(self, text: str, as_: Any, channel: str = "alerts", thread: str = "") -> str:
        """A person writes something. Returns its ts."""
        asked = {"as": user_id(as_), "channel": channel, "text": text, "thread_ts": thread}
        return self.do(self._control.say, asked).ts

    def change_channel(self, channel: str, do: str, **how: Any) -> None:
        """`do`: create, archive, unarchive, invite, kick (the app, unless `user` says who), rename, delete, share, unshare."""
        self.do(self._control.alter_channel, {"channel": channel, "do": do, **how})

    def change_user(self, user: Any, **flags: Any) -> None:
        """`deleted`, `is_restricted` (a guest), `is_stranger`; somebody who is not there yet is added."""
        self.do(self._control.alter_user, {"id": user_id(user), **flags})

    def change_app(self, **fields: Any) -> None:
        """`scopes`, `bot_token`, `signing_secret`, `token_error` ("token_revoked": what every call gets) …"""
        self.do(self._control.alter_app, fields)

    def change_team(self, enterprise: tuple[str, str] | None) -> None:
        """The Enterprise Grid that the workspace is part of: its id and name."""
        grid = dict(zip(("id", "name"), enterprise, strict=True)) if enterprise else None
        self.do(self._control.alter_team, {"enterprise": grid})

    def advance(self, seconds: float) -> None:
        """Move Slack's clock: rate limits, lifetimes, the ts of messages, and events that are told again. Signatures keep the
        machine's time.
        """
        self.do(self.simulation.workspace.clock.advance, seconds)
        self.do(self.simulation.workspace.change)
        waiting, self._untold = self._untold, []
        for attempt in waiting:
            self._tell(attempt)

    # --- faults ------------------------------------------------------------------------------------------------------
    def fail(self, method: str, kind: str, times: int | None = 1, **how: Any) -> int:
        """The next `times` calls of a method (None: all; "*": every method; "response_url") go wrong.

        Kinds and their options are those of /control/faults, as `fail("chat.postMessage", "error", error="is_archived")`,
        `fail("chat.update", "429", retry_after=30)`, `fail("*", "status", status=503)`, `fail("…", "reset_after")`.
        """
        return self.do(self.simulation.faults.plan, method, {"kind": kind, **how}, times)

    def heal(self) -> None:
        """No faults any more; what is held goes on."""
        self.do(self.simulation.faults.clear)

    def pause(self, method: str, when: str = "before", times: int | None = 1, **where: Any) -> Pause:
        """Hold the next call of a method before or after its effect. `where` are arguments that it has to have."""
        how: dict[str, Any] = {"kind": f"pause_{when}", **({"where": where} if where else {})}
        return Pause(slack=self, id=self.do(self.simulation.faults.plan, method, how, times))

    def loosen(self) -> None:
        """Count no calls: for tests that send more than Slack takes."""
        self.simulation.limits.enforced = False

    def judgements(self) -> list[dict[str, Any]]:
        """What the app has answered wrongly."""
        return [dict(judgement) for judgement in self.simulation.judgements]

    def expect_faults(self) -> None:
        """This test makes the app answer wrongly, and says itself what is right."""
        self._faults_are_expected = True

    def fail_if_judged(self) -> None:
        if self.simulation.judgements and not self._faults_are_expected:
            lines = [f"{each['type']} by {each['user']}: {'; '.join(each['faults'])}" for each in self.judgements()]
            pytest.fail("Slack would have shown an error:\n" + "\n".join(lines), pytrace=False)


@pytest.fixture
def slack(settings: Any) -> Iterator[Slack]:
    """A workspace of its own for this test. Tocsin's settings name it, and the test fails if an answer was wrong."""
    started = Slack()
    started.start()
    settings.TOCSIN_SLACK_API_URL = started.api_url
    yield started
    started.stop()
    started.fail_if_judged()


# --- reading messages ------------------------------------------------------------------------------------------------
def user_id(who: Any) -> str:
    """Of a Slack user id, or of somebody with one."""
    found: str = getattr(who, "slack_user_id", who)
    return found


def visible_text(message: Message) -> Iterator[str]:
    """Every text that is shown, from top to bottom; of a message without blocks and attachments its text."""
    blocks, attachments = message.get("blocks", []), message.get("attachments", [])
    if not blocks:
        yield message.get("text", "")
    yield from _texts(blocks)
    for attachment in attachments:
        for name in ("pretext", "author_name", "title", "text"):
            if attachment.get(name):
                yield attachment[name]
        for each in attachment.get("fields", []):
            yield f"{each['title']}: {each['value']}"
        yield from _texts(attachment.get("blocks", []))
        yield from (action["text"] for action in attachment.get("actions", []))
        if attachment.get("footer"):
            yield attachment["footer"]


def _texts(value: Any) -> Iterator[str]:
    """The texts of all text objects below; what opens on a click (confirm, options) is not visible."""
    if isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, dict):
        if isinstance(value.get("text"), str):
            yield value["text"]
        for name, each in value.items():
            if name not in ("confirm", "options", "option_groups") and isinstance(each, dict | list):
                yield from _texts(each)


def _buttons(message: Message) -> dict[str, dict[str, str]]:
    """Label → where it is. Of two with one label the first counts."""
    found: dict[str, dict[str, str]] = {}
    for target in payloads.targets(message):
        if target.element["type"] == "button":
            where = {"block_id": target.block_id, "action_id": target.element["action_id"]}
            found.setdefault(target.element["text"]["text"], where)
    for old in legacy.targets(message):
        if old.action["type"] == "button":
            found.setdefault(old.action["text"], _place_of(old))
    return found


def _place_of(old: legacy.OldTarget) -> dict[str, str]:
    return {"attachment": str(old.attachment["id"]), "action": old.action["id"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """An element that a person can use, what they may call it, best first, and where it is."""

    names: tuple[str, ...]
    element: Mapping[str, Any]
    where: dict[str, str]


def _all_named(holder: Message) -> Iterator[Named]:
    """What can be used in a message or a view, from top to bottom."""
    blocks = [*holder.get("blocks", [])]
    for attachment in holder.get("attachments", []):
        blocks += attachment.get("blocks", [])
    for block in blocks:
        for _, element in elements_of(block):
            if "action_id" in element:
                where = {"block_id": block["block_id"], "action_id": element["action_id"]}
                yield Named(names=tuple(_names(block, element)), element=element, where=where)
    for old in legacy.targets(holder):
        yield Named(names=(old.action["text"], old.action["name"]), element=old.action, where=_place_of(old))


def _names(block: Mapping[str, Any], element: Mapping[str, Any]) -> Iterator[str]:
    beside = block.get("text") if block["type"] == "section" else None
    for text in (block.get("label"), element.get("text"), element.get("placeholder"), beside):
        if text:
            yield str(text["text"])
    if element["type"] == "overflow":
        yield "More actions"
    yield str(element["action_id"])


def _named(holder: Message, label: str) -> Named:
    """What is called so by its best name, else by any. Raises LookupError."""
    every = list(_all_named(holder))
    for number in range(max((len(each.names) for each in every), default=0)):
        for each in every:
            if label in each.names[number : number + 1]:
                return each
    raise LookupError(f"there is nothing called {label!r}; there are {[each.names[0] for each in every]}")


def _selected(element: Mapping[str, Any], texts: Sequence[str]) -> Any:
    """What choosing the options with these texts sends: one value, or several. Raises LookupError."""
    offered = fields.offered(element)
    found = [_option_named(text, offered)["value"] for text in texts]
    return found if _takes_several(element) else next(iter(found), None)


def _takes_several(element: Mapping[str, Any]) -> bool:
    return element["type"] != OLD_MENU and fields.VALUES[element["type"]][0] == "selected_options"


def _options_named(
    texts: Sequence[str], listed: Callable[[str], list[tuple[Message, str]]], element: Mapping[str, Any]
) -> Any:
    """The same for an external menu: `listed` is what it lists when something is typed into it."""
    found = []
    for text in texts:
        query = text if element.get("min_query_length", 3) else ""
        option = _option_named(text, [option for option, _ in listed(query)])
        found.append(option["value"] if element["type"] == OLD_MENU else option)
    return found if _takes_several(element) else next(iter(found), None)


def _option_named(text: str, options: Sequence[Message]) -> Message:
    for option in options:
        if _text_of(option) == text:
            return option
    raise LookupError(f"there is no entry {text!r}; there are {[_text_of(option) for option in options]}")


def _text_of(entry: Message) -> str:
    """Of an option or of a group of them, in blocks or in an attachment."""
    text: Any = entry.get("label") or entry["text"]
    return str(text["text"] if isinstance(text, dict) else text)


def _listed(result: Result) -> list[tuple[Message, str]]:
    """The options of an answered menu, each with the label of its group."""
    assert result["judgement"]["ok"], result["judgement"]["faults"]
    if not result["body"]:
        return []
    answered = json.loads(result["body"])
    groups = answered.get("option_groups") or [{"text": "", "options": answered.get("options", [])}]
    return [(option, _text_of(group)) for group in groups for option in group["options"]]


def _entry(option: Message, group: str) -> tuple[str, str, str]:
    return (_text_of(option), option["value"], group)


def _view_texts(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _view_texts(each)
    elif isinstance(value, dict):
        if isinstance(value.get("text"), str):
            yield value["text"]
        for name, each in value.items():
            if name not in ("state", "title", "close") and isinstance(each, dict | list):
                yield from _view_texts(each)


def _issues_of(message: Message) -> set[Any]:
    """The issues that the rows of buttons in a message are about."""
    found = set()
    for holder in (message, *message.get("attachments", [])):
        for name in (holder.get("callback_id", ""), *(block["block_id"] for block in holder.get("blocks", []))):
            try:
                carried = json.loads(name)
            except ValueError:
                continue
            if isinstance(carried, dict) and "issue" in carried:
                found.add(carried["issue"])
    return found


def _hangs_in_channel(message: Message) -> bool:
    is_reply = message.get("thread_ts", message["ts"]) != message["ts"]
    return not is_reply or message.get("subtype") == "thread_broadcast"
