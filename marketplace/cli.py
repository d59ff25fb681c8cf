"""The console command `marketplace`: the same commands as `flask --app marketplace`."""

from __future__ import annotations

import os
import sys

from flask.cli import FlaskGroup

from marketplace.config import BadSettings
from marketplace.hooks.discovery import PluginInvalid, PluginMissing


def main() -> None:
    """Run a command; settings and plugins that can't work are told in a sentence instead of a traceback."""
    os.environ.setdefault("FLASK_SKIP_DOTENV", "1")
    from marketplace.app import create_app  # after the environment is settled

    try:
        FlaskGroup(name="marketplace", create_app=create_app)()
    except (BadSettings, PluginInvalid, PluginMissing) as error:
        sys.exit(f"marketplace: {error}")


if __name__ == "__main__":
    main()
