"""Rows between raw SQL and the ORM: the statements of the hot paths are written by hand, what they read are the ORM's instances."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import Model
from django.db.models.base import ModelState

Row = TypeVar("Row", bound=Model)


def columns(model: type[Model], alias: str) -> str:
    """All columns of a model for a SELECT list, in the order in which `instance` takes them."""
    return ", ".join(f"{alias}.{field.column}" for field in model._meta.concrete_fields)


def width(model: type[Model]) -> int:
    """How many columns a model has."""
    return len(_attributes(model))


def run(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Execute a statement, with %s where a parameter goes; its rows, if it gives any.

    By the driver's own cursor, because Django's costs as much as the statement; by Django's while somebody listens to what is
    executed. Raises django.db.Error.
    """
    using = connections[DEFAULT_DB_ALIAS]
    if using.execute_wrappers or using.queries_logged:
        with using.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else []
    using.ensure_connection()
    using.validate_no_broken_transaction()
    with using.wrap_database_errors:
        if using.vendor == "sqlite":
            given = using.connection.execute(_with_marks(sql), parameters)
            return given.fetchall() if given.description else []
        given = using.connection.execute(sql, parameters, prepare=True)
        return given.fetchall() if given.pgresult.nfields else []


@cache
def _with_marks(sql: str) -> str:
    return sql.replace("%s", "?")


def instance(model: type[Row], values: Sequence[Any]) -> Row:
    """A row as the ORM makes it, from what the driver gives; without the ORM's detour over `__init__`, which listens to signals
    that nobody sends.
    """
    row = model.__new__(model)
    row.__dict__.update(zip(_attributes(model), values, strict=True))
    for name, convert in _converters(model):
        row.__dict__[name] = convert(row.__dict__[name])
    row._state = ModelState()  # noqa: SLF001 - as Model.__init__ does
    row._state.adding = False  # noqa: SLF001
    row._state.db = DEFAULT_DB_ALIAS  # noqa: SLF001
    return row


def inserted(row: Model, pk: int) -> None:
    """Tell an instance that a statement has inserted it."""
    row.pk = pk
    row._state.adding = False  # noqa: SLF001 - as Model.from_db does; the ORM has no other way to say so
    row._state.db = DEFAULT_DB_ALIAS  # noqa: SLF001


def parameter(value: Any) -> Any:
    """A value as the driver takes it."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return value.value if isinstance(value, Enum) else value


def among(column: str, kind: str) -> str:
    """A condition: the column's value is one of `listed(values)`, the statement's next parameter. `kind` is PostgreSQL's name of
    the values' type. However many there are, the statement is the same, and planned once.
    """
    if connection.vendor == "postgresql":
        return f"{column} = ANY(%b::{kind}[])"
    return f"{column} IN (SELECT value FROM json_each(%s))"  # noqa: S608 - a column's name


def listed(values: Iterable[Any]) -> Any:
    """Numbers or texts as one parameter."""
    return list(values) if connection.vendor == "postgresql" else json.dumps(list(values))


def unnested(kinds: Mapping[str, str]) -> str:
    """PostgreSQL: a table named `given` out of one array a column, the statement's next parameters. `kinds`: name → type."""
    return f"unnest({', '.join(f'%b::{kind}[]' for kind in kinds.values())}) AS given ({', '.join(kinds)})"


def by_column(given: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """Rows, at least one, as `unnested` takes them."""
    return [list(column) for column in zip(*given, strict=True)]


def given(**kinds: str) -> str:
    """As `unnested`, on either database: `listed_rows(rows)` are its parameters. However many rows there are, the statement is
    the same.
    """
    if connection.vendor == "postgresql":
        return unnested(kinds)
    parts = ", ".join(f"value ->> {number} AS {name}" for number, name in enumerate(kinds))
    return f"(SELECT {parts} FROM json_each(%s)) AS given"  # noqa: S608 - names of columns


def listed_rows(rows: Sequence[Sequence[Any]]) -> tuple[Any, ...]:
    """Rows, one at least, as the parameters of `given`."""
    if connection.vendor == "postgresql":
        return tuple(by_column(rows))
    return (json.dumps([[parameter(value) for value in row] for row in rows]),)


def time(value: Any) -> datetime:
    """A time that the driver gave: SQLite keeps it as text, in UTC, and gives it without a zone."""
    given = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return given if given.tzinfo else given.replace(tzinfo=UTC)


@cache
def _attributes(model: type[Model]) -> tuple[str, ...]:
    return tuple(field.attname for field in model._meta.concrete_fields)


@cache
def _converters(model: type[Model]) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    if connection.vendor == "postgresql":
        return ()
    kinds = {field.attname: field.get_internal_type() for field in model._meta.concrete_fields}
    return tuple((name, SQLITE[kind]) for name, kind in kinds.items() if kind in SQLITE)


def _optional_time(value: Any) -> datetime | None:
    return time(value) if value else None


SQLITE: dict[str, Callable[[Any], Any]] = {"DateTimeField": _optional_time, "BooleanField": bool}
