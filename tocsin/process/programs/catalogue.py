"""An import of a supplier's file that is not in the encoding it says."""

from __future__ import annotations

import csv
import io

import sentry_sdk

from tocsin.process.programs import reporting

SUPPLIED = "sku;name\ntray;Plateau à thé\n".encode("latin-1")


def read_catalogue(supplied: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(supplied.decode("utf-8")), delimiter=";"))


def main() -> None:
    reporting.start("batch-1")
    sentry_sdk.set_tag("supplier", "porcelain-and-more")
    with sentry_sdk.new_scope() as scope:
        scope.set_level("warning")
        try:
            read_catalogue(SUPPLIED)
        except UnicodeDecodeError:
            sentry_sdk.capture_exception()
    reporting.finish()
