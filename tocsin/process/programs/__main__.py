"""Run one of the programs: `python -m tocsin.process.programs NAME DSN`."""

from __future__ import annotations

import importlib
import sys

from tocsin.process.programs import reporting

NAMES = ("checkout", "payment", "stock", "catalogue")

if len(sys.argv) != 3 or sys.argv[1] not in NAMES:
    raise SystemExit(f"usage: python -m tocsin.process.programs {'|'.join(NAMES)} DSN")
reporting.DSN = sys.argv[2]
importlib.import_module(f"tocsin.process.programs.{sys.argv[1]}").main()
