"""Where the app is installed: a workspace of its own, one of an Enterprise Grid, a whole Grid; and channels of two companies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from slack_sdk import WebClient

from tests.simulator.conftest import FURTHER, App, Modals, button, question, row
from tests.simulator.test_dialogs import dialog
from tests.slack_fixture import Slack
from tocsin.simulator.fields import NotThere

GRID = ("E0GRID", "Tocsin Group")
ALICE = "U0ALICE"
SHORTCUTS = [
    {"name": "Find", "type": "global", "callback_id": "find"},
    {"name": "Link", "type": "message", "callback_id": "link"},
]
OLD: dict[str, Any] = {
    "fallback": "x",
    "callback_id": '{"issue": 1}',
    "actions": [{"name": "go", "type": "button", "text": "Go", "value": "go"}],
}
Act = Callable[[Slack, WebClient, Modals], dict[str, Any]]


def _click(slack: Slack, bot: WebClient, modals: Modals) -> dict[str, Any]:
    bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[row(button())])
    return dict(slack.card(1).click("Go", as_=ALICE)["payload"])


def _old_click(slack: Slack, bot: WebClient, modals: Modals) -> dict[str, Any]:
    bot.chat_postMessage(channel="C0ALERTS", text="x", attachments=[OLD])
    return dict(slack.card(1).click("Go", as_=ALICE)["payload"])


def _submission(slack: Slack, bot: WebClient, modals: Modals) -> dict[str, Any]:
    modals.open(question("Name", optional=True))
    return dict(slack.view(ALICE).submit()["payload"])


def _dialog(slack: Slack, bot: WebClient, modals: Modals) -> dict[str, Any]:
    bot.dialog_open(trigger_id=modals.trigger(), dialog=dialog())
    slack.dialog(ALICE).choose(slack.dialog(ALICE).labels[0], "x")
    return dict(slack.dialog(ALICE).submit()["payload"])


def _shortcut(slack: Slack, bot: WebClient, modals: Modals) -> dict[str, Any]:
    return dict(slack.shortcut(ALICE, "find")["payload"])


def _on_message(slack: Slack, bot: WebClient, modals: Modals) -> dict[str, Any]:
    return dict(slack.shortcut(ALICE, "link", slack.say("hello", as_=ALICE))["payload"])


ACTS: tuple[Act, ...] = (_click, _old_click, _submission, _dialog, _shortcut, _on_message)


@pytest.fixture
def app(slack: Slack, app: App) -> App:
    slack.change_app(shortcuts=SHORTCUTS, unfurl_domains=["tocsin.example"], commands=[{"command": "/ours"}])
    return app


@pytest.mark.parametrize("act", ACTS)
def test_in_a_workspace_of_a_grid_team_and_grid_are_named(
    slack: Slack, bot: WebClient, app: App, modals: Modals, act: Act
) -> None:
    slack.change_team(GRID)
    payload = act(slack, bot, modals)
    grid = {"enterprise_id": "E0GRID", "enterprise_name": "Tocsin Group"}
    assert payload["team"] == {"id": "T0TOCSIN", "domain": "tocsin-demo", **grid}
    assert payload["enterprise"] == {"id": "E0GRID", "name": "Tocsin Group"}
    assert payload["is_enterprise_install"] is False


@pytest.mark.parametrize("act", ACTS)
def test_in_a_whole_grid_no_team_is_named(slack: Slack, bot: WebClient, app: App, modals: Modals, act: Act) -> None:
    slack.change_team(GRID)
    slack.change_app(is_org_wide=True)
    payload = act(slack, bot, modals)
    assert payload["team"] is None
    assert payload["enterprise"] == {"id": "E0GRID", "name": "Tocsin Group"}
    assert payload["is_enterprise_install"] is True


@pytest.mark.parametrize("act", ACTS)
def test_elsewhere_there_is_no_grid(slack: Slack, bot: WebClient, app: App, modals: Modals, act: Act) -> None:
    payload = act(slack, bot, modals)
    assert payload["team"] == {"id": "T0TOCSIN", "domain": "tocsin-demo"}
    assert payload.get("enterprise") is None
    assert payload.get("is_enterprise_install", False) is False


def test_a_command_names_the_workspace_in_which_it_was_typed(slack: Slack, app: App) -> None:
    slack.change_team(GRID)
    slack.change_app(is_org_wide=True)
    payload = slack.command(ALICE, "/ours")["payload"]
    told = [payload[name] for name in ("team_id", "enterprise_id", "enterprise_name", "is_enterprise_install")]
    assert told == ["T0TOCSIN", "E0GRID", "Tocsin Group", "true"]


@pytest.mark.parametrize("is_org_wide", [False, True])
def test_events_and_auth_test_say_it(slack: Slack, bot: WebClient, app: App, is_org_wide: bool) -> None:
    slack.change_team(GRID)
    slack.change_app(is_org_wide=is_org_wide)
    (result,) = slack.post("https://tocsin.example/1/", as_=ALICE).results
    event = result["payload"]
    assert (event["enterprise_id"], event["context_enterprise_id"]) == ("E0GRID", "E0GRID")
    (authorized,) = event["authorizations"]
    assert authorized["team_id"] == (None if is_org_wide else "T0TOCSIN")
    assert (authorized["enterprise_id"], authorized["is_enterprise_install"]) == ("E0GRID", is_org_wide)
    tested = bot.auth_test()
    assert (tested["enterprise_id"], tested["is_enterprise_install"]) == ("E0GRID", is_org_wide)


def test_what_is_no_grid_is_refused(slack: Slack) -> None:
    with pytest.raises(NotThere, match="Enterprise Grid"):
        slack.change_app(is_org_wide=True)
    with pytest.raises(NotThere, match="an id and a name"):
        slack.change_team(("", ""))
    slack.change_team(GRID)
    slack.change_app(is_org_wide=True)
    slack.change_team(None)
    assert slack.simulation.workspace.app.is_org_wide is False


# --- two companies in one channel ------------------------------------------------------------------------------------
@pytest.fixture
def zoe(slack: Slack) -> str:
    """Of another company, in #alerts, which is shared with it."""
    slack.change_user("U0ZOE", team_id="T0OTHER", is_stranger=True)
    slack.change_channel("alerts", "share")
    slack.change_channel("alerts", "invite", user="U0ZOE")
    return "U0ZOE"


