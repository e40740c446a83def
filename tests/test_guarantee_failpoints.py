"""At every boundary of every flow the process dies, fails, or is held up: the promises are kept all the same."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connection

from tests.audit.world import Shop
from tests.boundaries import Boundaries, Killed, Names, Strike, fail, held_up, kill, watched
from tests.sizes import FULL
from tests.slack_fixture import Card
from tests.work import let_pass
from tocsin.alerts.models import Destination, Rule, RuleDestination, RuleMute
from tocsin.alerts.mutes import end_mutes
from tocsin.clock import database_now
from tocsin.issues.expiry import expire
from tocsin.issues.models import Issue
from tocsin.simulator import unfurls
from tocsin.slack import notices
from tocsin.slack.models import Card as CardRow
from tocsin.slack.models import Installation
from tocsin.slack.payloads import Place
from tocsin.slack.reconcile import reconcile_all
from tocsin.slack.telling import Listener

pytestmark = [pytest.mark.guarantee, pytest.mark.usefixtures("committed")]

Context = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """`act` is what comes to boundaries, with what `prepare` has made. `again`: what whoever asked does when nobody answered, and
    what another process does meanwhile, when this one is held up.
    """

    prepare: Callable[[Shop], Context]
    act: Callable[[Shop, Context], object]
    again: Callable[[Shop, Context], object]
    boundaries: list[str]


# --- the flows --------------------------------------------------------------------------------------------------------


def pressed(label: str) -> Callable[[Shop], Context]:
    def prepare(shop: Shop) -> Context:
        return shop.driver.pressed(shop.card(shop.issue()), label, shop.alice)

    return prepare


def to_undo(shop: Shop) -> Context:
    issue = shop.issue()
    shop.click(issue, "Resolve", shop.alice)
    shop.settle()
    return shop.driver.pressed(shop.card(issue), "Undo", shop.alice)


def send(shop: Shop, click: Context) -> None:
    """Once more only what was not answered: Slack would, over a socket."""
    shop.driver.send(click)


def open_comment(shop: Shop, issue: Issue) -> None:
    shop.click(issue, "Comment", shop.alice)


def typed_comment(shop: Shop) -> Context:
    issue = shop.issue()
    open_comment(shop, issue)
    shop.slack.view(shop.alice).type("Comment", "It is the till.")
    return issue


def submit(shop: Shop, issue: Issue) -> None:
    """A person presses again as long as the dialog stands before them."""
    if view := shop.slack.view(shop.alice):
        view.submit()


def archive(shop: Shop, issue: Issue) -> None:
    """A dialog that is drawn anew as something is chosen."""
    shop.click(issue, "Archive…", shop.alice)
    if view := shop.slack.view(shop.alice):
        view.choose("Archive it", "Forever")
        submit(shop, issue)


def event(shop: Shop) -> Context:
    return uuid.uuid4().hex


def accept(shop: Shop, event_id: Context) -> None:
    shop.driver.event(shop.key, event_id=event_id)


def accepted(shop: Shop) -> Context:
    shop.driver.event(shop.key)


def digest(shop: Shop, _: Context) -> None:
    shop.digest_all()


def digested(shop: Shop) -> Context:
    accepted(shop)
    shop.digest_all()


def resolved(shop: Shop) -> Context:
    shop.click(shop.issue(), "Resolve", shop.alice)


def regressed(shop: Shop) -> Context:
    issue = shop.issue()
    shop.click(issue, "Resolve", shop.alice)
    shop.settle()
    shop.again(issue)


def refused(shop: Shop) -> Context:
    shop.click(shop.issue(), "Resolve", shop.bob)


def deliver(shop: Shop, _: Context) -> None:
    shop.deliver_all()


# --- messages of old, links, commands ---------------------------------------------------------------------------------
CLASSIC = "alerts-classic"


def in_classic(shop: Shop) -> Card:
    """The card of an issue in the channel that wants attachments. Its project has releases, so that Resolve… asks."""
    tell_classic(shop)
    return shop.slack.card(shop.issue(release="shop@1.0"), CLASSIC)


def tell_classic(shop: Shop) -> None:
    """From now on its rule tells this channel, too."""
    rule = Rule.objects.get()
    channel = Destination.objects.create(
        organization=rule.organization,
        kind="slack",
        address=f"T0TOCSIN/{shop.slack.channel(CLASSIC)}",
        name="#classic",
        style=Destination.Style.ATTACHMENTS,
    )
    RuleDestination.objects.create(organization=rule.organization, rule=rule, destination=channel)


def old_press(shop: Shop) -> Context:
    return shop.driver.pressed(in_classic(shop), "Archive", shop.alice)


def open_dialog(shop: Shop, card: Context) -> None:
    card.click("Resolve…", as_=shop.alice)


def opened_dialog(shop: Shop) -> Context:
    open_dialog(shop, in_classic(shop))


def submit_dialog(shop: Shop, _: Context) -> None:
    if dialog := shop.slack.dialog(shop.alice):
        dialog.submit()


def link_posted(shop: Shop) -> Context:
    """The event of it, not told yet."""
    shop.slack.change_app(unfurl_domains=["localhost"])
    issue, workspace = shop.issue(), shop.slack.simulation.workspace
    url = f"http://localhost/organizations/acme/issues/{issue.pk}/"
    posted = shop.slack.do(workspace.find, "C0ALERTS", shop.slack.say(url, as_=shop.alice))
    event = shop.slack.do(unfurls.link_shared, workspace, workspace.users[shop.alice.slack_user_id], posted)
    return shop.slack.do(shop.slack.simulation.clicks.tell, event)


def tell(shop: Shop, outgoing: Context) -> None:
    """Slack tells it again if it was not taken."""
    assert shop.driver("/slack/events", outgoing.headers, outgoing.body)[0] in (200, 503)


def link_told(shop: Shop) -> Context:
    tell(shop, link_posted(shop))


def command_typed(shop: Shop) -> Context:
    shop.slack.change_app(commands=[{"command": "/tocsin"}])
    asked = {"as": "U0CAROL", "do": "command", "channel": "alerts", "text": "/tocsin link"}
    return shop.slack.do(shop.slack.simulation.clicks.build, asked)


def type_(shop: Shop, outgoing: Context) -> None:
    assert shop.driver("/slack/commands", outgoing.headers, outgoing.body)[0] == 200


def team_connected(shop: Shop) -> Context:
    installation = Installation.objects.select_related("workspace").get()
    assert installation.workspace
    listener = Listener(
        installation=installation,
        workspace=installation.workspace,
        slack_user_id=shop.alice.slack_user_id,
        place=Place(channel="C0ALERTS"),
    )
    organization_id = installation.connections.get().organization_id
    notices.post(listener, "The team is told here.", database_now(), organization_id=organization_id)


def archived(shop: Shop) -> Context:
    issue = shop.issue()
    shop.click(issue, "Archive…", shop.alice)
    shop.slack.view(shop.alice).choose("Archive it", "For some hours")
    shop.slack.view(shop.alice).submit()
    shop.settle()
    Issue.objects.update(archived_until=database_now() - timedelta(minutes=1))


def end_archives(shop: Shop, _: Context) -> None:
    expire(database_now())


def to_mute(shop: Shop) -> Context:
    issue = shop.issue()
    shop.click(issue, "Mute this rule here…", shop.alice)
    return issue


def muted(shop: Shop) -> Context:
    issue = to_mute(shop)
    submit(shop, issue)
    shop.settle()
    return issue


def to_unmute(shop: Shop) -> Context:
    return shop.driver.pressed(shop.card(muted(shop)), "Unmute", shop.alice)


def is_held_back(shop: Shop) -> Context:
    muted(shop)
    accepted(shop)


def muted_till_now(shop: Shop) -> Context:
    muted(shop)
    RuleMute.objects.update(until=database_now())


def end_rule_mutes(shop: Shop, _: Context) -> None:
    end_mutes(database_now())


def missed(shop: Shop) -> Context:
    shop.issue()
    CardRow.objects.update(content_hash="")


def reconcile(shop: Shop, _: Context) -> None:
    reconcile_all(database_now())


COMMIT, WRITE, call = Names.COMMIT, Names.WRITE, Names.call
# PostgreSQL takes the events in one transaction, so that no two workers wait for each other, and digests them in the next.
DIGEST = COMMIT * (2 if connection.vendor == "postgresql" else 1)


def sent_by(*methods: str) -> list[str]:
    """Claimed, sent and marked, one after the other."""
    return [boundary for method in methods for boundary in (*COMMIT, *call(method), *COMMIT)]


FLOWS: dict[str, Flow] = {
    "a click": Flow(prepare=pressed("Resolve"), act=send, again=send, boundaries=COMMIT),
    "an undo": Flow(prepare=to_undo, act=send, again=send, boundaries=COMMIT),
    "a dialog opened": Flow(
        prepare=Shop.issue, act=open_comment, again=open_comment, boundaries=[*COMMIT, *call("views.open")]
    ),
    "a dialog submitted": Flow(prepare=typed_comment, act=submit, again=submit, boundaries=COMMIT),
    "a dialog drawn anew": Flow(
        prepare=Shop.issue,
        act=archive,
        again=submit,
        boundaries=[*COMMIT, *call("views.open"), *COMMIT, *call("views.update"), *COMMIT],
    ),
    "an event accepted": Flow(prepare=event, act=accept, again=accept, boundaries=COMMIT),
    "an event digested": Flow(prepare=accepted, act=digest, again=digest, boundaries=DIGEST),
    "a card posted": Flow(prepare=digested, act=deliver, again=deliver, boundaries=sent_by("chat.postMessage")),
    "a card refreshed": Flow(prepare=resolved, act=deliver, again=deliver, boundaries=sent_by("chat.update")),
    "a thread told": Flow(
        prepare=regressed, act=deliver, again=deliver, boundaries=sent_by("chat.postMessage", "chat.update")
    ),
    "a person told": Flow(
        prepare=refused, act=deliver, again=deliver, boundaries=[*COMMIT, *WRITE, *call("response_url"), *COMMIT]
    ),
    "an archive ended by the clock": Flow(prepare=archived, act=end_archives, again=end_archives, boundaries=COMMIT),
    "a rule muted": Flow(prepare=to_mute, act=submit, again=submit, boundaries=COMMIT),
    "a rule unmuted": Flow(prepare=to_unmute, act=send, again=send, boundaries=COMMIT),
    "an event of a muted rule digested": Flow(prepare=is_held_back, act=digest, again=digest, boundaries=DIGEST),
    "a mute ended by the clock": Flow(
        prepare=muted_till_now, act=end_rule_mutes, again=end_rule_mutes, boundaries=COMMIT
    ),
    "a button of old": Flow(prepare=old_press, act=send, again=send, boundaries=COMMIT),
    "a dialog of old opened": Flow(
        prepare=in_classic, act=open_dialog, again=open_dialog, boundaries=[*COMMIT, *call("dialog.open")]
    ),
    "a dialog of old submitted": Flow(prepare=opened_dialog, act=submit_dialog, again=submit_dialog, boundaries=COMMIT),
    "a link posted": Flow(prepare=link_posted, act=tell, again=tell, boundaries=COMMIT),
    "a link unfurled": Flow(prepare=link_told, act=deliver, again=deliver, boundaries=sent_by("chat.unfurl")),
    "a command": Flow(prepare=command_typed, act=type_, again=type_, boundaries=COMMIT),
    "a channel told": Flow(prepare=team_connected, act=deliver, again=deliver, boundaries=sent_by("chat.postMessage")),
    "cards reconciled": Flow(prepare=missed, act=reconcile, again=reconcile, boundaries=COMMIT),
}


# --- every boundary has its cases -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FLOWS)
def test_the_boundaries_of_a_flow_are_those_that_are_tested(shop: Shop, name: str) -> None:
    flow = FLOWS[name]
    context = flow.prepare(shop)
    with watched(Boundaries()) as boundaries:
        flow.act(shop, context)
    assert boundaries.seen == flow.boundaries, (
        f"{name} has other boundaries than this file tests. Write them down in FLOWS."
    )
    shop.settle()
    shop.assert_kept()


def cases_of(name: str, flow: Flow) -> list[Any]:
    """What happens at each of its boundaries, except being held up with locks in hand: the others wait for them."""
    return [
        pytest.param(name, at, what, id=f"{name}, {what} {boundary} ({at})")
        for at, boundary in enumerate(flow.boundaries, start=1)
        for what in ("killed", "failed", "held up")
        if (what, boundary) != ("held up", "before commit")
    ]


def chosen() -> Iterator[Any]:
    """All of them, or a tenth of each flow's, each beginning elsewhere."""
    for number, (name, flow) in enumerate(FLOWS.items()):
        cases = cases_of(name, flow)
        yield from cases if FULL else cases[number % len(cases) :: 10]


