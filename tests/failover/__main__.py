"""`make failover`: kills the primary of two PostgreSQL servers while members pledge, and looks for what is missing."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.failover.run import run


def main() -> int:
    """Run it once and print the figures; 1 when something is missing."""
    with tempfile.TemporaryDirectory(prefix="mkt-") as folder:
        figures = run(Path(folder), seed=int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    print("\n".join(figures.lines()))
    return 1 if figures.differences else 0


if __name__ == "__main__":
    sys.exit(main())
