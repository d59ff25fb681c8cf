"""The tables of paying by use: sessions, what devices and people read, bills that are sealed, and what is to be paid for them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String, Text, UniqueConstraint, text, true
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.api import Base, BigIntId, Json, UtcDateTime, partial_index


class Device(Base):
    """A meter, lock or board computer of a unit; it signs what it sends with its secret.

    `silence_seconds` is the longest time without a reading that is normal for it; a longer one is shown as a gap.
    """

    __tablename__ = "sharing_device"
    __table_args__ = (
        CheckConstraint("silence_seconds IS NULL OR silence_seconds > 0", name="silence"),
        Index("ix_sharing_device_unit", "unit_id"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("sharing_unit.id"))
    name: Mapped[str] = mapped_column(String(80))
    secret: Mapped[str] = mapped_column(String(80))
    silence_seconds: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[int] = mapped_column(ForeignKey("user.id"))
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class UseSession(Base):
    """A use agreement's side: which unit, under which frozen tariff, from when to when (UTC).

    `member_id` uses it, `holder_id` pays. `standing` holds from the reservation to the end: a unit has at most one standing
    session, whatever happens at once. `limit_minor` is what the member does not want to exceed, in minor units of
    `currency`; `warned_at` says that it was told to be reached, `credit_warned_at` that the payer's credit was told to be used
    up. `nonce` makes a form that is sent twice one session.
    """

    __tablename__ = "sharing_use"
    __table_args__ = (
        UniqueConstraint("member_id", "nonce"),
        CheckConstraint("limit_minor IS NULL OR limit_minor > 0", name="limit"),
        CheckConstraint("ended_at IS NULL OR started_at IS NULL OR ended_at >= started_at", name="forwards"),
        partial_index("uq_sharing_use_unit", "unit_id", unique=True, where="standing"),
        Index("ix_sharing_use_unit_started", "unit_id", "started_at"),
        Index("ix_sharing_use_member", "member_id", "agreement_id"),
        Index("ix_sharing_use_holder", "holder_id", "agreement_id"),
        Index("ix_sharing_use_listing", "listing_id", "agreement_id"),
    )

    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreement.id"), primary_key=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("sharing_unit.id"))
    member_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    holder_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    tariff_id: Mapped[int] = mapped_column(ForeignKey("sharing_tariff.id"))
    occupancy_id: Mapped[int | None] = mapped_column(BigIntId)
    currency: Mapped[str] = mapped_column(String(3))
    zone: Mapped[str] = mapped_column(String(40))
    plan: Mapped[str] = mapped_column(String(40), default="", server_default="")
    options: Mapped[list[str]] = mapped_column(Json)
    nonce: Mapped[str] = mapped_column(String(64))
    standing: Mapped[bool] = mapped_column(default=True, server_default=true())
    limit_minor: Mapped[int | None] = mapped_column(BigIntId)
    warned_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    credit_warned_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reserved_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


STANDING = text("sharing_use.standing")
"""In the very words of the partial index, so that SQLite uses it."""


class Reading(Base):
    """What was read at an instant: the state that begins then, and what registers stand at; triggers refuse every change.

    `registers` are decimal figures as text by the register's name. `number` is the device's own count of its readings.
    One that turns out wrong is corrected by another that names it in `corrects_id` and takes its place in bills to come.
    """

    __tablename__ = "sharing_reading"
    __table_args__ = (
        CheckConstraint("source IN ('member', 'owner', 'device', 'system')", name="source"),
        CheckConstraint("(source = 'device') = (device_id IS NOT NULL)", name="device"),
        UniqueConstraint("corrects_id"),
        Index("ix_sharing_reading_session", "session_id", "taken_at"),
        partial_index("uq_sharing_reading_at", "session_id", "source", "taken_at", unique=True, where="corrects_id IS NULL"),
        partial_index("uq_sharing_reading_number", "session_id", "device_id", "number", unique=True,
                      where="number IS NOT NULL AND corrects_id IS NULL"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("sharing_use.agreement_id"))
    source: Mapped[str] = mapped_column(String(8))
    device_id: Mapped[int | None] = mapped_column(ForeignKey("sharing_device.id"))
    number: Mapped[int | None] = mapped_column(BigIntId)
    taken_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(40), default="", server_default="")
    registers: Mapped[dict[str, str]] = mapped_column(Json)
    event: Mapped[str] = mapped_column(String(40), default="", server_default="")
    corrects_id: Mapped[int | None] = mapped_column(ForeignKey("sharing_reading.id"))
    author_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    note: Mapped[str] = mapped_column(String(200), default="", server_default="")
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)


class UseBill(Base):
    """A sealed bill, or a credit note over one: `document` is the bill byte for byte, and nothing in the row ever changes.

    What it was made from is named so that it can be made again: the session's frozen tariff, the circumstances in `about`, and
    all readings up to `upto_reading`. A bill that was wrong stays; a credit note and a new bill name it in `corrects_id`.
    Amounts are minor units, a credit note's below zero. `credits_minor` is what prepaid credits paid.
    """

    __tablename__ = "sharing_use_bill"
    __table_args__ = (
        UniqueConstraint("series", "year", "number"),
        UniqueConstraint("corrects_id", "kind"),
        UniqueConstraint("session_id", "run", "kind"),
        CheckConstraint("kind IN ('bill', 'credit')", name="kind"),
        CheckConstraint("kind = 'bill' OR corrects_id IS NOT NULL", name="credit_names_a_bill"),
        CheckConstraint("(kind = 'bill' AND total_minor >= 0 AND credits_minor >= 0 AND credits_minor <= total_minor)"
                        " OR (kind = 'credit' AND total_minor <= 0 AND credits_minor <= 0 AND credits_minor >= total_minor)",
                        name="amounts"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("sharing_use.agreement_id"))
    kind: Mapped[str] = mapped_column(String(8))
    run: Mapped[int]
    series: Mapped[str] = mapped_column(String(8))
    year: Mapped[int]
    number: Mapped[int]
    corrects_id: Mapped[int | None] = mapped_column(ForeignKey("sharing_use_bill.id"))
    about: Mapped[dict[str, Any]] = mapped_column(Json)
    upto_reading: Mapped[int] = mapped_column(BigIntId)
    document: Mapped[str] = mapped_column(Text)
    total_minor: Mapped[int] = mapped_column(BigIntId)
    credits_minor: Mapped[int] = mapped_column(BigIntId)
    currency: Mapped[str] = mapped_column(String(3))
    issued_on: Mapped[date] = mapped_column(Date)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @property
    def code(self) -> str:
        """Give the number as it is printed."""
        return f"{self.series}{self.year}-{self.number:05d}"


class UseCharge(Base):
    """What is to be paid, or given back, for one bill, and how far that has come; several may share one payment.

    `amount_minor` is below zero for a credit note. From *open* it is *asked* once a payment was requested; then *paid*, or
    *failed* when the payment was given up. *waived* means that it was paid outside, or that the owner lets it go.
    """

    __tablename__ = "sharing_use_charge"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'asked', 'paid', 'failed', 'waived')", name="state"),
        CheckConstraint("state NOT IN ('asked') OR payment_id IS NOT NULL", name="asked"),
        Index("ix_sharing_use_charge_payment", "payment_id"),
        partial_index("ix_sharing_use_charge_due", "due_at", "bill_id", where="state = 'open'"),
        partial_index("ix_sharing_use_charge_failed", "payer_id", where="state = 'failed'"),
    )

    bill_id: Mapped[int] = mapped_column(ForeignKey("sharing_use_bill.id"), primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("sharing_use.agreement_id"), index=True)
    payer_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    amount_minor: Mapped[int] = mapped_column(BigIntId)
    currency: Mapped[str] = mapped_column(String(3))
    state: Mapped[str] = mapped_column(String(8), default="open", server_default="open")
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"))
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


OPEN_CHARGE = text("sharing_use_charge.state = 'open'")
FAILED_CHARGE = text("sharing_use_charge.state = 'failed'")
"""In the words of their partial indexes."""


class Credit(Base):
    """One movement of a member's prepaid credit with an owner; triggers refuse every change.

    `balance_minor` is what the credit stands at afterwards; a unique number per account and a trigger make it add up. `bill_id`
    is the bill that used it, or whose credit note gave it back.
    """

    __tablename__ = "sharing_credit"
    __table_args__ = (
        UniqueConstraint("member_id", "owner_id", "currency", "number"),
        UniqueConstraint("bill_id"),
        UniqueConstraint("payment_id"),
        CheckConstraint("kind IN ('given', 'bought', 'used', 'returned')", name="kind"),
        CheckConstraint("amount_minor <> 0 AND balance_minor >= 0", name="amounts"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    currency: Mapped[str] = mapped_column(String(3))
    number: Mapped[int]
    kind: Mapped[str] = mapped_column(String(8))
    amount_minor: Mapped[int] = mapped_column(BigIntId)
    balance_minor: Mapped[int] = mapped_column(BigIntId)
    bill_id: Mapped[int | None] = mapped_column(ForeignKey("sharing_use_bill.id"))
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"))
    author_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    note: Mapped[str] = mapped_column(String(200), default="", server_default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class CoUser(Base):
    """Somebody who may use an owner's items on the account of another member, the holder, who pays.

    It counts once the holder has asked and the user has accepted, until one of them ends it.
    """

    __tablename__ = "sharing_co_user"
    __table_args__ = (
        UniqueConstraint("holder_id", "user_id"),
        CheckConstraint("holder_id <> user_id", name="two_people"),
        Index("ix_sharing_co_user_user", "user_id"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    holder_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    accepted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PlanMember(Base):
    """A plan agreement's side: which plan of an owner's tariffs a member has, what it costs a month, until when it is paid (UTC).

    `months` counts the months that began, so that a plan of the 31st stays one of the month's last day. A member has at most
    one standing plan with an owner.
    """

    __tablename__ = "sharing_plan_member"
    __table_args__ = (
        CheckConstraint("monthly_minor >= 0 AND months >= 0", name="amounts"),
        partial_index("uq_sharing_plan_member_standing", "member_id", "owner_id", unique=True, where="standing"),
    )

    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreement.id"), primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    plan: Mapped[str] = mapped_column(String(40))
    monthly_minor: Mapped[int] = mapped_column(BigIntId)
    currency: Mapped[str] = mapped_column(String(3))
    months: Mapped[int] = mapped_column(default=0, server_default="0")
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    paid_until: Mapped[datetime] = mapped_column(UtcDateTime)
    standing: Mapped[bool] = mapped_column(default=True, server_default=true())
