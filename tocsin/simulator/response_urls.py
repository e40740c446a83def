"""response_urls: addresses at which an app may answer an interaction for half an hour, five times."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tocsin.simulator.arguments import Signature, flag, nested, text, timestamp
from tocsin.simulator.errors import ApiError, invalid_arguments
from tocsin.simulator.messages import authored, fill, refuse_faulty
from tocsin.simulator.payloads import forget_choices
from tocsin.simulator.state import Posted, Workspace
from tocsin.simulator.tiers import RateLimits

SECONDS = 30 * 60
USES = 5
KEPT = 50_000

SIGNATURE = Signature(
    {},
    {
        "text": text,
        "blocks": nested("invalid_blocks_format"),
        "attachments": nested("invalid_attachments"),
        "response_type": text,
        "replace_original": flag,
        "delete_original": flag,
        "thread_ts": timestamp,
        "unfurl_links": flag,
        "unfurl_media": flag,
        "metadata": nested("invalid_metadata_format"),
        "mrkdwn": flag,
    },
)


class Gone(Exception):
    """Used up, expired, or never there."""


@dataclass(slots=True, kw_only=True)
class Hook:
    """What one response_url stands for."""

    path: str
    channel: str
    ts: str  # of the message that was used
    user: str
    issued_at: float
    uses: int = 0


@dataclass(slots=True, kw_only=True)
class ResponseUrls:
    workspace: Workspace
    limits: RateLimits
    _hooks: dict[str, Hook] = field(default_factory=dict)

    def issue(self, *, user: str, posted: Posted) -> str:
        """The path of a new one, without the leading slash."""
        path = f"actions/{self.workspace.team.id}/{secrets.randbelow(10**13):013}/{secrets.token_urlsafe(18)}"
        self._hooks[path] = Hook(
            path=path, channel=posted.channel, ts=posted.ts, user=user, issued_at=self.workspace.clock.now()
        )
        if len(self._hooks) > KEPT:
            del self._hooks[next(iter(self._hooks))]
        return path

    def use(self, path: str, body: bytes) -> str:
        """Do what is asked; returns the ts of the message that was made or changed, or empty.

        Raises Gone, RateLimited, and ApiError for what is asked wrongly. A refused use counts no less.
        """
        hook = self._hooks.get(path)
        if hook is None or hook.uses >= USES or self.workspace.clock.now() - hook.issued_at > SECONDS:
            raise Gone
        self.limits.check_responses(hook.channel)
        hook.uses += 1
        args = SIGNATURE.bind(_parse(body))
        self._refuse_contradiction(args)
        return self._apply(hook, args)

    def _refuse_contradiction(self, args: Mapping[str, Any]) -> None:
        if args.get("response_type", "ephemeral") not in ("ephemeral", "in_channel"):
            raise invalid_arguments("must be one of: ephemeral, in_channel [json-pointer:/response_type]")
        if args.get("replace_original") and args.get("thread_ts"):
            raise invalid_arguments("a message that is replaced stays where it is [json-pointer:/thread_ts]")
        if not (args.get("delete_original") and args.keys() == {"delete_original"}):
            refuse_faulty(args)

    def _apply(self, hook: Hook, args: Mapping[str, Any]) -> str:
        original = self.workspace.find(hook.channel, hook.ts)
        if args.get("delete_original"):
            if original is not None:
                self.workspace.remove(original)
            if args.keys() == {"delete_original"}:
                return hook.ts if original is not None else ""
        elif args.get("replace_original") and original is not None:
            fill(original.message, {"attachments": [], **args})
            forget_choices(original)
            if args.get("metadata") is not None:
                original.metadata = args["metadata"] or None
            self.workspace.change()
            return original.ts
        return self._post(hook, args).ts

    def _post(self, hook: Hook, args: Mapping[str, Any]) -> Posted:
        is_ephemeral = args.get("response_type", "ephemeral") == "ephemeral"
        return self.workspace.store(
            Posted(
                channel=hook.channel,
                message=authored(self.workspace, args, self.workspace.next_ts()),
                ephemeral_to=hook.user if is_ephemeral else "",
                metadata=args.get("metadata") or None,
            )
        )


def _parse(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise ApiError("invalid_payload") from None
    if not isinstance(value, dict):
        raise ApiError("invalid_payload")
    return {name: each for name, each in value.items() if each is not None}
