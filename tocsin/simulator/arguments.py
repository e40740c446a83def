"""The arguments of a Web API call, out of its query, its form or its JSON; and what type each has to have."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tocsin.simulator.errors import ApiError, invalid_arguments

Arguments = dict[str, Any]
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What was sent, before its arguments are looked at."""

    token: str
    sent: Arguments
    warnings: tuple[str, ...] = ()


async def read(request: web.Request, *, takes_json: bool) -> Call:
    """Raises ApiError for a body that Slack does not read. JSON for a method that takes none is ignored, as there."""
    sent: Arguments = dict(request.query)
    warnings: tuple[str, ...] = ()
    if request.method == "POST" and request.body_exists:
        content_type = request.headers.get("Content-Type", "")
        if not content_type:
            raise ApiError("missing_post_type")
        if request.content_type in _FORMS:
            sent |= await _form(request)
        elif request.content_type == "application/json":
            if takes_json:
                sent |= await _json(request)
            if request.charset is None:
                warnings = ("missing_charset",)
        else:
            raise ApiError("invalid_post_type")
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    token = bearer.strip() if scheme.lower() == "bearer" else ""
    return Call(token=token or str(sent.pop("token", "")), sent=sent, warnings=warnings)


async def _form(request: web.Request) -> Arguments:
    try:
        form = await request.post()
    except (UnicodeDecodeError, ValueError) as error:
        raise ApiError("invalid_form_data") from error
    if any(not isinstance(value, str) for value in form.values()):
        raise ApiError("invalid_form_data")
    return dict(form)


async def _json(request: web.Request) -> Arguments:
    body = await request.read()
    if not body:
        return {}
    if (request.charset or "utf-8").lower() not in ("utf-8", "utf8", "us-ascii"):
        raise ApiError("invalid_charset")
    try:
        value = json.loads(body)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise ApiError("invalid_json") from error
    if not isinstance(value, dict):
        raise ApiError("json_not_object")
    return {name: each for name, each in value.items() if each is not None}


# --- types -----------------------------------------------------------------------------------------------------------
class WrongType(ValueError):
    """The argument is not what it has to be."""


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise WrongType("must be a string")
    return value


def flag(value: Any) -> bool:
    known = {True: True, False: False, "1": True, "0": False, "true": True, "false": False}
    if isinstance(value, bool | str) and value in known:
        return known[value]
    raise WrongType("must be a boolean")


def number(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value, re.ASCII):
        return int(value)
    raise WrongType("must be a number")


def timestamp(value: Any) -> str:
    """A message's ts is text; a number would lose its last digits."""
    if isinstance(value, str):
        return value
    raise WrongType("must be a timestamp, which is a string")


def parse_mode(value: Any) -> str:
    """How text is looked through for links and names."""
    if value in ("none", "full", "client"):
        return str(value)
    raise WrongType("must be one of: none, full, client")


def names(value: Any) -> list[str]:
    """A list, or text with commas."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return value
    raise WrongType("must be a list of strings")


def nested(error: str) -> Callable[[Any], Any]:
    """JSON, or JSON as text. When it is neither, the call fails with `error`."""

    def parse(value: Any) -> Any:
        if isinstance(value, dict | list):
            return value
        try:
            return json.loads(value)
        except (TypeError, ValueError, RecursionError):
            raise ApiError(error) from None

    return parse


Type = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Signature:
    """Which arguments a method takes, each with its type."""

    required: Mapping[str, Type]
    optional: Mapping[str, Type]

    def bind(self, sent: Mapping[str, Any]) -> Arguments:
        """Raises invalid_arguments for what is missing, not known, or not of its type. Slack's own libraries say `team_id` to every
        method: where it means nothing it is passed over.
        """
        wrong = [f"missing required field: {name}" for name in self.required if sent.get(name) in (None, "")]
        bound: Arguments = {}
        for name, value in sent.items():
            convert = self.required.get(name) or self.optional.get(name)
            if convert is None and name == "team_id":
                continue
            if convert is None:
                wrong.append(f"unexpected argument: {name} [json-pointer:/{name}]")
                continue
            try:
                bound[name] = convert(value)
            except WrongType as error:
                wrong.append(f"{error} [json-pointer:/{name}]")
        if wrong:
            raise invalid_arguments(*wrong)
        return bound
