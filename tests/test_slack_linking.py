"""One-time links: what they show, what they do, once, and for whom."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.mail import Mailbox
from tests.people import Person, make_person
from tests.signed import block_actions, interactive, pressed
from tests.threads import at_once
from tocsin import bus
from tocsin.accounts.models import AuditEntry, Member, Organization, Role, Team
from tocsin.clock import database_now
from tocsin.errors import NotFound
from tocsin.issues.commands import Archive
from tocsin.issues.models import Issue
from tocsin.outbox.models import Delivery
from tocsin.slack import linking
from tocsin.slack.link_tokens import Spent
from tocsin.slack.models import Identity, Installation, KeptClick, LinkToken, Workspace

pytestmark = pytest.mark.usefixtures("slack")

LINK = re.compile(r"<http://localhost/slack/link/([A-Za-z0-9_-]{43})/\|")


def whispers() -> list[str]:
    return [delivery.about["text"] for delivery in Delivery.objects.filter(kind="slack.whisper").order_by("id")]


def told(slack_user_id: str) -> list[str]:
    about = [delivery.about for delivery in Delivery.objects.filter(kind="slack.whisper").order_by("id")]
    return [each["text"] for each in about if each["user"] == slack_user_id]


def token_in(text: str) -> str:
    found = LINK.search(text)
    assert found, text
    return found[1]


def press(issue: Issue, user: str, action: str = "tocsin.resolve", at: int = 1, version: int = 1) -> str:
    """A click by somebody who gets a link for it: the link's token."""
    click = pressed(action, issue.pk, version, action_ts=f"1.{at}")
    assert interactive(block_actions(click, user=user)).status_code == 200
    return token_in(whispers()[-1])


@pytest.fixture
def issue(make_issue: Callable[..., Issue], installation: Installation) -> Issue:
    return make_issue()


@pytest.fixture
def token(issue: Issue, carol: Person) -> str:
    """Of carol's click on Resolve."""
    return press(issue, carol.slack_user_id)


def confirm(token: str, person: Person, *, then: bool = False) -> linking.Confirmed:
    return linking.confirm(token, person.user, database_now(), then=then)


def shown(token: str, person: Person) -> linking.Opened:
    return linking.open_token(token, person.user, database_now())


def test_the_page_names_both_sides_and_the_kept_click_and_changes_nothing(
    token: str, carol: Person, issue: Issue
) -> None:
    for _ in range(2):
        page = shown(token, carol)
        assert (page.purpose, page.slack_user_id, page.slack_user_name) == ("link", "U0CAROL", "u0carol")
        assert (page.workspace, page.email, page.organizations) == ("Tocsin Demo", "carol@example.com", ("Acme",))
        assert (page.then, page.replaces) == (f"resolve {issue.short_id}", ())
    assert not Identity.objects.filter(user=carol.user).exists()
    issue.refresh_from_db()
    assert issue.status == "unresolved"


def test_the_database_keeps_the_hash_of_a_token_only(token: str) -> None:
    (row,) = LinkToken.objects.all()
    assert row.token_hash != token
    assert len(row.token_hash) == 64


def test_confirming_links_once_and_tells_the_slack_user(token: str, carol: Person, issue: Issue) -> None:
    done = confirm(token, carol)
    assert done.sentence == "You are connected as carol@example.com."
    assert Identity.objects.get(user=carol.user).slack_user_id == "U0CAROL"
    assert "You are connected as carol@example.com." in whispers()[-1]
    issue.refresh_from_db()
    assert issue.status == "unresolved"  # they did not ask for it
    with pytest.raises(Spent):
        confirm(token, carol)
    with pytest.raises(Spent):
        shown(token, carol)


def test_the_kept_click_runs_once_when_asked(token: str, carol: Person, issue: Issue) -> None:
    done = confirm(token, carol, then=True)
    assert issue.short_id in done.then
    issue.refresh_from_db()
    assert (issue.status, issue.version) == ("resolved", 2)
    assert issue.activities.get(kind="resolved").identity == "T0TOCSIN/U0CAROL"


def test_after_linking_the_next_click_counts(token: str, carol: Person, issue: Issue) -> None:
    confirm(token, carol)
    interactive(block_actions(pressed("tocsin.resolve", issue.pk, action_ts="1.2"), user=carol.slack_user_id))
    issue.refresh_from_db()
    assert issue.status == "resolved"


