"""What Slack refuses in a view."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tocsin.simulator.shapes import Fault, Faults, Shape, anything, boolean, one_of, string, text
from tocsin.simulator.validation import IN_VIEWS, elements_of, faults_of_blocks

VIEW = Shape(
    required={"type": one_of("modal"), "title": text("view.title", "plain_text"), "blocks": anything},
    optional={
        "close": text("view.close", "plain_text"),
        "submit": text("view.submit", "plain_text"),
        "private_metadata": string("view.private_metadata", minimum=0),
        "callback_id": string("view.callback_id", minimum=0),
        "external_id": string("view.external_id", minimum=0),
        "clear_on_close": boolean,
        "notify_on_close": boolean,
        "submit_disabled": boolean,
    },
)


def size_of(view: Any) -> int:
    """In bytes, as Slack counts a whole view."""
    return len(json.dumps(view).encode())


def faults_of_view(view: Any) -> Faults:
    """What is wrong with a modal; an empty list when nothing is."""
    faults: Faults = []
    VIEW(view, "/view", faults)
    if not faults:
        faults += faults_of_blocks(view["blocks"], "/view/blocks", limit="view.blocks", allowed=IN_VIEWS)
    if not faults and "submit" not in view and any(block["type"] == "input" for block in view["blocks"]):
        faults.append(Fault("missing required field: submit, as there is an input block", "/view"))
    if not faults:
        faults += list(_second_focus(view["blocks"]))
    return faults


def _second_focus(blocks: list[dict[str, Any]]) -> Iterator[Fault]:
    """Only one element of a view may have the focus when it opens."""
    focused = [
        f"/view/blocks/{index}/{where}/focus_on_load"
        for index, block in enumerate(blocks)
        for where, element in elements_of(block)
        if element.get("focus_on_load")
    ]
    for pointer in focused[1:]:
        yield Fault("only one element can have focus_on_load", pointer)
