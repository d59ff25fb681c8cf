"""What both sides of a loan agree to, frozen as JSON-ready data, and read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from marketplace.api import Money, clock, db, payments, runtime
from plugins.sharing.item.item_models import Unit
from plugins.sharing.loan import cancelling
from plugins.sharing.loan.quoting import Quote

FEE = "sharing.fee"
"""How the names of the platform fee's settings begin."""

GRACE = timedelta(hours=1)
"""So much later than agreed is not late."""

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Deposit:
    """What secures a loan: its kind, and how much in minor units."""

    kind: str
    minor: int


def deposit_of(item: Any, count: int) -> Deposit:
    """Give the deposit for `count` things; where cards can't be taken, it is a promise."""
    minor = (item.deposit_minor or 0) * count
    if item.deposit_kind == "none" or not minor:
        return Deposit("none", 0)
    settings = runtime().settings
    if item.deposit_kind in ("card", "held") and not (settings.payments and settings.takes("stripe")):
        return Deposit("promised", minor)
    return Deposit(item.deposit_kind, minor)


def freeze(
    item: Any, window: Any, arrangement: str, quote: Quote, also: Sequence[int] = (), note: str = ""
) -> Mapping[str, Any]:
    """Write the terms of a loan as they stand now; `also` are further items of the same lender, `note` a word to them."""
    deposit = deposit_of(item, quote.count)
    table = cancelling.steps(item.cancellation, window.starts_at, clock.now())
    return {
        "arrangement": arrangement,
        "starts_at": window.starts_at.isoformat(),
        "ends_at": window.ends_at.isoformat(),
        "zone": item.zone,
        "count": quote.count,
        "also": list(also),
        "note": note[:1000],
        "currency": quote.currency,
        "lines": [dict(line) for line in quote.lines],
        "total_minor": quote.total.minor,
        "tariff_id": quote.tariff_id,
        "by_meter": list(quote.by_meter),
        "deposit": {"kind": deposit.kind, "minor": deposit.minor},
        "late_fee_minor_per_day": (item.late_fee_minor_per_day or 0) * quote.count,
        "replacement_minor": item.replacement_minor or 0,
        "unit_values": unit_values(item.listing_id),
        "cancellation": item.cancellation,
        "cancellation_steps": cancelling.frozen(table),
        "fee": payments.fee_rule(FEE, quote.currency).freeze(),
    }


def unit_values(item_id: int) -> list[dict[str, Any]]:
    """Give the units with a value of their own (minor units of the item's currency), by name: `unit`, `label`, `minor`."""
    rows = db.session.execute(
        select(Unit.id, Unit.label, Unit.replacement_minor)
        .where(Unit.item_id == item_id, Unit.replacement_minor.is_not(None), Unit.active)
        .order_by(Unit.id)
    )
    return [{"unit": row.id, "label": row.label, "minor": row.replacement_minor} for row in rows]


def late_days(ends_at: datetime, back_at: datetime) -> int:
    """Count the started days between the agreed end and the return, none within the hour of grace."""
    if back_at <= ends_at + GRACE:
        return 0
    return -(-(back_at - ends_at) // DAY)


def late_fee(terms: Mapping[str, Any], ends_at: datetime, back_at: datetime) -> Money:
    """Give the late fee by the rule that the borrower saw beforehand."""
    minor = int(terms["late_fee_minor_per_day"]) * late_days(ends_at, back_at)
    return Money(minor, terms["currency"])


def refund_percent(terms: Mapping[str, Any], at: datetime) -> int:
    """Give how much of the price comes back to a borrower who cancels at `at` (UTC), in per cent."""
    return cancelling.percent_back(cancelling.thawed(terms["cancellation_steps"]), at)


def platform_fee(terms: Mapping[str, Any], kept: Money) -> list[payments.Fee]:
    """Give the fees on what was kept of a rent, by the rule frozen with the terms."""
    rule = payments.FeeRule.thaw(terms["fee"])
    try:
        fee = rule.commission(kept)
    except payments.FeeAboveTotal:
        fee = kept
    return payments.fees_by(rule, fee)
