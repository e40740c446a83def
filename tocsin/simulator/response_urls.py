"""response_urls: addresses at which an app may answer an interaction for half an hour, five times."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tocsin.simulator import unfurls
from tocsin.simulator.arguments import Signature, WrongType, flag, nested, text, timestamp
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
    ts: str  # of the message that was used; empty: there is none that it could replace
    user: str
    issued_at: float
    unfurl: int = 0  # the number of the attachment, if it is one that was clicked
    uses: int = 0


@dataclass(slots=True, kw_only=True)
class ResponseUrls:
    workspace: Workspace
    limits: RateLimits
    _hooks: dict[str, Hook] = field(default_factory=dict)

    def issue(self, *, user: str, posted: Posted, attachment: int = 0) -> str:
        """The path of a new one, without the leading slash. `attachment`: the number of the one that was used."""
        unfurl = attachment if unfurls.of(posted.message, attachment) else 0
        return self._issue("actions", user=user, channel=posted.channel, ts=posted.ts, unfurl=unfurl)

    def issue_in(self, *, user: str, channel: str) -> str:
        """The same for a dialog or a shortcut: it belongs to a channel, and replaces nothing there."""
        return self._issue("app", user=user, channel=channel, ts="")

    def issue_command(self, *, user: str, channel: str) -> str:
        """The same for a command."""
        return self._issue("commands", user=user, channel=channel, ts="")

    def say(self, *, user: str, channel: str, args: Mapping[str, Any], as_user: bool = False) -> None:
        """What the app has answered a command with, which needs no address; `as_user`: what the person typed, shown to all."""
        posted = self._post(Hook(path="", channel=channel, ts="", user=user, issued_at=0.0), args)
        if as_user:
            posted.ephemeral_to = ""
            posted.message = {"type": "message", "user": user, "ts": posted.ts, "text": posted.message["text"]}
            self.workspace.change()

    def _issue(self, kind: str, *, user: str, channel: str, ts: str, unfurl: int = 0) -> str:
        path = f"{kind}/{self.workspace.team.id}/{secrets.randbelow(10**13):013}/{secrets.token_urlsafe(18)}"
        self._hooks[path] = Hook(
            path=path, channel=channel, ts=ts, user=user, issued_at=self.workspace.clock.now(), unfurl=unfurl
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
        asked = _parse(body)
        if hook.unfurl and (_says(asked, "replace_original") or _says(asked, "delete_original")):
            return self._change_unfurl(hook, asked)
        args = SIGNATURE.bind(asked)
        self._refuse_contradiction(args)
        return self._apply(hook, args)

    def apply(self, *, user: str, posted: Posted, args: Mapping[str, Any], unfurl: int = 0) -> None:
        """The same of what the app has answered a click with, which needs no address."""
        hook = Hook(path="", channel=posted.channel, ts=posted.ts, user=user, issued_at=0.0, unfurl=unfurl)
        if unfurl and (args.get("replace_original") or args.get("delete_original")):
            self._change_unfurl(hook, args)
        else:
            self._apply(hook, args)

    def _change_unfurl(self, hook: Hook, asked: Mapping[str, Any]) -> str:
        """The message is somebody else's: what stands below the link is replaced, or taken away."""
        content = unfurls.content_of(asked)
        if _says(asked, "delete_original"):
            answer = SIGNATURE.bind({name: value for name, value in asked.items() if name != "delete_original"})
            if content:
                self._refuse_contradiction(answer)
            self._rewrite(hook, unfurls.remove)
            return self._post(hook, answer).ts if content else hook.ts
        self._rewrite(hook, lambda posted, number: unfurls.replace(posted, number, content))
        return hook.ts

    def _rewrite(self, hook: Hook, change: Callable[[Posted, int], None]) -> None:
        original = self.workspace.find(hook.channel, hook.ts)
        if original is not None:
            change(original, hook.unfurl)
            forget_choices(original)
            self.workspace.change()

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


def _says(asked: Mapping[str, Any], name: str) -> bool:
    try:
        return flag(asked.get(name, False))
    except WrongType as error:
        raise invalid_arguments(f"{error} [json-pointer:/{name}]") from None
