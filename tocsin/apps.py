"""The moment when everything is imported: the joints are connected here."""

from __future__ import annotations

from django.apps import AppConfig


class TocsinConfig(AppConfig):
    name = "tocsin"
    label = "tocsin"

    def ready(self) -> None:
        from tocsin import wiring

        wiring.connect()
