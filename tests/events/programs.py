"""Small programs that go wrong, each as the text of a module `shop.<something>`; `main()` lets it happen.

The name before the dot says which error it is, the one behind it what is different about this occurrence.
"""

from __future__ import annotations

KEY_ERROR = """
PRICES = {"mug": 12}

def price_of(sku):
    return PRICES[sku]

def main():
    price_of("saucer")
"""

CHAINED = """
class PaymentFailed(Exception):
    pass

def ask_bank(order):
    raise ConnectionResetError(f"bank closed the connection for order {order}")

def pay(order):
    try:
        ask_bank(order)
    except ConnectionError as error:
        raise PaymentFailed(f"order {order} was not paid") from error

def main():
    pay(ORDER)
"""

RECURSIVE = """
def walk(depth):
    if depth == 0:
        raise RuntimeError("the tree has no end")
    return walk(depth - 1)

def main():
    walk(DEPTH)
"""

MUTUAL = """
def ping(depth):
    if not depth:
        raise RuntimeError("nobody answers")
    pong(depth - 1)

def pong(depth):
    ping(depth)

def main():
    ping(DEPTH)
"""

VALUE = """
def parse(text):
    raise ValueError(MESSAGE)

def main():
    parse("x")
"""

TWO_CALLERS = """
def shared():
    raise LookupError("nothing here")

def from_page():
    shared()

def from_job():
    shared()

def main():
    CALLER()
"""

SAME_LINE_ELSEWHERE = """
PRICES = {"mug": 12}

def weight_of(sku):
    return PRICES[sku]

def main():
    weight_of("saucer")
"""

LAMBDA = """
ACTIONS = [lambda basket: basket["total"]]

def main():
    for action in ACTIONS:
        action({})
"""

ASYNC = """
import asyncio

async def fetch():
    raise TimeoutError("the supplier did not answer")

async def run():
    await asyncio.gather(fetch())

def main():
    asyncio.run(run())
"""

THREAD = """
from concurrent.futures import ThreadPoolExecutor

def work(number):
    raise OSError(f"disk {number} is full")

def main():
    with ThreadPoolExecutor(1) as pool:
        pool.submit(work, NUMBER).result()
"""

GROUP = """
def first():
    raise ValueError("one")

def second():
    raise TypeError("two")

def main():
    errors = []
    for step in STEPS:
        try:
            globals()[step]()
        except Exception as error:
            errors.append(error)
    raise ExceptionGroup("several", errors)
"""

STDLIB = """
import json

def main():
    json.loads(TEXT)
"""

DURING = """
def broken():
    raise KeyError("a")

def main():
    try:
        broken()
    except KeyError:
        int("not a number")
"""

METHOD = """
class Basket:
    def total(self):
        return 1 / 0

def main():
    Basket().total()
"""

NOTHING_KNOWN = """
def main():
    raise Exception()
"""

# Installed as the package `pricelist`; the second is a later version of the first.
PRICELIST = """
class Stale(Exception):
    pass

def read():
    raise OSError("no connection to the price list")

def price(sku):
    try:
        return read()
    except OSError as error:
        raise Stale("prices are of yesterday") from error
"""
PRICELIST_UPGRADED = """
# Version 2.
class Stale(Exception):
    pass

def fetch(address, timeout):
    raise OSError("no connection to the price list")

def cached(sku):
    return fetch("prices", timeout=3)

def price(sku):
    try:
        return cached(sku)
    except OSError as error:
        raise Stale("prices are of yesterday") from error
"""

USES_LIBRARY = """
import pricelist

def total(basket):
    return sum(pricelist.price(sku) for sku in basket)

def main():
    total(["mug"])
"""


OVERFLOW = """
def ping(depth):
    return pong(depth + 1)

def pong(depth):
    return ping(depth + 1)

def main():
    import sys
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(LIMIT)
    try:
        ping(0)
    finally:
        sys.setrecursionlimit(before)
"""

