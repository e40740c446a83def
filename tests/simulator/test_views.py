"""Views: opened, changed, stacked by the app; filled in, submitted and closed by people."""

from __future__ import annotations

import json
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.models.views import View as SlackView

from tests.simulator.conftest import FURTHER, App, Modals, button, choice, modal, plain, question, row, section
from tests.slack_fixture import Slack
from tocsin.simulator.fields import REQUIRED, NotThere
from tocsin.simulator.judge import SECONDS, Answer, faults_of
from tocsin.simulator.modals import TROUBLE

# What the references have in a view, and in what is sent of one.
VIEW_KEYS = {
    *(
        "id",
        "team_id",
        "type",
        "blocks",
        "private_metadata",
        "callback_id",
        "state",
        "hash",
        "title",
        "close",
        "submit",
    ),
    *("clear_on_close", "notify_on_close", "previous_view_id", "root_view_id", "app_id", "external_id"),
    *("app_installed_team_id", "bot_id"),
}
COMMON = {"type", "user", "api_app_id", "token", "team", "enterprise", "is_enterprise_install", "view"}
SIZES = {"options": [choice("Small"), choice("Large")]}


def refusal(call: Any, **args: Any) -> str:
    with pytest.raises(SlackApiError) as refused:
        call(**args)
    return str(refused.value.response["error"])


# --- opening ---------------------------------------------------------------------------------------------------------
def test_a_view_opens_before_the_person_who_clicked(slack: Slack, modals: Modals) -> None:
    view = modals.open(question("Name"), title="A & B", private_metadata="secret", callback_id="it")
    assert view.keys() == VIEW_KEYS
    assert view["title"] == {"type": "plain_text", "text": "A &amp; B", "emoji": True}
    assert (view["private_metadata"], view["callback_id"], view["external_id"]) == ("secret", "it", "")
    assert (view["root_view_id"], view["previous_view_id"]) == (view["id"], None)
    assert (view["close"], view["notify_on_close"], view["clear_on_close"]) == (None, False, False)
    assert view["state"] == {"values": {"name": {"value": {"type": "plain_text_input", "value": None}}}}
    shown = slack.view("U0ALICE")
    assert shown
    assert (shown.title, shown.labels, shown.submit_label) == ("A &amp; B", ["Name"], "Save")
    assert not slack.view("U0BOB")


def test_a_stored_input_has_all_its_flags(modals: Modals) -> None:
    (block,) = modals.open(question("Name"))["blocks"]
    assert (block["optional"], block["dispatch_action"]) == (False, False)


def test_slacks_own_model_reads_what_is_stored(modals: Modals) -> None:
    view = modals.open(question("Name"), question("Size", "static_select", element=SIZES), section("words"), FURTHER)
    read = SlackView(**view)
    assert read.to_dict()["blocks"][0]["label"]["text"] == "Name"
    assert [block.type for block in read.blocks or []] == ["input", "input", "section", "actions"]


def test_a_view_of_slacks_own_models_is_taken(slack: Slack, bot: WebClient, modals: Modals) -> None:
    bot.views_open(trigger_id=modals.trigger(), view=SlackView(**modal(question("Name"))))
    assert slack.view("U0ALICE").labels == ["Name"]


def test_a_trigger_opens_one_view_and_only_for_three_seconds(slack: Slack, bot: WebClient, modals: Modals) -> None:
    trigger_id = modals.trigger()
    bot.views_open(trigger_id=trigger_id, view=modal())
    assert refusal(bot.views_open, trigger_id=trigger_id, view=modal()) == "exchanged_trigger_id"
    late = modals.trigger()
    slack.advance(3.1)
    assert refusal(bot.views_open, trigger_id=late, view=modal()) == "expired_trigger_id"
    assert refusal(bot.views_open, trigger_id="1.2.3", view=modal()) == "invalid_trigger_id"
    assert refusal(bot.views_open, trigger_id="", view=modal()) == "invalid_arguments"


def test_a_faulty_view_leaves_the_trigger_unused(slack: Slack, bot: WebClient, modals: Modals) -> None:
    trigger_id = modals.trigger()
    faulty = modal(question("Name"))
    del faulty["submit"]
    assert refusal(bot.views_open, trigger_id=trigger_id, view=faulty) == "invalid_arguments"
    assert not slack.view("U0ALICE")
    bot.views_open(trigger_id=trigger_id, view=modal(question("Name")))
    assert slack.view("U0ALICE")


