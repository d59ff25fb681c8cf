"""A pytest plugin for mutation runs: each of thousands of runs takes over a migrated database instead of making its own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from marketplace.testing.databases import TEMPLATE
from marketplace.testing.fixtures import RUN

PREPARED = "MUTATION_DATABASE"
"""Environment variable with the path of a migrated SQLite database."""


@pytest.hookimpl(trylast=True)  # after the run's folder was made
def pytest_configure() -> None:
    """Lay the prepared database into the run's folder, where the first test that wants one looks for it."""
    if prepared := os.environ.get(PREPARED):
        shutil.copyfile(prepared, Path(os.environ[RUN]) / f"{TEMPLATE}.db")
