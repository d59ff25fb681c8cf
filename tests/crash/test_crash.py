"""The crash test, short: twenty kills and more on each database, and the five broken variants. `make crash` is the long form."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from marketplace.testing.databases import TestDatabase
from tests.crash.broken import VARIANTS
from tests.crash.run import run
from tests.crash.site import Plan
from tests.crash.variants import plan_of


def test_provider_ledger_and_promises_agree_after_kills_faults_and_forged_events(
    database: TestDatabase, tmp_path: Path
) -> None:
    figures = run(database.dialect, database.url, tmp_path, Plan(kills=20, operations=40, backers=20))
    assert figures.differences == ()
    assert figures.kills >= 20
    assert figures.operations >= 40


@pytest.fixture
def sqlite_url(worker_databases: Callable[[str], TestDatabase]) -> str:
    """Give an empty SQLite database: what these mistakes do wrong does not depend on the database."""
    given = worker_databases("sqlite")
    given.clean()
    return given.url


@pytest.mark.parametrize("mistake", VARIANTS)
def test_a_broken_variant_is_caught(mistake: str, sqlite_url: str, tmp_path: Path) -> None:
    assert run("sqlite", sqlite_url, tmp_path, plan_of(mistake, seed=1)).differences != ()


def test_the_right_program_withstands_the_weather_of_the_broken_ones(sqlite_url: str, tmp_path: Path) -> None:
    assert run("sqlite", sqlite_url, tmp_path, plan_of("", seed=1)).differences == ()
