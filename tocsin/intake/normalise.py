"""Any SDK's JSON → Event. Pure.

Input is hostile: every member may be missing, null, of another type, or nested wrongly. Nothing here raises on any JSON; what makes
no sense is left out. Texts become valid Unicode without NUL, are cut to the caps, and secrets are taken out.
Shapes: Sentry's developer documentation, "Event Payloads", and what older SDKs sent before it was written.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import chain
from typing import Any

from tocsin.intake.caps import (
    BREADCRUMBS_MAX,
    CULPRIT_MAX,
    DIST_MAX,
    ENVIRONMENT_MAX,
    FINGERPRINT_MAX,
    FINGERPRINT_PART_MAX,
    MESSAGE_MAX,
    NAME_MAX,
    PATH_MAX,
    PLATFORM_MAX,
    TAG_KEY_MAX,
    TAGS_MAX,
    TITLE_MAX,
    VALUE_MAX,
)
from tocsin.intake.plain import as_list, as_object, as_time, as_values, said, scrubbed, scrubbed_object, text
from tocsin.intake.scrub import scrub_query
from tocsin.intake.stacks import exceptions, message_stack
from tocsin.issues.event import Breadcrumb, Event, ExceptionValue, Frame, Level

# As SDKs spell them; the numbers are Python's, which its first SDK sent.
LEVELS: dict[str, Level] = {
    "fatal": Level.FATAL,
    "critical": Level.FATAL,
    "50": Level.FATAL,
    "error": Level.ERROR,
    "40": Level.ERROR,
    "warning": Level.WARNING,
    "warn": Level.WARNING,
    "30": Level.WARNING,
    "info": Level.INFO,
    "log": Level.INFO,
    "notice": Level.INFO,
    "20": Level.INFO,
    "debug": Level.DEBUG,
    "trace": Level.DEBUG,
    "verbose": Level.DEBUG,
    "10": Level.DEBUG,
}

AUTO = "{{auto}}"  # what an SDK in a browser sends for the address that it cannot know
CSP_NAMES = ("directive", "blocked_uri", "blocked_host", "document_uri")
HOST = re.compile(r"^(?:[a-z][a-z0-9+.-]*://)?(?:[^/@]*@)?([^/:?#]+)", re.IGNORECASE)
# Where parameters go: %s, %(name)s, {}, {0}, {name}; "%%" is a percent sign.
PLACE = re.compile(
    r"%(?:\((?P<named>\w{1,64})\))?[-+#0]{0,4}[0-9]{0,4}(?:\.[0-9]{1,4})?[a-zA-Z]|%%|\{(?P<braced>\w{0,64})\}"
)


def normalise(
    raw: Mapping[str, Any], *, accepted_at: datetime, event_id: str | None = None, address: str = ""
) -> Event:
    """The event. `event_id`, when given, wins over what the JSON says; both missing, a new one is made.

    `address` is whose the event came from, for SDKs that do not know it and send {{auto}}.
    """
    chained = exceptions(raw)
    csp = _csp(as_object(raw.get("csp")))
    message, template = message_of(raw)
    if message_itself := said_with_stack(chained, message):
        chained, stack = (), message_itself.frames
    else:
        stack = () if any(exception.frames for exception in chained) else message_stack(raw)
    transaction = said(raw.get("transaction"), NAME_MAX)
    where = where_of(chained, stack)
    return Event(
        event_id=event_id or _event_id(raw.get("event_id")),
        accepted_at=accepted_at,
        timestamp=as_time(raw.get("timestamp")) or accepted_at,
        type="error" if chained else "csp" if csp else "message",
        title=title_of(chained, csp, message, where),
        culprit=text(transaction or where or said(raw.get("culprit"), CULPRIT_MAX), CULPRIT_MAX),
        level=LEVELS.get(text(raw.get("level")).strip().lower(), Level.ERROR),
        platform=text(raw.get("platform"), PLATFORM_MAX) or "other",
        logger=text(raw.get("logger")),
        exceptions=chained,
        stacktrace=stack,
        message=message,
        message_template=template,
        fingerprint=fingerprint_of(raw.get("fingerprint")),
        transaction=transaction,
        release=text(raw.get("release")).strip(),
        environment=text(raw.get("environment"), ENVIRONMENT_MAX).strip(),
        dist=text(raw.get("dist"), DIST_MAX),
        server_name=text(raw.get("server_name")),
        tags=tags_of(raw.get("tags")),
        user=user_of(as_object(raw.get("user") or raw.get("sentry.interfaces.User")), address),
        request=request_of(as_object(raw.get("request") or raw.get("sentry.interfaces.Http"))),
        contexts=scrubbed_object(raw.get("contexts")),
        extra=scrubbed_object(raw.get("extra")),
        breadcrumbs=_breadcrumbs(raw.get("breadcrumbs")),
        sdk={name: text(as_object(raw.get("sdk")).get(name)) for name in ("name", "version")},
        csp=csp,
    )


def _event_id(value: Any) -> str:
    digits = text(value).replace("-", "").lower()
    return digits if re.fullmatch(r"[0-9a-f]{32}", digits) else uuid.uuid4().hex


# --- messages --------------------------------------------------------------------------------------------------------


def message_of(raw: Mapping[str, Any]) -> tuple[str, str]:
    """(the message, its template). The template is empty unless the SDK sent one with parameters to put in."""
    entry = raw.get("logentry") or raw.get("sentry.interfaces.Message") or raw.get("message")
    if not isinstance(entry, dict):
        return said(entry, MESSAGE_MAX), ""
    template, params = text(entry.get("message"), MESSAGE_MAX), entry.get("params")
    formatted = text(entry.get("formatted"), MESSAGE_MAX) or _filled(template, params)
    if not formatted and isinstance(raw.get("message"), str):
        return said(raw["message"], MESSAGE_MAX), ""
    return said(formatted, MESSAGE_MAX), said(template, MESSAGE_MAX) if params or formatted != template else ""


def said_with_stack(chained: tuple[ExceptionValue, ...], message: str) -> ExceptionValue | None:
    """JavaScript SDKs send a message's stack as that of an exception without a type, which says what the message says."""
    is_message = len(chained) == 1 and not chained[0].type and bool(message) and chained[0].value == message
    return chained[0] if is_message else None


