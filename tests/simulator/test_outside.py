"""A small app on Slack's own Bolt for Python, and Slack's own clients, against the simulator: is it like Slack to them?

The app below is written as the documentation of Bolt shows it. It knows nothing of the simulator but its address.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from slack_bolt import App, BoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.models import attachments, blocks, views
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook import WebhookClient

from tests.slack_fixture import Slack

ALICE, BOB = "U0ALICE", "U0BOB"
CHANNEL = "C0ALERTS"
CARD = [
    blocks.SectionBlock(text="*Checkout* is broken", block_id="about"),
    blocks.ActionsBlock(
        block_id='{"issue": 1}',
        elements=[
            blocks.ButtonElement(text="Resolve", action_id="resolve", value="1", style="primary"),
            blocks.ButtonElement(text="Ask", action_id="ask", value="1"),
            blocks.ExternalDataSelectElement(action_id="assign", placeholder="Assign", min_query_length=0),
        ],
    ),
]


def _on_messages(app: App) -> None:
    @app.action("resolve")
    def resolve(ack: Any, body: Any, respond: Any, client: WebClient) -> None:
        ack()
        client.chat_update(
            channel=body["channel"]["id"], ts=body["message"]["ts"], text=f"Resolved by <@{body['user']['id']}>"
        )
        respond(text="Done", response_type="ephemeral", replace_original=False)

    @app.options("assign")
    def people(ack: Any, body: Any) -> None:
        found = [name for name in ("Alice", "Bob") if name.lower().startswith(body["value"].lower())]
        ack(options=[{"text": {"type": "plain_text", "text": name}, "value": name.lower()} for name in found])

    @app.action("assign")
    def assign(ack: Any, action: Any, say: Any) -> None:
        ack()
        say(f"Assigned to {action['selected_option']['text']['text']}")

    @app.action({"callback_id": "old", "type": "interactive_message"})
    def old(ack: Any, body: Any) -> None:
        ack({"text": f"{body['actions'][0]['value']} by {body['user']['name']}", "attachments": []})


def _in_modals(app: App) -> None:
    @app.action("ask")
    def ask(ack: Any, body: Any, client: WebClient) -> None:
        ack()
        name = blocks.InputBlock(
            block_id="why", label="Why", element=blocks.PlainTextInputElement(action_id="text", min_length=3)
        )
        view = views.View(type="modal", callback_id="reason", title="Why?", submit="Say", blocks=[name])
        client.views_open(trigger_id=body["trigger_id"], view=view)

    @app.view("reason")
    def reason(ack: Any, body: Any, view: Any, client: WebClient) -> None:
        why = view["state"]["values"]["why"]["text"]["value"]
        if why == "because":
            ack(response_action="errors", errors={"why": "That is no reason."})
            return
        ack()
        client.chat_postEphemeral(channel=CHANNEL, user=body["user"]["id"], text=f"You said: {why}")


def _elsewhere(app: App) -> None:
    @app.command("/bolt")
    def command(ack: Any, command: Any) -> None:
        ack(text=f"You typed {command['text']!r}", response_type="ephemeral")

    @app.shortcut("find")
    def find(ack: Any, body: Any, client: WebClient) -> None:
        ack()
        said = blocks.SectionBlock(text="Found")
        client.views_open(trigger_id=body["trigger_id"], view=views.View(type="modal", title="Find", blocks=[said]))

    @app.event("link_shared")
    def link_shared(event: Any, client: WebClient) -> None:
        shown = {link["url"]: {"blocks": [{"type": "divider"}]} for link in event["links"]}
        client.chat_unfurl(channel=event["channel"], ts=event["message_ts"], unfurls=shown)


def made(slack: Slack, client: WebClient) -> App:
    """The app, for any workspace that the simulator says it is installed in."""

    def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=slack.bot_token)

    app = App(client=client, signing_secret=slack.signing_secret, authorize=authorize, process_before_response=True)
    for register in (_on_messages, _in_modals, _elsewhere):
        register(app)
    return app


@pytest.fixture
def client(slack: Slack) -> WebClient:
    return WebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[])


@pytest.fixture
def bolt(slack: Slack, client: WebClient) -> Iterator[App]:
    app = made(slack, client)

    def deliver(path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        answered = app.dispatch(BoltRequest(body=body.decode(), headers=dict(headers)))
        return answered.status, {name: values[0] for name, values in answered.headers.items()}, answered.body.encode()

    slack.connect(deliver=deliver)
    slack.change_app(
        shortcuts=[{"name": "Find", "type": "global", "callback_id": "find"}],
        commands=[{"command": "/bolt"}],
        unfurl_domains=["bolt.example"],
    )
    return app


@pytest.fixture
def card(slack: Slack, client: WebClient, bolt: App) -> str:
    """The ts of a message with buttons and a menu."""
    return str(client.chat_postMessage(channel=CHANNEL, text="Checkout is broken", blocks=CARD)["ts"])


def test_a_click_is_heard_answered_and_rewrites_the_message(slack: Slack, card: str) -> None:
    assert slack.card(1).click("Resolve", as_=ALICE)["judgement"]["ok"]
    (message,) = slack.messages()
    assert (message["ts"], message["text"]) == (card, "Resolved by <@U0ALICE>")
    assert slack.ephemerals(ALICE)[-1]["text"] == "Done"


def test_a_modal_opens_refuses_and_takes(slack: Slack, card: str) -> None:
    assert slack.card(1).click("Ask", as_=ALICE)["judgement"]["ok"]
    view = slack.view(ALICE)
    assert (view.title, view.submit_label) == ("Why?", "Say")
    view.type("Why", "because")
    assert slack.view(ALICE).submit()["judgement"]["ok"]
    assert slack.view(ALICE).errors == {"why": "That is no reason."}
    slack.view(ALICE).type("Why", "it was late")
    assert slack.view(ALICE).submit()["judgement"]["ok"]
    assert not slack.view(ALICE)
    assert slack.ephemerals(ALICE)[-1]["text"] == "You said: it was late"


def test_a_menu_lists_and_is_chosen_from(slack: Slack, card: str) -> None:
    assert slack.card(1).options("Assign", "b", as_=BOB) == [("Bob", "bob", "")]
    assert slack.card(1).choose("Assign", "Bob", as_=BOB)["judgement"]["ok"]
    assert slack.messages()[-1]["text"] == "Assigned to Bob"


def test_a_button_of_old_replaces_its_message(slack: Slack, client: WebClient, bolt: App) -> None:
    action = attachments.ActionButton(name="go", text="Go", value="done")
    old = attachments.InteractiveAttachment(text="Old", fallback="Old", callback_id="old", actions=[action])
    posted = client.chat_postMessage(channel=CHANNEL, text="x", attachments=[old.to_dict()])
    asked = {"as": ALICE, "channel": CHANNEL, "ts": posted["ts"], "attachment": 1, "action": "1"}
    assert slack.click(asked)["judgement"]["ok"]
    assert slack.messages()[-1]["text"] == "done by alice"


def test_commands_shortcuts_and_links_are_heard(slack: Slack, bolt: App) -> None:
    assert slack.command(ALICE, "/bolt hello there")["judgement"]["ok"]
    assert slack.ephemerals(ALICE)[-1]["text"] == "You typed 'hello there'"
    assert slack.shortcut(ALICE, "find")["judgement"]["ok"]
    assert slack.view(ALICE).title == "Find"
    posted = slack.post("https://bolt.example/1/", as_=ALICE)
    assert [result["status"] for result in posted.results] == [200]
    assert slack.messages()[-1]["attachments"][0]["from_url"] == "https://bolt.example/1/"


@pytest.mark.parametrize("signing", ["bad_secret", "stale", "missing", "tampered"])
def test_what_slack_did_not_sign_bolt_refuses(slack: Slack, card: str, signing: str) -> None:
    result = slack.card(1).click("Resolve", as_=ALICE, signing=signing)
    assert (result["status"], result["judgement"]["ok"]) == (401, True)
    assert slack.messages()[0]["text"] == "Checkout is broken"


def test_a_grid_and_another_company_are_heard_too(slack: Slack, card: str) -> None:
    slack.change_team(("E0GRID", "Group"))
    slack.change_user("U0ZOE", team_id="T0OTHER", is_stranger=True)
    slack.change_channel("alerts", "share")
    slack.change_channel("alerts", "invite", user="U0ZOE")
    for is_org_wide in (False, True):
        slack.change_app(is_org_wide=is_org_wide)
        assert slack.card(1).click("Ask", as_="U0ZOE")["status"] == 200
        assert slack.view("U0ZOE").title == "Why?"


# --- the clients -----------------------------------------------------------------------------------------------------
def test_the_async_client_and_its_pages(slack: Slack) -> None:
    async def walk() -> tuple[list[str], str]:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[])
        names = []
        async for page in await client.conversations_list(limit=2, types="public_channel,private_channel"):
            names += [channel["name"] for channel in page["channels"]]
        posted = await client.chat_postMessage(channel=CHANNEL, text="async")
        link = await client.chat_getPermalink(channel=CHANNEL, message_ts=posted["ts"])
        return names, str(link["permalink"])

    with ThreadPoolExecutor(1) as thread:  # where no other loop runs
        names, permalink = thread.submit(lambda: asyncio.run(walk())).result(60)
    assert {"alerts", "alerts-classic", "general", "ops-private"} <= set(names)
    assert len(names) == len(set(names))
    assert permalink.startswith("https://tocsin-demo.slack.com/archives/C0ALERTS/p")


def test_errors_and_warnings_are_the_clients_own(slack: Slack, client: WebClient) -> None:
    with pytest.raises(SlackApiError) as refused:
        client.chat_postMessage(channel="C0NOWHERE", text="x")
    assert refused.value.response["error"] == "channel_not_found"
    slack.fail("chat.postMessage", "429", retry_after=7)
    with pytest.raises(SlackApiError) as limited:
        client.chat_postMessage(channel=CHANNEL, text="x")
    assert (limited.value.response.status_code, limited.value.response.headers["Retry-After"]) == (429, "7")


def test_a_response_url_takes_the_webhook_client(slack: Slack, card: str) -> None:
    url = slack.card(1).click("Resolve", as_=BOB)["payload"]["response_url"]
    answer = WebhookClient(url).send(text="By its own client", response_type="ephemeral")
    assert (answer.status_code, answer.body) == (200, "ok")
    assert slack.ephemerals(BOB)[-1]["text"] == "By its own client"


def test_signatures_are_those_that_the_client_verifies(slack: Slack) -> None:
    heard: list[bool] = []

    def deliver(path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        heard.append(SignatureVerifier(slack.signing_secret).is_valid_request(body, dict(headers)))
        return 200, {}, b""

    slack.connect(deliver=deliver)
    slack.change_app(commands=[{"command": "/bolt"}])
    slack.command(ALICE, "/bolt")
    assert heard == [True]
