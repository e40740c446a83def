"""The modals of the shortcuts: what they show, drawn anew as people search, and what they do when they are submitted."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from tocsin import bus
from tocsin.accounts.access import Right, is_member, organizations_of
from tocsin.accounts.models import Organization, User
from tocsin.errors import DomainError, Invalid
from tocsin.issues import saying
from tocsin.issues.bulk import BulkPerformed
from tocsin.issues.commands import (
    COMMENT_MAX,
    Archive,
    ArchiveUntil,
    Assign,
    Bulk,
    BulkCommand,
    Command,
    Comment,
    Listed,
    Reopen,
    Resolve,
    Unassign,
    UndoBulk,
)
from tocsin.issues.models import Issue, Status
from tocsin.issues.queries.finding import find
from tocsin.issues.queries.language import QUERY_MAX, parse
from tocsin.projects.access import projects_of
from tocsin.slack import answers, identity, linking, modals, mrkdwn
from tocsin.slack.action_ids import Action, Field, Form, Many
from tocsin.slack.actions.assign import CHOICE, NOBODY
from tocsin.slack.answers import EMPTY, Answer
from tocsin.slack.blocks import draw
from tocsin.slack.cards import BulkDone, FoundIssue, Marker, MessageForm, SearchForm
from tocsin.slack.clicks import DATABASE_IS_DOWN, GONE
from tocsin.slack.identity import Person
from tocsin.slack.installations import Found
from tocsin.slack.models import Installation, OpenedView
from tocsin.slack.payloads import Click, Clicks, Submission, ViewSeen
from tocsin.slack.reading import MARKERS, issue_url
from tocsin.slack.telling import Listener
from tocsin.slack.unforeseen import unforeseen

FORMS = frozenset({Form.FIND, Form.TRIAGE, Form.BULK_DONE, Form.COMMENT_MESSAGE})

FIRST_QUERY = "is:unresolved"
SHOWN = 10  # what Slack's check boxes take
COUNTED = 1000
TICK = re.compile(r"([1-9][0-9]{0,17}):([1-9][0-9]{0,17})")
RIGHTS: dict[Form, Right] = {Form.FIND: Right.READ, Form.TRIAGE: Right.TRIAGE}


def begin(form: Form, listener: Listener, organization: Organization, now: datetime, **values: Any) -> OpenedView:
    """Remember a modal that is about no issue yet. `values` is what it needs later."""
    return OpenedView.objects.create(
        key=secrets.token_hex(16),
        installation=listener.installation,
        workspace=listener.workspace,
        organization=organization,
        slack_user_id=listener.slack_user_id,
        form=form,
        issue_id=0,
        version=None,
        values=values,
        channel=listener.place.channel,
        ts=listener.place.ts,
        thread_ts=listener.place.thread_ts,
        created_at=now,
    )


def served(user: User, installation: Installation) -> QuerySet[Organization]:
    """The organizations that this person belongs to, of those that the installation serves."""
    return organizations_of(user).filter(slack_connections__installation=installation)


# --- what a search shows ---------------------------------------------------------------------------------------------


def view_of(opened: OpenedView, user: User, typed: str, *, what: str = "") -> dict[str, Any]:
    """The search with what it finds now. What is shown is remembered with the modal: which query, and an issue of it."""
    right = RIGHTS[Form(opened.form)]
    found, total, wrong = _found(opened, user, typed, right)
    opened.issue_id = found[0].pk if found else 0
    opened.values = {**opened.values, "query": typed}
    opened.save(update_fields=["issue_id", "values", "organization"])
    organizations = list(served(user, opened.installation))
    form = SearchForm(
        key=opened.key,
        form=opened.form,
        query=typed[:QUERY_MAX],
        wrong=wrong,
        found=tuple(map(shown, found)),
        total=total,
        total_most=COUNTED,
        picked=_picked(opened, user),
        may_triage=projects_of(user, opened.organization_id, Right.TRIAGE).exists(),
        what=what if what in set(Many) else Many.RESOLVE,
        organizations=tuple((each.pk, each.name) for each in organizations) if len(organizations) > 1 else (),
        organization=opened.organization_id,
    )
    return draw(form)


def _found(opened: OpenedView, user: User, typed: str, right: Right) -> tuple[list[Issue], int, str]:
    """(the first, how many, why the query cannot be read)."""
    try:
        query = parse(typed)
    except Invalid as error:
        return [], 0, str(error)
    issues = find(query, user, [opened.organization_id], right)
    first = list(issues.select_related(*SHOWN_WITH).order_by("-last_seen", "-pk")[:SHOWN])
    return first, len(first) if len(first) < SHOWN else issues[: COUNTED + 1].count(), ""


SHOWN_WITH = ("project", "organization", "assignee_user", "assignee_team", "resolved_in")


def shown(issue: Issue) -> FoundIssue:
    """As a search shows it. It has SHOWN_WITH at hand."""
    state = saying.state(issue)
    return FoundIssue(
        issue_id=issue.pk,
        version=issue.version,
        short_id=issue.short_id,
        url=issue_url(issue),
        title=issue.title,
        culprit=issue.culprit,
        level=MARKERS.get(issue.level, Marker.RED),
        state=state.words,
        state_until=state.at,
        assignee=issue.assignee_user.display_name if issue.assignee_user else str(issue.assignee_team or ""),
        events=issue.times_seen,
        last_seen=issue.last_seen,
        is_open=issue.status == Status.UNRESOLVED,
    )


def _picked(opened: OpenedView, user: User) -> FoundIssue | None:
    picked = opened.values.get("picked", 0)
    if not picked:
        return None
    issue = find(parse(""), user, [opened.organization_id]).select_related(*SHOWN_WITH).filter(pk=picked).first()
    if issue is None:
        return None
    opened.issue_id = issue.pk
    opened.save(update_fields=["issue_id"])
    return shown(issue)


# --- choices ---------------------------------------------------------------------------------------------------------


def redrawn(opened: OpenedView, view: ViewSeen, payload: Clicks, found: Found) -> dict[str, Any] | None:
    """The view for what is typed and chosen now; None when there is nothing to draw anew."""
    person = identity.who(opened.workspace, opened.slack_user_id)
    if opened.form not in RIGHTS or person is None:
        return None
    for click in payload.clicks:
        _remember(click, opened)
    if (number := view.values.get(Field.ORGANIZATION, "")).isdigit():
        chosen = served(person.user, opened.installation).filter(pk=int(number[:18])).first()
        opened.organization = chosen or opened.organization
    if opened.organization_id not in found.organizations:
        return None
    return view_of(opened, person.user, view.values.get(Field.QUERY, ""), what=view.values.get(Field.WHAT, ""))


def _remember(click: Click, opened: OpenedView) -> None:
    """Whoever searches again looks at a list again."""
    if click.action_id == Action.PICK_ISSUE:
        opened.values = {**opened.values, "picked": click.issue.id, "seen": click.issue.version}
    elif click.action_id in (Action.SEARCH, Action.CHOOSE_ORGANIZATION):
        opened.values = {**opened.values, "picked": 0}


# --- submitted -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """A modal that may do something: `person` is linked, and a member of the organization that it is about."""

    view: ViewSeen
    opened: OpenedView
    person: Person
    found: Found
    now: datetime


def submit(submission: Submission, opened: OpenedView, found: Found, now: datetime) -> Answer:
    """Do what the modal asks, in the caller's transaction."""
    if submission.view.form != opened.form:  # delivered again: it was done, and says so
        return answers.instead(_done_view(opened))
    if opened.organization_id not in found.organizations:
        return answers.instead(modals.told(opened, GONE))
    person = identity.who(opened.workspace, opened.slack_user_id)
    listener = modals.listener_of(opened)
    if person is None:
        return answers.instead(modals.told(opened, linking.invite(listener, submission.sender.name, now)))
    if not is_member(person.user, opened.organization_id):
        text = linking.part(listener, submission.sender.name, person.user, opened.organization, now)
        return answers.instead(modals.told(opened, text))
    submitted = Submitted(view=submission.view, opened=opened, person=person, found=found, now=now)
    try:
        with transaction.atomic():
            return SUBMIT[Form(opened.form)](submitted)
    except DATABASE_IS_DOWN:
        raise
    except Invalid as error:
        return _at_field(error, submitted)
    except DomainError as error:
        return answers.instead(modals.told(opened, mrkdwn.escape(str(error))))
    except Exception:  # noqa: BLE001 - logged with a reference that the person is told
        return answers.instead(modals.told(opened, unforeseen(form=opened.form, slack_user=opened.slack_user_id)))


