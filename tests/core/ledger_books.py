"""Short words for tests of the ledger: accounts and transfers in euro cents, and the whole of the books at a glance."""

from itertools import count

from sqlalchemy import text

from marketplace.database import db, transaction
from marketplace.ledger import accounts, service
from marketplace.ledger.accounts import AccountSpec
from marketplace.ledger.transfers import Posted, TransferSpec
from marketplace.money import Money

CLEARING = accounts.provider_clearing("stripe", "EUR")
BANK = accounts.platform_bank("EUR")
FEES = accounts.platform_fees("EUR")
COSTS = accounts.provider_fees("EUR")
RESERVE = accounts.member_reserve(2, "EUR")
MATCHING = accounts.matching_funds("EUR")
LOSSES = accounts.write_offs("EUR")
OWNER = accounts.member_payable(2, "EUR")
OWED = accounts.member_receivable(2, "EUR")
HELD = accounts.agreement_held(7, "EUR")

_keys = count(1)


def eur(minor: int) -> Money:
    """Give an amount of euro cents."""
    return Money(minor, "EUR")


def move(debit: AccountSpec, credit: AccountSpec, minor: int) -> TransferSpec:
    """Make a transfer of euro cents."""
    return TransferSpec(debit, credit, eur(minor))


def book(*transfers: TransferSpec, key: str | None = None) -> Posted:
    """Post transfers under a key of their own."""
    return service.post(key or f"test:{next(_keys)}", transfers, description="Test")


def standing(account: AccountSpec) -> int:
    """Give what is posted in an account, in cents, positive on its growing side."""
    return service.balance(account.code).posted.minor


def available(account: AccountSpec) -> int:
    """Give what may still be taken out of an account, in cents."""
    return service.balance(account.code).available.minor


def sql(statement: str, **values: object) -> None:
    """Run a statement past the service, in a transaction of its own."""
    with transaction() as session:
        session.execute(text(statement), values)


def rows(table: str) -> list[tuple[object, ...]]:
    """Read all of a table (or of the view of drift), in order."""
    with transaction() as session:
        return [tuple(row) for row in session.execute(text(f"SELECT * FROM {table} ORDER BY 1"))]


def everything() -> list[list[tuple[object, ...]]]:
    """Read the whole ledger."""
    return [rows(table) for table in ("ledger_account", "ledger_part", "ledger_txn", "ledger_transfer")]


def proven() -> bool:
    """Tell whether audit and drift view find nothing."""
    db.session.rollback()
    return service.audit() == [] and rows("ledger_drift") == []
