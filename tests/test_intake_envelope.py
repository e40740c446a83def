"""Bodies of SDKs: encodings, envelopes, and JSON that is odd but real. No database."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import math
import random
import time
import tracemalloc
import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tocsin.intake import limits
from tocsin.intake.encodings import DECODERS, decode, unpack_old_store
from tocsin.intake.envelope import Item, open_envelope
from tocsin.intake.odd_json import decode_json, decode_object, event_id, event_id_inside
from tocsin.intake.packing import pack, unpack
from tocsin.intake.refusals import Malformed, TooLarge

EVENT = b'{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","message":"hello"}'


def pieces_of(body: bytes, size: int = 7) -> Iterator[bytes]:
    return (body[at : at + size] for at in range(0, len(body), size))


def read(body: bytes | Iterable[bytes]) -> list[Item]:
    return list(open_envelope([body] if isinstance(body, bytes) else body).items)


def decoded(body: bytes, encoding: str = "gzip", most: int = limits.ENVELOPE_MAX) -> bytes:
    return b"".join(decode(pieces_of(body, 1000), encoding, most=most))


# --- envelopes -------------------------------------------------------------------------------------------------------

WELL_FORMED = {
    "an item with its length": (b'{}\n{"type":"event","length":%d}\n%s\n' % (len(EVENT), EVENT), [("event", EVENT)]),
    "an item without length": (b'{}\n{"type":"event"}\n%s\n' % EVENT, [("event", EVENT)]),
    "no newline at the end": (b'{}\n{"type":"event"}\n%s' % EVENT, [("event", EVENT)]),
    "a length, and no newline at the end": (
        b'{}\n{"type":"event","length":%d}\n%s' % (len(EVENT), EVENT),
        [("event", EVENT)],
    ),
    "a length that is null": (b'{}\n{"type":"event","length":null}\n%s\n' % EVENT, [("event", EVENT)]),
    "newlines inside a payload with a length": (b'{}\n{"type":"event","length":4}\n{\n\n}\n', [("event", b"{\n\n}")]),
    "blank lines between items": (
        b'{}\n\n{"type":"event"}\n{}\n\r\n\n{"type":"event"}\n{}\n\n\n',
        [("event", b"{}"), ("event", b"{}")],
    ),
    "several events": (
        b'{}\n{"type":"event"}\n{"a":1}\n{"type":"event","length":7}\n{"a":2}\n',
        [("event", b'{"a":1}'), ("event", b'{"a":2}')],
    ),
    "items that nobody keeps": (
        b'{}\n{"type":"attachment","length":3}\n\n\n\n\n{"type":"session"}\n{}\n{"type":"event"}\n{}',
        [("attachment", b""), ("session", b""), ("event", b"{}")],
    ),
    "an item of length nought": (
        b'{}\n{"type":"attachment","length":0}\n\n{"type":"event"}\n{}',
        [("attachment", b""), ("event", b"{}")],
    ),
    "an attachment of length nought at the very end": (
        b'{}\n{"type":"attachment","length":0}',
        [("attachment", b"")],
    ),
    "no items": (b'{"event_id":"x"}\n', []),
    "a header and nothing else": (b"{}", []),
    "a header with a lone surrogate": (b'{"trace":"\\ud800"}\n{"type":"event"}\n{}', [("event", b"{}")]),
}


@pytest.mark.parametrize("piece_size", [1, 2, 7, 65536])
@pytest.mark.parametrize(("body", "items"), WELL_FORMED.values(), ids=WELL_FORMED)
def test_well_formed_envelopes_are_read_however_they_are_cut(
    body: bytes, items: list[tuple[str, bytes]], piece_size: int
) -> None:
    assert [(item.kind, item.payload) for item in read(pieces_of(body, piece_size))] == items


MALFORMED = {
    "nothing": b"",
    "a blank header": b"\n{}",
    "a header that is no JSON": b"hello\n",
    "a header that is no object": b"[]\n",
    "an item header that is no JSON": b"{}\nhello\n{}\n",
    "an item header that is no object": b"{}\n[1]\n{}\n",
    "an item without a type": b"{}\n{}\n{}\n",
    "an item with an empty type": b'{}\n{"type":""}\n{}\n',
    "an item whose type is a number": b'{}\n{"type":7}\n{}\n',
    "a length that is negative": b'{}\n{"type":"event","length":-1}\n{}\n',
    "a length that is text": b'{}\n{"type":"event","length":"2"}\n{}\n',
    "a length that is true": b'{}\n{"type":"event","length":true}\n{}\n',
    "a length that is a fraction": b'{}\n{"type":"event","length":2.0}\n{}\n',
    "a length of 400 digits": b'{}\n{"type":"attachment","length":%s}\n{}\n' % (b"9" * 400),
    "a length greater than what came": b'{}\n{"type":"event","length":3}\n{}',
    "an attachment's length greater than what came": b'{}\n{"type":"attachment","length":300}\nabc',
    "a length smaller than the payload": b'{}\n{"type":"event","length":2}\n{"a":1}\n',
}


@pytest.mark.parametrize("piece_size", [1, 65536])
@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_malformed_envelopes_are_refused_with_a_reason(body: bytes, piece_size: int) -> None:
    with pytest.raises(Malformed) as refused:
        read(pieces_of(body, piece_size))
    assert len(str(refused.value)) > 10


HEADER = b'{"a":"%s"}'
AT_HEADER_MAX = HEADER % (b"x" * (limits.HEADER_MAX - len(HEADER) + 2))
AT_EVENT_MAX = b'{"a":"%s"}' % (b"x" * (limits.EVENT_MAX - 8))
TYPED = b'{"type":"session","a":"%s"}'
AT_ITEM_HEADER_MAX = TYPED % (b"x" * (limits.HEADER_MAX - len(TYPED) + 2))

# what, the largest that is taken, the smallest that is not
CAPS = {
    "the envelope's header": (AT_HEADER_MAX + b"\n", b" " + AT_HEADER_MAX + b"\n"),
    "an item's header": (b"{}\n" + AT_ITEM_HEADER_MAX + b"\n{}", b"{}\n " + AT_ITEM_HEADER_MAX + b"\n{}"),
    "an event by its line": (
        b'{}\n{"type":"event"}\n' + AT_EVENT_MAX + b"\n",
        b'{}\n{"type":"event"}\n ' + AT_EVENT_MAX + b"\n",
    ),
    "an event by its length": (
        b'{}\n{"type":"event","length":%d}\n%s' % (limits.EVENT_MAX, AT_EVENT_MAX),
        b'{}\n{"type":"event","length":%d}\n %s' % (limits.EVENT_MAX + 1, AT_EVENT_MAX),
    ),
    "the items": (
        b"{}\n" + b'{"type":"event"}\n{}\n' * limits.ITEMS_MAX,
        b"{}\n" + b'{"type":"event"}\n{}\n' * (limits.ITEMS_MAX + 1),
    ),
}


@pytest.mark.parametrize("piece_size", [4096, limits.PIECE])
@pytest.mark.parametrize(("just_fits", "is_too_large"), CAPS.values(), ids=CAPS)
def test_every_cap_takes_its_size_and_refuses_one_more(just_fits: bytes, is_too_large: bytes, piece_size: int) -> None:
    read(pieces_of(just_fits, piece_size))
    with pytest.raises(TooLarge):
        read(pieces_of(is_too_large, piece_size))


def test_an_item_that_nobody_keeps_may_be_longer_than_an_event_and_is_never_held() -> None:
    payload = b"x" * (8 * limits.MIB)
    with_length = b'{}\n{"type":"replay_recording","length":%d}\n%s\n' % (len(payload), payload)
    without = b'{}\n{"type":"replay_recording"}\n%s\n' % payload
    for body in (with_length, without):
        parts = list(pieces_of(body, limits.PIECE))
        tracemalloc.start()
        items = list(open_envelope(parts).items)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert items == [Item(kind="replay_recording", payload=b"")]
        assert peak < limits.MIB


@given(st.lists(st.tuples(st.sampled_from(["event", "session", "é"]), st.binary(max_size=50), st.booleans())))
def test_what_is_written_as_an_envelope_is_read_back(items: list[tuple[str, bytes, bool]]) -> None:
    body = b"{}\n"
    for kind, payload, has_length in items:
        is_line = not has_length and b"\n" not in payload
        header = {"type": kind} if is_line else {"type": kind, "length": len(payload)}
        body += json.dumps(header).encode() + b"\n" + payload + b"\n"
    kept = [(kind, payload if kind == "event" else b"") for kind, payload, _ in items]
    assert [(item.kind, item.payload) for item in read(pieces_of(body, 5))] == kept


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with contextlib.suppress(Malformed, TooLarge):
        read(pieces_of(b'{}\n{"type":"event"' + body, 11))


# --- encodings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP", " gzip "])
def test_gzip_is_unpacked(encoding: str) -> None:
    body = random.Random(1).randbytes(200_000) + b"x" * 500_000
    assert decoded(gzip.compress(body), encoding) == body


def test_brotli_is_unpacked() -> None:
    body = random.Random(1).randbytes(200_000) + b"x" * 500_000
    assert decoded(brotli.compress(body, quality=4), "br") == body


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


def stored_deflate(body: bytes) -> bytes:
    """Raw, and not compressed at all: its first byte tells nothing but that."""
    packer = zlib.compressobj(0, wbits=-15)
    return packer.compress(body) + packer.flush()


@pytest.mark.parametrize("pack", [zlib.compress, raw_deflate, stored_deflate])
@pytest.mark.parametrize("size", [1, 1000])
def test_deflate_is_unpacked_with_and_without_its_zlib_header(pack: Callable[[bytes], bytes], size: int) -> None:
    body = random.Random(1).randbytes(20_000) + b"x" * 500_000
    pieces = [b"", *pieces_of(pack(body), size)]
    assert b"".join(decode(pieces, "deflate", most=limits.ENVELOPE_MAX)) == body


@pytest.mark.parametrize("level", [1, 3, 19])
def test_zstd_is_unpacked(level: int) -> None:
    body = random.Random(1).randbytes(200_000) + b"x" * 500_000
    assert decoded(zstandard.ZstdCompressor(level=level).compress(body), "zstd") == body


def with_a_window_of(log: int) -> bytes:
    parameters = zstandard.ZstdCompressionParameters(window_log=log)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return packer.compress(EVENT) + packer.flush()


def test_zstd_that_asks_for_much_memory_is_refused() -> None:
    assert decoded(with_a_window_of(23), "zstd") == EVENT
    with pytest.raises(Malformed):
        decoded(with_a_window_of(24), "zstd")


ZSTD = zstandard.ZstdCompressor(write_checksum=True).compress(EVENT)
BROKEN_DEFLATE = {
    "empty": b"",
    "neither": b"\xff" * 100,
    "zlib cut in the middle": zlib.compress(EVENT)[:-20],
    "zlib cut before the last byte": zlib.compress(EVENT)[:-1],
    "zlib with a wrong checksum": zlib.compress(EVENT)[:-4] + b"abcd",
    "raw cut in the middle": raw_deflate(EVENT)[:-20],
    "something after the end of zlib": zlib.compress(EVENT) + b"x",
    "something after the end of raw": raw_deflate(EVENT) + b"x",
    "gzip": gzip.compress(EVENT),
}
BROKEN_ZSTD = {
    "empty": b"",
    "not zstd": EVENT,
    "cut in the middle": ZSTD[:-20],
    "cut before the last byte": ZSTD[:-1],
    "a wrong checksum": ZSTD[:-4] + b"abcd",
    "something after its end": ZSTD + b"x",
    "much after its end": ZSTD + b"x" * 5000,
    "a second frame": ZSTD * 2,
    "only its magic number": ZSTD[:4],
}


@pytest.mark.parametrize("body", BROKEN_DEFLATE.values(), ids=BROKEN_DEFLATE)
def test_broken_deflate_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        decoded(body, "deflate")


@pytest.mark.parametrize("body", BROKEN_ZSTD.values(), ids=BROKEN_ZSTD)
def test_broken_zstd_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        decoded(body, "zstd")


BROKEN_BROTLI = {
    "empty": b"",
    "not brotli": b"\xff" * 100,
    "cut in the middle": brotli.compress(EVENT * 9)[:-9],
    "cut before the last byte": brotli.compress(EVENT)[:-1],
    "something after its end": brotli.compress(EVENT) + b"x",
    "much after its end": brotli.compress(EVENT) + b"x" * 5000,
    "a second one": brotli.compress(EVENT) * 2,
    "gzip": gzip.compress(EVENT),
}


@pytest.mark.parametrize("body", BROKEN_BROTLI.values(), ids=BROKEN_BROTLI)
def test_broken_brotli_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        decoded(body, "br")


@pytest.mark.parametrize("encoding", ["", "identity"])
def test_a_plain_body_stays_as_it_is(encoding: str) -> None:
    assert decoded(EVENT, encoding) == EVENT


@pytest.mark.parametrize("encoding", ["rot13", "gzip, gzip", "gzip;q=1", "é", "x" * 9999])
def test_an_unknown_encoding_is_refused_and_the_known_ones_are_named(encoding: str) -> None:
    with pytest.raises(Malformed) as refused:
        decoded(EVENT, encoding)
    assert all(name in str(refused.value) for name in DECODERS)
    assert len(str(refused.value)) < 300


BROKEN_GZIP = {
    "empty": b"",
    "not gzip": EVENT,
    "cut in the middle": gzip.compress(EVENT)[:-20],
    "cut before the last byte": gzip.compress(EVENT)[:-1],
    "a wrong checksum": gzip.compress(EVENT)[:-8] + b"abcd" + gzip.compress(EVENT)[-4:],
    "a wrong length": gzip.compress(EVENT)[:-4] + b"abcd",
    "something after its end": gzip.compress(EVENT) + b"x",
    "a second member": gzip.compress(EVENT) * 2,
    "zlib, not gzip": zlib.compress(EVENT),
}


@pytest.mark.parametrize("body", BROKEN_GZIP.values(), ids=BROKEN_GZIP)
def test_broken_gzip_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        decoded(body)


PACKERS = {
    "gzip": gzip.compress,
    "br": brotli.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


@pytest.mark.parametrize("encoding", PACKERS)
@pytest.mark.parametrize("over", [0, 1])
def test_the_output_is_capped_to_the_byte(encoding: str, over: int) -> None:
    body = b"x" * (100_000 + over)
    packed = PACKERS[encoding](body)
    if over:
        with pytest.raises(TooLarge):
            decoded(packed, encoding, most=100_000)
    else:
        assert decoded(packed, encoding, most=100_000) == body


def gzip_bomb() -> bytes:
    """As bad as gzip can be: 1,028 to 1."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    first = packer.compress(b'{}\n{"type":"attachment"}\n')
    return first + b"".join(packer.compress(b"\0" * limits.MIB) for _ in range(300)) + packer.flush()


