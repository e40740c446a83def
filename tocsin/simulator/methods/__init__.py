"""The methods of the Web API: one table."""

from __future__ import annotations

from tocsin.simulator.methods import chat, conversations, dialog, people, unfurl, views
from tocsin.simulator.methods.method import Method

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        *chat.METHODS,
        *conversations.METHODS,
        *dialog.METHODS,
        *people.METHODS,
        *unfurl.METHODS,
        *views.METHODS,
    )
}
