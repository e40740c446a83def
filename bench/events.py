"""Events as a real Python program sends them: about 30 KB of JSON, 5 KB as gzip.

A web shop is made to fail in as many places as there are groups, and the real sentry-sdk reports each once. Every further
event is one of these with an id, a time, a person and an order of its own. `python -m bench.events 800 FILE` writes the first
ones, a line each.
"""

from __future__ import annotations

import functools
import gzip
import importlib
import itertools
import json
import logging
import os
import sys
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import driver

GROUPS = 800
LAYERS = 9  # functions between the server and what fails
MARKS = ("@EVENT-ID@", "@TIMESTAMP@", "@PERSON@", "@ORDER-NUMBER@")
PEOPLE = 500


# --- the program that fails ------------------------------------------------------------------------------------------

MIDDLE = '''import uuid


def {name}(request, outer_session, outer_settings, handler, depth={depth}):
    """Middleware {depth}: passes the request on, with what it adds to it."""
    headers = {{"Accept": "text/html,application/xhtml+xml", "X-Request-Id": str(uuid.uuid4()), "X-Depth": str(depth)}}
    spans = [uuid.uuid4().hex, uuid.uuid4().hex]
    session = {{"cart": [{{"sku": uuid.uuid4().hex[:12], "quantity": 2, "price": "12.90"}}], "currency": "EUR", "locale": "de_DE"}}
    settings = {{"retries": 3, "timeout": 2.5, "feature_flags": ["new-checkout", "express", "gift-wrapping"]}}
    # Whatever the request has collected so far is kept for the log.
    request["path"].append(headers["X-Request-Id"])
    answer = handler(request, session, settings)
    request["path"].pop()
    # The answer passes through unchanged.
    return answer
'''

LEAF = '''
"""Orders to {name}."""


def ship_order_{name}(request, session, settings):
    """Ship what is in the cart."""
    order = {{"number": request["order"], "lines": session["cart"] * 3, "paid": True, "carrier": "parcel-{name}"}}
    weight = sum(line["quantity"] * 150 for line in order["lines"])
    # Parcels that are too heavy go by another carrier.
    carrier = choose_carrier_{name}(order, weight)
    return {{"order": order, "carrier": carrier}}


def choose_carrier_{name}(order, weight):
    carriers = {{"letter": 500, "parcel": 1000, "pallet": 5000}}
    fitting = [name for name, most in carriers.items() if weight <= most]
    # This table has no entry for it.
    return book_{name}(fitting, order, {{"weight": weight, "zone": "{name}"}})


def book_{name}(fitting, order, tariff):
    zones = {{"here": 4.90, "europe": 12.90}}
    price = zones[tariff["zone"]]
    return fitting[0], price
'''


def _write_shop(root: Path, groups: int) -> None:
    shop = root / "shop"
    shop.mkdir()
    (shop / "__init__.py").write_text("")
    middle = "".join(MIDDLE.format(name=f"pass_on_{depth:02}", depth=depth) for depth in range(LAYERS))
    (shop / "middleware.py").write_text(middle)
    for group in range(groups):
        (shop / f"orders_{zone(group)}.py").write_text(LEAF.format(name=zone(group)))


def _failing(group: int) -> Any:
    """A call that raises, from below all middlewares."""
    middleware = importlib.import_module("shop.middleware")
    handler = getattr(importlib.import_module(f"shop.orders_{zone(group)}"), f"ship_order_{zone(group)}")
    for depth in range(LAYERS):
        handler = functools.partial(getattr(middleware, f"pass_on_{depth:02}"), handler=handler)
    return handler


