"""Dialogs of old: opened by the app; filled in, submitted and cancelled by people."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.models.blocks import Option, OptionGroup
from slack_sdk.models.dialogs import DialogBuilder

from tests.simulator.conftest import App, Modals, button, row
from tests.simulator.test_response_urls import use
from tests.slack_fixture import Slack
from tocsin.simulator.fields import REQUIRED, NotThere
from tocsin.simulator.judge import SECONDS, Answer, faults_of
from tocsin.simulator.modals import TROUBLE

COMMON = {"type", "token", "action_ts", "team", "user", "channel", "callback_id"}
SIZES = [{"label": "Small", "value": "s"}, {"label": "Large", "value": "l"}]


def text(name: str = "note", **more: Any) -> dict[str, Any]:
    return {"type": "text", "name": name, "label": name.capitalize(), **more}


def area(name: str = "note", **more: Any) -> dict[str, Any]:
    return {**text(name, **more), "type": "textarea"}


def menu(name: str = "size", source: str = "static", **more: Any) -> dict[str, Any]:
    options = {"options": SIZES} if source == "static" and "option_groups" not in more else {}
    return {"type": "select", "name": name, "label": name.capitalize(), "data_source": source, **options, **more}


def dialog(*elements: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"title": "Title", "callback_id": "it", "elements": list(elements) or [text()], **more}


@dataclass(slots=True, kw_only=True)
class Dialogs:
    """What opens dialogs in front of people, as the app does it after they clicked."""

    slack: Slack
    bot: WebClient
    app: App

    def trigger(self, who: str = "U0ALICE", channel: str = "alerts") -> str:
        """Of a click in a message."""
        self.bot.chat_postMessage(channel=self.slack.channel(channel), text="x", blocks=[row(button())])
        clicked = self.slack.card(1, channel).click("Go", as_=who)
        self.app.received.clear()
        return str(clicked["payload"]["trigger_id"])

    def open(self, *elements: dict[str, Any], who: str = "U0ALICE", channel: str = "alerts", **more: Any) -> None:
        self.bot.dialog_open(trigger_id=self.trigger(who, channel), dialog=dialog(*elements, **more))

    def refusal(self, **args: Any) -> str:
        with pytest.raises(SlackApiError) as refused:
            self.bot.api_call("dialog.open", json=args)
        return str(refused.value.response["error"])

    def answers(self, body: Any, status: int = 200) -> None:
        self.app.status = status
        self.app.body = json.dumps(body).encode() if isinstance(body, dict | list) else body

    def lists(self, body: Any) -> None:
        """What the app answers for menus."""
        self.app.listed = body if isinstance(body, bytes) else json.dumps(body).encode()


@pytest.fixture
def dialogs(slack: Slack, bot: WebClient, app: App) -> Dialogs:
    return Dialogs(slack=slack, bot=bot, app=app)


# --- opening ---------------------------------------------------------------------------------------------------------
def test_a_dialog_opens_before_the_person_who_clicked(slack: Slack, dialogs: Dialogs) -> None:
    dialogs.open(text("place", value="here"), menu(), title="A & B", submit_label="Go")
    shown = slack.dialog("U0ALICE")
    assert shown
    assert (shown.title, shown.submit_label, shown.labels) == ("A & B", "Go", ["Place", "Size"])
    assert shown.values == {"place": "here", "size": None}
    assert not slack.dialog("U0BOB")
    with pytest.raises(LookupError, match="no dialog open"):
        slack.dialog("U0BOB").submit()


def test_a_dialog_may_be_text_in_a_form(slack: Slack, bot: WebClient, dialogs: Dialogs) -> None:
    about = {"trigger_id": dialogs.trigger(), "dialog": json.dumps(dialog())}
    assert bot.api_call("dialog.open", data=about).data == {"ok": True}
    assert slack.dialog("U0ALICE").submit_label == "Submit"
    assert slack.journal("dialog.open")[0]["args"]["dialog"] == dialog()


def test_a_dialog_of_slacks_own_models_is_taken(slack: Slack, bot: WebClient, dialogs: Dialogs) -> None:
    sizes = [Option(value="s", label="Small"), Option(value="l", label="Large")]
    built = (
        DialogBuilder()  # type: ignore[no-untyped-call]
        .title("Title")
        .callback_id("it")
        .submit_label("Go")
        .state({"a": 1})
        .notify_on_cancel(True)
        .text_field(name="a", label="A", placeholder="p", hint="h", subtype="email", min_length=1)
        .text_area(name="b", label="B", value="v" * 2_999)
        .static_selector(name="c", label="C", options=sizes, value="l", optional=True)
        .static_selector(name="d", label="D", options=[OptionGroup(label="G", options=sizes)])
        .user_selector(name="e", label="E", value="U0BOB")
        .channel_selector(name="f", label="F")
        .conversation_selector(name="g", label="G")
        .external_selector(name="h", label="H", value=sizes[0], min_query_length=2)
    )
    bot.dialog_open(trigger_id=dialogs.trigger(), dialog=built.to_dict())
    held = {"a": None, "b": "v" * 2_999, "c": "l", "d": None, "e": "U0BOB", "f": None, "g": None, "h": "s"}
    assert slack.dialog("U0ALICE").values == held


def test_a_trigger_opens_one_dialog_and_only_for_three_seconds(slack: Slack, dialogs: Dialogs) -> None:
    trigger_id = dialogs.trigger()
    dialogs.bot.dialog_open(trigger_id=trigger_id, dialog=dialog())
    assert dialogs.refusal(trigger_id=trigger_id, dialog=dialog()) == "trigger_exchanged"
    late = dialogs.trigger()
    slack.advance(3.1)
    assert dialogs.refusal(trigger_id=late, dialog=dialog()) == "trigger_expired"
    assert dialogs.refusal(trigger_id="1.2.3", dialog=dialog()) == "invalid_trigger"
    assert dialogs.refusal(trigger_id="", dialog=dialog()) == "missing_trigger"
    assert dialogs.refusal(dialog=dialog()) == "missing_trigger"
    assert dialogs.refusal(trigger_id="1.2.3") == "missing_dialog"
    assert dialogs.refusal(trigger_id="1.2.3", dialog="") == "missing_dialog"


def test_an_app_without_an_address_for_clicks_opens_none(slack: Slack, dialogs: Dialogs) -> None:
    trigger_id = dialogs.trigger()
    slack.change_app(request_url="")
    assert dialogs.refusal(trigger_id=trigger_id, dialog=dialog()) == "app_missing_action_url"


def test_a_faulty_dialog_leaves_the_trigger_unused(slack: Slack, bot: WebClient, dialogs: Dialogs) -> None:
    trigger_id = dialogs.trigger()
    assert dialogs.refusal(trigger_id=trigger_id, dialog=dialog(title="")) == "validation_errors"
    assert not slack.dialog("U0ALICE")
    bot.dialog_open(trigger_id=trigger_id, dialog=dialog())
    assert slack.dialog("U0ALICE")


def without(name: str, value: dict[str, Any]) -> dict[str, Any]:
    return {each: held for each, held in value.items() if each != name}


OPTION = {"label": "l", "value": "v"}
FAULTY: list[tuple[Any, list[str]]] = [
    ("no JSON", ["The dialog must be an object"]),
    ("[" * 600 + "]" * 600, ["The dialog must be an object"]),
    ([], ["The dialog must be an object"]),
    (
        {},
        ["The field `title` is required", "The field `callback_id` is required", "The field `elements` is required"],
    ),
    (dialog(title=None), ["The field `title` is required"]),
    (dialog(title=7), ["The field `title` must be a string"]),
    (dialog(submit_label="Go now"), ["The field `submit_button` can only be one word"]),
    (dialog(notify_on_cancel="yes"), ["The field `notify_on_cancel` must be a boolean"]),
    (dialog(colour="red"), ["The dialog has no field `colour`"]),
    ({**dialog(), "elements": {}}, ["The field `elements` must be a list"]),
    ({**dialog(), "elements": []}, ["The field `elements` has to include at least one element"]),
    ({**dialog(), "elements": ["text"]}, ["Element 0 must be an object"]),
    (dialog(without("type", text())), ["Element 0 is missing required field `type`"]),
    (dialog(text(), text("b", type="radio")), ["Element 1 has an invalid `type`"]),
    (dialog(text(type=["text"])), ["Element 0 has an invalid `type`"]),
    (dialog(without("name", text())), ["Element 0 is missing required field `name`"]),
    (dialog(text(label="")), ["Element 0 is missing required field `label`"]),
    (dialog(text("a"), text("b"), area("a")), ["Element 2 has a repeated name"]),
    (dialog(text(subtype="date")), ["Element 0 has an invalid `subtype`"]),
    (dialog(text(min_length=-1)), ["Element 0 field `min_length` must be between 0 and 150 (inclusive)"]),
    (dialog(text(max_length=0)), ["Element 0 field `max_length` must be between 1 and 150 (inclusive)"]),
    (dialog(area(max_length=3_001)), ["Element 0 field `max_length` must be between 1 and 3000 (inclusive)"]),
    (dialog(text(max_length=True)), ["Element 0 field `max_length` must be between 1 and 150 (inclusive)"]),
    (
        dialog(text(min_length=3, max_length=2)),
        ["Element 0 field `min_length` must not be more than `max_length`"],
    ),
    (dialog(text(options=SIZES)), ["Element 0 has no field `options`"]),
    (dialog(menu(source="static", options={})), ["Element 0 field `options` must be a list"]),
    (dialog(menu(options=[])), ["Element 0 field `options` must have at least one option"]),
    (dialog(menu(options=["v"])), ["Element 0 `options` item must be an object"]),
    (dialog(menu(options=[{"value": "v"}])), ["Element 0 `options` item is missing required field `label`"]),
    (dialog(menu(options=[{"label": "l"}])), ["Element 0 `options` item is missing required field `value`"]),
    (dialog(menu(options=[{**OPTION, "text": "t"}])), ["Element 0 `options` item has no field `text`"]),
    (dialog(menu(options=[{"label": "l", "value": 1}])), ["Element 0 `options` item `value` field must be a string"]),
    (dialog(without("options", menu())), ["Element 0 must have either `options` or `option_groups`"]),
    (
        dialog({**menu(), "option_groups": [{"label": "g", "options": SIZES}]}),
        ["Element 0 must have either `options` or `option_groups`"],
    ),
    (dialog(menu(option_groups=[])), ["Element 0 field `option_groups` must be a list of groups"]),
    (
        dialog(menu(option_groups=[{"text": "g", "options": SIZES}])),
        ["Element 0 `option_groups` item must have the fields `label` and `options`"],
    ),
    (
        dialog(menu(option_groups=[{"label": "g", "options": [OPTION] * 51}] * 2)),
        ["Element 0 field `option_groups` must have no more than 100 options"],
    ),
    (dialog(menu(source="planets")), ["Element 0 has an invalid `data_source`"]),
    (dialog(menu(value="xl")), ["Element 0 field `value` must be that of one of the options"]),
    (
        dialog(text(label=""), text("b", hint=7)),
        ["Element 0 is missing required field `label`", "Element 1 field `hint` must be a string"],
    ),
]


@pytest.mark.parametrize(("definition", "sentences"), FAULTY)
def test_a_dialog_that_slack_refuses_and_how_it_says_so(
    bot: WebClient, dialogs: Dialogs, definition: Any, sentences: list[str]
) -> None:
    with pytest.raises(SlackApiError) as refused:
        bot.api_call("dialog.open", json={"trigger_id": "1.2.3", "dialog": definition})
    answer = refused.value.response
    assert answer["error"] == "validation_errors"
    assert answer["response_metadata"]["messages"] == sentences


def test_what_is_null_was_not_given(slack: Slack, bot: WebClient, dialogs: Dialogs) -> None:
    nulls = {"state": None, "elements": [text(hint=None, value=None, min_length=None)]}
    bot.dialog_open(trigger_id=dialogs.trigger(), dialog={**dialog(), **nulls})
    assert slack.dialog("U0ALICE").dialog["elements"] == [text()]


# --- filling in ------------------------------------------------------------------------------------------------------
def test_every_kind_of_element_is_filled_in_and_submitted(slack: Slack, dialogs: Dialogs) -> None:
    groups = [{"label": "G", "options": SIZES}]
    elements = [
        *(text("one"), area("more"), text("none", optional=True), menu("size"), menu("grouped", option_groups=groups)),
        *(menu("who", "users"), menu("where", "channels"), menu("talk", "conversations"), menu("found", "external")),
    ]
    dialogs.open(*elements)
    dialogs.lists({"option_groups": [{"label": "G", "options": [{"label": "Found", "value": "7"}]}]})
    shown = slack.dialog("U0ALICE")
    for name, given in (
        *(("One", "a <b> & c"), ("more", "x\ny"), ("Size", "Large"), ("grouped", "Small"), ("who", "U0BOB")),
        *(("where", "C0GENERAL"), ("talk", "C0SECRET"), ("found", "Found")),
    ):
        shown.choose(name, given)
    assert slack.dialog("U0ALICE").submit()["payload"]["submission"] == {
        "one": "a <b> & c",
        "more": "x\ny",
        "none": None,
        "size": "l",
        "grouped": "s",
        "who": "U0BOB",
        "where": "C0GENERAL",
        "talk": "C0SECRET",
        "found": "7",
    }


def test_what_is_put_in_can_be_taken_out(slack: Slack, dialogs: Dialogs) -> None:
    dialogs.open(text(value="x"), menu(value="s", optional=True), menu("who", "external"))
    dialogs.lists({"options": [{"label": "Alice", "value": "1"}]})
    for name, given in (("note", ""), ("size", None), ("who", "Alice")):
        slack.dialog("U0ALICE").choose(name, given)
    shown = slack.dialog("U0ALICE")
    assert shown.values == {"note": None, "size": None, "who": "1"}
    assert shown.dialog["labels"] == {"who": "Alice"}


@pytest.mark.parametrize(
    ("element", "impossible"),
    [
        (text(), 7),
        (menu(), "xl"),
        (menu(source="users"), "U0NOBODY"),
        (menu(source="channels"), "C0SECRET"),
        (menu(source="conversations"), "C0NOWHERE"),
        (menu(source="external"), "x"),
        (menu(source="external"), {"text": "x", "value": "x"}),
    ],
)
def test_what_a_client_does_not_offer_cannot_be_chosen(
    slack: Slack, dialogs: Dialogs, element: dict[str, Any], impossible: Any
) -> None:
    dialogs.open(element)
    about = {"as": "U0ALICE", "dialog": True, "do": "choose", "name": element["name"], "selected": impossible}
    with pytest.raises(NotThere):
        slack.click(about)


def test_a_private_channel_is_listed_for_those_who_see_it(slack: Slack, dialogs: Dialogs) -> None:
    dialogs.open(menu("talk", "conversations"), who="U0EVE")
    with pytest.raises(NotThere, match="eve sees no conversation"):
        slack.dialog("U0EVE").choose("talk", "C0SECRET")


def test_there_is_nothing_to_do_but_what_a_dialog_has(slack: Slack, dialogs: Dialogs) -> None:
    dialogs.open(text())
    shown = slack.dialog("U0ALICE")
    with pytest.raises(LookupError, match=r"nothing called 'Name'; there are \['Note'\]"):
        shown.choose("Name", "x")
    with pytest.raises(NotThere, match="no element 'name'"):
        slack.click({"as": "U0ALICE", "dialog": True, "name": "name"})
    with pytest.raises(NotThere, match="do one of: choose, submit, cancel, suggest"):
        slack.click({"as": "U0ALICE", "dialog": True, "do": "close"})
    with pytest.raises(NotThere, match="options already"):
        shown.suggest("Note", "x")
    dialogs.open(text("other"))
    with pytest.raises(NotThere, match="not in front of alice any more"):
        shown.submit()


# --- submitting ------------------------------------------------------------------------------------------------------
def test_a_submission_carries_what_the_references_say_and_an_empty_answer_closes(
    slack: Slack, dialogs: Dialogs
) -> None:
    dialogs.open(text(value="x"), state="Limo", channel="ops-private")
    result = slack.dialog("U0ALICE").submit()
    payload = result["payload"]
    assert payload.keys() == COMMON | {"submission", "response_url", "state"}
    workspace = slack.simulation.workspace
    assert (payload["type"], payload["token"]) == ("dialog_submission", workspace.app.verification_token)
    assert (payload["callback_id"], payload["state"]) == ("it", "Limo")
    assert payload["team"] == {"id": "T0TOCSIN", "domain": "tocsin-demo"}
    assert payload["user"] == {"id": "U0ALICE", "name": "alice"}
    assert payload["channel"] == {"id": "C0OPS", "name": "privategroup"}
    assert payload["submission"] == {"note": "x"}
    assert result["judgement"]["ok"]
    assert not slack.dialog("U0ALICE")
    ((path, headers, body),) = dialogs.app.received
    assert path == "/slack/interactive"
    assert body.startswith(b"payload=")
    assert headers["X-Slack-Signature"].startswith("v0=")


def test_its_response_url_whispers_in_the_channel_where_it_was_opened(slack: Slack, dialogs: Dialogs) -> None:
    dialogs.open(text(value="x"))
    url = slack.dialog("U0ALICE").submit()["payload"]["response_url"]
    assert url.startswith(f"{slack.url}/response/app/T0TOCSIN/")
    posted = len(slack.messages("alerts"))
    assert use(url, text="thank you", replace_original=True)[0] == 200
    assert [each["text"] for each in slack.ephemerals("U0ALICE", "alerts")] == ["thank you"]
    assert use(url, text="all of you", response_type="in_channel")[0] == 200
    assert len(slack.messages("alerts")) == posted + 1, "nothing was replaced"


def test_a_dialog_asked_for_in_no_channel_has_none_to_answer_in(slack: Slack, bot: WebClient, dialogs: Dialogs) -> None:
    trigger_id = slack.do(slack.simulation.workspace.triggers.issue, "U0ALICE")
    bot.dialog_open(trigger_id=trigger_id, dialog=dialog(text(value="x")))
    assert slack.dialog("U0ALICE").submit()["payload"].keys() == (COMMON - {"channel"}) | {"submission", "state"}


UNFIT: list[tuple[dict[str, Any], str | None, str]] = [
    (text(), None, REQUIRED),
    (text(value="x"), "", REQUIRED),
    (menu(), None, REQUIRED),
    (text(min_length=3), "ab", "Write at least 3 characters."),
    (text(min_length=3, optional=True), "ab", "Write at least 3 characters."),
    (text(max_length=3), "abcd", "Write 3 characters at most."),
    (text(), "x" * 151, "Write 150 characters at most."),
    (area(), "x" * 3_001, "Write 3000 characters at most."),
]


@pytest.mark.parametrize(("element", "typed", "sentence"), UNFIT)
def test_the_client_itself_refuses_what_does_not_fit(
    slack: Slack, dialogs: Dialogs, element: dict[str, Any], typed: str | None, sentence: str
) -> None:
    dialogs.open(element, text("other", value="x"))
    if typed is not None:
        slack.dialog("U0ALICE").choose(element["name"], typed)
    assert slack.dialog("U0ALICE").submit()["payload"] is None
    assert not dialogs.app.received
    assert slack.dialog("U0ALICE").errors == {element["name"]: sentence}


@pytest.mark.parametrize("element", [text(optional=True, min_length=3), menu(optional=True), area(optional=True)])
def test_an_optional_element_may_stay_empty_and_is_sent_as_null(
    slack: Slack, dialogs: Dialogs, element: dict[str, Any]
) -> None:
    dialogs.open(element)
    assert slack.dialog("U0ALICE").submit()["payload"]["submission"] == {element["name"]: None}


def test_errors_stand_at_their_elements_until_these_are_changed(slack: Slack, dialogs: Dialogs) -> None:
    dialogs.open(text(value="x"), menu(value="s"))
    dialogs.answers({"errors": [{"name": "note", "error": "Too short."}, {"name": "size", "error": "Too small."}]})
    assert slack.dialog("U0ALICE").submit()["judgement"]["ok"]
    assert slack.dialog("U0ALICE").errors == {"note": "Too short.", "size": "Too small."}
    slack.dialog("U0ALICE").choose("note", "longer")
    shown = slack.dialog("U0ALICE")
    assert (shown.errors, shown.values["note"]) == ({"size": "Too small."}, "longer")
    dialogs.answers(b"")
    shown.submit()
    assert not slack.dialog("U0ALICE")


WRONG: list[tuple[int, Any, str]] = [
    (500, b"", "answered 500"),
    (204, b"", "answered 204"),
    (200, b"ok", "nothing at all, or with a JSON object of errors"),
    (200, b" ", "nothing at all"),
    (200, [], "nothing at all"),
    (200, {}, "nothing at all"),
    (200, {"text": "thanks"}, "nothing at all"),
    (200, {"response_action": "clear"}, "nothing at all"),
    (200, {"errors": [], "text": "x"}, "nothing at all"),
    (200, {"errors": []}, "at least one error"),
    (200, {"errors": {"note": "x"}}, "has to be a list"),
    (200, {"errors": ["note"]}, "a name and an error"),
    (200, {"errors": [{"name": "note", "error": ""}]}, "a name and an error"),
    (200, {"errors": [{"name": "note", "text": "x"}]}, "a name and an error"),
    (200, {"errors": [{"name": ["note"], "error": "x"}]}, "a name and an error"),
    (200, {"errors": [{"name": "note", "error": "x"}, {"name": "else", "error": "y"}]}, "no element 'else'"),
]


@pytest.mark.parametrize(("status", "body", "words"), WRONG)
def test_a_wrong_answer_shows_trouble_and_the_dialog_stays(
    slack: Slack, dialogs: Dialogs, status: int, body: Any, words: str
) -> None:
    slack.expect_faults()
    dialogs.open(text())
    slack.dialog("U0ALICE").choose("Note", "kept")
    dialogs.answers(body, status)
    assert words in slack.dialog("U0ALICE").submit()["judgement"]["faults"][0]
    assert slack.judgements()[0]["type"] == "dialog_submission"
    shown = slack.dialog("U0ALICE")
    assert (shown.trouble, shown.errors, shown.values) == (TROUBLE, {}, {"note": "kept"})
    shown.choose("Note", "again")
    assert slack.dialog("U0ALICE").trouble == ""


def test_a_late_answer_is_none() -> None:
    for kind in ("dialog_submission", "dialog_suggestion", "dialog_cancellation"):
        late = Answer(status=200, headers={}, seconds=SECONDS)
        assert "after 3.0 s" in faults_of(kind, late, {"submission": {}}, is_genuine=True)[0]


def test_a_forged_submission_does_nothing_to_the_dialog(slack: Slack, dialogs: Dialogs) -> None:
    dialogs.open(text(value="x"))
    dialogs.answers(b"", 401)
    assert slack.dialog("U0ALICE").submit(signing="bad_secret")["judgement"]["ok"]
    assert slack.dialog("U0ALICE").trouble == ""


def test_a_submission_can_be_sent_twice(slack: Slack, dialogs: Dialogs) -> None:
    dialogs.open(text(value="x"))
    assert [each["status"] for each in slack.dialog("U0ALICE").submit(times=2)["results"]] == [200, 200]
    (_, _, one), (_, _, other) = dialogs.app.received
    assert one == other
    assert not slack.dialog("U0ALICE")


def test_an_answer_closes_the_dialog_that_was_submitted_and_no_later_one(slack: Slack, dialogs: Dialogs) -> None:
    dialogs.open(text(value="x"))
    clicks = slack.simulation.clicks
    outgoing = slack.do(clicks.build, {"as": "U0ALICE", "dialog": True, "do": "submit"})
    assert outgoing is not None
    entry = slack.do(clicks.begin, outgoing)
    dialogs.open(text("later"))
    slack.do(clicks.finish, outgoing, entry, Answer(status=200, headers={}, seconds=0.1))
    assert slack.dialog("U0ALICE").labels == ["Later"]


# --- cancelling ------------------------------------------------------------------------------------------------------
def test_the_app_hears_of_cancelling_only_if_it_wants_to(slack: Slack, dialogs: Dialogs) -> None:
    dialogs.open(text())
    assert slack.dialog("U0ALICE").cancel()["payload"] is None
    assert not dialogs.app.received
    assert not slack.dialog("U0ALICE")
    dialogs.open(text(), notify_on_cancel=True, state="Limo")
    payload = slack.dialog("U0ALICE").cancel()["payload"]
    assert payload.keys() == COMMON | {"response_url", "state"}
    assert (payload["type"], payload["state"]) == ("dialog_cancellation", "Limo")
    assert use(payload["response_url"], text="as you like")[0] == 200
    assert [each["text"] for each in slack.ephemerals("U0ALICE", "alerts")] == ["as you like"]


def test_cancelling_is_answered_with_nothing(slack: Slack, dialogs: Dialogs) -> None:
    slack.expect_faults()
    dialogs.open(text(), notify_on_cancel=True)
    dialogs.answers({"errors": [{"name": "note", "error": "Stay."}]})
    assert "empty body" in slack.dialog("U0ALICE").cancel()["judgement"]["faults"][0]
    assert not slack.dialog("U0ALICE")


# --- menus that the app fills -----------------------------------------------------------------------------------------
def test_the_app_is_asked_with_what_was_typed(slack: Slack, dialogs: Dialogs) -> None:
    dialogs.open(menu("who", "external"), state="Limo")
    dialogs.lists({"options": [{"label": "Alice", "value": "1"}, {"label": "Bob", "value": "2"}]})
    assert slack.dialog("U0ALICE").suggest("Who", "al") == [("Alice", "1"), ("Bob", "2")]
    (entry,) = slack.journal("dialog_suggestion")
    payload = entry["args"]
    assert payload.keys() == COMMON | {"name", "value", "state"}
    assert (payload["name"], payload["value"], payload["state"]) == ("who", "al", "Limo")
    assert [path for path, _, _ in dialogs.app.received] == ["/slack/options"]


def test_a_state_that_is_not_there_is_not_told_to_menus(slack: Slack, dialogs: Dialogs) -> None:
    dialogs.open(menu("who", "external"))
    slack.dialog("U0ALICE").suggest("Who", "al")
    assert "state" not in slack.journal("dialog_suggestion")[0]["args"]


@pytest.mark.parametrize(("more", "query", "asks"), [({}, "", 0), ({}, "a", 1), ({"min_query_length": 2}, "a", 0)])
def test_the_app_is_asked_when_enough_was_typed(
    slack: Slack, dialogs: Dialogs, more: dict[str, Any], query: str, asks: int
) -> None:
    dialogs.open(menu("who", "external", **more))
    slack.dialog("U0ALICE").suggest("Who", query)
    assert len(dialogs.app.received) == asks


def many(count: int) -> list[dict[str, str]]:
    return [{"label": "x", "value": str(number)} for number in range(count)]


GOOD: list[Any] = [
    {"options": []},
    {"option_groups": []},
    {"options": many(100)},
    {"options": [{"label": "x" * 75, "value": "y" * 75}]},
    {"option_groups": [{"label": "g" * 75, "options": many(50)}] * 2},
    {"options": [Option(value="1", label="One").to_dict("dialog")]},
    {"option_groups": [OptionGroup(label="G", options=[Option(value="1", label="One")]).to_dict("dialog")]},
]
BAD: list[tuple[Any, str]] = [
    (b"", "options or with option_groups"),
    (b"[]", "options or with option_groups"),
    ({}, "options or with option_groups"),
    ({"options": [], "option_groups": []}, "options or with option_groups"),
    ({"options": many(1), "text": "x"}, "and nothing else"),
    ({"options": None}, "options has to be a list"),
    ({"options": [{"text": "x", "value": "1"}]}, "a label and a value"),
    ({"options": [{"text": {"type": "plain_text", "text": "x"}, "value": "1"}]}, "a label and a value"),
    ({"options": [{"label": "x", "value": "1", "description": "y"}]}, "and nothing else"),
    ({"options": [{"label": {"type": "plain_text", "text": "x"}, "value": "1"}]}, "label has to be a text"),
    ({"options": [{"label": "", "value": "1"}]}, "label has to be a text"),
    ({"options": [{"label": "x" * 76, "value": "1"}]}, "label has to be a text of 1 to 75"),
    ({"options": [{"label": "x", "value": "y" * 76}]}, "value has to be a text of 1 to 75"),
    ({"options": [{"label": "x", "value": 1}]}, "value has to be a text"),
    ({"options": many(101)}, "no more than 100 options are allowed, and there are 101"),
    ({"option_groups": [{"label": "g", "options": many(51)}] * 2}, "and there are 102"),
    ({"option_groups": [{"text": "g", "options": many(1)}]}, "a group has a label"),
    ({"option_groups": {"g": many(1)}}, "option_groups has to be a list"),
    ({"option_groups": [{"label": "", "options": many(1)}]}, "label has to be a text"),
    ({"option_groups": [{"label": "g", "options": None}]}, "options has to be a list"),
]


@pytest.mark.parametrize("body", GOOD)
def test_a_list_that_slack_takes(slack: Slack, dialogs: Dialogs, body: Any) -> None:
    dialogs.open(menu("who", "external"))
    dialogs.lists(body)
    slack.dialog("U0ALICE").suggest("Who", "x")
    assert slack.judgements() == []


@pytest.mark.parametrize(("body", "words"), BAD)
def test_a_list_that_slack_refuses(slack: Slack, dialogs: Dialogs, body: Any, words: str) -> None:
    slack.expect_faults()
    dialogs.open(menu("who", "external"))
    dialogs.lists(body)
    with pytest.raises(AssertionError):
        slack.dialog("U0ALICE").suggest("Who", "x")
    assert words in slack.judgements()[0]["faults"][0]


# --- beside modals ---------------------------------------------------------------------------------------------------
def test_a_dialog_and_a_modal_know_nothing_of_each_other(slack: Slack, modals: Modals, dialogs: Dialogs) -> None:
    modals.open()
    dialogs.open(text(value="x"))
    slack.dialog("U0ALICE").submit()
    assert slack.view("U0ALICE")
    assert not slack.dialog("U0ALICE")
