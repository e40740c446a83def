"""The workspace that there is in the beginning."""

from __future__ import annotations

import secrets

from tocsin.simulator.clock import Clock
from tocsin.simulator.state import App, Channel, Team, User, Workspace

PEOPLE = ("alice", "bob", "carol", "dave", "eve", "mallory")
SCOPES = (
    *("channels:history", "channels:join", "channels:read", "chat:write", "chat:write.public", "commands"),
    *("groups:history", "groups:read", "im:history", "im:read", "im:write", "links:read", "links:write"),
    *("mpim:read", "team:read", "users:read", "users:read.email"),
)


def workspace(*, signing_secret: str = "", bot_token: str = "", request_url: str = "") -> Workspace:
    """ "Tocsin Demo": six people, three channels that the bot is in, three that it is not, of which one is archived."""
    clock = Clock()
    app = App(
        id="A0TOCSIN",
        name="Tocsin",
        bot_id="B0TOCSIN",
        bot_user_id="U0TOCSIN",
        bot_token=bot_token or f"xoxb-{secrets.token_hex(16)}",
        signing_secret=signing_secret or secrets.token_hex(16),
        scopes=list(SCOPES),
        request_url=request_url,
    )
    made = Workspace(team=Team(id="T0TOCSIN", name="Tocsin Demo", domain="tocsin-demo"), app=app, clock=clock)
    for name in PEOPLE:
        made.add_user(
            User(
                id=f"U0{name.upper()}",
                name=name,
                real_name=name.capitalize(),
                email=f"{name}@example.com",
                team_id=made.team.id,
            )
        )
    made.add_user(
        User(id=app.bot_user_id, name=app.name.lower(), real_name=app.name, team_id=made.team.id, is_bot=True)
    )
    _add_channels(made)
    return made


def _add_channels(made: Workspace) -> None:
    everybody = [f"U0{name.upper()}" for name in PEOPLE]
    bot = made.app.bot_user_id
    created = int(made.clock.now()) - 86_400 * 30
    for channel in (
        Channel(id="C0ALERTS", name="alerts", created=created, members=[*everybody, bot]),
        Channel(id="C0CLASSIC", name="alerts-classic", created=created, members=[*everybody, bot]),
        Channel(id="C0GENERAL", name="general", created=created, members=everybody),
        Channel(id="C0SECRET", name="secret", created=created, members=everybody[:2], is_private=True),
        Channel(id="C0OPS", name="ops-private", created=created, members=[*everybody[:3], bot], is_private=True),
        Channel(id="C0OLD", name="old", created=created, members=[*everybody[:2], bot], is_archived=True),
    ):
        made.add_channel(channel)