def _raise_all(root: Path, groups: int) -> Iterator[str]:
    import sentry_sdk
    from sentry_sdk.envelope import Envelope
    from sentry_sdk.transport import Transport

    kept: list[dict[str, Any]] = []

    class Keep(Transport):
        def capture_envelope(self, envelope: Envelope) -> None:
            event = envelope.get_event()
            if event is not None:
                kept.append(event)

    sentry_sdk.init(
        dsn="http://00000000000000000000000000000000@localhost/1",
        transport=Keep,
        project_root=str(root),
        release="shop@1.4.2",
        environment="production",
        server_name="web-1",
    )
    for group in range(groups):
        with sentry_sdk.isolation_scope() as scope:
            scope.set_user({"id": MARKS[2], "ip_address": "192.0.2.17"})
            scope.set_tag("payment", "card")
            _leave_breadcrumbs(group)
            try:
                request = {"order": MARKS[3], "path": [], "method": "POST", "url": f"/orders/{zone(group)}/ship"}
                _failing(group)(request, {}, {})
            except KeyError as error:
                error.args = (f"no tariff for {zone(group)}",)
                sentry_sdk.capture_exception(error)
        yield _marked(kept.pop())


def zone(group: int) -> str:
    """A name without digits: trackers take events that differ in numbers for the same."""
    syllables = []
    for _ in range(3):
        group, place = divmod(group, 20)
        syllables.append("kiralomavudosetipanegofubawisoju"[place // 2 * 2 :][:2] + "aeiou"[place % 5])
    return "".join(syllables)


def _leave_breadcrumbs(group: int) -> None:
    log = logging.getLogger("shop.orders")
    log.propagate = False
    log.addHandler(logging.NullHandler())
    for step in range(12):
        log.warning("order %s of zone %s: step %s of 12 took %s ms", MARKS[3], zone(group), step, 17 * step)


def _marked(event: dict[str, Any]) -> str:
    event["event_id"], event["timestamp"] = MARKS[0], MARKS[1]
    return json.dumps(event, default=str)


def main() -> None:
    groups, path = int(sys.argv[1]), Path(sys.argv[2])
    with tempfile.TemporaryDirectory(prefix="bench-shop-") as name:
        _write_shop(Path(name), groups)
        sys.path.insert(0, name)
        os.chdir(name)
        path.write_text("\n".join(_raise_all(Path(name), groups)) + "\n")


# --- as many as are wanted -------------------------------------------------------------------------------------------


def read(path: Path) -> list[str]:
    """The first event of each group, with marks where events differ."""
    return path.read_text().splitlines()


def bodies(firsts: Sequence[str], number: int, *, start: int = 0, is_gzip: bool = True) -> Iterator[tuple[str, bytes]]:
    """(event id, envelope as the SDK sends it) for that many events, the groups by turns, beginning with group `start`."""
    for place in range(start, start + number):
        event_id, now = uuid.uuid4().hex, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        text = firsts[place % len(firsts)]
        for mark, value in zip(MARKS, (event_id, now, str(place % PEOPLE), f"ORD-{place:08}"), strict=True):
            text = text.replace(mark, value)
        payload = text.encode()
        head = json.dumps({"event_id": event_id, "sent_at": now}).encode()
        item = json.dumps({"type": "event", "content_type": "application/json", "length": len(payload)}).encode()
        envelope = b"\n".join((head, item, payload, b""))
        yield event_id, gzip.compress(envelope, 6, mtime=0) if is_gzip else envelope


def request(body: bytes, key: str, project: int) -> bytes:
    """The whole request, as the SDK sends it to a project with that public key."""
    headers = {
        "User-Agent": "sentry.python/2.75.0",
        "X-Sentry-Auth": f"Sentry sentry_key={key}, sentry_version=7, sentry_client=sentry.python/2.75.0",
        "Content-Type": "application/x-sentry-envelope",
        "Content-Encoding": "gzip",
    }
    return driver.post(f"/api/{project}/envelope/", body, headers)


def requests(envelopes: Sequence[bytes], key: str, project: int) -> Iterator[bytes]:
    return (request(body, key, project) for body in itertools.chain(envelopes))


if __name__ == "__main__":
    main()
