"""Slack's four addresses: the order of the checks, and what each request is answered."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import OperationalError, connection
from django.test import Client
from structlog.testing import capture_logs

from tests.people import Person
from tests.signed import (
    ADDRESSES,
    EVENTS,
    INTERACTIVE,
    JSON,
    block_actions,
    event,
    form,
    headers,
    interactive,
    post,
    pressed,
    send,
)
from tests.slack_fixture import connection_kept
from tests.world import TEAM_ID
from tocsin.accounts.models import Organization
from tocsin.clock import database_now
from tocsin.issues.models import Issue
from tocsin.outbox.models import Delivery
from tocsin.slack.http import BODY_MAX
from tocsin.slack.models import Identity, Installation, LinkToken, Received, Workspace

COMMAND = {
    "command": "/tocsin",
    "team_id": TEAM_ID,
    "user_id": "U0ALICE",
    "text": "my payload=",
    "channel_id": "C0ALERTS",
}
VERIFICATION = {"type": "url_verification", "challenge": "3eZbrw1aB10FEMAGAZd4FyFQ"}


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete", "options"])
def test_other_methods_than_post_are_405(address: str, method: str) -> None:
    answer = getattr(Client(SERVER_NAME="localhost"), method)(address)
    assert (answer.status_code, answer.content, answer["Allow"]) == (405, b"", "POST")


@pytest.mark.parametrize("address", ADDRESSES)
def test_each_address_takes_any_kind(
    address: str, make_issue: Callable[..., Issue], installation: Installation, alice: Person
) -> None:
    issue = make_issue()
    assert json.loads(event(VERIFICATION, address).content) == {"challenge": VERIFICATION["challenge"]}
    assert interactive(block_actions(pressed("tocsin.resolve", issue.pk)), address).status_code == 200
    issue.refresh_from_db()
    assert issue.status == "resolved"
    assert json.loads(post(address, form(**COMMAND)).content)["response_type"] == "ephemeral"


def test_a_check_of_the_certificate_is_answered_before_the_signature(database: None) -> None:
    answer = send(INTERACTIVE, form(ssl_check="1", token="x"), {})
    assert (answer.status_code, answer.content) == (200, b"")
    for other in (form(ssl_check="0"), form(text="ssl_check=1"), b"ssl_check=1&ssl_check=1", b"ssl_check=1&x=%ff"):
        assert send(INTERACTIVE, other, {}).status_code == 401


def test_a_check_of_the_certificate_has_no_effect(
    make_issue: Callable[..., Issue], installation: Installation, alice: Person
) -> None:
    issue = make_issue()
    payload = json.dumps(block_actions(pressed("tocsin.resolve", issue.pk)))
    assert send(INTERACTIVE, form(ssl_check="1", payload=payload), {}).status_code == 200
    issue.refresh_from_db()
    assert issue.status == "unresolved"


def test_url_verification_needs_a_signature_and_no_installation(database: None) -> None:
    body = json.dumps(VERIFICATION).encode()
    assert send(EVENTS, body, {}, JSON).status_code == 401
    answer = event(VERIFICATION)
    assert (answer.status_code, json.loads(answer.content)) == (200, {"challenge": VERIFICATION["challenge"]})


# --- decoding --------------------------------------------------------------------------------------------------------
BAD_FORMS = {
    "no payload": form(other="1"),
    "payload twice": form(payload="{}") + b"&" + form(payload="{}"),
    "empty payload": form(payload=""),
    "a list": form(payload="[]"),
    "a number": form(payload="7"),
    "null": form(payload="null"),
    "broken": form(payload='{"type":'),
    "without type": form(payload="{}"),
    "type is no text": form(payload='{"type": 7}'),
    "nested without end": form(payload='{"a":' * 50_000),
    "not UTF-8": b"payload=\xff\xfe",
    "not UTF-8 inside": b"payload=%ff%fe",
    "too many fields": b"&".join(b"a=1" for _ in range(200)),
    "a list as body": b"[]",
    "a command without team": form(command="/tocsin", text=""),
    "a command without name": form(command="", team_id=TEAM_ID),
    "a click without user": form(payload=json.dumps({**block_actions(pressed("x", 1)), "user": None})),
    "a click without actions": form(payload=json.dumps(block_actions())),
    "actions are no list": form(payload=json.dumps({**block_actions(), "actions": {}})),
    "an action is no object": form(payload=json.dumps({**block_actions(), "actions": ["x"]})),
    "an action without id": form(payload=json.dumps(block_actions({"type": "button"}))),
    "an id that is none": form(payload=json.dumps(block_actions(pressed("x", 1), user="U\x00"))),
}


@pytest.mark.parametrize("body", BAD_FORMS.values(), ids=BAD_FORMS.keys())
def test_what_cannot_be_read_is_400_with_one_line_in_the_log(body: bytes, database: None) -> None:
    with capture_logs() as lines:
        answer = post(INTERACTIVE, body)
    assert (answer.status_code, answer.content) == (400, b"")
    assert "X-Slack-No-Retry" not in answer
    (line,) = lines
    assert line["reason"]


BAD_EVENTS = {
    "broken": b'{"type":',
    "without type": b"{}",
    "event without type": json.dumps({"type": "event_callback", "team_id": TEAM_ID, "event": {}}).encode(),
    "no event": json.dumps({"type": "event_callback", "team_id": TEAM_ID}).encode(),
    "no challenge": b'{"type": "url_verification"}',
    "a number of 5000 digits": b'{"type": ' + b"1" * 5000 + b"}",
}


@pytest.mark.parametrize("body", BAD_EVENTS.values(), ids=BAD_EVENTS.keys())
def test_an_event_that_cannot_be_read_is_400_and_not_sent_again(body: bytes, database: None) -> None:
    answer = post(EVENTS, body, JSON)
    assert (answer.status_code, answer.content, answer["X-Slack-No-Retry"]) == (400, b"", "1")


# --- the body --------------------------------------------------------------------------------------------------------
class Stream(io.RawIOBase):
    """A server's stream: counts what was read; `breaks` in the middle."""

    def __init__(self, content: bytes, *, breaks: bool = False) -> None:
        self.left = content
        self.read_bytes = 0
        self.breaks = breaks

    def read(self, size: int = -1) -> bytes:
        piece, self.left = self.left[:size], self.left[size:]
        self.read_bytes += len(piece)
        if not piece and self.breaks:
            raise ConnectionResetError("gone")
        return piece


