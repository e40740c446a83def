"""Rows in bulk, past the ORM: whatever column is not given has its model's default."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import connection, models
from django.db.models.fields import NOT_PROVIDED

AT_ONCE = 20_000


def insert(model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]], now: datetime) -> int:
    """Insert rows of these columns (`id`, `organization_id` …), whose values are as the database takes them.

    Returns how many there were. Raises TypeError for a column that has no default and was not given.
    """
    rest = {field.column: _default(field, now) for field in model._meta.concrete_fields if field.column not in names}
    rest.pop("id", None)
    columns, constant = [*names, *rest], tuple(rest.values())
    table = model._meta.db_table
    number = 0
    for part in _parts((*row, *constant) for row in rows):
        write = _copy if connection.vendor == "postgresql" else _insert
        write(table, columns, part)
        number += len(part)
    if "id" in names and connection.vendor == "postgresql":
        _go_on_counting(table)
    return number


def moment(value: datetime) -> Any:
    """A time as the database takes it."""
    return connection.ops.adapt_datetimefield_value(value)


def _default(field: models.Field[Any, Any], now: datetime) -> Any:
    if getattr(field, "auto_now_add", False):
        return moment(now)
    if field.default is not NOT_PROVIDED or field.null or field.empty_strings_allowed or field.primary_key:
        return field.get_db_prep_save(field.get_default(), connection)
    raise TypeError(f"{field.model.__name__}.{field.name} has no default: bench/generate.py has to say what it holds")


def _parts(rows: Iterable[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    source = iter(rows)
    while part := list(islice(source, AT_ONCE)):
        yield part


def _insert(table: str, columns: Sequence[str], part: Sequence[tuple[Any, ...]]) -> None:
    places = ", ".join(["?"] * len(columns))
    quoted = ", ".join(f'"{column}"' for column in columns)
    connection.ensure_connection()
    connection.connection.executemany(f'INSERT INTO "{table}" ({quoted}) VALUES ({places})', part)


def _copy(table: str, columns: Sequence[str], part: Sequence[tuple[Any, ...]]) -> None:
    quoted = ", ".join(f'"{column}"' for column in columns)
    with connection.cursor() as cursor, cursor.copy(f'COPY "{table}" ({quoted}) FROM STDIN') as copy:
        for row in part:
            copy.write_row(row)


def _go_on_counting(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM \"{table}\"))")
