"""How often methods may be called, on the workspace's clock."""

from __future__ import annotations

from contextlib import suppress

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from tests.slack_fixture import Slack
from tocsin.simulator.errors import RateLimited
from tocsin.simulator.methods import METHODS
from tocsin.simulator.tiers import CHANNEL_BURST, TIERS


@pytest.fixture(autouse=True)
def stopped_clock(slack: Slack) -> None:
    slack.simulation.workspace.clock.stop()


def limited(bot: WebClient, channel: str = "C0ALERTS") -> int | None:
    """Post; None when that went well, else the seconds to wait."""
    try:
        bot.chat_postMessage(channel=channel, text="x")
    except SlackApiError as error:
        refused = error.response
    else:
        return None
    assert (refused.status_code, refused.data) == (429, {"ok": False, "error": "ratelimited"})
    return int(refused.headers["Retry-After"])


def test_a_channel_takes_a_short_burst_then_one_message_a_second(slack: Slack, bot: WebClient) -> None:
    assert [limited(bot) for _ in range(CHANNEL_BURST)] == [None] * CHANNEL_BURST
    assert limited(bot) == 1
    assert limited(bot, "C0CLASSIC") is None, "other channels go on"
    slack.advance(1)
    assert limited(bot) is None
    assert limited(bot) == 1
    assert len(slack.messages("alerts")) == CHANNEL_BURST + 1


def test_a_channel_is_one_channel_by_whatever_name(slack: Slack, bot: WebClient) -> None:
    for name in ("C0ALERTS", "#alerts", "alerts", "C0ALERTS"):
        assert limited(bot, name) is None
    assert limited(bot, "#alerts") == 1


def test_a_workspace_takes_so_many_messages_a_minute(slack: Slack, bot: WebClient) -> None:
    for number in range(100):
        slack.do(slack.simulation.limits.check, "chat.postMessage", "special", f"C{number}")
        slack.do(slack.simulation.limits.check, "chat.postMessage", "special", f"C{number}")
        slack.do(slack.simulation.limits.check, "chat.postMessage", "special", f"C{number}")
    assert limited(bot) == 1
    slack.advance(1)
    assert limited(bot) is None


def test_what_a_channel_refuses_does_not_count_for_the_workspace(slack: Slack, bot: WebClient) -> None:
    for _ in range(TIERS["special"] * 2):
        with suppress(RateLimited):
            slack.do(slack.simulation.limits.check, "chat.postMessage", "special", "C0ALERTS")
    assert limited(bot, "C0ALERTS") == 1
    assert limited(bot, "C0CLASSIC") is None


@pytest.mark.parametrize(
    ("method", "args"),
    [
        ("conversations.list", {}),
        ("conversations.info", {"channel": "C0ALERTS"}),
        ("users.info", {"user": "U0ALICE"}),
        ("auth.test", {}),
    ],
)
def test_a_method_is_limited_by_its_tier_and_no_other_with_it(
    slack: Slack, bot: WebClient, method: str, args: dict[str, str]
) -> None:
    tier = TIERS[METHODS[method].tier]
    for _ in range(tier):
        assert bot.api_call(method, params=args)["ok"]
    with pytest.raises(SlackApiError) as refused:
        bot.api_call(method, params=args)
    assert refused.value.response.headers["Retry-After"] == str(-(-60 // tier))
    assert bot.api_call("team.info")["ok"]
    slack.advance(60)
    assert bot.api_call(method, params=args)["ok"]


def test_limits_can_be_loosened(slack: Slack, bot: WebClient) -> None:
    slack.loosen()
    assert [limited(bot) for _ in range(20)] == [None] * 20
