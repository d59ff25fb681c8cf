"""The job that minds loans: reminders, overdue steps, what silence closes, deposits to hold, and loans to settle."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from marketplace.api import Actor, Agreement, Money, agreements, clock, db, transaction
from plugins.sharing import sweeping
from plugins.sharing.loan import claims, deposits, handovers, loan_money, loan_news
from plugins.sharing.loan.booking_models import Claim, HandOver, Loan

BATCH = 100
BEFORE = timedelta(hours=24)
"""How long before start and end both are reminded."""

ESCALATION = (timedelta(hours=1), timedelta(days=1), timedelta(days=3), timedelta(days=7), timedelta(days=14))
"""So long after the agreed end both sides are told that it is overdue, each step once."""

REPORT_LOST_AFTER = timedelta(days=7)
"""From then on the lender may report it lost."""

PRESUMED_LOST = timedelta(days=30)
"""So long after the agreed end it counts as lost."""


def sweep(_payload: dict[str, Any]) -> None:
    """Do everything whose time has come, each loan in a transaction of its own; running twice changes nothing."""
    for found, act in (
        (_hand_overs, handovers.expire),
        (_claims, claims.expire),
        (_to_hold, hold_deposit),
        (_starting, remind_start),
        (_ending, remind_end),
        (_overdue, warn),
        (_unsettled, settle),
    ):
        sweeping.each(found(clock.now()), act)


def _hand_overs(now: datetime) -> Iterable[int]:
    rows = select(HandOver.id).where(HandOver.closed_at.is_(None), HandOver.closes_at <= now)
    return db.session.scalars(rows.order_by(HandOver.closes_at).limit(BATCH)).all()


def _claims(now: datetime) -> Iterable[int]:
    rows = select(Claim.id).where(Claim.state == "open", Claim.deadline <= now)
    return db.session.scalars(rows.order_by(Claim.deadline).limit(BATCH)).all()


def _loans(*conditions: Any) -> Iterable[int]:
    statement = select(Loan.agreement_id).join(Agreement, Agreement.id == Loan.agreement_id).where(*conditions)
    return db.session.scalars(statement.order_by(Loan.agreement_id).limit(BATCH)).all()


def _to_hold(now: datetime) -> Iterable[int]:
    return _loans(
        Agreement.state == "agreed", Loan.deposit_kind == "held", Loan.deposit_state == "saved",
        Loan.starts_at <= now + deposits.HOLD_BEFORE,
    )  # fmt: skip


def hold_deposit(agreement_id: int) -> None:
    """Hold the deposit of a loan that begins soon."""
    with transaction():
        agreement, loan = _locked(agreement_id)
        if agreement.state == "agreed" and loan.deposit_state == "saved" and deposits.due(loan):
            deposits.hold(loan)


def _starting(now: datetime) -> Iterable[int]:
    return _loans(Agreement.state == "agreed", ~Loan.told_start, Loan.starts_at <= now + BEFORE, Loan.starts_at > now)


def remind_start(agreement_id: int) -> None:
    """Remind both that it begins."""
    with transaction():
        agreement, loan = _locked(agreement_id)
        if agreement.state == "agreed" and not loan.told_start:
            loan.told_start = True
            loan_news.tell_both(agreement, "starts")


def _ending(now: datetime) -> Iterable[int]:
    return _loans(
        Agreement.state == "active", ~Loan.told_end, Loan.ends_at <= now + BEFORE, Loan.ends_at > now,
        Loan.handed_out_at < now - timedelta(hours=1),
    )  # fmt: skip


def remind_end(agreement_id: int) -> None:
    """Remind the borrower that it is due back."""
    with transaction():
        agreement, loan = _locked(agreement_id)
        if agreement.state == "active" and not loan.told_end:
            loan.told_end = True
            loan_news.tell_member(agreement, "ends")


def _overdue(now: datetime) -> Iterable[int]:
    return _loans(Agreement.state == "active", Loan.ends_at <= now - ESCALATION[0], Loan.warned <= len(ESCALATION))


def warn(agreement_id: int) -> None:
    """Tell both that it is overdue, a step at a time; after a month it counts as lost."""
    with transaction():
        agreement, loan = _locked(agreement_id)
        if agreement.state != "active" or handovers.recorded_back(agreement_id):
            return
        late = clock.now() - loan.ends_at
        reached = sum(late >= step for step in ESCALATION)
        if late >= PRESUMED_LOST:
            loan.warned = len(ESCALATION) + 1
            agreements.transition(agreement_id, "presume_lost", Actor.system())
        elif reached > loan.warned:
            loan.warned = reached
            _tell_overdue(agreement, loan)


def _tell_overdue(agreement: Agreement, loan: Loan) -> None:
    fee = Money(int(agreement.terms["late_fee_minor_per_day"]), loan.currency)
    if fee.minor:
        loan_news.tell_member(agreement, "overdue_fee", amount=fee)
    else:
        loan_news.tell_member(agreement, "overdue")
    may_report = clock.now() >= loan.ends_at + REPORT_LOST_AFTER
    loan_news.tell_lender(agreement, "overdue_may_report" if may_report else "overdue_lender")


def _unsettled(_now: datetime) -> Iterable[int]:
    return _loans(
        Loan.settled_at.is_(None), Agreement.phase.in_(loan_money.ENDED),
        Agreement.updated_at < clock.now() - timedelta(minutes=10),
    )  # fmt: skip


def settle(agreement_id: int) -> None:
    """Go on with the money of a loan that has ended: what a bank or a dispute kept back."""
    with transaction():
        agreement, loan = _locked(agreement_id)
        deposits.carry_out(agreement, loan)
        loan_money.settle_all(agreement)


def _locked(agreement_id: int) -> tuple[Agreement, Loan]:
    agreement = agreements.locked(agreement_id)
    return agreement, db.session.get_one(Loan, agreement_id, populate_existing=True)
