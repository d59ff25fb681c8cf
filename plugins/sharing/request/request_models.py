"""The tables of asking first: a request, what it waits for, and the answers to it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.api import Base, BigIntId, UtcDateTime, partial_index

REQUEST_STATES = ("draft", "open", "chosen", "settled", "ended")
"""*open*: answers may come; *chosen*: the loan with one of them waits for its payment; *settled*: a loan is agreed."""

ANSWER_STATES = ("offered", "chosen", "released", "withdrawn", "failed")
"""*released*: thanked, another was chosen or the request ended; *failed*: it was chosen, and no loan came of it."""


class Request(Base):
    """A listing's side: what somebody would like to borrow, from when to when (UTC), and who hears of it.

    Members within `radius_m` metres of the listing's public point have been told, or are being told: `told_after` is the
    number of the last member looked at in this round, None once all were. In round `step` 0 those within the asker's own
    radius, in 1 and 2 those farther away. `next_at` is when the next step is due: another round, after them the offer to
    buy the thing together, and last the end, which is `starts_at`. `address` is for whoever is chosen, and nobody else.
    """

    __tablename__ = "sharing_request"
    __table_args__ = (
        CheckConstraint(f"state IN {REQUEST_STATES}", name="state"),
        CheckConstraint("ends_at > starts_at", name="forwards"),
        CheckConstraint("first_radius_m > 0 AND radius_m >= first_radius_m", name="radius"),
        CheckConstraint("step BETWEEN 0 AND 3", name="step"),
        CheckConstraint("(state = 'open') = (next_at IS NOT NULL)", name="waits"),
        Index("ix_sharing_request_due", "next_at", "listing_id"),
    )

    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), primary_key=True)
    state: Mapped[str] = mapped_column(String(8), default="draft", server_default="draft")
    zone: Mapped[str] = mapped_column(String(40))
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    first_radius_m: Mapped[int]
    radius_m: Mapped[int]
    told_radius_m: Mapped[int] = mapped_column(default=0, server_default="0")
    step: Mapped[int] = mapped_column(default=0, server_default="0")
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    told_after: Mapped[int | None] = mapped_column(BigIntId)
    opened_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    address: Mapped[str] = mapped_column(Text, default="", server_default="")


class Answer(Base):
    """What a member offers on a request: an item of theirs or just words, free or for `fee_minor` (minor units).

    A member has at most one standing answer to a request, and a request at most one that is chosen. `address` is where the
    thing is picked up; the asker gets to read it once the loan is agreed.
    """

    __tablename__ = "sharing_answer"
    __table_args__ = (
        CheckConstraint(f"state IN {ANSWER_STATES}", name="state"),
        CheckConstraint("fee_minor >= 0", name="fee"),
        CheckConstraint("state <> 'chosen' OR agreement_id IS NOT NULL", name="chosen"),
        Index("ix_sharing_answer_request", "request_id", "id"),
        Index("ix_sharing_answer_member", "member_id", "id"),
        partial_index("uq_sharing_answer_chosen", "request_id", unique=True, where="state = 'chosen'"),
        partial_index(
            "uq_sharing_answer_standing", "request_id", "member_id", unique=True, where="state IN ('offered', 'chosen')"
        ),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("sharing_request.listing_id"))
    member_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    item_id: Mapped[int | None] = mapped_column(ForeignKey("sharing_item.listing_id"))
    state: Mapped[str] = mapped_column(String(9), default="offered", server_default="offered")
    fee_minor: Mapped[int] = mapped_column(BigIntId, default=0, server_default="0")
    currency: Mapped[str] = mapped_column(String(3))
    words: Mapped[str] = mapped_column(Text, default="", server_default="")
    address: Mapped[str] = mapped_column(Text, default="", server_default="")
    agreement_id: Mapped[int | None] = mapped_column(ForeignKey("agreement.id"), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