def test_the_kept_click_is_not_applied_to_an_issue_that_changed(
    token: str, carol: Person, issue: Issue, alice: Person
) -> None:
    bus.perform(Archive(issue_id=issue.pk), by=alice.actor())
    assert "has changed since you clicked" in confirm(token, carol, then=True).then
    issue.refresh_from_db()
    assert (issue.status, issue.version) == ("archived", 2)
    assert Identity.objects.filter(user=carol.user).exists()


def test_the_kept_click_has_the_rights_of_then(token: str, carol: Person, issue: Issue) -> None:
    Member.objects.filter(user=carol.user).update(role=Role.VIEWER)
    assert "your role in Acme does not change issues" in confirm(token, carol, then=True).then
    issue.refresh_from_db()
    assert issue.status == "unresolved"
    assert Identity.objects.filter(user=carol.user).exists()


def test_the_kept_click_on_an_issue_that_is_gone_is_said(token: str, carol: Person, issue: Issue) -> None:
    issue.delete()
    assert "gone" in confirm(token, carol, then=True).then


def test_the_newest_click_on_an_issue_is_kept(issue: Issue, make_issue: Callable[..., Issue], carol: Person) -> None:
    other = make_issue()
    first = press(issue, carol.slack_user_id, at=1)
    press(other, carol.slack_user_id, at=2)
    newest = press(issue, carol.slack_user_id, "tocsin.archive", at=3)
    assert KeptClick.objects.count() == 2
    assert shown(first, carol).then == ""
    assert shown(newest, carol).then == f"archive {issue.short_id}"


# --- spent, or not theirs --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("wrong", ["", "x", "é" * 43, "A" * 43, "a" * 10_000])
def test_a_wrong_token_is_spent(wrong: str, token: str, carol: Person) -> None:
    with pytest.raises(Spent):
        shown(wrong, carol)
    with pytest.raises(Spent):
        confirm(wrong, carol)


def test_a_token_lives_15_minutes(token: str, carol: Person) -> None:
    now = database_now()
    linking.open_token(token, carol.user, now + timedelta(minutes=14, seconds=50))
    with pytest.raises(Spent):
        linking.open_token(token, carol.user, now + timedelta(minutes=15))
    with pytest.raises(Spent):
        linking.confirm(token, carol.user, now + timedelta(minutes=15), then=True)


def test_a_stranger_of_the_organization_finds_nothing(token: str, eve: Person, mallory: Person) -> None:
    for person in (eve, mallory):
        with pytest.raises(NotFound):
            shown(token, person)
        with pytest.raises(NotFound):
            confirm(token, person)
    assert LinkToken.objects.get().used_at is None


def test_a_workspace_that_was_disconnected_links_nobody(token: str, carol: Person, installation: Installation) -> None:
    installation.state = Installation.State.DISCONNECTED
    installation.save()
    with pytest.raises(NotFound):
        confirm(token, carol)


def test_of_two_confirmations_at_once_one_gets_through(committed: None, token: str, carol: Person) -> None:
    outcomes: list[str] = []

    def try_it(_: int) -> None:
        try:
            outcomes.append(confirm(token, carol, then=True).then)
        except Spent:
            outcomes.append("spent")

    at_once(try_it, 4)
    assert sorted(outcomes, key=len)[:3] == ["spent"] * 3
    assert Identity.objects.filter(user=carol.user).count() == 1


# --- links in the way ------------------------------------------------------------------------------------------------
def test_an_older_link_of_the_account_is_replaced_and_its_slack_user_is_told(
    token: str, carol: Person, workspace: Workspace
) -> None:
    Identity.objects.create(workspace=workspace, slack_user_id="U0OLD", user=carol.user, linked_at=database_now())
    assert shown(token, carol).replaces == ("carol@example.com is no longer connected to the Slack user U0OLD.",)
    confirm(token, carol)
    assert list(Identity.objects.values_list("slack_user_id", "user")) == [("U0CAROL", carol.user.pk)]
    (said,) = told("U0OLD")
    assert "no longer connected" in said


def test_an_older_link_of_the_slack_user_is_replaced(
    issue: Issue, carol: Person, alice: Person, workspace: Workspace
) -> None:
    token = press(issue, carol.slack_user_id)
    taken = Identity.objects.create(
        workspace=workspace,
        slack_user_id="U0CAROL",
        user=make_person("zed", issue.organization, Role.MEMBER).user,
        linked_at=database_now(),
    )
    assert len(shown(token, carol).replaces) == 1
    confirm(token, carol)
    assert not Identity.objects.filter(pk=taken.pk).exists()
    assert Identity.objects.get(slack_user_id="U0CAROL").user == carol.user
    assert Identity.objects.filter(user=alice.user).exists()


