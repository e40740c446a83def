"""What a message shows, drawn in the style that it has; and plainer, for when Slack refuses that."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tocsin.slack import attachments, blocks
from tocsin.slack.blocks import Message, issue
from tocsin.slack.cards import DeletedCard, IssueCard, Style, ThreadReply
from tocsin.slack.models import Card

Shown = IssueCard | DeletedCard | ThreadReply
Draw = Callable[[Any], Message]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What is shown, drawn as we would have it, and the SHA-256 (64 hex digits) of the message's one canonical form."""

    shown: Shown
    style: Style
    message: Message
    content_hash: str

    def version(self, card: Card) -> int:
        """Of the subject; of one that is gone, the last that the card showed."""
        return self.shown.version if isinstance(self.shown, IssueCard) else card.version

    @property
    def plainer(self) -> tuple[Draw, ...]:
        """How else it is drawn when Slack refuses it: plainer, and plainer still."""
        return PLAINER[self.style] if isinstance(self.shown, IssueCard) else (_text_alone,)


def drawn(shown: Shown, style: str) -> Drawn:
    """In the style of that name."""
    message = DRAW[Style(style)](shown)
    canonical = json.dumps(message, sort_keys=True, separators=(",", ":"))
    content_hash = hashlib.sha256(canonical.encode()).hexdigest()
    return Drawn(shown=shown, style=Style(style), message=message, content_hash=content_hash)


def content_of(message: Message) -> dict[str, Any]:
    """A message as what stands below a link: an attachment, or blocks, which have no text beside them there."""
    if message["attachments"]:
        content: dict[str, Any] = message["attachments"][0]
        return content
    return {"blocks": message["blocks"]} if message["blocks"] else {"text": message["text"]}


def _text_alone(shown: Shown) -> Message:
    return {"text": blocks.draw(shown)["text"], "blocks": [], "attachments": []}


DRAW: Mapping[Style, Draw] = {Style.BLOCKS: blocks.draw, Style.ATTACHMENTS: attachments.draw}
PLAINER: Mapping[Style, tuple[Draw, ...]] = {
    Style.BLOCKS: (issue.draw_shortest, issue.draw_as_text),
    Style.ATTACHMENTS: (attachments.draw_shortest, issue.draw_as_text),
}