def through_wsgi(stream: Stream, given: dict[str, str], **more: Any) -> int:
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": INTERACTIVE,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "wsgi.input": stream,
        "wsgi.url_scheme": "http",
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in given.items()},
        **more,
    }
    began: list[str] = []
    with connection_kept():
        WSGIHandler()(environ, lambda status, _: began.append(status)).close()  # type: ignore[arg-type, return-value]
    return int(began[0].split()[0])


def test_a_body_over_one_mebibyte_is_413_before_it_is_read() -> None:
    stream = Stream(b"a" * (BODY_MAX + 1))
    assert through_wsgi(stream, {}, CONTENT_LENGTH=str(BODY_MAX + 1)) == 413
    assert stream.read_bytes == 0


def test_a_chunked_body_over_one_mebibyte_is_413_after_one_mebibyte() -> None:
    stream = Stream(b"a" * 5 * BODY_MAX)
    assert through_wsgi(stream, {}) == 413
    assert stream.read_bytes == BODY_MAX + 1


def test_a_body_of_exactly_one_mebibyte_is_read() -> None:
    assert through_wsgi(Stream(b"a" * BODY_MAX), {}, CONTENT_LENGTH=str(BODY_MAX)) == 401
    assert through_wsgi(Stream(b"a" * BODY_MAX), {}) == 401


@pytest.mark.parametrize("breaks", [False, True], ids=["ends", "breaks off"])
def test_a_half_sent_body_is_400(breaks: bool) -> None:
    assert through_wsgi(Stream(b"payload=", breaks=breaks), {}, CONTENT_LENGTH="100") == 400


@pytest.mark.parametrize("length", ["-1", "1e3", "ten", "１０"])
def test_a_length_that_is_no_number_is_400(length: str) -> None:
    assert through_wsgi(Stream(b"x"), {}, CONTENT_LENGTH=length) == 400


