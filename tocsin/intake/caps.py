"""How much of an event is kept. One table: characters, unless it says numbers of things.

There is no cap on the whole: an event's JSON has one (limits.EVENT_MAX), and nothing here grows what was sent by more than the
word that stands for a secret.
"""

from __future__ import annotations

from typing import Final

TITLE_MAX: Final = 255
CULPRIT_MAX: Final = 200
NAME_MAX: Final = (
    200  # types, modules, functions, releases, servers, keys and values of tags…: what has no line of its own
)
PATH_MAX: Final = 500
ENVIRONMENT_MAX: Final = 64
DIST_MAX: Final = 64
PLATFORM_MAX: Final = 32
TAG_KEY_MAX: Final = 64
MESSAGE_MAX: Final = 8192
VALUE_MAX: Final = 4096  # what an exception says, and any text in variables, extra, requests, contexts
LINE_MAX: Final = 256  # of source
FINGERPRINT_PART_MAX: Final = 1024

# Numbers of things.
EXCEPTIONS_MAX: Final = 40  # half from each end: the first cause and what was caught last tell most
FRAMES_MAX: Final = 100  # likewise: how it began and where it broke
CONTEXT_LINES_MAX: Final = 10  # on either side of the line; those next to it
BREADCRUMBS_MAX: Final = 100  # the newest
TAGS_MAX: Final = 100
FINGERPRINT_MAX: Final = 32
ENTRIES_MAX: Final = 50  # of an object or a list: variables of a frame, headers, extra…
DEPTH_MAX: Final = 6  # of objects and lists in one another