def test_a_stranger_clicks_with_a_team_of_their_own(slack: Slack, bot: WebClient, app: App, zoe: str) -> None:
    bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[row(button())])
    payload = slack.card(1).click("Go", as_=zoe)["payload"]
    assert (payload["user"]["team_id"], payload["team"]["id"]) == ("T0OTHER", "T0TOCSIN")
    told = bot.users_info(user=zoe)["user"]
    assert (told["team_id"], told["is_stranger"]) == ("T0OTHER", True)
    assert bot.conversations_info(channel="C0ALERTS")["channel"]["is_ext_shared"] is True


def test_a_strangers_modal_names_the_workspace_that_the_app_is_installed_in(
    slack: Slack, bot: WebClient, app: App, modals: Modals, zoe: str
) -> None:
    modals.open(question("Name", optional=True), FURTHER, who=zoe)
    payload = slack.view(zoe).submit()["payload"]
    assert (payload["team"]["id"], payload["user"]["team_id"], payload["view"]["team_id"]) == ("T0OTHER",) * 3
    assert payload["view"]["app_installed_team_id"] == "T0TOCSIN"


def test_an_event_says_that_the_channel_is_shared(slack: Slack, app: App, zoe: str) -> None:
    (result,) = slack.post("https://tocsin.example/1/", as_=ALICE).results
    assert result["payload"]["is_ext_shared_channel"] is True
    slack.change_channel("alerts", "unshare")
    (result,) = slack.post("https://tocsin.example/2/", as_=ALICE).results
    assert result["payload"]["is_ext_shared_channel"] is False
