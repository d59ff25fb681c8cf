"""One filled neighbourhood for all tests of a worker that only look at pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.neighbourhood import Neighbourhood, filled


@pytest.fixture(scope="session")
def filled_site(
    tmp_path_factory: pytest.TempPathFactory, run_folder: Path, loopback_only: list[str]
) -> Iterator[Neighbourhood]:
    """Give the demo's neighbourhood on a live server, filled once per worker."""
    with filled(tmp_path_factory.mktemp("neighbourhood"), run_folder) as site:
        yield site


@pytest.fixture
def site(filled_site: Neighbourhood) -> Iterator[Neighbourhood]:
    """Give the neighbourhood, and fail the test for everything that browsers complained about meanwhile."""
    filled_site.problems.found.clear()
    yield filled_site
    assert not filled_site.problems.found, "\n".join(filled_site.problems.found)
