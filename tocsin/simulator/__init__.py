"""A Slack workspace that runs on this machine: for the demo, for rehearsals, for tests.

An independent program. It behaves towards an app as Slack does, refuses what Slack refuses, and judges what the app
answers; it knows nothing of Tocsin.
"""

from __future__ import annotations


def main(argv: list[str]) -> int:
    """Serve until SIGTERM or Ctrl-C; returns 0 then, 1 with a sentence when the port cannot be had."""
    from tocsin.simulator.command import run

    return run(argv)
