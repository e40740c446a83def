"""chat.unfurl: what an app shows below a link that somebody has posted."""

from __future__ import annotations

from typing import Any

from tocsin.simulator import prompts, unfurls
from tocsin.simulator.arguments import Arguments, Signature, flag, nested, text, timestamp
from tocsin.simulator.errors import ApiError
from tocsin.simulator.methods.method import Method
from tocsin.simulator.payloads import forget_choices
from tocsin.simulator.state import Workspace


def unfurl(workspace: Workspace, args: Arguments) -> dict[str, Any]:
    """By channel and ts, or by unfurl_id and source; all of it or nothing. It may be called before the event is
    acknowledged, and again for what is there already.
    """
    offer = unfurls.offered(workspace, args)
    asks = any(args.get(name) for name in prompts.ASKING)
    if not asks and "unfurls" not in args:
        raise ApiError("missing_unfurls")
    if not isinstance(args.get("metadata", {}), dict):
        raise ApiError("invalid_metadata_format")
    shown = args.get("unfurls", {})
    unfurls.refuse_wrong(offer, shown)
    if asks:
        prompts.refuse_wrong(workspace, offer, args)
        prompts.ask(workspace, offer, args)
    unfurls.put(workspace, offer, shown)
    posted = workspace.find(offer.channel, offer.ts)
    if posted is not None:
        forget_choices(posted)
    return {}


METHODS = (
    Method(
        name="chat.unfurl",
        tier="3",
        scopes=("links:write",),
        takes_json=True,
        run=unfurl,
        signature=Signature(
            {},
            {
                "channel": text,
                "ts": timestamp,
                "unfurls": nested("invalid_unfurls_format"),
                "unfurl_id": text,
                "source": text,
                "user_auth_required": flag,
                "user_auth_url": text,
                "user_auth_message": text,
                "user_auth_blocks": nested("invalid_blocks_format"),
                "metadata": nested("invalid_metadata_format"),
            },
        ),
    ),
)
