"""What operators see of sharing: what is out, overdue, claimed, in use, and which prices are in force; one statement each."""

from __future__ import annotations

from typing import Any

from flask import request
from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import aliased

from marketplace.api import Agreement, Listing, SlotFill, User, clock, db, paging
from plugins.sharing.buy import buy_lists
from plugins.sharing.circle.circle_models import Circle
from plugins.sharing.item.item_models import Unit
from plugins.sharing.loan.booking_models import Claim, Loan, LoanUnit
from plugins.sharing.meal.meal_models import Meal, Order
from plugins.sharing.price.tariff_models import PriceList, TariffVersion
from plugins.sharing.use.use_models import STANDING, UseSession

Lender, Borrower = aliased(User), aliased(User)
Rows = Select[*tuple[Any, ...]]


def figures() -> Any:
    """Count everything that the lists show, in one statement."""
    return db.session.execute(
        select(
            _count(_out()).label("out"),
            _count(_overdue()).label("overdue"),
            _count(_claims()).label("claims"),
            _count(_uses()).label("uses"),
            _count(_orders()).label("orders"),
            _count(buy_lists.open_ones()).label("purchases"),
            select(func.count()).select_from(PriceList).scalar_subquery().label("prices"),
            select(func.count()).select_from(Circle).scalar_subquery().label("circles"),
        )
    ).one()


def _count(statement: Rows) -> Any:
    return select(func.count()).select_from(statement.subquery()).scalar_subquery()


def fills() -> list[SlotFill]:
    """Give the figures for the first of the operator's pages."""
    return [SlotFill("sharing/_operator_figures.html", {"figures": figures()})]


def out() -> paging.Page:
    """List what somebody has now by a loan, what went out last first; a loan of three is three rows until each is back."""
    return paging.paged(_out(), LoanUnit.id)


def overdue() -> paging.Page:
    """List what should be back by now, the longest overdue first: derived from the loan's end, never stored."""
    return soonest(_things(), _overdue(), Loan.ends_at, LoanUnit.id)


def claims() -> paging.Page:
    """List open claims, first those whose time for an answer ends first."""
    return soonest(_claims(), _claims(), Claim.deadline, Claim.id)


def uses() -> paging.Page:
    """List the uses that run, the longest first."""
    return soonest(_uses(), _uses(), UseSession.started_at, UseSession.agreement_id)


def orders() -> paging.Page:
    """List the orders of portions that are not over, first those that are picked up first."""
    return soonest(_orders(), _orders(), Meal.pickup_from, Order.agreement_id)


def prices() -> paging.Page:
    """List the prices that new agreements freeze, the newest first."""
    maker = aliased(User)
    rows = (
        select(
            PriceList.tariff_id.label("id"), PriceList.listing_id, PriceList.arrangement, Listing.title, Listing.state,
            TariffVersion.number, TariffVersion.document["name"].as_string().label("name"), TariffVersion.created_at,
            TariffVersion.created_by.label("maker_id"), maker.name.label("maker"),
        )
        .join(TariffVersion, TariffVersion.id == PriceList.tariff_id)
        .join(Listing, Listing.id == PriceList.listing_id)
        .outerjoin(maker, maker.id == TariffVersion.created_by)
    )  # fmt: skip
    return paging.paged(rows, PriceList.tariff_id)


def _people() -> tuple[Any, ...]:
    return (
        Listing.title, Agreement.listing_id, Agreement.state, Agreement.owner_id, Lender.name.label("lender"),
        Agreement.member_id, Borrower.name.label("borrower"),
    )  # fmt: skip


def _with_people(statement: Rows) -> Rows:
    return (
        statement.join(Listing, Listing.id == Agreement.listing_id)
        .join(Lender, Lender.id == Agreement.owner_id)
        .join(Borrower, Borrower.id == Agreement.member_id)
    )


def _things() -> Rows:
    return _with_people(
        select(
            LoanUnit.id, LoanUnit.agreement_id, LoanUnit.out_at, Unit.label.label("unit"), Loan.ends_at, *_people(),
        )
        .join(Loan, Loan.agreement_id == LoanUnit.agreement_id)
        .join(Agreement, Agreement.id == LoanUnit.agreement_id)
        .outerjoin(Unit, Unit.id == LoanUnit.unit_id)
    )  # fmt: skip


def _out() -> Rows:
    """Give what went out and is not back; what was lost and settled is no longer out."""
    return _things().where(
        LoanUnit.out_at.is_not(None), LoanUnit.back_at.is_(None), Agreement.state.in_(("active", "lost"))
    )


def _overdue() -> Rows:
    return _out().where(Agreement.state == "active", Loan.ends_at < clock.now())


def _claims() -> Rows:
    return _with_people(
        select(
            Claim.id, Claim.agreement_id, Claim.kind, Claim.asked_minor, Claim.offered_minor, Claim.currency, Claim.turn,
            Claim.deadline, *_people(),
        ).join(Agreement, Agreement.id == Claim.agreement_id)
    ).where(Claim.state == "open")  # fmt: skip


def _uses() -> Rows:
    return _with_people(
        select(
            UseSession.agreement_id.label("id"), UseSession.started_at, Unit.label.label("unit"), UseSession.limit_minor,
            UseSession.currency, UseSession.warned_at, UseSession.credit_warned_at, *_people(),
        )
        .join(Agreement, Agreement.id == UseSession.agreement_id)
        .join(Unit, Unit.id == UseSession.unit_id)
    ).where(STANDING, UseSession.started_at.is_not(None), UseSession.ended_at.is_(None))  # fmt: skip


def _orders() -> Rows:
    return _with_people(
        select(
            Order.agreement_id.label("id"), Order.count, Meal.pickup_from, Meal.currency, Meal.portions, Meal.taken,
            Agreement.amount_minor, *_people(),
        )
        .join(Meal, Meal.listing_id == Order.meal_id)
        .join(Agreement, Agreement.id == Order.agreement_id)
    ).where(Agreement.phase.in_(("proposed", "agreed", "active")))  # fmt: skip


def soonest(every: Rows, shown: Rows, moment: Any, key: Any, size: int = paging.PAGE) -> paging.Page:
    """Give a page of `shown` by a moment, the earliest first; `every` still finds the last row of the page before.

    The address names that row by its id. Where it is gone altogether, the list begins anew.
    """
    mark = paging.mark(request.args.get("before"))
    last = db.session.execute(every.with_only_columns(moment, key).where(key == mark)).one_or_none() if mark else None
    if last is not None:
        shown = shown.where(or_(moment > last[0], and_(moment == last[0], key > last[1])))
    found = list(db.session.execute(shown.order_by(moment, key).limit(size + 1)).all())
    rows = found[:size]
    older = paging.here(before=rows[-1].id) if len(found) > size else ""
    return paging.Page(rows, paging.here() if last is not None else "", older)
