"""An example of every card, by name: what golden files are drawn from."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tocsin.slack.action_ids import Form, Until
from tocsin.slack.cards import (
    ActionTaken,
    ArchiveForm,
    CardStatus,
    CommentForm,
    DeletedCard,
    IssueCard,
    Marker,
    ResolveForm,
    ThreadReply,
    Told,
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
    "issue_hostile": replace(
        NEW,
        heading="",
        title="<!channel> <https://evil.example|good> *b* `c` & \u202e",
        culprit="<@U0ALICE> ```",
        message="``` <!here> ```",
        tags=(("<!everyone>", "`<@U1>`"),),
        environment="<!channel>",
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
    "form_told": Told(key=KEY, text="SHOP-1A is already resolved by Bob. Nothing was changed."),
    "form_anyway": Told(key=KEY, text="SHOP-1A is already resolved by Bob.", anyway=Form.ARCHIVE),
}
