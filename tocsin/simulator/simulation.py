"""One workspace with all that stands around it."""

from __future__ import annotations

from typing import Any

from tocsin.simulator.clicks import Clicks
from tocsin.simulator.events import Events
from tocsin.simulator.faults import Faults
from tocsin.simulator.journal import Journal
from tocsin.simulator.response_urls import ResponseUrls
from tocsin.simulator.state import Workspace
from tocsin.simulator.tiers import RateLimits


class Simulation:
    """Used from one event loop."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.limits = RateLimits(clock=workspace.clock)
        self.journal = Journal(clock=workspace.clock)
        self.faults = Faults(workspace.change)
        self.judgements: list[dict[str, Any]] = []
        self.hooks = ResponseUrls(workspace=workspace, limits=self.limits)
        self.clicks = Clicks(workspace=workspace, journal=self.journal, hooks=self.hooks, judgements=self.judgements)
        self.events = Events(workspace=workspace, clicks=self.clicks)

    def listens_at(self, url: str) -> None:
        """From now on response_urls begin with this address."""
        self.clicks.base_url = url
