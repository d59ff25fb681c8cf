"""`make mutate`: changes the code of ledger and payments in thousands of small ways and counts which changes a test notices.

Run again, it goes on where it was stopped. `--package payments --sample 300 --seed 1` tries only 300 mutants drawn at
random, `--like '*.fees.*'` only those with such names; `--again` tries those anew that no test noticed or whose tests did
not come to an end, and `--left` lists those that no test noticed with their changes. `--most 25` is quick: each mutant meets
the 25 tests that are most about it, and what they miss may be tried `--again` with all.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from marketplace.testing.apps import migrate
from tests.mutation.prepared import PREPARED, SELECTED
from tests.mutation.workspace import (
    CHILDREN,
    PACKAGES,
    Package,
    change,
    forget,
    generate,
    results,
    selected,
    synchronised,
)

SURVIVED, UNTESTED, REFUSED, UNTRIED = "survived", "without a test", "refused by the type checker", "not tried"
TIMED_OUT = "by time-out"
VERDICTS: dict[int | None, str] = {
    **dict.fromkeys((0, 35), SURVIVED), **dict.fromkeys((5, 33), UNTESTED), **dict.fromkeys((None, 2, 34), UNTRIED),
    **dict.fromkeys((-24, -9, 24, 36, 152, 255), TIMED_OUT), 37: REFUSED,
}  # fmt: skip
"""What the exit code of the tests under a mutant means; any other is a failure, so the change was noticed."""


def verdict(code: int | None) -> str:
    """Put an exit code into words."""
    return VERDICTS.get(code, "noticed")


def attempt(package: Package, names: list[str], most: int, database: Path) -> int:
    """Let mutmut try mutants, each with at most so many tests; it keeps each result at once."""
    program = [sys.executable, str(Path(__file__).with_name("few.py")), str(most), str(CHILDREN), *names]
    chosen = {PREPARED: str(database), SELECTED: " ".join(selected(package)), "MARKETPLACE_PAYMENT_SEED": "1"}
    environment = {**os.environ, **chosen}
    with (package.home / "mutmut.log").open("w") as log:
        return subprocess.run(
            program, cwd=package.home, env=environment, check=False, stdout=log, stderr=subprocess.STDOUT
        ).returncode


def scores(found: dict[str, int | None]) -> Iterator[str]:
    """Count verdicts by package and module; what the type checker refuses does not count, because `make test` refuses it."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for name, code in found.items():
        parts = name.partition(".x")[0].split(".")
        for label in (".".join(parts[:2]), ".".join(parts)):
            counts[label][verdict(code)] += 1
    for label, count in sorted(counts.items()):
        noticed = count["noticed"] + count[TIMED_OUT]
        if tried := noticed + count[SURVIVED] + count[UNTESTED]:
            words = (TIMED_OUT, SURVIVED, UNTESTED, REFUSED, UNTRIED)
            others = ", ".join(f"{count[word]} {word}" for word in words if count[word])
            yield f"{label:48} {noticed:5} of {tried:5} noticed = {100 * noticed / tried:5.1f} %   {others}"


def left(package: Package, like: str) -> None:
    """Show the mutants that no test noticed, each as the change that it is."""
    for name, code in results(package).items():
        if verdict(code) in (SURVIVED, UNTESTED) and fnmatchcase(name, like):
            print("\n".join([f"{verdict(code)}: {name}", *change(package, name), ""]))


def run(package: Package, like: str, sample: int, seed: int, most: int) -> int:
    """Try those of a package's mutants, all or a sample, that were not tried before, and print the scores."""
    synchronised(package)
    generate(package)
    known = results(package)
    names = sorted(name for name in known if fnmatchcase(name, like))
    if sample:
        names = random.Random(seed).sample(names, min(sample, len(names)))
    names = [name for name in names if known[name] is None]
    if not names:
        print("\n".join(scores(known)), flush=True)
        return 0
    if len(names) == sum(code is None for code in known.values()):
        names = []  # all that is left, which mutmut knows by itself, without a command line of a megabyte
    with tempfile.TemporaryDirectory(prefix="mkt-") as folder:
        database = Path(folder) / "prepared.db"
        migrate(f"sqlite:///{database}")
        status = attempt(package, names, most, database)
    if status:
        print((package.home / "mutmut.log").read_text(encoding="utf-8")[-3000:], file=sys.stderr)
    print("\n".join(scores(results(package))), flush=True)
    return status


def main() -> int:
    """Do what was asked for."""
    parser = argparse.ArgumentParser(prog="make mutate ARGS=...", description=__doc__)
    parser.add_argument("--package", choices=PACKAGES, action="append")
    parser.add_argument("--like", default="*")
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most", type=int, default=1000, help="so many tests for each mutant, the most special ones")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--left", action="store_true")
    given = parser.parse_args()
    status = 0
    for name in given.package or PACKAGES:
        if given.left:
            left(PACKAGES[name], given.like)
        else:
            if given.again:
                anew = (SURVIVED, UNTESTED, TIMED_OUT)
                forget(PACKAGES[name], frozenset(code for code in VERDICTS if verdict(code) in anew))
            status = max(status, run(PACKAGES[name], given.like, given.sample, given.seed, given.most))
    return status


if __name__ == "__main__":
    sys.exit(main())