TASKS = """
import asyncio

async def fetch_price():
    raise ConnectionError("no prices")

async def fetch_stock():
    raise ConnectionError("no stock")

async def run():
    results = await asyncio.gather(*(task() for task in TASKS), return_exceptions=True)
    raise ExceptionGroup("the supplier does not answer", results)

def main():
    asyncio.run(run())
"""

LOGGED = """
import logging

log = logging.getLogger("shop.orders")

def ship(order):
    raise RuntimeError(f"no parcel for order {order}")

def main():
    try:
        ship(ORDER)
    except RuntimeError:
        log.exception("order %s was not shipped", ORDER)
"""

COMPLAINT = """
import sentry_sdk

def complain(text):
    sentry_sdk.capture_message(text)

def main():
    complain(TEXT)
"""

NOT_RAISED = """
import sentry_sdk

def main():
    sentry_sdk.capture_exception(ERROR)
"""

COMPREHENSION = """
def weights(basket):
    return [line["weight"] for line in basket]

def main():
    weights([{}])
"""

NIGHTLY = """
def main():
    raise SystemError("nothing was cleaned")

main()
"""

# name → (module, source, what stands for the names in capitals, options of the SDK)
RAISE: dict[str, tuple[str, str, dict[str, str], dict[str, str | bool]]] = {
    "key.first": ("checkout", KEY_ERROR, {}, {}),
    "key.again": ("checkout", KEY_ERROR, {}, {}),
    "key.moved_down": ("checkout", "# a comment\n" * 40 + KEY_ERROR, {}, {}),
    "key.other_release": ("checkout", KEY_ERROR, {}, {"release": "shop@2.0.0"}),
    "key.other_environment": ("checkout", KEY_ERROR, {}, {"environment": "staging"}),
    "key.other_server": ("checkout", KEY_ERROR, {}, {"server_name": "web-7"}),
    "key.other_key": ("checkout", KEY_ERROR.replace('"saucer"', '"tray"'), {}, {}),
    "key.line_changed": ("checkout", KEY_ERROR.replace("return PRICES[sku]", "return PRICES[sku] * 100"), {}, {}),
    "key.renamed": ("checkout", KEY_ERROR.replace("price_of", "cost_of"), {}, {}),
    "key.other_module": ("invoice", KEY_ERROR, {}, {}),
    "key.same_line_elsewhere": ("checkout", SAME_LINE_ELSEWHERE, {}, {}),
    "key.indented": (
        "checkout",
        KEY_ERROR.replace("    return", "        return").replace("    price", "        price"),
        {},
        {},
    ),
    "chained.order_1": ("payment", CHAINED, {"ORDER": "1"}, {}),
    "chained.order_4711": ("payment", CHAINED, {"ORDER": "4711"}, {}),
    "chained.other_cause": (
        "payment",
        CHAINED.replace("ConnectionResetError", "ConnectionRefusedError"),
        {"ORDER": "1"},
        {},
    ),
    "chained.without_cause": ("payment", CHAINED.replace("from error", "from None"), {"ORDER": "1"}, {}),
    "recursive.3": ("tree", RECURSIVE, {"DEPTH": "3"}, {}),
    "recursive.12": ("tree", RECURSIVE, {"DEPTH": "12"}, {}),
    "recursive.90": ("tree", RECURSIVE, {"DEPTH": "90"}, {}),
    "recursive.other_words": ("tree", RECURSIVE.replace("no end", "too many leaves"), {"DEPTH": "3"}, {}),
    "mutual.3": ("net", MUTUAL, {"DEPTH": "3"}, {}),
    "mutual.8": ("net", MUTUAL, {"DEPTH": "8"}, {}),
    "value.number_1": ("parse", VALUE, {"MESSAGE": "'row 1 is broken'"}, {}),
    "value.number_99": ("parse", VALUE, {"MESSAGE": "'row 99 is broken'"}, {}),
    "value.other_words": ("parse", VALUE, {"MESSAGE": "'the file is empty'"}, {}),
    "value.other_type": ("parse", VALUE.replace("ValueError", "TypeError"), {"MESSAGE": "'row 1 is broken'"}, {}),
    "caller.page": ("shared", TWO_CALLERS, {"CALLER": "from_page"}, {}),
    "caller.job": ("shared", TWO_CALLERS, {"CALLER": "from_job"}, {}),
    "lambda.first": ("actions", LAMBDA, {}, {}),
    "lambda.moved_down": ("actions", "\n" * 30 + LAMBDA, {}, {}),
    "async.first": ("supplier", ASYNC, {}, {}),
    "async.moved_down": ("supplier", "\n" * 9 + ASYNC, {}, {}),
    "thread.disk_1": ("disks", THREAD, {"NUMBER": "1"}, {}),
    "thread.disk_2": ("disks", THREAD, {"NUMBER": "2"}, {}),
    "group.both": ("several", GROUP, {"STEPS": "['first', 'second']"}, {}),
    "group.again": ("several", GROUP, {"STEPS": "['first', 'second']"}, {}),
    "group.one": ("several", GROUP, {"STEPS": "['first']"}, {}),
    "stdlib.text_1": ("feed", STDLIB, {"TEXT": "'{'"}, {}),
    "stdlib.text_2": ("feed", STDLIB, {"TEXT": "'not json at all'"}, {}),
    "during.first": ("during", DURING, {}, {}),
    "during.moved_down": ("during", "\n\n" + DURING, {}, {}),
    "method.first": ("basket", METHOD, {}, {}),
    "method.other_class": ("basket", METHOD.replace("Basket", "Cart"), {}, {}),
    "bare.first": ("bare", NOTHING_KNOWN, {}, {}),
    "bare.again": ("bare", "\n" + NOTHING_KNOWN, {}, {}),
    "library.first": ("prices", USES_LIBRARY, {}, {}),
    "library.upgraded": ("prices", USES_LIBRARY, {}, {}),
    "library.other_caller": ("prices", USES_LIBRARY.replace("total", "amount"), {}, {}),
    "overflow.even": ("echo", OVERFLOW, {"LIMIT": "300"}, {}),
    "overflow.odd": ("echo", OVERFLOW, {"LIMIT": "301"}, {}),
    "tasks.price_first": (
        "supplier",
        TASKS,
        {"TASKS": "[fetch_price, fetch_stock]"},
        {},
    ),
    "tasks.stock_first": (
        "supplier",
        TASKS,
        {"TASKS": "[fetch_stock, fetch_price]"},
        {},
    ),
    "tasks.stock_thrice": (
        "supplier",
        TASKS,
        {"TASKS": "[fetch_stock] * 3 + [fetch_price]"},
        {},
    ),
    "tasks.only_stock": (
        "supplier",
        TASKS,
        {"TASKS": "[fetch_stock]"},
        {},
    ),
    "logged.order_1": ("orders", LOGGED, {"ORDER": "1"}, {}),
    "logged.order_2": ("orders", LOGGED, {"ORDER": "2"}, {}),
    "logged.other_error": ("orders", LOGGED.replace("RuntimeError", "LookupError"), {"ORDER": "1"}, {}),
    "complaint.order_1": ("complaint", COMPLAINT, {"TEXT": "'order 1 is strange'"}, {"attach_stacktrace": True}),
    "complaint.order_2": ("complaint", COMPLAINT, {"TEXT": "'order 2 is strange'"}, {"attach_stacktrace": True}),
    "complaint.other_words": ("complaint", COMPLAINT, {"TEXT": "'nobody is here'"}, {"attach_stacktrace": True}),
    "unraised.row_1": ("rows", NOT_RAISED, {"ERROR": "ValueError('row 1 of bob@example.com is broken')"}, {}),
    "unraised.row_2": ("rows", NOT_RAISED, {"ERROR": "ValueError('row 22 of eve@example.com is broken')"}, {}),
    "unraised.other_words": ("rows", NOT_RAISED, {"ERROR": "ValueError('row 1 is missing')"}, {}),
    "unraised.other_type": ("rows", NOT_RAISED, {"ERROR": "TypeError('row 1 of bob@example.com is broken')"}, {}),
    "unraised.object_1": ("rows", NOT_RAISED, {"ERROR": "TypeError('no price of <Mug object at 0x7f01aa20>')"}, {}),
    "unraised.object_2": ("rows", NOT_RAISED, {"ERROR": "TypeError('no price of <Mug object at 0x7fffcc10>')"}, {}),
    "unraised.sku_1": ("rows", NOT_RAISED, {"ERROR": "KeyError('mug-0012')"}, {}),
    "unraised.sku_2": ("rows", NOT_RAISED, {"ERROR": "KeyError('pot-9981')"}, {}),
    "comprehension.first": ("weights", COMPREHENSION, {}, {}),
    "comprehension.moved_down": ("weights", "\n" * 12 + COMPREHENSION, {}, {}),
}

