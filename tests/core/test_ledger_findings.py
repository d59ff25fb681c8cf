"""What the audit says about damage: which rule is broken, about what, and the figures that somebody needs who looks into it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.engine import Connection

from marketplace.database import db, is_sqlite
from marketplace.ledger import audit, service
from tests.core.ledger_attacks import txn
from tests.core.ledger_books import CLEARING, FEES, HELD, OWNER, book, eur, move

TABLES = ("ledger_account", "ledger_part", "ledger_txn", "ledger_transfer")
KEYS = """
SELECT 'ALTER TABLE ' || conrelid::regclass || ' DROP CONSTRAINT ' || conname FROM pg_constraint
WHERE conrelid::regclass::text = ANY(:tables) AND contype IN ('c', 'f')
"""


@pytest.fixture
def unguarded(app: Flask) -> Iterator[Connection]:
    """Give small books without any guard over a connection whose work is rolled back: a lost disk, a restore of half."""
    book(move(CLEARING, OWNER, 5000), move(OWNER, FEES, 250), key="a")
    service.reverse("a", "a:undone", description="Undo")
    book(move(CLEARING, OWNER, 900), key="b")
    (hold,) = service.hold("hold", CLEARING, HELD, eur(700), description="Hold").transfer_ids
    service.post_pending("taken", hold, eur(300), description="Taken")
    db.session.remove()
    with db.engine.connect() as connection:
        if is_sqlite():
            connection.execute(text("PRAGMA ignore_check_constraints = ON"))
            connection.execute(text("PRAGMA defer_foreign_keys = ON"))
            names = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
            freeing = [f"DROP TRIGGER {name}" for name in names]
        else:
            freeing = [f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in TABLES]
            freeing += connection.execute(text(KEYS), {"tables": list(TABLES)}).scalars().all()
        for statement in freeing:
            connection.execute(text(statement))
        yield connection
        connection.rollback()
        connection.invalidate()  # its checks are off


NOT_POSTED = "the transfers are not what was posted under this key"
DAMAGE: dict[str, tuple[str, list[str]]] = {
    "a balance is higher than its transfers make it": (
        "UPDATE ledger_account SET posted_credit = posted_credit + 7 WHERE role = 'payable'",
        [
            f"balance: {OWNER.code}: kept [5250, 6157, 0, 0], counted [5250, 6150, 0, 0]",
            "unbalanced: EUR: debits and credits differ by -7 minor units",
        ],
    ),
    "an account counted no transfer after the first": (
        "UPDATE ledger_account SET last_transfer_id = 1 WHERE role = 'payable'",
        [f"newest: {OWNER.code}: counted up to 1 only"],
    ),
    "an account says that it counted what it never had": (
        "INSERT INTO ledger_account (code, currency, kind, owner_type, role, guard, created_at, last_transfer_id, "
        "posted_debit, posted_credit, pending_debit, pending_credit) "
        "VALUES ('unused', 'EUR', 'asset', 'platform', 'r', (1 = 0), '2026-11-21', 3, 0, 0, 0, 0)",
        ["newest: unused: counted up to 3 only"],
    ),
    "a transaction names a payment that it was not posted for": (
        "UPDATE ledger_txn SET payment_id = 4 WHERE key = 'b'",
        [f"fingerprint: b: {NOT_POSTED}"],
    ),
    "a transaction is gone": (
        "DELETE FROM ledger_txn WHERE key = 'b'",
        ["orphan: transaction 3: transfers without their transaction"],
    ),
    "a transaction has no transfers": (txn(), ["lines: new: 0 transfers where 1 were posted"]),
    "a transfer is gone": (
        "DELETE FROM ledger_transfer WHERE id = 4",
        [
            f"fingerprint: a:undone: {NOT_POSTED}",
            "lines: a:undone: 1 transfers where 2 were posted",
            "reversal: a:undone: is not the mirror image of transaction 1",
            f"balance: {CLEARING.code}: kept [6200, 5000, 0, 0], counted [6200, 0, 0, 0]",
            f"balance: {OWNER.code}: kept [5250, 6150, 0, 0], counted [250, 6150, 0, 0]",
        ],
    ),
    "a transfer moves less than was posted": (
        "UPDATE ledger_transfer SET amount = 899 WHERE amount = 900",
        [
            f"fingerprint: b: {NOT_POSTED}",
            f"balance: {CLEARING.code}: kept [6200, 5000, 0, 0], counted [6199, 5000, 0, 0]",
            f"balance: {OWNER.code}: kept [5250, 6150, 0, 0], counted [5250, 6149, 0, 0]",
        ],
    ),
    "a hold was made into a plain transfer": (
        "UPDATE ledger_transfer SET phase = 'posted' WHERE phase = 'pending'",
        [
            f"fingerprint: hold: {NOT_POSTED}",
            "hold: transfer 7: resolves 6, which is not pending",
            f"balance: {CLEARING.code}: kept [6200, 5000, 0, 0], counted [6900, 5000, 0, 0]",
            f"balance: {HELD.code}: kept [0, 300, 0, 0], counted [0, 1000, 0, 0]",
        ],
    ),
    "more was taken than was held": (
        "UPDATE ledger_transfer SET amount = 701 WHERE phase = 'post'",
        [
            "hold: transfer 7: doesn't fit the pending transfer 6",
            f"fingerprint: taken: {NOT_POSTED}",
            f"balance: {CLEARING.code}: kept [6200, 5000, 0, 0], counted [6601, 5000, 0, 0]",
            f"balance: {HELD.code}: kept [0, 300, 0, 0], counted [0, 701, 0, 0]",
        ],
    ),
    "a hold was given up in part": (
        "UPDATE ledger_transfer SET phase = 'void' WHERE phase = 'post'",
        [
            "hold: transfer 7: doesn't fit the pending transfer 6",
            f"fingerprint: taken: {NOT_POSTED}",
            f"balance: {CLEARING.code}: kept [6200, 5000, 0, 0], counted [5900, 5000, 0, 0]",
            f"balance: {HELD.code}: kept [0, 300, 0, 0], counted [0, 0, 0, 0]",
        ],
    ),
    "a reversal names another transaction": (
        "UPDATE ledger_txn SET reverses_id = 3 WHERE key = 'a:undone'",
        [
            f"fingerprint: a:undone: {NOT_POSTED}",
            "reversal: a:undone: is not the mirror image of transaction 3",
        ],
    ),
    "a transfer is in another currency than its accounts": (
        "UPDATE ledger_transfer SET currency = 'USD' WHERE amount = 900",
        [
            f"currency: transfer 5: account {CLEARING.code} is not one of USD",
            f"currency: transfer 5: account {OWNER.code} is not one of USD",
            f"fingerprint: b: {NOT_POSTED}",
        ],
    ),
    "an account may not be below zero and is": (
        "UPDATE ledger_account SET guard = (1 = 1), kind = 'liability' WHERE role = 'provider_clearing'",
        [f"overdraft: {CLEARING.code}: -1200 minor units"],
    ),
    "what is pending counts for an account that may not go below zero": (
        "UPDATE ledger_account SET guard = (1 = 1), kind = 'asset' WHERE role = 'held'",
        [f"overdraft: {HELD.code}: -300 minor units"],
    ),
}  # fmt: skip


def said_after(connection: Connection, damage: str) -> list[str]:
    """Give what the audit says after a damage, in order, with codes in place of the accounts' ids."""
    codes = {row.id: row.code for row in connection.execute(text("SELECT id, code FROM ledger_account"))}
    connection.execute(text(damage))
    lines = [f"{one.code}: {one.subject}: {one.facts}" for one in audit.audit_of(connection)]
    return sorted(re.sub(r"account (\d+)", lambda found: f"account {codes[int(found[1])]}", line) for line in lines)


@pytest.mark.parametrize("damage", DAMAGE)
def test_each_damage_is_named_with_its_place_and_its_figures(damage: str, unguarded: Connection) -> None:
    statement, said = DAMAGE[damage]
    assert said_after(unguarded, statement) == sorted(said)


def test_an_account_that_is_gone_is_named_by_each_transfer_that_needs_it(unguarded: Connection) -> None:
    assert said_after(unguarded, "DELETE FROM ledger_account WHERE role = 'platform_fees'") == [
        f"currency: transfer 2: account {FEES.code} is not one of EUR",
        f"currency: transfer 3: account {FEES.code} is not one of EUR",
        f"fingerprint: a: {NOT_POSTED}",
        f"fingerprint: a:undone: {NOT_POSTED}",
    ]
