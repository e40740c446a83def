"""`tocsin migrate`: bring the database up to this version."""

from __future__ import annotations

import argparse

from tocsin.process import setup


def main(argv: list[str]) -> int:
    argparse.ArgumentParser(prog="tocsin migrate", description="Bring the database up to this version.").parse_args(
        argv
    )
    setup.django()
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=1)
    return 0
