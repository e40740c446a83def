"""Drawing: every example card has a golden file, and every message fits Slack."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block

from tests.cards import CARDS, VIEWS
from tests.sizes import size
from tocsin.issues.queries.language import QUERY_MAX
from tocsin.slack import attachments, mrkdwn, searches
from tocsin.slack.action_ids import Action, Field, Form, Many, Until
from tocsin.slack.actions import SUBMISSIONS
from tocsin.slack.actions.forms import ARCHIVES
from tocsin.slack.blocks import draw
from tocsin.slack.blocks.forms import CHOICES, FIELDS, WORDS
from tocsin.slack.blocks.issue import ROWS, draw_as_text, draw_shortest
from tocsin.slack.blocks.searches import MANY
from tocsin.slack.cards import (
    ActionTaken,
    ArchiveForm,
    BulkDone,
    CardStatus,
    CommentForm,
    FoundIssue,
    IssueCard,
    Marker,
    MessageForm,
    Muted,
    MuteForm,
    PriorityForm,
    ResolveForm,
    SearchForm,
    ThreadReply,
    Told,
    UnmuteForm,
    View,
    Who,
)
from tocsin.slack.modals import FORMS
from tocsin.slack.reading import SAID

GOLDEN = Path(__file__).parent / "golden"


def _text(message: dict[str, Any]) -> str:
    return json.dumps(message, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


# Cards of issues are drawn in the style of old as well.
OLD = {f"old_{name}": card for name, card in CARDS.items() if isinstance(card, IssueCard)}


@pytest.mark.parametrize("name", CARDS | VIEWS | OLD)
def test_a_card_is_drawn_as_its_golden_file_says(name: str) -> None:
    """`make golden` writes the files anew; look at the difference."""
    path = GOLDEN / f"{name}.json"
    drawn = _text(attachments.draw(OLD[name]) if name in OLD else draw((CARDS | VIEWS)[name]))
    if os.environ.get("TOCSIN_GOLDEN") == "write":
        path.write_text(drawn, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == drawn


def test_no_golden_file_is_left_of_a_card_that_is_gone() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(CARDS) | set(VIEWS) | set(OLD)


@pytest.mark.parametrize("name", CARDS | VIEWS)
def test_the_sdk_reads_a_message_as_it_was_drawn(name: str) -> None:
    for block in draw((CARDS | VIEWS)[name])["blocks"]:
        parsed = Block.parse(block)
        assert parsed is not None
        assert parsed.to_dict() == _without_false(block)


def _without_false(block: dict[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(block))


def test_every_status_has_its_buttons() -> None:
    assert set(ROWS) == set(CardStatus)
    labels = {status: [label for label, _, _ in row] for status, row in ROWS.items()}
    assert labels[CardStatus.UNRESOLVED] == ["Resolve", "Resolve…", "Archive…"]
    assert labels[CardStatus.RESOLVED] == ["Reopen", "Archive…"]
    assert labels[CardStatus.ARCHIVED] == ["Resolve", "Resolve…", "Stop archiving"]


@pytest.mark.parametrize("is_acknowledged", [False, True])
@pytest.mark.parametrize("mutes", [(), (Muted(rule="x", until=datetime(2026, 3, 1, tzinfo=UTC)),)], ids=["", "muted"])
@pytest.mark.parametrize("can_mute", [False, True])
def test_the_overflow_menu_lists_five_at_most_and_open_gives_way(
    can_mute: bool, mutes: tuple[Muted, ...], is_acknowledged: bool
) -> None:
    card = replace(CARDS["issue_new"], can_mute=can_mute, mutes=mutes, is_acknowledged=is_acknowledged)
    (row,) = [block for block in draw(card)["blocks"] if block["type"] == "actions"]
    listed = [option["text"]["text"] for option in row["elements"][-1]["options"]]
    makes_sense = {
        "Comment": True,
        "Mute this rule here…": can_mute,
        "Unmute": bool(mutes),
        "Priority": True,
        "Acknowledge": not is_acknowledged,
        "Open": not (can_mute and mutes and not is_acknowledged),
    }
    assert listed == [label for label, is_listed in makes_sense.items() if is_listed]
    assert len(listed) <= 5


def test_buttons_and_rows_carry_the_issue_first_and_its_version() -> None:
    (row,) = [block for block in draw(CARDS["issue_resolved"])["blocks"] if block["type"] == "actions"]
    carried = [row["block_id"], *(each["value"] for each in row["elements"] if each["type"] == "button")]
    for value in carried:
        assert value.startswith('{"issue":12,"v":2')
        assert len(value) <= 255
    assert {element["action_id"] for element in row["elements"]} <= {action.value for action in Action}


def test_a_new_message_mentions_nobody_and_an_edit_may() -> None:
    assert "<@" not in json.dumps(draw(CARDS["issue_archived"])["blocks"][:-2])
    assert "<@U0ALICE>" in json.dumps(draw(CARDS["issue_resolved"]))


# Long texts by repeating short ones: drawing thousands of characters one by one is what takes the time.
ANY_TEXT = st.builds(lambda text, times: text * times, st.text(max_size=12), st.sampled_from([1, 1, 1, 40, 400]))
SHORT_ID = st.from_regex(r"[A-Z0-9-]{1,50}-[0-9A-Z]{1,8}", fullmatch=True)
ANY_TIME = st.integers(631152000, 4102444800).map(lambda second: datetime.fromtimestamp(second, UTC))
ANYBODY = st.builds(Who, name=ANY_TEXT, slack_user_id=st.sampled_from(["", "U0ALICE", "W" + "0" * 39]))
ANY_MUTE = st.builds(Muted, rule=ANY_TEXT, until=ANY_TIME, who=ANYBODY, held=st.integers(0, 10**12))
ANY_CARD = st.builds(
    IssueCard,
    issue_id=st.integers(1, 2**63 - 1),
    version=st.integers(1, 2**63 - 1),
    short_id=SHORT_ID,
    url=st.just("https://tocsin.example/organizations/acme/issues/1/"),
    project=st.from_regex(r"[a-z0-9_-]{1,50}", fullmatch=True),
    level=st.sampled_from(["fatal", "error", "warning", "info", "debug"]),
    marker=st.sampled_from(Marker),
    status=st.sampled_from(CardStatus),
    title=ANY_TEXT,
    heading=ANY_TEXT,
    culprit=ANY_TEXT,
    message=ANY_TEXT,
    message_limit=st.sampled_from([256, 1500]),
    tags=st.lists(st.tuples(ANY_TEXT, ANY_TEXT), max_size=12).map(tuple),
    actions_taken=st.lists(
        st.builds(
            ActionTaken,
            did=ANY_TEXT,
            until=st.none() | ANY_TIME,
            whom=ANYBODY,
            who=ANYBODY,
            at=ANY_TIME,
        ),
        max_size=5,
    ).map(tuple),
    earlier_actions=st.integers(0, 10**6),
    state=ANY_TEXT,
    state_until=st.none() | ANY_TIME,
    is_acknowledged=st.booleans(),
    has_releases=st.booleans(),
    undo=st.integers(0, 2**63 - 1),
    events=st.integers(0, 10**12),
    users=st.integers(0, 10**12),
    comments=st.integers(0, 10**6),
    first_seen=ANY_TIME,
    assignee=ANYBODY,
    assignee_option=st.sampled_from(["", "user:1", "team:2"]),
    priority=st.text(max_size=20),
    note=ANY_TEXT,
    rule=ANY_TEXT,
    mutes=st.lists(ANY_MUTE, max_size=8).map(tuple),
    can_mute=st.booleans(),
    environment=ANY_TEXT,
    release=ANY_TEXT,
)
ANY_REPLY = st.builds(
    ThreadReply,
    short_id=SHORT_ID,
    url=st.just("https://tocsin.example/"),
    title=ANY_TEXT,
    said=st.sampled_from(sorted(SAID.values())),
    broadcast=st.booleans(),
)


BUILDERS: Any = pytest.mark.parametrize(
    "builder",
    [draw, draw_shortest, draw_as_text, attachments.draw, attachments.draw_shortest],
    ids=["whole", "shortest", "text", "old", "old_shortest"],
)


@BUILDERS
def test_the_longest_names_fit(builder: Any) -> None:
    from tocsin.simulator.validation import faults_of_message

    long = "0" * 400
    card = replace(CARDS["issue_hostile"], culprit=long, rule=long, environment=long, release=long, title=long)
    assert faults_of_message(builder(card)) == []


@pytest.mark.guarantee
@BUILDERS
def test_any_issue_gives_a_message_within_slacks_limits(builder: Any) -> None:
    from tocsin.simulator.validation import faults_of_message

    @settings(max_examples=size(5000) // 3, deadline=None)
    @given(ANY_CARD)
    def within_limits(card: IssueCard) -> None:
        message = builder(card)
        assert faults_of_message(message) == []
        assert (message["text"] or message["attachments"][0]["fallback"]).strip()

    within_limits()


@pytest.mark.guarantee
def test_any_reply_gives_a_message_within_slacks_limits() -> None:
    from tocsin.simulator.validation import faults_of_message

    @settings(max_examples=size(5000) // 3, deadline=None)
    @given(ANY_REPLY)
    def within_limits(reply: ThreadReply) -> None:
        message = draw(reply)
        assert faults_of_message(message) == []
        assert message["text"].strip()

    within_limits()


ANY_KEY = st.just("0" * 32)
ANY_NUMBER = st.from_regex(r"[0-9]{0,12}|[^0-9]{0,4}", fullmatch=True)
ANY_FOUND = st.builds(
    FoundIssue,
    issue_id=st.integers(1, 2**63 - 1),
    version=st.integers(1, 2**63 - 1),
    short_id=SHORT_ID,
    url=st.just("https://tocsin.example/organizations/acme/issues/12/"),
    title=ANY_TEXT,
    culprit=ANY_TEXT,
    level=st.sampled_from(Marker),
    state=st.sampled_from(["New", "Archived until"]),
    state_until=st.none() | st.just(datetime(2026, 3, 1, tzinfo=UTC)),
    assignee=ANY_TEXT,
    events=st.integers(0, 2**63 - 1),
    last_seen=st.just(datetime(2026, 3, 1, tzinfo=UTC)),
)
ANY_VIEW: st.SearchStrategy[View] = st.one_of(
    st.builds(ResolveForm, key=ANY_KEY, short_id=SHORT_ID, newest=ANY_TEXT, asks_release=st.booleans()),
    st.builds(
        ArchiveForm,
        key=ANY_KEY,
        short_id=SHORT_ID,
        until=st.sampled_from(Until),
        values=st.dictionaries(st.sampled_from(Field), ANY_NUMBER).map(lambda values: tuple(values.items())),
        tomorrow=st.integers(1_000_000_000, 4_102_444_800).map(lambda second: datetime.fromtimestamp(second, UTC)),
    ),
    st.builds(
        PriorityForm,
        key=ANY_KEY,
        short_id=SHORT_ID,
        choices=st.just((("high", "High"), ("low", "Low"))),
        priority=st.sampled_from(["high", "low"]),
    ),
    st.builds(
        lambda names, **fields: MuteForm(rules=tuple(enumerate(names)), rule_id=0, **fields),
        names=st.lists(ANY_TEXT, min_size=1, max_size=120),
        key=ANY_KEY,
        place=ANY_TEXT,
        until=ANY_TIME,
    ),
    st.builds(UnmuteForm, key=ANY_KEY, mutes=st.lists(ANY_MUTE, min_size=1, max_size=8).map(tuple)),
    st.builds(
        SearchForm,
        key=ANY_KEY,
        form=st.sampled_from([Form.FIND, Form.TRIAGE]),
        query=st.text(st.characters(exclude_categories=["Cs"]), max_size=QUERY_MAX),
        wrong=st.just("") | ANY_TEXT,
        found=st.lists(ANY_FOUND, max_size=10, unique_by=lambda issue: issue.issue_id).map(tuple),
        total=st.integers(0, 2000),
        total_most=st.just(1000),
        picked=st.none() | ANY_FOUND,
        may_triage=st.booleans(),
        what=st.sampled_from(Many),
        organizations=st.just(()) | ANY_TEXT.map(lambda name: ((1, name), (2, "Acme"))),
        organization=st.just(1),
    ),
    st.builds(
        BulkDone,
        key=ANY_KEY,
        text=ANY_TEXT.map(mrkdwn.escape).filter(bool),
        left=ANY_TEXT.map(mrkdwn.escape),
        can_undo=st.booleans(),
    ),
    st.builds(MessageForm, key=ANY_KEY, short_id=st.just("") | SHORT_ID, author=ANY_TEXT, said=ANY_TEXT),
    st.builds(CommentForm, key=ANY_KEY, short_id=SHORT_ID, limit=st.integers(1, 10_000)),
    st.builds(Told, key=ANY_KEY, text=ANY_TEXT.map(mrkdwn.escape).filter(bool), anyway=st.sampled_from(["", *Form])),
)


@pytest.mark.guarantee
def test_any_modal_is_within_slacks_limits() -> None:
    from tocsin.simulator.views import faults_of_view

    @settings(max_examples=size(5000), deadline=None)
    @given(ANY_VIEW)
    def within_limits(form: View) -> None:
        assert faults_of_view(draw(form)) == []

    within_limits()


def test_every_form_is_drawn_read_and_submitted() -> None:
    assert set(FIELDS) < set(WORDS) == set(CHOICES) == set(ARCHIVES) == set(Until)
    assert set(FORMS) == set(SUBMISSIONS) == set(Form) - {Form.TOLD} - searches.FORMS
    assert set(searches.SUBMIT) == searches.FORMS
    assert set(searches.SHAPES) == set(MANY) == set(Many)