def test_an_empty_body_is_400_when_signed() -> None:
    assert through_wsgi(Stream(b""), headers(b"")) == 400
    assert through_wsgi(Stream(b""), headers(b""), CONTENT_LENGTH="0") == 400


def test_a_chunked_body_is_read() -> None:
    body = json.dumps(VERIFICATION).encode()
    assert through_wsgi(Stream(body), headers(body)) == 200


# --- the installation ------------------------------------------------------------------------------------------------
def a_callback(name: str) -> dict[str, Any]:
    about = {"callback_id": "tocsin.find", "trigger_id": "1.2.abc"}
    return {"type": name, "team": {"id": TEAM_ID}, "user": {"id": "U0ALICE"}, **about}


def an_event(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "event_callback", "team_id": TEAM_ID, "event_id": "Ev1", "event": {"type": name}, **more}


@pytest.fixture(params=["unknown", "disconnected", "serves nobody"])
def not_connected(request: pytest.FixtureRequest, database: None) -> None:
    """No installation that could answer."""
    if request.param == "unknown":
        return
    installation = request.getfixturevalue("installation")
    if request.param == "disconnected":
        installation.state = Installation.State.DISCONNECTED
        installation.save()
    else:
        installation.connections.all().delete()


def test_not_connected_refuses_clicks_callbacks_and_options(not_connected: None) -> None:
    for payload in (
        block_actions(pressed("tocsin.resolve", 1)),
        a_callback("block_suggestion") | {"action_id": "tocsin.assign"},
        a_callback("shortcut"),
    ):
        answer = interactive(payload)
        assert (answer.status_code, answer.content) == (403, b"")
    assert not Received.objects.exists()


def test_not_connected_stops_the_retries_of_events(not_connected: None) -> None:
    answer = event(an_event("link_shared"))
    assert (answer.status_code, answer.content, answer["X-Slack-No-Retry"]) == (403, b"", "1")


@pytest.mark.parametrize("name", ["app_uninstalled", "tokens_revoked"])
def test_a_goodbye_is_heard_though_not_connected(not_connected: None, name: str) -> None:
    assert event(an_event(name)).status_code == 200


def test_not_connected_tells_who_types_a_command_how_to_connect(not_connected: None) -> None:
    answer = post("/slack/commands", form(**COMMAND))
    said = json.loads(answer.content)
    assert (answer.status_code, said["response_type"]) == (200, "ephemeral")
    assert "TOCSIN_SLACK_BOT_TOKEN" in said["text"]


def test_a_rate_limit_is_noted_without_an_installation(not_connected: None) -> None:
    with capture_logs() as lines:
        answer = event({"type": "app_rate_limited", "team_id": TEAM_ID, "minute_rate_limited": 1518467820})
    assert (answer.status_code, answer.content) == (200, b"")
    assert [line["team"] for line in lines] == [TEAM_ID]


# --- what we do not know ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "ask",
    [
        lambda name: interactive(block_actions(pressed(name, 1))),
        lambda name: interactive(a_callback(name)),
        lambda name: event(an_event(name)),
        lambda name: event({"type": name, "team_id": TEAM_ID}),
    ],
    ids=["action", "callback", "event", "outer event"],
)
def test_an_unknown_kind_is_200_and_logged_once(
    ask: Callable[[str], Any], request: pytest.FixtureRequest, installation: Installation
) -> None:
    name = f"unheard-of-{request.node.callspec.id}"
    with capture_logs() as lines:
        for _ in range(3):
            answer = ask(name)
            assert (answer.status_code, answer.content) == (200, b"")
    assert [line["name"] for line in lines] == [name]
    assert not Received.objects.exists()


def test_a_command_whose_text_holds_payload_is_a_command(installation: Installation) -> None:
    answer = post("/slack/commands", form(**{**COMMAND, "text": "payload payload={}"}))
    assert json.loads(answer.content)["response_type"] == "ephemeral"


