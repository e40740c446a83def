"""`python -m tocsin.simulator`"""

from __future__ import annotations

import sys

from tocsin.simulator import main

if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
