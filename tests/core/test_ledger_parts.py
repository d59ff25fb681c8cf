"""What is posted to the platform's own accounts is kept in parts on PostgreSQL, and reads as one balance everywhere."""

from collections.abc import Callable
from contextlib import ExitStack

from alembic import command
from flask import Flask
from sqlalchemy import text
from sqlalchemy.engine import Connection

from marketplace import clock
from marketplace.database import db, is_sqlite, transaction
from marketplace.hooks import lineages
from marketplace.ledger import posting, service
from marketplace.ledger.transfers import TransferSpec, fingerprint
from marketplace.migrations.ledger_parts_sql import PARTS
from marketplace.testing.databases import TestDatabase
from tests.core.ledger_books import CLEARING, FEES, HELD, OWNER, book, eur, move, proven, rows, standing

WHOLE = "SELECT code, posted_debit, posted_credit, pending_debit, pending_credit FROM {} ORDER BY code"
PART = text("SELECT pg_backend_pid() % :parts")


def migrated(way: Callable[..., None], revision: str) -> None:
    """Bring the core's tables up or down to a revision."""
    db.session.remove()
    with db.engine.begin() as connection:
        way(lineages.alembic_config(lineages.core_lineage(), connection), revision)


def whole(relation: str) -> list[tuple[object, ...]]:
    """Read the sums that a table or view shows."""
    with transaction() as session:
        return [tuple(row) for row in session.execute(text(WHOLE.format(relation)))]


def test_what_was_counted_before_there_were_parts_and_after_adds_up(
    make_app: Callable[..., Flask], empty_database: TestDatabase
) -> None:
    app = make_app(database_url=empty_database.url)
    lineages.upgrade_all(app)
    with app.app_context():
        migrated(command.downgrade, "0018_fingerprints")
        book(move(CLEARING, OWNER, 5000), move(OWNER, FEES, 250), key="before")
        hold = service.hold("hold", CLEARING, HELD, eur(700), description="Hold").transfer_ids[0]
        assert rows("ledger_drift") == []

        migrated(command.upgrade, "0019_ledger_parts")
        assert proven()
        book(move(CLEARING, OWNER, 2000), move(OWNER, FEES, 100), key="after")
        service.post_pending("taken", hold, eur(300), description="Taken")
        assert proven()
        assert (standing(CLEARING), standing(FEES), standing(OWNER), standing(HELD)) == (7300, 350, 6650, 300)
        kept = whole("ledger_balance")

        migrated(command.downgrade, "0018_fingerprints")
        assert whole("ledger_account") == kept
        assert rows("ledger_drift") == []

        migrated(command.upgrade, "0019_ledger_parts")
        book(move(OWNER, CLEARING, 1000), key="again")
        assert proven()
        assert (standing(CLEARING), standing(OWNER)) == (6300, 5650)


def post_over(connection: Connection, key: str, *transfers: TransferSpec) -> None:
    """Post over a given connection and leave its transaction open."""
    content = fingerprint((t.line() for t in transfers), agreement_id=None, payment_id=None, reverses_id=None)
    entry = posting.Entry(key, content, "Test", transfers, None, None, None, clock.now())
    assert posting.write(connection, entry) is not None


def test_two_writers_do_not_wait_for_each_other_at_the_platforms_accounts(app: Flask) -> None:
    book(move(CLEARING, OWNER, 1), move(CLEARING, HELD, 1), move(CLEARING, FEES, 1))
    if is_sqlite():  # one writer at a time, whatever is posted
        assert rows("ledger_part") == []
        return
    db.session.remove()
    with ExitStack() as opened:
        first, *others = [opened.enter_context(db.engine.connect()) for _number in range(3)]
        parts = {connection: connection.scalar(PART, {"parts": PARTS}) for connection in (first, *others)}
        second = next(connection for connection in others if parts[connection] != parts[first])
        post_over(first, "one", move(CLEARING, OWNER, 2), move(CLEARING, FEES, 2))
        second.execute(text("SET LOCAL lock_timeout = '2s'"))  # an error, were it to wait for the first
        post_over(second, "two", move(CLEARING, HELD, 2), move(CLEARING, FEES, 2))
        second.commit()
        first.commit()
    assert (standing(CLEARING), standing(FEES), standing(OWNER), standing(HELD)) == (11, 5, 3, 3)
    assert proven()
