"""The start-up steps of an app, in order; none of them runs SQL."""

from __future__ import annotations

from datetime import timedelta

import marketplace.early
from marketplace import clock, commands, core, errorpages, headers, locale, logs, models, templating
from marketplace.config import Settings
from marketplace.database import db, end_reading, engine_options, prepare_engine
from marketplace.extensions import OneSerializer, babel, csrf, login_manager
from marketplace.hooks import discovery, lineages, registry
from marketplace.hooks.manager import Hooks
from marketplace.pages import Site
from marketplace.runtime import KEY, Runtime
from marketplace.users import identity


def create_app(settings: Settings | None = None) -> Site:
    """Build the app for these settings, or for the environment's; raises BadSettings, PluginMissing, PluginInvalid."""
    settings = settings or Settings.from_env()
    app = Site("marketplace", static_folder=None, instance_path=str(settings.instance_dir))
    configure(app, settings)
    logs.init_logs(settings)
    plug_in(app, settings)
    init_database(app)
    init_extensions(app)
    locale.init_locale(app)
    templating.init_templating(app)
    headers.init_headers(app)
    errorpages.init_error_pages(app)
    core.mount_pages(app)
    commands.init_commands(app)
    return app


def configure(app: Site, settings: Settings) -> None:
    """Give Flask and its extensions the settings they read."""
    secure = settings.base_url.startswith("https://")
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings.database_url, prepared=settings.prepared_statements),
        MAX_CONTENT_LENGTH=settings.max_content_length,
        MAX_FORM_MEMORY_SIZE=1024 * 1024,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=secure,
        BABEL_DEFAULT_LOCALE=settings.locale,
        BABEL_DEFAULT_TIMEZONE=settings.timezone,
        RATELIMIT_ENABLED=settings.environment in ("production", "demo"),
        TESTING=settings.environment == "test",
        PROPAGATE_EXCEPTIONS=False,
    )
    if settings.days_ahead:
        clock.run_ahead(timedelta(days=settings.days_ahead))
    if settings.trusted_proxies:
        from werkzeug.middleware.proxy_fix import ProxyFix  # only behind a proxy

        count = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]


def plug_in(app: Site, settings: Settings) -> None:
    """Load the plugins that are switched on, check them, and collect what they and the core register."""
    loaded = discovery.load(settings.plugins)
    lineages.check_tables(loaded)
    models.plugins_have(loaded.values())
    hooks = Hooks(loaded, trace=settings.trace_hooks)
    known = registry.build(
        hooks,
        listing_kinds=core.LISTING_KINDS,
        settings=core.SETTINGS,
        jobs=core.JOBS,
        notifications=core.NOTIFICATIONS,
        blueprints=core.blueprints(settings.environment),
        watched=settings.environment != "production",
    )
    app.extensions[KEY] = Runtime(settings, hooks, known, listeners=core.LISTENERS)


def init_database(app: Site) -> None:
    """Bind SQLAlchemy and teach its engines our rules; making an engine opens no connection."""
    db.init_app(app)
    app.teardown_request(end_reading)
    with app.app_context():
        for engine in db.engines.values():
            prepare_engine(engine)


def init_extensions(app: Site) -> None:
    """Bind the remaining extensions."""
    babel.init_app(
        app,
        default_translation_directories=locale.catalogue_folders(app.extensions[KEY].hooks.modules.values()),
        locale_selector=locale.choose_locale,
        timezone_selector=locale.choose_timezone,
    )
    app.session_interface = OneSerializer()
    csrf.init_app(app)
    login_manager.init_app(app, add_context_processor=False)  # templates have it as a global, asked only when needed
    identity.init_identity(app)


marketplace.early.ready()
