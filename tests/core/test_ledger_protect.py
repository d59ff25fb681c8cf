"""The site's own role on PostgreSQL: it runs everything, adds to the books, and can change nothing in them."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ProgrammingError

from marketplace.database import db, is_sqlite, transaction
from marketplace.ledger import service
from marketplace.ledger.cli import ledger_cli
from marketplace.ledger.protect import may_change_books
from tests.core.ledger_books import CLEARING, FEES, HELD, OWNER, book, eur, everything, move, proven
from tests.core.test_ledger_audit import invoke

ROLE = "site_of_tests"

FORBIDDEN = (
    "UPDATE ledger_account SET posted_credit = posted_credit + 1",
    "UPDATE ledger_part SET posted_credit = posted_credit + 1",
    "INSERT INTO ledger_part SELECT id, 99, 5, 0, 1 FROM ledger_account",
    "UPDATE ledger_txn SET description = 'other'",
    "UPDATE ledger_transfer SET amount = 1",
    "DELETE FROM ledger_account",
    "DELETE FROM ledger_part",
    "DELETE FROM ledger_txn",
    "DELETE FROM ledger_transfer",
    "TRUNCATE ledger_transfer",
    "ALTER TABLE ledger_transfer DISABLE TRIGGER USER",
    "DROP TRIGGER ledger_account_sums ON ledger_account",
    "ALTER TABLE ledger_account DROP CONSTRAINT ck_ledger_account_no_overdraft",
    "SET session_replication_role = replica",
    "SELECT * FROM ledger_account FOR UPDATE",
    "CREATE OR REPLACE FUNCTION ledger_apply() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "UPDATE alembic_version SET version_num = '0'",
)


@pytest.fixture
def as_role(app: Flask) -> Iterator[Flask]:
    """Make the role (PostgreSQL), limit it, and let the app's connections act as it."""
    if is_sqlite():
        yield app
        return
    owner = db.engine
    administrator = create_engine(owner.url.set(username="postgres"), isolation_level="AUTOCOMMIT")
    with administrator.connect() as connection:
        forget(connection)
        connection.execute(text(f"CREATE ROLE {ROLE} LOGIN"))
    assert invoke(app, "protect", "--role", ROLE).exit_code == 0
    limited = create_engine(owner.url.set(username=ROLE))
    engines = db._app_engines[app]
    engines[None] = limited
    try:
        yield app
    finally:
        db.session.remove()
        engines[None] = owner
        limited.dispose()
        with administrator.connect() as connection:
            forget(connection)
        administrator.dispose()


def forget(connection: object) -> None:
    connection.execute(  # type: ignore[attr-defined]
        text(f"""DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN
                 DROP OWNED BY {ROLE}; DROP ROLE {ROLE}; END IF; END $$""")
    )


def test_the_sites_role_does_everything_that_the_ledger_offers(as_role: Flask) -> None:
    book(move(CLEARING, OWNER, 5000), move(OWNER, FEES, 250), key="a")
    assert service.post("a", [move(CLEARING, OWNER, 5000), move(OWNER, FEES, 250)], description="Again").replayed
    (held,) = service.hold("h", OWNER, HELD, eur(700), description="Hold").transfer_ids
    service.post_pending("p", held, eur(300), description="Taken")
    service.reverse("p", "r", description="Undo")
    assert (service.balance(OWNER.code).posted, len(service.statement(OWNER.code))) == (eur(4750), 5)
    assert proven()


def test_the_sites_role_can_change_nothing_in_the_books(as_role: Flask) -> None:
    book(move(CLEARING, OWNER, 5000), key="a")
    before = everything()
    if is_sqlite():  # no roles there: `test_no_attack_gets_past_the_database` is its proof
        assert not may_change_books()
        return
    db.session.rollback()
    for statement in FORBIDDEN:
        with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"), transaction() as session:
            session.execute(text(statement))
    assert everything() == before
    assert not may_change_books()


def test_the_sites_role_has_exactly_these_rights(as_role: Flask) -> None:
    if is_sqlite():
        said = invoke(as_role, "protect", "--role", ROLE)
        assert (said.exit_code, "SQLite knows no roles" in said.output) == (1, True)
        return
    listed = text(f"""SELECT table_name, string_agg(privilege_type, ' ' ORDER BY privilege_type)
        FROM information_schema.table_privileges WHERE grantee = '{ROLE}' GROUP BY table_name""")
    with transaction() as session:
        found = {row[0]: row[1] for row in session.execute(listed)}
    assert {name: rights for name, rights in found.items() if name.startswith("ledger_")} == {
        "ledger_account": "INSERT SELECT", "ledger_txn": "INSERT SELECT", "ledger_transfer": "INSERT SELECT",
        "ledger_part": "SELECT", "ledger_balance": "SELECT", "ledger_drift": "SELECT",
    }  # fmt: skip
    assert found["listing"] == "DELETE INSERT SELECT UPDATE"
    assert found["alembic_version"] == "SELECT"


def test_the_owner_and_an_unknown_role_can_not_be_limited(app: Flask) -> None:
    if is_sqlite():
        assert ledger_cli.get_command(None, "protect") is not None  # type: ignore[arg-type]
        return
    assert may_change_books()
    for role, reason in (("marketplace", "owns the tables"), ("postgres", "may do anything"), ("nobody", "no role")):
        said = invoke(app, "protect", "--role", role)
        assert (said.exit_code, reason in said.output) == (1, True), said.output
