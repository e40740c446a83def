"""`tocsin createuser`: make a person, and their organization if it is not there yet."""

from __future__ import annotations

import argparse
import getpass
import sys

from tocsin.process import setup

ROLES = ("owner", "manager", "admin", "member", "viewer")


def main(argv: list[str]) -> int:
    """Returns 0 when the person is there, 1 with a sentence when they cannot be made."""
    parser = argparse.ArgumentParser(prog="tocsin createuser", description=__doc__)
    parser.add_argument("email")
    parser.add_argument("--name", default="")
    parser.add_argument("--organization", default="", metavar="SLUG", help="made when it does not exist")
    parser.add_argument("--role", choices=ROLES, default="owner", help="in that organization (default: owner)")
    parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    options = parser.parse_args(argv)
    password = sys.stdin.readline().rstrip("\n") if options.password_stdin else getpass.getpass("Password: ")
    setup.django()
    return _create(options.email, options.name, password, options.organization, options.role)


def _create(email: str, name: str, password: str, slug: str, role: str) -> int:
    from django.contrib.auth.password_validation import validate_password
    from django.core.exceptions import ValidationError
    from django.core.validators import validate_email, validate_slug
    from django.db import transaction

    from tocsin.accounts.models import Member, Organization, User

    try:
        validate_email(email)
        validate_password(password)
        if slug:
            validate_slug(slug)
    except ValidationError as error:
        print(f"tocsin: {' '.join(error.messages)}", file=sys.stderr)
        return 1
    if User.objects.filter(email=email.lower()).exists():
        print(f"tocsin: {email} is there already.", file=sys.stderr)
        return 1
    with transaction.atomic():
        user = User.objects.create_user(email, password, name=name)
        if slug:
            organization, _ = Organization.objects.get_or_create(slug=slug, defaults={"name": slug.capitalize()})
            Member.objects.create(organization=organization, user=user, role=role)
    print(f"{email} is there" + (f", {role} of {slug}." if slug else ", in no organization yet."))
    return 0
