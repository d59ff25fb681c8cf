"""What a command says that can't work yet: a sentence, and never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def said(database: Any, folder: Path, *arguments: str, **more: str) -> str:
    """Run a command that fails, and give what it says."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MARKETPLACE_")}
    facts = {"DATABASE_URL": str(database.url), "INSTANCE_DIR": str(folder), "ENVIRONMENT": "development", **more}
    environment |= {f"MARKETPLACE_{name}": value for name, value in facts.items()}
    done = subprocess.run(
        [sys.executable, "-m", "marketplace.cli", *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize(
    "command", ["ledger audit", "payments inbox list", "jobs work --once", "user create --generate"]
)
def test_a_database_without_tables_is_a_sentence_that_names_the_command(
    empty_database: Any, tmp_path: Path, command: str
) -> None:
    words = [*command.split(), *(["--email", "a@example.org", "--name", "Ann"] if "user" in command else [])]
    assert "marketplace upgrade" in said(empty_database, tmp_path, *words)


def test_a_self_test_without_a_key_says_which_setting_is_missing(database: Any, tmp_path: Path) -> None:
    assert "MARKETPLACE_STRIPE_API_KEY is not set" in said(database, tmp_path, "payments", "selftest")
    refused = said(database, tmp_path, "payments", "selftest", STRIPE_API_KEY="sk_live_1")
    assert "this would move real money" in refused
