"""P1 and P2 for what people do in Slack: each took effect exactly once, or was answered with the reason why not.

Which activity is of which click nobody writes down, and nobody needs to: of one person, one issue and one kind, every activity must
find a click of its own in whose time it falls, and every acknowledged click that was told nothing an activity of its own.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.audit.evidence import CLOCKS_DIFFER, Evidence, seconds
from tests.driver import Sent

# What pressing something does: the kinds of activity that may come of it, or the modal that opens.
DOES: dict[str, tuple[str, ...]] = {
    "tocsin.resolve": ("resolved",),
    "tocsin.reopen": ("reopened",),
    "tocsin.archive": ("archived",),
    "tocsin.assign": ("assigned",),
    "none": ("unassigned",),
    "tocsin.undo": ("undone",),
    "tocsin.acknowledge": ("acknowledged",),
    "tocsin.form.resolve": ("resolved",),
    "tocsin.form.archive": ("archived",),
    "tocsin.form.comment": ("commented",),
    "tocsin.form.priority": ("priority",),
    "tocsin.form.mute": ("muted",),
    "tocsin.form.unmute": ("unmuted",),
    "tocsin.unmute": ("unmuted",),
    "status:resolved": ("resolved",),
    "status:ignored": ("archived",),
    "status:unresolved": ("reopened",),
    "assign": ("assigned",),
    "dialog": ("resolved",),
}
OPENS = frozenset(
    {
        "tocsin.resolve_form",
        "tocsin.archive_form",
        "tocsin.comment_form",
        "tocsin.mute_form",
        "tocsin.priority_form",
        "resolve_dialog:resolve_dialog",
    }
)
OF_ANY_ISSUE = frozenset({"unmuted"})  # a rule that was muted on one card is unmuted on another
DOES_NOTHING = frozenset({"tocsin.open", "tocsin.connect"})  # links, and below what redraws a modal
DRAWS = frozenset(
    {
        "tocsin.choose_resolve",
        "tocsin.choose_release",
        "tocsin.choose_archive",
        "tocsin.choose_hours",
        "tocsin.choose_rule",
        "tocsin.choose_mute",
        "tocsin.choose_priority",
        "tocsin.typed",
    }
)
MENU = "tocsin.more"
FOREVER = float("inf")
OUTAGE = "database does not answer"  # said in the answer itself, where Slack reads it: then it may be done, or not


@dataclass(slots=True, kw_only=True)
class Deed:
    """One click or submission, however often it was delivered."""

    name: str  # the action, or the form
    about: Mapping[str, Any]
    deliveries: list[Sent] = field(default_factory=list)

    @property
    def user(self) -> str:
        return str(self.about["user"])

    @property
    def is_answered(self) -> bool:
        return any(sent.is_answered for sent in self.deliveries)

    @property
    def met_a_fault(self) -> bool:
        """Whether some delivery of it failed: the person is told of that, and another delivery may do it all the same."""
        return any(sent.status >= 500 or OUTAGE in sent.body for sent in self.deliveries)

    @property
    def said_in_the_answer(self) -> bool:
        """Whether every answer says why not: in a modal, or with the status of what is gone."""
        answers = [sent for sent in self.deliveries if sent.status]
        return bool(answers) and all(sent.body.strip() or sent.status == 403 for sent in answers)

    def may_have_done(self, at: float) -> bool:
        """Whether something that was done then may have been done by it. What was never answered may go on."""
        until = max(sent.answered_at if sent.status else FOREVER for sent in self.deliveries)
        return min(sent.at for sent in self.deliveries) - CLOCKS_DIFFER <= at <= until + CLOCKS_DIFFER

    def __str__(self) -> str:
        return f"{self.name} by {self.user} at {self.deliveries[0].at:.3f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """An activity that came from Slack; or that a rule was muted, or unmuted."""

    id: int
    user: str
    issue: int
    kind: str
    at: float


Group = tuple[str, int, str]  # user, issue, kind


# --- what there is ----------------------------------------------------------------------------------------------------


def deeds_of(evidence: Evidence) -> list[Deed]:
    """Every click and submission that asks for something."""
    found: dict[str, Deed] = {}
    for sent in evidence.driver.sent:
        if sent.what in ("click", "submission"):
            name = _name_of(sent)
            if name not in DOES_NOTHING | DRAWS:
                found.setdefault(sent.key, Deed(name=name, about=sent.about)).deliveries.append(sent)
    return list(found.values())


def _name_of(sent: Sent) -> str:
    if sent.what == "submission":
        return str(sent.about["form"])
    (action,) = sent.about["actions"]  # a person's click is one; lists of several are made by hand
    is_told_by_choice = action["action_id"] == MENU or action["chosen"] == "none"
    return str(action["chosen"] if is_told_by_choice else action["action_id"])


def _issue_named(actions: Sequence[Mapping[str, Any]]) -> int:
    """Buttons carry their issue, and so do the rows they stand in; nothing else does."""
    for action in actions:
        for carried in (action["value"], action["block_id"]):
            if carried.startswith("{") and "issue" in (read := json.loads(carried)):
                return int(read["issue"])
    return 0


def _issues_of_modals(evidence: Evidence) -> dict[str, int]:
    """By a modal's key: that of the click whose trigger opened it; of one that came in the place of another, the other's."""
    clicks = [sent for sent in evidence.driver.sent if sent.what == "click"]
    by_trigger = {sent.about["trigger_id"]: _issue_named(sent.about["actions"]) for sent in clicks}
    found = {
        str(call.args["view"]["private_metadata"]): by_trigger.get(call.args["trigger_id"], 0)
        for call in evidence.effects("views.open")
    }
    for sent in evidence.driver.sent:
        if sent.what == "submission" and sent.body.startswith("{") and "view" in (answer := json.loads(sent.body)):
            key = str(answer["view"].get("private_metadata", ""))
            found.setdefault(key, found.get(sent.about["view_key"], 0))
    return found


def _done(evidence: Evidence) -> list[Done]:
    rows = evidence.query(
        "SELECT id, identity, issue_id, kind, created_at FROM issues_activity WHERE origin = 'slack' ORDER BY id"
    )
    done = [
        Done(id=id_, user=identity.partition("/")[2], issue=issue, kind=kind, at=seconds(created_at))
        for id_, identity, issue, kind, created_at in rows
    ]
    return done + _mutes(evidence)


def _mutes(evidence: Evidence) -> list[Done]:
    """Several rules are unmuted at once."""
    muted = evidence.query(
        "SELECT m.id, s.slack_user_id, m.issue_id, 'muted', m.created_at FROM alerts_rulemute m"
        " JOIN slack_identity s ON s.user_id = m.by_id"
    )
    unmuted = evidence.query(
        "SELECT min(m.id), s.slack_user_id, 0, 'unmuted', m.ended_at FROM alerts_rulemute m"
        " JOIN slack_identity s ON s.user_id = m.ended_by_id GROUP BY s.slack_user_id, m.ended_at"
    )
    return [
        Done(id=id_, user=user, issue=issue or 0, kind=kind, at=seconds(at))
        for id_, user, issue, kind, at in (*muted, *unmuted)
    ]


# --- who was told something -------------------------------------------------------------------------------------------


class Told:
    """The whispers: those to a response_url are of one click; others are counted by person."""

    def __init__(self, evidence: Evidence) -> None:
        self._to_urls: Counter[str] = Counter(call.path for call in evidence.effects("response_url"))
        self._others: Counter[str] = Counter(call.args["user"] for call in evidence.effects("chat.postEphemeral"))
        for call in evidence.effects("chat.postMessage"):
            if call.mark[0] == "tocsin_whisper":
                self._others[call.args["channel"]] += 1

    def by_url(self, deed: Deed) -> bool:
        path = str(deed.about["response_url"]).partition("/response/")[2]
        return bool(path) and self._to_urls[path] > 0

    def otherwise(self, deed: Deed) -> bool:
        """Whether a whisper to this person is left that no other click was answered with."""
        if not self._others[deed.user]:
            return False
        self._others[deed.user] -= 1
        return True


# --- the verdict ------------------------------------------------------------------------------------------------------


def violations(evidence: Evidence) -> Iterator[str]:
    told = Told(evidence)
    left = [
        deed for deed in deeds_of(evidence) if not (told.by_url(deed) or deed.said_in_the_answer) or deed.met_a_fault
    ]
    yield from _modals_that_did_not_open(evidence, [deed for deed in left if deed.name in OPENS], told)
    yield from _changes_that_do_not_agree(evidence, [deed for deed in left if deed.name not in OPENS], told)
    yield from _links_that_are_not_there(evidence)


def _changes_that_do_not_agree(evidence: Evidence, deeds: Sequence[Deed], told: Told) -> Iterator[str]:
    """Too much was done, or too little."""
    did_something: set[int] = set()
    for (user, issue, kind), (asked, did) in sorted(_grouped(evidence, deeds).items()):
        for each in _unmatched(did, asked, lambda each, deed: deed.may_have_done(each.at)):
            yield f"activity {each.id} ({kind} issue {issue} by {user}) is of no click: done twice, or though refused"
        must = sorted((deed for deed in asked if deed.is_answered), key=lambda deed: deed.met_a_fault)
        lacking = {id(deed) for deed in _unmatched(must, did, lambda deed, each: deed.may_have_done(each.at))}
        did_something |= {id(deed) for deed in must} - lacking
    for deed in deeds:
        is_told = deed.met_a_fault and (told.by_url(deed) or deed.said_in_the_answer)
        if deed.is_answered and id(deed) not in did_something and not is_told and not told.otherwise(deed):
            yield f"{deed} was acknowledged, and had neither an effect nor an answer"


def _grouped(evidence: Evidence, deeds: Sequence[Deed]) -> dict[Group, tuple[list[Deed], list[Done]]]:
    groups: dict[Group, tuple[list[Deed], list[Done]]] = defaultdict(lambda: ([], []))
    of_modals, by_page = _issues_of_modals(evidence), _done_by_link_pages(evidence)
    for deed in deeds:
        issue = _issue_named(deed.about["actions"]) or of_modals.get(deed.about["view_key"], 0)
        for kind in DOES[deed.name]:
            groups[deed.user, 0 if kind in OF_ANY_ISSUE else issue, kind][0].append(deed)
    for each in _done(evidence):
        if not by_page(each):
            groups[each.user, each.issue, each.kind][1].append(each)
    return groups


def _modals_that_did_not_open(evidence: Evidence, deeds: Iterable[Deed], told: Told) -> Iterator[str]:
    opened = Counter(
        call.args.get("trigger_id") for method in ("views.open", "dialog.open") for call in evidence.effects(method)
    )
    for deed in deeds:
        times = opened[deed.about["trigger_id"]]
        if times > 1:
            yield f"{deed} opened {times} modals"
        if not times and deed.is_answered and not deed.said_in_the_answer and not told.otherwise(deed):
            yield f"{deed} was acknowledged, and opened no modal"


def _unmatched(ones: Sequence[Any], others: Sequence[Any], fits: Callable[[Any, Any], bool]) -> list[Any]:
    """Those of `ones` that are left when as many as possible have an `other` of their own that fits.

    A matching for all of one side and a matching for some of the other make one that does for both (Mendelsohn and Dulmage),
    so each side may be asked alone.
    """
    partner: dict[int, int] = {}  # index of others → index of ones

    def find(index: int, seen: set[int]) -> bool:
        for other in range(len(others)):
            if other in seen or not fits(ones[index], others[other]):
                continue
            seen.add(other)
            if other not in partner or find(partner[other], seen):
                partner[other] = index
                return True
        return False

    return [ones[index] for index in range(len(ones)) if not find(index, set())]


# --- the page that links somebody, and does what they clicked before ---------------------------------------------------


def _done_by_link_pages(evidence: Evidence) -> Callable[[Done], bool]:
    """Whether an activity was done when somebody confirmed such a page; each page does one thing."""
    pages = [sent for sent in evidence.driver.sent if sent.what == "link"]

    def is_so(each: Done) -> bool:
        for page in pages:
            deed = Deed(name="link", about=page.about, deliveries=[page])
            if page.about["user"] == each.user and page.about["issue"] == each.issue and deed.may_have_done(each.at):
                pages.remove(page)
                return True
        return False

    return is_so


def _links_that_are_not_there(evidence: Evidence) -> Iterator[str]:
    linked = {slack_user_id for (slack_user_id,) in evidence.query("SELECT slack_user_id FROM slack_identity")}
    for sent in evidence.driver.sent:
        if sent.what == "link" and sent.is_answered and sent.about["user"] not in linked:
            yield f"{sent.about['user']} confirmed the link at {sent.at:.3f}, and is not linked"
