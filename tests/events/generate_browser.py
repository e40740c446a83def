"""Make the `browser.*` events of this folder anew: `python -m tests.events.generate_browser`. Needs npm and chromium.

Each page is built by esbuild as shops build theirs, with the real browser SDK in it, and really goes wrong in chromium.
"""

from __future__ import annotations

import functools
import hashlib
import json
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from tests.browser import ARGUMENTS
from tests.events import HERE

SHOWN_ORIGIN = "https://shop.example"
SHOWN_TIME = 1772366400.5
DROPPED = ("contexts", "sdkProcessingMetadata")

SDK = """
import * as Sentry from "@sentry/browser";
window.sent = [];
Sentry.init({
  dsn: "http://0123456789abcdef0123456789abcdef@localhost/1",
  release: "shop@1.4.2",
  environment: "production",
  integrations: (defaults) => defaults.filter((one) => one.name !== "BrowserSession"),
  transport: () => ({ send: async (envelope) => (window.sent.push(envelope), {}), flush: async () => true }),
});
"""

BASKET = """
export function priceOf(basket) {
  return basket.line.price;
}
export function total(baskets) {
  return baskets.map((basket) => priceOf(basket));
}
"""

CLICK = """
import { total } from "./basket.js";
setTimeout(function showTotal() {
  document.title = String(total([{}]));
});
"""

REJECTED = """
async function fetchStock(supplier) {
  await null;
  throw new Error(`supplier ${supplier} did not answer`);
}
setTimeout(() => void fetchStock(SUPPLIER));
"""

SAID = """
setTimeout(() => Sentry.captureMessage(MESSAGE));
"""

CHAINED = """
function ask(order) {
  throw new RangeError(`bank closed the connection for order ${order}`);
}
function pay(order) {
  try {
    ask(order);
  } catch (cause) {
    throw new Error(`order ${order} was not paid`, { cause });
  }
}
setTimeout(() => pay(ORDER));
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """A page: its main module, what it imports, and how it is built and asked for."""

    main: str
    basket: str = BASKET
    minified: bool = False
    name: str = "app"
    query: str = ""


BUILDS: dict[str, Build] = {
    "browser.type.first": Build(main=CLICK),
    "browser.type.other_build": Build(main="window.shopVersion = 2;\n" + CLICK),
    "browser.type.other_page": Build(main=CLICK, query="?utm=spring"),
    "browser.type.renamed": Build(main=CLICK.replace("total", "sum"), basket=BASKET.replace("total", "sum")),
    "browser.type.other_file": Build(main=CLICK, name="checkout"),
    "browser.minified.first": Build(main=CLICK, minified=True),
    "browser.minified.other_build": Build(main="window.shopVersion = () => console;\n" + CLICK, minified=True),
    "browser.minified.other_error": Build(
        main=CLICK, basket=BASKET.replace(".line.price", ".lines.first"), minified=True
    ),
    "browser.rejected.1": Build(main=REJECTED.replace("SUPPLIER", "1")),
    "browser.rejected.2": Build(main=REJECTED.replace("SUPPLIER", "2")),
    "browser.chained.1": Build(main=CHAINED.replace("ORDER", "1")),
    "browser.chained.4711": Build(main=CHAINED.replace("ORDER", "4711")),
    "browser.message.1": Build(main=SAID.replace("MESSAGE", '"basket 1 expired"')),
    "browser.message.22": Build(main=SAID.replace("MESSAGE", '"basket 22 expired"')),
    "browser.message.other": Build(main=SAID.replace("MESSAGE", '"basket 1 was lost"')),
}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        root = Path(folder)
        (root / "package.json").write_text("{}")
        _run(root, "npm", "install", "--no-audit", "--no-fund", "@sentry/browser", "esbuild")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(ARGUMENTS))
        for name, build in BUILDS.items():
            event = _happen(name, build, root, browser)
            (HERE / f"{name}.json").write_text(json.dumps(event, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        browser.close()


def _run(root: Path, *command: str) -> None:
    subprocess.run(command, cwd=root, check=True, capture_output=True)


def _happen(name: str, build: Build, root: Path, browser: Browser) -> dict[str, Any]:
    """What the SDK sends when the page is opened, without what tells of this machine and this minute."""
    site = root / "site"
    shutil.rmtree(site, ignore_errors=True)
    (site / "static").mkdir(parents=True)
    (root / "basket.js").write_text(build.basket)
    (root / f"{build.name}.js").write_text(SDK + build.main)
    flags = [f"--outdir={site}/static", "--entry-names=[name]-[hash]", "--bundle", "--format=esm"]
    _run(root, "node_modules/.bin/esbuild", f"{build.name}.js", *flags, *(["--minify"] if build.minified else []))
    (script,) = (site / "static").iterdir()
    (site / "index.html").write_text(f'<title>Shop</title><script type="module" src="/static/{script.name}"></script>')
    with _served(site) as origin:
        page = browser.new_page()
        page.goto(f"{origin}/{build.query}")
        page.wait_for_function("window.sent.length > 0")
        envelope = page.evaluate("window.sent[0]")
        page.close()
    event: dict[str, Any] = json.loads(json.dumps(envelope[1][0][1]).replace(origin, SHOWN_ORIGIN))
    return _at_no_time(name, event)


@contextmanager
def _served(site: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the standard library
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def _at_no_time(name: str, event: dict[str, Any]) -> dict[str, Any]:
    for dropped in DROPPED:
        event.pop(dropped, None)
    event["event_id"] = hashlib.blake2b(name.encode(), digest_size=16).hexdigest()
    event["timestamp"] = SHOWN_TIME
    for crumb in event.get("breadcrumbs") or []:
        crumb["timestamp"] = SHOWN_TIME
    return event


if __name__ == "__main__":
    main()