def brotli_bomb() -> bytes:
    """As bad as br can be: 657,930 to 1."""
    return brotli.compress(b'{}\n{"type":"attachment"}\n' + b"\0" * (300 * limits.MIB), quality=9)


def deflate_bomb() -> bytes:
    return raw_deflate(b'{}\n{"type":"attachment"}\n' + b"\0" * (300 * limits.MIB))


def zstd_bomb() -> bytes:
    """As bad as zstd can be: 32,466 to 1."""
    return zstandard.ZstdCompressor(level=19).compress(b'{}\n{"type":"attachment"}\n' + b"\0" * (300 * limits.MIB))


BOMBS = {"gzip": gzip_bomb, "br": brotli_bomb, "deflate": deflate_bomb, "zstd": zstd_bomb}


@pytest.mark.parametrize("encoding", BOMBS)
def test_a_bomb_costs_neither_memory_nor_time(encoding: str) -> None:
    """Unpacking stops at the cap, and no item of it is held."""
    bomb = BOMBS[encoding]()
    tracemalloc.start()
    began = time.monotonic()
    with pytest.raises(TooLarge):
        read(decode(pieces_of(bomb, limits.PIECE), encoding, most=limits.ENVELOPE_MAX))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.monotonic() - began < 2
    assert peak < 2 * limits.MIB


