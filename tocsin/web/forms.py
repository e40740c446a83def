"""What people type into pages, checked."""

from __future__ import annotations

from typing import Any

from django import forms

from tocsin.issues.models import Status

ALL = "all"
TABS: tuple[tuple[str, str], ...] = (
    (Status.UNRESOLVED, "Unresolved"),
    (Status.RESOLVED, "Resolved"),
    (Status.ARCHIVED, "Archived"),
    (ALL, "All"),
)
BIGGEST = 2**63 - 1  # what a database's whole number holds


def whole_number(text: str) -> int:
    """The id of a row that a form names; 0, which no row has, for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0


class FilterForm(forms.Form):
    """The issue list's address line. A field that makes no sense is as if it were not there."""

    status = forms.ChoiceField(choices=TABS, required=False)
    q = forms.CharField(required=False)  # how long it may be, the query language says
    project = forms.SlugField(max_length=50, required=False)
    after = forms.CharField(max_length=40, required=False)
    before = forms.CharField(max_length=40, required=False)

    def value(self, name: str) -> str:
        self.is_valid()
        return self.cleaned_data.get(name) or ""


def _optional(most: int) -> forms.CharField:
    return forms.CharField(max_length=most, required=False)


class BulkForm(forms.Form):
    """What the issue list sends for the issues that are ticked in it. The ticks themselves are many of one name."""

    action = _optional(20)
    assignee = _optional(400)
    undo = forms.IntegerField(min_value=0, max_value=BIGGEST, required=False)


class ActionForm(forms.Form):
    """A button of the issue page, one of its menus, or its comment box: each sends the fields that it has."""

    action = forms.CharField(max_length=20)
    seen_version = forms.IntegerField(min_value=0, max_value=BIGGEST, required=False)
    text = forms.CharField(required=False)
    activity = forms.IntegerField(min_value=0, max_value=BIGGEST, required=False)
    when = _optional(20)
    release = _optional(200)
    until = _optional(20)
    hours = _optional(20)
    typed_hours = _optional(20)
    until_at = _optional(40)
    offset = forms.IntegerField(min_value=-1440, max_value=1440, required=False)  # minutes ahead of UTC
    events = _optional(20)
    users = _optional(20)
    rate_events = _optional(20)
    minutes = _optional(20)
    assignee = _optional(400)
    priority = _optional(20)

    def clean_text(self) -> str:
        """Browsers end lines with CR LF, whatever the person typed."""
        return str(self.cleaned_data["text"]).replace("\r\n", "\n")

    def typed(self) -> dict[str, str]:
        """What was sent in each field that was, right or wrong."""
        return {name: str(self.data[name]).replace("\x00", "") for name in self.fields if name in self.data}

    def sentences(self) -> dict[str, str]:
        """What makes no sense, in words, by field."""
        errors: dict[str, Any] = self.errors
        return {name: " ".join(str(text) for text in texts) for name, texts in errors.items()}
