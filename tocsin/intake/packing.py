"""How an event's JSON lies in the database: as the SDK packed it, where that serves; else packed here, fast; a short one as it is.

What an SDK packed is kept because packing anew costs more than all else that accepting does.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

from tocsin.intake.encodings import GZIP, decode
from tocsin.intake.envelope import KEPT, open_envelope
from tocsin.intake.limits import EVENT_MAX, HEADER_MAX, KIB

WORTH_PACKING = 1 * KIB
IDENTITY = "identity"
ZLIB = "zlib"
ENVELOPE = "+env"  # behind the name of a packing: it holds an envelope, of which the event is one item

# Content-Encoding → under which name a body is kept as it came.
KEPT_AS = {"gzip": "gzip", "x-gzip": "gzip", "br": "br", "zstd": "zstd"}
WHOLE_MAX = EVENT_MAX + 4 * HEADER_MAX  # of an unpacked body that is kept

Packed = tuple[str, bytes]  # (name of the packing, bytes)


def pack(raw: bytes) -> Packed:
    """Compressed, fast, where that pays."""
    if len(raw) <= WORTH_PACKING:
        return IDENTITY, raw
    return ZLIB, zlib.compress(raw, 1)


def keep(body: bytes, content_encoding: str, raw: bytes, *, unpacked: int, is_envelope: bool) -> Packed:
    """`raw`, an event's JSON, out of a body that held nothing else of worth: as the body itself when that is packed well.

    `unpacked` is how many bytes the body has when unpacked.
    """
    name = KEPT_AS.get(content_encoding.strip().lower())
    if name is None or len(raw) <= WORTH_PACKING or 2 * len(body) > len(raw) or unpacked > WHOLE_MAX:
        return pack(raw)
    return (name + ENVELOPE if is_envelope else name), body


def unpack(packing: str, packed: bytes | memoryview) -> bytes:
    """What was packed. Raises KeyError for an unknown packing and zlib.error for broken bytes: neither was ours."""
    name = packing.removesuffix(ENVELOPE)
    whole = UNPACKERS[name](packed)
    return whole if name == packing else _event_in(whole)


def _event_in(envelope: bytes) -> bytes:
    return next(item.payload for item in open_envelope([envelope]).items if item.kind in KEPT)


def _decoded(encoding: str) -> Callable[[bytes | memoryview], bytes]:
    return lambda packed: b"".join(decode([bytes(packed)], encoding, most=WHOLE_MAX))


UNPACKERS: dict[str, Callable[[bytes | memoryview], bytes]] = {
    IDENTITY: bytes,
    ZLIB: zlib.decompress,
    "gzip": lambda packed: zlib.decompress(packed, GZIP),
    "br": _decoded("br"),
    "zstd": _decoded("zstd"),
}
