"""The funding plugin's tables: what a campaign, a reward, a pledge and an update know beyond the core's nouns."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String, Text, UniqueConstraint, false, text, true
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.api import Base, BigIntId, Json, Money, UtcDateTime, partial_index


class Campaign(Base):
    """A listing's side: goal, deadline and totals.

    Amounts are in minor units of `currency`. `closes_at` is the first UTC instant that is too late: midnight, in `zone`, at
    the end of the last day. Goal, deadline and fee are frozen by a trigger once the campaign has left the draft state, and
    an ended campaign stays ended. `fee_terms` is the platform's fee as it was then, and
    `fees_minor` what it has taken so far. `pledged_minor` and `backers` are kept in step with the pledges by the
    transactions that change them; a test and the nightly check prove it.
    """

    __tablename__ = "funding_campaign"
    __table_args__ = (
        CheckConstraint("state IN ('draft', 'live', 'waiting', 'collecting', 'funded', 'failed')", name="state"),
        CheckConstraint("goal_minor > 0", name="goal"),
        CheckConstraint("pledged_minor >= 0 AND backers >= 0", name="totals"),
        CheckConstraint("state = 'draft' OR closes_at IS NOT NULL", name="deadline"),
        Index("ix_funding_campaign_due", "state", "closes_at"),
    )

    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), primary_key=True)
    state: Mapped[str] = mapped_column(String(16), default="draft", server_default="draft")
    goal_minor: Mapped[int] = mapped_column(BigIntId)
    currency: Mapped[str] = mapped_column(String(3))
    days: Mapped[int]
    zone: Mapped[str] = mapped_column(String(40))
    closes_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    fee_basis_points: Mapped[int] = mapped_column(default=0, server_default="0")
    fee_terms: Mapped[dict[str, Any] | None] = mapped_column(Json)
    risks: Mapped[str] = mapped_column(Text, default="", server_default="")
    pledged_minor: Mapped[int] = mapped_column(BigIntId, default=0, server_default="0")
    backers: Mapped[int] = mapped_column(default=0, server_default="0")
    collected_minor: Mapped[int] = mapped_column(BigIntId, default=0, server_default="0")
    dropped_minor: Mapped[int] = mapped_column(BigIntId, default=0, server_default="0")
    disputed_minor: Mapped[int] = mapped_column(BigIntId, default=0, server_default="0")
    fees_minor: Mapped[int] = mapped_column(BigIntId, default=0, server_default="0")
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def goal(self) -> Money:
        """Give the goal."""
        return Money(self.goal_minor, self.currency)

    @property
    def ends(self) -> datetime:
        """Give the deadline of a campaign that has been published; raises ValueError for a draft."""
        if self.closes_at is None:
            raise ValueError(f"campaign {self.listing_id} has no deadline yet")
        return self.closes_at

    @property
    def pledged(self) -> Money:
        """Give the sum of all pledges that count."""
        return Money(self.pledged_minor, self.currency)

    @property
    def percent(self) -> int:
        """Give the whole percentage reached, never rounded up to 100 before the goal is met."""
        return self.pledged_minor * 100 // self.goal_minor


class Reward(Base):
    """What a backer gets for at least `amount_minor`; `stock` None means unlimited, which is not the same as zero."""

    __tablename__ = "funding_reward"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("stock IS NULL OR stock >= 0", name="stock"),
        CheckConstraint("taken >= 0 AND (stock IS NULL OR taken <= stock)", name="never_oversold"),
        Index("ix_funding_reward_campaign", "campaign_id", "amount_minor", "id"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("funding_campaign.listing_id"))
    title: Mapped[str] = mapped_column(String(80))
    description: Mapped[str] = mapped_column(Text, default="", server_default="")
    amount_minor: Mapped[int] = mapped_column(BigIntId)
    stock: Mapped[int | None]
    taken: Mapped[int] = mapped_column(default=0, server_default="0")
    delivery: Mapped[date | None] = mapped_column(Date)
    withdrawn: Mapped[bool] = mapped_column(default=False, server_default=false())


class Pledge(Base):
    """A pledge agreement's side: the reward it holds and how far the charging has come.

    `counted` says that the amount is part of the campaign's total; `holds_stock` that one unit of the reward is taken;
    `standing` that the pledge has not ended badly: a member has at most one standing pledge per campaign. `nonce` makes a
    form that is sent twice one pledge.
    """

    __tablename__ = "funding_pledge"
    __table_args__ = (
        UniqueConstraint("member_id", "nonce"),
        CheckConstraint("amount_minor > 0", name="amount"),
        partial_index("uq_funding_pledge_standing", "campaign_id", "member_id", unique=True, where="standing"),
        Index("ix_funding_pledge_campaign", "campaign_id", "agreement_id"),
    )

    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreement.id"), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("funding_campaign.listing_id"))
    member_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    reward_id: Mapped[int | None] = mapped_column(ForeignKey("funding_reward.id"))
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"), unique=True)
    amount_minor: Mapped[int] = mapped_column(BigIntId)
    nonce: Mapped[str] = mapped_column(String(64))
    counted: Mapped[bool] = mapped_column(default=False, server_default=false())
    holds_stock: Mapped[bool] = mapped_column(default=False, server_default=false())
    standing: Mapped[bool] = mapped_column(default=True, server_default=true())
    fee_minor: Mapped[int] = mapped_column(BigIntId, default=0, server_default="0")
    disputed_minor: Mapped[int] = mapped_column(BigIntId, default=0, server_default="0")
    disputed_from: Mapped[str | None] = mapped_column(String(16))


STANDING = text("funding_pledge.standing")
"""The condition that a pledge stands, in the very words of its partial index: written otherwise SQLite does not use that index
and reads every pledge of the campaign."""


class Update(Base):
    """News from the owner to everybody who follows the campaign."""

    __tablename__ = "funding_update"
    __table_args__ = (Index("ix_funding_update_campaign", "campaign_id", "id"),)

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("funding_campaign.listing_id"))
    title: Mapped[str] = mapped_column(String(120))
    body_md: Mapped[str] = mapped_column(Text)
    body_html: Mapped[str] = mapped_column(Text)
    told_to: Mapped[int] = mapped_column(BigIntId, default=0, server_default="0")
    """The last pledge whose backer was told, in the order of pledges; -1 once all were."""
    posted_at: Mapped[datetime] = mapped_column(UtcDateTime)