def test_another_workspace_keeps_its_link(token: str, carol: Person) -> None:
    other = Workspace.objects.create(team_id="T0SECOND")
    Identity.objects.create(workspace=other, slack_user_id="U0CAROL", user=carol.user, linked_at=database_now())
    assert shown(token, carol).replaces == ()
    confirm(token, carol)
    assert Identity.objects.filter(user=carol.user).count() == 2


# --- both sides are told -----------------------------------------------------------------------------------------------
def test_the_account_is_told_by_mail_and_the_organization_has_it_in_its_log(
    mailbox: Mailbox, token: str, carol: Person, organization: Organization, deliver_all: Callable[..., int]
) -> None:
    confirm(token, carol)
    deliver_all()
    (mail,) = mailbox.mails
    assert (mail["To"], mail["Subject"]) == ("carol@example.com", "Your account is connected to Slack")
    text = " ".join(mail.get_content().split())
    assert "u0carol (U0CAROL) in Tocsin Demo is now connected to your account carol@example.com" in text
    assert "disconnect it there" in text
    entry = AuditEntry.objects.get()
    assert (entry.organization, entry.by, entry.action) == (organization, carol.user, "slack.link")


def test_an_account_that_loses_its_slack_user_is_told_by_mail(
    mailbox: Mailbox, issue: Issue, carol: Person, workspace: Workspace, deliver_all: Callable[..., int]
) -> None:
    token = press(issue, carol.slack_user_id)
    zed = make_person("zed", issue.organization, Role.MEMBER).user
    Identity.objects.create(workspace=workspace, slack_user_id="U0CAROL", user=zed, linked_at=database_now())
    confirm(token, carol)
    deliver_all()
    by_person = {mail["To"]: " ".join(mail.get_content().split()) for mail in mailbox.mails}
    assert by_person.keys() == {"zed@example.com", "carol@example.com"}
    assert "is now connected to another account" in by_person["zed@example.com"]
    assert "carol" not in by_person["zed@example.com"].lower().replace("u0carol", "")
    assert list(AuditEntry.objects.order_by("id").values_list("action", flat=True)) == ["slack.unlink", "slack.link"]


def test_a_mail_server_that_refuses_undoes_no_link(
    mailbox: Mailbox, token: str, carol: Person, deliver_all: Callable[..., int]
) -> None:
    mailbox.recipient_reply = "550 no"
    confirm(token, carol)
    deliver_all()
    assert mailbox.mails == []
    assert Identity.objects.filter(user=carol.user).exists()


# --- unlink ----------------------------------------------------------------------------------------------------------
def test_who_is_no_member_may_disconnect_themselves(issue: Issue, mallory: Person) -> None:
    token = press(issue, mallory.slack_user_id)
    page = shown(token, mallory)
    assert (page.purpose, page.email, page.organizations, page.then) == ("unlink", "mallory@example.com", (), "")
    done = confirm(token, mallory)
    assert "no longer connected to mallory@example.com" in done.sentence
    assert not Identity.objects.filter(user=mallory.user).exists()
    assert "no longer connected" in told("U0MALLORY")[-1]
    with pytest.raises(Spent):
        confirm(token, mallory)


def test_an_owner_may_disconnect_who_belongs_to_their_organization(
    issue: Issue, alice: Person, bob: Person, organization: Organization, team: Team
) -> None:
    olga = make_person("olga", organization, Role.OWNER)
    alice.user.is_active = False
    alice.user.save()
    token = press(issue, alice.slack_user_id)
    with pytest.raises(NotFound):
        confirm(token, bob)
    confirm(token, olga)
    assert not Identity.objects.filter(user=alice.user).exists()
    assert "by olga@example.com" in told(alice.slack_user_id)[-1]


def test_an_owner_elsewhere_disconnects_nobody(issue: Issue, mallory: Person, eve: Person) -> None:
    token = press(issue, mallory.slack_user_id)
    with pytest.raises(NotFound):
        shown(token, eve)
    with pytest.raises(NotFound):
        confirm(token, eve)
    assert Identity.objects.filter(user=mallory.user).exists()


def test_a_link_to_disconnect_what_is_disconnected_is_spent(issue: Issue, mallory: Person) -> None:
    token = press(issue, mallory.slack_user_id)
    Identity.objects.filter(user=mallory.user).delete()
    with pytest.raises(Spent):
        shown(token, mallory)
