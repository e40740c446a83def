"""Duplicates and disorder: each delivery up to four times, at once and shuffled, by several people, on cards that are not new any
more. Each click takes effect once, or is answered with the reason why not.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.audit.world import Shop
from tests.people import Person, make_person
from tests.sizes import size
from tests.test_guarantee_failpoints import CLASSIC, tell_classic
from tocsin.accounts.models import Role, Team
from tocsin.issues.models import Activity, Issue
from tocsin.outbox.models import Delivery
from tocsin.simulator.clicks import Outgoing
from tocsin.slack.models import Workspace

pytestmark = pytest.mark.guarantee

THREADS = 4
BUTTONS = ("Resolve", "Reopen", "Stop archiving", "Undo")
DELIVERIES = 2_000


@pytest.fixture
def ada(shop: Shop, team: Team, workspace: Workspace) -> Person:
    """Another who may: an admin in the project's team."""
    shop.slack.change_user("U0ADA", name="ada")
    return make_person("ada", shop.alice.organization, Role.ADMIN, team=team, workspace=workspace)


# --- many at once -----------------------------------------------------------------------------------------------------


def everything_on(shop: Shop, issue: Issue, people: list[Person]) -> list[Outgoing]:
    """A click of everybody on every button that the card has now, and an assignment by each to each."""
    card = shop.card(issue)
    labels = [label for label in BUTTONS if label in card.buttons]
    with suppress(LookupError):  # somebody has
        card.place("Acknowledge")
        labels.append("Acknowledge")
    pressed = [shop.driver.pressed(card, label, who) for label in labels for who in people]
    assigned = [shop.driver.chosen(card, "Assign", option(whom), who) for whom in people[:2] for who in people]
    nobody = shop.driver.chosen(card, "Assign", NOBODY, people[0])
    return [*pressed, *assigned, nobody, *everything_of_old(shop, issue, people)]


OLD_BUTTONS = ("Resolve", "Archive", "Reopen", "Stop archiving")


def everything_of_old(shop: Shop, issue: Issue, people: list[Person]) -> list[Outgoing]:
    """The same on its card of attachments."""
    card = shop.slack.card(issue, CLASSIC)
    pressed = [
        shop.driver.pressed(card, label, who) for label in OLD_BUTTONS if label in card.buttons for who in people
    ]
    return [*pressed, *(shop.driver.chosen(card, "Assign", f"user:{people[0].user.pk}", who) for who in people[:2])]


def dialog_of_old(shop: Shop, issues: list[Issue], who: Person, dice: random.Random) -> list[Outgoing]:
    """One that this person has filled in on some card of attachments, and not submitted yet; none if no card opens one."""
    open_ones = [issue for issue in issues if "Resolve…" in shop.slack.card(issue, CLASSIC).buttons]
    if not open_ones:
        return []
    shop.driver.send(shop.driver.pressed(shop.slack.card(dice.choice(open_ones), CLASSIC), "Resolve…", who))
    if not shop.slack.dialog(who):
        return []
    built = shop.slack.do(shop.slack.simulation.clicks.build, {"do": "submit", "as": who.slack_user_id, "dialog": True})
    return [built] if built is not None else []


NOBODY = {"text": {"type": "plain_text", "text": "Nobody"}, "value": "none"}
# What opens a dialog, and what is chosen in it.
DIALOGS = (
    ("Archive…", "Archive it", "Until it escalates"),
    ("Archive…", "Archive it", "For some hours"),
    ("Archive…", "Archive it", "Forever"),
    ("Resolve…", "Since when is it solved?", "In the next release"),
    ("Resolve…", "Since when is it solved?", "In the current release"),
    ("Priority", "Priority", "Medium"),
    ("Priority", "Priority", "Low"),
    ("Comment", "Comment", ""),
)


def dialogs(dice: random.Random) -> Iterator[tuple[str, str, str]]:
    """Each as often as every other."""
    while True:
        yield from dice.sample(DIALOGS, len(DIALOGS))


