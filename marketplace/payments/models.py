"""Payments, the attempts to make them, refunds, and pay-outs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.database import Base, BigIntId, Json, UtcDateTime
from marketplace.money import Money
from marketplace.payments import burden_models, dispute_models, payout_models, share_models  # noqa: F401 - tables that these name
from marketplace.payments.billing.models import Bill, BillingDetails, BillSeries, FeeLine
from marketplace.payments.course_models import PaymentDunning, PaymentHold, PaymentPace
from marketplace.payments.inbox_models import GatewayEvent
from marketplace.payments.method_models import GatewayCustomer, PayoutAccount, SavedMethod
from marketplace.payments.offline.models import BankOrder, OfflineReceipt, OfflineRequest
from marketplace.payments.wording import state_words

STATES = (
    "method_needed", "ready", "charging", "processing", "action_required", "awaiting", "held", "succeeded", "declined",
    "cancelled",
)  # fmt: skip
ATTEMPT_KINDS = ("setup", "charge", "hold", "refund", "transfer", "onboard", "reversal", "evidence", "concede")
ATTEMPT_STATES = (
    "open", "processing", "needs_payer", "unknown", "succeeded", "surplus", "declined", "closed",
)  # fmt: skip
LIVE = ("open", "processing", "needs_payer", "unknown", "succeeded")
"""An attempt in one of these has moved the money or still may, so there can be only one of them per debt."""

REFUND_STATES = ("waiting", "sent", "succeeded", "failed")
PAYOUT_STATES = ("waiting_account", "sending", "paid", "cancelled")
WAITING = "state IN ('waiting_account', 'sending')"


def one_of(column: str, values: tuple[str, ...]) -> str:
    """Write the CHECK that keeps a column to these values."""
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


ANSWERING = text("kind IN ('evidence', 'concede') AND state IN ('open', 'processing', 'unknown')")
PAYABLE = text("payable_minor > 0")


def _live(kind: str) -> Any:
    return text(f"kind = '{kind}' AND {one_of('state', LIVE)}")


class Payment(Base):
    """A debt of `payer_id` to `payee_id` under an agreement, and how far its payment has come.

    Amounts are in minor units of `currency`. `refunded_minor` counts refunds from the moment they are asked for, so
    that two at once can't exceed what was charged. `due_at` (UTC) is set when a charge was asked for: from then on
    a newly saved method is charged at once. `tries` counts answers of the payer's bank, never faults on our or the
    gateway's side. `strategies` names those that the agreement allows, separated by commas, and `strategy` the one
    that the chosen method goes by; `method_kind` is the gateway's name for that kind of method. `advice` says what
    a decline asks for. When a hold is taken in part, `amount_minor` becomes what was taken. `gateway` is set once
    it succeeded, and says who has the money: the provider, we ourselves ("offline"), or the payee ("direct").
    `source_ref` is the gateway's object that transfers are made from. `earned_minor` is what the settlement
    credited to the payee, less what refunds took back; `payable_minor` is what of it lies ready in our books to be sent.
    `disputed_minor` is what chargebacks took and did not give back, `inquired_minor` what banks ask about meanwhile.
    """

    __tablename__ = "payment"
    __table_args__ = (
        CheckConstraint(one_of("state", STATES), name="state"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("refunded_minor >= 0 AND refunded_minor <= amount_minor", name="refunded"),
        CheckConstraint("refunded_minor = 0 OR state = 'succeeded'", name="refunded_after_charge"),
        CheckConstraint("settled_at IS NULL OR state = 'succeeded'", name="settled_after_charge"),
        CheckConstraint("abs(earned_minor) <= amount_minor", name="earned"),
        CheckConstraint("payable_minor >= 0 AND disputed_minor >= 0 AND inquired_minor >= 0", name="parts"),
        CheckConstraint("payable_minor = 0 OR settled_at IS NOT NULL", name="payable_after_settlement"),
        CheckConstraint("earned_minor = 0 OR settled_at IS NOT NULL", name="earned_after_settlement"),
        CheckConstraint(
            "state NOT IN ('ready', 'charging', 'awaiting', 'held') OR method_id IS NOT NULL"
            " OR strategy = 'charge_and_refund'",
            name="method",
        ),
        CheckConstraint("payer_id <> payee_id", name="two_parties"),
        Index("ix_payment_agreement", "agreement_id", "id"),
        Index("ix_payment_payer", "payer_id", "id"),
        Index("ix_payment_payee", "payee_id", "id"),
        Index("ix_payment_payable", "payee_id", "currency", sqlite_where=PAYABLE, postgresql_where=PAYABLE),
        Index("ix_payment_state", "state", "updated_at"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreement.id"))
    payer_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    payee_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    purpose: Mapped[str] = mapped_column(String(32))
    strategy: Mapped[str] = mapped_column(String(32), default="save_and_charge", server_default="save_and_charge")
    strategies: Mapped[str] = mapped_column(String(80), default="save_and_charge", server_default="save_and_charge")
    method_kind: Mapped[str | None] = mapped_column(String(32))
    amount_minor: Mapped[int] = mapped_column(BigIntId)
    currency: Mapped[str] = mapped_column(String(3))
    refunded_minor: Mapped[int] = mapped_column(BigIntId, default=0, server_default="0")
    state: Mapped[str] = mapped_column(String(16), default="method_needed")
    method_id: Mapped[int | None] = mapped_column(ForeignKey("saved_method.id"))
    decline_code: Mapped[str | None] = mapped_column(String(64))
    retryable: Mapped[bool] = mapped_column(default=False, server_default=false())
    advice: Mapped[str | None] = mapped_column(String(16))
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    hold_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    charged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    gateway: Mapped[str | None] = mapped_column(String(16))
    source_ref: Mapped[str | None] = mapped_column(String(255))
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    earned_minor: Mapped[int] = mapped_column(BigIntId, default=0, server_default="0")
    payable_minor: Mapped[int] = mapped_column(BigIntId, default=0, server_default="0")
    disputed_minor: Mapped[int] = mapped_column(BigIntId, default=0, server_default="0")
    inquired_minor: Mapped[int] = mapped_column(BigIntId, default=0, server_default="0")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @property
    def amount(self) -> Money:
        """Give what is to be paid, or was."""
        return Money(self.amount_minor, self.currency)

    @property
    def label(self) -> str:
        """Say in the reader's language how far this payment has come."""
        return self.in_words[0]

    @property
    def in_words(self) -> tuple[str, str]:
        """Say in the reader's language how far this payment has come, and give the tone of its badge."""
        return state_words(self.state, self.refunded_minor, self.amount_minor, self.disputed_minor, self.method_kind)

    @property
    def cash_awaited(self) -> bool:
        """Tell whether its payee is to get it in cash and has not confirmed all of it."""
        return self.state == "awaiting" and self.method_kind == "cash_owner"

    @property
    def kept(self) -> Money:
        """Give what remains of a charged payment after its refunds and chargebacks."""
        return Money(max(0, self.amount_minor - self.refunded_minor - self.disputed_minor), self.currency)


