"""How allauth fits Tocsin: nobody signs up by themselves."""

from __future__ import annotations

from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": "No account has this e-mail and this password. Look at both, then try again.",
        "too_many_login_attempts": "That was tried too often. Wait five minutes, then try again.",
        "incorrect_password": "This is not the account's password.",
        "enter_current_password": "This is not your current password.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """People are invited, or made with `tocsin createuser`."""
        return False
