"""Errors whose text is for the person who asked. Anything else that is raised is our fault."""

from __future__ import annotations


class DomainError(Exception):
    """What was asked cannot be done. `str(error)` says why, in words for the person who asked; it holds no secret."""


class NotFound(DomainError):
    """It is not there, or it is not theirs: the two are one answer."""


class Forbidden(DomainError):
    """They may see it, and lack the right to do this. The text names the missing right."""


class Stale(DomainError):
    """Somebody else changed it first. The text says what it is now, by whom, since when."""


class Invalid(DomainError):
    """One value of what was asked cannot be used. `field` names it, as the command does; the text says what to give instead."""

    def __init__(self, sentence: str, *, field: str) -> None:
        super().__init__(sentence)
        self.field = field
