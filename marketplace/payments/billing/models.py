"""Bills and what they are made of: numbers without holes, lines that stay as they were sent, and names and addresses as text."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.database import Base, BigIntId, Json, UtcDateTime
from marketplace.money import Money

KINDS = ("receipt", "receipt_credit", "fee_invoice", "fee_credit")


class BillSeries(Base):
    """The last number that was given in a series and a year; its row is locked while a bill is written.

    A rolled-back transaction gives its number back, and a trigger refuses a bill whose number is not the next one.
    """

    __tablename__ = "bill_series"
    __table_args__ = (CheckConstraint("last >= 0", name="last"),)

    series: Mapped[str] = mapped_column(String(8), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[int] = mapped_column(default=0, server_default="0")


class Bill(Base):
    """One bill as it was sent; triggers refuse every change.

    `cause` is what it was written for ("payment:12", "refund:5"), so that no cause is billed twice; `user_id` is whose it is.
    `seller`, `buyer` and `notes` are text of several lines. `lines` are objects with `label`, `net_minor` and `tax_minor`.
    A credit note has amounts below zero and names the bill it corrects. `tax_rate` is in per cent, "" for no tax.
    """

    __tablename__ = "bill"
    __table_args__ = (
        CheckConstraint("kind IN ('receipt', 'receipt_credit', 'fee_invoice', 'fee_credit')", name="kind"),
        CheckConstraint("(kind IN ('receipt_credit', 'fee_credit')) = (corrects_id IS NOT NULL)", name="corrects"),
        CheckConstraint("kind NOT IN ('receipt_credit', 'fee_credit') OR total_minor <= 0", name="credit"),
        CheckConstraint("kind IN ('receipt_credit', 'fee_credit') OR total_minor >= 0", name="debit"),
        CheckConstraint("number > 0", name="number"),
        UniqueConstraint("series", "year", "number"),
        UniqueConstraint("cause"),
        Index("ix_bill_user", "user_id", "id"),
        Index("ix_bill_payment", "payment_id"),
        Index("ix_bill_corrects", "corrects_id"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    series: Mapped[str] = mapped_column(String(8))
    year: Mapped[int]
    number: Mapped[int]
    cause: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"))
    corrects_id: Mapped[int | None] = mapped_column(ForeignKey("bill.id"))
    issued_on: Mapped[date] = mapped_column(Date)
    seller: Mapped[str] = mapped_column(Text)
    buyer: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(String(200))
    lines: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    net_minor: Mapped[int] = mapped_column(BigIntId)
    tax_minor: Mapped[int] = mapped_column(BigIntId)
    total_minor: Mapped[int] = mapped_column(BigIntId)
    currency: Mapped[str] = mapped_column(String(3))
    tax_name: Mapped[str] = mapped_column(String(60), default="", server_default="")
    tax_rate: Mapped[str] = mapped_column(String(12), default="", server_default="")
    notes: Mapped[str] = mapped_column(Text, default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @property
    def code(self) -> str:
        """Give the number as it is printed: series, year, number."""
        return code_of(self.series, self.year, self.number)

    @property
    def total(self) -> Money:
        """Give the sum of the bill, its tax included."""
        return Money(self.total_minor, self.currency)


def code_of(series: str, year: int, number: int) -> str:
    """Write a bill's number as it is printed."""
    return f"{series}{year}-{number:05d}"


class FeeLine(Base):
    """One fee that was taken of a payment at its settlement (amounts in minor units), until it stands on an invoice.

    `given_back_id` names the line that this one gives back, in part or whole; its amounts are below zero. `void` says that it
    never gets on an invoice, because everything was given back before there was one.
    """

    __tablename__ = "fee_line"
    __table_args__ = (
        CheckConstraint("kind IN ('platform', 'provider')", name="kind"),
        CheckConstraint("(net_minor <= 0 AND tax_minor <= 0) = (given_back_id IS NOT NULL)", name="sign"),
        UniqueConstraint("cause"),
        Index("ix_fee_line_payee", "payee_id", "currency", "bill_id"),
        Index("ix_fee_line_payment", "payment_id"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"))
    payee_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    given_back_id: Mapped[int | None] = mapped_column(ForeignKey("fee_line.id"))
    kind: Mapped[str] = mapped_column(String(8))
    cause: Mapped[str] = mapped_column(String(64))
    label: Mapped[str] = mapped_column(String(120))
    net_minor: Mapped[int] = mapped_column(BigIntId)
    tax_minor: Mapped[int] = mapped_column(BigIntId)
    currency: Mapped[str] = mapped_column(String(3))
    tax_name: Mapped[str] = mapped_column(String(60), default="", server_default="")
    tax_rate: Mapped[str] = mapped_column(String(12), default="", server_default="")
    bill_id: Mapped[int | None] = mapped_column(ForeignKey("bill.id"))
    void: Mapped[bool] = mapped_column(default=False, server_default=false())
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class BillingDetails(Base):
    """What a member wants to see on bills, and where money by bank transfer goes; free text, kept until the account closes."""

    __tablename__ = "billing_details"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(120), default="", server_default="")
    address: Mapped[str] = mapped_column(String(400), default="", server_default="")
    tax_number: Mapped[str] = mapped_column(String(40), default="", server_default="")
    account: Mapped[str] = mapped_column(String(34), default="", server_default="")
    holder: Mapped[str] = mapped_column(String(120), default="", server_default="")
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
