"""The Event value: what any SDK sent, in one shape.

`intake.normalise` makes it from an SDK's JSON, `issues.grouping` reads it to decide which issue it belongs to,
`alerts` and the pages show it. It is plain data: no database, no clock, no settings.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """How bad the SDK says it is, as Sentry SDKs spell it."""

    FATAL = "fatal"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    DEBUG = "debug"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One call on the stack. Lists of frames are oldest call first, as SDKs send them."""

    function: str = ""
    module: str = ""
    filename: str = ""
    abs_path: str = ""
    lineno: int | None = None
    colno: int | None = None
    in_app: bool | None = None  # None: the SDK did not say
    context_line: str = ""
    pre_context: tuple[str, ...] = ()
    post_context: tuple[str, ...] = ()
    variables: dict[str, Any] = field(default_factory=dict)  # scrubbed local variables


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionValue:
    """One exception of a chain. `Event.exceptions` is oldest cause first, as SDKs send them; the last was caught
    last.
    """

    type: str = ""
    value: str = ""
    module: str = ""
    handled: bool | None = None
    mechanism: str = ""
    frames: tuple[Frame, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Breadcrumb:
    """Something that happened before the event."""

    timestamp: datetime | None = None
    category: str = ""
    type: str = ""
    level: str = ""
    message: str = ""
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One error, message or report, normalised, trimmed to caps and scrubbed.

    Every string is valid Unicode without NUL (lone surrogates became U+FFFD). `timestamp` is the SDK's own clock in UTC:
    for showing, never for deciding. `accepted_at` is the database's clock when the event was taken in.
    """

    event_id: str  # 32 lower-case hex digits
    accepted_at: datetime
    timestamp: datetime
    type: str = "error"  # error (has exceptions), message, csp
    title: str = ""  # "ValueError: bad sku", cut to 255
    culprit: str = ""  # where: the transaction, or "module in function" of the frame to blame
    level: Level = Level.ERROR
    platform: str = "other"
    logger: str = ""
    exceptions: tuple[ExceptionValue, ...] = ()
    stacktrace: tuple[Frame, ...] = ()  # of a message sent with its stack; empty if exceptions carry their own
    message: str = ""  # formatted
    message_template: str = ""  # before parameters were put in; empty if the SDK did not send it
    fingerprint: tuple[str, ...] = ()  # as the SDK sent it; may hold "{{ default }}"
    transaction: str = ""
    release: str = ""
    environment: str = ""
    dist: str = ""
    server_name: str = ""
    tags: tuple[tuple[str, str], ...] = ()  # in the order sent; keys unique
    user: dict[str, str] = field(default_factory=dict)  # id, email, username, ip_address, name: what was sent
    request: dict[str, Any] = field(default_factory=dict)  # method, url, query_string, headers, data…: scrubbed
    contexts: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    breadcrumbs: tuple[Breadcrumb, ...] = ()
    sdk: dict[str, str] = field(default_factory=dict)  # name, version
    csp: dict[str, str] = field(default_factory=dict)  # directive, blocked_uri, document_uri…

    @property
    def main_exception(self) -> ExceptionValue | None:
        """The exception that titles the event: the outermost one."""
        return self.exceptions[-1] if self.exceptions else None

    @property
    def user_key(self) -> str:
        """What tells two affected users apart: id, else e-mail, username or address; empty when nobody is named."""
        for name in ("id", "email", "username", "ip_address"):
            if value := self.user.get(name):
                return f"{name}:{value}"
        return ""
