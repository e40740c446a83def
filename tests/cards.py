"""An example of every card, by name: what golden files are drawn from."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tocsin.slack.action_ids import Form, Many, Until
from tocsin.slack.cards import (
    ActionTaken,
    ArchiveForm,
    BulkDone,
    CardStatus,
    CommentForm,
    DeletedCard,
    FoundIssue,
    IssueCard,
    Marker,
    MessageForm,
    Muted,
    MuteForm,
    PriorityForm,
    ResolveForm,
    SearchForm,
    ThreadReply,
    Told,
    UnmuteForm,
    View,
    Who,
)

SEEN = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)

NEW = IssueCard(
    issue_id=12,
    version=1,
    short_id="SHOP-1A",
    url="https://tocsin.example/organizations/acme/issues/12/",
    project="shop",
    level="error",
    marker=Marker.RED,
    status=CardStatus.UNRESOLVED,
    title="KeyError: 'saucer'",
    heading="KeyError",
    culprit="shop.checkout in price_of",
    message="'saucer'",
    tags=(("environment", "production"), ("payment", "card")),
    state="New",
    events=3,
    users=2,
    first_seen=SEEN,
    priority="High",
    note="Tell <@U0ALICE> when orders fail.",
    rule="New and regressed issues",
    environment="production",
    release="shop@1.4.2",
    can_mute=True,
)
RESOLVED = replace(
    NEW,
    version=2,
    marker=Marker.WHITE,
    status=CardStatus.RESOLVED,
    state="Resolved",
    actions_taken=(ActionTaken(did="Resolved", who=Who(name="Alice", slack_user_id="U0ALICE"), at=SEEN),),
)
REGRESSED = replace(
    RESOLVED,
    version=3,
    marker=Marker.RED,
    status=CardStatus.UNRESOLVED,
    state="Regressed",
    actions_taken=(
        *RESOLVED.actions_taken,
        ActionTaken(did="Came back after it was resolved", who=Who(), at=SEEN),
    ),
    earlier_actions=2,
)

ALICE = Who(name="Alice", slack_user_id="U0ALICE")

CARDS: dict[str, IssueCard | DeletedCard | ThreadReply] = {
    "issue_new": NEW,
    "issue_resolved": RESOLVED,
    "issue_regressed": REGRESSED,
    "issue_archived": replace(
        NEW,
        version=2,
        marker=Marker.WHITE,
        status=CardStatus.ARCHIVED,
        state="Archived forever",
        actions_taken=(ActionTaken(did="Archived forever", who=Who(name="Alice"), at=SEEN),),
    ),
    "issue_snoozed": replace(
        NEW,
        version=4,
        marker=Marker.WHITE,
        status=CardStatus.ARCHIVED,
        state="Archived until",
        state_until=SEEN + timedelta(hours=4),
        assignee=Who(name="Bob", slack_user_id="U0BOB"),
        is_acknowledged=True,
        has_releases=True,
        undo=77,
        actions_taken=(
            ActionTaken(did="Acknowledged", who=ALICE, at=SEEN),
            ActionTaken(did="Assigned to", whom=Who(name="Bob", slack_user_id="U0BOB"), who=ALICE, at=SEEN),
            ActionTaken(did="Archived until", until=SEEN + timedelta(hours=4), who=ALICE, at=SEEN),
        ),
    ),
    "issue_muted": replace(
        NEW,
        rule="New and regressed issues +1 other",
        can_mute=True,
        mutes=(Muted(rule="New and regressed issues", until=SEEN + timedelta(hours=8), who=ALICE, held=3),),
    ),
    "issue_hostile": replace(
        NEW,
        heading="",
        title="<!channel> <https://evil.example|good> *b* `c` & \u202e",
        culprit="<@U0ALICE> ```",
        message="``` <!here> ```",
        tags=(("<!everyone>", "`<@U1>`"),),
        environment="<!channel>",
        mutes=(Muted(rule="<!here> *x*", until=SEEN, who=Who(name="<@U1>")),),
    ),
    "issue_bare": IssueCard(
        issue_id=1,
        version=1,
        short_id="SHOP-1",
        url="https://tocsin.example/organizations/acme/issues/1/",
        project="shop",
        level="debug",
        marker=Marker.BUG,
        status=CardStatus.UNRESOLVED,
        title="",
        first_seen=SEEN,
    ),
    "issue_deleted": DeletedCard(what="This issue"),
    "reply_regressed": ThreadReply(
        short_id="SHOP-1A",
        url=NEW.url,
        title=NEW.title,
        said="is back: it happened again after it was resolved.",
        broadcast=True,
    ),
}

KEY = "0123456789abcdef0123456789abcdef"
PRIORITIES = (("high", "High"), ("medium", "Medium"), ("low", "Low"))

FOUND = FoundIssue(
    issue_id=12,
    version=3,
    short_id="SHOP-1A",
    url="https://tocsin.example/organizations/acme/issues/12/",
    title="KeyError: 'saucer'",
    culprit="shop.checkout in price_of",
    level=Marker.RED,
    state="Archived until",
    state_until=SEEN + timedelta(days=1),
    assignee="Bob",
    events=3,
    last_seen=SEEN,
)
FIND = SearchForm(
    key=KEY,
    form=Form.FIND,
    query="is:unresolved",
    found=(FOUND, replace(FOUND, issue_id=13, short_id="SHOP-1B", state="New", state_until=None, assignee="")),
    total=2,
    total_most=1000,
    may_triage=True,
    organization=1,
)
TRIAGE = replace(FIND, form=Form.TRIAGE)

VIEWS: dict[str, View] = {
    "form_resolve": ResolveForm(key=KEY, short_id="SHOP-1A", newest="shop@1.4.2"),
    "form_resolve_release": ResolveForm(key=KEY, short_id="SHOP-1A", newest="shop@1.4.2", asks_release=True),
    **{
        f"form_archive_{until.value}": ArchiveForm(
            key=KEY,
            short_id="SHOP-1A",
            until=until,
            values=(("events", "21"), ("hours", "other"), ("minutes", "5"), ("rate_events", "100"), ("users", "1")),
            tomorrow=SEEN + timedelta(days=1),
        )
        for until in Until
    },
    "form_comment": CommentForm(key=KEY, short_id="SHOP-1A", limit=10_000),
    "form_priority": PriorityForm(key=KEY, short_id="SHOP-1A", choices=PRIORITIES, priority="medium"),
    "form_mute": MuteForm(
        key=KEY, place="#alerts", rules=((7, "New issues"),), rule_id=7, until=SEEN + timedelta(hours=1)
    ),
    "form_mute_which": MuteForm(
        key=KEY,
        place="#alerts",
        rules=((7, "New issues"), (8, "Checkout <!here>")),
        rule_id=8,
        until=SEEN + timedelta(hours=8),
    ),
    "form_unmute": UnmuteForm(
        key=KEY, mutes=(Muted(rule="New issues", until=SEEN + timedelta(hours=8), who=Who(name="Alice")),)
    ),
    "form_told": Told(key=KEY, text="SHOP-1A is already resolved by Bob. Nothing was changed."),
    "form_find": FIND,
    "form_find_picked": replace(FIND, picked=FOUND),
    "form_find_nothing": replace(FIND, query="is:new zebra", found=(), total=0),
    "form_find_wrong": replace(
        FIND, query="is:open", found=(), total=0, wrong="is:open makes no sense. is: takes new."
    ),
    "form_triage": TRIAGE,
    "form_triage_assign": replace(
        TRIAGE, what=Many.ASSIGN, organizations=((1, "Acme"), (2, "Elsewhere")), total=37, total_most=1000
    ),
    "form_triage_hostile": replace(
        TRIAGE, query='"<@U1>"', found=(replace(FOUND, title="<!channel> *x* & `y`" * 20, assignee="<@U1>"),), total=1
    ),
    "form_bulk_done": BulkDone(
        key=KEY,
        text=":white_check_mark: *Resolved: 1 issue.*\n<https://tocsin.example/organizations/acme/issues/12/|SHOP-1A>",
        left="*Left as they are:*\n• SHOP-1B is already resolved by Bob. Nothing was changed.",
        can_undo=True,
    ),
    "form_bulk_undone": BulkDone(key=KEY, text=":white_check_mark: *Undone: 1 issue.*"),
    "form_message": MessageForm(key=KEY, short_id="", author="Bob", said="Is this the till? &lt;b&gt; *x*"),
    "form_message_of_card": MessageForm(key=KEY, short_id="SHOP-1A", author="Bob", said=""),
    "form_anyway": Told(key=KEY, text="SHOP-1A is already resolved by Bob.", anyway=Form.ARCHIVE),
}
