"""Slack's JSON as values."""

from __future__ import annotations

from typing import Any

import pytest

from tests.signed import block_actions, pressed
from tests.world import TEAM_ID
from tocsin.slack.payloads import Clicks, IssueSeen, Kind, Malformed, issue_seen, read


def clicks(**more: Any) -> Clicks:
    value = read(Kind.INTERACTIVE, block_actions(pressed("tocsin.resolve", 7, 3)) | more)
    assert isinstance(value, Clicks)
    return value


def keys(**more: Any) -> tuple[str, ...]:
    return clicks(**more).source.keys


def test_a_click_says_who_where_and_what() -> None:
    value = clicks(response_url="https://hooks.slack.com/actions/T/1/x")
    assert value.sender.id == "U0ALICE"
    assert (value.place.channel, value.place.ts) == ("C0ALERTS", "1700000000.000100")
    assert value.response_url == "https://hooks.slack.com/actions/T/1/x"
    (click,) = value.clicks
    assert (click.action_id, click.issue, click.action_ts) == (
        "tocsin.resolve",
        IssueSeen(id=7, version=3),
        "1700000001.000200",
    )


def test_the_list_keeps_its_order() -> None:
    value = read(Kind.INTERACTIVE, block_actions(*(pressed(f"action-{n}", n) for n in range(1, 6))))
    assert isinstance(value, Clicks)
    assert [click.issue.id for click in value.clicks] == [1, 2, 3, 4, 5]


CONTAINERS = {
    "message": (
        {"type": "message", "message_ts": "1.2", "channel_id": "C1", "thread_ts": "1.1"},
        ("C1", "1.2", "1.1", ""),
    ),
    "attachment": (
        {
            "type": "message_attachment",
            "message_ts": "1.2",
            "attachment_id": 1,
            "channel_id": "C1",
            "is_app_unfurl": True,
        },
        ("C1", "1.2", "", ""),
    ),
    "view": ({"type": "view", "view_id": "V1"}, ("C0ALERTS", "1700000000.000100", "", "V1")),
}


@pytest.mark.parametrize(("container", "place"), CONTAINERS.values(), ids=CONTAINERS.keys())
def test_a_container_says_where(container: dict[str, Any], place: tuple[str, ...]) -> None:
    found = clicks(container=container).place
    assert (found.channel, found.ts, found.thread_ts, found.view_id) == place


SOURCES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "nested": ({"team": {"id": "T1"}}, ("T1",)),
    "flat": ({"team": "T1"}, ("T1",)),
    "team_id": ({"team": None, "team_id": "T1"}, ("T1",)),
    "no team": ({"team": None}, ()),
    "in an enterprise": ({"team": {"id": "T1", "enterprise_id": "E1"}}, ("E1/T1", "T1")),
    "enterprise nested": ({"team": {"id": "T1"}, "enterprise": {"id": "E1"}}, ("E1/T1", "T1")),
    "enterprise flat": ({"team": {"id": "T1"}, "enterprise_id": "E1"}, ("E1/T1", "T1")),
    "org-wide": ({"team": None, "enterprise": {"id": "E1"}, "is_enterprise_install": True}, ("E1/",)),
    "org-wide, with team": (
        {"team": {"id": "T1"}, "enterprise": {"id": "E1"}, "is_enterprise_install": True},
        ("E1/T1", "E1/", "T1"),
    ),
    "org-wide as a word": ({"team": None, "enterprise_id": "E1", "is_enterprise_install": "true"}, ("E1/",)),
    "not org-wide as a word": ({"team": None, "enterprise_id": "E1", "is_enterprise_install": "false"}, ()),
    "the view's before the team": ({"view": {"app_installed_team_id": "T2"}, "team": {"id": "T1"}}, ("T2",)),
    "the authorization before the team": ({"authorizations": [{"team_id": "T2"}], "team": {"id": "T1"}}, ("T2",)),
    "org-wide authorization": (
        {"authorizations": [{"enterprise_id": "E1", "team_id": None, "is_enterprise_install": True}], "team": None},
        ("E1/",),
    ),
    "empty authorizations": ({"authorizations": [], "team": {"id": "T1"}}, ("T1",)),
    "the user's team never": ({"team": None, "user": {"id": "U1", "team_id": "T9"}}, ()),
    "the user's team never, beside another": ({"team": {"id": "T1"}, "user": {"id": "U1", "team_id": "T9"}}, ("T1",)),
}


@pytest.mark.parametrize(("more", "expected"), SOURCES.values(), ids=SOURCES.keys())
def test_the_installation_is_looked_up_in_order(more: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert keys(**more) == expected


VALUES = {
    '{"issue": 7, "v": 3}': IssueSeen(id=7, version=3),
    '{"issue":7}': IssueSeen(id=7),
    '{"issue": 7, "v": "3"}': IssueSeen(id=7),
    '{"issue": 7, "v": true}': IssueSeen(id=7),
    '{"issue": 9223372036854775808}': IssueSeen(),
    '{"issue": true}': IssueSeen(),
    '{"issue": "7"}': IssueSeen(),
    '{"issue": -7}': IssueSeen(),
    '{"issue": 7.5}': IssueSeen(),
    '{"issue": null}': IssueSeen(),
    "[7]": IssueSeen(),
    "7": IssueSeen(),
    "": IssueSeen(),
    "{": IssueSeen(),
    "[" * 1900: IssueSeen(),
}


@pytest.mark.parametrize(("value", "seen"), VALUES.items(), ids=[value[:40] for value in VALUES])
def test_a_value_names_an_issue_or_none(value: str, seen: IssueSeen) -> None:
    assert issue_seen(value) == seen


@pytest.mark.parametrize(
    "more",
    [
        {"response_url": 7},
        {"response_url": "x" * 1001},
        {"trigger_id": "\ud800"},
        {"trigger_id": "a\x00b"},
        {"team": {"id": "T 1"}},
        {"team": {"id": 7}},
        {"user": {"id": ""}},
        {"user": {}},
        {"actions": [pressed("x", 1)] * 101},
    ],
)
def test_what_slack_never_sends_is_malformed(more: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        clicks(**more)


@pytest.mark.parametrize(
    "user", [{"id": "U1"}, {"id": "U1", "username": None, "name": 7}, {"id": "U1", "name": "x" * 500}]
)
def test_a_name_is_for_showing_only(user: dict[str, Any]) -> None:
    assert clicks(user=user).sender.id == "U1"


def test_the_team_of_the_tests_is_read() -> None:
    assert keys() == (TEAM_ID,)
