"""Whose a request is: the address of who sent it, past the proxies that we trust."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings

HOPS_MAX = 20  # entries of X-Forwarded-For that are looked at, the nearest first


def address_of(environ: Mapping[str, Any]) -> str:
    """The nearest address that is no trusted proxy's; empty when what tells it makes no sense."""
    said = str(environ.get("HTTP_X_FORWARDED_FOR", "")).rsplit(",", HOPS_MAX)[-HOPS_MAX:]
    nearest = known = _address(str(environ.get("REMOTE_ADDR", "")))
    while nearest is not None and _is_trusted(nearest) and said:
        nearest = _address(said.pop())
        known = nearest or known
    return str(known) if known is not None else ""


def _is_trusted(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return any(address in network for network in settings.TOCSIN_TRUSTED_PROXIES)


@lru_cache(maxsize=1024)
def _address(said: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address, with its port or without: 203.0.113.9, 203.0.113.9:4711, [2001:db8::1]:4711."""
    bare = said.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        found = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
