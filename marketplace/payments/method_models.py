"""What the gateway keeps for a member: the customer, saved methods of payment, and the account that pay-outs go to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.database import Base, BigIntId, Json, UtcDateTime


class GatewayCustomer(Base):
    """A member as the gateway knows them."""

    __tablename__ = "gateway_customer"
    __table_args__ = (UniqueConstraint("gateway", "ref"), UniqueConstraint("user_id", "gateway"))

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    gateway: Mapped[str] = mapped_column(String(16))
    ref: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SavedMethod(Base):
    """A card (or another method) that a member saved at the gateway; we keep only what is printed on a receipt."""

    __tablename__ = "saved_method"
    __table_args__ = (UniqueConstraint("gateway", "ref"), Index("ix_saved_method_user", "user_id", "id"))

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    gateway: Mapped[str] = mapped_column(String(16))
    ref: Mapped[str] = mapped_column(String(255))
    kind: Mapped[str] = mapped_column(String(32), default="card", server_default="card")
    brand: Mapped[str] = mapped_column(String(32), default="", server_default="")
    last4: Mapped[str] = mapped_column(String(4), default="", server_default="")
    fingerprint: Mapped[str] = mapped_column(String(64), default="", server_default="")
    """The same for the same card or bank account, however often it is saved; "" where the gateway tells none."""
    exp_month: Mapped[int | None]
    exp_year: Mapped[int | None]
    mandate: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    removed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    barred_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Since then (UTC) its bank says that it must never be tried again: reported lost or stolen, or taken for a fraud."""


class PayoutAccount(Base):
    """A member's own account at the gateway; `requirements` lists what the gateway still wants to know.

    `past_due`: the answers are late already; `due_by` (UTC) is when they will be. `disabled_reason` is the gateway's word
    for why the account is restricted, "" for none. An account that the gateway took away is *gone*.
    """

    __tablename__ = "payout_account"
    __table_args__ = (
        UniqueConstraint("gateway", "ref"),
        Index("uq_payout_account_member", "user_id", "gateway", unique=True, sqlite_where=text("gone_at IS NULL"),
              postgresql_where=text("gone_at IS NULL")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    gateway: Mapped[str] = mapped_column(String(16))
    ref: Mapped[str] = mapped_column(String(255))
    transfers_enabled: Mapped[bool] = mapped_column(default=False, server_default=false())
    charges_enabled: Mapped[bool] = mapped_column(default=False, server_default=false())
    payouts_enabled: Mapped[bool] = mapped_column(default=False, server_default=false())
    requirements: Mapped[list[str]] = mapped_column(Json)
    past_due: Mapped[bool] = mapped_column(default=False, server_default=false())
    disabled_reason: Mapped[str] = mapped_column(String(64), default="", server_default="")
    due_by: Mapped[datetime | None] = mapped_column(UtcDateTime)
    gone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
