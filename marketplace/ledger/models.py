"""The ledger's tables as read by pages and reports; rows are written by `marketplace.ledger.service.post` alone.

Balances are kept, and changes refused, by the triggers of migration 0004_ledger. Every amount is in minor units of the
row's currency.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.database import Base, BigIntId, UtcDateTime

DEBIT_KINDS = ("asset", "expense")
"""Account kinds that grow by debits; liability, income and equity grow by credits."""


def _partial(name: str, column: str, *, unique: bool) -> Index:
    present = text(f"{column} IS NOT NULL")
    return Index(name, column, unique=unique, postgresql_where=present, sqlite_where=present)


class LedgerAccount(Base):
    """One account of one currency; with `guard` the database keeps it from going below zero, pending counted.

    The four sums and `last_transfer_id` (the newest transfer counted in them) are changed by a trigger only. Pending
    sums hold what pending transfers would move and is not yet posted or void.
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
    guard: Mapped[bool]
    posted_debit: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    posted_credit: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    pending_debit: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    pending_credit: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    last_transfer_id: Mapped[int] = mapped_column(BigIntId, default=0, server_default="0")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


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
