"""What each move of a loan does, inside the transition's own transaction: the function of the move's name."""

from __future__ import annotations

from datetime import datetime, timedelta

from marketplace.api import Agreement, Role, TransitionContext, clock, db
from plugins.sharing.loan import claims, deposits, loan_money, loan_news, loan_terms, loan_units, loans
from plugins.sharing.loan.booking_models import Loan

UNRECORDED = timedelta(hours=48)
"""A loan of which nobody recorded a hand-over counts as done so long after its end."""

CLAIM_WITHIN = timedelta(hours=48)
"""How long a lender may look at what came back before the deposit goes back."""

LOST_WITHIN = timedelta(days=14)
"""How long a lender may claim something that was reported lost."""

SPARE = timedelta(minutes=5)
"""A hold lasts this much longer than the wait for its payment, so that the wait ends first."""


def loan_of(agreement: Agreement) -> Loan:
    """Give an agreement's loan."""
    return db.session.get_one(Loan, agreement.id)


def accept(agreement: Agreement, context: TransitionContext) -> None:
    """Book the slots of a loan that needs no money; raises SlotTaken."""
    loan = loan_of(agreement)
    loan_units.book(loan, by_owner=context.actor.role == Role.OWNER)
    _agree(loan, context)
    if context.actor.role == Role.OWNER:
        loan_news.tell_member(agreement, "accepted")
    else:
        _tell_booked(agreement)


def accept_to_pay(agreement: Agreement, context: TransitionContext) -> None:
    """Hold the slots and ask for the money or the card; raises SlotTaken."""
    loan, now = loan_of(agreement), clock.now()
    ends = max(now + loans.LEAST_WAIT, min(now + loans.pay_within(context.actor.role), loan.starts_at))
    if context.actor.role == Role.OWNER:
        loan_units.book(loan, by_owner=True)
    else:
        loan_units.hold(loan, int((ends + SPARE - now) / timedelta(minutes=1)))
    context.waits_until = ends
    loan_money.ask(agreement, loan)
    if context.actor.role == Role.OWNER:
        loan_news.tell_member(agreement, "accepted_pay", until=ends)


def bank_at_work(agreement: Agreement, context: TransitionContext) -> None:
    """Keep the slots while the money is under way, until the loan should begin."""
    loan = loan_of(agreement)
    loan_units.confirm(loan)
    context.waits_until = max(loan.starts_at, clock.now() + loans.LEAST_WAIT)


def pay_again(agreement: Agreement, context: TransitionContext) -> None:
    """Wait a day for another way to pay."""
    now = clock.now()
    context.waits_until = max(now + loans.LEAST_WAIT, min(now + loans.PAY_WITHIN, loan_of(agreement).starts_at))


def confirm(agreement: Agreement, context: TransitionContext) -> None:
    """Book what was held; raises HoldExpired."""
    loan = loan_of(agreement)
    loan_units.confirm(loan)
    _agree(loan, context)
    loan_news.tell_member(agreement, "confirmed")
    loan_news.tell_lender(agreement, "booked")
    deposits.look_ahead(agreement, loan)


def _agree(loan: Loan, context: TransitionContext) -> None:
    """Wait for the hand-over; what begins soon needs no reminder besides the news."""
    context.waits_until = loan.ends_at + UNRECORDED
    loan.told_start = loan.starts_at - clock.now() < timedelta(hours=24)
    db.session.flush()


def _tell_booked(agreement: Agreement) -> None:
    loan_news.tell_lender(agreement, "booked")
    loan_news.tell_member(agreement, "confirmed")


def decline(agreement: Agreement, _context: TransitionContext) -> None:
    """Tell the borrower; nothing was taken."""
    _end(agreement)
    loan_news.tell_member(agreement, "declined")


def lapse(agreement: Agreement, _context: TransitionContext) -> None:
    """Free the slots; money still under way goes back by itself."""
    _end(agreement)
    loan_news.tell_member(agreement, "lapsed")
    loan_news.tell_lender(agreement, "lapsed_lender")


