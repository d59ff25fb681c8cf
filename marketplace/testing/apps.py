"""Settings and apps for tests: short-lived, without network, with compiled templates kept for the whole run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from jinja2 import FileSystemBytecodeCache
from sqlalchemy import event

from marketplace.app import create_app
from marketplace.config import Settings
from marketplace.database import db
from marketplace.hooks.discovery import installed
from marketplace.hooks.lineages import upgrade_all


def settings(url: str, folder: Path, **changes: Any) -> Settings:
    """Return settings of a test app: mail into a folder, payments at an address where nothing listens."""
    values: dict[str, Any] = {
        "environment": "test",
        "plugins": bundled_plugins(),
        "secret_key": "only-for-tests-" + "x" * 32,
        "database_url": url,
        "instance_dir": folder,
        "stripe_api_key": "sk_test_marketplace",
        "stripe_api_base": "http://127.0.0.1:9",
        "stripe_webhook_secrets": ("whsec_test_marketplace",),
    }
    return Settings(**{**values, **changes}).completed()


def bundled_plugins() -> tuple[str, ...]:
    """Name the plugins that come with the marketplace."""
    return tuple(name for name, point in installed().items() if point.module.startswith("plugins."))


@contextmanager
def built(using: Settings, cache: Path) -> Iterator[Flask]:
    """Build an app and close its connections afterwards; compiled templates are kept in `cache`."""
    app = create_app(using)
    app.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(cache), "template-%s")
    with app.app_context():
        engine = db.engine
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _never_wait_for_the_disk)
    try:
        yield app
    finally:
        engine.dispose()


def migrate(url: str) -> None:
    """Bring the database at `url` from empty to the newest state, as `flask upgrade` does."""
    folder = Path(url.removeprefix("sqlite:///")).parent if url.startswith("sqlite") else Path.cwd()
    with built(settings(url, folder), folder) as app:
        upgrade_all(app)


def _never_wait_for_the_disk(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous=OFF")
