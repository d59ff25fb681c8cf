"""Whatever SQL is sent past the service, the database refuses what would make the books wrong."""

from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from marketplace.database import is_sqlite, transaction
from marketplace.ledger import service
from tests.core.ledger_attacks import ATTACKS, POSTGRESQL_ATTACKS, SQLITE_ATTACKS, account
from tests.core.ledger_books import CLEARING, HELD, OWNER, book, eur, everything, move, proven

# Unique constraints on which a foreign key rests can't be dropped alone.
GUARDS = """
SELECT 'ALTER TABLE ' || conrelid::regclass || ' DROP CONSTRAINT ' || conname FROM pg_constraint c
WHERE conrelid::regclass::text IN ('ledger_account', 'ledger_txn', 'ledger_transfer') AND contype IN ('c', 'f', 'u')
  AND NOT EXISTS (SELECT FROM pg_constraint f WHERE c.contype = 'u' AND f.contype = 'f' AND f.conindid = c.conindid)
UNION ALL
SELECT 'DROP TRIGGER ' || tgname || ' ON ' || tgrelid::regclass FROM pg_trigger
WHERE tgrelid::regclass::text IN ('ledger_account', 'ledger_txn', 'ledger_transfer') AND NOT tgisinternal
UNION ALL
SELECT 'DROP INDEX ' || indexrelid::regclass FROM pg_index WHERE indisunique AND indpred IS NOT NULL
  AND indrelid::regclass::text IN ('ledger_txn', 'ledger_transfer')
"""

SECOND_NETS = {
    "ck_ledger_transfer_phase": "the trigger finds no sum for an unknown phase",
    "fk_ledger_transfer_pending_id": "the trigger looks for the pending transfer too, to compare it",
}
"""Guards behind which another one stands, and which."""


def fill() -> dict[str, int]:
    """Book a little of everything; give the ids that the attacks name."""
    first = book(move(CLEARING, OWNER, 5000), move(OWNER, HELD, 1), key="first")
    service.reverse("first", "undone", description="Undo")
    book(move(CLEARING, OWNER, 5000))
    hold = service.hold("hold", OWNER, HELD, eur(2000), description="Hold").transfer_ids[0]
    resolved = service.hold("gone", OWNER, HELD, eur(10), description="Hold").transfer_ids[0]
    service.void_pending("gone:void", resolved, description="Freed")
    ids = {"first": first.txn_id, "direct": first.transfer_ids[0], "hold": hold, "resolved": resolved}
    with transaction() as session:
        session.execute(text(account(code="'unused'", guard="(1 = 0)")))
        session.execute(text(account(code="'dollars'", currency="'USD'", guard="(1 = 0)")))
        codes = {"owner": OWNER.code, "clearing": CLEARING.code, "held": HELD.code, "dollars": "dollars"}
        accounts = {code: id for id, code in session.execute(text("SELECT id, code FROM ledger_account"))}
    return ids | {name: accounts[code] for name, code in codes.items()}


def attacks() -> dict[str, list[str]]:
    """List the attacks that this database understands."""
    return ATTACKS | (SQLITE_ATTACKS if is_sqlite() else POSTGRESQL_ATTACKS)


def attempt(attack: list[str], ids: dict[str, int]) -> str:
    """Carry an attack through to its commit; give the error that stopped it."""
    try:
        with transaction() as session:
            run(session, attack, ids)
    except DBAPIError as error:
        return f"{type(error).__name__}: {error}"
    return "passed"


def run(session: Session, attack: list[str], ids: dict[str, int]) -> None:
    for statement in attack:
        session.execute(text(statement), ids)


def test_no_attack_gets_past_the_database(app: Flask) -> None:
    ids = fill()
    before = everything()
    outcome = {name: attempt(attack, ids) for name, attack in attacks().items()}
    assert {name: why for name, why in outcome.items() if not why.startswith("IntegrityError")} == {}
    assert everything() == before
    assert proven()


def test_every_guard_is_needed_by_some_attack(app: Flask) -> None:
    ids = fill()
    with transaction() as session:
        found = guards(session)
    idle = [guard for guard in found if not missed(guard, ids)]
    assert len(found) == (11 if is_sqlite() else 32)
    assert sorted(guard.split()[-1] for guard in idle) == ([] if is_sqlite() else sorted(SECOND_NETS))


def guards(session: Session) -> list[str]:
    """List statements of which each takes one guard of the ledger away."""
    if not is_sqlite():
        return list(session.execute(text(GUARDS)).scalars())
    triggers = session.execute(
        text(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'ledger_%' AND tbl_name <> 'ledger_posting'"
        )
    )
    return [f"DROP TRIGGER {name}" for name in triggers.scalars()]


def missed(guard: str, ids: dict[str, int]) -> bool:
    """Tell whether some attack goes through once a guard is gone; leaves the database as it was."""
    with transaction() as session:
        session.execute(text(guard))
        found = any(succeeds(session, attack, ids) for attack in attacks().values())
        session.rollback()
    return found


def succeeds(session: Session, attack: list[str], ids: dict[str, int]) -> bool:
    session.execute(text("SAVEPOINT attack"))
    try:
        run(session, attack, ids)
        return True
    except DBAPIError:
        return False
    finally:
        session.execute(text("ROLLBACK TO SAVEPOINT attack"))
