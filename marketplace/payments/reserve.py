"""Sets a part of what members earn aside against chargebacks, and frees it when its time is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from flask_babel import gettext as _
from sqlalchemy import exists, func, select

from marketplace import clock
from marketplace.admin import audit
from marketplace.database import db, transaction
from marketplace.errors import InvalidInput
from marketplace.money import Money
from marketplace.payments import booked_back
from marketplace.payments.attempts import locked
from marketplace.payments.burden_models import ReserveHold, ReserveRule
from marketplace.payments.dispute_models import DECIDED, Dispute
from marketplace.payments.models import Payment
from marketplace.payments.payouts import ring_if_wanted
from marketplace.payments.share_models import PaymentShare
from marketplace.settings import service as settings

BATCH = 500


@dataclass(frozen=True, slots=True)
class Rule:
    """How much of a member's earnings is set aside, and for how many days; `own` when an operator chose it for them."""

    percent: Decimal
    days: int
    own: bool


def rule_of(user_id: int) -> Rule:
    """Give the rule that holds for a member."""
    own = db.session.get(ReserveRule, user_id)
    if own is not None:
        return Rule(Decimal(own.basis_points) / 100, own.days, own=True)
    return Rule(settings.get("payments.reserve_percent"), settings.get("payments.reserve_days"), own=False)


def percent_fault(percent: Decimal) -> str | None:
    """Say what is wrong with a percentage, a member's or the site's; None when nothing is."""
    return _("At most two decimals.") if percent * 100 % 1 else None


def set_rule(user_id: int, rule: Rule | None, actor_id: int, reason: str) -> None:
    """Give a member a rule of their own, or with None the site's again; what was set aside before stays as it is.

    Raises InvalidInput for a percentage with more than two decimals: no more are kept.
    """
    if rule is not None and (wrong := percent_fault(rule.percent)):
        raise InvalidInput({"percent": wrong})
    with transaction() as session:
        own = session.get(ReserveRule, user_id, with_for_update=True)
        if rule is None:
            if own is not None:
                session.delete(own)
        else:
            points, at = int(rule.percent * 100), clock.now()
            if own is None:
                session.add(ReserveRule(user_id=user_id, basis_points=points, days=rule.days, changed_at=at))
            else:
                own.basis_points, own.days, own.changed_at = points, rule.days, at
        facts = {} if rule is None else {"percent": str(rule.percent), "days": rule.days}
        audit.record(actor_id, "reserve.rule", "user", user_id, reason, facts)


def set_aside(payment: Payment) -> None:
    """Keep the reserve's part of a payment that was just settled; in the caller's transaction, under its lock.

    Money that nobody can take back any more (paid in cash or by bank transfer) needs no reserve.
    """
    rule = rule_of(payment.payee_id)
    amount = Money(payment.payable_minor, payment.currency).percent(rule.percent)
    if not payment.source_ref or not 0 < amount.minor <= payment.payable_minor:
        return
    at = clock.now()
    hold = ReserveHold(
        payment_id=payment.id, user_id=payment.payee_id, amount_minor=amount.minor, left_minor=amount.minor,
        currency=payment.currency, release_at=at + timedelta(days=rule.days), created_at=at,
    )  # fmt: skip
    payment.payable_minor -= amount.minor
    db.session.add(hold)
    db.session.flush()
    booked_back.set_aside(payment, hold)


def release_due() -> int:
    """Free what has been set aside long enough; gives how many. What a payer's bank is asking about waits for that."""
    whole = select(PaymentShare.of_id).where(PaymentShare.payment_id == ReserveHold.payment_id)
    open_case = exists().where(
        Dispute.payment_id == func.coalesce(whole.correlate(ReserveHold).scalar_subquery(), ReserveHold.payment_id),
        Dispute.state.not_in(DECIDED),
    )
    due = db.session.execute(
        select(ReserveHold.id, ReserveHold.payment_id)
        .where(ReserveHold.left_minor > 0, ReserveHold.release_at <= clock.now(), ~open_case)
        .order_by(ReserveHold.release_at)
        .limit(BATCH)
    ).all()
    for hold_id, payment_id in due:
        _release(hold_id, payment_id)
    return len(due)


def _release(hold_id: int, payment_id: int) -> None:
    with transaction():
        payment = locked(payment_id)
        hold = db.session.get_one(ReserveHold, hold_id, with_for_update=True, populate_existing=True)
        if not hold.left_minor:
            return
        minor, hold.left_minor, hold.released_at = hold.left_minor, 0, clock.now()
        hold.releases += 1
        payment.payable_minor += minor
        db.session.flush()
        booked_back.freed(payment, hold, minor)
        ring_if_wanted(payment)