@pytest.mark.parametrize(
    ("view", "pointer"),
    [
        (modal({"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]}), "/view/blocks/0/type"),
        (modal(section(), colour="red"), "/view"),
        (modal(section(), type="workflow_step"), "/view/type"),
        (
            modal(*(question(name, element={"focus_on_load": True}) for name in ("A", "B"))),
            "/view/blocks/1/element/focus_on_load",
        ),
        (modal(question("A"), question("A")), "/view/blocks/0/block_id"),
    ],
)
def test_a_view_that_slack_refuses(bot: WebClient, modals: Modals, view: dict[str, Any], pointer: str) -> None:
    with pytest.raises(SlackApiError) as refused:
        bot.views_open(trigger_id=modals.trigger(), view=view)
    assert refused.value.response["error"] == "invalid_arguments"
    assert refused.value.response["response_metadata"]["messages"][0].endswith(f"[json-pointer:{pointer}]")


# --- updating --------------------------------------------------------------------------------------------------------
def test_a_view_is_updated_by_its_id_or_by_the_apps_own(slack: Slack, bot: WebClient, modals: Modals) -> None:
    view = modals.open(external_id="mine")
    first = bot.views_update(view_id=view["id"], view=modal(title="Second", external_id="mine"))["view"]
    assert (first["id"], first["title"]["text"]) == (view["id"], "Second")
    assert first["hash"] != view["hash"]
    bot.views_update(external_id="mine", view=modal(title="Third"))
    assert slack.view("U0ALICE").title == "Third"
    assert refusal(bot.views_update, external_id="mine", view=modal()) == "not_found"
    assert refusal(bot.views_update, view_id="V0NOBODY", view=modal()) == "not_found"
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        bot.api_call("views.update", json={"view": modal()})


def test_an_outdated_hash_changes_nothing(slack: Slack, bot: WebClient, modals: Modals) -> None:
    view = modals.open()
    bot.views_update(view_id=view["id"], hash=view["hash"], view=modal(title="Second"))
    conflict = refusal(bot.views_update, view_id=view["id"], hash=view["hash"], view=modal(title="Third"))
    assert conflict == "hash_conflict"
    assert slack.view("U0ALICE").title == "Second"


def test_what_was_filled_in_stays_where_both_ids_are_the_same(slack: Slack, bot: WebClient, modals: Modals) -> None:
    initial = {"initial_value": "given"}
    view = modals.open(question("Name"), question("Place"), question("Size", "static_select", element=SIZES))
    for label in ("Name", "Place"):
        slack.view("U0ALICE").type(label, "typed")
    slack.view("U0ALICE").choose("Size", "Large")
    renamed = question("Place", element={"action_id": "other", **initial})
    kept, moved = question("Name", element=initial), question("Size", "radio_buttons", element=SIZES)
    values = bot.views_update(view_id=view["id"], view=modal(kept, renamed, moved))["view"]["state"]["values"]
    assert values == {
        "name": {"value": {"type": "plain_text_input", "value": "typed"}},
        "place": {"other": {"type": "plain_text_input", "value": "given"}},
        "size": {"value": {"type": "radio_buttons", "selected_option": None}},
    }
    bot.views_update(view_id=view["id"], view=modal(question("Place")))
    back = bot.views_update(view_id=view["id"], view=modal(question("Name")))["view"]["state"]["values"]
    assert back == {"name": {"value": {"type": "plain_text_input", "value": None}}}


def test_a_field_holds_in_the_beginning_what_the_app_gave_it(modals: Modals) -> None:
    large, people = choice("Large"), ["U0ALICE", "U0BOB"]
    view = modals.open(
        question("Name", element={"initial_value": "x"}),
        question("Size", "static_select", element={**SIZES, "initial_option": large}),
        question("Boxes", "checkboxes", element={**SIZES, "initial_options": [large]}),
        question("People", "multi_users_select", element={"initial_users": people}),
        question("Day", "datepicker", element={"initial_date": "2026-02-03"}),
        question("When", "datetimepicker", element={"initial_date_time": 1_800_000_000}),
        question("Many", "multi_static_select", element=SIZES),
    )
    held = {block: entry["value"] for block, entry in view["state"]["values"].items()}
    stored = {"text": {"type": "plain_text", "text": "Large", "emoji": True}, "value": "large"}
    assert held == {
        "name": {"type": "plain_text_input", "value": "x"},
        "size": {"type": "static_select", "selected_option": stored},
        "boxes": {"type": "checkboxes", "selected_options": [stored]},
        "people": {"type": "multi_users_select", "selected_users": people},
        "day": {"type": "datepicker", "selected_date": "2026-02-03"},
        "when": {"type": "datetimepicker", "selected_date_time": 1_800_000_000},
        "many": {"type": "multi_static_select", "selected_options": []},
    }


def test_an_external_id_is_of_one_open_view(slack: Slack, bot: WebClient, modals: Modals) -> None:
    modals.open(external_id="mine")
    taken = refusal(bot.views_open, trigger_id=modals.trigger("U0BOB"), view=modal(external_id="mine"))
    assert taken == "duplicate_external_id"
    bobs = modals.open(who="U0BOB", external_id="his")
    assert refusal(bot.views_update, view_id=bobs["id"], view=modal(external_id="mine")) == "duplicate_external_id"
    slack.view("U0ALICE").close()
    bot.views_update(view_id=bobs["id"], view=modal(external_id="mine"))


# --- stacking --------------------------------------------------------------------------------------------------------
def test_views_lie_upon_each_other_and_three_are_the_most(slack: Slack, bot: WebClient, modals: Modals) -> None:
    first = modals.open(FURTHER, title="1")
    second = modals.push(FURTHER, title="2")
    third = modals.push(FURTHER, title="3")
    assert (second["previous_view_id"], second["root_view_id"]) == (first["id"], first["id"])
    assert (third["previous_view_id"], third["root_view_id"]) == (second["id"], first["id"])
    trigger_id = slack.view("U0ALICE").press("Further")["payload"]["trigger_id"]
    assert refusal(bot.views_push, trigger_id=trigger_id, view=modal()) == "push_limit_reached"
    titles = []
    while slack.view("U0ALICE"):
        titles.append(slack.view("U0ALICE").title)
        slack.view("U0ALICE").close()
    assert titles == ["3", "2", "1"]


def test_only_what_is_done_inside_a_view_lets_the_app_push(slack: Slack, bot: WebClient, modals: Modals) -> None:
    modals.open(FURTHER)
    trigger_id = slack.view("U0ALICE").press("Further")["payload"]["trigger_id"]
    assert refusal(bot.views_push, trigger_id=modals.trigger(), view=modal()) == "not_found"
    slack.view("U0ALICE").close()
    assert refusal(bot.views_push, trigger_id=trigger_id, view=modal()) == "not_found"


def test_a_view_below_can_be_updated(slack: Slack, bot: WebClient, modals: Modals) -> None:
    first = modals.open(FURTHER)
    modals.push()
    bot.views_update(view_id=first["id"], view=modal(title="Changed"))
    assert slack.view("U0ALICE").title == "Title"
    slack.view("U0ALICE").close()
    assert slack.view("U0ALICE").title == "Changed"


# --- using what is in it ---------------------------------------------------------------------------------------------
def test_a_button_in_a_view_is_told_of_with_the_view(slack: Slack, modals: Modals, app: App) -> None:
    view = modals.open(question("Name"), row(button("go", "Go", value="7")), title="Above")
    slack.view("U0ALICE").type("Name", "typed")
    shown = slack.view("U0ALICE")
    assert (shown.buttons, shown.labels) == (["Go"], ["Name"])
    payload = shown.press("Go")["payload"]
    assert payload.keys() == COMMON | {"trigger_id", "container", "actions"}
    assert payload["container"] == {"type": "view", "view_id": view["id"]}
    assert payload["view"].keys() == VIEW_KEYS
    assert payload["view"]["hash"] == view["hash"]
    assert payload["view"]["state"]["values"]["name"]["value"]["value"] == "typed"
    (action,) = payload["actions"]
    assert action.pop("action_ts")
    assert action == {
        "type": "button",
        "action_id": "go",
        "block_id": '{"issue":1}',
        "text": {"type": "plain_text", "text": "Go", "emoji": True},
        "value": "7",
    }
    with pytest.raises(LookupError, match="no button 'Stop'"):
        shown.press("Stop")


def test_what_stands_in_sections_and_actions_is_told_at_once(slack: Slack, modals: Modals) -> None:
    box = {"type": "checkboxes", "action_id": "boxes", **SIZES}
    menu = {"type": "static_select", "action_id": "menu", "placeholder": plain("Pick"), **SIZES}
    modals.open(row(menu), section("Beside", accessory=box))
    assert slack.view("U0ALICE").labels == ["Pick", "Beside"]
    chosen = slack.view("U0ALICE").choose("Pick", "Large")["payload"]
    assert chosen["actions"][0]["selected_option"]["value"] == "large"
    assert chosen["actions"][0]["placeholder"]["text"] == "Pick"
    checked = slack.view("U0ALICE").pick("Beside", ["Small", "Large"])["payload"]
    assert [each["value"] for each in checked["actions"][0]["selected_options"]] == ["small", "large"]
    values = checked["view"]["state"]["values"]
    assert values['{"issue":1}']["menu"]["selected_option"]["value"] == "large"


def test_an_input_is_told_of_only_if_the_app_asked_for_it(slack: Slack, modals: Modals, app: App) -> None:
    as_typed = {"dispatch_action_config": {"trigger_actions_on": ["on_character_entered"]}}
    modals.open(
        question("Silent", "static_select", element=SIZES),
        question("Told", "static_select", element=SIZES, dispatch_action=True),
        question("Entered", dispatch_action=True),
        question("Typed", element=as_typed, dispatch_action=True),
    )
    app.received.clear()
    view = slack.view("U0ALICE")
    assert view.choose("Silent", "Large")["payload"] is None
    assert view.type("Entered", "abc")["payload"] is None
    assert not app.received
    assert view.choose("Told", "Large")["payload"]["actions"][0]["block_id"] == "told"
    assert view.type("Entered", "abc", enter=True)["payload"]["actions"][0]["value"] == "abc"
    assert view.type("Typed", "a")["payload"]["actions"][0]["value"] == "a"
    assert len(app.received) == 3


def test_dates_times_numbers_and_people_are_picked(slack: Slack, modals: Modals) -> None:
    kinds = ["datepicker", "timepicker", "datetimepicker", "number_input", "users_select", "multi_users_select"]
    whole = {"number_input": {"is_decimal_allowed": False}}
    modals.open(*(question(kind, kind, element=whole.get(kind)) for kind in kinds))
    view = slack.view("U0ALICE")
    picked = ["2026-02-28", "23:59", 1_900_000_000, "-3", "U0BOB", ["U0BOB", "U0CAROL"]]
    for kind, value in zip(kinds, picked, strict=True):
        view.pick(kind, value)
    held = slack.view("U0ALICE").submit()["payload"]["view"]["state"]["values"]
    assert [next(value for name, value in held[kind]["value"].items() if name != "type") for kind in kinds] == picked


@pytest.mark.parametrize(
    ("kind", "element", "impossible"),
    [
        ("static_select", SIZES, "middling"),
        ("multi_static_select", {**SIZES, "max_selected_items": 1}, ["small", "large"]),
        ("external_select", {}, {"text": {"type": "plain_text", "text": "x"}}),
        ("external_select", {}, "x"),
        ("datepicker", {}, "tomorrow"),
        ("timepicker", {}, "24:00"),
        ("datetimepicker", {}, "2026-02-28"),
        ("plain_text_input", {}, 7),
    ],
)
def test_what_a_client_does_not_offer_cannot_be_chosen(
    slack: Slack, modals: Modals, kind: str, element: dict[str, Any], impossible: Any
) -> None:
    modals.open(question("It", kind, element=element))
    where = {"block_id": "it", "action_id": "value", "selected": impossible}
    with pytest.raises(NotThere):
        slack.click({"as": "U0ALICE", "view": True, "do": "choose", **where})


def test_options_in_groups_and_several_at_once(slack: Slack, modals: Modals) -> None:
    groups = [{"label": plain(name), "options": [choice(f"{name}1"), choice(f"{name}2")]} for name in "AB"]
    modals.open(
        question("One", "static_select", element={"option_groups": groups}),
        question("Many", "multi_static_select", element={"option_groups": groups}),
    )
    view = slack.view("U0ALICE")
    view.choose("One", "B1")
    view.choose("Many", "A1", "B2")
    held = slack.view("U0ALICE").view["state"]["values"]
    assert held["one"]["value"]["selected_option"]["value"] == "b1"
    assert [each["value"] for each in held["many"]["value"]["selected_options"]] == ["a1", "b2"]
    view.choose("Many")
    assert slack.view("U0ALICE").view["state"]["values"]["many"]["value"]["selected_options"] == []
    with pytest.raises(LookupError, match=r"no entry 'C1'; there are \['A1', 'A2', 'B1', 'B2'\]"):
        view.choose("One", "C1")
    with pytest.raises(LookupError, match=r"nothing called 'Two'; there are \['One', 'Many'\]"):
        view.choose("Two", "C1")


# --- submitting ------------------------------------------------------------------------------------------------------
def test_a_submission_carries_what_was_filled_in_and_an_empty_answer_closes(slack: Slack, modals: Modals) -> None:
    view = modals.open(question("Name"), callback_id="it", private_metadata="m")
    slack.view("U0ALICE").type("Name", "Alice & Bob")
    result = slack.view("U0ALICE").submit()
    payload = result["payload"]
    assert payload.keys() == COMMON | {"trigger_id", "response_urls"}
    assert (payload["type"], payload["response_urls"]) == ("view_submission", [])
    assert (payload["view"]["id"], payload["view"]["private_metadata"]) == (view["id"], "m")
    held = {"type": "plain_text_input", "value": "Alice & Bob"}
    assert payload["view"]["state"]["values"] == {"name": {"value": held}}
    assert result["judgement"]["ok"]
    assert not slack.view("U0ALICE")
    with pytest.raises(LookupError, match="no modal open"):
        slack.view("U0ALICE").submit()


UNFIT: list[tuple[str, dict[str, Any], str | None, str]] = [
    ("plain_text_input", {}, None, REQUIRED),
    ("plain_text_input", {}, "", REQUIRED),
    ("plain_text_input", {"min_length": 3}, "ab", "Write at least 3 characters."),
    ("plain_text_input", {"max_length": 3}, "abcd", "Write 3 characters at most."),
    ("static_select", SIZES, None, REQUIRED),
    ("checkboxes", SIZES, None, REQUIRED),
    ("multi_users_select", {}, None, REQUIRED),
    ("number_input", {"is_decimal_allowed": False}, "1.5", "Enter a whole number."),
    ("number_input", {"is_decimal_allowed": True}, "many", "Enter a number."),
    ("number_input", {"is_decimal_allowed": True}, "nan", "Enter a number."),
    ("number_input", {"is_decimal_allowed": False, "min_value": "1"}, "0", "Enter 1 or more."),
    ("number_input", {"is_decimal_allowed": False, "max_value": "9"}, "10", "Enter 9 or less."),
]


@pytest.mark.parametrize(("kind", "element", "typed", "sentence"), UNFIT)
def test_the_client_itself_refuses_what_does_not_fit(
    slack: Slack, modals: Modals, app: App, kind: str, element: dict[str, Any], typed: str | None, sentence: str
) -> None:
    modals.open(question("It", kind, element=element), question("Other", optional=True))
    if typed is not None:
        slack.view("U0ALICE").type("It", typed)
    app.received.clear()
    assert slack.view("U0ALICE").submit()["payload"] is None
    assert not app.received
    assert slack.view("U0ALICE").errors == {"it": sentence}
    assert sentence in slack.view("U0ALICE").text


@pytest.mark.parametrize("kind", ["plain_text_input", "static_select", "checkboxes", "number_input"])
def test_an_optional_field_may_stay_empty(slack: Slack, modals: Modals, kind: str) -> None:
    more = {"number_input": {"is_decimal_allowed": True}, "plain_text_input": {"min_length": 3}}
    modals.open(question("It", kind, element=more.get(kind, SIZES), optional=True))
    assert slack.view("U0ALICE").submit()["payload"]
    assert not slack.view("U0ALICE")


def test_an_error_goes_when_its_field_is_changed(slack: Slack, modals: Modals) -> None:
    modals.open(question("A"), question("B"))
    slack.view("U0ALICE").submit()
    slack.view("U0ALICE").type("A", "x")
    assert slack.view("U0ALICE").errors == {"b": REQUIRED}


def test_a_view_without_a_button_for_it_is_not_submitted(slack: Slack, modals: Modals) -> None:
    modals.open(section())
    assert slack.view("U0ALICE").submit_label == ""
    with pytest.raises(NotThere, match="nothing to submit"):
        slack.view("U0ALICE").submit()


def answer(app: App, body: Any, status: int = 200) -> None:
    app.status, app.body = status, json.dumps(body).encode() if isinstance(body, dict) else body


def test_errors_stand_at_their_fields(slack: Slack, modals: Modals, app: App) -> None:
    modals.open(question("Name", optional=True))
    answer(app, {"response_action": "errors", "errors": {"name": "Too short."}})
    assert slack.view("U0ALICE").submit()["judgement"]["ok"]
    assert slack.view("U0ALICE").errors == {"name": "Too short."}
    answer(app, b"")
    slack.view("U0ALICE").submit()
    assert not slack.view("U0ALICE")


def test_an_answer_updates_the_view(slack: Slack, modals: Modals, app: App) -> None:
    view = modals.open(question("Name"), external_id="mine")
    slack.view("U0ALICE").type("Name", "kept")
    answer(app, {"response_action": "update", "view": modal(question("Name"), title="Again", external_id="mine")})
    slack.view("U0ALICE").submit()
    shown = slack.view("U0ALICE")
    assert (shown.title, shown.view["id"]) == ("Again", view["id"])
    assert shown.view["hash"] != view["hash"]
    assert shown.view["state"]["values"]["name"]["value"]["value"] == "kept"


def test_an_answer_pushes_a_view_or_clears_them_all(slack: Slack, modals: Modals, app: App) -> None:
    first = modals.open(question("Name", optional=True))
    answer(app, {"response_action": "push", "view": modal(question("Sure", optional=True), title="Sure?")})
    slack.view("U0ALICE").submit()
    shown = slack.view("U0ALICE")
    assert (shown.title, shown.view["previous_view_id"]) == ("Sure?", first["id"])
    answer(app, {"response_action": "clear"})
    shown.submit()
    assert not slack.view("U0ALICE")


def test_an_empty_answer_closes_only_the_view_that_was_submitted(slack: Slack, modals: Modals) -> None:
    modals.open(FURTHER, title="Below")
    modals.push(question("Name", optional=True))
    slack.view("U0ALICE").submit()
    assert slack.view("U0ALICE").title == "Below"


WRONG: list[tuple[int, Any, str]] = [
    (500, b"", "500"),
    (204, b"", "204"),
    (200, b"ok", "JSON object"),
    (200, b" ", "JSON object"),
    (200, b"[]", "JSON object"),
    (200, {}, "response_action"),
    (200, {"response_action": "close"}, "'close' is none of"),
    (200, {"response_action": "errors"}, "errors has to name"),
    (200, {"response_action": "errors", "errors": {}}, "errors has to name"),
    (200, {"response_action": "errors", "errors": {"name": ""}}, "errors has to name"),
    (200, {"response_action": "errors", "errors": {"words": "no field"}}, "no input block 'words'"),
    (200, {"response_action": "errors", "errors": {"name": "x", "else": "y"}}, "no input block 'else'"),
    (200, {"response_action": "update"}, "must be an object"),
    (200, {"response_action": "update", "view": modal(title="x" * 25)}, "json-pointer:/view/title/text"),
    (200, {"response_action": "push", "view": modal(external_id="hers")}, "external_id 'hers'"),
    (200, {"response_action": "update", "view": modal(*[section("x" * 3000)] * 90)}, "larger than"),
]


@pytest.mark.parametrize(("status", "body", "words"), WRONG)
def test_a_wrong_answer_shows_trouble_and_the_view_stays(
    slack: Slack, bot: WebClient, modals: Modals, app: App, status: int, body: Any, words: str
) -> None:
    slack.expect_faults()
    modals.open(who="U0BOB", external_id="hers")
    modals.open(question("Name"), section("words", block_id="words"))
    slack.view("U0ALICE").type("Name", "kept")
    answer(app, body, status)
    result = slack.view("U0ALICE").submit()
    assert words in result["judgement"]["faults"][0]
    assert slack.judgements()[0]["type"] == "view_submission"
    shown = slack.view("U0ALICE")
    assert (shown.trouble, shown.errors, shown.title) == (TROUBLE, {}, "Title")
    assert shown.view["state"]["values"]["name"]["value"]["value"] == "kept"
    assert TROUBLE in shown.text
    shown.type("Name", "again")
    assert slack.view("U0ALICE").trouble == ""


def test_a_fourth_view_cannot_be_pushed_by_an_answer_either(slack: Slack, modals: Modals, app: App) -> None:
    slack.expect_faults()
    modals.open(FURTHER)
    modals.push(FURTHER)
    modals.push(question("Name", optional=True))
    answer(app, {"response_action": "push", "view": modal()})
    assert "no more than 3" in slack.view("U0ALICE").submit()["judgement"]["faults"][0]
    assert slack.view("U0ALICE").trouble == TROUBLE


def test_a_late_answer_is_none() -> None:
    late = Answer(status=200, headers={}, seconds=SECONDS)
    assert "after 3.0 s" in faults_of("view_submission", late, {}, is_genuine=True)[0]


def test_a_click_in_a_view_that_fails_shows_trouble_too(slack: Slack, modals: Modals, app: App) -> None:
    slack.expect_faults()
    modals.open(FURTHER)
    answer(app, b"ok")
    slack.view("U0ALICE").press("Further")
    assert slack.view("U0ALICE").trouble == TROUBLE


def test_a_forged_submission_does_nothing_to_the_view(slack: Slack, modals: Modals, app: App) -> None:
    modals.open(question("Name", optional=True))
    answer(app, b"no", 401)
    assert slack.view("U0ALICE").submit(signing="bad_secret")["judgement"]["ok"]
    assert slack.view("U0ALICE").trouble == ""


# --- closing ---------------------------------------------------------------------------------------------------------
def test_the_app_hears_of_closing_only_if_it_wants_to(slack: Slack, modals: Modals, app: App) -> None:
    modals.open(question("Name"))
    app.received.clear()
    assert slack.view("U0ALICE").close()["payload"] is None
    assert not app.received
    assert not slack.view("U0ALICE")
    view = modals.open(question("Name"), notify_on_close=True)
    slack.view("U0ALICE").type("Name", "typed")
    payload = slack.view("U0ALICE").close()["payload"]
    assert payload.keys() == COMMON | {"is_cleared"}
    assert (payload["type"], payload["is_cleared"], payload["view"]["id"]) == ("view_closed", False, view["id"])


def test_the_cross_closes_all_and_the_app_hears_of_the_lowest(slack: Slack, modals: Modals) -> None:
    lowest = modals.open(FURTHER, notify_on_close=True)
    modals.push(FURTHER, notify_on_close=True)
    payload = slack.view("U0ALICE").clear()["payload"]
    assert (payload["is_cleared"], payload["view"]["id"]) == (True, lowest["id"])
    assert not slack.view("U0ALICE")


def test_a_view_may_clear_all_when_it_is_closed(slack: Slack, modals: Modals) -> None:
    modals.open(FURTHER)
    modals.push(clear_on_close=True)
    slack.view("U0ALICE").close()
    assert not slack.view("U0ALICE")


def test_closing_is_answered_with_nothing(slack: Slack, modals: Modals, app: App) -> None:
    slack.expect_faults()
    modals.open(notify_on_close=True)
    answer(app, {"response_action": "clear"})
    assert "empty body" in slack.view("U0ALICE").close()["judgement"]["faults"][0]


# --- what a test sees ------------------------------------------------------------------------------------------------
def test_a_view_keeps_showing_what_it_showed(slack: Slack, bot: WebClient, modals: Modals) -> None:
    view = modals.open(question("Name"))
    seen = slack.view("U0ALICE")
    bot.views_update(view_id=view["id"], view=modal(question("Name"), title="Changed"))
    assert (seen.title, slack.view("U0ALICE").title) == ("Title", "Changed")
    seen.type("Name", "x")
    modals.open(question("Name"))
    with pytest.raises(NotThere, match="not in front of alice any more"):
        seen.type("Name", "x")


def test_a_submission_can_be_sent_twice(slack: Slack, modals: Modals, app: App) -> None:
    modals.open(question("Name", optional=True))
    app.received.clear()
    assert [each["status"] for each in slack.view("U0ALICE").submit(times=2)["results"]] == [200, 200]
    (_, _, one), (_, _, other) = app.received
    assert one == other


def test_what_is_done_in_a_view_goes_the_way_of_clicks(slack: Slack, modals: Modals, app: App) -> None:
    modals.open(question("Name", optional=True), notify_on_close=True)
    slack.view("U0ALICE").submit()
    assert [path for path, _, _ in app.received] == ["/slack/interactive"] * 2
    assert [entry["method"] for entry in slack.journal() if entry["direction"] == "out"] == [
        "block_actions",
        "view_submission",
    ]
