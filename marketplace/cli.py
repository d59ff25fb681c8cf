"""The console command `marketplace`: the same commands as `flask --app marketplace`."""

from __future__ import annotations

import os
import sys

from flask.cli import FlaskGroup
from sqlalchemy.exc import DBAPIError

from marketplace.config import BadSettings
from marketplace.hooks.discovery import PluginInvalid, PluginMissing


def main() -> None:
    """Run a command; what a setting, a plugin or `marketplace upgrade` would mend is told in a sentence, without a traceback."""
    os.environ.setdefault("FLASK_SKIP_DOTENV", "1")
    from marketplace.app import create_app  # after the environment is settled

    try:
        FlaskGroup(name="marketplace", create_app=create_app)()
    except (BadSettings, PluginInvalid, PluginMissing) as error:
        sys.exit(f"marketplace: {error}")
    except DBAPIError as error:
        if not lacks_tables(error):
            raise
        sys.exit("marketplace: the database lacks tables that are needed here; run: marketplace upgrade")


def lacks_tables(error: DBAPIError) -> bool:
    """Tell whether a statement named a table or column that is not there: SQLite says so in words, PostgreSQL by SQLSTATE."""
    said = str(error.orig)
    return getattr(error.orig, "sqlstate", None) in ("42P01", "42703") or said.startswith(
        ("no such table", "no such column")
    )


if __name__ == "__main__":
    main()
