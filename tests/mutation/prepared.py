"""A pytest plugin for mutation runs: a migrated database is taken over instead of made anew, and chance plays no part."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from marketplace.testing.databases import TEMPLATE
from marketplace.testing.fixtures import RUN

PREPARED = "MUTATION_DATABASE"
"""Environment variable with the path of a migrated SQLite database."""


@pytest.hookimpl(trylast=True)  # after the run's folder was made
def pytest_configure() -> None:
    """Lay the prepared database into the run's folder, where the first test that wants one looks for it.

    What hypothesis draws is the same for every mutant, and a slow machine is no failure: else chance would notice mutants.
    """
    if prepared := os.environ.get(PREPARED):
        settings.register_profile(
            PREPARED, database=None, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
        )
        settings.load_profile(PREPARED)
        shutil.copyfile(prepared, Path(os.environ[RUN]) / f"{TEMPLATE}.db")
