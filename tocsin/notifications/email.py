"""E-mail to people with an account: plain text, through the outbox. Without TOCSIN_EMAIL_URL there is none."""

from __future__ import annotations

import smtplib
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

from tocsin.accounts.models import User
from tocsin.outbox import service as outbox
from tocsin.outbox.failures import DeliveryError, Scope
from tocsin.outbox.worker import Lease

KIND = "email.text"
POOL = "email"
REFUSED_FOR_GOOD = 500  # an SMTP reply from here on: trying again cannot help (RFC 5321, 4.2.1)
SUBJECT_MAX = 200
CONFIGURATION_AGAIN_AFTER = timedelta(minutes=15)


def add(to: User, subject: str, text: str, *, now: datetime) -> None:
    """Write to them, once this transaction is committed. To nobody, where no mail server is set.

    `subject` becomes one line; `text` is plain. The address is read when it is sent.
    """
    if not settings.TOCSIN_EMAIL_URL:
        return
    outbox.add(
        KIND,
        {"user_id": to.pk, "subject": one_line(subject)[:SUBJECT_MAX], "text": text},
        outbox.Route(subject=f"email:{to.pk}", lane=f"email:{to.pk}", pool=POOL, method="smtp"),
        now=now,
        organization=None,
    )


def one_line(text: str) -> str:
    """Names come from outside: no line of theirs becomes a line of ours."""
    return " ".join(text.split())


def send(lease: Lease, *, user_id: int, subject: str, text: str) -> None:
    """One try. Nothing for a person who is gone or deactivated. Each try has the same Message-ID, so that one which came
    twice is seen to be the same. Raises DeliveryError.
    """
    person = User.objects.filter(pk=user_id, is_active=True).first()
    if person is None:
        return
    host = urlsplit(settings.TOCSIN_URL).hostname
    message = EmailMessage(
        subject,
        text,
        settings.DEFAULT_FROM_EMAIL,
        [person.email],
        headers={
            "Message-ID": f"<{lease.id}.{int(lease.created_at.timestamp())}@{host}>",
            "Auto-Submitted": "auto-generated",
        },
        connection=EmailBackend(fail_silently=False),
    )
    lease.before_call()
    try:
        message.send()
    except (smtplib.SMTPException, OSError) as error:
        raise _told(error) from error


def _told(error: Exception) -> DeliveryError:
    """What a failure means for this mail and those behind it."""
    match error:
        case smtplib.SMTPRecipientsRefused():
            answers = [(code, _words(said)) for code, said in error.recipients.values()]
            code, said = max(answers, default=(REFUSED_FOR_GOOD, ""))
            return DeliveryError(
                "recipient_refused",
                f"The mail server does not take mail for this address: {code} {said}".strip(),
                repair="Correct the account's e-mail address.",
                is_permanent=code >= REFUSED_FOR_GOOD,
            )
        case smtplib.SMTPAuthenticationError() | smtplib.SMTPSenderRefused() | smtplib.SMTPNotSupportedError():
            return DeliveryError(
                "mail_not_permitted",
                f"The mail server does not let Tocsin send: {_words(error)}",
                repair="Check TOCSIN_EMAIL_URL (name, password, encryption) and TOCSIN_EMAIL_FROM.",
                scope=Scope.POOL,
                retry_after=CONFIGURATION_AGAIN_AFTER,
            )
        case smtplib.SMTPDataError():
            return DeliveryError(
                "mail_refused",
                f"The mail server refused this mail: {error.smtp_code} {_words(error.smtp_error)}",
                is_permanent=error.smtp_code >= REFUSED_FOR_GOOD,
            )
        case _:
            return DeliveryError(
                "mail_server_away",
                f"The mail server did not answer: {_words(error)}",
                repair="Check that the server of TOCSIN_EMAIL_URL runs and can be reached from here.",
                scope=Scope.POOL,
                is_ambiguous=True,
            )


def _words(said: object) -> str:
    return one_line(said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said))[:200]
