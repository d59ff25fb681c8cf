"""What an operator should repair in sharing: what should have ended by itself and has not, and slots that nobody has."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, or_, select

from marketplace.api import Agreement, HealthProblem, clock, db, payments, runtime, settings
from plugins.sharing.buy import buy_health
from plugins.sharing.help import help_health
from plugins.sharing.item.item_models import ImportedCalendar, Occupancy
from plugins.sharing.loan import loan_sweep
from plugins.sharing.loan.booking_models import Claim, HandOver, Loan, LoanUnit
from plugins.sharing.pool import pool_health
from plugins.sharing.slot.for_ever import FOREVER
from plugins.sharing.use.use_models import OPEN_CHARGE, STANDING, UseCharge, UseSession

WORKER = (
    "is `marketplace jobs work` running? It minds loans every five minutes; its failed jobs are on the operator's pages"
)
SLACK = timedelta(hours=1)
"""How long after its moment the worker may still be about to act."""

OLD_HOLD = timedelta(days=2)
"""Lapsed holds are in nobody's way; after a day a job forgets them."""

STALE = timedelta(days=3)
"""So old is what we know of another site's calendar when it is worth a word."""

OVER = ("completed", "cancelled", "failed")


def problems() -> list[HealthProblem]:
    """Look for all of them in one statement."""
    now = clock.now()
    checks = (
        (_overdue(now), "warning", "{} loans are overdue for more than 30 days and still count as handed over",
         f"/operator/sharing/overdue lists them; {WORKER}"),
        (_hand_overs(now), "warning", "{} hand-overs are still open after their time for an answer", WORKER),
        (_claims(now), "warning", "{} claims are still open after their deadline",
         f"/operator/sharing/claims lists them, and you can decide each; {WORKER}"),
        (_endless(now), "warning", "{} loans wait for claims of which none is open",
         "open each at /operator/agreements?kind=loan&phase=active and settle what is owed by a refund or with the two parties"),
        (_holds(now), "warning", "{} holds lapsed days ago and were not forgotten",
         "they are in nobody's way; is the job sharing.forget_holds switched on at /operator/jobs?"),
        (_homeless(now), "error", "{} bookings keep a slot and belong to no agreement",
         "the lender can end each in the item's calendar; say how it came about"),
        (_left_behind(now), "error", "{} bookings keep a slot to come although their agreement is over",
         "the lender can end each in the item's calendar; say how it came about"),
        (_without_slot(now), "error", "{} loans are agreed and have no slot",
         "their unit may be promised twice: let the lender call them off, or give them another unit"),
        (_uses(now), "warning", "{} uses run longer than sharing.longest_use_hours",
         f"/operator/sharing/uses lists them, the longest first; {WORKER}"),
        (_lost_uses(), "error", "{} uses keep their unit although they are over",
         "nobody can start with that unit; end the use on its agreement's page"),
        (_charges(now), "warning", "{} members were not asked to pay bills of uses that are due",
         "is the job sharing.collect_sweep switched on at /operator/jobs?"),
        (_calendars(now), "warning", "{} calendars of other sites were not read for three days",
         "their owners see why on the item's page of calendars; bookings there may be missing here"),
        *pool_health.checks(now),
        *help_health.checks(now),
        *buy_health.checks(now),
    )  # fmt: skip
    return list(_found(checks))


def _found(checks: Any) -> Iterator[HealthProblem]:
    counts = [select(func.count()).select_from(check[0].subquery()).scalar_subquery() for check in checks]
    for count, (_statement, level, message, hint) in zip(
        db.session.execute(select(*counts)).one(), checks, strict=True
    ):
        if count:
            yield HealthProblem(level, message.format(count), hint)


def _loans(*conditions: Any) -> Select[Any]:
    return select(Loan.agreement_id).join(Agreement, Agreement.id == Loan.agreement_id).where(*conditions)


def _overdue(now: datetime) -> Select[Any]:
    """Give those that should count as lost; a return that waits for the lender's yes is none."""
    coming = select(HandOver.id).where(
        HandOver.agreement_id == Loan.agreement_id, HandOver.kind == "in", HandOver.closed_at.is_(None)
    )
    return _loans(Agreement.state == "active", Loan.ends_at < now - loan_sweep.PRESUMED_LOST - SLACK, ~coming.exists())


def _hand_overs(now: datetime) -> Select[Any]:
    return select(HandOver.id).where(HandOver.closed_at.is_(None), HandOver.closes_at < now - SLACK)


def _claims(now: datetime) -> Select[Any]:
    return select(Claim.id).where(Claim.state == "open", Claim.deadline < now - SLACK)


def _endless(now: datetime) -> Select[Any]:
    undecided = select(Claim.id).where(Claim.agreement_id == Loan.agreement_id, Claim.state == "open").exists()
    return _loans(Agreement.state == "claimed", Agreement.updated_at < now - SLACK, ~undecided)


def _holds(now: datetime) -> Select[Any]:
    return select(Occupancy.id).where(Occupancy.expires_at < now - OLD_HOLD)


def _homeless(now: datetime) -> Select[Any]:
    return select(Occupancy.id).where(
        Occupancy.kind == "booking", Occupancy.agreement_id.is_(None), Occupancy.blocked_until > now
    )


def _left_behind(now: datetime) -> Select[Any]:
    """Give slots to come that nobody will use; what is lost stays out on purpose, until its owner says otherwise."""
    return (
        select(Occupancy.id)
        .join(Agreement, Agreement.id == Occupancy.agreement_id)
        .where(
            Occupancy.kind == "booking",
            Occupancy.starts_at > now,
            Occupancy.ends_at < FOREVER,
            Agreement.phase.in_(OVER),
        )
    )


def _without_slot(now: datetime) -> Select[Any]:
    return (
        select(LoanUnit.id)
        .join(Loan, Loan.agreement_id == LoanUnit.agreement_id)
        .join(Agreement, Agreement.id == LoanUnit.agreement_id)
        .outerjoin(Occupancy, Occupancy.id == LoanUnit.occupancy_id)
        .where(
            Agreement.state.in_(("agreed", "active")), Loan.ends_at > now, LoanUnit.back_at.is_(None),
            or_(Occupancy.id.is_(None), Occupancy.kind != "booking"),
        )
    )  # fmt: skip


def _uses(now: datetime) -> Select[Any]:
    longest = timedelta(hours=int(settings.get("sharing.longest_use_hours")))
    return select(UseSession.agreement_id).where(
        STANDING, UseSession.ended_at.is_(None), UseSession.started_at < now - longest - SLACK
    )


def _lost_uses() -> Select[Any]:
    over = or_(Agreement.phase.in_(OVER), Agreement.state.in_(("ended", "billed", "unpaid")))
    return (
        select(UseSession.agreement_id).join(Agreement, Agreement.id == UseSession.agreement_id).where(STANDING, over)
    )


def _charges(now: datetime) -> Select[Any, Any]:
    """Give whom nobody asked although it is enough to be asked for; what is too little waits for more."""
    currency = runtime().settings.currency
    return (
        select(UseCharge.payer_id, UseCharge.owner_id)
        .where(OPEN_CHARGE, UseCharge.due_at < now - 24 * SLACK, UseCharge.currency == currency)
        .group_by(UseCharge.payer_id, UseCharge.owner_id)
        .having(func.sum(UseCharge.amount_minor) >= payments.least(currency).minor)
    )


def _calendars(now: datetime) -> Select[Any]:
    last = func.coalesce(ImportedCalendar.fresh_at, ImportedCalendar.created_at)
    return select(ImportedCalendar.id).where(last < now - STALE)
