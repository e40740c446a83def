"""Keys as an installation of any size needs them: global bigints, and the organization in every other unique key."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import models

# Tables that organizations share, or whose organization is another row's: each with the reason.
SHARED = {
    "accounts.User": "a person may belong to several organizations",
    "accounts.Organization": "is the tenant",
    "outbox.Delivery": "organization is null when the row concerns a workspace alone",
    "outbox.Pace": "how fast an outside may be told is the outside's matter",
    "slack.Workspace": "may serve several organizations",
    "slack.Installation": "may serve several organizations",
    "slack.Identity": "who a Slack user is does not depend on the organization",
    "slack.LinkToken": "links a Slack user to a person",
    "slack.Received": "what Slack sent is told apart by installation",
    "slack.ResponseUrl": "belongs to an installation until it is spent",
    "slack.WaitingLink": "is an address that a Slack user posted; what it leads to is asked when they are linked",
}
# Unique keys of tenant tables that cannot hold the organization, because they are how it is found.
FINDS_ORGANIZATION = {
    ("projects.Key", ("public_key",)): "an SDK shows nothing else",
    ("slack.KeptClick", ("token",)): "one with its token, which is shared",
}

OURS = [model for model in apps.get_models() if model.__module__.startswith("tocsin.")]
TENANT = [model for model in OURS if model._meta.label not in SHARED]


def named(model: type[models.Model]) -> str:
    return model._meta.label


@pytest.mark.parametrize("model", OURS, ids=named)
def test_every_primary_key_is_a_global_bigint(model: type[models.Model]) -> None:
    assert isinstance(model._meta.pk, models.BigAutoField)


@pytest.mark.parametrize("model", TENANT, ids=named)
def test_every_tenant_table_names_its_organization(model: type[models.Model]) -> None:
    organization = model._meta.get_field("organization")
    assert isinstance(organization, models.ForeignKey)
    assert not organization.null


@pytest.mark.parametrize("model", TENANT, ids=named)
def test_every_unique_key_of_a_tenant_table_holds_the_organization(model: type[models.Model]) -> None:
    without = {key for key in unique_keys(model) if "organization" not in key}
    assert without == {key for label, key in FINDS_ORGANIZATION if label == model._meta.label}


def test_shared_tables_are_shared_tables_of_ours() -> None:
    assert SHARED.keys() <= {model._meta.label for model in OURS}
    assert {label for label, _ in FINDS_ORGANIZATION} <= {model._meta.label for model in TENANT}


def unique_keys(model: type[models.Model]) -> set[tuple[str, ...]]:
    """The columns of every unique key but the primary one."""
    fields = {(field.name,) for field in model._meta.local_fields if field.unique and not field.primary_key}
    constraints = [one for one in model._meta.constraints if isinstance(one, models.UniqueConstraint)]
    return fields | {(*one.fields, *map(column, one.expressions)) for one in constraints}


def column(expression: Any) -> str:
    """The column that `Lower("slug")` and its like are about."""
    return getattr(expression, "name", "") or column(expression.get_source_expressions()[0])
