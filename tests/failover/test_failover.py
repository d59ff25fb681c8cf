"""When the primary database dies, the standby has everything that a member was told."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.failover.run import run


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """Give a folder with a short name, because a socket's may not have more than a hundred letters."""
    with tempfile.TemporaryDirectory(prefix="mkt-") as folder:
        yield Path(folder)


def test_no_acknowledged_pledge_is_missing_after_a_failover(short_folder: Path) -> None:
    figures = run(short_folder)
    assert figures.differences == []
    assert figures.before > 0
    assert figures.after > 0
