"""Ordering portions, and what each move of an order does; portions are counted by the database and never oversold."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select, update

from marketplace.api import (
    Actor,
    Agreement,
    InvalidInput,
    Listing,
    Money,
    NotFound,
    Refused,
    Role,
    TransitionContext,
    agreements,
    clock,
    db,
    once,
    payments,
    settings,
)
from plugins.sharing.loan import loan_terms
from plugins.sharing.meal import meals, order_money, order_news
from plugins.sharing.meal.meal_models import Meal, Order

MOST = 10
"""The largest number of portions in one order."""

UNRECORDED = timedelta(hours=24)
"""An order of which nobody said anything counts as picked up so long after the last moment for it."""

COMPLAIN_WITHIN = timedelta(hours=24)
LEAST_WAIT = timedelta(minutes=10)


def place(meal_id: int, member_id: int, count: int, nonce: str) -> Agreement:
    """Order portions: agreed at once where they are free, else held until they are paid. Sent twice, it is one order.

    Raises Refused (code "too_few" when fewer are left, "not_open"), InvalidInput, NotFound.
    """
    return once(lambda: _known(member_id, nonce), lambda: _place(meal_id, member_id, count, nonce))


def _known(member_id: int, nonce: str) -> Agreement | None:
    found = select(Agreement).join(Order, Order.agreement_id == Agreement.id)
    return db.session.scalars(found.where(Order.member_id == member_id, Order.nonce == nonce)).one_or_none()


def _place(meal_id: int, member_id: int, count: int, nonce: str) -> Agreement:
    meal = db.session.get(Meal, meal_id, populate_existing=True)
    listing = db.session.get(Listing, meal_id, populate_existing=True)
    if meal is None or listing is None or listing.state in ("draft", "removed"):
        raise NotFound(_("There is no such meal."))
    if not meals.is_open(listing, meal):
        raise Refused(_("Portions can't be ordered any more."), code="not_open")
    if not 1 <= count <= MOST:
        raise InvalidInput({"count": _("Choose a number between 1 and %(most)s.", most=MOST)})
    amount = Money(meal.price_minor * count, meal.currency)
    now = clock.now()
    waits = now + timedelta(minutes=int(settings.get("sharing.hold_minutes")))
    agreement = agreements.create(
        "order",
        listing=listing,
        member_id=member_id,
        amount=amount if amount.minor else None,
        terms=_terms(meal, count),
        actor=Actor(member_id, Role.MEMBER),
        waits_until=max(now + LEAST_WAIT, min(waits, meal.pickup_until)),
    )
    _take(meal, count)
    order = Order(agreement_id=agreement.id, meal_id=meal_id, member_id=member_id, count=count, nonce=nonce, holds=True)
    db.session.add(order)
    db.session.flush()
    if not amount.minor:
        return agreements.transition(agreement.id, "confirm", Actor.system())
    order_money.ask(agreement, order)
    return agreement


def _terms(meal: Meal, count: int) -> dict[str, object]:
    return {
        "count": count,
        "price_minor": meal.price_minor,
        "currency": meal.currency,
        "order_by": meal.order_by.isoformat(),
        "pickup_from": meal.pickup_from.isoformat(),
        "pickup_until": meal.pickup_until.isoformat(),
        "allergens": list(meal.allergens),
        "fee": payments.fee_rule(loan_terms.FEE, meal.currency).freeze(),
    }


def _take(meal: Meal, count: int) -> None:
    """Take portions by one statement, which the database refuses when there are not so many."""
    taking = (
        update(Meal)
        .where(Meal.listing_id == meal.listing_id, Meal.taken + count <= Meal.portions)
        .values(taken=Meal.taken + count)
        .returning(Meal.taken)
        .execution_options(synchronize_session=False)
    )
    if db.session.scalar(taking) is None:
        db.session.refresh(meal)
        if not meal.left:
            raise Refused(_("All portions are taken."), field="count", code="too_few")
        raise Refused(
            ngettext("Only %(num)s portion is left.", "Only %(num)s portions are left.", meal.left),
            field="count",
            code="too_few",
        )
    db.session.expire(meal)


def order_of(agreement: Agreement) -> Order:
    """Give an agreement's order."""
    return db.session.get_one(Order, agreement.id)


def release(order: Order) -> None:
    """Give the portions of an order back, once."""
    if not order.holds:
        return
    order.holds = False
    less = update(Meal).where(Meal.listing_id == order.meal_id).values(taken=Meal.taken - order.count)
    db.session.execute(less.execution_options(synchronize_session=False))
    db.session.flush()


def on_removed(listing: Listing) -> None:
    """Call every open order off when an operator takes the meal off the site; everybody gets the money back."""
    waiting = select(Order.agreement_id).where(Order.meal_id == listing.id, Order.holds)
    for agreement_id in db.session.scalars(waiting.order_by(Order.agreement_id)).all():
        if agreements.locked(agreement_id).phase in ("proposed", "agreed"):
            agreements.transition(agreement_id, "call_off", Actor.system())


# What each move does, inside the transition's own transaction: the function of the move's name.


def confirm(agreement: Agreement, context: TransitionContext) -> None:
    """Wait for the pick-up, and tell both."""
    context.waits_until = moment(agreement, "pickup_until") + UNRECORDED
    order_news.tell_member(agreement, "order_confirmed")
    order_news.tell_cook(agreement, "order_placed")


def bank_at_work(agreement: Agreement, context: TransitionContext) -> None:
    """Keep the portions while the money is under way, until they could be picked up no more."""
    context.waits_until = max(moment(agreement, "pickup_until"), clock.now() + LEAST_WAIT)


def pay_again(_agreement: Agreement, context: TransitionContext) -> None:
    """Wait a little for another way to pay."""
    context.waits_until = clock.now() + timedelta(minutes=int(settings.get("sharing.hold_minutes")))


def lapse(agreement: Agreement, _context: TransitionContext) -> None:
    """Give the portions back; money still under way goes back by itself."""
    _end(agreement)
    order_news.tell_member(agreement, "order_lapsed")


def cancel(agreement: Agreement, _context: TransitionContext) -> None:
    """Give the portions and all the money back; that it is not too late, `objections` sees to."""
    cook_knows = agreement.amount is None or order_money.paid(agreement)
    _end(agreement)
    if cook_knows:
        order_news.tell_cook(agreement, "order_cancelled")


def call_off(agreement: Agreement, _context: TransitionContext) -> None:
    """Give everything back."""
    _end(agreement)
    order_news.tell_member(agreement, "order_called_off")


def not_there(agreement: Agreement, _context: TransitionContext) -> None:
    """Give everything back."""
    _end(agreement)
    order_news.tell_cook(agreement, "order_not_given")


def no_show(agreement: Agreement, _context: TransitionContext) -> None:
    """Pay the cook; the food was made."""
    order_news.tell_member(agreement, "order_no_show")
    order_money.settle_all(agreement)


def pick_up(_agreement: Agreement, context: TransitionContext) -> None:
    """Wait a day for a word that something was wrong."""
    context.waits_until = clock.now() + COMPLAIN_WITHIN


def complete(agreement: Agreement, _context: TransitionContext) -> None:
    """Pay the cook."""
    order_money.settle_all(agreement)
    order_news.tell_member(agreement, "order_finished")


assume = complete


def _end(agreement: Agreement) -> None:
    release(order_of(agreement))
    order_money.give_back(agreement)
    order_money.settle_all(agreement)


def moment(agreement: Agreement, name: str) -> datetime:
    """Give one of the frozen times (UTC)."""
    return datetime.fromisoformat(agreement.terms[name])
