"""Small bodies that mean to be large, and odd ones that mean well: refused, or stored, soon and in little memory."""

from __future__ import annotations

import base64
import gzip
import json
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import brotli
import pytest
import zstandard

from tests.slack_fixture import through_wsgi
from tocsin.intake import limits
from tocsin.intake.digest import digest_batch
from tocsin.intake.models import Accepted
from tocsin.issues.models import StoredEvent
from tocsin.projects.models import Key
from tocsin.wsgi import application

MIB = limits.MIB
BOMB = 128  # MiB: six times what an envelope may have
SECONDS = 2
MEMORY = 64 * MIB

pytestmark = pytest.mark.guarantee


@contextmanager
def within_bounds() -> Iterator[None]:
    """What happens inside costs at most SECONDS of this process and MEMORY beyond what it had."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    held = _memory("VmRSS")
    began = time.process_time()
    yield
    took, grown = time.process_time() - began, _memory("VmHWM") - held
    assert took <= SECONDS
    assert grown <= MEMORY


def _memory(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith(f"{name}:")]
    return int(line.split()[1]) * 1024


def send(key: Key, body: bytes, to: str = "envelope", **headers: str) -> tuple[int, Mapping[str, str], bytes]:
    """Through the WSGI application, whose bounds are kept; headers as Content_Encoding="gzip"."""
    path = f"/api/{key.project_id}/{to}/?sentry_key={key.public_key}"
    deliver = through_wsgi(application)
    with within_bounds():
        return deliver(path, {"Content-Type": "application/octet-stream", **headers}, body)


def digest() -> None:
    with within_bounds():
        while digest_batch():
            pass
    assert not Accepted.objects.exists(), list(Accepted.objects.values_list("reason", flat=True))


# --- bombs -----------------------------------------------------------------------------------------------------------


def gzipped() -> Any:
    return zlib.compressobj(9, zlib.DEFLATED, 31)


class Brotli:
    def __init__(self) -> None:
        self._packer = brotli.Compressor(quality=9)

    def compress(self, raw: bytes) -> bytes:
        return bytes(self._packer.process(raw))

    def flush(self) -> bytes:
        return bytes(self._packer.finish())


PACKERS: dict[str, tuple[str, Callable[[], Any]]] = {
    "gzip": ("gzip", gzipped),  # 1,028 to 1
    "deflate": ("deflate", lambda: zlib.compressobj(9)),
    "raw deflate": ("deflate", lambda: zlib.compressobj(9, zlib.DEFLATED, -15)),
    "br": ("br", Brotli),  # 657,930 to 1
    "zstd": ("zstd", lambda: zstandard.ZstdCompressor(level=19).compressobj()),  # 32,466 to 1
}
SHAPES: dict[str, tuple[str, bytes]] = {  # what stands before a bomb's zeros
    "attachment": ("envelope", b'{}\n{"type":"attachment"}\n'),
    "attachment of a length": ("envelope", b'{}\n{"type":"attachment","length":%d}\n' % (BOMB * MIB)),
    "event": ("envelope", b'{}\n{"type":"event"}\n{"message":"'),
    "event of a length": ("envelope", b'{}\n{"type":"event","length":1000000}\n{"message":"'),
    "item header": ("envelope", b'{}\n{"type":"'),
    "header": ("envelope", b'{"dsn":"'),
    "stored event": ("store", b'{"message":"'),
}
_made: dict[tuple[str, bytes], bytes] = {}


def bomb(packer: str, begins: bytes, mib: int = BOMB) -> bytes:
    """`begins`, and zeros. Each is made once: that takes longer than it takes to refuse it."""
    if (packer, begins) not in _made:
        _, make = PACKERS[packer]
        packing = make()
        parts = [packing.compress(begins), *(packing.compress(bytes(MIB)) for _ in range(mib)), packing.flush()]
        _made[packer, begins] = b"".join(parts)
    return _made[packer, begins]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("packer", PACKERS)
def test_a_bomb_is_refused_soon_and_in_little_memory(key: Key, packer: str, shape: str) -> None:
    to, begins = SHAPES[shape]
    packed = bomb(packer, begins)
    assert len(packed) < limits.BODY_MAX
    status, _, said = send(key, packed, to, **{"Content-Encoding": PACKERS[packer][0]})
    assert status == 413 if shape != "event of a length" else status in (400, 413)
    assert json.loads(said)["detail"]
    assert not Accepted.objects.exists()


@pytest.mark.parametrize("packer", PACKERS)
def test_a_bomb_within_a_bomb_is_unpacked_once_and_is_no_envelope(key: Key, packer: str) -> None:
    encoding, make = PACKERS[packer]
    packing = make()
    nested = packing.compress(bomb(packer, SHAPES["attachment"][1])) + packing.flush()
    status, _, _ = send(key, nested, **{"Content-Encoding": encoding})
    assert status in (400, 413)  # 413 where the inner one, as a header line, is too long
    status, _, _ = send(key, nested, **{"Content-Encoding": f"{encoding}, {encoding}"})
    assert status == 400


@pytest.mark.parametrize("packer", PACKERS)
def test_a_bomb_that_breaks_off_is_refused(key: Key, packer: str) -> None:
    encoding, make = PACKERS[packer]
    packing = make()
    envelope = b'{}\n{"type":"event"}\n{"message":"%s"}\n' % (b"x" * 500_000)
    packed = packing.compress(envelope) + packing.flush()
    status, _, _ = send(key, packed[: len(packed) // 2], **{"Content-Encoding": encoding})
    assert status == 400
    assert send(key, packed, **{"Content-Encoding": encoding})[0] == 200
    digest()


@pytest.mark.parametrize("wrap", [bytes, base64.b64encode], ids=["zlib", "base64"])
def test_a_bomb_as_old_sdks_would_have_sent_it_is_refused(key: Key, wrap: Callable[[bytes], bytes]) -> None:
    packing = zlib.compressobj(9)
    packed = b"".join([*(packing.compress(bytes(MIB)) for _ in range(BOMB)), packing.flush()])
    status, _, _ = send(key, wrap(packed), "store")
    assert status == 413


# --- wrong lengths ---------------------------------------------------------------------------------------------------

ITEM_LENGTHS = {
    "too long": b"1000",
    "too short": b"1",
    "of twenty digits": b"9" * 20,
    "of 5,000 digits": b"9" * 5000,
    "negative": b"-1",
    "a fraction": b"2.5",
    "infinite": b"1e999",
    "no number": b'"2"',
    "true": b"true",
    "a list": b"[2]",
}


@pytest.mark.parametrize("kind", [b"event", b"attachment"], ids=["event", "attachment"])
@pytest.mark.parametrize("length", ITEM_LENGTHS.values(), ids=ITEM_LENGTHS)
def test_an_item_of_a_wrong_length_is_refused(key: Key, length: bytes, kind: bytes) -> None:
    body = b'{}\n{"type":"%s","length":%s}\n{"message":"hello"}\n' % (kind, length)
    status, _, _ = send(key, body)
    assert status in (400, 413)
    assert not Accepted.objects.exists()


# --- much of something -----------------------------------------------------------------------------------------------

EVENT_HEAD = b'{}\n{"type":"event"}\n'
KEYS = b"{" + b",".join(b'"%x":1' % number for number in range(1_000_000)) + b"}"
MUCH: dict[str, tuple[bytes, int]] = {
    "10⁶ keys in an event": (EVENT_HEAD + KEYS, 413),
    "10⁶ keys in what is not stored": (b'{}\n{"type":"session"}\n' + KEYS, 200),
    "10⁶ keys in the header": (KEYS + b"\n", 413),
    "10⁵ keys in an event": (EVENT_HEAD + b"{" + b",".join(b'"%x":1' % n for n in range(100_000)) + b"}", 200),
    "10⁵ tags": (EVENT_HEAD + b'{"tags":{' + b",".join(b'"%x":1' % n for n in range(100_000)) + b"}}", 200),
    "the same key 10⁵ times": (EVENT_HEAD + b'{"a":{' + b",".join([b'"k":1'] * 100_000) + b"}}", 200),
    "10⁵ exceptions": (EVENT_HEAD + b'{"exception":[' + b",".join([b'{"a":1}'] * 100_000) + b"]}", 200),
    "10⁵ frames": (EVENT_HEAD + b'{"stacktrace":{"frames":[' + b",".join([b'{"a":1}'] * 100_000) + b"]}}", 200),
    "depth 100k of arrays": (EVENT_HEAD + b'{"extra":%s%s}' % (b"[" * 100_000, b"]" * 100_000), 200),
    "depth 100k of objects": (EVENT_HEAD + b'{"extra":%s1%s}' % (b'{"a":' * 100_000, b"}" * 100_000), 200),
    "depth 100k that never ends": (EVENT_HEAD + b'{"extra":%s' % (b"[" * 100_000), 400),
    "depth 100k of both": (EVENT_HEAD + b'{"extra":%s1%s}' % (b'[{"a":' * 100_000, b"}]" * 100_000), 200),
    "a deep header": (b'{"a":%s%s}\n' % (b"[" * 4000, b"]" * 4000), 200),
    "a header too deep": (b'{"a":%s%s}\n' % (b"[" * 100_000, b"]" * 100_000), 413),
    "19 MiB of blank lines": (b"{}\n" + b"\n" * (19 * MIB), 200),
    "101 items": (b"{}\n" + b'{"type":"session"}\n{}\n' * 101, 413),
    "100 events of nothing": (b"{}\n" + b'{"type":"event"}\n{}\n' * 100, 200),
    "a text of quotes": (EVENT_HEAD + b'{"message":"%s"}' % (b'\\"' * 500_000), 200),
    "a text of surrogates": (EVENT_HEAD + b'{"message":"%s"}' % (b"\\ud800" * 150_000), 200),
    "a number of a million digits": (EVENT_HEAD + b'{"extra":{"n":%s}}' % (b"9" * 1_000_000), 200),
    "a fraction of a million digits": (EVENT_HEAD + b'{"extra":{"n":0.%s}}' % (b"9" * 1_000_000), 200),
}


@pytest.mark.parametrize(("body", "expected"), MUCH.values(), ids=MUCH)
def test_much_of_something_is_taken_or_refused_soon_and_in_little_memory(key: Key, body: bytes, expected: int) -> None:
    status, _, said = send(key, gzip.compress(body, 1), **{"Content-Encoding": "gzip"})
    assert status == expected, said
    digest()


# --- odd but real ----------------------------------------------------------------------------------------------------

ODD = {
    "a lone surrogate": b'{"message":"a\\ud800b"}',
    "a lone surrogate in a key": b'{"tags":{"\\udfff":"x"}}',
    "a surrogate as bytes": b'{"message":"\xed\xa0\x80"}',
    "bytes that are not UTF-8": b'{"message":"caf\xe9"}',
    "NUL": b'{"message":"a\\u0000b","release":"\\u0000"}',
    "a NUL that is not escaped": b'{"message":"a\0b"}',
    "NaN": b'{"extra":{"a":NaN,"b":-Infinity},"timestamp":NaN}',
    "1e999": b'{"extra":{"a":1e999},"timestamp":1e999}',
    "5,000 digits": b'{"extra":{"a":%s},"timestamp":%s}' % (b"7" * 5000, b"7" * 5000),
    "a line feed in a text": b'{"message":"a\nb"}',
    "a byte order mark": b'\xef\xbb\xbf{"message":"a"}',
    "the same key twice": b'{"message":"a","message":"b"}',
    "nothing": b"{}",
    "null everywhere": b'{"exception":null,"message":null,"tags":null,"user":null,"request":null,"level":null}',
    "wrong types everywhere": b'{"exception":7,"message":[],"tags":"x","user":[1],"request":true,"level":{},"sdk":[]}',
    "a year of 9999": b'{"timestamp":"9999-12-31T23:59:59.999999+14:00"}',
    "a year of 1": b'{"timestamp":"0001-01-01T00:00:00+14:00"}',
}


@pytest.mark.parametrize("to", ["envelope", "store"])
@pytest.mark.parametrize("event", ODD.values(), ids=ODD)
def test_an_odd_but_real_event_is_stored(key: Key, event: bytes, to: str) -> None:
    body = event if to == "store" else b'{}\n{"type":"event","length":%d}\n%s' % (len(event), event)
    status, _, said = send(key, body, to)
    assert status == 200, said
    digest()
    assert StoredEvent.objects.count() == 1