def test_a_bomb_within_a_bomb_is_only_unpacked_once() -> None:
    inner = gzip.compress(b"x" * limits.MIB)
    assert decoded(gzip.compress(inner)) == inner


OLD_STORE_BODIES = [
    EVENT,
    *(zlib.compress(EVENT, level) for level in (1, 6, 9)),
    *(base64.b64encode(zlib.compress(EVENT, level)) for level in (1, 3, 6, 9)),
]


@pytest.mark.parametrize("packed", OLD_STORE_BODIES)
def test_old_sdks_store_bodies_are_understood(packed: bytes) -> None:
    assert unpack_old_store(packed, most=limits.EVENT_MAX) == EVENT


@pytest.mark.parametrize("body", [b"\x78\x9cjunk", b"eJjunk!!!", b"eJ", base64.b64encode(zlib.compress(EVENT)[:-3])])
def test_broken_old_store_bodies_are_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        unpack_old_store(body, most=limits.EVENT_MAX)


def test_an_old_store_body_that_is_a_bomb_is_refused() -> None:
    with pytest.raises(TooLarge):
        unpack_old_store(zlib.compress(b"x" * (limits.EVENT_MAX + 1)), most=limits.EVENT_MAX)


@given(st.binary(max_size=5000))
def test_what_is_packed_is_unpacked(raw: bytes) -> None:
    assert unpack(*pack(raw)) == raw


