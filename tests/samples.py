"""An event as a Python program's SDK sends it, for issues that a test makes without a program."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleEvent:
    """An event item: its id (32 hex digits) and its JSON."""

    id: str
    json: bytes


def sample_event(**fields: Any) -> SampleEvent:
    """A ZeroDivisionError in a shop's checkout; `fields` replace members of the event."""
    event_id = str(fields.get("event_id") or uuid.uuid4().hex)
    frames = [
        {
            "module": "shop.web",
            "function": "checkout",
            "filename": "shop/web.py",
            "lineno": 31,
            "in_app": True,
            "context_line": "    return total(basket)",
        },
        {
            "module": "shop.checkout",
            "function": "total",
            "filename": "shop/checkout.py",
            "lineno": 12,
            "in_app": True,
            "pre_context": ["def total(basket):", "    paid = sum(basket.prices)"],
            "context_line": "    return paid / basket.count",
            "post_context": ["", ""],
            "vars": {"basket": "<Basket 7>"},
        },
    ]
    event = {
        "event_id": event_id,
        "timestamp": "2026-01-02T03:04:05.678Z",
        "platform": "python",
        "level": "error",
        "environment": "production",
        "exception": {
            "values": [{"type": "ZeroDivisionError", "value": "division by zero", "stacktrace": {"frames": frames}}]
        },
        "sdk": {"name": "sentry.python", "version": "2.33.0"},
        **fields,
    }
    return SampleEvent(id=event_id, json=json.dumps(event).encode())
