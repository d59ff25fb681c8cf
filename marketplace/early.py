"""Imported before anything else of the app: spares every worker what nobody uses.

structlog loads `rich`, fifty modules with a syntax highlighter for 35 languages, for a traceback printer that `logs` does not
choose. Where rich is not loaded yet, structlog is told that it is not installed, and only structlog.
"""

from __future__ import annotations

import sys

if "structlog" not in sys.modules and "rich" not in sys.modules:
    sys.modules["rich"] = None  # type: ignore[assignment]
    try:
        import structlog  # noqa: F401
    finally:
        del sys.modules["rich"]
