"""What each move of a purchase does, inside the transition's own transaction: the function of the move's name."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask_babel import gettext as _

from marketplace.api import Actor, Agreement, Refused, Role, TransitionContext, agreements, clock, db
from plugins.sharing.buy import buy_money, buy_news, handing, purchases
from plugins.sharing.buy.buy_models import Purchase
from plugins.sharing.loan import loans
from plugins.sharing.loan.loan_effects import SPARE
from plugins.sharing.slot import for_ever, occupancy

PICK_UP_WITHIN = timedelta(days=14)
"""How long something bought waits to be picked up before the sale is called off."""

LOOK_WITHIN = timedelta(hours=48)
"""How long a buyer may look at what was handed over; silence means that all is well."""

ANSWER_WITHIN = timedelta(hours=72)
"""How long an owner may take to answer a problem; silence undoes the sale."""

DECIDE_WITHIN = timedelta(days=14)
"""How long operators may take to decide; without a decision each gets back what was theirs."""

CLEAR_WITHIN = timedelta(days=21)
"""How long a slow bank may take, or a payer who transfers the money; by the usual settings that one has 14 days and 3 more."""


def accept(agreement: Agreement, context: TransitionContext) -> None:
    """Keep a unit of what needs no payment here; raises NotToBeHad, SlotTaken."""
    _take(agreement, context, None)
    _agree(agreement, context)


def accept_to_pay(agreement: Agreement, context: TransitionContext) -> None:
    """Hold a unit and ask for the money; raises NotToBeHad, SlotTaken."""
    ends = clock.now() + loans.pay_within(context.actor.role)
    _take(agreement, context, ends + SPARE)
    context.waits_until = ends
    buy_money.ask(agreement, purchases.side_of(agreement))
    if context.actor.role == Role.OWNER:
        buy_news.tell_buyer(agreement, "buy_accepted_pay", until=ends)


def _take(agreement: Agreement, context: TransitionContext, expires_at: datetime | None) -> None:
    side = purchases.side_of(agreement)
    handing.lock(agreement, side)
    row, chance = for_ever.take(
        side.item_id, side.member_id, agreement.id, expires_at=expires_at, by_owner=context.actor.role == Role.OWNER
    )
    side.unit_id, side.occupancy_id, side.begins_at = row.unit_id, row.id, row.starts_at
    side.label, side.place = chance.label, chance.place
    db.session.flush()


def bank_at_work(_agreement: Agreement, context: TransitionContext) -> None:
    """Keep the unit while the money is under way."""
    context.waits_until = clock.now() + CLEAR_WITHIN


def pay_again(_agreement: Agreement, context: TransitionContext) -> None:
    """Wait a day for another way to pay."""
    context.waits_until = clock.now() + loans.PAY_WITHIN


def confirm(agreement: Agreement, context: TransitionContext) -> None:
    """Wait for the pick-up, or be done where the buyer has it already; that the unit is kept, `buy_money` has seen to."""
    _agree(agreement, context)


def _agree(agreement: Agreement, context: TransitionContext) -> None:
    side = purchases.side_of(agreement)
    if handing.has_it(side):
        agreements.transition(agreement.id, "keep", Actor.system())
        return
    context.waits_until = max(side.begins_at or clock.now(), clock.now()) + PICK_UP_WITHIN
    buy_news.tell_buyer(agreement, "buy_agreed", until=context.waits_until)
    buy_news.tell_owner(agreement, "buy_agreed_owner", until=context.waits_until)


def hand_over(agreement: Agreement, context: TransitionContext) -> None:
    """Give the buyer time to look at it; raises SlotTaken where somebody needs the unit until the purchase begins."""
    _begin(purchases.side_of(agreement))
    context.waits_until = clock.now() + LOOK_WITHIN
    buy_news.tell_buyer(agreement, "buy_handed_over", until=context.waits_until)


def _begin(side: Purchase) -> None:
    if side.occupancy_id is not None:
        side.begins_at = for_ever.begin_now(side.occupancy_id).starts_at
        db.session.flush()


def have_it(agreement: Agreement, _context: TransitionContext) -> None:
    """Finish by the buyer's own word."""
    side = purchases.side_of(agreement)
    handing.lock(agreement, side)
    if not handing.has_it(side):
        _begin(side)
    _finish(agreement, side)


def complete(agreement: Agreement, _context: TransitionContext) -> None:
    """Finish: the thing is the buyer's, and the money the owner's."""
    _finish(agreement, purchases.side_of(agreement))


keep = be_content = for_the_seller = complete


def _finish(agreement: Agreement, side: Purchase) -> None:
    handing.change_hands(agreement, side)
    buy_money.settle_all(agreement)
    buy_news.tell_buyer(agreement, "buy_completed")
    buy_news.tell_owner(agreement, "buy_completed_owner")


def report(agreement: Agreement, context: TransitionContext) -> None:
    """Give the owner time to answer; raises Refused where nothing is said."""
    if not context.note.strip():
        raise Refused(_("Say what is wrong with it: the owner reads it."), field="note", code="say_why")
    context.waits_until = clock.now() + ANSWER_WITHIN
    buy_news.tell_owner(agreement, "buy_problem", until=context.waits_until)


def contest(agreement: Agreement, context: TransitionContext) -> None:
    """Wait for an operator; raises Refused where nothing is said."""
    if not context.note.strip():
        raise Refused(_("Say how you see it: the buyer reads it, and an operator."), field="note", code="say_why")
    context.waits_until = clock.now() + DECIDE_WITHIN
    buy_news.tell_buyer(agreement, "buy_contested", until=context.waits_until)


def undo(agreement: Agreement, _context: TransitionContext) -> None:
    """Give everything back; the unit can be had by others again."""
    _end(agreement)
    buy_news.tell_buyer(agreement, "buy_undone")
    buy_news.tell_owner(agreement, "buy_undone_owner")


take_back = for_the_buyer = undo


def decline(agreement: Agreement, _context: TransitionContext) -> None:
    """Tell who asked; nothing was taken."""
    _end(agreement)
    buy_news.tell_buyer(agreement, "buy_declined")


def release(agreement: Agreement, _context: TransitionContext) -> None:
    """Thank who asked for what somebody else has bought."""
    _end(agreement)
    buy_news.tell_buyer(agreement, "buy_released")


def lapse(agreement: Agreement, _context: TransitionContext) -> None:
    """Free the unit; money still under way goes back by itself."""
    _end(agreement)
    buy_news.tell_buyer(agreement, "buy_lapsed")
    buy_news.tell_owner(agreement, "buy_lapsed_owner")


def cancel(agreement: Agreement, _context: TransitionContext) -> None:
    """Free the unit, and give everything back."""
    _end(agreement)
    buy_news.tell_owner(agreement, "buy_cancelled")


def call_off(agreement: Agreement, _context: TransitionContext) -> None:
    """Free the unit, and give everything back."""
    _end(agreement)
    buy_news.tell_buyer(agreement, "buy_called_off")


def let_go(agreement: Agreement, _context: TransitionContext) -> None:
    """Call off what nobody picked up, and give everything back."""
    _end(agreement)
    buy_news.tell_buyer(agreement, "buy_not_fetched")
    buy_news.tell_owner(agreement, "buy_not_fetched_owner")


def _end(agreement: Agreement) -> None:
    side = purchases.side_of(agreement)
    if side.occupancy_id is not None:
        occupancy.release(side.occupancy_id)
        side.occupancy_id = None
    purchases.forget_counted(agreement)
    db.session.flush()
    buy_money.give_back(agreement)
    buy_money.settle_all(agreement)
