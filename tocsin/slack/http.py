"""Slack's requests over HTTP. Each of the four addresses takes any kind: what arrived is told by its content.

The body is read from the server's own stream, up to its cap: Django would take a chunked body for an empty one.
"""

from __future__ import annotations

import binascii
import json
import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from tocsin.logs import get_logger
from tocsin.slack import answers, verify
from tocsin.slack.answers import EMPTY, Answer
from tocsin.slack.payloads import Kind
from tocsin.slack.receive import receive

log = get_logger(__name__)

BODY_MAX = 1024 * 1024  # bytes
PIECE = 64 * 1024
FIELDS_MAX = 100  # a command has about 15
TYPES = {True: "text/plain; charset=utf-8", False: "application/json"}  # of an empty answer, and of any other
Form = dict[str, list[str]]


class Unreadable(Exception):
    """The body is of no form that Slack uses. The text is the reason, for the log."""

    def __init__(self, reason: str, *, is_event: bool = False, status: int = 400) -> None:
        super().__init__(reason)
        self.is_event = is_event
        self.status = status


@csrf_exempt
def endpoint(request: HttpRequest) -> HttpResponse:
    """The view, for wherever `door` is not in front."""
    answered = answer(request.META)
    response = HttpResponse(body_of(answered), status=answered.status, headers=headers_of(answered))
    response.headers["Content-Length"] = str(len(response.content))
    return response


def answer(environ: Mapping[str, Any]) -> Answer:
    """Order: method, size, ssl_check, signature, decoding; the rest is `receive`."""
    if environ["REQUEST_METHOD"] != "POST":
        return Answer(status=405, headers={"Allow": "POST"})
    try:
        body = _body(environ)
    except Unreadable as error:
        log.warning("slack: not read", reason=str(error))
        return Answer(status=error.status)
    return _answer(body, _signature(environ))


def body_of(answered: Answer) -> bytes:
    return b"" if answered.body is None else json.dumps(answered.body).encode()


def headers_of(answered: Answer) -> dict[str, str]:
    """All but the length, which is said even of no bytes: the answer is then seen to be empty."""
    return {"Content-Type": TYPES[answered.body is None], "X-Content-Type-Options": "nosniff", **answered.headers}


def _signature(environ: Mapping[str, Any]) -> dict[str, str]:
    """The headers that a signature is in. A server joins those that come twice."""
    names = {verify.SIGNATURE: "HTTP_X_SLACK_SIGNATURE", verify.TIMESTAMP: "HTTP_X_SLACK_REQUEST_TIMESTAMP"}
    return {name: environ[key] for name, key in names.items() if key in environ}


def _answer(body: bytes, headers: Mapping[str, str]) -> Answer:
    if _is_ssl_check(body):
        return EMPTY
    if not verify.is_from_slack(body, headers, settings.TOCSIN_SLACK_SIGNING_SECRETS, time.time()):
        return Answer(status=401)
    try:
        kind, payload = decode(body)
    except Unreadable as error:
        log.warning("slack: cannot be decoded", reason=str(error))
        return answers.malformed(is_event=error.is_event)
    return receive(kind, payload)


# --- the body --------------------------------------------------------------------------------------------------------


def _body(environ: Mapping[str, Any]) -> bytes:
    """The whole body. Raises Unreadable: 413 beyond BODY_MAX, before more is read; 400 when it ends too early."""
    declared = environ.get("CONTENT_LENGTH") or ""
    if declared and not (declared.isascii() and declared.isdigit()):
        raise Unreadable("the Content-Length is no number")
    if len(declared) > 12 or int(declared or 0) > BODY_MAX:
        raise Unreadable("the body is too large", status=413)
    wanted = int(declared) if declared else BODY_MAX + 1
    body = bytearray()
    while len(body) < wanted and (piece := _piece(environ["wsgi.input"], min(PIECE, wanted - len(body)))):
        body += piece
    if declared and len(body) < wanted:
        raise Unreadable("the body ended too early")
    if len(body) > BODY_MAX:
        raise Unreadable("the body is too large", status=413)
    return bytes(body)


def _piece(stream: Any, most: int) -> bytes:
    try:
        piece: bytes = stream.read(most)
    except OSError as error:
        raise Unreadable("the connection broke off") from error
    return piece


def _is_ssl_check(body: bytes) -> bool:
    """Slack looks whether our certificate is good. It may not be signed, and asks for nothing."""
    if b"ssl_check" not in body:
        return False
    try:
        return _form(body).get("ssl_check") == ["1"]
    except Unreadable:
        return False


def decode(body: bytes) -> tuple[Kind, dict[str, Any]]:
    """A JSON event, a form with one `payload`, or the flat form of a command. Raises Unreadable."""
    if body.lstrip()[:1] == b"{":
        return Kind.EVENT, _object(body, is_event=True)
    form = _form(body)
    if "payload" in form:
        if len(form["payload"]) != 1:
            raise Unreadable("payload came twice")
        return Kind.INTERACTIVE, _object(form["payload"][0], is_event=False)
    if "command" in form:
        return Kind.COMMAND, {name: values[0] for name, values in form.items()}
    raise Unreadable("no payload")


def _form(body: bytes) -> Form:
    if (payload := _payload_alone(body)) is not None:
        return {"payload": [payload]}
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX)
    except ValueError as error:
        raise Unreadable("no form in UTF-8") from error
    form: Form = {}
    for name, value in pairs:
        form.setdefault(name, []).append(value)
    return form


PAYLOAD = b"payload="
BY_THE_BOOK = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.~*+%-"
NO_CODE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def _payload_alone(body: bytes) -> str | None:
    """What interactivity sends: one field, encoded by the book. Decoded in C, which urllib is not; None: leave it to urllib.

    Percent-encoding with another mark is the quoted-printable of mail, and a body by the book holds nothing that the two treat
    differently.
    """
    value = body[len(PAYLOAD) :]
    if not body.startswith(PAYLOAD) or value.translate(None, BY_THE_BOOK) or NO_CODE.search(value):
        return None
    marked = value.replace(b"+", b" ").replace(b"%", b"=")
    try:
        return binascii.a2b_qp(marked).decode()
    except UnicodeDecodeError:
        return None


def _object(text: str | bytes, *, is_event: bool) -> dict[str, Any]:
    try:
        value = _json(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable("no JSON", is_event=is_event) from error
    if not isinstance(value, dict):
        raise Unreadable("no JSON object", is_event=is_event)
    return value


def _json(text: str | bytes) -> Any:
    """By the fast parser; what it refuses, such as half a surrogate pair, by the tolerant one. Raises ValueError."""
    try:
        return msgspec.json.decode(text)
    except msgspec.MsgspecError:
        return json.loads(text)
