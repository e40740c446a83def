"""`tocsin demo`: all of Tocsin on this machine, with a Slack simulator, three people, and some errors that really
happened.

With TOCSIN_SLACK_API_URL another Slack is used instead of the simulator.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tocsin.process import setup
from tocsin.process.children import die_with_parent, read_pid
from tocsin.process.simulator import COMMAND as SIMULATOR

HOST = "127.0.0.1"
PORT = 8000
SLACK_PORT = 8100
PATIENCE = 30.0  # seconds for anything to answer
PROGRAMS = ("checkout", "payment", "stock", "catalogue")


class CannotStart(Exception):
    """Why there is no demo, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slack:
    """The Slack that the demo talks to; `page` is where a person can look at it, if it is the simulator."""

    api_url: str
    signing_secret: str
    bot_token: str
    page: str = ""


def main(argv: list[str]) -> int:
    """Returns 0 after SIGTERM or Ctrl-C, 1 with a sentence when something does not start."""
    parser = argparse.ArgumentParser(prog="tocsin demo", description=__doc__)
    parser.add_argument("--headless", action="store_true", help="do not say where to click")
    parser.add_argument("--json", action="store_true", help="print one JSON object on one line when all is ready")
    options = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, _interrupted)
    processes: list[subprocess.Popen[bytes]] = []
    kept = os.environ.get("TOCSIN_DATA_DIR", "")
    data_dir = Path(kept) if kept else Path(tempfile.mkdtemp(prefix="tocsin-demo-"))
    try:
        ready = _start(data_dir, processes)
        if options.json:
            print(json.dumps(ready), flush=True)
        if not options.headless:
            print(_welcome(ready), file=sys.stderr, flush=True)
        return _until_one_ends(processes)
    except CannotStart as error:
        print(f"tocsin: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        _end(processes)
        if not kept:
            shutil.rmtree(data_dir, ignore_errors=True)


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt


# --- starting -------------------------------------------------------------------------------------------------------


def _start(data_dir: Path, processes: list[subprocess.Popen[bytes]]) -> dict[str, Any]:
    """Start everything in `processes`, and describe it."""
    data_dir.mkdir(parents=True, exist_ok=True)
    port = _free_port(PORT)
    url = f"http://{HOST}:{port}"
    slack = _outside_slack() or _simulator(f"{url}/slack/interactive", processes)
    os.environ.update(
        {
            "TOCSIN_URL": url,
            "TOCSIN_DATA_DIR": str(data_dir),
            "TOCSIN_SECRET_KEY": _kept_secret_key(data_dir),
            "TOCSIN_SLACK_API_URL": slack.api_url,
            "TOCSIN_SLACK_SIGNING_SECRET": slack.signing_secret,
            "TOCSIN_SLACK_BOT_TOKEN": slack.bot_token,
        }
    )
    setup.django()
    seeded = _seed(slack.bot_token)
    setup.close_connections()
    processes.append(_popen([sys.executable, "-m", "tocsin.cli", "serve", "--host", HOST, "--port", str(port)]))
    _wait("Tocsin", lambda: _answers(f"{url}/readyz"), processes)
    _raise_errors(seeded["dsn"])
    _wait("the first cards", lambda: _cards_posted() >= len(PROGRAMS) * _channels_told(), processes)
    return {
        "url": url,
        **seeded,
        "slack": {
            "api_url": slack.api_url,
            "team_id": seeded["slack"]["team_id"],
            "channels": seeded["slack"]["channels"],
            "signing_secret": slack.signing_secret,
            "bot_token": slack.bot_token,
            "page": slack.page,
        },
        "data_dir": str(data_dir),
        "pids": {"web": read_pid(data_dir, "web"), "worker": read_pid(data_dir, "worker")},
    }


def _outside_slack() -> Slack | None:
    api_url = os.environ.get("TOCSIN_SLACK_API_URL", "")
    if not api_url:
        return None
    return Slack(
        api_url=api_url,
        signing_secret=os.environ.get("TOCSIN_SLACK_SIGNING_SECRET") or secrets.token_hex(16),
        bot_token=os.environ.get("TOCSIN_SLACK_BOT_TOKEN") or f"xoxb-{secrets.token_hex(16)}",
    )


def _simulator(request_url: str, processes: list[subprocess.Popen[bytes]]) -> Slack:
    """The simulator, started in its own process; it says on its first line where it listens."""
    signing_secret, bot_token = secrets.token_hex(16), f"xoxb-{secrets.token_hex(16)}"
    command = [
        *SIMULATOR,
        "--json",
        "--host",
        HOST,
        "--port",
        str(_free_port(SLACK_PORT)),
        "--request-url",
        request_url,
    ]
    command += ["--signing-secret", signing_secret, "--bot-token", bot_token]
    process = _popen(command, stdout=subprocess.PIPE)
    processes.append(process)
    line = process.stdout.readline() if process.stdout else b""
    if not line:
        raise CannotStart("the Slack simulator did not start; the reason stands above.")
    told = json.loads(line)
    _configure(told["url"])
    return Slack(api_url=told["api_url"], signing_secret=signing_secret, bot_token=bot_token, page=told["url"])


def _configure(simulator: str) -> None:
    """What an app's owner does on Slack's pages: the shortcuts, the command, and whose links are unfurled."""
    from tocsin.slack.action_ids import ShortcutId

    shortcuts = [
        {"name": "Find issue", "type": "global", "callback_id": ShortcutId.FIND},
        {"name": "Triage", "type": "global", "callback_id": ShortcutId.TRIAGE},
        {"name": "Comment on issue", "type": "message", "callback_id": ShortcutId.COMMENT},
    ]
    commands = [{"command": "/tocsin", "description": "Errors, from here", "usage_hint": "help", "should_escape": True}]
    body = json.dumps({"shortcuts": shortcuts, "commands": commands, "unfurl_domains": [HOST]}).encode()
    with urllib.request.urlopen(f"{simulator}control/app", body, timeout=PATIENCE):  # noqa: S310 - our own address
        pass


def _popen(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
    parent = os.getpid()
    # Whatever it prints is for a person: standard output belongs to the one line of JSON.
    options.setdefault("stdout", sys.stderr.fileno())
    options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.Popen(command, preexec_fn=lambda: die_with_parent(parent), **options)  # noqa: PLW1509 - no threads here


def _free_port(wanted: int) -> int:
    """`wanted`, or any free port when it is taken."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            number: int = probe.getsockname()[1]
            return number
    raise CannotStart(f"there is no free port on {HOST}.")


def _kept_secret_key(data_dir: Path) -> str:
    """One key as long as the data lives: what is sealed with it must open at the next start."""
    path = data_dir / "secret-key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48), encoding="ascii")
    return path.read_text(encoding="ascii")


def _wait(what: str, is_so: Callable[[], bool], processes: list[subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        ended = [process for process in processes if process.poll() is not None]
        if ended:
            raise CannotStart(f"a process ended while waiting for {what}; the reason stands above.")
        if time.monotonic() > deadline:
            raise CannotStart(f"{what} did not answer within {PATIENCE:.0f} seconds.")
        time.sleep(0.05)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


# --- the data -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    name: str
    email: str
    password: str
    role: str
    slack_user_id: str | None


def _seed(bot_token: str) -> dict[str, Any]:
    """An organization, a project, three people, the workspace and the rule; once: data that is kept is taken as
    it is.
    """
    from django.conf import settings
    from django.core.management import call_command

    from tocsin.accounts.models import Organization
    from tocsin.clock import database_now
    from tocsin.errors import DomainError
    from tocsin.outbox.failures import DeliveryError
    from tocsin.projects.models import Key
    from tocsin.slack import install

    call_command("migrate", interactive=False, verbosity=0)
    organization, is_new = Organization.objects.get_or_create(slug="acme", defaults={"name": "Acme Tea Shop"})
    try:
        installation = install.connect_workspace(bot_token, organization, database_now())
        channels = _channels(installation)
    except DomainError as error:
        raise CannotStart(f"Slack at {settings.TOCSIN_SLACK_API_URL} refuses: {error}") from error
    except DeliveryError as error:
        raise CannotStart(f"Slack at {settings.TOCSIN_SLACK_API_URL}: {error.sentence} {error.repair}") from error
    people = _people(organization, installation) if is_new else _set_passwords(organization)
    if is_new:
        _project(organization, installation, channels)
    key = Key.objects.select_related("project").get(project__organization=organization, project__slug="shop")
    return {
        "dsn": key.dsn(settings.TOCSIN_URL),
        "organization": organization.slug,
        "project": key.project.slug,
        "users": [asdict(person) for person in people],
        "slack": {"team_id": installation.key, "channels": {name: found["id"] for name, found in channels.items()}},
        "api_token": _api_token(organization, people[0]),
    }


def _api_token(organization: Any, owner: Person) -> str:
    """A token that may read and change issues, as the owner."""
    from tocsin.accounts.models import ApiToken, User
    from tocsin.accounts.tokens import make_token

    return make_token(User.objects.get(email=owner.email), organization, "demo", list(ApiToken.Scope))


# Who they are: name, role, Slack user. The last has no identity yet, to try linking with.
PEOPLE = (("Alice", "owner", "U0ALICE"), ("Carol", "member", "U0CAROL"), ("Dave", "member", None))


def _people(organization: Any, installation: Any) -> list[Person]:
    from tocsin.accounts.models import Role, User
    from tocsin.clock import database_now
    from tocsin.process import seed
    from tocsin.slack.models import Identity

    people = []
    for name, role, slack_user_id in PEOPLE:
        person = Person(
            name=name,
            email=f"{name.lower()}@acme.example",
            password=secrets.token_urlsafe(12),
            role=role,
            slack_user_id=slack_user_id,
        )
        user = User.objects.create_user(person.email, person.password, name=name)
        seed.member(organization, user.pk, Role(role))
        if slack_user_id:
            Identity.objects.create(
                workspace=installation.workspace, slack_user_id=slack_user_id, user=user, linked_at=database_now()
            )
        people.append(person)
    return people


def _set_passwords(organization: Any) -> list[Person]:
    """Passwords are stored hashed, so people of kept data get new ones."""
    from tocsin.slack.models import Identity

    people = []
    for membership in organization.members.select_related("user").order_by("pk"):
        password = secrets.token_urlsafe(12)
        membership.user.set_password(password)
        membership.user.save(update_fields=["password"])
        identity = Identity.objects.filter(user=membership.user).first()
        people.append(
            Person(
                name=membership.user.name,
                email=membership.user.email,
                password=password,
                role=membership.role,
                slack_user_id=identity.slack_user_id if identity else None,
            )
        )
    return people


def _channels(installation: Any) -> dict[str, dict[str, Any]]:
    """The channels named alerts and alerts-classic, else the first two that the bot is in."""
    from tocsin.slack import channels

    seen = channels.all_of(installation)
    mine = [channel for channel in seen if channel.get("is_member")]
    if not mine:
        raise CannotStart("the bot is in no channel. Invite it to one, and start again.")
    named = {channel["name"]: channel for channel in seen}
    return {
        "alerts": named.get("alerts") or mine[0],
        "classic": named.get("alerts-classic") or mine[min(1, len(mine) - 1)],
    }


def _project(organization: Any, installation: Any, channels: dict[str, dict[str, Any]]) -> None:
    """One rule tells both channels, each in its style. A workspace with one channel has it in blocks."""
    from tocsin.alerts.models import Destination
    from tocsin.process import seed

    project, _ = seed.project(organization, "shop", name="Tea shop")
    styles = {"alerts": Destination.Style.BLOCKS, "classic": Destination.Style.ATTACHMENTS}
    told = {
        found["id"]: seed.Channel(team_id=installation.key, id=found["id"], name=found["name"], style=styles[name])
        for name, found in reversed(channels.items())
    }
    seed.rule(
        project,
        "New and regressed issues",
        *reversed(told.values()),
        tags=("environment", "server_name", "payment", "job"),
        note="Press Resolve when it is fixed: everybody sees who did it.",
    )


def _raise_errors(dsn: str) -> None:
    """Run each program: it fails, and the real SDK reports it."""
    running = [_popen([sys.executable, "-m", "tocsin.process.programs", name, dsn]) for name in PROGRAMS]
    for process in running:
        if process.wait(timeout=PATIENCE) != 0:
            raise CannotStart("a demo program did not run; the reason stands above.")


def _channels_told() -> int:
    from tocsin.alerts.models import RuleDestination

    return RuleDestination.objects.count()


def _cards_posted() -> int:
    from tocsin.slack.models import Card

    return Card.objects.exclude(ts="").count()


# --- while it runs --------------------------------------------------------------------------------------------------


def _welcome(ready: dict[str, Any]) -> str:
    people = "\n".join(
        f"    {person['email']:<22} {person['password']}   {person['role']}, "
        + ("linked to Slack" if person["slack_user_id"] else "not linked yet")
        for person in ready["users"]
    )
    page = ready["slack"]["page"]
    slack = f"  Slack    {page}  (act as Alice, press Resolve)\n" if page else ""
    return (
        f"\nTocsin is ready.\n\n{slack}  Pages    {ready['url']}/\n\n{people}\n\n"
        "  Make the first error happen again:\n"
        f"    {os.path.relpath(sys.executable)} -m tocsin.process.programs checkout {ready['dsn']}\n\n"
        "  Ctrl-C ends it" + (".\n" if os.environ.get("TOCSIN_DATA_DIR") else ", and the data with it.\n")
    )


def _until_one_ends(processes: list[subprocess.Popen[bytes]]) -> int:
    while True:
        for process in processes:
            if process.poll() is not None:
                print(f"tocsin: {process.args!r} ended by itself.", file=sys.stderr)
                return 1
        time.sleep(0.5)


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    """SIGTERM to all, nine seconds in all to end, then SIGKILL."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + 9
    for process in processes:
        try:
            process.wait(timeout=max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