def dialog(
    shop: Shop, issues: list[Issue], who: Person, dice: random.Random, wanted: Iterator[tuple[str, str, str]]
) -> Outgoing:
    """A dialog that this person has filled in on some card, and not submitted yet."""
    label, field, choice = next(wanted)
    issue = dice.choice([issue for issue in issues if "…" not in label or label in shop.card(issue).buttons] or issues)
    if "…" in label and label not in shop.card(issue).buttons:
        label, field, choice = DIALOGS[-1]
    shop.click(issue, label, who)
    view = shop.slack.view(who)
    if choice:
        view.choose(field, choice)
    else:
        view.type(field, f"It is the till, I think ({dice.random()}).")
    asked = {"do": "submit", "as": who.slack_user_id, "view": True}
    built = shop.slack.do(shop.slack.simulation.clicks.build, asked)
    assert built is not None
    return built


def option(whom: Person) -> dict[str, Any]:
    return {"text": {"type": "plain_text", "text": whom.user.name}, "value": f"user:{whom.user.pk}"}


def send_all(shop: Shop, deliveries: list[Outgoing]) -> None:
    """Dealt to several threads, which begin together. What was not taken comes once more, as over a socket."""
    gate = threading.Barrier(THREADS)

    def work(mine: list[Outgoing]) -> list[Outgoing]:
        gate.wait(10)
        try:
            return [outgoing for outgoing in mine if shop.driver.send(outgoing) != 200]
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as threads:
        done = [threads.submit(work, deliveries[n::THREADS]) for n in range(THREADS)]
        for outgoing in [each for some in done for each in some.result()]:
            assert shop.driver.send(outgoing) == 200


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(size(20)))
def test_clicks_that_come_many_times_at_once_and_shuffled_take_effect_once(
    committed: None, shop: Shop, ada: Person, seed: int
) -> None:
    dice = random.Random(seed)
    people = [shop.alice, ada, shop.bob, shop.carol]
    tell_classic(shop)
    issues = [shop.issue(release=f"shop@1.4.{number}") for number in range(4)]
    shop.slack.expect_faults()  # a dialog that was answered by hand is not closed by it
    late: list[Outgoing] = []  # pressed on a card as it was then, delivered when it has changed
    delivered, wanted = 0, dialogs(dice)
    while delivered < DELIVERIES:
        clicks = [click for issue in issues for click in everything_on(shop, issue, people)]
        filled_in = [dialog(shop, issues, who, dice, wanted) for who in people[:2]]
        dice.shuffle(clicks)
        late, now = [*late, *clicks[:5]], [*clicks[5:], *late[:5], *filled_in]
        del late[:5]
        now += [submitted for who in people[:2] for submitted in dialog_of_old(shop, issues, who, dice)]
        deliveries = [click for click in now for _ in range(dice.randint(1, 4))]
        dice.shuffle(deliveries)
        send_all(shop, deliveries)
        delivered += len(deliveries)
        for who in people[:2]:
            if view := shop.slack.view(who):
                view.close()
            if box := shop.slack.dialog(who):
                box.cancel()
        shop.settle()
    of_slack = Activity.objects.filter(origin="slack")
    assert {*of_slack.values_list("kind", flat=True)} >= {
        *("resolved", "archived", "assigned", "unassigned", "priority", "acknowledged", "commented", "undone")
    }
    submitted = {sent.about["form"] for sent in shop.driver.journal.sent if sent.what == "submission"}
    assert submitted == {f"tocsin.form.{name}" for name in ("archive", "resolve", "priority", "comment")}
    shop.assert_kept()


