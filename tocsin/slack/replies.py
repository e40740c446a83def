"""What a handler may reply instead of a command. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.slack.action_ids import Form


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """The click is acknowledged: all that it asked for has happened elsewhere, as a link that was opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whisper:
    """Something that only the person who clicked sees. `text` is finished mrkdwn: outside text in it is escaped."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Modal:
    """A form is opened in front of the person, who must have the right to submit it."""

    form: Form


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialog:
    """The dialog of old that asks when an issue is resolved, for messages of attachments."""


Reply = Nothing | Whisper | Modal | Dialog
