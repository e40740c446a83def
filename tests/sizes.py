"""How many: the promises are tested at their full CI size by `make guarantees`, at a tenth of it by `make test`."""

from __future__ import annotations

import os

FULL = os.environ.get("TOCSIN_GUARANTEES", "") == "ci"


def size(at_ci: int) -> int:
    """`at_ci` repetitions when CI asks for them, else a tenth, and never none."""
    return at_ci if FULL else max(1, at_ci // 10)
