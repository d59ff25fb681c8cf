"""Passes: joined for a monthly price, renewed by themselves; what they bring stays held until the month is divided."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from marketplace.api import (
    Actor,
    Agreement,
    InvalidTransition,
    Listing,
    Money,
    NotFound,
    Refused,
    Role,
    TermLine,
    TransitionContext,
    User,
    agreements,
    clock,
    db,
    display,
    listings,
    payments,
    runtime,
    transaction,
)
from plugins.sharing.pool import pools
from plugins.sharing.pool.pool_models import Pass, PassMonth, Pool
from plugins.sharing.use import standing
from plugins.sharing.use.plans import AHEAD, JOIN_WITHIN, WAYS, months_later
from plugins.sharing.use.use_fees import fees

PURPOSE = "pass"
STANDING = Pass.standing.is_(True)


def join(member: User, pool_id: int) -> Agreement:
    """Take a pass; it runs once its first month is paid. Asking again gives the same one.

    Raises NotFound, Refused (own pool, closed, blocked, payments switched off).
    """
    with transaction() as session:
        listing, pool = listings.locked(pool_id), db.session.get(Pool, pool_id)
        if pool is None:
            raise NotFound(_("There is no such pool."))
        if listing.state != "published":
            raise Refused(_("This is not offered at the moment."), code="not_offered")
        standing.refuse_blocked(member.id, member.id)
        known = of(pool_id, member.id)
        if known is not None:
            return session.get_one(Agreement, known.agreement_id)
        agreement = agreements.create(
            "pass", listing=listing, member_id=member.id, amount=Money(pool.monthly_minor, pool.currency),
            actor=Actor(member.id, Role.MEMBER), waits_until=clock.now() + JOIN_WITHIN,
            terms={"monthly_minor": pool.monthly_minor, "currency": pool.currency, "measure": pool.measure},
        )  # fmt: skip
        side = Pass(
            agreement_id=agreement.id, pool_id=pool_id, member_id=member.id, monthly_minor=pool.monthly_minor,
            currency=pool.currency, since=clock.now(), paid_until=clock.now(),
        )  # fmt: skip
        session.add(side)
        session.flush()
        _ask(agreement, side)
    return agreement


def of(pool_id: int, member_id: int) -> Pass | None:
    """Give a member's pass of a pool that is paid or being joined."""
    statement = select(Pass).where(Pass.pool_id == pool_id, Pass.member_id == member_id, STANDING)
    return db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()


def _ask(agreement: Agreement, side: Pass) -> None:
    """Ask for a month, by the newest saved method that serves; without one the payment waits for its payer."""
    payment = payments.request_payment(agreement, PURPOSE, Money(side.monthly_minor, side.currency), strategies=WAYS)
    for method in payments.methods_of(side.member_id):
        try:
            payments.use_saved_method(payment, method)
        except (Refused, NotFound):
            continue
        payments.charge(payment)
        return


def _side(agreement: Agreement) -> Pass:
    return db.session.get_one(Pass, agreement.id, populate_existing=True)


def _next_month(side: Pass) -> None:
    side.months += 1
    side.paid_until = months_later(side.since, side.months, runtime().settings.timezone)


def begin(agreement: Agreement, context: TransitionContext) -> None:
    """Let the first month begin now."""
    side = _side(agreement)
    side.since = clock.now()
    _next_month(side)
    context.waits_until = side.paid_until - AHEAD


def renew(agreement: Agreement, context: TransitionContext) -> None:
    """Charge the next month."""
    context.waits_until = None
    _ask(agreement, _side(agreement))


def renewed(agreement: Agreement, context: TransitionContext) -> None:
    """Let another month begin."""
    side = _side(agreement)
    _next_month(side)
    context.waits_until = side.paid_until - AHEAD


def leave(agreement: Agreement, context: TransitionContext) -> None:
    """Charge no more; it ends with the month that is paid."""
    context.waits_until = _side(agreement).paid_until


def stay(agreement: Agreement, context: TransitionContext) -> None:
    """Go on as before; raises Refused once the pool is closed."""
    if db.session.get_one(Listing, agreement.listing_id).state != "published":
        raise Refused(_("This is not offered at the moment."), code="not_offered")
    context.waits_until = max(_side(agreement).paid_until - AHEAD, clock.now() + timedelta(minutes=1))


def end(agreement: Agreement, context: TransitionContext) -> None:
    """Let another pass be taken; what is still asked for is let go."""
    side = _side(agreement)
    side.standing = False
    context.waits_until = None
    for payment in payments.payments_of(agreement):
        if payment.state not in ("succeeded", "cancelled"):
            payments.cancel_payment(payment)


def on_payment(payment: Any, change: str) -> None:
    """Move a pass as its months are paid, inside the payment's own transaction; what came in is divided after the month."""
    if payment.purpose != PURPOSE:
        return
    agreement = db.session.get_one(Agreement, payment.agreement_id)
    if change == "method_saved" and payment.due_at is None and payment.state == "ready":
        payments.charge(payment)
    elif change == "succeeded":
        if agreement.state not in ("joining", "renewing"):  # it ended meanwhile: the month never begins
            payments.refund(payment, payment.kept, reason="pass_ended")
            return
        side, begins = _side(agreement), clock.now()
        if agreement.state == "renewing":
            begins = side.paid_until
        db.session.add(PassMonth(payment_id=payment.id, pool_id=side.pool_id, begins_at=begins))
        if payment.gateway == "direct":  # the keeper has it in hand, and shares it out by hand
            payments.settle(payment, fee=fees(payment.kept))
        _move(agreement.id, "begin" if agreement.state == "joining" else "renewed")
    elif change in ("given_up", "overdue"):
        _move(agreement.id, "lapse")
        _move(agreement.id, "fail")


def _move(agreement_id: int, name: str) -> None:
    try:
        agreements.transition(agreement_id, name, Actor.system())
    except InvalidTransition:
        return  # it has moved on


def term_lines(agreement: Agreement) -> list[TermLine]:
    """Put a pass's terms into words."""
    terms = agreement.terms
    return [
        TermLine(_("A month"), display.money(terms["monthly_minor"], terms["currency"], exact=True)),
        TermLine(_("Paid until"), display.date(_side(agreement).paid_until)),
        TermLine(_("Divided among the owners by"), str(pools.MEASURE_WORDS[terms["measure"]])),
    ]
