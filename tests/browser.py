"""Debian's chromium, driven by playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, sync_playwright

ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One chromium for all tests of this process."""
    chromium = shutil.which("chromium")
    if chromium is None:
        missing = "chromium is not installed (apt install chromium): NO PAGE WAS TESTED IN A BROWSER."
        if os.environ.get("CI") == "true":
            pytest.fail(missing, pytrace=False)
        pytest.skip(missing)
    # Playwright keeps an event loop in this thread, in which nothing of Django's runs; Django cannot tell.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        yield started
        started.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def page_faults() -> list[str]:
    """What went wrong in `page`: errors in its console, requests to other hosts. Left non-empty, it fails the test."""
    return []


@pytest.fixture
def page(browser: Browser, page_faults: list[str]) -> Iterator[Page]:
    """An empty page of a fresh profile. The test fails on a console error, a script error, or a foreign request."""
    context = browser.new_context()
    context.set_default_timeout(10_000)
    opened = context.new_page()
    refused: list[str] = []  # not a fault by itself; told with those that there are

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            page_faults.append(f"console: {message.text}")

    def on_request(request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https") and parts.hostname not in ("127.0.0.1", "localhost"):
            page_faults.append(f"foreign request: {request.url}")

    def on_response(response: Response) -> None:
        if response.status >= 400:
            refused.append(f"refused: {response.status} {response.url} {response.request.post_data or ''}")

    context.on("console", on_console)
    context.on("response", on_response)
    context.on("weberror", lambda error: page_faults.append(f"script: {error.error}"))
    context.on("request", on_request)
    yield opened
    context.close()
    if page_faults:
        pytest.fail("\n".join([*page_faults, *refused]), pytrace=False)