@pytest.mark.parametrize(("name", "at", "what"), list(chosen()))
def test_the_promises_are_kept_whatever_happens_at_a_boundary(shop: Shop, name: str, at: int, what: str) -> None:
    flow = FLOWS[name]
    shop.slack.expect_faults()  # what could not be done is answered with 503
    context = flow.prepare(shop)
    before = len(shop.driver.journal.sent)
    with watched(Boundaries(at, STRIKES[what](shop, flow, context))) as boundaries:
        with suppress(Killed, OperationalError, InterfaceError):
            flow.act(shop, context)
        assert len(boundaries.seen) >= at
    is_asked = len(shop.driver.journal.sent) > before
    if not is_asked or not shop.driver.journal.sent[-1].is_answered:
        flow.again(shop, context)
    shop.settle()
    shop.assert_kept()


def noted(shop: Shop, strike: Strike) -> Strike:
    """The auditor knows when it was: what was under way then may have had its effect, and nobody has heard of it."""

    def struck(boundaries: Boundaries, name: str) -> None:
        shop.driver.journal.killed()
        strike(boundaries, name)

    return struck


def killed(shop: Shop, flow: Flow, context: Context) -> Strike:
    return noted(shop, kill)


def failed(shop: Shop, flow: Flow, context: Context) -> Strike:
    return noted(shop, fail)


def stalled(shop: Shop, flow: Flow, context: Context) -> Strike:
    def another_process(seconds: float) -> None:
        let_pass(timedelta(seconds=seconds))
        before = len(shop.driver.journal.sent)
        flow.again(shop, context)
        assert all(sent.status < 500 for sent in shop.driver.journal.sent[before:]), "it could not take over"

    return noted(shop, held_up(another_process))


STRIKES: dict[str, Callable[[Shop, Flow, Context], Strike]] = {"killed": killed, "failed": failed, "held up": stalled}
