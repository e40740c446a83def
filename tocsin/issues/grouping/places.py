"""Where a frame is, in words that stay the same from release to release: module or file, function, source line.

Frozen with grouping v1: another rule is another version.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from tocsin.issues.event import Frame

LINE_MAX: Final = 160  # a longer one is of a file that a tool wrote, of which nothing says where we are
CUT: Final = ("{snip}", "…")  # a line that an SDK, or intake, has cut is not the whole line
NOTHING_MORE: Final = "\x1f\x1f"
SEGMENTS: Final = 3  # of a path; those before it tell where a release was unpacked

_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*:/{2,3}[^/]*")
# Of a build: hex digits, or what rollup and esbuild make of them.
_HASH = re.compile(r"(?<=[.\-_/@~])(?=[0-9a-f]*\d)[0-9a-f]{7,64}(?=[.\-_/]|$)")
_BUNDLE_HASH = re.compile(r"(?<=[.\-])(?=[\w-]*[A-Z0-9])[\w-]{8}(?=\.(?:chunk\.|min\.)?[cm]?js$)")
_VERSION = re.compile(r"(?<=[-@/~])v?\d+(?:\.\d+){1,3}(?=[/.\-]|$)")
_NUMBER = re.compile(r"(?:^|(?<=/))\d+(?=/|$)")
_MINIFIED = re.compile(r"(?:^|[./])[A-Za-z_$]{1,2}$|^[A-Za-z_$]\d{0,2}$")
_BUILT = re.compile(r"<hash>[^/]*\.[cm]?js$|\.min\.js$")

# A comprehension is a call of its own before Python 3.12, and is none from then on.
_NOT_A_PLACE = frozenset({"<listcomp>", "<dictcomp>", "<setcomp>"})
_BUILT_IN = frozenset({"<anonymous>", "[native code]", "native"})  # what engines write for Array.map and its like
_UNNAMED = frozenset(
    {
        "?",
        "Object.?",
        "Module.?",
        "<anonymous>",
        "<unknown>",
        "anonymous",
        "(anonymous)",
        "Object.<anonymous>",
        "Module.<anonymous>",
    }
)
_FUNCTION: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"0x[0-9a-f]+"), "<address>"),
    (re.compile(r" \[as [^\]]*\]$"), ""),  # V8: by which name it was called
    (re.compile(r"^(?:async|new) "), ""),  # V8, likewise
    (re.compile(r"^(?:Object|Module|Proxy)\.(?=[^<])"), ""),  # V8: exported functions, by version
    (re.compile(r"\$\$(?:Lambda|EnhancerBy\w*|FastClassBy\w*)\$*[\w$/.]*"), "$$"),  # Java, Spring
    (re.compile(r"\$\d+(?=\$|\.|$)"), "$"),  # Java, Scala, Kotlin: Foo$1, lambda$main$0
    (re.compile(r"\$Proxy\d+"), "$Proxy"),
    (re.compile(r"(?<=lambda)[_\-]?\d+"), ""),
    (re.compile(r"(?<=>[bd]__)\d+(?:_\d+)*|(?<=\|)\d+_\d+"), ""),  # C#: <Main>b__0_1, <Main>g__Local|0_0
    (re.compile(r"\{closure[^}]*\}(?:#\d+)?|\{\{closure\}\}(?:#\d+)?"), "{closure}"),  # PHP, Rust
    (re.compile(r"closure #\d+"), "closure"),  # Swift
    (re.compile(r"\bblock \(\d+ levels\) in\b"), "block in"),  # Ruby
    (re.compile(r"::h[0-9a-f]{16}$"), ""),  # Rust
    (re.compile(r"\.func\d+(?:\.\d+)*(?:\.gowrap\d+)?$"), ".func"),  # Go
)


def is_telling(place: str) -> bool:
    """Whether it says more than the file."""
    return not place.endswith(NOTHING_MORE)


def place(frame: Frame) -> str:
    """Empty where nothing tells it."""
    if frame.filename in _BUILT_IN and not frame.module:
        return ""
    where = _where(frame.module, frame.filename or frame.abs_path)
    if frame.function in _NOT_A_PLACE:
        return ""
    function = "" if _MINIFIED.search(frame.function) and _BUILT.search(where) else _function(frame.function)
    line = "" if len(frame.context_line) > 2 * LINE_MAX else " ".join(frame.context_line.split())
    if len(line) > LINE_MAX or any(mark in line for mark in CUT):
        line = ""
    return f"{where}\x1f{function}\x1f{line}" if where or function or line else ""


@lru_cache(maxsize=2048)
def _where(module: str, path: str) -> str:
    if module and module != "__main__":
        return _lasting(module)
    name = path.split("?", 1)[0].split("#", 1)[0].replace("\\", "/")
    name = _SCHEME.sub("", name)
    segments = [segment for segment in name.split("/") if segment not in ("", ".", "..")]
    return _lasting("/".join(segments[-1:] if module else segments[-SEGMENTS:]))


def _lasting(name: str) -> str:
    for pattern, instead in (
        (_HASH, "<hash>"),
        (_BUNDLE_HASH, "<hash>"),
        (_VERSION, "<version>"),
        (_NUMBER, "<number>"),
    ):
        name = pattern.sub(instead, name)
    return name


@lru_cache(maxsize=2048)
def _function(function: str) -> str:
    if function in _UNNAMED:
        return ""
    for pattern, instead in _FUNCTION:
        function = pattern.sub(instead, function)
    return function
