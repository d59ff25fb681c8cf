"""The ledger's tables as read by pages and reports; rows are written by `marketplace.ledger.service.post` alone.

Balances are kept, and changes refused, by the triggers of migrations 0004_ledger and 0019_ledger_parts. Every amount is in
minor units of the row's currency.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    String,
    UniqueConstraint,
    case,
    cast,
    func,
    select,
    text,
)
from sqlalchemy.orm import Mapped, MappedSQLExpression, column_property, mapped_column

from marketplace.database import Base, BigIntId, UtcDateTime

DEBIT_KINDS = ("asset", "expense")
"""Account kinds that grow by debits; liability, income and equity grow by credits."""


def _partial(name: str, column: str, *, unique: bool) -> Index:
    present = text(f"{column} IS NOT NULL")
    return Index(name, column, unique=unique, postgresql_where=present, sqlite_where=present)


class LedgerPart(Base):
    """What some server processes of PostgreSQL have posted to an unguarded account; SQLite, with its one writer, has none.

    Only a trigger writes here. So two writers don't wait for each other, though both post to the platform's own accounts.
    """

    __tablename__ = "ledger_part"
    __table_args__ = ({"postgresql_with": {"fillfactor": 20}},)

    account_id: Mapped[int] = mapped_column(
        BigIntId, ForeignKey("ledger_account.id"), primary_key=True, autoincrement=False
    )
    part: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    posted_debit: Mapped[int] = mapped_column(BigInteger)
    posted_credit: Mapped[int] = mapped_column(BigInteger)
    last_transfer_id: Mapped[int] = mapped_column(BigIntId)


def _whole(own: Mapped[int], parts: Any, *, guard: Mapped[bool], account_id: Mapped[int]) -> MappedSQLExpression[int]:
    """Read what an account holds itself and `parts`, an aggregate of its parts; a guarded account has none to look for."""
    found = select(parts).where(LedgerPart.account_id == account_id).correlate_except(LedgerPart).scalar_subquery()
    return column_property(case((guard, own), else_=cast(own + func.coalesce(found, 0), BigInteger)))


class LedgerAccount(Base):
    """One account of one currency; with `guard` the database keeps it from going below zero, pending counted.

    The four sums and `last_transfer_id` (the newest transfer counted in them) are changed by a trigger only. Pending
    sums hold what pending transfers would move and is not yet posted or void. What is posted to an account without guard
    is kept in its parts; `posted_debit` and `posted_credit` read the whole, `own_…` what the row itself has.
    """

    __tablename__ = "ledger_account"
    __table_args__ = (
        UniqueConstraint("code"),
        UniqueConstraint("id", "currency"),
        CheckConstraint("kind IN ('asset', 'liability', 'income', 'expense', 'equity')", name="kind"),
        CheckConstraint("length(currency) = 3 AND currency = upper(currency)", name="currency"),
        CheckConstraint("owner_type IN ('platform', 'member', 'agreement')", name="owner_type"),
        CheckConstraint("(owner_type = 'platform') = (owner_id IS NULL)", name="owner"),
        CheckConstraint(
            "NOT guard OR CASE WHEN kind IN ('asset', 'expense') THEN posted_debit - posted_credit - pending_credit"
            " ELSE posted_credit - posted_debit - pending_debit END >= 0",
            name="no_overdraft",
        ),
        Index("ix_ledger_account_owner", "owner_type", "owner_id"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    code: Mapped[str] = mapped_column(String(120))
    currency: Mapped[str] = mapped_column(String(3))
    kind: Mapped[str] = mapped_column(String(9))
    owner_type: Mapped[str] = mapped_column(String(16))
    owner_id: Mapped[int | None] = mapped_column(BigIntId)
    role: Mapped[str] = mapped_column(String(32))
    guard: Mapped[bool] = mapped_column()
    own_posted_debit: Mapped[int] = mapped_column("posted_debit", BigInteger, default=0, server_default="0")
    own_posted_credit: Mapped[int] = mapped_column("posted_credit", BigInteger, default=0, server_default="0")
    pending_debit: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    pending_credit: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    own_last_transfer_id: Mapped[int] = mapped_column("last_transfer_id", BigIntId, default=0, server_default="0")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    posted_debit = _whole(own_posted_debit, func.sum(LedgerPart.posted_debit), guard=guard, account_id=id)
    posted_credit = _whole(own_posted_credit, func.sum(LedgerPart.posted_credit), guard=guard, account_id=id)


class LedgerTransaction(Base):
    """Transfers that belong together, posted once under `key`; `fingerprint` is the SHA-256 of what was posted.

    `lines` is the number of its transfers; the transfers' foreign key and CHECK refuse one more. `at` is UTC.
    """

    __tablename__ = "ledger_txn"
    __table_args__ = (
        UniqueConstraint("key"),
        UniqueConstraint("id", "lines"),
        CheckConstraint("lines > 0", name="lines"),
        CheckConstraint("length(key) > 0", name="key"),
        CheckConstraint("reverses_id <> id", name="reverses"),
        _partial("uq_ledger_txn_reverses_id", "reverses_id", unique=True),
        Index("ix_ledger_txn_agreement", "agreement_id", "id"),
        Index("ix_ledger_txn_payment", "payment_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    key: Mapped[str] = mapped_column(String(200))
    fingerprint: Mapped[str] = mapped_column(String(64))
    description: Mapped[str] = mapped_column(String(300))
    lines: Mapped[int]
    reverses_id: Mapped[int | None] = mapped_column(BigIntId, ForeignKey("ledger_txn.id"))
    agreement_id: Mapped[int | None] = mapped_column(BigIntId, ForeignKey("agreement.id"))
    payment_id: Mapped[int | None] = mapped_column(BigIntId)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class LedgerTransfer(Base):
    """`amount` moves from the debit to the credit account: at once (posted), later (pending → post or void).

    A post may take less than the pending amount; the rest is free again. A void names the whole amount.
    """

    __tablename__ = "ledger_transfer"
    __table_args__ = (
        ForeignKeyConstraint(["txn_id", "lines"], ["ledger_txn.id", "ledger_txn.lines"]),
        ForeignKeyConstraint(["debit_account_id", "currency"], ["ledger_account.id", "ledger_account.currency"]),
        ForeignKeyConstraint(["credit_account_id", "currency"], ["ledger_account.id", "ledger_account.currency"]),
        UniqueConstraint("txn_id", "line"),
        CheckConstraint("amount > 0 AND amount <= 1000000000000000 AND amount = CAST(amount AS BIGINT)", name="amount"),
        CheckConstraint("line >= 1 AND line <= lines", name="line"),
        CheckConstraint("debit_account_id <> credit_account_id", name="two_accounts"),
        CheckConstraint("phase IN ('posted', 'pending', 'post', 'void')", name="phase"),
        CheckConstraint("(phase IN ('post', 'void')) = (pending_id IS NOT NULL)", name="pending"),
        CheckConstraint("expires_at IS NULL OR phase = 'pending'", name="expiry"),
        Index("ix_ledger_transfer_debit", "debit_account_id", "id"),
        Index("ix_ledger_transfer_credit", "credit_account_id", "id"),
        _partial("uq_ledger_transfer_pending_id", "pending_id", unique=True),
        _partial("ix_ledger_transfer_expires", "expires_at", unique=False),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    txn_id: Mapped[int] = mapped_column(BigIntId)
    lines: Mapped[int]
    line: Mapped[int]
    debit_account_id: Mapped[int] = mapped_column(BigIntId)
    credit_account_id: Mapped[int] = mapped_column(BigIntId)
    currency: Mapped[str] = mapped_column(String(3))
    amount: Mapped[int] = mapped_column(BigInteger)
    phase: Mapped[str] = mapped_column(String(7))
    pending_id: Mapped[int | None] = mapped_column(BigIntId, ForeignKey("ledger_transfer.id"))
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
