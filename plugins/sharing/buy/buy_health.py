"""What an operator should repair in purchases: units that nobody bought and nobody can have, and those promised to no one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, select

from marketplace.api import Agreement
from plugins.sharing.buy.buy_models import CountedRent, Purchase
from plugins.sharing.item.item_models import Occupancy
from plugins.sharing.slot.for_ever import FOREVER

LONG = timedelta(days=7)
OVER = ("cancelled", "failed")


def checks(now: datetime) -> tuple[tuple[Select[Any], str, str, str], ...]:
    """Give what to count, how bad it is, and what to say; `now` is UTC."""
    return (
        (_lost_units(), "error", "{} units are kept for ever by purchases that came to nothing",
         "nobody else can have them: the owner can end each in the item's calendar; say how it came about"),
        (_without_unit(), "error", "{} purchases stand and keep no unit",
         "it may be sold twice: let the owner call each off, at /operator/agreements?kind=purchase"),
        (_undecided(now), "warning", "{} purchases wait for an operator's decision for more than a week",
         "decide each at /operator/sharing/purchases; after two weeks they are undone by themselves"),
        (_not_counted(), "warning", "{} rents count towards purchases that came to nothing",
         "they count towards no other; say how it came about"),
    )  # fmt: skip


def _of(statement: Any) -> Any:
    return statement.join(Agreement, Agreement.id == Purchase.agreement_id)


def _lost_units() -> Select[Any]:
    kept = select(Occupancy.id).join(Agreement, Agreement.id == Occupancy.agreement_id)
    return kept.where(Occupancy.ends_at >= FOREVER, Occupancy.expires_at.is_(None), Agreement.phase.in_(OVER))


def _without_unit() -> Select[Any]:
    rows = _of(select(Purchase.agreement_id)).outerjoin(Occupancy, Occupancy.id == Purchase.occupancy_id)
    found: Select[Any] = rows.where(Agreement.phase.in_(("agreed", "active")), Occupancy.id.is_(None))
    return found


def _undecided(now: datetime) -> Select[Any]:
    found: Select[Any] = _of(select(Purchase.agreement_id)).where(
        Agreement.state == "contested", Agreement.updated_at < now - LONG
    )
    return found


def _not_counted() -> Select[Any]:
    rows = select(CountedRent.payment_id).join(Purchase, Purchase.agreement_id == CountedRent.purchase_id)
    found: Select[Any] = _of(rows).where(Agreement.phase.in_(OVER))
    return found
