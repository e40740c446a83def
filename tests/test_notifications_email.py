"""E-mail by a real mail server: what arrives, and what a refusal means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.mail import Mailbox
from tests.people import Person
from tocsin.clock import database_now
from tocsin.notifications import email
from tocsin.outbox import pace
from tocsin.outbox.models import Delivery, Pace

Deliver = Callable[..., int]


def write(person: Person, subject: str = "Hello", text: str = "It rings.\n") -> None:
    email.add(person.user, subject, text, now=database_now())


def test_a_mail_arrives_as_plain_text(mailbox: Mailbox, alice: Person, deliver_all: Deliver) -> None:
    write(alice, "Ünï <b> code", "Line one\n\nLine three: <ü>")
    deliver_all()
    (mail,) = mailbox.mails
    assert (mail["To"], mail["From"]) == ("alice@example.com", "Tocsin <tocsin@localhost>")
    assert mail["Subject"] == "Ünï <b> code"
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().splitlines() == ["Line one", "", "Line three: <ü>"]
    assert mail["Auto-Submitted"] == "auto-generated"
    assert Delivery.objects.get().done_at is not None


def test_a_subject_from_outside_makes_no_header(mailbox: Mailbox, alice: Person, deliver_all: Deliver) -> None:
    write(alice, "Hello\r\nBcc: eve@example.com\n" + "x" * 500)
    deliver_all()
    (mail,) = mailbox.mails
    assert mail["Bcc"] is None
    assert mail["Subject"].startswith("Hello Bcc: eve@example.com xxx")
    assert len(mail["Subject"]) == email.SUBJECT_MAX


def test_without_a_mail_server_nothing_is_written_down(alice: Person) -> None:
    write(alice)
    assert not Delivery.objects.exists()


def test_the_address_is_that_of_the_moment_and_who_is_deactivated_gets_nothing(
    mailbox: Mailbox, alice: Person, carol: Person, deliver_all: Deliver
) -> None:
    write(alice)
    write(carol)
    alice.user.email = "alice@new.example.com"
    alice.user.save()
    carol.user.is_active = False
    carol.user.save()
    deliver_all()
    assert [mail["To"] for mail in mailbox.mails] == ["alice@new.example.com"]
    assert Delivery.objects.filter(done_at__isnull=True).count() == 0


@pytest.mark.parametrize(
    ("step", "reply", "code", "is_over", "blocks"),
    [
        ("recipient_reply", "550 no such user", "recipient_refused", True, False),
        ("recipient_reply", "450 later", "recipient_refused", False, False),
        ("sender_reply", "550 not you", "mail_not_permitted", False, True),
        ("data_reply", "554 looks like spam", "mail_refused", True, False),
        ("data_reply", "451 later", "mail_refused", False, False),
    ],
)
def test_a_refusal_is_told_with_what_to_do(
    mailbox: Mailbox, alice: Person, deliver_all: Deliver, step: str, reply: str, code: str, is_over: bool, blocks: bool
) -> None:
    setattr(mailbox, step, reply)
    write(alice)
    deliver_all()
    assert mailbox.mails == []
    row = Delivery.objects.get()
    assert row.error_code == code
    assert reply[4:] in row.error
    assert (row.abandoned_at is not None) is is_over
    assert Pace.objects.filter(key=pace.pool_key(email.POOL), blocked_until__isnull=False).exists() is blocks


def test_a_server_that_is_away_holds_mail_up_and_the_id_is_that_of_the_delivery(
    mailbox: Mailbox, alice: Person, deliver_all: Deliver, settings: Any
) -> None:
    port = settings.EMAIL_PORT
    settings.EMAIL_PORT = 9
    write(alice)
    deliver_all()
    row = Delivery.objects.get()
    assert row.error_code == "mail_server_away"
    assert row.abandoned_at is None
    settings.EMAIL_PORT = port
    deliver_all(after=60)
    (mail,) = mailbox.mails
    row.refresh_from_db()  # the test has moved all times
    assert mail["Message-ID"] == f"<{row.pk}.{int(row.created_at.timestamp())}@localhost>"
