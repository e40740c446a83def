"""`tocsin createproject`: make a project with its key, and tell a Slack channel of its new and regressed issues."""

from __future__ import annotations

import argparse
import sys

from tocsin.process import setup


def main(argv: list[str]) -> int:
    """Prints the DSN. Returns 0, or 1 with a sentence when it cannot be made."""
    parser = argparse.ArgumentParser(prog="tocsin createproject", description=__doc__)
    parser.add_argument("organization", metavar="ORGANIZATION", help="slug of the organization")
    parser.add_argument("project", metavar="PROJECT", help="slug of the project")
    parser.add_argument("--channel", default="", metavar="NAME", help="Slack channel to tell, for example '#alerts'")
    parser.add_argument(
        "--style",
        choices=["blocks", "attachments"],
        default="blocks",
        help="how the channel's cards are made: attachments are for apps and habits of old",
    )
    options = parser.parse_args(argv)
    setup.django()
    from tocsin.errors import DomainError
    from tocsin.outbox.failures import DeliveryError

    try:
        _create(options.organization, options.project, options.channel, options.style)
    except DeliveryError as error:
        print(f"tocsin: {error.sentence} {error.repair}".rstrip(), file=sys.stderr)
        return 1
    except DomainError as error:
        print(f"tocsin: {error}", file=sys.stderr)
        return 1
    return 0


def _create(organization_slug: str, slug: str, channel: str, style: str) -> None:
    from django.conf import settings
    from django.db import transaction

    from tocsin.accounts.models import Organization
    from tocsin.errors import DomainError
    from tocsin.process import seed

    organization = Organization.objects.filter(slug=organization_slug).first()
    if organization is None:
        raise DomainError(f"There is no organization {organization_slug!r}. Make one with: tocsin createuser")
    found = seed.find_channel(organization, channel, style) if channel else None
    with transaction.atomic():
        project, key = seed.project(organization, slug)
        if found is not None:
            seed.rule(project, "New and regressed issues", found)
    print(key.dsn(settings.TOCSIN_URL))