# --- JSON that is odd but real ---------------------------------------------------------------------------------------

ODD = {
    "a lone surrogate": (b'{"a":"\\ud800x"}', {"a": "\ud800x"}),
    "a lone surrogate in a key": (b'{"\\udfff":1}', {"\udfff": 1}),
    "a surrogate as bytes": (b'{"a":"\xed\xa0\x80"}', {"a": "\ufffd\ufffd\ufffd"}),
    "bytes that are not UTF-8": (b'{"a":"caf\xe9"}', {"a": "caf\ufffd"}),
    "NUL": (b'{"a":"\\u0000"}', {"a": "\0"}),
    "a raw newline in a string": (b'{"a":"b\nc"}', {"a": "b\nc"}),
    "infinity": (b'{"a":Infinity,"b":-Infinity}', {"a": math.inf, "b": -math.inf}),
    "too great an exponent": (b'{"a":1e999}', {"a": math.inf}),
    "beyond 64 bits": (b'{"a":123456789012345678901234567890}', {"a": 123456789012345678901234567890}),
    "5,000 digits": (b'{"a":%s}' % (b"7" * 5000), {"a": "7" * 5000}),
    "minus 5,000 digits": (b'{"a":-%s}' % (b"7" * 5000), {"a": "-" + "7" * 5000}),
    "a byte order mark": (b"\xef\xbb\xbf{}", {}),
    "the same key twice": (b'{"a":1,"a":2}', {"a": 2}),
}


