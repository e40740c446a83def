"""Content encodings: pieces of a body as they came → pieces of what was meant. Streaming, so a bomb costs what its cap costs."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

import brotli
import zstandard

from tocsin.intake.limits import MIB, PIECE
from tocsin.intake.refusals import Malformed, TooLarge

GZIP = zlib.MAX_WBITS | 16
ZLIB = zlib.MAX_WBITS
RAW = -zlib.MAX_WBITS

ZSTD_WINDOW = 8 * MIB  # more than RFC 9659 lets a sender ask for is refused
ZSTD_PIECE = 16  # bytes fed at a time: its decoder knows no cap, and four bytes may mean 128 KiB


def _inflate(pieces: Iterable[bytes], wbits: int, name: str) -> Iterator[bytes]:
    """Decompress in pieces of at most PIECE bytes. One member: data after its end is refused, as is a missing end."""
    inflater = zlib.decompressobj(wbits)
    try:
        for piece in pieces:
            rest = piece
            while rest:
                if inflater.eof:
                    raise Malformed(f"There is more data after the end of the {name} stream.")
                yield inflater.decompress(rest, PIECE)
                rest = inflater.unconsumed_tail or inflater.unused_data
        # What zlib still holds back comes out in pieces too, for flush() knows no cap.
        while not inflater.eof and (held := inflater.decompress(inflater.unconsumed_tail, PIECE)):
            yield held
    except zlib.error as error:
        raise Malformed(f"The body is not {name} data, though it says so.") from error
    if not inflater.eof:
        raise Malformed(f"The {name} data ends too early.")


def gunzip(pieces: Iterable[bytes]) -> Iterator[bytes]:
    return _inflate(pieces, GZIP, "gzip")


def inflate(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """ "deflate" means zlib data, and some clients send bare deflate data: no encoder of that begins as every zlib header does."""
    rest = iter(pieces)
    first = next((piece for piece in rest if piece), b"")
    return _inflate(chain([first], rest), ZLIB if first[:1] and first[0] & 0x0F == zlib.DEFLATED else RAW, "deflate")


def unbrotli(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """sentry-sdk for Python sends this wherever it finds the module `brotli`, and Tocsin's own environment has it."""
    decompressor = brotli.Decompressor()
    try:
        for piece in pieces:
            yield decompressor.process(piece, output_buffer_limit=PIECE)
            while not decompressor.can_accept_more_data():
                yield decompressor.process(b"", output_buffer_limit=PIECE)
        while not decompressor.is_finished() and (held := decompressor.process(b"", output_buffer_limit=PIECE)):
            yield held
    except brotli.error as error:  # also for data after its end
        raise Malformed("The body is not br data, though it says so.") from error
    if not decompressor.is_finished():
        raise Malformed("The br data ends too early.")


def unzstd(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """One frame: data after its end is refused, as is a missing end."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).decompressobj()
    try:
        for piece in pieces:
            for start in range(0, len(piece), ZSTD_PIECE):
                if decompressor.eof:
                    raise Malformed("There is more data after the end of the zstd frame.")
                yield decompressor.decompress(piece[start : start + ZSTD_PIECE])
                if decompressor.unused_data:
                    raise Malformed("There is more data after the end of the zstd frame.")
    except zstandard.ZstdError as error:
        raise Malformed("The body is not zstd data, though it says so.") from error
    if not decompressor.eof:
        raise Malformed("The zstd data ends too early.")


DECODERS: dict[str, Callable[[Iterable[bytes]], Iterator[bytes]]] = {
    "": iter,
    "identity": iter,
    "gzip": gunzip,
    "x-gzip": gunzip,
    "deflate": inflate,
    "br": unbrotli,
    "zstd": unzstd,
}


def decode(pieces: Iterable[bytes], encoding: str, *, most: int) -> Iterator[bytes]:
    """The decoded pieces, none of them empty. Raises Malformed (also for an unknown encoding) and TooLarge beyond `most` bytes."""
    decoder = DECODERS.get(encoding.strip().lower())
    if decoder is None:
        known = ", ".join(sorted(name for name in DECODERS if name))
        raise Malformed(f"Content-Encoding {encoding[:50]!r} is not understood here. Known are: {known}.")
    return _capped(decoder(pieces), most)


def _capped(pieces: Iterator[bytes], most: int) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > most:
            raise TooLarge(f"The decoded body has more than {most:,} bytes.")
        if piece:
            yield piece


def unpack_old_store(body: bytes, *, most: int) -> bytes:
    """Old SDKs send /store/ bodies as zlib data, bare or in base64, without a word about it in the headers."""
    if body[:1] == b"\x78":
        return b"".join(_capped(_inflate([body], ZLIB, "zlib"), most))
    if body[:1] == b"e":  # as base64 of zlib data begins, and no JSON
        try:
            packed = base64.b64decode(body)
        except binascii.Error as error:
            raise Malformed("The body is neither JSON nor base64.") from error
        return b"".join(_capped(_inflate([packed], ZLIB, "zlib"), most))
    return body
