"""The rich_text block, and the table block, whose cells may hold it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tocsin.simulator.limits import LIMITS
from tocsin.simulator.shapes import (
    Check,
    Fault,
    Faults,
    Shape,
    anything,
    boolean,
    by_type,
    integer,
    listing,
    one_of,
    string,
    url,
)

_TYPE: Mapping[str, Check] = {"type": anything}
_STYLE = Shape(
    required={},
    optional=dict.fromkeys(("bold", "italic", "strike", "code", "underline", "highlight"), boolean),
)
_STYLED: Mapping[str, Check] = {"style": _STYLE}

SPANS: Mapping[str, Shape] = {
    "text": Shape(required={**_TYPE, "text": string()}, optional=_STYLED),
    "link": Shape(
        required={**_TYPE, "url": url("button.url")}, optional={**_STYLED, "text": string(), "unsafe": boolean}
    ),
    "emoji": Shape(required={**_TYPE, "name": string()}, optional={**_STYLED, "unicode": string()}),
    "user": Shape(required={**_TYPE, "user_id": string()}, optional=_STYLED),
    "usergroup": Shape(required={**_TYPE, "usergroup_id": string()}, optional=_STYLED),
    "channel": Shape(required={**_TYPE, "channel_id": string()}, optional=_STYLED),
    "broadcast": Shape(required={**_TYPE, "range": one_of("here", "channel", "everyone")}, optional=_STYLED),
    "color": Shape(required={**_TYPE, "value": string()}, optional=_STYLED),
    "date": Shape(
        required={**_TYPE, "timestamp": integer(0, 9_999_999_999), "format": string()},
        optional={**_STYLED, "url": url("button.url"), "fallback": string()},
    ),
}
_SPANS = listing(by_type(SPANS), minimum=0)
_BORDER: Mapping[str, Check] = {"border": integer(0, 1)}
_SECTION = Shape(required={**_TYPE, "elements": _SPANS}, optional={})

PARTS: Mapping[str, Shape] = {
    "rich_text_section": _SECTION,
    "rich_text_preformatted": Shape(required={**_TYPE, "elements": _SPANS}, optional={**_BORDER, "language": string()}),
    "rich_text_quote": Shape(required={**_TYPE, "elements": _SPANS}, optional=_BORDER),
    "rich_text_list": Shape(
        required={
            **_TYPE,
            "elements": listing(by_type({"rich_text_section": _SECTION})),
            "style": one_of("bullet", "ordered"),
        },
        optional={**_BORDER, "indent": integer(0, 8), "offset": integer(0, 10_000)},
    ),
}
ELEMENT = by_type(PARTS)

CELLS: Mapping[str, Shape] = {
    "raw_text": Shape(required={**_TYPE, "text": string()}, optional={}),
    "rich_text": Shape(required={**_TYPE, "elements": listing(ELEMENT)}, optional={}),
}


def _table_fits(value: Any, at: str, faults: Faults) -> None:
    rows = value["rows"]
    if any(len(row) > LIMITS["table.columns"] for row in rows):
        faults.append(Fault(f"no more than {LIMITS['table.columns']} columns allowed", f"{at}/rows"))
    if len({len(row) for row in rows}) > 1:
        faults.append(Fault("all rows must have as many cells", f"{at}/rows"))
    if sum(_characters(cell) for row in rows for cell in row) > LIMITS["table.characters"]:
        faults.append(Fault(f"must be less than {LIMITS['table.characters'] + 1} characters in all", at))


def _characters(value: Any) -> int:
    """All text in a cell."""
    if isinstance(value, list):
        return sum(_characters(each) for each in value)
    if isinstance(value, dict):
        own = value["text"] if isinstance(value.get("text"), str) else ""
        return len(own) + _characters(value.get("elements", []))
    return 0


TABLE = Shape(
    required={**_TYPE, "rows": listing(listing(by_type(CELLS)), "table.rows")},
    optional={
        "block_id": string("block_id"),
        "column_settings": listing(
            Shape(required={}, optional={"align": one_of("left", "center", "right"), "is_wrapped": boolean})
        ),
    },
    rule=_table_fits,
)
