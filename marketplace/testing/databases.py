"""Migrated and empty databases for tests: one per worker and dialect, made from a template and cleaned in milliseconds.

The template goes through the real migrations (`lineages.upgrade_all`), once per run. A SQLite database is a copied file;
a PostgreSQL database is emptied by a function that the template brings along.
"""

import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg

from marketplace.testing import postgres

DIALECTS = ("sqlite", "postgresql")
TEMPLATE = "marketplace_template"

Migrate = Callable[[str], None]
"""Brings the database at an address from empty to the newest state."""

CLEANER = """
CREATE SCHEMA testing;
CREATE TABLE testing.seeded (name text PRIMARY KEY);
CREATE TABLE testing.sequences (name text PRIMARY KEY, value bigint NOT NULL);

-- What the migrations themselves put into tables stays: copied aside here, put back by clean().
DO $$
DECLARE name text; filled boolean;
BEGIN
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'alembic_version%' LOOP
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM public.%I)', name) INTO filled;
    IF filled THEN
      EXECUTE format('CREATE TABLE testing.%I AS TABLE public.%I', 'seed_' || name, name);
      INSERT INTO testing.seeded VALUES (name);
    END IF;
  END LOOP;
END $$;
INSERT INTO testing.sequences
  SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL;

CREATE FUNCTION testing.clean() RETURNS void LANGUAGE plpgsql AS $$
DECLARE name text; kept bigint; columns text;
BEGIN
  -- A transaction that a test left open would hold its rows locked.
  PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle';
  -- Append-only tables have triggers that refuse deletion; as a replica neither those nor foreign keys are looked at.
  PERFORM set_config('session_replication_role', 'replica', true);
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'alembic_version%' LOOP
    IF pg_relation_size(format('public.%I', name)::regclass) > 262144 THEN
      EXECUTE format('TRUNCATE public.%I CASCADE', name);
    ELSE
      EXECUTE format('DELETE FROM public.%I', name);
    END IF;
  END LOOP;
  FOR name IN SELECT s.name FROM testing.seeded s LOOP
    SELECT string_agg(quote_ident(attname), ', ') INTO columns FROM pg_attribute
      WHERE attrelid = format('public.%I', name)::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
    EXECUTE format('INSERT INTO public.%I (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM testing.%I',
                   name, columns, columns, 'seed_' || name);
  END LOOP;
  FOR name, kept IN
    SELECT p.sequencename, s.value FROM pg_sequences p LEFT JOIN testing.sequences s ON s.name = p.sequencename
      WHERE p.schemaname = 'public' AND p.last_value IS DISTINCT FROM s.value
  LOOP
    IF kept IS NULL THEN
      EXECUTE format('ALTER SEQUENCE public.%I RESTART', name);
    ELSE
      PERFORM setval(format('public.%I', name)::regclass, kept);
    END IF;
  END LOOP;
END $$;
"""


@dataclass(frozen=True)
class TestDatabase:
    """One worker's database of one dialect; `clean()` brings it back to freshly migrated."""

    __test__ = False  # pytest: this is no test class

    dialect: str
    url: str
    clean: Callable[[], None]
    close: Callable[[], None] = lambda: None


def migrated(dialect: str, folder: Path, worker: str, migrate: Migrate) -> TestDatabase:
    """Return this worker's migrated database of `dialect`, made on first use in the run's `folder`."""
    return _sqlite(folder, worker, migrate) if dialect == "sqlite" else _postgresql(folder, worker, migrate)


def empty(dialect: str, folder: Path, name: str) -> TestDatabase:
    """Return a new database without any table, for tests of the migrations themselves."""
    if dialect == "sqlite":
        file = folder / f"{name}.db"
        return TestDatabase(dialect, f"sqlite:///{file}", lambda: _remove(file))
    postgres.ensure_started(folder)

    def recreate() -> None:
        _administer(folder, "postgres", f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        _administer(folder, "postgres", f'CREATE DATABASE "{name}" OWNER marketplace')

    return TestDatabase(dialect, postgres.url(folder, name), recreate)


def _sqlite(folder: Path, worker: str, migrate: Migrate) -> TestDatabase:
    template, file = folder / f"{TEMPLATE}.db", folder / f"{worker}.db"
    with postgres.locked(folder / "sqlite.lock"):
        if not template.exists():
            draft = folder / "draft.db"
            migrate(f"sqlite:///{draft}")
            # Everything must be in the one file that is copied, none of it in the write-ahead log beside it.
            with sqlite3.connect(draft) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.close()
            draft.rename(template)

    def clean() -> None:
        _remove(file)
        shutil.copyfile(template, file)

    return TestDatabase("sqlite", f"sqlite:///{file}", clean)


def _remove(file: Path) -> None:
    for path in (file, *(file.with_name(file.name + ending) for ending in ("-wal", "-shm", "-journal"))):
        path.unlink(missing_ok=True)


def _postgresql(folder: Path, worker: str, migrate: Migrate) -> TestDatabase:
    postgres.ensure_started(folder)
    with postgres.locked(folder / "template.lock"):
        done = folder / "template.done"
        if not done.exists():
            # A worker whose migration failed leaves half a template; the next one starts anew and shows the same error.
            _administer(folder, "postgres", f"DROP DATABASE IF EXISTS {TEMPLATE}")
            _administer(folder, "postgres", f"CREATE DATABASE {TEMPLATE} OWNER marketplace")
            migrate(postgres.url(folder, TEMPLATE))
            _administer(folder, TEMPLATE, CLEANER)
            done.touch()
        _administer(folder, "postgres", f"CREATE DATABASE {worker} TEMPLATE {TEMPLATE} OWNER marketplace")

    cleaner = _Cleaner(folder, worker)
    return TestDatabase("postgresql", postgres.url(folder, worker), cleaner.clean, cleaner.close)


class _Cleaner:
    """Calls `testing.clean()` over one connection that stays open for the whole run."""

    def __init__(self, folder: Path, worker: str) -> None:
        self._conninfo = postgres.conninfo(folder, worker)
        self._connection: psycopg.Connection | None = None

    def clean(self) -> None:
        """Bring the database back to freshly migrated."""
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._conninfo, autocommit=True, options="-c lock_timeout=10s")
        self._connection.execute("SELECT testing.clean()")

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()


def _administer(folder: Path, database: str, statement: str) -> None:
    with psycopg.connect(postgres.conninfo(folder, database), autocommit=True) as connection:
        connection.execute(statement.encode())
