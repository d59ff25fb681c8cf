"""The end of a pool's month: what passes brought, less the platform's fee, goes to the owners by use, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select

from marketplace.api import (
    Listing,
    Money,
    Refused,
    clock,
    db,
    display,
    jobs,
    notifications,
    payments,
    runtime,
    transaction,
)
from plugins.sharing.loan.booking_models import Loan, LoanUnit
from plugins.sharing.pool import pools
from plugins.sharing.pool.dividing import assign, days_within, divide
from plugins.sharing.pool.pool_models import Pass, PassMonth, Pool, PoolItem, PoolMonth, PoolShare
from plugins.sharing.slot.windows import of_day
from plugins.sharing.use.use_fees import fees

WAIT_DAYS = 3
"""A month is divided so many days after its end: by then what was said at a return has been agreed, or stands by itself."""

Payment = payments.Payment


@dataclass(frozen=True, slots=True)
class Bounds:
    """A month in the site's zone: its first day, and from when until just before when it lasts (UTC)."""

    first: date
    since: datetime
    until: datetime

    @classmethod
    def of(cls, first: date) -> Bounds:
        """Give the bounds of the month that begins on a day."""
        zone = runtime().settings.timezone
        return cls(first, of_day(first, zone).starts_at, of_day(following(first), zone).starts_at)


def following(first: date) -> date:
    """Give the first day of the next month."""
    return (first + timedelta(days=32)).replace(day=1)


def last_to_close(now: datetime) -> date:
    """Give the first day of the newest month that may be divided at `now` (UTC)."""
    day = clock.local(now, runtime().settings.timezone).date() - timedelta(days=WAIT_DAYS)
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)


def sweep(_payload: dict[str, Any]) -> None:
    """Divide every month that is over and was not divided yet, each in a transaction of its own; empty ended pools."""
    for pool_id in pools.over_with_things():
        with transaction():
            pools.release(pool_id)
    last = last_to_close(clock.now())
    for pool_id, first in waiting(last):
        month = first
        while month <= last:
            close(pool_id, month)
            month = following(month)


def waiting(last: date) -> list[tuple[int, date]]:
    """Give the pools with money of a month up to `last` that was not divided, each with the first such month."""
    zone = runtime().settings.timezone
    rows = db.session.execute(
        select(PassMonth.pool_id, func.min(PassMonth.begins_at))
        .join(Payment, Payment.id == PassMonth.payment_id)
        .where(*_undivided(), PassMonth.begins_at < Bounds.of(last).until)
        .group_by(PassMonth.pool_id)
        .order_by(PassMonth.pool_id)
    ).all()
    return [(pool_id, clock.local(begins_at, zone).date().replace(day=1)) for pool_id, begins_at in rows]


def _undivided() -> tuple[Any, ...]:
    kept = Payment.refunded_minor + Payment.disputed_minor < Payment.amount_minor
    return Payment.state == "succeeded", Payment.settled_at.is_(None), kept


def close(pool_id: int, first: date) -> PoolMonth | None:
    """Divide a month once; a second time gives what was divided, and a month that brought nothing gives None.

    What a bank disputes is left out, and divided with a later month once that is decided.
    """
    with transaction() as session:
        pool = session.scalars(select(Pool).where(Pool.listing_id == pool_id).with_for_update()).one()
        known = session.scalars(
            select(PoolMonth).where(PoolMonth.pool_id == pool_id, PoolMonth.first == first)
        ).one_or_none()
        if known is not None:
            return known
        bounds = Bounds.of(first)
        ready = _ready(pool_id, bounds)
        if not ready:
            return None
        rule, weights = weights_of(pool, bounds)
        month = _write(pool, bounds, rule, ready)
        if rule == "back":
            for payment, _left in ready:
                payments.refund(payment, payment.kept, reason="pool_without_things")
        else:
            _share_out(pool, month, ready, weights)
        jobs.enqueue("sharing.pool_pay", {"month": month.id}, key=f"sharing.pool_pay:{month.id}")
    return month


def _ready(pool_id: int, bounds: Bounds) -> list[tuple[Any, Money]]:
    """Lock what was paid for months that began before this one's end, in the order of ids; each with what the fee leaves."""
    ids = db.session.scalars(
        select(Payment.id)
        .join(PassMonth, PassMonth.payment_id == Payment.id)
        .where(PassMonth.pool_id == pool_id, *_undivided(), PassMonth.begins_at < bounds.until)
        .order_by(Payment.id)
    ).all()
    found = []
    for payment_id in ids:
        payment = payments.get(payment_id)
        try:
            left = payments.after_fees(payment, fees(payment.kept))
        except Refused:  # disputed, or divided by another hand just now
            continue
        if payment.kept.minor:
            found.append((payment, left))
    return found


