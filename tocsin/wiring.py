"""All joints on one page: who listens to what, who sends what, which door performs which command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, get_args

from tocsin import bus
from tocsin.alerts import service as alerts
from tocsin.alerts.changes import RuleFired
from tocsin.issues import commands as issue_commands
from tocsin.issues import service as issues
from tocsin.issues.changes import EventStored, IssueChanged
from tocsin.slack import delivery, refresh

# In the order they hear of it.
LISTENERS: dict[type[Any], tuple[Callable[[Any], None], ...]] = {
    IssueChanged: (refresh.on_issue_changed,),
    EventStored: (alerts.on_event_stored,),
    RuleFired: (refresh.on_rule_fired,),
}

PERFORM: dict[type[Any], Callable[..., Any]] = dict.fromkeys(get_args(issue_commands.Command), issues.perform)

SENDERS: dict[str, Callable[..., None]] = {
    "slack.post_card": delivery.post_card,
    "slack.refresh_card": delivery.refresh_card,
    "slack.reply": delivery.reply,
    "slack.whisper": delivery.whisper,
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
