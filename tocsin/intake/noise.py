"""What browsers, crawlers and load balancers make errors of, and nobody can mend. One table each, in lower case.

An entry is here because its words come from no program of the project's own: they name an extension, a program that reads pages,
or an address that is asked for by machines.
"""

from __future__ import annotations

import re
from typing import Final

# Where a frame's file lies when an extension put it into the page.
EXTENSION_SCHEMES: Final = (
    "chrome-extension://",
    "moz-extension://",
    "ms-browser-extension://",
    "safari-extension://",
    "safari-web-extension://",
    "webkit-masked-url://",
    "resource://gre/",
)

# What errors of extensions, and of what apps inject into the pages they show, say.
EXTENSION_WORDS: Final = (
    "__gcrweb",  # Chrome on iOS
    "_autofillcallbackhandler",  # the browser inside Instagram and Facebook
    "attempting to use a disconnected port object",
    "cannot redefine property: ethereum",  # wallets that quarrel over the page
    "extension context invalidated",
    "instantsearchsdkjsclient",  # the browser inside TikTok's partners
    "message channel closed before a response was received",
    "message port closed before a response was received",
    "object not found matching id",  # Outlook, looking where links lead
    "receiving end does not exist",
    "resizeobserver loop",  # a notice of the browser's that extensions provoke; it breaks nothing
    "zalojsv2",  # the browser inside Zalo
)

# Words of user agents that read pages for a machine.
CRAWLERS: Final = (
    "adsbot-google",
    "ahrefsbot",
    "amazonbot",
    "applebot",
    "baiduspider",
    "bingbot",
    "bingpreview",
    "bytespider",
    "ccbot",
    "claudebot",
    "discordbot",
    "dotbot",
    "duckduckbot",
    "exabot",
    "facebookexternalhit",
    "google-inspectiontool",
    "googlebot",
    "gptbot",
    "ia_archiver",
    "linkedinbot",
    "mediapartners-google",
    "mj12bot",
    "msnbot",
    "petalbot",
    "pinterestbot",
    "qwantify",
    "screaming frog",
    "semrushbot",
    "seznambot",
    "slackbot",
    "slurp",
    "sogou",
    "storebot-google",
    "telegrambot",
    "twitterbot",
    "whatsapp/",
    "yandexbot",
    "yandex.com/bots",
)

# The last part of an address that is asked for to see whether the program lives.
HEALTH_NAMES: Final = frozenset(
    "_health __health__ __heartbeat__ __lbheartbeat__ health health-check health_check healthcheck healthz heartbeat isalive "
    "liveness livez readiness readyz".split()
)
# Words that name other things, too, unless they are the whole address.
HEALTH_PATHS: Final = frozenset({"/alive", "/healthy", "/live", "/ping", "/ready", "/status", "/up"})
_SPRING = re.compile(r"/actuator/health(?:/|$)")
_ADDRESS = re.compile(r"(?:[a-z]+ )?(/\S*)")  # "GET /healthz"


def is_of_an_extension(words: str, files: tuple[str, ...]) -> bool:
    """`words`: what the error says; `files`: where its frames lie. Both in lower case."""
    return any(file.startswith(EXTENSION_SCHEMES) for file in files) or any(said in words for said in EXTENSION_WORDS)


def is_a_crawler(user_agent: str) -> bool:
    lower = user_agent.lower()
    return any(word in lower for word in CRAWLERS)


def is_a_health_check(transaction: str) -> bool:
    """Whether the transaction is such an address, with its method before it or without."""
    found = _ADDRESS.fullmatch(transaction.strip().lower())
    if not found:
        return False
    path = found[1].partition("?")[0].rstrip("/")
    return path in HEALTH_PATHS or path.rpartition("/")[2] in HEALTH_NAMES or bool(_SPRING.search(path))
