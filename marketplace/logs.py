"""Logging: one line per event, JSON in production, readable elsewhere."""

from __future__ import annotations

import logging
import sys

import structlog

from marketplace.config import Settings


def init_logs(settings: Settings) -> None:
    """Configure structlog once; the renderer follows the environment."""
    last: structlog.typing.Processor
    if settings.environment == "production":
        last = structlog.processors.JSONRenderer()
        extra: list[structlog.typing.Processor] = [structlog.processors.format_exc_info]
    else:
        # The plain traceback: the fancy one prints local variables, passwords among them, and takes many seconds.
        plain = structlog.dev.plain_traceback
        last, extra = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain), []
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *extra,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=settings.environment == "production",
    )


def quiet() -> None:
    """Keep only warnings and errors from now on: a progress bar should not be torn apart by lines about each mail."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
