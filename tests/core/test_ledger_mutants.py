"""The guards are themselves tested: take one away or weaken it, and some attack gets through or the books go wrong."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from marketplace.database import db, is_sqlite, prepare_engine, transaction
from marketplace.ledger import service
from marketplace.ledger.accounts import platform_bank, platform_fees, provider_clearing
from marketplace.ledger.audit import audit_of
from marketplace.ledger.errors import AccountMismatch, IdempotencyMismatch
from marketplace.ledger.transfers import TransferSpec
from marketplace.money import Money
from tests.core import ledger_mutants
from tests.core.ledger_attacks import ATTACKS, POSTGRESQL_ATTACKS, SQLITE_ATTACKS
from tests.core.ledger_books import CLEARING, FEES, OWNER, book, everything, move
from tests.core.ledger_mutants import Mutant
from tests.core.test_ledger_guards import fill, run

PRETENDED = {
    "kind": "income", "role": "other", "owner_type": "agreement", "owner_id": 3, "guard": False, "currency": "USD",
}  # fmt: skip


Judge = Callable[[list[str], bool], list[str]]
"""Makes the schema of that DDL, uses it, and lists all that is wrong or only the first."""


class Rolled(Exception):
    """Ends a transaction that must leave no trace."""


def failing(everything: bool) -> list[str]:
    """Use the ledger as the rest of the program does; list what is not as it should be, or only the first that is found."""
    wrong: list[str] = []
    try:
        ids = fill()
    except Exception as error:
        return [f"posting fails: {error!r}"]
    with transaction() as session:
        connection = session.connection()
        wrong += [f"{found.code}: {found.subject}" for found in audit_of(connection)]
        wrong += [f"drift: {row.code}" for row in connection.execute(text("SELECT code FROM ledger_drift"))]
        for name, attack in attacks().items():
            if wrong and not everything:
                return wrong
            if succeeds(session, attack, ids):
                wrong.append(name)
        for check in (repeats, pretends):
            try:
                with session.begin_nested():
                    check()
            except (Exception, pytest.fail.Exception) as error:
                wrong.append(f"{check.__name__}: {error!r}")
    return wrong


def repeats() -> None:
    """Post again under a key in use: the same gives the first result, something else is refused."""
    lines = [move(CLEARING, OWNER, 3), move(OWNER, FEES, 2)]
    first = service.post("again", lines, description="First")
    again = service.post("again", lines, description="Again")
    assert (again.txn_id, again.transfer_ids, again.replayed) == (first.txn_id, first.transfer_ids, True)
    assert first.transfer_ids == tuple(sorted(first.transfer_ids))
    other = provider_clearing("other", "EUR")  # an account that differs from another one by its code alone
    book(move(other, OWNER, 1), move(OWNER, other, 1), move(CLEARING, FEES, 1), move(FEES, CLEARING, 1))
    with pytest.raises(IdempotencyMismatch):
        service.post("again", lines[:1], description="Less")


def pretends() -> None:
    """Name an account with another fact than it has, on either side."""
    for fact, value in PRETENDED.items():
        pretender = replace(OWNER, **{fact: value})  # type: ignore[arg-type]
        other = platform_bank(pretender.currency)
        book(TransferSpec(other, platform_fees(other.currency), Money(1, other.currency)))
        for sides in ((pretender, other), (other, pretender)):
            line = TransferSpec(*sides, Money(1, other.currency))
            # On PostgreSQL a refusal ends the transaction, so each gets a savepoint of its own.
            with pytest.raises(AccountMismatch), db.session.begin_nested():
                book(line)


def attacks() -> dict[str, list[str]]:
    return ATTACKS | (SQLITE_ATTACKS if is_sqlite() else POSTGRESQL_ATTACKS)


def succeeds(session: Session, attack: list[str], ids: dict[str, int]) -> bool:
    session.execute(text("SAVEPOINT attack"))
    try:
        run(session, attack, ids)
        return True
    except DBAPIError:
        return False
    finally:
        session.execute(text("ROLLBACK TO SAVEPOINT attack"))


def on_postgresql(ddl: list[str], everything: bool) -> list[str]:
    """Change the schema, use it, and roll everything back."""
    wrong: list[str] = []

    def attempt() -> None:
        with transaction() as session:
            for statement in ddl:
                session.connection().exec_driver_sql(statement.replace("%", "%%"))
            session.execute(text("SAVEPOINT mutated"))
            wrong.extend(failing(everything))
            raise Rolled

    with pytest.raises((Rolled, DBAPIError)):  # a failure that ended the transaction was written down before
        attempt()
    return wrong


@contextmanager
def using(app: Flask, file: Path) -> Iterator[None]:
    """Let the app work with another SQLite file."""
    engines = db._app_engines[app]
    own, engines[None] = engines[None], create_engine(f"sqlite:///{file}")
    prepare_engine(engines[None])
    db.session.remove()
    try:
        yield
    finally:
        db.session.remove()
        engines[None].dispose()
        engines[None] = own


def on_sqlite(app: Flask, folder: Path) -> Judge:
    """Give the function that makes a database with that schema and uses it."""

    def judge(ddl: list[str], everything: bool) -> list[str]:
        file = folder / "mutant.db"
        file.unlink(missing_ok=True)
        connection = sqlite3.connect(file, isolation_level=None)
        connection.execute("PRAGMA journal_mode = OFF")
        for statement in sorted(ddl, key=lambda sql: not sql.startswith("CREATE TABLE")):
            connection.execute(statement)
        connection.close()
        with using(app, file):
            return failing(everything)

    return judge


def test_every_mutant_of_the_guards_is_caught(app: Flask, tmp_path: Path) -> None:
    before = everything()
    with transaction() as session:
        schema = ledger_mutants.schema_of(session) if is_sqlite() else {}
        mutants = ledger_mutants.of_sqlite(schema) if is_sqlite() else ledger_mutants.of_postgresql(session)
    judge = on_sqlite(app, tmp_path) if is_sqlite() else on_postgresql
    assert judge(list(schema.values()), True) == []
    alive = [name for name, mutant in mutants.items() if not caught(mutant, judge)]
    assert not alive, "\n".join(alive)
    assert len(mutants) > 70, sorted(mutants)
    assert everything() == before


def caught(mutant: Mutant, judge: Judge) -> bool:
    """Tell whether the mutant does something wrong that the schema without it does not."""
    if mutant.behind is None:
        return judge(mutant.ddl, False) != []
    return not set(judge(mutant.ddl, True)) <= set(judge(mutant.behind, True))