def _at_field(error: Invalid, submitted: Submitted) -> Answer:
    block = next((block for block in submitted.view.fields if block.partition(":")[0] == error.field), "")
    if block:
        return answers.form_errors({block: str(error)})
    return answers.instead(modals.told(submitted.opened, mrkdwn.escape(str(error))))


# --- many ------------------------------------------------------------------------------------------------------------


def _apply(submitted: Submitted) -> Answer:
    """Do it to what is ticked, or picked. With nothing chosen it is a search, if another one was typed."""
    opened, values = submitted.opened, submitted.view.values
    typed, listed = values.get(Field.QUERY, ""), _listed(submitted)
    is_new = typed != opened.values.get("query", "")
    if not listed or (is_new and opened.form == Form.FIND):
        if not is_new and Form(opened.form) is Form.TRIAGE and opened.issue_id:
            raise Invalid("Choose issues first.", field=Field.ISSUES)
        opened.values = {**opened.values, "picked": 0}
        return answers.instead(view_of(opened, submitted.person.user, typed, what=values.get(Field.WHAT, "")))
    shape = SHAPES[_what(values)](values)
    return _perform(Bulk(organization_id=opened.organization_id, shape=shape, issues=listed), submitted)


def _listed(submitted: Submitted) -> tuple[Listed, ...]:
    """What is ticked, at the version that the list showed; or the one issue that is looked at."""
    values = submitted.view.values
    ticked = next((value for block, value in values.items() if block.partition(":")[0] == Field.ISSUES), "")
    found = (TICK.fullmatch(each) for each in ticked.split(","))
    listed = tuple(Listed(issue_id=int(each[1]), seen_version=int(each[2])) for each in found if each)
    picked = _picked(submitted.opened, submitted.person.user)
    if picked is not None and Form(submitted.opened.form) is Form.FIND:
        return (Listed(issue_id=picked.issue_id, seen_version=submitted.opened.values.get("seen") or picked.version),)
    return listed


