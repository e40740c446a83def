"""The modals. Block ids are those that `actions.forms` reads; a field keeps what was typed for as long as its ids stay the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from tocsin.issues.commands import (
    ARCHIVE_COUNT_MAX,
    ARCHIVE_HOURS_MAX,
    ARCHIVE_MINUTES_MAX,
    ARCHIVE_RATE_MAX,
    ResolveIn,
)
from tocsin.slack import mrkdwn
from tocsin.slack.action_ids import OTHER_HOURS, Action, Field, Form, Until
from tocsin.slack.blocks.elements import Block, context, option, plain, search_menu, section
from tocsin.slack.cards import ArchiveForm, CommentForm, PriorityForm, ResolveForm, Told

RELEASE_MAX = 40  # characters of a release in an entry
TITLE_MAX = 24
INPUT_MAX = 3000  # what Slack's text field takes


def view(form: Form, key: str, title: str, blocks: list[Block], *, submit: str = "") -> dict[str, Any]:
    """`key` names what we keep of the modal; without `submit` there is nothing to submit."""
    drawn = {
        "type": "modal",
        "callback_id": form.value,
        "private_metadata": key,
        "title": plain(mrkdwn.plain(title, TITLE_MAX)),
        "close": plain("Cancel" if submit else "Close"),
        "blocks": blocks,
        "notify_on_close": True,
    }
    return drawn | ({"submit": plain(submit)} if submit else {})


def labelled(field: Field, label: str, element: Block, *, tells: bool = False, hint: str = "") -> Block:
    """A field. `tells`: each choice in it is told, so that the modal can be drawn anew."""
    block: Block = {
        "type": "input",
        "block_id": field.value,
        "label": plain(label),
        "element": element,
        "dispatch_action": tells,
    }
    return block | ({"hint": plain(hint)} if hint else {})


def radio_buttons(action: Action, options: list[Block], chosen: int) -> Block:
    return {
        "type": "radio_buttons",
        "action_id": action.value,
        "options": options,
        "initial_option": options[chosen],
    }


def _number(most: int) -> Block:
    return {
        "type": "number_input",
        "action_id": Action.TYPED.value,
        "is_decimal_allowed": False,
        "min_value": "1",
        "max_value": str(most),
        "dispatch_action_config": {"trigger_actions_on": ["on_character_entered"]},
    }


# --- resolve ---------------------------------------------------------------------------------------------------------


def draw_resolve(form: ResolveForm) -> dict[str, Any]:
    newest = mrkdwn.plain(form.newest, RELEASE_MAX)
    options = [
        option("Now", ResolveIn.NOW, note="Any event that comes from now on brings it back."),
        option("In the next release", ResolveIn.NEXT_RELEASE, note=f"Only releases after {newest} bring it back."),
        option("In the current release", ResolveIn.CURRENT_RELEASE, note=f"{newest} and later ones bring it back."),
        option("In another release…", ResolveIn.RELEASE, note="That one and later ones bring it back."),
    ]
    chosen = len(options) - 1 if form.asks_release else 0
    blocks = [
        labelled(
            Field.WHEN, "Since when is it solved?", radio_buttons(Action.CHOOSE_RESOLVE, options, chosen), tells=True
        )
    ]
    if form.asks_release:
        menu = search_menu("Type a part of its name", Action.CHOOSE_RELEASE)
        blocks.append(labelled(Field.RELEASE, "Release", menu))
    return view(Form.RESOLVE, form.key, f"Resolve {form.short_id}", blocks, submit="Resolve")


# --- archive ---------------------------------------------------------------------------------------------------------

CHOICES: dict[Until, str] = {
    Until.ESCALATING: "Until it escalates",
    Until.HOURS: "For some hours",
    Until.TIME: "Until a date and time",
    Until.EVENTS: "Until it happens so many times more",
    Until.USERS: "Until so many more users are affected",
    Until.RATE: "Until it happens often within minutes",
    Until.FOREVER: "Forever",
}
HOURS = (("1 hour", "1"), ("4 hours", "4"), ("1 day", "24"), ("1 week", "168"), ("Another number…", OTHER_HOURS))


def draw_archive(form: ArchiveForm) -> dict[str, Any]:
    until, values = Until(form.until), dict(form.values)
    options = [option(label, value) for value, label in CHOICES.items()]
    radio = radio_buttons(Action.CHOOSE_ARCHIVE, options, list(CHOICES).index(until))
    blocks = [
        labelled(Field.UNTIL, "Archive it", radio, tells=True),
        *FIELDS.get(until, _no_fields)(form, values),
        section(WORDS[until](form, values)),
        context("While it is archived, events are counted and nobody is told."),
    ]
    return view(Form.ARCHIVE, form.key, f"Archive {form.short_id}", blocks, submit="Archive")


Values = Mapping[str, str]


def _no_fields(form: ArchiveForm, values: Values) -> list[Block]:
    return []


def _hours(form: ArchiveForm, values: Values) -> list[Block]:
    options = [option(label, value) for label, value in HOURS]
    menu = {
        "type": "static_select",
        "action_id": Action.CHOOSE_HOURS.value,
        "options": options,
        "initial_option": options[0],
    }
    blocks = [labelled(Field.HOURS, "For how long?", menu, tells=True)]
    if values.get(Field.HOURS) == OTHER_HOURS:
        blocks.append(labelled(Field.TYPED_HOURS, "Hours", _number(ARCHIVE_HOURS_MAX), tells=True))
    return blocks


def _time(form: ArchiveForm, values: Values) -> list[Block]:
    picker = {
        "type": "datetimepicker",
        "action_id": Action.TYPED.value,
        "initial_date_time": int(form.tomorrow.timestamp()),
    }
    return [labelled(Field.UNTIL_AT, "Until when?", picker, tells=True)]


def _events(form: ArchiveForm, values: Values) -> list[Block]:
    return [labelled(Field.EVENTS, "How many more events?", _number(ARCHIVE_COUNT_MAX), tells=True)]


def _users(form: ArchiveForm, values: Values) -> list[Block]:
    return [labelled(Field.USERS, "How many more users?", _number(ARCHIVE_COUNT_MAX), tells=True)]


def _rate(form: ArchiveForm, values: Values) -> list[Block]:
    return [
        labelled(Field.RATE_EVENTS, "How many events?", _number(ARCHIVE_RATE_MAX), tells=True),
        labelled(Field.MINUTES, "Within how many minutes?", _number(ARCHIVE_MINUTES_MAX), tells=True),
    ]


FIELDS: dict[Until, Callable[[ArchiveForm, Values], list[Block]]] = {
    Until.HOURS: _hours,
    Until.TIME: _time,
    Until.EVENTS: _events,
    Until.USERS: _users,
    Until.RATE: _rate,
}


def _says_escalating(form: ArchiveForm, values: Values) -> str:
    return "It comes back when it happens clearly more often than at this time of day over the last week."


def _says_forever(form: ArchiveForm, values: Values) -> str:
    return "It stays archived until somebody stops archiving it."


def _says_hours(form: ArchiveForm, values: Values) -> str:
    hours = values.get(Field.HOURS, HOURS[0][1])
    typed = values.get(Field.TYPED_HOURS, "") if hours == OTHER_HOURS else hours
    return (
        f"It comes back in {_counted(typed, 'hour')}." if _is_number(typed) else "It comes back when that time is over."
    )


def _says_time(form: ArchiveForm, values: Values) -> str:
    seconds = values.get(Field.UNTIL_AT, "")
    at = datetime.fromtimestamp(int(seconds), UTC) if _is_number(seconds, 11) else form.tomorrow
    return f"It comes back at {mrkdwn.date(at)}."


def _says_events(form: ArchiveForm, values: Values) -> str:
    typed = values.get(Field.EVENTS, "")
    return f"It comes back with the {_counted(typed, 'event', nth=True)} from now." if _is_number(typed) else COUNTED


def _says_users(form: ArchiveForm, values: Values) -> str:
    typed = values.get(Field.USERS, "")
    if not _is_number(typed):
        return COUNTED
    return f"It comes back when it has met {_counted(typed, 'person', 'people')} whom it had not met before."


def _says_rate(form: ArchiveForm, values: Values) -> str:
    events, minutes = values.get(Field.RATE_EVENTS, ""), values.get(Field.MINUTES, "")
    if not (_is_number(events) and _is_number(minutes)):
        return COUNTED
    return f"It comes back when it happens {_counted(events, 'time')} within {_counted(minutes, 'minute')}."


COUNTED = "It comes back when that many have come. Counting begins when you archive it."


def _is_number(typed: str, digits: int = 9) -> bool:
    return typed.isascii() and typed.isdigit() and len(typed) <= digits


def _counted(typed: str, one: str, many: str = "", *, nth: bool = False) -> str:
    """ "1 hour", "20 hours"; or "1st event", "20th event"."""
    number = int(typed)
    if nth:
        ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
        return f"{number:,}{ending} {one}"
    return f"{number:,} {one if number == 1 else many or one + 's'}"


WORDS: dict[Until, Callable[[ArchiveForm, Values], str]] = {
    Until.ESCALATING: _says_escalating,
    Until.HOURS: _says_hours,
    Until.TIME: _says_time,
    Until.EVENTS: _says_events,
    Until.USERS: _says_users,
    Until.RATE: _says_rate,
    Until.FOREVER: _says_forever,
}


# --- priority, comment, and what is said ---------------------------------------------------------------------------------------


def draw_priority(form: PriorityForm) -> dict[str, Any]:
    options = [option(label, value) for value, label in form.choices]
    chosen = [value for value, _ in form.choices].index(form.priority)
    radio = radio_buttons(Action.CHOOSE_PRIORITY, options, chosen)
    blocks = [labelled(Field.PRIORITY, "Priority", radio)]
    return view(Form.PRIORITY, form.key, f"Priority of {form.short_id}", blocks, submit="Set")


def draw_comment(form: CommentForm) -> dict[str, Any]:
    element = {
        "type": "plain_text_input",
        "action_id": Action.TYPED.value,
        "multiline": True,
        "max_length": min(form.limit, INPUT_MAX),
        "focus_on_load": True,
    }
    blocks = [labelled(Field.TEXT, "Comment", element, hint="Everybody who may see the issue can read it.")]
    return view(Form.COMMENT, form.key, f"Comment on {form.short_id}", blocks, submit="Comment")


def draw_told(told: Told) -> dict[str, Any]:
    form = Form(told.anyway) if told.anyway else Form.TOLD
    return view(form, told.key, "Tocsin", [section(told.text)], submit="Do it anyway" if told.anyway else "")
