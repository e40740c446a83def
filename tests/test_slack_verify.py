"""Only what Slack signed gets in: every forgery is refused, on bytes, in constant time, without an error."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import pytest
from slack_sdk.signature import SignatureVerifier

from tests.environment import SIGNING_SECRET
from tests.signed import INTERACTIVE, block_actions, form, headers, interactive, pressed, send, signature
from tests.sizes import size
from tocsin.slack.verify import is_from_slack

NOW = 1_531_420_618
BODY = b"payload=%7B%22type%22%3A%22block_actions%22%7D&\xff\xfe"
SECRET = "a-secret"
OTHER = "another-app's-secret"
GOOD = signature(BODY, str(NOW), SECRET)
SIGNATURE = "X-Slack-Signature"
TIMESTAMP = "X-Slack-Request-Timestamp"


def asked(
    given: str = GOOD, timestamp: str = str(NOW), body: bytes = BODY, secrets: tuple[str, ...] = (SECRET,)
) -> bool:
    return is_from_slack(body, {SIGNATURE: given, TIMESTAMP: timestamp}, secrets, NOW)


def test_slacks_own_example_is_from_slack() -> None:
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    given = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    assert asked(given, "1531420618", body, ("8f742231b10e8888abcd99yyyzzz85a5",))


def test_names_of_headers_have_no_case() -> None:
    for change in (str.lower, str.upper, str.title):
        assert is_from_slack(BODY, {change(SIGNATURE): GOOD, change(TIMESTAMP): str(NOW)}, (SECRET,), NOW)


@pytest.mark.parametrize("secrets", [(SECRET, OTHER), (OTHER, SECRET), ("", SECRET), (" ", OTHER, SECRET)])
def test_any_secret_of_the_list_may_match(secrets: tuple[str, ...]) -> None:
    assert asked(secrets=secrets)


@pytest.mark.parametrize("secrets", [(), ("",), ("", " ", "\t"), (OTHER,), (SECRET.upper(),)])
def test_without_the_secret_nothing_is_from_slack(secrets: tuple[str, ...]) -> None:
    assert not asked(secrets=secrets)


def test_an_empty_secret_opens_for_nobody() -> None:
    assert not asked(signature(BODY, str(NOW), ""), secrets=("",))
    assert not asked(signature(BODY, str(NOW), " "), secrets=(" ",))


@pytest.mark.parametrize(("shift", "fits"), [(-301, False), (-300, True), (0, True), (300, True), (301, False)])
def test_a_request_is_good_for_five_minutes_either_way(shift: int, fits: bool) -> None:
    timestamp = str(NOW + shift)
    assert asked(signature(BODY, timestamp, SECRET), timestamp) is fits


def test_every_flipped_bit_of_a_signature_is_noticed() -> None:
    digest = bytes.fromhex(GOOD[3:])
    for bit in range(256):
        flipped = bytearray(digest)
        flipped[bit // 8] ^= 1 << bit % 8
        assert not asked("v0=" + flipped.hex())


def test_every_flipped_bit_of_the_body_is_noticed() -> None:
    for bit in range(8 * len(BODY)):
        flipped = bytearray(BODY)
        flipped[bit // 8] ^= 1 << bit % 8
        assert not asked(body=bytes(flipped))


def test_every_truncation_is_refused() -> None:
    assert not any(asked(GOOD[:length]) for length in range(len(GOOD)))
    assert not any(asked(GOOD[length:]) for length in range(1, len(GOOD)))
    assert not any(asked(body=BODY[:length]) for length in range(len(BODY)))


FULL_WIDTH = "".join(chr(0xFF10 + int(digit)) for digit in str(NOW))
TIMESTAMPS = {
    "empty": "",
    "spaces": "          ",
    "space before": f" {NOW}",
    "space after": f"{NOW} ",
    "line end": f"{NOW}\n",
    "plus": f"+{NOW}",
    "minus": f"-{NOW}",
    "underscore": "1_531_420_618",
    "decimal": f"{NOW}.0",
    "exponent": "1e6",
    "hexadecimal": hex(NOW),
    "full-width digits": FULL_WIDTH,
    "arabic digits": "".join(chr(0x0660 + int(digit)) for digit in str(NOW)),
    "superscript": "¹²³",
    "thirteen digits": f"{NOW:013d}",
    "400 digits": "1" * 400,
    "5000 digits": "9" * 5000,
    "word": "yesterday",
    "nan": "nan",
    "infinity": "inf",
    "doubled": f"{NOW},{NOW}",
    "doubled with a space": f"{NOW}, {NOW}",
    "nul": f"{NOW}\x00",
}


@pytest.mark.parametrize("timestamp", TIMESTAMPS.values(), ids=TIMESTAMPS.keys())
def test_a_timestamp_is_one_to_twelve_ascii_digits(timestamp: str) -> None:
    assert not asked(signature(BODY, timestamp, SECRET), timestamp)


def test_leading_zeros_are_digits_too() -> None:
    timestamp = f"{NOW:012d}"
    assert asked(signature(BODY, timestamp, SECRET), timestamp)


SIGNATURES = {
    "empty": "",
    "version alone": "v0=",
    "without version": GOOD[3:],
    "v1": GOOD.replace("v0=", "v1="),
    "V0": GOOD.replace("v0=", "V0="),
    "upper-case digits": "v0=" + GOOD[3:].upper(),
    "space before": f" {GOOD}",
    "space after": f"{GOOD} ",
    "line end": f"{GOOD}\n",
    "longer": f"{GOOD}0",
    "doubled": f"{GOOD},{GOOD}",
    "doubled with a space": f"{GOOD}, {GOOD}",
    "full-width version": GOOD.replace("v0", "v０"),
    "not ASCII": "v0=" + "é" * 64,
    "beyond Latin-1": "v0=" + "☃" * 64,
    "lone surrogate": "v0=" + "\ud800" * 64,
    "not hexadecimal": "v0=" + "g" * 64,
    "very long": "v0=" + "a" * 100_000,
    "base64": "v0=ohFNV7SOrDm5rRidrYMWI1p7SooQoQvSdRlmZInGm1A=",
    "other secret": signature(BODY, str(NOW), OTHER),
    "other body": signature(BODY + b" ", str(NOW), SECRET),
    "other time": signature(BODY, str(NOW - 1), SECRET),
}


@pytest.mark.parametrize("given", SIGNATURES.values(), ids=SIGNATURES.keys())
def test_a_signature_has_one_exact_form(given: str) -> None:
    assert not asked(given)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {SIGNATURE: GOOD},
        {TIMESTAMP: str(NOW)},
        {SIGNATURE: GOOD, TIMESTAMP: str(NOW), SIGNATURE.lower(): GOOD},
        {SIGNATURE: GOOD, TIMESTAMP: str(NOW), TIMESTAMP.upper(): str(NOW)},
    ],
    ids=["none", "signature alone", "timestamp alone", "signature twice", "timestamp twice"],
)
def test_both_headers_come_and_each_once(given: dict[str, str]) -> None:
    assert not is_from_slack(BODY, given, (SECRET,), NOW)


def test_slacks_own_library_agrees_on_what_is_valid() -> None:
    dice = random.Random(7)
    for _ in range(size(200)):
        body = bytes(dice.choices(range(32, 127), k=dice.randrange(200)))
        timestamp = str(NOW + dice.randrange(-300, 301))
        given = signature(body, timestamp, SECRET)
        verifier = SignatureVerifier(SECRET, clock=FixedClock())
        assert verifier.is_valid(body.decode(), timestamp, given)
        assert asked(given, timestamp, body)


class FixedClock:
    def now(self) -> float:
        return float(NOW)


# --- through the door ------------------------------------------------------------------------------------------------
def swapped(dice: random.Random, text: str) -> str:
    """Another character somewhere."""
    at = dice.randrange(len(text))
    other = dice.choice([each for each in "0123456789abcdef" if each != text[at]])
    return text[:at] + other + text[at + 1 :]


FORGERIES: list[Callable[[random.Random, bytes], tuple[bytes, dict[str, str]]]] = [
    lambda dice, body: (body, headers(body) | {SIGNATURE: swapped(dice, headers(body)[SIGNATURE])}),
    lambda dice, body: (body + bytes([dice.randrange(256)]), headers(body)),
    lambda dice, body: (body, headers(body, secret=f"guess {dice.random()}")),
    lambda dice, body: (body, headers(body, shift=dice.choice((-1, 1)) * dice.randrange(302, 10**6))),
    lambda dice, body: (body, headers(body) | {SIGNATURE: headers(body)[SIGNATURE][: dice.randrange(67)]}),
    lambda dice, body: (body, headers(body) | {TIMESTAMP: dice.choice(list(TIMESTAMPS.values())).strip("\x00\n")}),
    lambda _, body: (body, {name: f"{value},{value}" for name, value in headers(body).items()}),
    lambda _, body: (body, headers(body) | {SIGNATURE: headers(body)[SIGNATURE].upper()}),
    lambda _, body: (body, {SIGNATURE: headers(body)[SIGNATURE]}),
    lambda _, body: (body, {}),
]


@pytest.mark.guarantee
def test_every_forgery_is_answered_401_and_asks_the_database_nothing(
    django_assert_num_queries: Callable[..., object], database: None
) -> None:
    dice = random.Random(20)
    body = form(payload="{}")
    with django_assert_num_queries(0):  # type: ignore[attr-defined]
        for number in range(size(2_000)):
            forged, given = FORGERIES[number % len(FORGERIES)](dice, body)
            answer = send(INTERACTIVE, forged, given)
            assert (answer.status_code, answer.content) == (401, b""), given


@pytest.mark.parametrize("secrets", [[], [""], ["", " "]], ids=["none", "empty", "blank"])
def test_without_a_signing_secret_every_request_is_401(settings, secrets: list[str]) -> None:
    settings.TOCSIN_SLACK_SIGNING_SECRETS = secrets
    for secret in ("", " ", SIGNING_SECRET):
        body = form(payload="{}")
        assert send(INTERACTIVE, body, headers(body, secret=secret)).status_code == 401


def test_while_rotating_both_secrets_open(settings) -> None:
    settings.TOCSIN_SLACK_SIGNING_SECRETS = ["", "the-new-one", SIGNING_SECRET]
    body = b'{"type": "url_verification", "challenge": "yes"}'
    for secret, status in {"the-new-one": 200, SIGNING_SECRET: 200, "": 401, "a-third": 401}.items():
        assert send(INTERACTIVE, body, headers(body, secret=secret)).status_code == status


@pytest.mark.guarantee
def test_a_replay_has_no_second_effect(make_issue, installation, alice) -> None:
    for number in range(size(500)):
        issue = make_issue()
        body = form(payload=json_of(issue.pk, f"17{number:08}.000100"))
        given = headers(body)
        assert [send(INTERACTIVE, body, given).status_code for _ in range(2)] == [200, 200]
        issue.refresh_from_db()
        assert (issue.status, issue.version) == ("resolved", 2)
        assert interactive(reopening(issue.pk, f"18{number:08}.000100")).status_code == 200
        assert send(INTERACTIVE, body, given).status_code == 200  # would resolve it again
        issue.refresh_from_db()
        assert (issue.status, issue.version) == ("unresolved", 3)


def json_of(issue: int, action_ts: str) -> str:
    return json.dumps(block_actions(pressed("tocsin.resolve", issue, action_ts=action_ts)))


def reopening(issue: int, action_ts: str) -> dict:
    return block_actions(pressed("tocsin.reopen", issue, 2, action_ts=action_ts))
