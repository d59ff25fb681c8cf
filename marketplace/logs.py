"""Logging: one line per event, JSON in production, readable elsewhere. structlog is loaded with the first event."""

from __future__ import annotations

import logging
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

from marketplace.config import Settings

if TYPE_CHECKING:
    import structlog

_latest: list[Settings] = []
"""The settings of the app that was made last, until structlog is configured for them."""


class Log:
    """The log of one module; facts are given by name, and an exception at hand is told by `exception`."""

    def __init__(self, name: str) -> None:
        """Take the module's name."""
        self.name = name

    def info(self, event: str, **facts: Any) -> None:
        """Note what happened."""
        _structlog().get_logger(self.name).info(event, **facts)

    def warning(self, event: str, **facts: Any) -> None:
        """Note what an operator should know."""
        _structlog().get_logger(self.name).warning(event, **facts)

    def error(self, event: str, **facts: Any) -> None:
        """Note what an operator must know."""
        _structlog().get_logger(self.name).error(event, **facts)

    def exception(self, event: str, **facts: Any) -> None:
        """Note what went wrong, with its traceback."""
        _structlog().get_logger(self.name).exception(event, **facts)


def log_of(name: str) -> Log:
    """Give a module's log."""
    return Log(name)


def init_logs(settings: Settings) -> None:
    """Have the log configured for these settings: at its first event, or now where structlog is loaded already."""
    _latest[:] = [settings]
    if "structlog" in sys.modules:
        _structlog()


def quiet() -> None:
    """Keep only warnings and errors from now on: a progress bar should not be torn apart by lines about each mail."""
    _structlog().configure(wrapper_class=_structlog().make_filtering_bound_logger(logging.WARNING))


@cache
def _loaded() -> Any:
    """Import structlog without `rich`, which it would load for a traceback printer that is not chosen here.

    That spares fifty modules. Where rich is not loaded yet, structlog is told that it is not installed, and only structlog.
    """
    spared = "structlog" not in sys.modules and "rich" not in sys.modules
    if spared:
        sys.modules["rich"] = None  # type: ignore[assignment]
    try:
        import structlog  # as said
    finally:
        if spared:
            del sys.modules["rich"]
    return structlog


def _structlog() -> Any:
    made = _loaded()
    if _latest:
        _configure(_latest.pop())
    return made


def _configure(settings: Settings) -> None:
    """Configure structlog; the renderer follows the environment."""
    made = _loaded()
    last: structlog.typing.Processor
    if settings.environment == "production":
        last = made.processors.JSONRenderer()
        extra: list[structlog.typing.Processor] = [made.processors.format_exc_info]
    else:
        # The plain traceback: the fancy one prints local variables, passwords among them, and takes many seconds.
        plain = made.dev.plain_traceback
        last, extra = made.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain), []
    made.configure(
        processors=[
            made.contextvars.merge_contextvars,
            made.processors.add_log_level,
            made.processors.TimeStamper(fmt="iso", utc=True),
            *extra,
            last,
        ],
        wrapper_class=made.make_filtering_bound_logger(logging.INFO),
        logger_factory=made.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=settings.environment == "production",
    )