@pytest.mark.parametrize(("raw", "value"), ODD.values(), ids=ODD)
def test_odd_but_real_json_is_kept(raw: bytes, value: object) -> None:
    assert decode_json(raw) == value
    assert event_id_inside(raw) is None


def test_what_is_no_number_is_a_float() -> None:
    assert math.isnan(decode_json(b'{"a":NaN}')["a"])


DEEP = {
    "arrays": (b"[" * 100_000, b"]" * 100_000),
    "objects": (b'{"a":' * 100_000, b"}" * 100_000),
    "arrays with brackets in strings": (b'["]}{[\\"",' * 50_000, b"]" * 50_000),
}


@pytest.mark.parametrize(("opening", "closing"), DEEP.values(), ids=DEEP)
def test_json_that_nests_too_deep_is_kept_without_its_depths(opening: bytes, closing: bytes) -> None:
    began = time.monotonic()
    value = decode_json(b'{"deep":%s1%s,"message":"kept"}' % (opening, closing))
    assert value["message"] == "kept"
    assert time.monotonic() - began < 2
    depth = 0
    inner = value["deep"]
    while isinstance(inner, list | dict):
        inner = inner[-1] if isinstance(inner, list) else inner["a"]
        depth += 1
    assert depth == limits.DEPTH_MAX - 1
    assert inner == "[nested too deep]"


