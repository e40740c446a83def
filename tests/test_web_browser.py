"""The pages in a real browser: under the strict policy, in the reader's zone, with the keyboard, narrow and wide."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.people import PASSWORD, Person
from tests.samples import sample_event
from tests.slack_fixture import Slack
from tocsin.accounts.models import Team, TeamMember
from tocsin.clock import database_now
from tocsin.issues.models import Activity, Issue, Status, StoredEvent
from tocsin.projects.models import Key
from tocsin.slack.models import Identity, Installation, TeamChannel

MakeIssue = Callable[..., Issue]

# What a person with poor sight needs: text at least 4.5 times as light or dark as what lies behind it.
FAINT_TEXT = """() => {
  const light = (rgb) => rgb.map((v) => v / 255).map((v) => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const behind = (el) => {
    for (let at = el; at; at = at.parentElement) {
      const [r, g, b, a = 1] = parse(getComputedStyle(at).backgroundColor);
      if (a === 1) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const faint = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const el = walk.currentNode.parentElement, style = getComputedStyle(el);
    if (!walk.currentNode.textContent.trim() || !el.checkVisibility() || el.closest(".off, .spoken, .skip")) continue;
    const [one, other] = [light(parse(style.color).slice(0, 3)), light(behind(el))].sort((a, b) => b - a);
    const contrast = (one + .05) / (other + .05);
    if (contrast < 4.5) faint.push(`${contrast.toFixed(2)} ${el.className} ${el.textContent.trim().slice(0, 40)}`);
  }
  return faint;
}"""


@pytest.fixture
def site(live_server: object) -> str:
    """Where this process serves its pages."""
    return str(live_server)


@pytest.fixture
def signed_in(page: Page, site: str, alice: Person) -> Page:
    """alice, signed in as she does it."""
    page.goto(f"{site}/accounts/login/")
    page.get_by_label("Email").fill("alice@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/organizations/acme/issues/")
    return page


def test_a_person_signs_in_opens_an_issue_and_resolves_it(signed_in: Page, site: str, make_issue: MakeIssue) -> None:
    issue = make_issue()
    signed_in.reload()
    signed_in.get_by_role("link", name="ZeroDivisionError: division by zero").click()
    signed_in.get_by_role("button", name="Resolve").click()
    expect(signed_in.get_by_role("status")).to_contain_text("SHOP-1 is resolved. If it happens again, it comes back.")
    expect(signed_in.get_by_role("button", name="Reopen")).to_be_visible()
    issue.refresh_from_db()
    assert issue.status == Status.RESOLVED


def test_a_comment_is_written_with_the_keyboard_alone(signed_in: Page, site: str, make_issue: MakeIssue) -> None:
    issue = make_issue()
    signed_in.goto(f"{site}/organizations/acme/issues/{issue.pk}/")
    signed_in.get_by_label("Comment").focus()
    signed_in.keyboard.type("It is the till.")
    signed_in.keyboard.press("Tab")
    signed_in.keyboard.press("Enter")
    expect(signed_in.locator(".done-commented .text")).to_have_text("It is the till.")
    assert Activity.objects.get().text == "It is the till."


def test_the_first_tab_skips_to_the_content_and_what_has_the_focus_is_outlined(signed_in: Page) -> None:
    signed_in.keyboard.press("Tab")
    skip = signed_in.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    assert signed_in.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"
    signed_in.keyboard.press("Enter")
    expect(signed_in.locator("main")).to_be_focused()


def test_times_are_told_in_words_and_exactly_in_the_readers_zone(
    browser: Browser, site: str, alice: Person, make_issue: MakeIssue
) -> None:
    make_issue(first_seen=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), last_seen=database_now() - timedelta(minutes=7))
    context = browser.new_context(timezone_id="Asia/Tokyo", locale="en-GB")
    client = alice.browser()
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": site}])
    opened = context.new_page()
    opened.goto(f"{site}/organizations/acme/issues/")
    last, first = opened.locator("time").all()
    expect(last).to_have_text("7 minutes ago")
    assert first.get_attribute("title") == "2 Jan 2026, 12:04:05"
    context.close()


def test_a_dsn_is_copied_with_one_press(signed_in: Page, site: str, key: Key) -> None:
    signed_in.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site)
    signed_in.reload()
    signed_in.get_by_role("button", name="Copy").click()
    expect(signed_in.locator("button.copied")).to_have_count(1)
    assert signed_in.evaluate("navigator.clipboard.readText()") == key.dsn("http://localhost")


def test_a_hostile_event_runs_nothing(signed_in: Page, site: str, make_issue: MakeIssue) -> None:
    hostile = "</pre></title><script>document.title='broken into'</script><img src=x onerror=document.title='broken'>"
    issue = make_issue(title=hostile, culprit=hostile)
    event = sample_event(exception={"values": [{"type": hostile, "value": hostile}]}, tags={hostile: hostile})
    StoredEvent.objects.update(payload=event.json)
    for path in (f"/organizations/acme/issues/{issue.pk}/", "/organizations/acme/issues/"):
        signed_in.goto(site + path)
        signed_in.wait_for_load_state("networkidle")
        assert "Tocsin" in signed_in.title()
        assert signed_in.locator("main img, main script").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_pages_fit_their_screen_and_can_be_read(
    signed_in: Page, site: str, make_issue: MakeIssue, scheme: str, width: int
) -> None:
    statuses = (("new", "unresolved"), ("regressed", "unresolved"), ("", "resolved"), ("forever", "archived"))
    levels = ("fatal", "error", "warning", "debug")
    issues = [
        make_issue(title="x" * 250, culprit="y" * 190, level=level, substatus=substatus, status=status)
        for level, (substatus, status) in zip(levels, statuses, strict=True)
    ]
    signed_in.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    signed_in.set_viewport_size({"width": width, "height": 800})
    paths = ["issues/?status=all", "issues/?q=zebra", *(f"issues/{issue.pk}/" for issue in issues)]
    for path in [*(f"/organizations/acme/{path}" for path in paths), "/accounts/password/change/", "/accounts/logout/"]:
        signed_in.goto(site + path)
        assert signed_in.evaluate("document.documentElement.scrollWidth") <= width, path
        assert signed_in.evaluate(FAINT_TEXT) == [], path


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (360, "light")])
def test_several_issues_are_chosen_resolved_and_put_back(
    signed_in: Page, site: str, make_issue: MakeIssue, width: int, scheme: Literal["light", "dark"]
) -> None:
    for title in ("One", "Two", "Three"):
        make_issue(title=title)
    signed_in.emulate_media(color_scheme=scheme)
    signed_in.set_viewport_size({"width": width, "height": 800})
    signed_in.goto(f"{site}/organizations/acme/issues/")
    buttons = signed_in.get_by_role("group", name="With the chosen issues").get_by_role("button")
    expect(buttons).to_have_count(0)
    signed_in.get_by_label("All of this page").focus()
    signed_in.keyboard.press("Space")
    signed_in.get_by_label("Choose SHOP-2").uncheck()
    expect(signed_in.get_by_label("All of this page")).to_have_js_property("indeterminate", True)
    signed_in.get_by_text("Assign…").click()
    assert signed_in.evaluate(FAINT_TEXT) == []
    assert signed_in.evaluate("document.documentElement.scrollWidth <= innerWidth")
    signed_in.keyboard.press("Escape")
    signed_in.get_by_role("button", name="Resolve").click()
    expect(signed_in.get_by_text("Resolved: 2 issues.")).to_be_visible()
    expect(signed_in.get_by_role("link", name="Two")).to_be_visible()
    assert Issue.objects.filter(status=Status.RESOLVED).count() == 2
    signed_in.get_by_role("button", name="Undo").press("Enter")
    expect(signed_in.get_by_text("Undone: 2 issues.")).to_be_visible()
    assert not Issue.objects.filter(status=Status.RESOLVED).exists()


# --- the one-time pages ----------------------------------------------------------------------------------------------
def one_time(slack: Slack, who: Person, line: str) -> str:
    """The path of the page that somebody is sent to who types this."""
    slack.change_app(commands=[{"command": "/tocsin"}])
    slack.command(who, f"/tocsin {line}")
    text = str(slack.ephemerals(who)[-1]["text"])
    return text.partition("http://localhost")[2].partition("|")[0]


def test_a_slack_user_is_connected_and_disconnected_by_the_pages_own_buttons(
    site: str, signed_in: Page, slack: Slack, installation: Installation, alice: Person
) -> None:
    for line, button, said in (
        ("unlink", "Disconnect", "is no longer connected to alice@example.com"),
        ("link", "Connect", "You are connected as alice@example.com"),
    ):
        signed_in.goto(f"{site}{one_time(slack, alice, line)}")
        signed_in.get_by_role("button", name=button).click()
        expect(signed_in.get_by_role("heading", level=1)).to_contain_text(said)
    assert Identity.objects.get(user=alice.user).slack_user_id == alice.slack_user_id


def test_a_team_and_a_channel_are_connected_by_the_pages_own_button(
    site: str, signed_in: Page, slack: Slack, installation: Installation, alice: Person, team: Team
) -> None:
    TeamMember.objects.filter(member__user=alice.user).update(is_admin=True)
    signed_in.goto(f"{site}{one_time(slack, alice, 'link team')}")
    signed_in.get_by_label(f"#{team.slug} in Acme").check()
    assert signed_in.evaluate(FAINT_TEXT) == []
    signed_in.get_by_role("button", name="Connect").click()
    expect(signed_in.get_by_role("heading", level=1)).to_contain_text("is connected to #alerts in Tocsin Demo")
    assert TeamChannel.objects.get().team == team


def test_the_address_of_a_one_time_page_leaves_it_with_no_request(
    site: str, signed_in: Page, slack: Slack, installation: Installation, alice: Person
) -> None:
    path = one_time(slack, alice, "unlink")
    token = path.split("/")[-2]
    told: list[str] = []
    signed_in.on("request", lambda request: told.append(request.headers.get("referer", "")))
    signed_in.goto(f"{site}{path}")
    signed_in.get_by_role("link", name="Tocsin").first.click()
    signed_in.wait_for_url("**/organizations/acme/issues/")
    assert told
    assert not [referer for referer in told if token in referer]
