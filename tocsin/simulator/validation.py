"""What Slack refuses in a message: blocks, attachments, metadata. Tables, and the rules that join their rows.

It fails what it does not know: an unknown block, element or field is a fault, as with Slack.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from tocsin.simulator import rich_text
from tocsin.simulator.attachments import ATTACHMENT
from tocsin.simulator.elements import ELEMENTS, IN_ACTIONS, IN_INPUT, IN_SECTION, SLACK_FILE
from tocsin.simulator.limits import LIMITS
from tocsin.simulator.shapes import (
    Check,
    Fault,
    Faults,
    Shape,
    anything,
    at_least_one,
    boolean,
    by_type,
    exactly_one,
    listing,
    one_of,
    string,
    text,
    url,
)

_COMMON: Mapping[str, Check] = {"block_id": string("block_id")}
_TYPE: Mapping[str, Check] = {"type": anything}


def _in_context(value: Any, at: str, faults: Faults) -> None:
    """An element of a context: an image, or a text object."""
    if isinstance(value, dict) and value.get("type") in ("plain_text", "mrkdwn"):
        text("text")(value, at, faults)
    else:
        by_type(ELEMENTS, {"image"})(value, at, faults)


BLOCKS: Mapping[str, Check] = {
    "section": Shape(
        required=_TYPE,
        optional={
            **_COMMON,
            "text": text("section.text"),
            "fields": listing(text("section.field"), "section.fields"),
            "accessory": by_type(ELEMENTS, IN_SECTION),
            "expand": boolean,
        },
        rule=at_least_one("text", "fields"),
    ),
    "divider": Shape(required=_TYPE, optional=_COMMON),
    "header": Shape(required={**_TYPE, "text": text("header.text", "plain_text")}, optional=_COMMON),
    "context": Shape(required={**_TYPE, "elements": listing(_in_context, "context.elements")}, optional=_COMMON),
    "actions": Shape(
        required={**_TYPE, "elements": listing(by_type(ELEMENTS, IN_ACTIONS), "actions.elements")}, optional=_COMMON
    ),
    "image": Shape(
        required={**_TYPE, "alt_text": string("image.alt_text")},
        optional={
            **_COMMON,
            "image_url": url("image.image_url"),
            "slack_file": SLACK_FILE,
            "title": text("image.title", "plain_text"),
        },
        rule=exactly_one("image_url", "slack_file"),
    ),
    "input": Shape(
        required={**_TYPE, "label": text("input.label", "plain_text"), "element": by_type(ELEMENTS, IN_INPUT)},
        optional={**_COMMON, "hint": text("input.hint", "plain_text"), "optional": boolean, "dispatch_action": boolean},
    ),
    "markdown": Shape(required={**_TYPE, "text": string("markdown.text")}, optional=_COMMON),
    "rich_text": Shape(required={**_TYPE, "elements": listing(rich_text.ELEMENT)}, optional=_COMMON),
    "table": rich_text.TABLE,
    "alert": Shape(
        required={**_TYPE, "text": text("alert.text")},
        optional={**_COMMON, "level": one_of("default", "info", "warning", "error", "success")},
    ),
}
IN_MESSAGES = frozenset(BLOCKS) - {"alert"}
IN_VIEWS = frozenset(BLOCKS) - {"table", "markdown"}


# --- blocks ----------------------------------------------------------------------------------------------------------
def faults_of_blocks(
    blocks: Any, at: str = "/blocks", *, limit: str = "message.blocks", allowed: Collection[str] = IN_MESSAGES
) -> Faults:
    """What is wrong with the blocks of one message or view; an empty list when nothing is."""
    faults: Faults = []
    listing(by_type(BLOCKS, allowed), limit, minimum=0)(blocks, at, faults)
    if not faults:
        _ids_are_unique(blocks, at, faults)
        _sums_fit(blocks, at, faults)
    return faults


def _ids_are_unique(blocks: list[dict[str, Any]], at: str, faults: Faults) -> None:
    seen = Counter(block["block_id"] for block in blocks if "block_id" in block)
    for index, block in enumerate(blocks):
        if seen[block.get("block_id", "")] > 1:
            faults.append(Fault(f"`block_id` {block['block_id']} already exists", f"{at}/{index}/block_id"))
        within = Counter(element["action_id"] for _, element in elements_of(block) if "action_id" in element)
        for where, element in elements_of(block):
            if within[element.get("action_id", "")] > 1:
                sentence = f"`action_id` {element['action_id']} already exists"
                faults.append(Fault(sentence, f"{at}/{index}/{where}/action_id"))


def _sums_fit(blocks: list[dict[str, Any]], at: str, faults: Faults) -> None:
    """Limits on all blocks of a kind together."""
    markdown = sum(len(block["text"]) for block in blocks if block["type"] == "markdown")
    if markdown > LIMITS["markdown.text"]:
        faults.append(Fault(f"markdown blocks must be less than {LIMITS['markdown.text'] + 1} characters in all", at))
    if sum(block["type"] == "table" for block in blocks) > 1:
        faults.append(Fault("only one table is allowed", at))


def elements_of(block: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The elements of a block with where they stand in it: those that a person can use, and images."""
    if block["type"] in ("actions", "context"):
        for index, element in enumerate(block["elements"]):
            yield f"elements/{index}", element
    for name in ("accessory", "element"):
        if name in block:
            yield name, block[name]


# --- attachments and metadata ----------------------------------------------------------------------------------------
def faults_of_attachments(attachments: Any, at: str = "/attachments") -> Faults:
    """What is wrong with attachments, except for the blocks in them."""
    faults: Faults = []
    listing(ATTACHMENT, "message.attachments", minimum=0)(attachments, at, faults)
    return faults


def faults_of_nested_blocks(attachments: Any) -> Faults:
    """What is wrong with the blocks in attachments."""
    faults: Faults = []
    for index, attachment in enumerate(attachments if isinstance(attachments, list) else []):
        if isinstance(attachment, dict) and "blocks" in attachment:
            faults += faults_of_blocks(attachment["blocks"], f"/attachments/{index}/blocks")
    return faults


METADATA = Shape(required={"event_type": string(), "event_payload": anything}, optional={})


def faults_of_metadata(metadata: Any) -> Faults:
    faults: Faults = []
    METADATA(metadata, "/metadata", faults)
    if not faults and not isinstance(metadata["event_payload"], dict):
        faults.append(Fault("must be an object", "/metadata/event_payload"))
    if not faults and len(json.dumps(metadata).encode()) > LIMITS["metadata.bytes"]:
        faults.append(Fault(f"must be less than {LIMITS['metadata.bytes'] + 1} bytes", "/metadata"))
    return faults


# --- the whole -------------------------------------------------------------------------------------------------------
def faults_of_message(message: Mapping[str, Any]) -> list[str]:
    """What Slack would refuse in the arguments of chat.postMessage; also text that chat.update would not take."""
    faults: Faults = []
    written = message.get("text", "")
    if not isinstance(written, str):
        faults.append(Fault("must be a string", "/text"))
    elif len(written) > LIMITS["update.text"]:
        faults.append(Fault(f"must be less than {LIMITS['update.text'] + 1} characters", "/text"))
    if not (written or message.get("blocks") or message.get("attachments")):
        faults.append(Fault("no text, blocks or attachments", ""))
    faults += faults_of_blocks(message.get("blocks", []))
    faults += faults_of_attachments(message.get("attachments", []))
    faults += faults_of_nested_blocks(message.get("attachments", []))
    if message.get("metadata"):
        faults += faults_of_metadata(message["metadata"])
    return [str(fault) for fault in faults]
