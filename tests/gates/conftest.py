"""What several gates use."""

from pathlib import Path

import pytest
from flask import Flask

from marketplace.app import create_app
from marketplace.testing.apps import settings


@pytest.fixture(scope="session")
def app_without_database(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """Give an app that is only looked at: its commands, pages and registrations; no connection is made."""
    folder: Path = tmp_path_factory.mktemp("app")
    return create_app(settings(f"sqlite:///{folder}/unused.db", folder))
