"""A payment whose bank does not answer: one exception causes another."""

from __future__ import annotations

import sentry_sdk

from tocsin.process.programs import reporting


class PaymentFailed(Exception):
    """The customer was not charged."""


def ask_bank(amount: int) -> str:
    raise ConnectionResetError(f"bank.example closed the connection while charging {amount / 100:.2f} EUR")


def charge(order: int, amount: int) -> str:
    try:
        return ask_bank(amount)
    except ConnectionError as error:
        raise PaymentFailed(f"order {order} was not paid") from error


def main() -> None:
    reporting.start("shop-2", id="815", username="returning-customer")
    sentry_sdk.set_tag("payment", "transfer")
    try:
        charge(order=20931, amount=7850)
    except PaymentFailed:
        sentry_sdk.capture_exception()
    reporting.finish()