def _what(values: Mapping[str, str]) -> Many:
    try:
        return Many(values.get(Field.WHAT, ""))
    except ValueError:
        raise Invalid("Choose one of the entries.", field=Field.WHAT) from None


def _assign(values: Mapping[str, str]) -> Command:
    chosen = values.get(Field.ASSIGNEE, "")
    if chosen == NOBODY:
        return Unassign(issue_id=0)
    match = CHOICE.fullmatch(chosen)
    if match is None:
        raise Invalid("Choose one person or one team.", field=Field.ASSIGNEE)
    return Assign(issue_id=0, **{f"{match[1]}_id": int(match[2])})


SHAPES: dict[Many, Callable[[Mapping[str, str]], Command]] = {
    Many.RESOLVE: lambda _: Resolve(issue_id=0),
    Many.ARCHIVE: lambda _: Archive(issue_id=0, until=ArchiveUntil.UNTIL_ESCALATING),
    Many.REOPEN: lambda _: Reopen(issue_id=0),
    Many.ASSIGN: _assign,
}


def _undo(submitted: Submitted) -> Answer:
    bulk_id = submitted.opened.values.get("bulk", 0)
    if not bulk_id:  # delivered again
        return answers.instead(_done_view(submitted.opened))
    return _perform(UndoBulk(bulk_id=bulk_id), submitted)


def _perform(command: BulkCommand, submitted: Submitted) -> Answer:
    """What became of it is kept with the modal, which now says it: whoever submits it twice is told the same."""
    opened = submitted.opened
    by = submitted.person.actor(submitted.now, submitted.found.organizations)
    performed: BulkPerformed = bus.perform(command, by=by)
    opened.form = Form.BULK_DONE
    opened.values = {"bulk": performed.bulk_id, "text": _done_text(performed), "left": _left_text(performed)}
    opened.save(update_fields=["form", "values"])
    return answers.instead(_done_view(opened))


def _done_text(performed: BulkPerformed) -> str:
    if not performed.done:
        return "Nothing was changed."
    links = [mrkdwn.link(issue_url(each.issue), each.issue.short_id) for each in performed.done]
    return f":white_check_mark: *{mrkdwn.line(performed.sentence)}*\n{'  '.join(links[:SHOWN])}"


def _left_text(performed: BulkPerformed) -> str:
    if not performed.left:
        return ""
    lines = [f"• {mrkdwn.line(str(left), 250)}" for left in performed.left[:SHOWN]]
    return "\n".join(["*Left as they are:*", *lines])


def _done_view(opened: OpenedView) -> dict[str, Any]:
    values = opened.values
    done = BulkDone(
        key=opened.key,
        text=values.get("text") or "That was done already.",
        left=values.get("left", ""),
        can_undo=bool(values.get("bulk")),
    )
    return draw(done)


# --- a comment of a message ------------------------------------------------------------------------------------------


def message_view(opened: OpenedView, short_id: str) -> dict[str, Any]:
    values = opened.values
    return draw(MessageForm(key=opened.key, short_id=short_id, author=values["author"], said=values["said"]))


def _comment(submitted: Submitted) -> Answer:
    opened, values = submitted.opened, submitted.view.values
    chosen = values.get(Field.ISSUE, "")
    issue_id = opened.issue_id or (int(chosen) if re.fullmatch(r"[1-9][0-9]{0,17}", chosen, re.ASCII) else 0)
    if not issue_id:
        raise Invalid("Choose an issue.", field=Field.ISSUE)
    by = submitted.person.actor(submitted.now, submitted.found.organizations)
    bus.perform(Comment(issue_id=issue_id, text=_comment_text(opened, values.get(Field.TEXT, ""))), by=by)
    opened.delete()
    return EMPTY


def _comment_text(opened: OpenedView, note: str) -> str:
    """What was added, then who wrote what in Slack, and where."""
    kept = opened.values
    link = f" ({kept['permalink']})" if kept["permalink"] else ""
    quote = f"{kept['author']} wrote in Slack{link}:\n{kept['said'].strip()}"
    return "\n\n".join(part for part in (note.strip(), quote) if part)[:COMMENT_MAX]


SUBMIT: dict[Form, Callable[[Submitted], Answer]] = {
    Form.FIND: _apply,
    Form.TRIAGE: _apply,
    Form.BULK_DONE: _undo,
    Form.COMMENT_MESSAGE: _comment,
}