def _write(pool: Pool, bounds: Bounds, rule: str, ready: Sequence[tuple[Any, Money]]) -> PoolMonth:
    divided = 0 if rule == "back" else sum(left.minor for _payment, left in ready)
    month = PoolMonth(
        pool_id=pool.listing_id, first=bounds.first, rule=rule, passes=len(ready), divided_minor=divided,
        paid_minor=sum(payment.kept.minor for payment, _left in ready), currency=pool.currency, closed_at=clock.now(),
    )  # fmt: skip
    db.session.add(month)
    db.session.flush()
    return month


def _share_out(pool: Pool, month: PoolMonth, ready: Sequence[tuple[Any, Money]], weights: dict[int, int]) -> None:
    keeper = db.session.scalar(select(Listing.owner_id).where(Listing.id == pool.listing_id))
    parts = divide(Money(month.divided_minor, month.currency), weights)
    pieces = assign([left for _payment, left in ready], parts, month.first.year * 12 + month.first.month)
    for (payment, _left), piece in zip(ready, pieces, strict=True):
        others = {owner: amount for owner, amount in piece.items() if owner != keeper}
        payments.settle(payment, fees(payment.kept), others)
    for owner, part in parts.items():
        db.session.add(PoolShare(month_id=month.id, owner_id=owner, weight=weights[owner], amount_minor=part.minor))
    db.session.flush()


def weights_of(pool: Pool, bounds: Bounds) -> tuple[str, dict[int, int]]:
    """Give how a month is divided and each owner's weight: by use; by things where nothing was used; else not at all."""
    weights: dict[int, int] = {}
    for row in _uses(pool.listing_id, bounds):
        if pool.measure == "loans":
            weight = int(bounds.since <= row.out_at < bounds.until)
        else:
            weight = days_within(row.out_at, max(row.out_at, row.until), bounds.since, bounds.until)
        if weight:
            weights[row.owner_id] = weights.get(row.owner_id, 0) + weight
    if weights:
        return "use", weights
    weights = _things(pool.listing_id, bounds)
    return ("things", weights) if weights else ("back", {})


def _uses(pool_id: int, bounds: Bounds) -> Sequence[Any]:
    """Give the uses under a pass that meet a month; what did not come back counts until it was to be back."""
    until = func.coalesce(LoanUnit.back_at, Loan.ends_at).label("until")
    covered = (
        select(Pass.agreement_id)
        .where(
            Pass.pool_id == pool_id, Pass.member_id == Loan.member_id, Pass.since <= LoanUnit.out_at,
            Pass.paid_until > LoanUnit.out_at,
        )
        .exists()
    )  # fmt: skip
    return db.session.execute(
        select(PoolItem.owner_id, LoanUnit.out_at, until)
        .join(LoanUnit, LoanUnit.item_id == PoolItem.item_id)
        .join(Loan, Loan.agreement_id == LoanUnit.agreement_id)
        .where(
            PoolItem.pool_id == pool_id, PoolItem.joined_at <= LoanUnit.out_at,
            or_(PoolItem.left_at.is_(None), PoolItem.left_at > LoanUnit.out_at),
            LoanUnit.out_at < bounds.until, until >= bounds.since, covered,
        )
        .order_by(LoanUnit.id)
    ).all()  # fmt: skip


def _things(pool_id: int, bounds: Bounds) -> dict[int, int]:
    rows = db.session.execute(
        select(PoolItem.owner_id, func.count(PoolItem.item_id.distinct()))
        .where(
            PoolItem.pool_id == pool_id, PoolItem.joined_at < bounds.until,
            or_(PoolItem.left_at.is_(None), and_(PoolItem.left_at > bounds.since)),
        )
        .group_by(PoolItem.owner_id)
    )  # fmt: skip
    return {owner: int(number) for owner, number in rows}


def pay(payload: dict[str, Any]) -> None:
    """Pay the owners of a month that was divided, and tell them; a second run finds them paid and told."""
    month = db.session.get_one(PoolMonth, int(payload["month"]), populate_existing=True)
    shares = db.session.scalars(
        select(PoolShare).where(PoolShare.month_id == month.id).order_by(PoolShare.owner_id)
    ).all()
    for owner_id in [share.owner_id for share in shares if share.amount_minor]:
        payments.pay_out(owner_id, month.currency)
    with transaction() as session:
        row = session.get_one(PoolMonth, month.id, with_for_update=True, populate_existing=True)
        if row.paid_out_at is not None:
            return
        row.paid_out_at = clock.now()
        pool = session.get_one(Listing, row.pool_id)
        for share in shares:
            params = {"pool": pool.title, "month": display.date(row.first, "LLLL yyyy"),
                      "amount": Money(share.amount_minor, row.currency)}  # fmt: skip
            notifications.notify(
                share.owner_id, "sharing.pool_divided", params=params, url=f"/pools/{pool.id}-{pool.slug}", mail=False
            )
