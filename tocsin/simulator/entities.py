"""Text as Slack stores it: `&`, `<` and `>` are entities unless they are part of a link, mention or date; and in text
that is not verbatim, bare addresses and @here become links and mentions by themselves.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"<(?:[@#][A-Z0-9]+(?:\|[^<>]*)?"  # a person, a channel
    r"|!(?:here|channel|everyone)(?:\|[^<>]*)?"
    r"|!subteam\^[A-Z0-9]+(?:\|[^<>]*)?"
    r"|!date\^[^<>]+"
    r"|(?:https?://|mailto:|tel:)[^<>|\s]+(?:\|[^<>]*)?)>"
)
_BARE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt);)")
_FOUND = re.compile(r"\bhttps?://[^\s<>|`\"]+[^\s<>|`\".,;:!?)*_~']|(?<![\w@])@(?:here|channel|everyone)\b")


def escape(text: str) -> str:
    """Plain text in entity form; what is an entity already stays one."""
    return _BARE_AMPERSAND.sub("&amp;", text).replace("<", "&lt;").replace(">", "&gt;")


def stored(text: str, *, verbatim: bool) -> str:
    """mrkdwn in the form in which it is stored and handed out."""
    pieces, end = [], 0
    for token in _TOKEN.finditer(text):
        pieces += [_between(text[end : token.start()], verbatim), _BARE_AMPERSAND.sub("&amp;", token.group())]
        end = token.end()
    return "".join([*pieces, _between(text[end:], verbatim)])


def _between(text: str, verbatim: bool) -> str:
    escaped = escape(text)
    return escaped if verbatim else _FOUND.sub(_linked, escaped)


def _linked(found: re.Match[str]) -> str:
    word = found.group()
    return f"<!{word[1:]}>" if word.startswith("@") else f"<{word}>"
