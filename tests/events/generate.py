"""Make the events of this folder that Python sends anew: `python -m tests.events.generate`. Each really happens, under the
real Python SDK. `generate.mjs` makes those of Node, `generate_browser.py` those of browsers.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
import re
import runpy
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.transport import Transport

from tests.events import HERE
from tests.events.programs import LIBRARY, LOG, RAISE, SAY, SCRIPT

SHOWN_ROOT = "/srv/shop"  # instead of where it really ran
SHOWN_TIME = "2026-03-01T12:00:00.000000Z"
PYTHON_SHOWN = "/usr/lib/python3.11"
OURS = ("tests/events", "frozen runpy", "lib/python3.11/runpy.py")  # frames of what makes the events


class Kept(Transport):
    """Keeps what would be sent."""

    events: list[dict[str, Any]] = []  # noqa: RUF012 - one list for all clients

    def capture_envelope(self, envelope: Envelope) -> None:
        event = envelope.get_event()
        if event is not None:
            self.events.append(json.loads(json.dumps(event, default=str)))


def happen(name: str, what: Callable[[], object], root: Path, **options: Any) -> dict[str, Any]:
    """The event that the SDK sends of it, without what tells of this machine and this minute."""
    Kept.events.clear()
    client = sentry_sdk.Client(
        dsn="http://0123456789abcdef0123456789abcdef@localhost/1",
        transport=Kept,
        project_root=str(root),
        default_integrations=False,
        integrations=[LoggingIntegration(event_level=logging.ERROR)],
        **{"release": "shop@1.4.2", "environment": "production", "server_name": "web-1", **options},
    )
    with sentry_sdk.isolation_scope() as scope:
        scope.set_client(client)
        try:
            what()
        except Exception as error:  # noqa: BLE001 - it is meant to
            sentry_sdk.capture_exception(error)
    client.close()
    (event,) = Kept.events
    return _at_no_time(name, _without_this_machine(event, root))


def _without_this_machine(event: dict[str, Any], root: Path) -> dict[str, Any]:
    event.pop("modules", None)
    event.get("contexts", {}).pop("runtime", None)
    event.get("extra", {}).pop("sys.argv", None)
    written = re.sub(r"0x[0-9a-f]{12}", "0x7f0000000000", json.dumps(event).replace(str(root), SHOWN_ROOT))
    python = str(Path(json.__file__).parents[1])
    here = str(Path(__file__).parents[2])
    cleaned: dict[str, Any] = json.loads(written.replace(python, PYTHON_SHOWN).replace(here, "/srv/tests"))
    for part in ("exception", "threads"):
        for value in cleaned.get(part, {}).get("values", []):
            frames = (value.get("stacktrace") or {}).get("frames", [])
            frames[:] = [frame for frame in frames if not any(ours in frame.get("abs_path", "") for ours in OURS)]
            value.pop("id", None)
            value.pop("thread_id", None)
    return cleaned


def _at_no_time(name: str, event: dict[str, Any]) -> dict[str, Any]:
    """So that making it again changes nothing but what an SDK sends differently."""
    event["event_id"] = hashlib.blake2b(name.encode(), digest_size=16).hexdigest()
    event["timestamp"] = SHOWN_TIME
    event.get("contexts", {}).pop("trace", None)
    for crumb in event.get("breadcrumbs", {}).get("values", []):
        crumb["timestamp"] = SHOWN_TIME
    return event


def run(module: str, source: str, names: dict[str, str], root: Path) -> Callable[[], object]:
    """`main()` of a module with this source, at /shop/<module>.py below the root."""
    path = root / "shop" / f"{module}.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(f"shop.{module}", path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    for name, value in names.items():
        setattr(made, name, eval(value, vars(made)))  # our own text, from programs.py
    main: Callable[[], object] = made.main
    return main


def library(source: str, root: Path) -> None:
    """A package that the program finds installed, of whatever version."""
    path = root / "venv" / "lib" / "python3.11" / "site-packages" / "pricelist" / "__init__.py"
    path.parent.mkdir(parents=True)
    path.write_text(source)
    sys.modules.pop("pricelist", None)
    sys.path.insert(0, str(path.parents[1]))


def script(file: str, source: str, root: Path) -> Callable[[], object]:
    """A file that is run as a program."""
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    return lambda: runpy.run_path(str(path), run_name="__main__")


def say(message: str, fingerprint: list[str], level: Any) -> None:
    with sentry_sdk.new_scope() as scope:
        if fingerprint:
            scope.fingerprint = fingerprint
        sentry_sdk.capture_message(message, level=level)


def main() -> None:
    for name, (module, source, names, options) in RAISE.items():
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            if installed := LIBRARY.get(name):
                library(installed, root)
            write(name, happen(name, run(module, source, names, root), root, **options))
            if installed:
                sys.path.pop(0)
    for name, (file, source) in SCRIPT.items():
        with tempfile.TemporaryDirectory() as folder:
            write(name, happen(name, script(file, source, Path(folder)), Path(folder)))
    for name, said in SAY.items():
        write(name, happen(name, lambda said=said: say(*said), Path("/nowhere")))
    for name, (template, parameters) in LOG.items():
        what = lambda t=template, p=parameters: logging.getLogger("shop").error(t, *p)  # noqa: E731
        write(name, happen(name, what, Path("/nowhere")))


def write(name: str, event: dict[str, Any]) -> None:
    (HERE / f"{name}.json").write_text(json.dumps(event, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
