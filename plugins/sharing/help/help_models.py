"""The tables of help: what is asked or offered, its places, who answered, and the thanks."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, false, true
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.api import Base, BigIntId, UtcDateTime, partial_index

MOST_PEOPLE = 20


class Help(Base):
    """A listing's side: when help is wanted or given (UTC, half-open), and how one is found for it.

    The first moment is from `starts_at` until `ends_at`; with `weekly` it comes again each week at the same time on the clocks
    of `zone`, and `last_at` is the end of the last. With `first_come` whoever answers first has a place at once. `address`
    is for whoever was chosen. With `fixed` the number of places stands, because a circle's calendar counts on it. There is no
    price, and no column for one. While neighbours are told of it, `told_after` is the number of the last one looked at.
    """

    __tablename__ = "sharing_help"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at AND ends_at <= last_at", name="times"),
        Index("ix_sharing_help_last_at", "last_at"),
    )

    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), primary_key=True)
    zone: Mapped[str] = mapped_column(String(40))
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime)
    weekly: Mapped[bool] = mapped_column(default=False, server_default=false())
    first_come: Mapped[bool] = mapped_column(default=False, server_default=false())
    told_after: Mapped[int | None] = mapped_column(BigIntId)
    fixed: Mapped[bool] = mapped_column(default=False, server_default=false())
    address: Mapped[str] = mapped_column(Text, default="", server_default="")


class HelpPlace(Base):
    """A place for one person. It holds one agreement at most, and an agreement has one place at most.

    There are as many rows as places, so more people than were asked for can't be written down.
    """

    __tablename__ = "sharing_help_place"
    __table_args__ = (
        UniqueConstraint("help_id", "number"),
        CheckConstraint(f"number BETWEEN 1 AND {MOST_PEOPLE}", name="number"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    help_id: Mapped[int] = mapped_column(ForeignKey("sharing_help.listing_id"))
    number: Mapped[int]
    agreement_id: Mapped[int | None] = mapped_column(ForeignKey("agreement.id"), unique=True)


class HelpAnswer(Base):
    """A help agreement's side: what who answered said. A member has one standing answer to a listing at most."""

    __tablename__ = "sharing_help_answer"
    __table_args__ = (
        Index("ix_sharing_help_answer_help", "help_id", "agreement_id"),
        partial_index("uq_sharing_help_answer_standing", "help_id", "member_id", unique=True, where="standing"),
        partial_index("ix_sharing_help_answer_untold", "agreement_id", where="NOT told"),
    )

    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreement.id"), primary_key=True)
    help_id: Mapped[int] = mapped_column(ForeignKey("sharing_help.listing_id"))
    member_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    words: Mapped[str] = mapped_column(Text, default="", server_default="")
    standing: Mapped[bool] = mapped_column(default=True, server_default=true())
    told: Mapped[bool] = mapped_column(default=False, server_default=false())


class HelpThanks(Base):
    """Thanks for help that was given: once for each agreement, from whoever was helped."""

    __tablename__ = "sharing_help_thanks"
    __table_args__ = (
        CheckConstraint("from_id <> to_id", name="not_oneself"),
        Index("ix_sharing_help_thanks_to", "to_id", "agreement_id"),
    )

    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreement.id"), primary_key=True)
    from_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    to_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    words: Mapped[str] = mapped_column(Text)
    thanked_at: Mapped[datetime] = mapped_column(UtcDateTime)
