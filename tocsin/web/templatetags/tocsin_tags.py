"""Filters and tags that every template may use."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from django import template
from django.contrib.messages.storage.base import Message
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from tocsin.accounts.actor import Origin
from tocsin.issues import saying
from tocsin.issues.models import Activity, Issue
from tocsin.web.bulk import UNDO_TAG

register = template.Library()

SHOWN = 4_000  # characters of a value on a page; the rest is cut
# Drawings on a grid of 16 × 16. A level is told by its shape as well as by its colour.
ICONS: dict[str, SafeString] = {
    name: mark_safe(shape)  # noqa: S308 - ours, and constant
    for name, shape in {
        "bell": (
            '<path d="M8 1.5c-.6 0-1 .4-1 1v.4C4.7 3.4 3.4 5.3 3.4 7.6c0 2.7-.6 3.7-1.5 4.6h12.2c-.9-.9-1.5-1.9-1.5-4.6'
            ' 0-2.3-1.3-4.2-3.6-4.7v-.4c0-.6-.4-1-1-1z"/><path d="M6.3 13.4a1.8 1.8 0 0 0 3.4 0z"/>'
        ),
        "fatal": '<path d="M5 1h6l4 4v6l-4 4H5l-4-4V5z"/><path class="cut" d="M5.5 5.5l5 5m0-5l-5 5"/>',
        "error": '<circle cx="8" cy="8" r="7"/><path class="cut" d="M8 4.5v4.2m0 2.2v.6"/>',
        "warning": '<path d="M8 1.2 15.4 14.5H.6z"/><path class="cut" d="M8 6v4m0 1.8v.5"/>',
        "info": '<rect x="1" y="1" width="14" height="14" rx="3"/><path class="cut" d="M8 7.2v4.3m0-7v.6"/>',
        "debug": '<circle class="ring" cx="8" cy="8" r="5.5"/>',
        "copy": '<path class="line" d="M5.5 5.5h8v8h-8zM2.5 10.5v-8h8"/>',
        "newer": '<path class="line" d="M6 3l5 5-5 5"/>',
        "older": '<path class="line" d="M10 3L5 8l5 5"/>',
        "out": '<path class="line" d="M9.5 2.5h4v4m0-4L7.5 8.5M6.5 3.5h-4v10h10v-4"/>',
        "search": '<circle class="line" cx="7" cy="7" r="4.5"/><path class="line" d="M10.5 10.5l4 4"/>',
    }.items()
}


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """A small drawing. Without a label it is decoration, and screen readers pass over it."""
    spoken = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    return format_html('<svg class="icon icon-{}" viewBox="0 0 16 16" {}>{}</svg>', name, spoken, ICONS[name])


@register.simple_tag
def level_mark(level: str) -> SafeString:
    """The drawing of an event's level; one that we do not know looks like an error."""
    return icon(level if level in ("fatal", "error", "warning", "info", "debug") else "error", level)


@register.simple_tag
def when(moment: datetime | None, *, exactly: bool = False) -> SafeString | str:
    """A time that tocsin.js puts into the reader's own zone and words; without it, UTC. `exactly`: a date instead of words such
    as "3 minutes ago".
    """
    if moment is None:
        return ""
    moment = moment.astimezone(UTC)
    text = moment.strftime("%Y-%m-%d %H:%M UTC")
    return format_html(
        '<time datetime="{}" title="{}"{}>{}</time>',
        moment.isoformat(timespec="seconds"),
        text,
        mark_safe(" data-exactly") if exactly else "",
        text,
    )


@register.filter
def duration(time: timedelta) -> str:
    """40 s, 12 min, 3 h: in the unit that people would say it in."""
    seconds = int(time.total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"


FROM: dict[str, str] = {Origin.SLACK: "in Slack, ", Origin.WEB: "", Origin.API: "by the API, "}


@register.simple_tag
def state(issue: Issue) -> SafeString:
    """How the issue is, with what it waits for."""
    return _said(saying.state(issue))


@register.simple_tag
def did(activity: Activity) -> SafeString:
    """What was done: "by Alice" may follow."""
    return _said(saying.did(activity.kind, activity.about))


def _said(said: saying.Said) -> SafeString:
    """Words, and the time or the name that they go on with."""
    parts = [said.words, when(said.at, exactly=True), said.name]
    return format_html_join(" ", "{}", ((part,) for part in parts if part))


@register.filter
def actor(activity: Activity) -> str:
    """Who did it: a person, or somebody whose account is gone; empty for Tocsin itself."""
    if activity.user is not None:
        return activity.user.display_name
    return "somebody" if activity.origin in FROM else ""


@register.filter
def undo_of_bulk(message: Message) -> str:
    """The bulk action that the message tells of, when it can be undone; else empty."""
    tag = message.extra_tags or ""
    return tag.removeprefix(UNDO_TAG) if tag.startswith(UNDO_TAG) else ""


@register.filter
def from_where(activity: Activity) -> str:
    """Where it was done, unless it was here."""
    return FROM.get(activity.origin, "")


@register.filter
def thousands(number: int) -> str:
    """12345 → 12,345."""
    return f"{number:,}"


@register.filter
def short_number(number: int) -> str:
    """12345 → 12k: for narrow places, beside which the whole number is told otherwise."""
    for size, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return (
                f"{number / size:.1f}".rstrip("0").rstrip(".")[:4] + unit
                if number < 10 * size
                else f"{number // size}{unit}"
            )
    return str(number)


@register.filter
def pretty(value: Any) -> str:
    """Any value of an event as text: text as it is, everything else as JSON."""
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


@register.filter
def pairs(value: Any) -> list[tuple[str, Any]]:
    """What an event holds under a name as rows of a table: an object's members, a list's items, or the value itself."""
    if isinstance(value, dict):
        return [(str(key), item) for key, item in value.items()]
    if isinstance(value, list | tuple):
        rows = [tuple(item) if isinstance(item, list | tuple) and len(item) == 2 else ("", item) for item in value]
        return [(str(key), item) for key, item in rows]
    return [("", value)]
