"""The click's own statements, beside the ORM's reading."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from tests.people import Person
from tocsin.accounts.models import Organization
from tocsin.alerts.models import Destination
from tocsin.issues.models import Issue
from tocsin.slack import statements
from tocsin.slack.models import Card, Connection, Installation, Received, Workspace

NOON = datetime.fromisoformat("2026-01-02T12:00:00.123456+00:00")


def values_of(row: object) -> dict[str, object]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}  # type: ignore[attr-defined]


def test_an_installation_is_found_as_the_orm_finds_it(
    installation: Installation, workspace: Workspace, elsewhere: Organization
) -> None:
    Connection.objects.create(organization=elsewhere, installation=installation)
    org_wide = Installation.objects.create(key="E1/", enterprise_id="E1", installed_at=NOON)
    Connection.objects.create(organization=elsewhere, installation=org_wide)
    Installation.objects.create(key="T9", installed_at=NOON)  # serves nobody
    lost = Installation.objects.create(key="T8", installed_at=NOON, state=Installation.State.DISCONNECTED)
    Connection.objects.create(organization=elsewhere, installation=lost)

    found = statements.connected(["T0TOCSIN", "E1/", "T9", "T8", "T7"])
    connected = Installation.objects.filter(state="connected", connections__isnull=False).distinct()
    assert set(found) == {each.key for each in connected}
    for each in connected:
        read, organizations = found[each.key]
        assert values_of(read) == values_of(each)
        assert organizations == set(each.organizations.values_list("pk", flat=True))
    read, _ = found["T0TOCSIN"]
    assert values_of(read.workspace) == values_of(workspace)
    assert found["E1/"][0].workspace is None


def test_a_slack_users_account_is_found_as_the_orm_finds_it(alice: Person, carol: Person, workspace: Workspace) -> None:
    found = statements.linked(workspace.pk, str(alice.slack_user_id))
    assert found is not None
    assert values_of(found) == values_of(alice.user)
    assert statements.linked(workspace.pk, "U0CAROL") is None
    assert statements.linked(workspace.pk + 1, str(alice.slack_user_id)) is None


def test_a_delivery_is_remembered_once(installation: Installation) -> None:
    first = statements.insert_received(installation.pk, "a" * 64, "click", {"kind": "done"}, NOON)
    assert statements.insert_received(installation.pk, "a" * 64, "click", {"kind": "gone"}, NOON) is None
    row = Received.objects.get()
    assert (row.pk, row.installation, row.key, row.kind) == (first, installation, "a" * 64, "click")
    assert (row.outcome, row.received_at) == ({"kind": "done"}, NOON)


def test_the_cards_of_an_issue_are_those_that_are_not_gone(
    make_issue: Callable[..., Issue], make_destination: Callable[..., Destination], workspace: Workspace
) -> None:
    issue, destination = make_issue(), make_destination("C1", "#one")

    def card(number: int, subject: int = issue.pk, **fields: object) -> Card:
        return Card.objects.create(
            organization=issue.organization,
            workspace=workspace,
            destination=destination,
            subject_kind="issue",
            subject_id=subject,
            address=destination.address,
            number=number,
            delivery_key=str(number),
            created_at=NOON,
            **fields,
        )

    first, second = card(1, is_current=False), card(2)
    card(3, is_gone=True)
    card(4, subject=issue.pk + 1)
    found = statements.cards_of(issue.organization_id, "issue", issue.pk)
    assert [(row.id, row.is_current) for row in found] == [(first.pk, False), (second.pk, True)]
    assert {(row.organization_id, row.address, row.team_id, row.created_at) for row in found} == {
        (issue.organization_id, "T0TOCSIN/C1", "T0TOCSIN", NOON)
    }
    assert statements.cards_of(issue.organization_id + 1, "issue", issue.pk) == []
