"""The floor of the events: unpack, parse, hash, and insert in batches, in one process without a server.

`python -m bench.floors.digest FILE KIND DATABASE` reads envelopes behind their lengths (as bench.driver does), and prints
{"events", "groups", "seconds", "cpu"}. The database is new and empty; each batch is one durable commit.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import sys
import time
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from bench.driver import read_requests

BATCH = 100
EVENTS = "INSERT INTO events (event_id, issue_id, accepted_at, payload) VALUES (%s, %s, %s, %s)"
NEW = "INSERT INTO issues (hash, title, times_seen, last_seen) VALUES (%s, %s, 0, %s) RETURNING id"
SEEN = "UPDATE issues SET times_seen = times_seen + %s, last_seen = %s WHERE id = %s"
TABLES = (
    "CREATE TABLE issues (id {key}, hash text UNIQUE, title text, times_seen bigint, last_seen double precision)",
    "CREATE TABLE events (id {key}, event_id text UNIQUE, issue_id bigint, accepted_at double precision, payload {bytes})",
    "CREATE INDEX events_of_issue ON events (issue_id, accepted_at)",
)


class Frame(msgspec.Struct):
    function: str = ""
    module: str = ""
    in_app: bool | None = None


class Stacktrace(msgspec.Struct):
    frames: list[Frame]


class Raised(msgspec.Struct):
    type: str
    value: str
    stacktrace: Stacktrace


class Exceptions(msgspec.Struct):
    values: list[Raised]


class Event(msgspec.Struct):
    """What grouping reads; the rest is skipped."""

    event_id: str
    exception: Exceptions


_decoder = msgspec.json.Decoder(Event)


def _understand(packed: bytes) -> tuple[str, str, str]:
    """(event id, hash, title)."""
    text = zlib.decompress(packed, 31)
    _, _, rest = text.partition(b"\n")
    _, _, rest = rest.partition(b"\n")
    event = _decoder.decode(rest.rstrip(b"\n"))
    raised = event.exception.values[-1]
    parts = [raised.type, *(f"{frame.module}.{frame.function}" for frame in raised.stacktrace.frames if frame.in_app)]
    return event.event_id, hashlib.md5("\n".join(parts).encode()).hexdigest(), f"{raised.type}: {raised.value}"


def _sqlite(path: str) -> Any:
    import pysqlite3

    connection = pysqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    return (
        connection.cursor(),
        lambda statement: statement.replace("%s", "?"),
        {"key": "INTEGER PRIMARY KEY", "bytes": "blob"},
    )


def _postgresql(url: str) -> Any:
    import psycopg

    connection = psycopg.connect(url, autocommit=True)
    return connection.cursor(), lambda statement: statement, {"key": "bigserial PRIMARY KEY", "bytes": "bytea"}


def main() -> None:
    path, kind, database = sys.argv[1:]
    cursor, sql, words = (_sqlite if kind == "sqlite" else _postgresql)(database)
    for table in TABLES:
        cursor.execute(table.format(**words))
    known: dict[str, int] = {}
    number = 0
    began, cpu = time.monotonic(), time.process_time()
    source = iter(read_requests(Path(path)))
    while batch := list(itertools.islice(source, BATCH)):
        number += len(batch)
        _store(cursor, sql, batch, known)
    seconds, cpu = time.monotonic() - began, time.process_time() - cpu
    cursor.execute("SELECT count(*), count(DISTINCT issue_id) FROM events")
    stored, groups = cursor.fetchone()
    print(json.dumps({"events": stored, "groups": groups, "seconds": seconds, "cpu": cpu}))
    assert stored == number


def _store(cursor: Any, sql: Any, batch: list[bytes], known: dict[str, int]) -> None:
    now = time.time()
    understood = [(*_understand(packed), packed) for packed in batch]
    cursor.execute("BEGIN")
    for _, hash_, title, _ in understood:
        if hash_ not in known:
            cursor.execute(sql(NEW), (hash_, title, now))
            (known[hash_],) = cursor.fetchone()
    rows = [(event_id, known[hash_], now, packed) for event_id, hash_, _, packed in understood]
    cursor.executemany(sql(EVENTS), rows)
    seen = Counter(issue for _, issue, _, _ in rows)
    cursor.executemany(sql(SEEN), [(times, now, issue) for issue, times in sorted(seen.items())])
    cursor.execute("COMMIT")


if __name__ == "__main__":
    main()
