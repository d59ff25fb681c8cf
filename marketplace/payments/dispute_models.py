"""Chargebacks: the case at the provider, each movement of money in it, and the files that are given as evidence."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.database import Base, BigIntId, Json, UtcDateTime
from marketplace.money import Money

DISPUTE_STATES = (
    "inquiry", "inquiry_review", "inquiry_closed", "needs_response", "under_review", "won", "lost", "prevented",
)  # fmt: skip
INQUIRIES = ("inquiry", "inquiry_review")
"""The payer's bank asks, and no money has moved."""
ANSWERABLE = ("inquiry", "needs_response")
DECIDED = ("inquiry_closed", "won", "lost", "prevented")
OPEN_DISPUTE = "state IN ('inquiry', 'inquiry_review', 'needs_response', 'under_review')"


class Dispute(Base):
    """A payer's bank asks for money back, or has taken it. Amounts are in minor units of `currency`.

    `amount_minor` is what is disputed; what has moved is in the movements. `due_by` (UTC) is the provider's deadline for
    evidence. `evidence` holds the operator's draft by the provider's names; `answer` tells what is on its way to the
    provider: "" nothing, "evidence", or "concede". `said` is the furthest that was announced to plugins.
    """

    __tablename__ = "dispute"
    __table_args__ = (
        CheckConstraint(
            "state IN ('inquiry', 'inquiry_review', 'inquiry_closed', 'needs_response', 'under_review', 'won', 'lost',"
            " 'prevented')",
            name="state",
        ),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("withdrawn_minor >= 0", name="withdrawn"),
        CheckConstraint("answer IN ('', 'evidence', 'concede')", name="answer"),
        CheckConstraint("said IN ('', 'disputed', 'dispute_won', 'dispute_lost')", name="said"),
        UniqueConstraint("gateway", "ref"),
        Index("ix_dispute_payment", "payment_id", "id"),
        Index("ix_dispute_open", "due_by", sqlite_where=text(OPEN_DISPUTE), postgresql_where=text(OPEN_DISPUTE)),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"))
    gateway: Mapped[str] = mapped_column(String(16))
    ref: Mapped[str] = mapped_column(String(255))
    charge_ref: Mapped[str] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(64), default="", server_default="")
    amount_minor: Mapped[int] = mapped_column(BigIntId)
    currency: Mapped[str] = mapped_column(String(3))
    withdrawn_minor: Mapped[int] = mapped_column(BigIntId, default=0, server_default="0")
    due_by: Mapped[datetime | None] = mapped_column(UtcDateTime)
    submissions: Mapped[int] = mapped_column(default=0, server_default="0")
    evidence: Mapped[dict[str, str]] = mapped_column(Json)
    answer: Mapped[str] = mapped_column(String(16), default="", server_default="")
    answer_error: Mapped[str | None] = mapped_column(String(200))
    said: Mapped[str] = mapped_column(String(16), default="", server_default="")
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @property
    def amount(self) -> Money:
        """Give what is disputed."""
        return Money(self.amount_minor, self.currency)

    @property
    def is_open(self) -> bool:
        """Tell whether somebody still has to say something."""
        return self.state not in DECIDED


class DisputeMovement(Base):
    """One entry of the provider's balance in a dispute: below zero it took money, above zero it gave money back.

    `returned_minor` counts how much of a withdrawal came back, so that it comes back once.
    """

    __tablename__ = "dispute_movement"
    __table_args__ = (
        CheckConstraint("amount_minor <> 0 OR fee_minor <> 0", name="amount"),
        CheckConstraint("returned_minor >= 0 AND returned_minor <= abs(amount_minor)", name="returned"),
        UniqueConstraint("gateway", "ref"),
        Index("ix_dispute_movement_dispute", "dispute_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    dispute_id: Mapped[int] = mapped_column(ForeignKey("dispute.id"))
    gateway: Mapped[str] = mapped_column(String(16))
    ref: Mapped[str] = mapped_column(String(255))
    amount_minor: Mapped[int] = mapped_column(BigIntId)
    fee_minor: Mapped[int] = mapped_column(BigIntId, default=0, server_default="0")
    fee_currency: Mapped[str] = mapped_column(String(3))
    currency: Mapped[str] = mapped_column(String(3))
    returned_minor: Mapped[int] = mapped_column(BigIntId, default=0, server_default="0")
    booking: Mapped[str] = mapped_column(String(200), default="", server_default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class DisputeFile(Base):
    """A file that was uploaded to the provider for a dispute; we keep its reference and name, never its content."""

    __tablename__ = "dispute_file"
    __table_args__ = (UniqueConstraint("dispute_id", "field"),)

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    dispute_id: Mapped[int] = mapped_column(ForeignKey("dispute.id"))
    field: Mapped[str] = mapped_column(String(40))
    ref: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(120))
    size: Mapped[int]
    uploaded_at: Mapped[datetime] = mapped_column(UtcDateTime)