class PaymentAttempt(Base):
    """One try at the gateway: written and committed before the call, with a random key and parameters that never change.

    `ref` is the gateway's object once known, `page_ref` the hosted page on which the payer pays at once. `error_code` tells
    why the outcome is unknown, or why it was declined or closed. `faults` counts calls without an outcome.
    """

    __tablename__ = "payment_attempt"
    __table_args__ = (
        CheckConstraint(one_of("kind", ATTEMPT_KINDS), name="kind"),
        CheckConstraint(one_of("state", ATTEMPT_STATES), name="state"),
        CheckConstraint("kind NOT IN ('charge', 'hold', 'transfer') OR payment_id IS NOT NULL", name="has_payment"),
        CheckConstraint("kind <> 'refund' OR refund_id IS NOT NULL", name="has_refund"),
        Index("uq_payment_attempt_charge", "payment_id", unique=True, sqlite_where=_live("charge"),
              postgresql_where=_live("charge")),
        Index("uq_payment_attempt_refund", "refund_id", unique=True, sqlite_where=_live("refund"),
              postgresql_where=_live("refund")),
        Index("uq_payment_attempt_transfer", "part_id", unique=True, sqlite_where=_live("transfer"),
              postgresql_where=_live("transfer")),
        Index("uq_payment_attempt_reversal", "reversal_id", unique=True, sqlite_where=_live("reversal"),
              postgresql_where=_live("reversal")),
        Index("uq_payment_attempt_answer", "dispute_id", unique=True, sqlite_where=ANSWERING,
              postgresql_where=ANSWERING),
        Index("ix_payment_attempt_payment", "payment_id", "id"),
        Index("ix_payment_attempt_user", "user_id", "kind", "id"),
        Index("ix_payment_attempt_ref", "ref"),
        Index("ix_payment_attempt_page", "page_ref"),
        Index("ix_payment_attempt_state", "state", "updated_at"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"))
    refund_id: Mapped[int | None] = mapped_column(ForeignKey("refund.id"))
    part_id: Mapped[int | None] = mapped_column(ForeignKey("payout_part.id"))
    reversal_id: Mapped[int | None] = mapped_column(ForeignKey("transfer_reversal.id"))
    dispute_id: Mapped[int | None] = mapped_column(ForeignKey("dispute.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    gateway: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(16))
    key: Mapped[str] = mapped_column(String(64), unique=True)
    params: Mapped[dict[str, Any]] = mapped_column(Json)
    state: Mapped[str] = mapped_column(String(16), default="open")
    ref: Mapped[str | None] = mapped_column(String(255))
    page_ref: Mapped[str | None] = mapped_column(String(255))
    error_code: Mapped[str | None] = mapped_column(String(64))
    faults: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Refund(Base):
    """Money that goes back to a payer; `charge_ref` is the gateway's object that took it.

    A surplus is money that arrived although nothing was due (any more): it goes back by itself and does not count as
    part of the payment's own refunds. `origin` tells whether we asked for it or found it at the gateway. After the
    settlement `missing_minor` must still be gathered from the payee, or from `bearer` where the payee has too little.
    """

    __tablename__ = "refund"
    __table_args__ = (
        CheckConstraint(one_of("state", REFUND_STATES), name="state"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("origin IN ('marketplace', 'gateway')", name="origin"),
        CheckConstraint("fee_back IN ('pro_rata', 'none')", name="fee_back"),
        CheckConstraint("bearer IN ('owner', 'platform')", name="bearer"),
        CheckConstraint("missing_minor >= 0 AND missing_minor <= amount_minor", name="missing"),
        UniqueConstraint("gateway", "ref"),
        Index("ix_refund_payment", "payment_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"))
    gateway: Mapped[str] = mapped_column(String(16))
    ref: Mapped[str | None] = mapped_column(String(255))
    charge_ref: Mapped[str] = mapped_column(String(255))
    amount_minor: Mapped[int] = mapped_column(BigIntId)
    currency: Mapped[str] = mapped_column(String(3))
    surplus: Mapped[bool] = mapped_column(default=False, server_default=false())
    origin: Mapped[str] = mapped_column(String(16), default="marketplace", server_default="marketplace")
    state: Mapped[str] = mapped_column(String(16), default="waiting")
    booked: Mapped[bool] = mapped_column(default=False, server_default=false())
    reason: Mapped[str] = mapped_column(String(200), default="", server_default="")
    fee_back: Mapped[str] = mapped_column(String(16), default="pro_rata", server_default="pro_rata")
    bearer: Mapped[str] = mapped_column(String(16), default="owner", server_default="owner")
    missing_minor: Mapped[int] = mapped_column(BigIntId, default=0, server_default="0")
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    error_code: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @property
    def amount(self) -> Money:
        """Give what goes back."""
        return Money(self.amount_minor, self.currency)


class Payout(Base):
    """A member's earnings on their way to the member's own account at the gateway: one transfer for each payment in it."""

    __tablename__ = "payout"
    __table_args__ = (
        CheckConstraint(one_of("state", PAYOUT_STATES), name="state"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("state IN ('waiting_account', 'cancelled') OR account_id IS NOT NULL", name="account"),
        Index("uq_payout_live", "user_id", "currency", "gateway", unique=True, sqlite_where=text(WAITING),
              postgresql_where=text(WAITING)),
        Index("ix_payout_user", "user_id", "id"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("payout_account.id"))
    gateway: Mapped[str] = mapped_column(String(16))
    amount_minor: Mapped[int] = mapped_column(BigIntId)
    currency: Mapped[str] = mapped_column(String(3))
    state: Mapped[str] = mapped_column(String(16))
    error_code: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    paid_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def amount(self) -> Money:
        """Give what is paid out."""
        return Money(self.amount_minor, self.currency)


__all__ = [
    "BankOrder",
    "Bill",
    "BillSeries",
    "BillingDetails",
    "FeeLine",
    "GatewayCustomer",
    "GatewayEvent",
    "OfflineReceipt",
    "OfflineRequest",
    "Payment",
    "PaymentAttempt",
    "PaymentDunning",
    "PaymentHold",
    "PaymentPace",
    "Payout",
    "PayoutAccount",
    "Refund",
    "SavedMethod",
]  # fmt: skip
