"""A pytest plugin for mutation runs: selected tests, a migrated database instead of one made anew, and no part for chance."""

from __future__ import annotations

import functools
import gc
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from marketplace.testing.databases import TEMPLATE
from marketplace.testing.fixtures import RUN

PREPARED = "MUTATION_DATABASE"
"""Environment variable with the path of a migrated SQLite database."""

SELECTED = "MUTATION_TESTS"
"""Environment variable with the names of the files whose tests are run."""


@pytest.hookimpl(trylast=True)  # after the run's folder was made
def pytest_configure() -> None:
    """Lay the prepared database into the run's folder, where the first test that wants one looks for it.

    What hypothesis draws is the same for every mutant, and a slow machine is no failure: else chance would notice mutants.
    A mutant runs in a copy of a process that ran the tests before, so that what its caches remember is not the mutant's.
    """
    if prepared := os.environ.get(PREPARED):
        for one in gc.get_objects():
            if isinstance(one, functools._lru_cache_wrapper) and one.__module__.startswith("marketplace."):
                one.cache_clear()
        settings.register_profile(
            PREPARED, database=None, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
        )
        settings.load_profile(PREPARED)
        shutil.copyfile(prepared, Path(os.environ[RUN]) / f"{TEMPLATE}.db")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out the files of tests that were not selected."""
    names = os.environ.get(SELECTED, "").split()
    return True if names and collection_path.suffix == ".py" and collection_path.name not in names else None
