"""django-hordak from PyPI beside our ledger: in a virtual environment of its own, on the same PostgreSQL server.

The environment is made on first use in the user's cache folder (`XDG_CACHE_HOME`), so that nothing of it is in the tree
or in our requirements. Hordak runs on PostgreSQL and MySQL only, so there is no figure for SQLite.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg

from marketplace.testing import postgres

HORDAK = "django-hordak==2.0.0"
OTHERS = ("django>=5.2,<5.3", "psycopg[binary]>=3.3")
DATABASE = "hordak"
WAYS = ("create", "bulk", "same promises")


def interpreter() -> Path:
    """Give the interpreter that has hordak; makes its environment when it is not there yet."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home = cache / "shareconomy-bench" / HORDAK.replace("==", "-")
    python = home / "bin" / "python"
    done = home / "complete"
    if done.exists():
        return python
    shutil.rmtree(home, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    quiet = ["-m", "pip", "--disable-pip-version-check", "install", "-qq", HORDAK, *OTHERS]
    subprocess.run([str(python), *quiet], check=True)
    done.touch()
    return python


class Hordak:
    """Hordak's tables in a database of their own on the server of a run's folder."""

    def __init__(self, folder: Path) -> None:
        """Make the database, its tables and its accounts."""
        self._python = interpreter()
        self._sockets = str(folder / "postgres")
        with psycopg.connect(postgres.conninfo(folder, "postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {DATABASE} OWNER marketplace".encode())
        self._run("0", "0", "0", "create")

    def measure(self, way: str, clients: int, members: int, seconds: float) -> tuple[float, float]:
        """Give postings per second of all clients together, and CPU milliseconds per posting."""
        rate, cpu = json.loads(self._run(str(clients), str(members), str(seconds), way))
        return rate, cpu

    def _run(self, *arguments: str) -> str:
        script = str(Path(__file__).with_name("hordak_post.py"))
        done = subprocess.run(
            [str(self._python), "-P", script, self._sockets, DATABASE, *arguments],
            stdout=subprocess.PIPE, text=True, check=True, timeout=300,
        )  # fmt: skip
        return done.stdout
