"""`tocsin demo`: everything on one machine, described by one line of JSON."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.processes import STOP_SECONDS
from tests.slack_fixture import Slack
from tests.test_process_serve import alive
from tests.waiting import until

Start = Callable[..., tuple[dict[str, Any], subprocess.Popen[bytes]]]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Start]:
    """`demo(NAME="value")`: what it printed when it was ready, and its process, which leads a group of its own."""
    started: list[subprocess.Popen[bytes]] = []

    def start(**environment: str) -> tuple[dict[str, Any], subprocess.Popen[bytes]]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TOCSIN_", "DJANGO_"))}
        with (tmp_path / f"demo-{len(started)}.log").open("wb") as log:
            process = subprocess.Popen(
                ["setpriv", "--pdeathsig=TERM", sys.executable, "-m", "tocsin.cli", "demo", "--headless", "--json"],
                env={**kept, **environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        started.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, (tmp_path / f"demo-{len(started) - 1}.log").read_text()
        return json.loads(line), process

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(STOP_SECONDS)
        if process.stdout is not None:
            process.stdout.close()


def ask(url: str, token: str = "", body: Any = None) -> Any:
    request = Request(url, data=None if body is None else json.dumps(body).encode())
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    with urlopen(request, timeout=10) as answer:
        return json.load(answer)


def test_the_demo_tells_everything_in_one_line_and_its_cards_work(demo: Start) -> None:
    told, _ = demo()
    assert told.keys() == {
        *("url", "dsn", "organization", "project", "users", "slack", "api_token", "data_dir", "pids"),
    }
    assert [user["slack_user_id"] for user in told["users"]] == ["U0ALICE", "U0CAROL", None]
    assert [user["role"] for user in told["users"]] == ["owner", "member", "member"]
    assert all(alive(told["pids"][name]) for name in ("web", "worker"))
    page = told["slack"]["page"]
    channel = told["slack"]["channels"]["alerts"]
    cards = ask(f"{page}control/state")["messages"][channel]
    assert len(cards) == 4
    classic = ask(f"{page}control/state")["messages"][told["slack"]["channels"]["classic"]]
    assert [len(message["attachments"]) for message in classic] == [1] * 4, "the same, in the style of old"

    issues = ask(f"{told['url']}/api/0/organizations/{told['organization']}/issues/", told["api_token"])
    assert {issue["status"] for issue in issues} == {"unresolved"}
    click = {"as": "U0ALICE", "channel": channel, "ts": cards[0]["ts"], "action_id": "tocsin.resolve"}
    assert ask(f"{page}control/click", body=click)["judgement"]["ok"]

    def resolved() -> list[str]:
        found = ask(f"{told['url']}/api/0/organizations/acme/issues/?status=resolved", told["api_token"])
        return [issue["shortId"] for issue in found]

    assert len(until(resolved, what="the click's effect")) == 1


def test_a_link_unfurls_in_the_demo_and_shortcuts_open(demo: Start) -> None:
    told, _ = demo()
    page, channel = told["slack"]["page"], told["slack"]["channels"]["alerts"]
    assert [one["name"] for one in ask(f"{page}control/state")["app"]["shortcuts"]] == [
        *("Find issue", "Triage", "Comment on issue"),
    ]
    (issue, *_) = ask(f"{told['url']}/api/0/organizations/{told['organization']}/issues/", told["api_token"])
    link = f"{told['url']}/organizations/{told['organization']}/issues/{issue['id']}/"
    ask(f"{page}control/post", body={"as": "U0ALICE", "channel": channel, "text": f"look: {link}"})

    def unfurled() -> bool:
        return issue["shortId"] in str(ask(f"{page}control/state")["messages"][channel][-1].get("attachments"))

    until(unfurled, what="the link to unfurl")


def test_sigterm_to_the_group_ends_everything_and_the_data_goes_with_it(demo: Start) -> None:
    told, process = demo()
    os.killpg(process.pid, signal.SIGTERM)
    assert process.wait(STOP_SECONDS) == 0
    assert not any(alive(pid) for pid in told["pids"].values())
    assert not Path(told["data_dir"]).exists()
    assert process.stdout is not None
    assert process.stdout.read() == b"", "nothing but the one line"


def test_another_slack_is_used_when_it_is_named(demo: Start, slack: Slack) -> None:
    told, _ = demo(
        TOCSIN_SLACK_API_URL=slack.api_url,
        TOCSIN_SLACK_BOT_TOKEN=slack.bot_token,
        TOCSIN_SLACK_SIGNING_SECRET=slack.signing_secret,
    )
    assert told["slack"]["api_url"] == slack.api_url
    assert told["slack"]["team_id"] == slack.team_id
    assert told["slack"]["channels"] == {"alerts": slack.channel("alerts"), "classic": slack.channel("alerts-classic")}
    assert (len(slack.messages("alerts")), len(slack.messages("alerts-classic"))) == (4, 4)
    slack.connect(f"{told['url']}/slack/interactive")
    newest = slack.messages("alerts")[-1]
    asked = {"as": "U0CAROL", "channel": slack.channel("alerts"), "ts": newest["ts"], "action_id": "tocsin.resolve"}
    assert slack.click(asked)["judgement"]["ok"]
    until(lambda: "Reopen" in str(slack.messages("alerts")[-1]), what="the card to follow")


def test_kept_data_is_taken_up_again(demo: Start, tmp_path: Path) -> None:
    first, process = demo(TOCSIN_DATA_DIR=str(tmp_path / "kept"))
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(STOP_SECONDS)
    second, _ = demo(TOCSIN_DATA_DIR=str(tmp_path / "kept"))
    assert second["dsn"].split("@")[0] == first["dsn"].split("@")[0]
    assert [user["email"] for user in second["users"]] == [user["email"] for user in first["users"]]
