"""Card → Block Kit JSON, one module per message. Pure: no query, no clock, no network.

`draw(card)` gives what chat.postMessage and chat.update take: `text` (never empty), `blocks` and `attachments`.
"""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from tocsin.slack.blocks import forms, issue, mutes, reply, searches
from tocsin.slack.cards import (
    ArchiveForm,
    BulkDone,
    CommentForm,
    DeletedCard,
    IssueCard,
    MessageForm,
    MuteForm,
    PriorityForm,
    ResolveForm,
    SearchForm,
    ThreadReply,
    Told,
    UnmuteForm,
)

Message = dict[str, Any]


@singledispatch
def draw(card: object) -> Message:
    """The message that shows this card, or the view of a modal."""
    raise TypeError(f"no message is drawn for {type(card).__name__}")


draw.register(IssueCard, issue.draw)
draw.register(DeletedCard, issue.draw_deleted)
draw.register(ThreadReply, reply.draw)
draw.register(ResolveForm, forms.draw_resolve)
draw.register(ArchiveForm, forms.draw_archive)
draw.register(CommentForm, forms.draw_comment)
draw.register(PriorityForm, forms.draw_priority)
draw.register(MuteForm, mutes.draw_mute)
draw.register(UnmuteForm, mutes.draw_unmute)
draw.register(Told, forms.draw_told)
draw.register(SearchForm, searches.draw)
draw.register(BulkDone, searches.draw_done)
draw.register(MessageForm, searches.draw_message)
