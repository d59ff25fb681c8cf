"""Passes: joined for a monthly price, renewed by themselves; what they bring stays held until the month is divided."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from marketplace.api import (
    Actor,
    Agreement,
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
    transaction,
)
from plugins.sharing.moving import move
from plugins.sharing.pool import pools
from plugins.sharing.pool.pool_models import Pass, PassMonth, Pool
from plugins.sharing.use import monthly, standing
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
            actor=Actor(member.id, Role.MEMBER), waits_until=clock.now() + monthly.JOIN_WITHIN,
            terms={"monthly_minor": pool.monthly_minor, "currency": pool.currency, "measure": pool.measure},
        )  # fmt: skip
        side = Pass(
            agreement_id=agreement.id, pool_id=pool_id, member_id=member.id, monthly_minor=pool.monthly_minor,
            currency=pool.currency, since=clock.now(), paid_until=clock.now(),
        )  # fmt: skip
        session.add(side)
        session.flush()
        monthly.ask(agreement, side, PURPOSE)
    return agreement


def of(pool_id: int, member_id: int) -> Pass | None:
    """Give a member's pass of a pool that is paid or being joined."""
    statement = select(Pass).where(Pass.pool_id == pool_id, Pass.member_id == member_id, STANDING)
    return db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()


def _side(agreement: Agreement) -> Pass:
    return db.session.get_one(Pass, agreement.id, populate_existing=True)


def begin(agreement: Agreement, context: TransitionContext) -> None:
    """Let the first month begin now."""
    side = _side(agreement)
    side.since = clock.now()
    monthly.next_month(side, context)


def renew(agreement: Agreement, context: TransitionContext) -> None:
    """Charge the next month."""
    context.waits_until = None
    monthly.ask(agreement, _side(agreement), PURPOSE)


def renewed(agreement: Agreement, context: TransitionContext) -> None:
    """Let another month begin."""
    monthly.next_month(_side(agreement), context)


def leave(agreement: Agreement, context: TransitionContext) -> None:
    """Charge no more; it ends with the month that is paid."""
    context.waits_until = _side(agreement).paid_until


def stay(agreement: Agreement, context: TransitionContext) -> None:
    """Go on as before; raises Refused once the pool is closed."""
    if db.session.get_one(Listing, agreement.listing_id).state != "published":
        raise Refused(_("This is not offered at the moment."), code="not_offered")
    context.waits_until = max(_side(agreement).paid_until - monthly.AHEAD, clock.now() + timedelta(minutes=1))


def end(agreement: Agreement, context: TransitionContext) -> None:
    """Let another pass be taken; what is still asked for is let go."""
    side = _side(agreement)
    monthly.finish(agreement, side, context)
    db.session.flush()
    pools.release(side.pool_id)


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
        move(agreement.id, "begin" if agreement.state == "joining" else "renewed")
        if db.session.get_one(Listing, agreement.listing_id).state != "published":  # it closed while this was charged
            move(agreement.id, "leave")
    elif change in ("given_up", "overdue"):
        move(agreement.id, "lapse")
        move(agreement.id, "fail")


def foresee(agreement: Agreement, transition: str, _role: str) -> str:
    """Say until when a pass stays that is ended now."""
    return monthly.stays(_side(agreement)) if transition == "leave" else ""


def term_lines(agreement: Agreement) -> list[TermLine]:
    """Put a pass's terms into words."""
    terms, side = agreement.terms, _side(agreement)
    return [
        TermLine(_("A month"), display.money(terms["monthly_minor"], terms["currency"], exact=True)),
        *([TermLine(_("Paid until"), display.date(side.paid_until))] if side.months else []),
        TermLine(_("Divided among the owners by"), str(pools.MEASURE_WORDS[terms["measure"]])),
    ]
