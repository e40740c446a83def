"""All joints on one page: who listens to what, who sends what, which door performs which command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, get_args

from tocsin import bus
from tocsin.alerts import commands as alert_commands
from tocsin.alerts import mutes
from tocsin.alerts import service as alerts
from tocsin.alerts.changes import MuteChanged, RuleFired
from tocsin.issues import bulk, expiry
from tocsin.issues import commands as issue_commands
from tocsin.issues import service as issues
from tocsin.issues.changes import EventStored, IssueChanged
from tocsin.notifications import email
from tocsin.slack import delivery, in_place, notices, refresh, unfurls
from tocsin.slack.linking import Linked

# In the order they hear of it.
LISTENERS: dict[type[Any], tuple[Callable[[Any], None], ...]] = {
    IssueChanged: (refresh.on_issue_changed,),
    EventStored: (alerts.on_event_stored,),
    RuleFired: (refresh.on_rule_fired,),
    Linked: (unfurls.on_linked,),
    MuteChanged: (refresh.on_mute_changed,),
}

PERFORM: dict[type[Any], Callable[..., Any]] = {
    **dict.fromkeys(get_args(issue_commands.Command), issues.perform),
    **dict.fromkeys(get_args(alert_commands.Command), mutes.perform),
    issue_commands.Bulk: bulk.perform,
    issue_commands.UndoBulk: bulk.undo,
}

# What ends by itself when its time is over.
CLOCKS: tuple[Callable[[datetime], int], ...] = (expiry.expire, expiry.end_undos, mutes.end_mutes)

SENDERS: dict[str, Callable[..., None]] = {
    "slack.post_card": delivery.post_card,
    "slack.refresh_card": delivery.refresh_card,
    "slack.reply": delivery.reply,
    "slack.whisper": delivery.whisper,
    in_place.ANSWER: in_place.send,
    in_place.DELETE: in_place.delete,
    unfurls.PREVIEW: unfurls.preview,
    unfurls.PROMPT: unfurls.prompt,
    notices.KIND: notices.send,
    email.KIND: email.send,
}

# What their senders need to know, read for many at once.
READERS: dict[str, Callable[[Sequence[Any]], None]] = {
    "slack.post_card": delivery.read_cards,
    "slack.refresh_card": delivery.read_cards,
}


def connect() -> None:
    """Called once, when Django is ready."""
    for event, listeners in LISTENERS.items():
        for listener in listeners:
            bus.listen(event, listener)
    for command, door in PERFORM.items():
        bus.open_door(command, door)