NO_JSON = {
    "nothing": b"",
    "words": b"hello",
    "half an object": b'{"a":1',
    "half a deep object": b'{"a":' + b"[" * 100_000,
    "escaped quotes without end": b'{"a":"' + b'\\"' * 400_000,
    "deep, and escaped quotes without end": b"[" * 100_000 + b'"' + b'\\"' * 400_000,
    "deep, and a backslash at the end": b"[" * 100_000 + b'"\\',
    "closed more often than opened": b"{}]]]]",
    "deep, and closed more often": b"[" * 100_000 + b"]" * 100_001,
    "single quotes": b"{'a':1}",
}


@pytest.mark.parametrize("raw", NO_JSON.values(), ids=NO_JSON)
def test_what_is_no_json_by_any_reading_is_refused_soon(raw: bytes) -> None:
    began = time.monotonic()
    with pytest.raises(Malformed):
        decode_json(raw)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("raw", [b"[1]", b"null", b'"text"', b"7", b"NaN", b"[" * 100_000 + b"]" * 100_000])
def test_an_event_that_is_no_object_is_refused(raw: bytes) -> None:
    with pytest.raises(Malformed, match="not a JSON object"):
        event_id_inside(raw)
    with pytest.raises(Malformed, match="not a JSON object"):
        decode_object(raw, "The event")


def test_a_million_keys_are_read_soon() -> None:
    raw = b"{" + b",".join(b'"%d":1' % number for number in range(1_000_000)) + b"}"
    began = time.monotonic()
    assert event_id_inside(raw) is None
    assert time.monotonic() - began < 2


# --- event ids -------------------------------------------------------------------------------------------------------

PLAIN = "9ec79c33ec9942ab8353589fcb2e04dc"


@pytest.mark.parametrize("spelling", [PLAIN, PLAIN.upper(), str(uuid.UUID(PLAIN)), f" {PLAIN} ", f"{{{PLAIN}}}"])
def test_every_spelling_of_an_id_is_one_id(spelling: str) -> None:
    assert event_id(spelling) == PLAIN
    assert event_id_inside(json.dumps({"event_id": spelling}).encode()) == PLAIN


@pytest.mark.parametrize("odd", ["my-event-1", "\ud800", "\0", "x" * 100_000, "９" * 32])
def test_an_odd_id_gives_the_same_good_id_every_time(odd: str) -> None:
    made = event_id_inside(json.dumps({"event_id": odd}).encode())
    assert made == event_id(odd)
    assert made is not None
    assert len(made) == 32
    assert set(made) <= set("0123456789abcdef")


@pytest.mark.parametrize("missing", [None, "", "  ", 7, [], {}, True, 1.5])
def test_what_cannot_be_an_id_is_none(missing: object) -> None:
    assert event_id_inside(json.dumps({"event_id": missing}).encode()) is None