# --- an enterprise ---------------------------------------------------------------------------------------------------
def test_an_installation_for_a_whole_enterprise_serves_its_workspaces_and_knows_people_by_their_id_there(
    make_issue: Callable[..., Issue], organization: Organization, alice: Person
) -> None:
    issue = make_issue()
    made = Installation.objects.create(enterprise_id="E1", key="E1/", installed_at=database_now())
    made.connections.create(organization=organization)
    grid = Workspace.objects.create(team_id="E1", name="Group")
    org_wide = {"enterprise": {"id": "E1"}, "is_enterprise_install": True}
    click = block_actions(pressed("tocsin.resolve", issue.pk))
    assert interactive(click | {"enterprise": {"id": "E1"}}).status_code == 403
    assert interactive(click | org_wide).status_code == 200  # alice is linked in the workspace alone
    assert LinkToken.objects.get().workspace == grid
    Identity.objects.create(
        workspace=grid, slack_user_id=alice.slack_user_id, user=alice.user, linked_at=database_now()
    )
    again = block_actions(pressed("tocsin.resolve", issue.pk, action_ts="1.2")) | org_wide
    assert interactive(again).status_code == 200
    issue.refresh_from_db()
    assert issue.status == "resolved"
    without_team = block_actions(pressed("tocsin.reopen", issue.pk, 2, action_ts="1.3")) | org_wide | {"team": None}
    assert interactive(without_team).status_code == 200
    issue.refresh_from_db()
    assert issue.status == "unresolved"


# --- when the database fails -----------------------------------------------------------------------------------------
class Refusing:
    """Stands between Tocsin and its database: the first statement with this text in it raises."""

    def __init__(self, text: str, error: Exception, times: int = 1) -> None:
        self.text, self.error, self.left = text, error, times

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if self.left and self.text in sql:
            self.left -= 1
            raise self.error
        return execute(sql, params, many, context)


def test_a_fault_before_any_action_is_told_with_a_reference_and_nothing_stays(
    make_issue: Callable[..., Issue], installation: Installation, alice: Person
) -> None:
    issue = make_issue()
    refusing = Refusing("slack_received", RuntimeError("nobody foresaw this"))
    with capture_logs() as lines, connection.execute_wrapper(refusing):
        answer = interactive(block_actions(pressed("tocsin.resolve", issue.pk)))
    assert (answer.status_code, answer.content) == (200, b"")
    assert not Received.objects.exists()
    (line,) = [line for line in lines if "reference" in line]
    assert line["reference"] in Delivery.objects.get(kind="slack.whisper").about["text"]
    issue.refresh_from_db()
    assert issue.status == "unresolved"


def test_a_fault_that_cannot_be_told_is_logged_and_answered(installation: Installation, alice: Person) -> None:
    refusing = Refusing("slack_installation", RuntimeError("nobody foresaw this"), times=2)
    with capture_logs() as lines, connection.execute_wrapper(refusing):
        answer = interactive(block_actions(pressed("tocsin.resolve", 1)))
    assert (answer.status_code, answer.content) == (200, b"")
    assert [line["log_level"] for line in lines] == ["error", "error"]


@pytest.mark.parametrize(
    ("error", "said"), [(RuntimeError("x"), "Reference"), (OperationalError("x"), "database does not answer")]
)
def test_a_command_is_told_in_its_answer(installation: Installation, error: Exception, said: str) -> None:
    with connection.execute_wrapper(Refusing("slack_installation", error)):
        answer = post("/slack/commands", form(**COMMAND))
    assert answer.status_code == 200
    assert said in json.loads(answer.content)["text"]


@pytest.mark.parametrize("payload", [a_callback("shortcut"), block_actions(pressed("tocsin.resolve", 1))])
def test_without_a_database_the_answer_is_503(installation: Installation, payload: dict[str, Any]) -> None:
    with connection.execute_wrapper(Refusing("slack_installation", OperationalError("gone"))):
        answer = interactive(payload)
    assert (answer.status_code, answer.content, answer["Retry-After"]) == (503, b"", "5")


def test_an_outage_is_told_to_no_address_but_slacks(installation: Installation, reached_out: list[str]) -> None:
    click = block_actions(pressed("tocsin.resolve", 1), response_url="https://example.com/actions/x")
    with connection.execute_wrapper(Refusing("slack_installation", OperationalError("gone"))):
        assert interactive(click).status_code == 503
    assert reached_out == []
