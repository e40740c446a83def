"""The SDK as a small program sets it up."""

from __future__ import annotations

import sentry_sdk

DSN = ""  # where to report to; the command line says


def start(server_name: str, **user: str) -> None:
    """Report to DSN. No release: the SDK would take the folder's git revision for one."""
    sentry_sdk.init(
        dsn=DSN,
        release="",
        environment="production",
        auto_enabling_integrations=False,  # these are no web shops: nothing but the program itself
        server_name=server_name,
        in_app_include=["tocsin.process.programs"],
    )
    if user:
        sentry_sdk.set_user(dict(user))


def finish() -> None:
    """Wait until what was reported has been sent."""
    sentry_sdk.flush(timeout=5)
