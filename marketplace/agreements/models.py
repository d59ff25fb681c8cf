"""An agreement and its append-only history."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.database import Base, BigIntId, Json, UtcDateTime, partial_index
from marketplace.money import Money

OPEN = "phase IN ('proposed', 'agreed', 'active')"
"""SQL for agreements that have not ended; written out, because SQLite only then uses the indexes made for them."""


class Agreement(Base):
    """What two parties agreed on a listing: `owner_id` offered it, `member_id` took it up.

    `state` belongs to the kind's machine, `phase` follows from it. `amount_minor` is in minor units of `currency`; None
    where no money is involved. `terms` are frozen by a trigger: only an amendment, which raises `terms_version` by one and
    leaves the former terms in the history, may replace them. `waits_until` (UTC) is when the present waiting state ends
    by itself.
    """

    __tablename__ = "agreement"
    __table_args__ = (
        CheckConstraint("phase IN ('proposed', 'agreed', 'active', 'completed', 'cancelled', 'failed')", name="phase"),
        CheckConstraint("amount_minor IS NULL OR amount_minor >= 0", name="amount"),
        CheckConstraint("owner_id <> member_id", name="two_parties"),
        Index("ix_agreement_listing", "listing_id", "state", "id"),
        Index("ix_agreement_member", "member_id", "id"),
        Index("ix_agreement_owner", "owner_id", "id"),
        Index("ix_agreement_waits", "waits_until"),
        partial_index("ix_agreement_member_open", "member_id", "id", where=OPEN),
        partial_index("ix_agreement_owner_open", "owner_id", "id", where=OPEN),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    member_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    state: Mapped[str] = mapped_column(String(32))
    phase: Mapped[str] = mapped_column(String(16))
    amount_minor: Mapped[int | None] = mapped_column(BigIntId)
    currency: Mapped[str | None] = mapped_column(String(3))
    terms: Mapped[dict[str, Any]] = mapped_column(Json)
    terms_version: Mapped[int] = mapped_column(default=1, server_default="1")
    waits_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @property
    def amount(self) -> Money | None:
        """Give the agreed amount, or None where no money is involved."""
        if self.amount_minor is None or self.currency is None:
            return None
        return Money(self.amount_minor, self.currency)

    listing_title: ClassVar[str | None] = None
    """The listing's title, where whoever made this object knew it; see `service.title_of`."""

    foretold: ClassVar[str | None] = None
    """The move as whose outcome the row was written (`service.create`), until this very transaction makes it."""

    def about(self, title: str) -> None:
        """Note the listing's title; nothing that is stored with the agreement."""
        vars(self)["listing_title"] = title


class AgreementEvent(Base):
    """One line of an agreement's history; rows are only ever added (a trigger refuses the rest)."""

    __tablename__ = "agreement_event"
    __table_args__ = (UniqueConstraint("agreement_id", "seq"),)

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreement.id"))
    seq: Mapped[int]
    transition: Mapped[str] = mapped_column(String(32))
    from_state: Mapped[str | None] = mapped_column(String(32))
    to_state: Mapped[str] = mapped_column(String(32))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    actor_role: Mapped[str] = mapped_column(String(16))
    note: Mapped[str] = mapped_column(Text, default="", server_default="")
    data: Mapped[dict[str, Any]] = mapped_column(Json)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