def cancel(agreement: Agreement, _context: TransitionContext) -> None:
    """Free the slots and give back what the frozen dates say."""
    percent = loan_terms.refund_percent(agreement.terms, clock.now())
    _end(agreement, percent)
    loan_news.tell_lender(agreement, "cancelled")


def call_off(agreement: Agreement, _context: TransitionContext) -> None:
    """Free the slots and give everything back."""
    _end(agreement)
    loan_news.tell_member(agreement, "cancelled")


def no_show(agreement: Agreement, _context: TransitionContext) -> None:
    """End it as a cancellation at the last moment."""
    _end(agreement, loan_terms.refund_percent(agreement.terms, loan_of(agreement).starts_at + timedelta(seconds=1)))
    loan_news.tell_member(agreement, "no_show")


def not_there(agreement: Agreement, _context: TransitionContext) -> None:
    """Give everything back."""
    _end(agreement)
    loan_news.tell_lender(agreement, "stood_up")


def _end(agreement: Agreement, percent_back: int = 100) -> None:
    """End a loan that never went out: slots, payments, deposit."""
    loan = loan_of(agreement)
    loan_units.free_unused(loan)
    back = loan_money.give_back(agreement, percent_back)
    if back:
        loan_news.tell_member(agreement, "refunded", amount=back)
    deposits.decide(agreement, loan, 0)
    loan_money.settle_all(agreement)


def assume(agreement: Agreement, context: TransitionContext) -> None:
    """Finish a loan of which nobody recorded anything, in good faith."""
    close(agreement, context)


def report_lost(agreement: Agreement, context: TransitionContext) -> None:
    """Give the lender time to claim; a thing that is lost is not lent to the next."""
    context.waits_until = clock.now() + LOST_WITHIN
    loan_news.tell_both(agreement, "lost")


presume_lost = report_lost


def hand_out(agreement: Agreement, context: TransitionContext) -> None:
    """Note when it went out; the due date is the loan's own, so nothing waits here."""
    loan = loan_of(agreement)
    loan.handed_out_at = clock.now()
    loan_units.mark_out(agreement.id, loan.handed_out_at)
    context.waits_until = None


def bring_back(agreement: Agreement, context: TransitionContext) -> None:
    """Give the lender time to look at it; a late fee follows from the terms."""
    loan = loan_of(agreement)
    loan.returned_at = _last_back(agreement, loan)
    context.waits_until = clock.now() + CLAIM_WITHIN
    loan_news.tell_both(agreement, "back", until=context.waits_until)
    fee = loan_terms.late_fee(agreement.terms, loan.ends_at, loan.returned_at)
    if fee.minor:
        claims.late(agreement, fee)


def _last_back(agreement: Agreement, loan: Loan) -> datetime:
    times = [row.back_at for row in loan_units.of(agreement.id) if row.back_at is not None]
    return max(times, default=max(clock.now(), loan.handed_out_at or clock.now()))


def claim(agreement: Agreement, context: TransitionContext) -> None:
    """Wait for the claims; each has its own deadline, and the sweep sees to it."""
    context.waits_until = claims.next_deadline(agreement.id)


def settle(agreement: Agreement, context: TransitionContext) -> None:
    """Carry out what the claims came to."""
    close(agreement, context)


def close(agreement: Agreement, _context: TransitionContext) -> None:
    """Take the agreed claims out of the deposit, let go of the rest, and pay the lender."""
    loan = loan_of(agreement)
    loan_units.free_unused(loan)
    total = claims.total_agreed(agreement.id)
    deposits.decide(agreement, loan, min(total, loan.deposit_minor))
    claims.ask_rest(agreement, loan, total)
    loan_money.charge_use(agreement, loan)
    loan_money.settle_all(agreement)
    loan_news.tell_both(agreement, "closed")
