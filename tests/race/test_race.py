"""A short race of eight processes; `make race` runs it a million times."""

from pathlib import Path

from marketplace.testing.databases import TestDatabase
from tests.race.run import run
from tests.race.worker import CHANCES


def test_eight_processes_that_want_the_same_things_are_never_promised_one_twice(
    database: TestDatabase, tmp_path: Path
) -> None:
    figures = run(database.dialect, database.url, tmp_path, attempts=1200)
    assert figures.wrong == []
    assert figures.attempts >= 1200
    assert figures.overlaps == 0
    assert figures.fewest >= 1
    assert set(figures.done) == {"rush", "rush to buy", *CHANCES}
    assert {"taken", "held", "buffer", "booked", "sold"} <= set(figures.refusals)