def test_of_two_people_at_once_one_wins_and_the_other_is_told_who(committed: None, shop: Shop, ada: Person) -> None:
    issue = shop.issue()
    both = [shop.driver.pressed(shop.card(issue), "Resolve", who) for who in (shop.alice, ada)]
    send_all(shop, both)
    winner = Activity.objects.get(origin="slack").user
    (told,) = [row.about["text"] for row in Delivery.objects.filter(kind="slack.whisper")]
    assert winner is not None
    assert f"already resolved by {winner.name}" in told
    shop.settle()
    shop.assert_kept()


# --- one after the other, beside a model -------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class Model:
    """An issue, as simply as it can be said."""

    status: str = "unresolved"  # or "resolved now", "resolved after" that release, "resolved in" it
    priority: str = "high"
    assignee: int | None = None
    version: int = 1
    is_acknowledged: bool = False
    # Of each version: who made it, which side they changed, what that was before, and whether it can be undone.
    history: dict[int, tuple[str, str, Any, bool]] = field(default_factory=dict)

    def change(self, who: str, side: str, value: Any, *, can_be_undone: bool = True) -> None:
        before = getattr(self, side)
        setattr(self, side, value)
        self.version += 1
        self.history[self.version] = (who, side, before, can_be_undone)

    def is_stale(self, who: str, side: str, seen: int) -> bool:
        """Whether somebody else has changed that side since."""
        return any(
            version > seen and by != who and changed == side for version, (by, changed, _, _) in self.history.items()
        )

    def press(self, what: str, who: str, seen: int, whom: int | None) -> str:
        """Empty when it has an effect; else words of what the person is told."""
        if who in REFUSED:
            return REFUSED[who]
        if what == "Acknowledge":
            was, self.is_acknowledged = self.is_acknowledged, True
            return "already acknowledged" if was else ""
        if what == "Undo":
            return self._undo(who, seen)
        side, value = ("assignee", whom) if what == "Assign" else ("status", STATUS[what])
        return "" if self.submit(who, seen, side, value) else self._winner(side)

    def submit(self, who: str, seen: int, side: str, value: Any) -> bool:
        """Whether it has an effect."""
        if getattr(self, side) == value or self.is_stale(who, side, seen):
            return False
        self.change(who, side, value)
        return True

    def _undo(self, who: str, seen: int) -> str:
        """An Undo is of the version on whose card it stood."""
        if seen != self.version or seen not in self.history or not self.history[seen][3]:
            return "Nothing was changed"
        _, side, before, _ = self.history[seen]
        self.change(who, side, before, can_be_undone=False)
        return ""

    def _winner(self, side: str) -> str:
        """Who made it as it is. After an undo, nobody is named who did not."""
        made = [(by, can) for by, changed, _, can in self.history.values() if changed == side]
        return f"by {made[-1][0].capitalize()}" if made and made[-1][1] else "Nothing was changed"


