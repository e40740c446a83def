"""Text for Slack. Every outside string passes through here exactly once, and can then neither ping, link nor format.

Slack's rules: only `& < >` are escaped, as entities; control sequences live in <…>; `* _ ~` and back-ticks format and cannot be
escaped, so a zero-width space after each breaks them.
"""

from __future__ import annotations

import re
from datetime import datetime
from urllib.parse import quote, urlsplit

ZERO_WIDTH = "\u200b"
ELLIPSIS = "…"
ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
FORMATTING = {mark: mark + ZERO_WIDTH for mark in "*_~`"}
# Control characters, and those that turn the direction of text around, say something else than they show.
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")

# What a rule's note may hold besides text: mentions of people, channels and groups, and https links with a label.
ALLOWED_IN_NOTE = re.compile(
    r"<(?:@[UW][A-Z0-9]{2,40}|#C[A-Z0-9]{2,40}|!here|!channel|!everyone|!subteam\^S[A-Z0-9]{2,40}|https://[^\s|<>]{1,500}\|[^|<>\n]{1,200})>"
)


def _units(text: str) -> int:
    """Length as Slack may count it at worst: an astral character is two."""
    return len(text) + sum(1 for character in text if ord(character) > 0xFFFF)


def _joined(text: str, pieces: dict[str, str], limit: int) -> str:
    """Each character replaced by its piece; cut between pieces, with an ellipsis, so that no entity is ever halved."""
    out: list[str] = []
    length = 0
    for character in UNSEEN.sub("", text):
        piece = pieces.get(character, character)
        length += _units(piece)
        if length > limit:
            return _shortened(out, limit)
        out.append(piece)
    return "".join(out)


def _shortened(pieces: list[str], limit: int) -> str:
    length = sum(map(_units, pieces))
    while pieces and length > limit - 1:
        length -= _units(pieces.pop())
    return "".join(pieces) + ELLIPSIS


def escape(text: str, limit: int = 2800) -> str:
    """Outside text for a mrkdwn field, at most `limit` characters after escaping."""
    return _joined(text, ENTITIES | FORMATTING, limit)


def line(text: str, limit: int = 2800) -> str:
    """`escape`, on one line."""
    return escape(" ".join(text.split()), limit)


def plain(text: str, limit: int = 75) -> str:
    """Outside text for a plain_text field: nothing is formatted there, so nothing is escaped; one line, cut."""
    return _joined(" ".join(text.split()), {}, limit)


def label(text: str, limit: int = 75) -> str:
    """Outside text for the title, a field's title or the footer of an attachment: `plain`, and what would open a control
    sequence opens none, whether Slack looks for one there or not.
    """
    return _joined(" ".join(text.split()), {"<": "<" + ZERO_WIDTH}, limit)


def code_block(text: str, limit: int) -> str:
    """A code block that its content cannot leave. Empty when there is nothing to show."""
    content = _joined(text.strip(), ENTITIES | {"`": "`" + ZERO_WIDTH}, limit)
    return f"```{content}```" if content else ""


def code(text: str, limit: int) -> str:
    """A piece of code within a line. Empty when there is nothing to show."""
    content = _joined(" ".join(text.split()), ENTITIES | {"`": "'"}, limit)
    return f"`{content}`" if content else ""


def link(url: str, label: str, limit: int = 2000) -> str:
    """A link with outside text as its label; only http and https, anything else is the label alone."""
    text = line(label, limit).replace("|", "¦") or ELLIPSIS
    if urlsplit(url).scheme not in ("http", "https"):
        return text
    return f"<{quote(url, safe=':/?#[]@!$&()*+,;=%~-._').replace('&', '&amp;')}|{text}>"


def mention(slack_user_id: str) -> str:
    """Pings the person: only in edits of a card, where Slack does not notify."""
    return f"<@{slack_user_id}>"


def date(when: datetime, form: str = "{date_short_pretty} at {time}") -> str:
    """A moment in the reader's own time zone. The text never depends on the clock, so the same card has the same
    hash.
    """
    fallback = when.strftime("%Y-%m-%d %H:%M UTC")
    return f"<!date^{int(when.timestamp())}^{form}|{fallback}>"


def note(text: str, limit: int = 1500) -> str:
    """A rule's note: text, in which mentions and https links that its author wrote in Slack's own form keep working."""
    out: list[str] = []
    left = limit
    position = 0
    for token in ALLOWED_IN_NOTE.finditer(text):
        out.append(escape(text[position : token.start()], max(left, 1)))
        left -= len(out[-1]) + len(token.group())
        if left <= 0:
            return "".join(out)
        out.append(token.group().replace("&", "&amp;"))
        position = token.end()
    out.append(escape(text[position:], max(left, 1)))
    return "".join(out)
