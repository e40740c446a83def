"""How the Web API says no."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class ApiError(Exception):
    """Answered as HTTP 200 with `ok` false. `more` stands beside `error` in the body."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.error = error
        self.more = more

    def body(self) -> dict[str, Any]:
        return {"ok": False, "error": self.error, **self.more}


class RateLimited(Exception):
    """Answered as HTTP 429; `retry_after` in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"ratelimited for {retry_after} s")
        self.retry_after = retry_after


def with_messages(error: str, sentences: Sequence[str]) -> ApiError:
    """An error whose reasons stand in response_metadata.messages, as for invalid_arguments."""
    return ApiError(error, response_metadata={"messages": [f"[ERROR] {sentence}" for sentence in sentences]})


def invalid_arguments(*sentences: str) -> ApiError:
    return with_messages("invalid_arguments", sentences)


def invalid_blocks(sentences: Sequence[str]) -> ApiError:
    refused = with_messages("invalid_blocks", sentences)
    refused.more["errors"] = list(sentences)
    return refused
