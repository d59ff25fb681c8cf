"""How near a use is to its member's limit, and to the end of the prepaid credit that pays for some of it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, true

from marketplace.api import Agreement, db
from plugins.sharing.price import price_lists
from plugins.sharing.price.tariff_models import TariffVersion
from plugins.sharing.tariffs import Bill
from plugins.sharing.use import credits, metering, standing
from plugins.sharing.use.metering import About
from plugins.sharing.use.use_models import Reading, UseSession

NOT_BILLED = ("running", "paused", "ended")
"""Uses in these states take credit that no bill has taken yet."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What a use has come to; `credit` is what the payer has left with the owner (minor units), before this use.

    `charged` says that what the credit does not pay is charged to a saved method: its end is then worth telling, and no bound.
    """

    limit: bool = False
    credit_used: bool = False
    credit: int = 0
    charged: bool = False

    @property
    def bound(self) -> bool:
        """Tell whether a device may stop: the limit is reached, or the credit of somebody who has only that is used up."""
        return self.limit or (self.credit_used and not self.charged)


def of(session: UseSession, now: Bill | None) -> Reach:
    """Say what a use has reached that comes to `now`; nothing before its start.

    Credit is used up when all uses of its payer that are not billed yet have come to it together, each with no more than what
    its tariff takes from credit.
    """
    if now is None:
        return Reach()
    limit = session.limit_minor is not None and now.total >= session.limit_minor
    left, paid = credit_of(session), covered(now)
    if left is None or not paid:
        return Reach(limit, credit=left or 0)
    used = (
        paid >= left
        or paid + taken(session.holder_id, session.owner_id, session.currency, session.agreement_id) >= left
    )
    return Reach(limit, used, left, used and standing.chargeable(session.holder_id))


def covered(now: Bill) -> int:
    """Give the part of a bill that credit may pay, in minor units."""
    return max(0, min(now.credits, now.total))


def credit_of(session: UseSession) -> int | None:
    """Give the payer's credit with the owner as it is left (minor units); None for a use that never had any to use."""
    if not price_lists.stored(session.tariff_id).terms.credits:
        return None
    left, moved_at = credits.standing(session.holder_id, session.owner_id, session.currency)
    # What is zero now was there when this was reserved, if it moved since: another bill of the same payer took it.
    return left if left or (moved_at is not None and moved_at > session.reserved_at) else None


def taken(holder_id: int, owner_id: int, currency: str, besides: int | None = None) -> int:
    """Give what a payer's uses of an owner's items that have no bill yet will take of credit, as they stand; two statements.

    All of them together in minor units, but for the use of the agreement `besides`.
    """
    # Agreements and tariffs come with the rows, so that what rates each of them finds them read.
    rows = db.session.execute(
        select(UseSession, Agreement, TariffVersion)
        .join(Agreement, Agreement.id == UseSession.agreement_id)
        .join(TariffVersion, TariffVersion.id == UseSession.tariff_id)
        .where(
            UseSession.holder_id == holder_id, UseSession.owner_id == owner_id, UseSession.currency == currency,
            UseSession.agreement_id != besides if besides is not None else true(),
            UseSession.started_at.is_not(None), Agreement.state.in_(NOT_BILLED),
        )
    ).all()  # fmt: skip
    if not rows:
        return 0
    read: dict[int, list[object]] = {row.UseSession.agreement_id: [] for row in rows}
    for reading in db.session.execute(
        select(*metering.COLUMNS).where(Reading.session_id.in_(read)).order_by(Reading.id)
    ):
        read[reading.session_id].append(reading)
    return sum(_covered_of(row.UseSession, read[row.UseSession.agreement_id]) for row in rows)


def _covered_of(session: UseSession, rows: list[object]) -> int:
    about = About(session.zone, session.plan, tuple(session.options))  # silence is only told, it changes no amount
    return covered(metering.rate(session, rows, about, metering.counted_until(session)))
