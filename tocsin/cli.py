"""The `tocsin` command: one table."""

from __future__ import annotations

import importlib
import sys

# command → (module, one line of help). Each module has `main(argv) -> exit status`, imported only when asked for.
COMMANDS: dict[str, tuple[str, str]] = {
    "serve": ("tocsin.process.serve", "answer Slack, SDKs and browsers, with a worker beside it"),
    "worker": ("tocsin.process.worker", "digest events and deliver messages"),
    "migrate": ("tocsin.process.migrate", "bring the database up to this version"),
    "createuser": ("tocsin.process.createuser", "make a person, and an organization if there is none"),
    "createproject": ("tocsin.process.createproject", "make a project and tell a Slack channel of its issues"),
    "demo": ("tocsin.process.demo", "try Tocsin with a Slack on this machine"),
    "simulator": ("tocsin.process.simulator", "run the Slack simulator alone"),
}


def main(argv: list[str] | None = None) -> int:
    """Run one command. Returns its exit status; an unknown command prints what there is and returns 2."""
    arguments = sys.argv[1:] if argv is None else argv
    if not arguments or arguments[0] not in COMMANDS:
        print(_usage(), file=sys.stderr)
        return 0 if arguments[:1] in (["--help"], ["-h"]) else 2
    module, _ = COMMANDS[arguments[0]]
    status: int = importlib.import_module(module).main(arguments[1:])
    return status


def _usage() -> str:
    lines = [f"  {name:<14} {text}" for name, (_, text) in COMMANDS.items()]
    return "usage: tocsin COMMAND [options]\n\n" + "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
