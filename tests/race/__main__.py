"""`make race`: eight processes want the same few things, a million times, and nothing is ever promised twice.

`--attempts 1000000 --database sqlite|postgresql|both --seed N`. After each round of 200 attempts SQL over the table proves that
no two promises overlap, that no booking got lost and that what was bought is kept for ever. Exactly one of the eight gets the
slot that all want at the same moment, and exactly one the unit that some want for two hours and some for ever.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from marketplace.testing.apps import migrate
from marketplace.testing.databases import DIALECTS, migrated
from marketplace.testing.postgres import held_open
from tests.race.run import run


def tell(line: str) -> None:
    """Print how far it is."""
    print(line, flush=True)


def main() -> int:
    """Race on the databases asked for; 1 when anything was wrong."""
    parser = argparse.ArgumentParser(prog="make race ARGS=...", description=__doc__)
    parser.add_argument("--attempts", type=int, default=1_000_000)
    parser.add_argument("--database", choices=(*DIALECTS, "both"), default="both")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    dialects = DIALECTS if given.database == "both" else (given.database,)
    wrong = 0
    for dialect in dialects:
        folder = Path(tempfile.mkdtemp(prefix="mkt-race-"))
        with held_open(folder):
            database = migrated(dialect, folder, "race", migrate)
            database.clean()
            home = folder / "home"
            home.mkdir()
            try:
                figures = run(
                    dialect,
                    database.url,
                    home,
                    given.attempts,
                    seed=given.seed,
                    tell=lambda line: print(line, flush=True),
                )
            finally:
                database.close()
        print("\n".join(["", *figures.lines(), *figures.wrong[:20], ""]), flush=True)
        wrong += len(figures.wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