REFUSED = {"bob": "your role in Acme does not change issues", "carol": "onnect"}
STATUS = {"Resolve": "resolved now", "Reopen": "unresolved"}
# What opens a dialog, what is chosen in it, and what it makes of the issue.
IN_DIALOGS = (
    ("Resolve…", "Since when is it solved?", "In the next release", "status", "resolved after"),
    ("Resolve…", "Since when is it solved?", "In the current release", "status", "resolved in"),
    ("Priority", "Priority", "Medium", "priority", "medium"),
    ("Priority", "Priority", "Low", "priority", "low"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A click on the card as somebody saw it, who may press it whenever they like."""

    what: str
    who: str
    version: int
    whom: int | None
    outgoing: Outgoing


class Story(RuleBasedStateMachine):
    """Set by the test: the shop, and its people by name."""

    shop: Shop
    people: dict[str, Person]

    @initialize()
    def begin(self) -> None:
        self.issue = self.shop.issue(release="shop@1.4.2")
        self.model = Model()
        self.seen: list[Seen] = []
        self.look()

    @rule()
    def look(self) -> None:
        """The card is brought up to date, and everybody looks at it."""
        self.shop.settle()
        self.shown = self.model.version
        card = self.shop.card(self.issue)
        for who, person in self.people.items():
            for what in ("Acknowledge", *(label for label in BUTTONS if label in card.buttons)):
                if what != "Acknowledge" or not self.model.is_acknowledged:
                    self._see(what, who, None, lambda what=what, person=person: self._pressed(card, what, person))
            for whom in ("alice", "ada"):
                user = self.people[whom]
                self._see(
                    "Assign", who, user.user.pk, lambda user=user, person=person: self._chosen(card, user, person)
                )
        self.seen = self.seen[-60:]

    def _pressed(self, card: Any, what: str, person: Person) -> Outgoing:
        return self.shop.driver.pressed(card, what, person)

    def _chosen(self, card: Any, whom: Person, person: Person) -> Outgoing:
        return self.shop.driver.chosen(card, "Assign", option(whom), person)

    def _see(self, what: str, who: str, whom: int | None, make: Callable[[], Outgoing]) -> None:
        self.seen.append(Seen(what=what, who=who, version=self.model.version, whom=whom, outgoing=make()))

    @rule(which=st.integers(min_value=0, max_value=59), times=st.integers(min_value=1, max_value=4))
    def press(self, which: int, times: int) -> None:
        """Something that was seen is pressed, now or long after, and delivered so often."""
        if not self.seen:
            return
        click = self.seen.pop(which % len(self.seen))
        done, told = Activity.objects.count(), Delivery.objects.order_by("pk").last()
        for _ in range(times):
            assert self.shop.driver.send(click.outgoing) == 200
        why_not = self.model.press(click.what, click.who, click.version, click.whom)
        assert Activity.objects.count() - done == (not why_not), click
        rows = Delivery.objects.filter(kind="slack.whisper", pk__gt=told.pk if told else 0)
        whispers = [row.about["text"] for row in rows]
        assert len(whispers) == bool(why_not), click
        assert all(why_not in each for each in whispers), click

    @rule(who=st.sampled_from(["alice", "ada"]), what=st.sampled_from(IN_DIALOGS), times=st.integers(1, 3))
    def fill_in(self, who: str, what: tuple[str, str, str, str, str], times: int) -> None:
        """A dialog is opened from the card as it hangs, filled in, and submitted so often."""
        label, field, choice, side, value = what
        person, done = self.people[who], Activity.objects.count()
        if label == "Resolve…" and label not in self.shop.card(self.issue).buttons:
            return
        self.shop.click(self.issue, label, person)
        self.shop.slack.view(person).choose(field, choice)
        self.shop.slack.view(person).submit(times=times)
        has_effect = self.model.submit(who, self.shown, side, value)
        assert Activity.objects.count() - done == has_effect, what
        view = self.shop.slack.view(person)
        assert bool(view) != has_effect, what
        if view:
            view.close()

    @invariant()
    def it_is_as_the_model_says(self) -> None:
        if not hasattr(self, "issue"):
            return
        issue = Issue.objects.get(pk=self.issue.pk)
        assert (
            f"{issue.status} {issue.resolution}".strip(),
            issue.priority,
            issue.assignee_user_id,
            issue.version,
        ) == (
            self.model.status,
            self.model.priority,
            self.model.assignee,
            self.model.version,
        )
        assert (issue.acknowledged_at is not None) == self.model.is_acknowledged

    def teardown(self) -> None:
        """What waits is brought to its end; the test asks the auditor about all stories together."""
        if hasattr(self, "issue"):
            self.shop.settle()


@pytest.mark.timeout(900)
def test_any_sequence_of_clicks_does_what_a_simple_model_says(shop: Shop, ada: Person) -> None:
    class This(Story):
        pass

    This.shop = shop
    This.people = {"alice": shop.alice, "ada": ada, "bob": shop.bob, "carol": shop.carol}
    run_state_machine_as_test(
        This,
        settings=settings(
            max_examples=size(100),
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    shop.assert_kept()
