"""`/api/<project>/envelope/` and `/store/`: what a Sentry SDK sends, and what it is answered.

The body is read from the server's own stream, in pieces, up to its cap: Django would take a chunked body for an empty one. A body
that ends before its Content-Length is refused. A chunked one has no length to compare with: the server reports its early end as an
end, and it is refused because what arrived is not whole: an item, a JSON text, or a gzip stream that breaks off.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from tocsin.intake import encodings, quotas, service
from tocsin.intake.address import address_of
from tocsin.intake.auth import Sender, key_in_dsn, key_in_request, sender
from tocsin.intake.envelope import KEPT, open_envelope
from tocsin.intake.limits import BODY_MAX, ENVELOPE_MAX, EVENT_MAX, PIECE
from tocsin.intake.odd_json import event_id, event_id_inside
from tocsin.intake.packing import WHOLE_MAX, Packed, keep, pack
from tocsin.intake.refusals import ComeBack, Malformed, NoKey, Refused, TooLarge
from tocsin.intake.service import RawEvent, Submission
from tocsin.logs import get_logger

log = get_logger(__name__)

SERVER_TROUBLE_SECONDS = 5  # what an SDK is asked to wait while the database is away

# Browsers ask first. Any page may send: the key in the DSN, public by design, is all that sending needs.
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "X-Sentry-Error, X-Sentry-Rate-Limits, Retry-After",
}
ALWAYS = {**CORS, "X-Content-Type-Options": "nosniff"}
JSON = {**ALWAYS, "Content-Type": "application/json"}
PREFLIGHT = {
    "Access-Control-Allow-Methods": "POST, OPTIONS",
    "Access-Control-Allow-Headers": "Accept, Authorization, Baggage, Content-Encoding, Content-Type, Origin, Sentry-Trace, "
    "Transfer-Encoding, X-Requested-With, X-Sentry-Auth",
    "Access-Control-Max-Age": "86400",
}

Environ = Mapping[str, Any]  # of a WSGI request
Take = Callable[[Environ, int, "Answering"], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an SDK is answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


class Answering:
    """Whose request this is, as soon as that is known: a refusal is then counted."""

    def __init__(self) -> None:
        self.sender: Sender | None = None

    def know(self, key: str, project_id: int) -> Sender:
        """Raises KeyRefused, and TooMany when the key has used up its minute."""
        self.sender = sender(key, project_id)
        quotas.refuse_if_minute_is_spent(self.sender)
        return self.sender


@csrf_exempt
def envelope(request: HttpRequest, project_id: int) -> HttpResponse:
    return _response(answer(request.META, project_id, "envelope"))


@csrf_exempt
def store(request: HttpRequest, project_id: int) -> HttpResponse:
    return _response(answer(request.META, project_id, "store"))


def _response(answered: Answer) -> HttpResponse:
    return HttpResponse(answered.body, status=answered.status, headers=answered.headers)


def answer(environ: Environ, project_id: int, shape: str) -> Answer:
    """Take what a request brings, in one of SHAPES. Raises nothing that is the request's fault or the database's."""
    method = environ["REQUEST_METHOD"]
    if method == "OPTIONS":
        return Answer(status=200, headers=ALWAYS | PREFLIGHT)
    if method != "POST":
        return _say(405, {"detail": "Send it with POST."}, {"Allow": "POST, OPTIONS"})
    answering = Answering()
    try:
        try:
            taken_id = SHAPES[shape](environ, project_id, answering)
        except Refused as refusal:
            if answering.sender is not None:
                service.count_refused(answering.sender, refusal)
            return _refuse(refusal)
    except DatabaseError as error:
        log.error("intake: the database is not available", error=str(error), project=project_id)
        return _say(
            503, {"detail": "The database is not available. Try again."}, {"Retry-After": str(SERVER_TROUBLE_SECONDS)}
        )
    return Answer(status=200, headers=JSON, body=b'{"id": "%s"}' % taken_id.encode() if taken_id else b"{}")


def _refuse(refusal: Refused) -> Answer:
    reason = str(refusal)
    headers = {"X-Sentry-Error": "".join(char if " " <= char <= "~" else "?" for char in reason)}
    if isinstance(refusal, ComeBack):
        headers |= {"Retry-After": str(refusal.retry_after), "X-Sentry-Rate-Limits": refusal.rate_limits}
    return _say(refusal.status, {"detail": reason}, headers)


def _say(status: int, body: Mapping[str, Any], headers: Mapping[str, str]) -> Answer:
    return Answer(status=status, headers={**JSON, **headers}, body=json.dumps(body).encode())


# --- the two shapes of a body ----------------------------------------------------------------------------------------


def _take_envelope(environ: Environ, project_id: int, answering: Answering) -> str | None:
    """Accept what an envelope holds. Returns the id that is answered: its first event's, else its header's."""
    key = key_in_request(environ)
    if key is not None:
        answering.know(key, project_id)
    body = Body(environ, ENVELOPE_MAX)
    opened = open_envelope(body.pieces())
    known = answering.sender or answering.know(key_in_dsn(opened.header.get("dsn")), project_id)
    header_id = event_id(opened.header.get("event_id"))
    unused_id = header_id  # an event without an id of its own takes the header's; a second one a new one
    found: list[tuple[str, bytes]] = []
    counted: list[str] = []
    for item in opened.items:
        if item.kind not in KEPT:
            counted.append(item.kind)
            continue
        if not found:
            quotas.refuse_if_quota_is_spent(known)
        found.append((event_id_inside(item.payload) or unused_id or uuid.uuid4().hex, item.payload))
        unused_id = None
    if len(found) == 1 and not counted:
        events = [RawEvent.of(found[0][0], body.packed(found[0][1], is_envelope=True))]
    else:
        events = [RawEvent.of(own_id, pack(payload)) for own_id, payload in found]
    service.accept(Submission(sender=known, address=address_of(environ), events=tuple(events), counted=tuple(counted)))
    return found[0][0] if found else header_id


def _take_store(environ: Environ, project_id: int, answering: Answering) -> str | None:
    """Accept one event, which is the whole body."""
    key = key_in_request(environ)
    if key is None:
        raise NoKey("No key came with this. Send it in X-Sentry-Auth or as ?sentry_key=.")
    known = answering.know(key, project_id)
    quotas.refuse_if_quota_is_spent(known)
    body = Body(environ, 2 * EVENT_MAX)  # base64, which old SDKs use, takes a third more
    sent = b"".join(body.pieces())
    raw = encodings.unpack_old_store(sent, most=EVENT_MAX)
    if len(raw) > EVENT_MAX:
        raise TooLarge(f"The event has more than {EVENT_MAX:,} bytes.")
    taken_id = event_id_inside(raw) or uuid.uuid4().hex
    packed = body.packed(raw, is_envelope=False) if raw is sent else pack(raw)
    service.accept(Submission(sender=known, address=address_of(environ), events=(RawEvent.of(taken_id, packed),)))
    return taken_id


SHAPES: dict[str, Take] = {"envelope": _take_envelope, "store": _take_store}


# --- reading ---------------------------------------------------------------------------------------------------------


class Body:
    """A request's body: its pieces, unpacked; and as it came, as far as it is short enough to be kept."""

    def __init__(self, environ: Environ, most: int) -> None:
        self._environ = environ
        self._most = most
        self._encoding = environ.get("HTTP_CONTENT_ENCODING", "")
        self._came: list[bytes] = []
        self._unpacked = 0

    def pieces(self) -> Iterator[bytes]:
        """Once. Raises Malformed and TooLarge."""
        for piece in encodings.decode(self._arriving(), self._encoding, most=self._most):
            self._unpacked += len(piece)
            yield piece

    def packed(self, raw: bytes, *, is_envelope: bool) -> Packed:
        """The event `raw`, which is all that the body held, as it is to be stored. The pieces have all been read."""
        return keep(b"".join(self._came), self._encoding, raw, unpacked=self._unpacked, is_envelope=is_envelope)

    def _arriving(self) -> Iterator[bytes]:
        for piece in _arriving(self._environ):
            if self._unpacked <= WHOLE_MAX:
                self._came.append(piece)
            yield piece


def _arriving(environ: Environ) -> Iterator[bytes]:
    """The body as it comes, in pieces. Raises TooLarge beyond BODY_MAX, and Malformed when it ends too early."""
    declared = environ.get("CONTENT_LENGTH") or ""
    if declared and not (declared.isascii() and declared.isdigit()):
        raise Malformed("The Content-Length is no number.")
    if len(declared) > 12 or int(declared or 0) > BODY_MAX:
        raise TooLarge(f"The body has more than {BODY_MAX:,} bytes.")
    left = int(declared) if declared else BODY_MAX + 1
    while left and (piece := environ["wsgi.input"].read(min(PIECE, left))):
        left -= len(piece)
        yield piece
    if declared and left:
        raise Malformed(f"The body should have {declared} bytes, and it ended {left} bytes too early.")
    if not declared and not left:
        raise TooLarge(f"The body has more than {BODY_MAX:,} bytes.")
