"""Exceptions and stacks of any SDK's JSON. Pure, and raises on no JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tocsin.intake.caps import CONTEXT_LINES_MAX, EXCEPTIONS_MAX, FRAMES_MAX, LINE_MAX, PATH_MAX, VALUE_MAX
from tocsin.intake.plain import as_line_number, as_list, as_object, as_values, both_ends, said, scrubbed_object, text
from tocsin.intake.scrub import scrub_source
from tocsin.issues.event import ExceptionValue, Frame

# Where a frame's file lies when it is not the program's own.
LIBRARIES = re.compile(
    r"(?:^|/)(?:site-packages|dist-packages|node_modules|vendor|gems|\.cargo|\.rustup|go/pkg/mod)/"
    r"|(?:^|/)lib/python\d|(?:^|/)lib/ruby/\d|/rustc/|^<|^\[native|^node:|^internal/|^[a-z-]+-extension:"
)
# And its module, where it has no file.
STANDARD_MODULES = re.compile(r"(?:javax?|jdk|sun|kotlin|kotlinx|scala|android|System|Microsoft|node)(?:[.:]|$)")

# Names that SDKs of before 2018 gave to parts of an event.
FORMER_NAMES = {"exception": "sentry.interfaces.Exception", "stacktrace": "sentry.interfaces.Stacktrace"}


def exceptions(raw: Mapping[str, Any]) -> tuple[ExceptionValue, ...]:
    """The chain, the first cause first."""
    found = [value for value in as_values(_part(raw, "exception")) if isinstance(value, dict)]
    if not found:
        return ()
    by_thread = _by_thread(raw)
    outermost = found[-1]
    made = [
        _exception(value, by_thread.get(text(value.get("thread_id")), {}) if value is outermost else {})
        for value in both_ends(found, EXCEPTIONS_MAX)
    ]
    return tuple(exception for exception in made if exception.type or exception.value or exception.frames)


def message_stack(raw: Mapping[str, Any]) -> tuple[Frame, ...]:
    """The stack that came with a message: its own, or that of the thread which sent it."""
    if own := _frames(_part(raw, "stacktrace")):
        return own
    threads = [as_object(thread) for thread in as_values(raw.get("threads"))]
    current = next((thread for thread in threads if thread.get("current") or thread.get("crashed")), None)
    return _frames((current or (threads[0] if len(threads) == 1 else {})).get("stacktrace"))


def _part(raw: Mapping[str, Any], name: str) -> Any:
    return raw.get(name) or raw.get(FORMER_NAMES[name])


def _by_thread(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Some SDKs put an exception's stack into its thread."""
    threads = [as_object(thread) for thread in as_values(raw.get("threads"))]
    return {name: thread.get("stacktrace") for thread in threads if (name := text(thread.get("id")))}


def _exception(raw: Mapping[str, Any], thread_stack: Any) -> ExceptionValue:
    mechanism = as_object(raw.get("mechanism"))
    handled = mechanism.get("handled")
    return ExceptionValue(
        type=text(raw.get("type")),
        value=said(raw.get("value"), VALUE_MAX),
        module=text(raw.get("module")),
        handled=handled if isinstance(handled, bool) else None,
        mechanism=text(mechanism.get("type")),
        frames=_frames(raw.get("stacktrace")) or _frames(thread_stack),
    )


def _frames(stack: Any) -> tuple[Frame, ...]:
    """Of {"frames": […]}, or of the list alone."""
    found = stack.get("frames") if isinstance(stack, dict) else stack
    kept = [frame for frame in as_list(found) if isinstance(frame, dict)]
    return tuple(_frame(frame) for frame in both_ends(kept, FRAMES_MAX))


def _frame(raw: Mapping[str, Any]) -> Frame:
    get = raw.get
    filename, abs_path, module = text(get("filename"), PATH_MAX), text(get("abs_path"), PATH_MAX), text(get("module"))
    in_app = get("in_app")
    before, line, after = _source(get("pre_context"), get("context_line"), get("post_context"))
    return Frame(
        function=text(get("function")),
        module=module,
        filename=filename,
        abs_path=abs_path,
        lineno=as_line_number(get("lineno")),
        colno=as_line_number(get("colno")),
        in_app=in_app if isinstance(in_app, bool) else is_the_programs_own(abs_path or filename, module),
        context_line=line,
        pre_context=before,
        post_context=after,
        variables=scrubbed_object(get("vars")),
    )


def is_the_programs_own(path: str, module: str) -> bool | None:
    """A guess where the SDK is silent; None where there is nothing to guess by."""
    if path:
        return not LIBRARIES.search(path.replace("\\", "/"))
    return not STANDARD_MODULES.match(module) if module else None


def _source(before: Any, line: Any, after: Any) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    """The line and what stands around it. Searched for secrets as one text: a private key takes many lines."""
    above = as_list(before)[-CONTEXT_LINES_MAX:]
    sent = [*above, line, *as_list(after)[:CONTEXT_LINES_MAX]]
    lines = [one if isinstance(one, str) and len(one) <= LINE_MAX else text(one, LINE_MAX) for one in sent]
    source = "\n".join(lines)
    if not source.isascii() or "\0" in source or source.count("\n") >= len(lines):
        lines = [text(one, LINE_MAX).replace("\n", " ") for one in lines]
        source = "\n".join(lines)
    if (clean := scrub_source(source)) != source:
        lines = [text(one, LINE_MAX) for one in clean.split("\n")]
    here = len(above)
    return tuple(lines[:here]), lines[here], tuple(lines[here + 1 :])
