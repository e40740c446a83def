"""Outside text in Slack's markup: it can neither ping, link, format nor leave its block."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.slack import mrkdwn

LIVE = re.compile(r"<[@!#]|<[^>|]*\||<https?:")


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("plain", "plain"),
        ("a & b", "a &amp; b"),
        ("&amp;", "&amp;amp;"),
        ("<!channel> look", "&lt;!channel&gt; look"),
        ("<@U0ALICE>", "&lt;@U0ALICE&gt;"),
        ("<https://evil.example|https://good.example>", "&lt;https://evil.example|https://good.example&gt;"),
        ("*bold*", "*\u200bbold*\u200b"),
        ("_i_ ~s~ `c`", "_\u200bi_\u200b ~\u200bs~\u200b `\u200bc`\u200b"),
        ("nul\x00 bell\x07 rtl\u202eoverride", "nul bell rtloverride"),
    ],
)
def test_outside_text_is_escaped_once(text: str, escaped: str) -> None:
    assert mrkdwn.escape(text) == escaped


@pytest.mark.parametrize(
    ("text", "limit", "cut"),
    [("abcdef", 6, "abcdef"), ("abcdefg", 6, "abcde…"), ("a&b&c", 8, "a&amp;b…"), ("&&", 5, "…"), ("😀😀😀", 4, "😀…")],
)
def test_text_is_cut_between_characters_never_inside_an_entity(text: str, limit: int, cut: str) -> None:
    assert mrkdwn.escape(text, limit) == cut


@given(st.text(), st.integers(min_value=1, max_value=60))
def test_any_text_stays_within_its_limit_and_is_harmless(text: str, limit: int) -> None:
    escaped = mrkdwn.escape(text, limit)
    assert mrkdwn._units(escaped) <= limit
    assert not LIVE.search(escaped)
    assert not re.search(r"&(?!(amp|lt|gt);)", escaped)
    assert "```" not in escaped


@given(st.text())
def test_any_text_stays_inside_its_code_block(text: str) -> None:
    block = mrkdwn.code_block(text, 256)
    assert block == "" or (block.startswith("```") and block.endswith("```"))
    assert "```" not in block[3:-3]
    assert not LIVE.search(block)


def test_a_link_keeps_its_own_address_whatever_its_label_says() -> None:
    assert mrkdwn.link("https://t.example/i/1/", "a|b <x>") == "<https://t.example/i/1/|a¦b &lt;x&gt;>"
    assert mrkdwn.link("https://t.example/?a=1&b=|>", "x") == "<https://t.example/?a=1&amp;b=%7C%3E|x>"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "", "//t.example/"])
def test_only_web_addresses_become_links(url: str) -> None:
    assert mrkdwn.link(url, "label") == "label"


def test_a_note_may_mention_and_link_and_nothing_else() -> None:
    note = "ask <@U0ALICE> or <!subteam^S0OPS>, see <https://wiki.example/run?a=1&b=2|the book> & <script>"
    assert mrkdwn.note(note) == (
        "ask <@U0ALICE> or <!subteam^S0OPS>, see <https://wiki.example/run?a=1&amp;b=2|the book> &amp; &lt;script&gt;"
    )
    assert len(mrkdwn.note("x" * 5000)) == 1500


def test_a_moment_is_shown_in_the_readers_own_zone() -> None:
    when = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    assert mrkdwn.date(when) == "<!date^1772368200^{date_short_pretty} at {time}|2026-03-01 12:30 UTC>"
