"""auth.test, team.info, bots.info and users.*"""

from __future__ import annotations

from typing import Any

from tocsin.simulator import installed
from tocsin.simulator.arguments import Arguments, Signature, flag, number, text
from tocsin.simulator.errors import ApiError
from tocsin.simulator.methods.method import Method, page_of
from tocsin.simulator.state import User, Workspace


def auth_test(workspace: Workspace, args: Arguments) -> dict[str, Any]:
    app, team = workspace.app, workspace.team
    return {
        "url": team.url,
        "team": team.name,
        "user": workspace.users[app.bot_user_id].name,
        "team_id": team.id,
        "user_id": app.bot_user_id,
        "bot_id": app.bot_id,
        **installed.tested(workspace),
    }


def team_info(workspace: Workspace, args: Arguments) -> dict[str, Any]:
    team = workspace.team
    if args.get("team", team.id) != team.id or args.get("domain", team.domain) != team.domain:
        raise ApiError("team_not_found")
    icon = {f"image_{size}": f"https://a.slack-edge.com/team_{size}.png" for size in (34, 44, 68, 88, 102, 132)}
    return {
        "team": {
            "id": team.id,
            "name": team.name,
            "url": team.url,
            "domain": team.domain,
            "email_domain": "",
            "icon": {**icon, "image_default": True},
        }
    }


def bots_info(workspace: Workspace, args: Arguments) -> dict[str, Any]:
    app = workspace.app
    if not args.get("bot"):
        raise ApiError("missing_argument")
    if args["bot"] != app.bot_id:
        raise ApiError("bot_not_found")
    return {
        "bot": {
            "id": app.bot_id,
            "deleted": False,
            "name": app.name,
            "updated": 1_700_000_000,
            "app_id": app.id,
            "user_id": app.bot_user_id,
            "icons": {f"image_{size}": f"https://a.slack-edge.com/bot_{size}.png" for size in (36, 48, 72)},
        }
    }


def described(workspace: Workspace, user: User) -> dict[str, Any]:
    """A person as Slack describes them; a deactivated account loses most of it, and e-mail needs its own scope."""
    profile = {
        "real_name": user.real_name,
        "real_name_normalized": user.real_name,
        "display_name": user.name,
        "display_name_normalized": user.name,
        "status_text": "",
        "status_emoji": "",
        "avatar_hash": "g" + user.id.lower(),
        "team": user.team_id,
        **{f"image_{size}": f"https://secure.gravatar.com/{user.id}_{size}.png" for size in (24, 32, 48, 72, 192, 512)},
    }
    if user.email and "users:read.email" in workspace.app.scopes:
        profile["email"] = user.email
    who: dict[str, Any] = {
        "id": user.id,
        "team_id": user.team_id,
        "name": user.name,
        "deleted": user.deleted,
        "profile": profile,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "updated": 1_700_000_000,
    }
    if user.is_stranger:
        who["is_stranger"] = True
    if user.deleted:
        return who
    return who | {
        "color": "9f69e7",
        "real_name": user.real_name,
        "tz": "Europe/Berlin",
        "tz_label": "Central European Time",
        "tz_offset": 3600,
        "is_admin": False,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": user.is_restricted,
        "is_ultra_restricted": False,
        "is_email_confirmed": True,
        "who_can_share_contact_card": "EVERYONE",
    }


def users_info(workspace: Workspace, args: Arguments) -> dict[str, Any]:
    user = workspace.users.get(args["user"])
    if user is None:
        raise ApiError("user_not_found")
    return {"user": described(workspace, user)}


def users_list(workspace: Workspace, args: Arguments) -> dict[str, Any]:
    native = [user for user in workspace.users.values() if not user.is_stranger]
    page, cursor = page_of(native, args, default=1000)
    return {
        "members": [described(workspace, user) for user in page],
        "cache_ts": int(workspace.clock.now()),
        "response_metadata": {"next_cursor": cursor},
    }


def lookup_by_email(workspace: Workspace, args: Arguments) -> dict[str, Any]:
    """Deactivated accounts are not found."""
    wanted = args["email"].casefold()
    for user in workspace.users.values():
        if user.email and user.email.casefold() == wanted and not user.deleted and not user.is_stranger:
            return {"user": described(workspace, user)}
    raise ApiError("users_not_found")


METHODS = (
    Method(name="auth.test", tier="special", run=auth_test, takes_json=True, signature=Signature({}, {})),
    Method(
        name="team.info",
        tier="3",
        scopes=("team:read",),
        run=team_info,
        signature=Signature({}, {"team": text, "domain": text}),
    ),
    Method(
        name="bots.info",
        tier="3",
        scopes=("users:read",),
        run=bots_info,
        signature=Signature({}, {"bot": text, "team_id": text}),
    ),
    Method(
        name="users.info",
        tier="4",
        scopes=("users:read",),
        run=users_info,
        signature=Signature({"user": text}, {"include_locale": flag}),
    ),
    Method(
        name="users.list",
        tier="2",
        scopes=("users:read",),
        run=users_list,
        signature=Signature({}, {"cursor": text, "limit": number, "include_locale": flag, "team_id": text}),
    ),
    Method(
        name="users.lookupByEmail",
        tier="3",
        scopes=("users:read.email",),
        run=lookup_by_email,
        signature=Signature({"email": text}, {}),
    ),
)
