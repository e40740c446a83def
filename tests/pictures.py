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
    options: Any = {"viewport": {"width": width, "height": TALL}, "reduced_motion": "reduce"}
    return browser.new_context(color_scheme=scheme, **options).new_page()


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
            for name, path in (
                ("mine", "/accounts/slack/"),
                ("people", f"/organizations/{told['organization']}/slack/"),
            ):
                page.goto(f"{told['url']}{path}")
                page.screenshot(path=folder / f"slack-{name}-{scheme}-{width}.png")
            if (connected := page.get_by_role("button", name="Disconnect")).count() > 1:
                connected.last.click()
                page.get_by_role("status").wait_for()
                page.screenshot(path=folder / f"slack-people-told-{scheme}-{width}.png")
            page.goto(f"{told['url']}/organizations/{told['organization']}/audit/")
            page.locator(".me summary").click()
            page.screenshot(path=folder / f"audit-{scheme}-{width}.png")
            page.context.close()


# What is done to a card of the demo, in order: the issue it is done to, the words that its cards show then, and how.
Do = Callable[[Page, Locator], None]
DEEDS: dict[str, tuple[str, str, Do]] = {}


def deed(name: str, issue: str, words: str) -> Callable[[Do], Do]:
    def keep(do: Do) -> Do:
        DEEDS[name] = (issue, words, do)
        return do

    return keep


def _more(card: Locator, label: str) -> None:
    card.get_by_role("button", name="More actions").click()
    card.get_by_role("menuitem", name=label).click()


@deed("resolve", "KeyError", "Resolved by")
def _resolve(page: Page, card: Locator) -> None:
    card.get_by_role("button", name="Resolve", exact=True).click()


@deed("undo", "KeyError", "Undid")
def _undo(page: Page, card: Locator) -> None:
    card.get_by_role("button", name="Undo").click()


@deed("archive", "PaymentFailed", "Archived until")
def _archive(page: Page, card: Locator) -> None:
    card.get_by_role("button", name="Archive…").click()
    page.get_by_role("dialog").get_by_role("button", name="Archive").click()


@deed("reopen", "PaymentFailed", "Reopened by")
def _reopen(page: Page, card: Locator) -> None:
    card.get_by_role("button", name="Stop archiving").click()


@deed("assign", "ZeroDivisionError", "Assigned to")
def _assign(page: Page, card: Locator) -> None:
    card.get_by_role("button", name="Assign").click()
    page.get_by_role("button", name="Me (Alice)").click()


@deed("acknowledge", "ZeroDivisionError", "Acknowledged by")
def _acknowledge(page: Page, card: Locator) -> None:
    _more(card, "Acknowledge")


@deed("priority", "KeyError", "Priority: Medium")
def _priority(page: Page, card: Locator) -> None:
    _more(card, "Priority")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Medium").check()
    dialog.get_by_role("button", name="Set", exact=True).click()


@deed("comment", "ZeroDivisionError", "Comments: 1")
def _comment(page: Page, card: Locator) -> None:
    _more(card, "Comment")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("The catalogue has a product without a price.")
    dialog.get_by_role("button", name="Comment", exact=True).click()


def actions(folder: Path) -> None:
    """In blocks by hand; in attachments the card follows."""
    with started("demo", "--headless", "--json") as told, chromium() as browser:
        acting = _channel(browser, told, "light", "alerts")
        acting.get_by_label("Act as").select_option("U0ALICE")
        shown = {
            (style, scheme): _channel(browser, told, scheme, name)
            for style, name in (("blocks", "alerts"), ("attachments", "classic"))
            for scheme in SCHEMES
        }
        for name, (issue, words, do) in DEEDS.items():
            _take(shown, folder, issue, f"{name}-before")
            do(acting, acting.locator("[data-ts]", has_text=issue).first)
            for page in shown.values():
                expect(page.locator("[data-ts]", has_text=issue).first).to_contain_text(words)
            _take(shown, folder, issue, f"{name}-after")


def _channel(browser: Browser, told: dict[str, Any], scheme: str, name: str) -> Page:
    page = open_page(browser, scheme, 900)
    page.goto(f"{told['slack']['page']}#{told['slack']['channels'][name]}")
    return page


def _take(shown: dict[tuple[str, str], Page], folder: Path, issue: str, name: str) -> None:
    for (style, scheme), page in shown.items():
        page.locator("[data-ts]", has_text=issue).first.screenshot(path=folder / f"{name}-{style}-{scheme}.png")


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
