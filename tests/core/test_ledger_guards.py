"""Whatever SQL is sent past the service, the database refuses what would make the books wrong."""

from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from marketplace.database import is_sqlite, transaction
from marketplace.ledger import service
from tests.core.ledger_attacks import ATTACKS, POSTGRESQL_ATTACKS, SQLITE_ATTACKS, account
from tests.core.ledger_books import CLEARING, FEES, HELD, OWED, OWNER, book, eur, everything, move, proven


def fill() -> dict[str, int]:
    """Book a little of everything; give the ids that the attacks name."""
    first = book(move(CLEARING, OWNER, 5000), move(OWNER, HELD, 1), key="first")
    service.reverse("first", "undone", description="Undo")
    other = book(move(CLEARING, OWNER, 5004))
    hold = service.hold("hold", OWNER, HELD, eur(2000), description="Hold").transfer_ids[0]
    book(move(OWED, CLEARING, 1000))
    service.hold("owed", CLEARING, OWED, eur(600), description="Hold")
    (taken,) = service.hold("taken", OWNER, HELD, eur(10), description="Hold").transfer_ids
    service.post_pending("taken:post", taken, eur(4), description="Taken")
    resolved = service.hold("gone", OWNER, HELD, eur(10), description="Hold").transfer_ids[0]
    service.void_pending("gone:void", resolved, description="Freed")
    (kept,) = service.hold("kept", CLEARING, FEES, eur(10), description="Hold").transfer_ids
    service.post_pending("kept:post", kept, eur(4), description="Taken")
    book(move(CLEARING, FEES, 1), move(CLEARING, FEES, 2))  # the newest of the platform's accounts is the second line
    ids = {
        "first": first.txn_id,
        "other": other.txn_id,
        "direct": first.transfer_ids[0],
        "hold": hold,
        "resolved": resolved,
    }
    with transaction() as session:
        session.execute(text(account(code="'unused'", guard="(1 = 0)")))
        session.execute(text(account(code="'dollars'", currency="'USD'", guard="(1 = 0)")))
        codes = {
            "owner": OWNER.code,
            "clearing": CLEARING.code,
            "held": HELD.code,
            "owed": OWED.code,
            "dollars": "dollars",
        }
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
