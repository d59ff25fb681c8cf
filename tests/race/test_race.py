"""A short race of eight processes; `make race` runs it a million times."""

from pathlib import Path

from marketplace.testing.databases import TestDatabase
from tests.race.run import run


def test_eight_processes_that_want_the_same_things_are_never_promised_one_twice(
    database: TestDatabase, tmp_path: Path
) -> None:
    figures = run(database.dialect, database.url, tmp_path, attempts=1200)
    assert figures.wrong == []
    assert figures.attempts >= 1200
    assert figures.overlaps == 0
    assert figures.fewest >= 1
    assert {"rush", "hold", "book", "confirm", "extend", "reassign", "block", "release", "shorten"} == set(figures.done)
    assert {"taken", "held", "buffer"} <= set(figures.refusals)
