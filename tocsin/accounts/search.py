"""Finding people by what somebody types. Pure."""

from __future__ import annotations

import re
import unicodedata

WORD = re.compile(r"\w+")
BEFORE = "\n"  # stands before every word, so that a database finds a word by its beginning


def folded(text: str) -> str:
    """Without case and accents: "Élodie" is found by "elo"."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def words(*texts: str, most: int = 400) -> str:
    """Every word of the texts, folded, each behind BEFORE; at most `most` characters."""
    found = dict.fromkeys(word for text in texts for word in WORD.findall(folded(text).replace("_", " ")))
    return "".join(f"{BEFORE}{word}" for word in found)[:most]


def typed(text: str) -> list[str]:
    """The beginnings of words that are looked for, each behind BEFORE."""
    return [f"{BEFORE}{word}" for word in WORD.findall(folded(text).replace("_", " "))][:5]