def _filled(template: str, params: Any) -> str:
    """The template with its parameters put in, for SDKs that leave this to us. Places without a parameter stay."""
    named = as_object(params)
    in_order = iter(as_list(params))

    def parameter(match: re.Match[str]) -> str:
        if match[0] == "%%":
            return "%"
        name = match["named"] or match["braced"] or ""
        value = named.get(name) if named else next(in_order, None)
        return text(value, VALUE_MAX) or match[0]

    return PLACE.sub(parameter, template) if named or as_list(params) else template


def _csp(report: Mapping[str, Any]) -> dict[str, str]:
    """A browser's report of a blocked resource: whose words have dashes, and whose SDKs have underscores."""

    def said_of(*names: str) -> str:
        spellings = chain.from_iterable((name, name.replace("_", "-")) for name in names)
        return next((found for name in spellings if (found := _address(report.get(name)))), "")

    if not report:
        return {}
    blocked = said_of("blocked_uri")
    host = HOST.match(blocked)
    directive = said_of("effective_directive", "violated_directive").split(" ")[0]
    about = (directive, blocked, host[1] if host else "", said_of("document_uri"))
    return dict(zip(CSP_NAMES, about, strict=True))


# --- what an event is called -----------------------------------------------------------------------------------------


def title_of(chained: tuple[ExceptionValue, ...], csp: Mapping[str, str], message: str, where: str) -> str:
    if chained:
        called = ": ".join(filter(None, (chained[-1].type.strip(), _first_line(chained[-1].value))))
    elif csp:
        called = f"Blocked {csp['directive'] or 'content'} from {csp['blocked_host'] or 'this page'}"
    else:
        called = ""
    return text(
        called or _first_line(message) or (f"Error in {where}" if where else "An event without a message"), TITLE_MAX
    )


def _first_line(value: str) -> str:
    return next((line.strip() for line in value.splitlines() if line.strip()), "")


def where_of(chained: tuple[ExceptionValue, ...], stack: tuple[Frame, ...]) -> str:
    """The frame to blame: the last of the program's own, of the outermost exception that has frames."""
    frames = next((exception.frames for exception in reversed(chained) if exception.frames), stack)
    if not frames:
        return ""
    blamed = next((frame for frame in reversed(frames) if frame.in_app), frames[-1])
    file = blamed.filename if blamed.module in ("", "__main__") else blamed.module
    return " in ".join(filter(None, (file, "" if blamed.function == "?" else blamed.function)))


# --- the rest --------------------------------------------------------------------------------------------------------


def fingerprint_of(value: Any) -> tuple[str, ...]:
    parts = [value] if isinstance(value, str) else as_list(value)
    return tuple(filter(None, (text(part, FINGERPRINT_PART_MAX) for part in parts[:FINGERPRINT_MAX])))


def tags_of(raw: Any) -> tuple[tuple[str, str], ...]:
    """An object, or a list of [key, value], or of {"key": …, "value": …}. The first of two with one key wins."""
    kept: dict[str, str] = {}
    for pair in raw.items() if isinstance(raw, dict) else as_list(raw):
        key, value = _pair(pair)
        if (key := text(key, TAG_KEY_MAX).strip()) and (shown := text(scrubbed(text(value), key))):
            kept.setdefault(key, shown)
        if len(kept) == TAGS_MAX:
            break
    return tuple(kept.items())


def _pair(value: Any) -> tuple[Any, Any]:
    if isinstance(value, dict):
        return value.get("key"), value.get("value")
    return (value[0], value[1]) if isinstance(value, (list, tuple)) and len(value) == 2 else (None, None)


def user_of(raw: Mapping[str, Any], address: str) -> dict[str, str]:
    user = {name: named for name in ("id", "email", "username", "ip_address", "name") if (named := text(raw.get(name)))}
    if user.get("ip_address") == AUTO:
        del user["ip_address"]
        return user | {"ip_address": address} if address else user
    return user


def request_of(raw: Mapping[str, Any]) -> dict[str, Any]:
    cleaned = scrubbed_object(raw)
    for name in ("query_string", "data"):
        if isinstance(raw.get(name), str):
            cleaned[name] = scrub_query(text(raw[name], VALUE_MAX))
    if "url" in cleaned:
        cleaned["url"] = _address(raw["url"], VALUE_MAX)
    return cleaned


def _address(value: Any, limit: int = PATH_MAX) -> str:
    """An URL, the secrets of its query filtered."""
    address, mark, query = text(value, limit).partition("?")
    return text(said(address, limit) + mark + scrub_query(query), limit)


def _breadcrumbs(raw: Any) -> tuple[Breadcrumb, ...]:
    crumbs: Iterable[Any] = (crumb for crumb in as_values(raw)[-BREADCRUMBS_MAX:] if isinstance(crumb, dict))
    return tuple(_breadcrumb(crumb) for crumb in crumbs)


def _breadcrumb(raw: Mapping[str, Any]) -> Breadcrumb:
    return Breadcrumb(
        timestamp=as_time(raw.get("timestamp")),
        category=text(raw.get("category")),
        type=text(raw.get("type")),
        level=text(raw.get("level")),
        message=said(raw.get("message"), VALUE_MAX),
        data=scrubbed_object(raw.get("data")),
    )
