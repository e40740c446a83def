"""How rooms that may not import one another talk: in this process, in the caller's transaction.

`wiring.connect()` fills both tables at start. A listener that raises undoes the transaction that published: what a change
makes necessary is written with the change, or neither is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

_listeners: dict[type[Any], list[Callable[[Any], None]]] = defaultdict(list)
_doors: dict[type[Any], Callable[..., Any]] = {}


def listen(event: type[Any], listener: Callable[[Any], None]) -> None:
    """Call `listener(event)` whenever an event of exactly this type is published. Listening twice is listening once."""
    if listener not in _listeners[event]:
        _listeners[event].append(listener)


def publish(event: object) -> None:
    """Tell every listener, in the order they were connected, before returning."""
    for listener in _listeners[type(event)]:
        listener(event)


def open_door(command: type[Any], door: Callable[..., Any]) -> None:
    """Commands of this type are performed by `door(command, by=actor)`."""
    _doors[command] = door


def perform(command: object, *, by: Any) -> Any:
    """Hand the command to the door of its type. Raises what the door raises: DomainError for the person who asked."""
    return _doors[type(command)](command, by=by)


def stop_listening(event: type[Any], listener: Callable[[Any], None]) -> None:
    """Undo `listen`."""
    _listeners[event].remove(listener)
