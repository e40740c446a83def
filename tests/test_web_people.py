"""Who is who in Slack, on pages: one's own connections, those of an organization, the audit log; and who is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.mail import Mailbox
from tests.pages import Page
from tests.people import Person, make_person
from tests.test_slack_linking import told
from tests.test_web_linking import post
from tocsin.accounts.audit import record
from tocsin.accounts.models import AuditEntry, Member, Organization, Role
from tocsin.clock import database_now
from tocsin.slack.models import Identity, Installation, Workspace

Deliver = Callable[..., int]
MINE = "/accounts/slack/"
PEOPLE = "/organizations/acme/slack/"
AUDIT = "/organizations/acme/audit/"


def identity(person: Person) -> Identity:
    return Identity.objects.get(user=person.user)


def is_linked(person: Person) -> bool:
    return Identity.objects.filter(user=person.user).exists()


def test_ones_own_page_shows_ones_own_connections_and_ends_them(
    alice: Person, carol: Person, installation: Installation, mailbox: Mailbox, deliver_all: Deliver
) -> None:
    browser = alice.browser()
    text = Page(browser.get(MINE)).main
    assert "Tocsin Demo" in text
    assert "U0ALICE" in text
    answer = post(browser, MINE, identity=str(identity(alice).pk))
    assert answer.status_code == 302
    assert not is_linked(alice)
    assert "The Slack user U0ALICE is no longer connected to alice@example.com." in Page(browser.get(MINE)).main
    assert told("U0ALICE")[-1].startswith("You are no longer connected to alice@example.com.")
    deliver_all()
    (mail,) = mailbox.mails
    assert mail["To"] == "alice@example.com"
    assert "You have disconnected the Slack user U0ALICE in Tocsin Demo" in " ".join(mail.get_content().split())
    assert "http://localhost/accounts/slack/" in mail.get_content()


@pytest.mark.parametrize("role", [Role.MANAGER, Role.OWNER])
def test_who_manages_disconnects_anybody_of_the_organization(
    role: Role, alice: Person, organization: Organization, installation: Installation, mailbox: Mailbox
) -> None:
    manager = make_person("max", organization, role)
    browser = manager.browser()
    assert "alice@example.com" in Page(browser.get(PEOPLE)).main
    assert post(browser, PEOPLE, identity=str(identity(alice).pk)).status_code == 302
    assert not is_linked(alice)
    assert "by max@example.com" in told("U0ALICE")[-1]
    entry = AuditEntry.objects.get()
    assert (entry.organization, entry.by, entry.action) == (organization, manager.user, "slack.unlink")
    assert "The Slack user U0ALICE is no longer connected to alice@example.com." in Page(browser.get(AUDIT)).main


@pytest.mark.parametrize("page", [PEOPLE, AUDIT])
def test_who_does_not_manage_is_refused(
    page: str, alice: Person, bob: Person, eve: Person, mallory: Person, installation: Installation
) -> None:
    for person, status in ((alice, 403), (bob, 403), (eve, 404), (mallory, 404)):
        assert person.browser().get(page).status_code == status


def test_nobody_ends_what_is_not_theirs(
    alice: Person, carol: Person, eve: Person, workspace: Workspace, installation: Installation, owner: Person
) -> None:
    theirs = Identity.objects.create(
        workspace=Workspace.objects.create(team_id="T0ELSE"),
        slack_user_id="U0EVE",
        user=eve.user,
        linked_at=database_now(),
    )
    number = str(identity(alice).pk)
    for person in (carol, eve):
        assert post(person.browser(), MINE, identity=number).status_code == 404
    for wrong in (str(theirs.pk), "999999", "", "x", "9" * 30, "-1", "²"):
        assert post(owner.browser(), PEOPLE, identity=wrong).status_code == 404
    assert is_linked(alice)
    assert is_linked(eve)
    assert not AuditEntry.objects.exists()


def test_a_connection_in_a_workspace_that_does_not_serve_the_organization_is_not_shown_there(
    alice: Person, owner: Person, installation: Installation
) -> None:
    other = Workspace.objects.create(team_id="T0PRIVATE", name="Her own")
    mine = Identity.objects.create(workspace=other, slack_user_id="U0MINE", user=alice.user, linked_at=database_now())
    assert "Her own" not in Page(owner.browser().get(PEOPLE)).main
    assert post(owner.browser(), PEOPLE, identity=str(mine.pk)).status_code == 404
    assert "Her own" in Page(alice.browser().get(MINE)).main


def test_the_audit_log_is_the_organizations_own_newest_first_in_pages(
    owner: Person, eve: Person, organization: Organization, elsewhere: Organization
) -> None:
    for number in range(120):
        record([organization], "slack.link", f"entry {number:03}", by=owner.user, now=database_now())
    record([elsewhere], "slack.link", "not ours", by=eve.user, now=database_now())
    browser, path, seen = owner.browser(), AUDIT, []
    while path:
        page = Page(browser.get(path))
        seen += [item.text[:9] for item in page.all("li") if item.text.startswith("entry")]
        assert "not ours" not in page.main
        older = [link.attributes["href"] for link in page.all("a") if link.text == "Older"]
        path = f"{AUDIT}{older[0]}" if older else ""
    assert seen == [f"entry {number:03}" for number in reversed(range(120))]
    assert browser.get(f"{AUDIT}?before=x").status_code == 400
    assert browser.get(f"{AUDIT}?before={'9' * 30}").status_code == 400


def test_an_entry_of_somebody_whose_account_is_gone_stays(owner: Person, organization: Organization) -> None:
    zed = make_person("zed", organization, Role.OWNER)
    record([organization], "slack.unlink", "done", by=zed.user, now=database_now())
    zed.user.delete()
    assert "by an account that was deleted" in Page(owner.browser().get(AUDIT)).main


def test_the_menu_shows_what_is_for_managers_to_managers_of_this_organization_only(
    alice: Person, owner: Person, elsewhere: Organization
) -> None:
    Member.objects.create(organization=elsewhere, user=alice.user, role=Role.OWNER)
    links = {
        (who, path): f"{path.removesuffix('issues/')}audit/" in browser.get(path).content.decode()
        for who, browser in (("alice", alice.browser()), ("owner", owner.browser()))
        for path in ("/organizations/acme/issues/", "/organizations/elsewhere/issues/")
    }
    assert links == {
        ("alice", "/organizations/acme/issues/"): False,
        ("alice", "/organizations/elsewhere/issues/"): True,
        ("owner", "/organizations/acme/issues/"): True,
        ("owner", "/organizations/elsewhere/issues/"): False,
    }
