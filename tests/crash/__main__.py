"""`make crash`: kills the site and its workers a thousand times while members act, and proves the books after each round.

`--kills 1000 --operations 2000 --database sqlite|postgresql|both --seed N`; `--keep` leaves the run's files behind (a SQLite
database among them); `--broken NAME` runs one of the broken variants, `--broken all` each of them shortly, and then it is a
failure when nothing is found.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from marketplace.testing.apps import migrate
from marketplace.testing.databases import DIALECTS, migrated
from marketplace.testing.postgres import held_open
from tests.crash.broken import VARIANTS
from tests.crash.run import run
from tests.crash.site import Plan
from tests.crash.variants import plan_of

_SOCKETS = shutil.ignore_patterns("postgres", "programs", "keeper*")


@contextmanager
def place(dialect: str, *, keep: bool = False) -> Iterator[tuple[str, Path]]:
    """Give a migrated database and a folder that vanish with the run, unless they are kept."""
    folder = Path(tempfile.mkdtemp(prefix="mkt-"))
    with held_open(folder):
        database = migrated(dialect, folder, "crash", migrate)
        database.clean()
        home = folder / "home"
        home.mkdir()
        try:
            yield database.url, home
        finally:
            database.close()
            if keep:
                kept = shutil.copytree(folder, tempfile.mkdtemp(prefix="crash-"), dirs_exist_ok=True, ignore=_SOCKETS)
                print(f"kept in {kept}")


def main() -> int:
    """Run what was asked for; 1 when something was found that should not be, or not found that should."""
    parser = argparse.ArgumentParser(prog="make crash ARGS=...", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--operations", type=int, default=2000)
    parser.add_argument("--database", choices=(*DIALECTS, "both"), default="both")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--broken", choices=(*VARIANTS, "all"), default=None)
    parser.add_argument("--keep", action="store_true")
    given = parser.parse_args()
    dialects = DIALECTS if given.database == "both" else (given.database,)
    if given.broken:
        names = tuple(VARIANTS) if given.broken == "all" else (given.broken,)
        return max(_broken(dialects[0], name, given.seed) for name in names)
    plan = Plan(given.kills, given.operations, given.seed)
    return max(_whole(dialect, plan, given.keep) for dialect in dialects)


def _whole(dialect: str, plan: Plan, keep: bool) -> int:
    with place(dialect, keep=keep) as (url, folder):
        figures = run(dialect, url, folder, plan, lambda line: print(line, flush=True))
    print("\n".join(["", *figures.lines(), *figures.differences, ""]), flush=True)
    return 1 if figures.differences else 0


def _broken(dialect: str, name: str, seed: int) -> int:
    with place(dialect) as (url, folder):
        figures = run(dialect, url, folder, plan_of(name, seed))
    verdict = "caught" if figures.differences else "NOT CAUGHT"
    print(
        f"{name:26} {verdict:10} after {figures.kills} kills, {figures.operations} operations, {figures.seconds:.0f} s"
    )
    print("".join(f"    {line}\n" for text in figures.differences for line in text.splitlines()[:3]), flush=True)
    return 0 if figures.differences else 1


if __name__ == "__main__":
    sys.exit(main())
