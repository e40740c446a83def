"""`make shots` and `make card`: pictures of what people see, taken in Debian's chromium.

python -m tests.pictures story FOLDER        the demo's story: simulator and pages, light and dark, wide and narrow
python -m tests.pictures actions FOLDER      a card in both styles, before and after each action, as docs/slack shows it
python -m tests.pictures card NAME FOLDER    one golden card, as the simulator draws it: PNG and JSON
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.browser import ARGUMENTS

GOLDEN = Path(__file__).parent / "golden"
SCHEMES = ("light", "dark")
WIDTHS = (1280, 360)
TALL = 860


@contextmanager
def started(*arguments: str) -> Iterator[dict[str, Any]]:
    """`tocsin` with these arguments, and what it told on its first line."""
    command = [sys.executable, "-m", "tocsin.cli", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    try:
        line = process.stdout.readline() if process.stdout else b""
        if not line:
            raise SystemExit(f"{' '.join(arguments)} did not start; the reason stands above.")
        yield json.loads(line)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(ARGUMENTS))
        yield browser
        browser.close()


def open_page(browser: Browser, scheme: Any, width: int) -> Page:
    return browser.new_context(color_scheme=scheme, viewport={"width": width, "height": TALL}).new_page()


def story(folder: Path) -> None:
    """A card is new, resolved, and back; the pages beside it."""
    with started("demo", "--headless", "--json") as told, chromium() as browser:
        _chat(browser, told, folder, "new")
        page = open_page(browser, "light", WIDTHS[0])
        page.goto(told["slack"]["page"])
        page.get_by_label("Act as").select_option("U0ALICE")
        card = page.locator("[data-ts]", has_text="KeyError").first
        card.get_by_role("button", name="Resolve").click()
        expect(card.get_by_role("button", name="Reopen")).to_be_visible()
        _chat(browser, told, folder, "resolved")
        program = [sys.executable, "-m", "tocsin.process.programs", "checkout", told["dsn"]]
        subprocess.run(program, check=True)
        expect(card).to_contain_text("Regressed")
        expect(page.get_by_text("is back").first).to_be_visible()
        _chat(browser, told, folder, "regressed")
        _pages(browser, told, folder)


def _chat(browser: Browser, told: dict[str, Any], folder: Path, name: str) -> None:
    for scheme in SCHEMES:
        for width in WIDTHS:
            page = open_page(browser, scheme, width)
            page.goto(told["slack"]["page"])
            page.locator("[data-ts]", has_text="KeyError").first.scroll_into_view_if_needed()
            page.screenshot(path=folder / f"story-{name}-{scheme}-{width}.png")
            page.context.close()


def _pages(browser: Browser, told: dict[str, Any], folder: Path) -> None:
    owner = told["users"][0]
    for scheme in SCHEMES:
        for width in WIDTHS:
            page = open_page(browser, scheme, width)
            page.goto(told["url"])
            page.screenshot(path=folder / f"sign-in-{scheme}-{width}.png")
            page.get_by_label("Email").fill(owner["email"])
            page.get_by_label("Password").fill(owner["password"])
            page.get_by_role("button", name="Sign in").click()
            page.get_by_role("link", name="PaymentFailed").first.wait_for()
            page.screenshot(path=folder / f"issue-list-{scheme}-{width}.png")
            page.get_by_role("link", name="KeyError").first.click()
            page.get_by_role("button", name="Resolve").wait_for()
            page.screenshot(path=folder / f"issue-page-{scheme}-{width}.png")
            page.context.close()


# What is done to a card of the demo, and the issue that it is done to: in blocks by hand, in attachments it follows.
DEEDS: dict[str, tuple[str, Callable[[Page, Locator], None]]] = {}


def deed(name: str, issue: str) -> Callable[[Callable[[Page, Locator], None]], Callable[[Page, Locator], None]]:
    def keep(do: Callable[[Page, Locator], None]) -> Callable[[Page, Locator], None]:
        DEEDS[name] = (issue, do)
        return do

    return keep


@deed("resolve", "KeyError")
def _resolve(page: Page, card: Locator) -> None:
    card.get_by_role("button", name="Resolve", exact=True).click()
    expect(card).to_contain_text("Resolved by")


@deed("archive", "PaymentFailed")
def _archive(page: Page, card: Locator) -> None:
    card.get_by_role("button", name="Archive…").click()
    page.get_by_role("dialog").get_by_role("button", name="Archive").click()
    expect(card).to_contain_text("Archived until")


@deed("assign", "ZeroDivisionError")
def _assign(page: Page, card: Locator) -> None:
    card.get_by_role("button", name="Assign").click()
    page.get_by_role("button", name="Me (Alice)").click()
    expect(card).to_contain_text("Assigned to")


def actions(folder: Path) -> None:
    with started("demo", "--headless", "--json") as told, chromium() as browser:
        for scheme in SCHEMES:
            _both(browser, told, folder, scheme, "before")
        page = open_page(browser, "light", WIDTHS[0])
        page.goto(told["slack"]["page"])
        page.get_by_label("Act as").select_option("U0ALICE")
        for issue, do in DEEDS.values():
            do(page, page.locator("[data-ts]", has_text=issue).first)
        page.goto(f"{told['slack']['page']}#{told['slack']['channels']['classic']}")
        expect(page.locator("[data-ts]", has_text="Assigned to")).to_be_visible()
        for scheme in SCHEMES:
            _both(browser, told, folder, scheme, "after")


def _both(browser: Browser, told: dict[str, Any], folder: Path, scheme: str, when: str) -> None:
    for style, channel in told["slack"]["channels"].items():
        page = open_page(browser, scheme, 900)
        page.goto(f"{told['slack']['page']}#{channel}")
        for name, (issue, _) in DEEDS.items():
            shown = page.locator("[data-ts]", has_text=issue).first
            shown.screenshot(path=folder / f"{name}-{style}-{when}-{scheme}.png")
        page.context.close()


def card(name: str, folder: Path) -> None:
    """One golden file, posted to a simulator."""
    message = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    with started("simulator", "--json", "--port", "0", "--bot-token", "xoxb-pictures") as told, chromium() as browser:
        body = json.dumps({"channel": told["channels"]["alerts"], **message}).encode()
        headers = {"Authorization": "Bearer xoxb-pictures", "Content-Type": "application/json; charset=utf-8"}
        with urlopen(Request(f"{told['api_url']}chat.postMessage", body, headers)) as answer:
            posted = json.load(answer)
        if not posted["ok"]:
            raise SystemExit(f"the simulator refuses {name}: {posted}")
        for scheme in SCHEMES:
            page = open_page(browser, scheme, WIDTHS[0])
            page.goto(told["url"])
            page.locator(f'[data-ts="{posted["ts"]}"]').first.screenshot(path=folder / f"{name}-{scheme}.png")
            page.context.close()
    (folder / f"{name}.json").write_text(json.dumps(message, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main(arguments: list[str]) -> None:
    folder = Path(arguments[-1])
    folder.mkdir(parents=True, exist_ok=True)
    match arguments[:-1]:
        case ["story"]:
            story(folder)
        case ["actions"]:
            actions(folder)
        case ["card", name] if (GOLDEN / f"{name}.json").is_file():
            card(name, folder)
        case ["card", *_]:
            raise SystemExit(f"NAME is one of {', '.join(sorted(path.stem for path in GOLDEN.glob('*.json')))}")
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
