"""Loans: what was booked, the units that go out and come back, hand-overs with their proposals, and claims."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.api import Base, BigIntId, Json, UtcDateTime, partial_index

DEPOSIT_STATES = (
    "none", "promised", "wanted", "saved", "asked", "held", "uncovered", "refused", "ending", "let_go", "taking", "captured",
    "released",
)  # fmt: skip
"""*wanted*: no card yet; *saved*: a card, and nothing held; *asked*: the bank is asked to hold; *uncovered*: no hold of this
card lasts long enough; *ending*: a renewal failed; *let_go*: the bank gave the hold up; *taking*: a part is being captured."""


class Loan(Base):
    """A loan agreement's side: when, on what terms money is held, and how far it has come.

    Overdue is never stored: it is `ends_at` passed with units still out. `deposit_take_minor` (minor units of `currency`) is
    set once, when all claims are decided: so much of the deposit is taken; 0 lets it go. `nonce` makes a form that is sent
    twice one loan. `warned` counts the steps of the overdue escalation that were told.
    """

    __tablename__ = "sharing_loan"
    __table_args__ = (
        UniqueConstraint("member_id", "nonce"),
        CheckConstraint("arrangement IN ('borrow', 'rent')", name="arrangement"),
        CheckConstraint("ends_at > starts_at", name="forwards"),
        CheckConstraint("deposit_kind IN ('none', 'promised', 'card', 'held')", name="deposit_kind"),
        CheckConstraint(f"deposit_state IN {DEPOSIT_STATES}", name="deposit_state"),
        CheckConstraint("deposit_minor >= 0 AND (deposit_kind <> 'none' OR deposit_minor = 0)", name="deposit"),
        CheckConstraint(
            "deposit_take_minor IS NULL OR (deposit_take_minor >= 0 AND deposit_take_minor <= deposit_minor)",
            name="take",
        ),
        CheckConstraint("wanted_end IS NULL OR wanted_end > ends_at", name="wanted_end"),
        Index("ix_sharing_loan_item", "item_id", "starts_at"),
        partial_index("ix_sharing_loan_unsettled", "agreement_id", where="settled_at IS NULL"),
    )

    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreement.id"), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("sharing_item.listing_id"))
    member_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    arrangement: Mapped[str] = mapped_column(String(8))
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    nonce: Mapped[str] = mapped_column(String(64))
    currency: Mapped[str] = mapped_column(String(3))
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"), unique=True)
    deposit_kind: Mapped[str] = mapped_column(String(8), default="none", server_default="none")
    deposit_minor: Mapped[int] = mapped_column(BigIntId, default=0, server_default="0")
    deposit_state: Mapped[str] = mapped_column(String(12), default="none", server_default="none")
    deposit_payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"), unique=True)
    deposit_take_minor: Mapped[int | None] = mapped_column(BigIntId)
    wanted_end: Mapped[datetime | None] = mapped_column(UtcDateTime)
    handed_out_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    returned_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    told_start: Mapped[bool] = mapped_column(default=False, server_default=false())
    told_end: Mapped[bool] = mapped_column(default=False, server_default=false())
    warned: Mapped[int] = mapped_column(default=0, server_default="0")


class LoanUnit(Base):
    """One thing of a loan: a loan of three is three of these, and each comes back by itself."""

    __tablename__ = "sharing_loan_unit"
    __table_args__ = (
        UniqueConstraint("agreement_id", "place"),
        CheckConstraint("back_at IS NULL OR out_at IS NOT NULL", name="out_before_back"),
        Index("ix_sharing_loan_unit_unit", "unit_id"),
        Index("ix_sharing_loan_unit_occupancy", "occupancy_id"),
        Index("ix_sharing_loan_unit_item", "item_id", "out_at"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    agreement_id: Mapped[int] = mapped_column(ForeignKey("sharing_loan.agreement_id"))
    place: Mapped[int]
    item_id: Mapped[int] = mapped_column(ForeignKey("sharing_item.listing_id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("sharing_unit.id"))
    occupancy_id: Mapped[int | None] = mapped_column(BigIntId)
    """None until the slot is taken, and again once it is free; without a foreign key, because the occupancy then goes."""
    out_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    back_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class HandOver(Base):
    """Going out or coming back, as both sides saw it: proposals until they agree, or until `closes_at` (UTC)."""

    __tablename__ = "sharing_hand_over"
    __table_args__ = (
        CheckConstraint("kind IN ('out', 'in')", name="kind"),
        CheckConstraint("closed_by IN ('agreed', 'deadline')", name="closed_by"),
        CheckConstraint("(closed_at IS NULL) = (closed_by IS NULL)", name="closed"),
        partial_index(
            "uq_sharing_hand_over_open",
            "agreement_id",
            "kind",
            unique=True,
            where="closed_at IS NULL",
        ),
        partial_index("ix_sharing_hand_over_closes", "closes_at", where="closed_at IS NULL"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    agreement_id: Mapped[int] = mapped_column(ForeignKey("sharing_loan.agreement_id"))
    kind: Mapped[str] = mapped_column(String(4))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closes_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_by: Mapped[str | None] = mapped_column(String(8))


class Proposal(Base):
    """How one side saw a hand-over; never changed (a trigger refuses), only followed by another.

    `readings` maps a meter's name to its value as decimal text; `units` are ids of loan units that went along.
    """

    __tablename__ = "sharing_proposal"
    __table_args__ = (
        UniqueConstraint("hand_over_id", "number"),
        CheckConstraint("role IN ('member', 'owner')", name="role"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    hand_over_id: Mapped[int] = mapped_column(ForeignKey("sharing_hand_over.id"))
    number: Mapped[int]
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    role: Mapped[str] = mapped_column(String(8))
    condition: Mapped[str] = mapped_column(Text, default="", server_default="")
    readings: Mapped[dict[str, Any]] = mapped_column(Json)
    units: Mapped[list[int]] = mapped_column(Json)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class Claim(Base):
    """What the lender asks for damage, loss, lateness or cleaning, in minor units of `currency`.

    `turn` is whose answer is awaited until `deadline` (UTC); when it passes, the other's amount stands: what was asked while
    the borrower is silent, what was offered while the lender is. `agreed_minor` is set once, with the state.
    """

    __tablename__ = "sharing_claim"
    __table_args__ = (
        CheckConstraint("kind IN ('damage', 'lost', 'late', 'cleaning')", name="kind"),
        CheckConstraint("state IN ('open', 'agreed', 'withdrawn')", name="state"),
        CheckConstraint("turn IN ('member', 'owner', 'nobody')", name="turn"),
        CheckConstraint("asked_minor > 0 AND offered_minor >= 0 AND agreed_minor >= 0", name="amounts"),
        CheckConstraint("(state = 'agreed') = (agreed_minor IS NOT NULL)", name="agreed"),
        CheckConstraint("(state = 'open') = (turn <> 'nobody')", name="whose_turn"),
        CheckConstraint("turn <> 'owner' OR offered_minor IS NOT NULL", name="offer"),
        Index("ix_sharing_claim_loan", "agreement_id", "id"),
        partial_index("ix_sharing_claim_deadline", "deadline", where="state = 'open'"),
        partial_index("uq_sharing_claim_late", "agreement_id", unique=True, where="kind = 'late'"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    agreement_id: Mapped[int] = mapped_column(ForeignKey("sharing_loan.agreement_id"))
    kind: Mapped[str] = mapped_column(String(8))
    state: Mapped[str] = mapped_column(String(10), default="open", server_default="open")
    turn: Mapped[str] = mapped_column(String(8), default="member", server_default="member")
    currency: Mapped[str] = mapped_column(String(3))
    asked_minor: Mapped[int] = mapped_column(BigIntId)
    offered_minor: Mapped[int | None] = mapped_column(BigIntId)
    agreed_minor: Mapped[int | None] = mapped_column(BigIntId)
    deadline: Mapped[datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by: Mapped[str | None] = mapped_column(String(8))
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"), unique=True)


class ClaimStep(Base):
    """One word in a claim: asked, offered, agreed, withdrawn; rows are only ever added."""

    __tablename__ = "sharing_claim_step"
    __table_args__ = (UniqueConstraint("claim_id", "number"),)

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    claim_id: Mapped[int] = mapped_column(ForeignKey("sharing_claim.id"))
    number: Mapped[int]
    act: Mapped[str] = mapped_column(String(10))
    role: Mapped[str] = mapped_column(String(8))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    amount_minor: Mapped[int | None] = mapped_column(BigIntId)
    note: Mapped[str] = mapped_column(Text, default="", server_default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class Evidence(Base):
    """A photo for a hand-over or a claim, seen by the two parties and operators only."""

    __tablename__ = "sharing_evidence"
    __table_args__ = (
        CheckConstraint("(proposal_id IS NULL) <> (claim_id IS NULL)", name="of_one"),
        Index("ix_sharing_evidence_proposal", "proposal_id"),
        Index("ix_sharing_evidence_claim", "claim_id"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    agreement_id: Mapped[int] = mapped_column(ForeignKey("sharing_loan.agreement_id"))
    proposal_id: Mapped[int | None] = mapped_column(ForeignKey("sharing_proposal.id"))
    claim_id: Mapped[int | None] = mapped_column(ForeignKey("sharing_claim.id"))
    key: Mapped[str] = mapped_column(String(80), unique=True)
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