# What is installed beside some of them.
LIBRARY: dict[str, str] = {
    "library.first": PRICELIST,
    "library.upgraded": PRICELIST_UPGRADED,
    "library.other_caller": PRICELIST,
}

# name → (file, source): run as a program
SCRIPT: dict[str, tuple[str, str]] = {
    "script.first": ("bin/nightly.py", NIGHTLY),
    "script.other_folder": ("releases/20260301120000/nightly.py", NIGHTLY),
    "script.other_file": ("bin/hourly.py", NIGHTLY),
}

# name → (message, fingerprint, level)
SAY: dict[str, tuple[str, list[str], str]] = {
    "message.order_1": ("order 1 was late", [], "warning"),
    "message.order_815": ("order 815 was late", [], "warning"),
    "message.other_level": ("order 7 was late", [], "info"),
    "message.other_words": ("order 1 was lost", [], "warning"),
    "message.uuid_1": ("basket 6f1ed002-ab5f-4a4b-9d9b-3a9c7b5c8f11 expired", [], "info"),
    "message.uuid_2": ("basket 00000000-1111-4222-8333-444444444444 expired", [], "info"),
    "message.date_1": ("nothing sold on 2026-03-01", [], "info"),
    "message.date_2": ("nothing sold on 2026-12-24", [], "info"),
    "message.ip_1": ("10.0.0.1 was turned away", [], "info"),
    "message.ip_2": ("192.168.7.20 was turned away", [], "info"),
    "message.mail_1": ("no letter to bob@example.com", [], "info"),
    "message.mail_2": ("no letter to eve@mail.example.org", [], "info"),
    "message.url_1": ("GET https://shop.example/mug?id=1 took 30 ms", [], "info"),
    "message.url_2": ("GET https://shop.example/teapot took 1200.5 ms", [], "info"),
    "message.hex_1": ("build 9fceb02d0ae598e9 failed", [], "error"),
    "message.hex_2": ("build 5d41402abc4b2a76 failed", [], "error"),
    "message.path_1": ("cannot open /srv/shop/a/mug.png", [], "error"),
    "message.path_2": ("cannot open /srv/shop/b/c/teapot.png", [], "error"),
    "fingerprint.a_1": ("one thing", ["stock", "a"], "error"),
    "fingerprint.a_2": ("quite another", ["stock", "a"], "error"),
    "fingerprint.b": ("one thing", ["stock", "b"], "error"),
    "fingerprint.default_1": ("order 1 was late", ["{{ default }}", "eu"], "warning"),
    "fingerprint.default_2": ("order 22 was late", ["{{default}}", "eu"], "warning"),
    "fingerprint.default_us": ("order 1 was late", ["{{ default }}", "us"], "warning"),
    "fingerprint.only_default": ("order 3 was late", ["{{ default }}"], "warning"),
}

# name → (template, parameters): through the logging integration
LOG: dict[str, tuple[str, tuple[object, ...]]] = {
    "log.bob": ("%s may not enter", ("bob",)),
    "log.eve": ("%s may not enter", ("eve",)),
    "log.other_template": ("%s may not leave", ("bob",)),
}
