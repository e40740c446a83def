"""Secrets at rest open only where they were put, and with a key that is still held."""

from __future__ import annotations

from typing import Any

import pytest

from tocsin import crypto

PLACE = {"table": "installation", "column": "bot_token", "row": "T1"}


def test_what_was_sealed_opens_in_its_place() -> None:
    sealed = crypto.seal("xoxb-1", **PLACE)
    assert "xoxb" not in sealed
    assert crypto.unseal(sealed, **PLACE) == "xoxb-1"


def test_the_same_secret_is_never_sealed_the_same_way_twice() -> None:
    assert crypto.seal("xoxb-1", **PLACE) != crypto.seal("xoxb-1", **PLACE)


@pytest.mark.parametrize("change", [{"table": "other"}, {"column": "other"}, {"row": "T2"}])
def test_a_secret_copied_elsewhere_is_refused(change: dict[str, str]) -> None:
    sealed = crypto.seal("xoxb-1", **PLACE)
    with pytest.raises(crypto.CannotOpen):
        crypto.unseal(sealed, **(PLACE | change))


@pytest.mark.parametrize("sealed", ["", "x", "not base64!", "AAAA", "é"])
def test_junk_is_refused(sealed: str) -> None:
    with pytest.raises(crypto.CannotOpen):
        crypto.unseal(sealed, **PLACE)


def test_an_altered_secret_is_refused() -> None:
    sealed = crypto.seal("xoxb-1", **PLACE)
    altered = sealed[:-6] + ("A" if sealed[-6] != "A" else "B") + sealed[-5:]
    with pytest.raises(crypto.CannotOpen):
        crypto.unseal(altered, **PLACE)


def test_a_key_can_be_replaced_while_old_secrets_are_still_read(settings: Any) -> None:
    old = settings.SECRET_KEY
    sealed = crypto.seal("xoxb-1", **PLACE)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a-newer-key-" * 4, [old]
    assert crypto.unseal(sealed, **PLACE) == "xoxb-1"
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(crypto.CannotOpen):
        crypto.unseal(sealed, **PLACE)


def test_a_token_is_kept_as_its_digest() -> None:
    assert len(crypto.digest("token")) == 64
    assert crypto.digest("token") == crypto.digest("token") != crypto.digest("tokem")


def test_texts_are_compared_whole() -> None:
    assert crypto.same("é", "é")
    assert not crypto.same("a", "b")
