"""Settings and apps for tests: short-lived, without network, with compiled templates kept for the whole run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from jinja2 import FileSystemBytecodeCache
from sqlalchemy import URL, Engine, event

from marketplace.app import create_app
from marketplace.config import Settings
from marketplace.database import db
from marketplace.hooks.discovery import installed
from marketplace.hooks.lineages import upgrade_all

ENGINES = 8
"""How many engines are kept: each worker has two databases, and some tests make others."""
Key = tuple[URL, str]
_idle: dict[Key, Engine] = {}


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
    key, engine = _lent_engine(app)
    try:
        yield app
    finally:
        _take_back(key, engine)


def _lent_engine(app: Flask) -> tuple[Key, Engine]:
    """Give the app an engine that an earlier app of this process had for the same database, or let it keep its own.

    What SQLAlchemy compiled for one test need not be compiled for the next: up to half of the time of all tests. An
    engine is lent to one app at a time, and comes back without connections.
    """
    with app.app_context():
        own = db.engine
    key = (own.url, repr(app.config["SQLALCHEMY_ENGINE_OPTIONS"]))
    engine = _idle.pop(key, own)
    if engine is own and own.dialect.name == "sqlite":
        event.listen(own, "connect", _never_wait_for_the_disk)
    db._app_engines[app][None] = engine
    return key, engine


def _take_back(key: Key, engine: Engine) -> None:
    engine.dispose()
    if len(_idle) == ENGINES:
        del _idle[next(iter(_idle))]
    _idle[key] = engine


def migrate(url: str) -> None:
    """Bring the database at `url` from empty to the newest state, as `flask upgrade` does."""
    folder = Path(url.removeprefix("sqlite:///")).parent if url.startswith("sqlite") else Path.cwd()
    with built(settings(url, folder), folder) as app:
        upgrade_all(app)


def _never_wait_for_the_disk(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous=OFF")
