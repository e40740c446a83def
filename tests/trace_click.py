"""`make trace CLICK=resolve`: which functions a click passes through, and which SQL it asks, in order.

Not a test: pytest only lends its fixtures. The click is signed by the simulator and handed to Tocsin in this process; then the
outbox is delivered, so that the card's edit is seen too.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from django.db import connection

from tests.people import Person
from tests.slack_fixture import Slack
from tocsin.alerts.models import Destination, Rule

PACKAGE = str(Path(__file__).parents[1] / "tocsin") + os.sep
LABELS = {"resolve": "Resolve", "archive": "Archive…"}
SQL_SHOWN = 160  # characters


@contextmanager
def traced(write: Callable[[str], object]) -> Iterator[None]:
    """Every call of a function of Tocsin, once in a row, indented by depth; every statement where it is asked."""
    depth = 0
    latest = ""

    def on_call(frame: FrameType, event: str, _: Any) -> None:
        nonlocal depth, latest
        path = frame.f_code.co_filename
        if not path.startswith(PACKAGE) or frame.f_code.co_name.startswith("<") or "/simulator/" in path:
            return
        if event == "call":
            name = frame.f_code.co_qualname
            line = f"{'  ' * depth}{path.removeprefix(PACKAGE)} {name}"
            if line != latest:
                write(line)
            latest = line
            depth += 1
        elif event == "return":
            depth = max(0, depth - 1)

    def on_sql(execute: Callable[..., Any], sql: str, parameters: Any, many: bool, context: Any) -> Any:
        shown = " ".join(sql.split())
        write(f"{'  ' * depth}    SQL {shown[:SQL_SHOWN]}{'…' if len(shown) > SQL_SHOWN else ''}")
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(on_sql):
        sys.setprofile(on_call)
        try:
            yield
        finally:
            sys.setprofile(None)


def test_trace(
    slack: Slack,
    alice: Person,
    make_destination: Callable[..., Destination],
    make_rule: Callable[..., Rule],
    raise_error: Callable[..., list[str]],
    digest_all: Callable[[], int],
    deliver_all: Callable[..., int],
    capsys: Any,
) -> None:
    wanted = os.environ.get("TOCSIN_TRACE", "resolve")
    if wanted not in LABELS:
        raise SystemExit(f"CLICK is one of {', '.join(LABELS)}")
    make_rule(make_destination(slack.channel("alerts"), "#alerts"))
    raise_error()
    digest_all()
    deliver_all()
    (button,) = [message for message in slack.messages("alerts") if "ZeroDivisionError" in str(message)]
    issue_id = _issue_of(button)
    with capsys.disabled():
        print(f"\n--- the click: {LABELS[wanted]}")
        with traced(print):
            slack.card(issue_id).click(LABELS[wanted], as_=alice)
        print("\n--- the worker")
        with traced(print):
            deliver_all()


def _issue_of(message: dict[str, Any]) -> int:
    (row,) = [block for block in message["blocks"] if block["type"] == "actions"]
    number: int = json.loads(row["block_id"])["issue"]
    return number
