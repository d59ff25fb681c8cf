"""Reviews, the window in which they may be written, and the totals that averages are made of."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.database import Base, BigIntId, UtcDateTime, partial_index

PERSON, ITEM = "person", "item"
UNSEEN = "revealed_at IS NULL"


class ReviewWindow(Base):
    """The days in which both parties of a finished agreement may write; `revealed_at` (UTC) ends it for good.

    A trigger refuses reviews outside it, so nobody can answer to what he has read.
    """

    __tablename__ = "review_window"
    __table_args__ = (
        CheckConstraint("closes_at > opens_at", name="days"),
        partial_index("ix_review_window_unseen", "closes_at", where=UNSEEN),
    )

    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreement.id"), primary_key=True)
    opens_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closes_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revealed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Review(Base):
    """One party's stars (1 to 5) and words about the other (`user_id`) or about the thing (`listing_id`).

    Frozen by a trigger when written; it is revealed once, answered once by whom it is about, and hidden only by operators.
    """

    __tablename__ = "review"
    __table_args__ = (
        UniqueConstraint("agreement_id", "author_id", "about"),
        CheckConstraint("stars BETWEEN 1 AND 5", name="stars"),
        CheckConstraint(
            "(about = 'person' AND user_id IS NOT NULL AND listing_id IS NULL)"
            " OR (about = 'item' AND listing_id IS NOT NULL AND user_id IS NULL)",
            name="about",
        ),
        CheckConstraint("user_id IS NULL OR user_id <> author_id", name="not_oneself"),
        CheckConstraint("revealed_at IS NOT NULL OR replied_at IS NULL", name="reply"),
        Index("ix_review_user", "user_id", "revealed_at", "id"),
        Index("ix_review_listing", "listing_id", "revealed_at", "id"),
        Index("ix_review_author", "author_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    agreement_id: Mapped[int] = mapped_column(ForeignKey("review_window.agreement_id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    about: Mapped[str] = mapped_column(String(8))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    listing_id: Mapped[int | None] = mapped_column(ForeignKey("listing.id"))
    stars: Mapped[int]
    body: Mapped[str] = mapped_column(Text, default="", server_default="")
    written_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revealed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reply: Mapped[str] = mapped_column(Text, default="", server_default="")
    replied_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    hidden: Mapped[bool] = mapped_column(default=False, server_default=false())


class Rating(Base):
    """How many revealed reviews a person or a thing has, and the sum of their stars: kept, and proven by `drift`."""

    __tablename__ = "rating"
    __table_args__ = (CheckConstraint("number >= 0 AND stars BETWEEN number AND 5 * number", name="stars"),)

    about: Mapped[str] = mapped_column(String(8), primary_key=True)
    subject_id: Mapped[int] = mapped_column(BigIntId, primary_key=True, autoincrement=False)
    number: Mapped[int]
    stars: Mapped[int]
