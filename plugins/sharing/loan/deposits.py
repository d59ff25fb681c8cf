"""The deposit of a loan: promised, a saved card, or an amount held; taken in part once, let go once, whatever comes twice."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from marketplace.api import Agreement, DomainError, Money, Refused, clock, db, payments
from plugins.sharing.loan import loan_news
from plugins.sharing.loan.booking_models import Loan

HOLD_BEFORE = timedelta(hours=24)
"""A deposit is held from so long before the start: holds of cards last a week or so."""

HOLD_AFTER = timedelta(days=3)
"""And until so long after the end, so that claims can still be settled from it."""

HOLD = payments.Strategy.HOLD
SAVE = payments.Strategy.SAVE_AND_CHARGE
ENDED = ("none", "captured", "released")
NOT_HELD = ("saved", "uncovered", "refused", "let_go")
STANDING = ("held", "ending")
NEWS_TO_ACT_ON = ("method_saved", "held", "hold_renewed", "hold_lost", "hold_refused")
"""After these a decided deposit is tried anew; not after a refused charge, whose next try payments plans itself."""


def money(loan: Loan) -> Money:
    """Give the deposit."""
    return Money(loan.deposit_minor, loan.currency)


def over(loan: Loan) -> bool:
    """Tell whether nothing of the deposit is open any more, be it that the bank refused to the last what should be taken."""
    return loan.deposit_state in ENDED or (loan.deposit_state == "refused" and loan.deposit_take_minor is not None)


def hold_until(loan: Loan) -> datetime:
    """Give until when the deposit should be held (UTC)."""
    return loan.ends_at + HOLD_AFTER


def ask(agreement: Agreement, loan: Loan) -> None:
    """Ask for a card, where the deposit needs one; once."""
    if loan.deposit_kind not in ("card", "held") or loan.deposit_payment_id is not None:
        return
    ways = (HOLD,) if loan.deposit_kind == "held" else (SAVE,)
    loan.deposit_payment_id = payments.request_payment(agreement, "deposit", money(loan), strategies=ways).id
    db.session.flush()


def share_method(loan: Loan, rent: Any) -> None:
    """Use the card that pays the rent for the deposit too, if it is fit for that."""
    if loan.deposit_payment_id is None or loan.deposit_state != "wanted" or rent.method_id is None:
        return
    with suppress(DomainError):  # a bank account can't hold an amount: the borrower is asked for a card
        payments.use_saved_method(payments.get(loan.deposit_payment_id), rent.method_id)


def on_payment(agreement: Agreement, loan: Loan, payment: Any, change: str) -> None:
    """Follow the deposit's payment."""
    match change:
        case "method_saved" if loan.deposit_state in ("wanted", *NOT_HELD):
            _card_given(agreement, loan, payment)
        case "held" | "hold_renewed":
            _set(loan, "held")
        case "hold_ending" if loan.deposit_state in STANDING:
            _set(loan, "ending")
            loan_news.tell_lender(agreement, "deposit_ending")
        case "hold_lost":
            _lost(agreement, loan)
        case "declined" | "given_up" if loan.deposit_state == "asked":
            _set(loan, "refused")
            loan_news.tell_lender(agreement, "deposit_refused")
            change = "hold_refused"
        case "given_up" if loan.deposit_state == "taking":
            _set(loan, "refused")
            loan_news.tell_lender(agreement, "unpaid", amount=payment.amount)
        case "succeeded" if loan.deposit_state != "captured":
            _set(loan, "captured")
    if loan.deposit_take_minor is not None and change in NEWS_TO_ACT_ON:
        carry_out(agreement, loan)


def _card_given(agreement: Agreement, loan: Loan, payment: Any) -> None:
    _set(loan, "saved")
    if loan.deposit_kind != "held" or loan.deposit_take_minor is not None:
        return
    method = db.session.get_one(payments.SavedMethod, payment.method_id)
    if not payments.hold_coverage(method, hold_until(loan)).covers:
        _set(loan, "uncovered")
        loan_news.tell_lender(agreement, "deposit_uncovered")
    elif agreement.state == "active" or (agreement.state == "agreed" and due(loan)):
        hold(loan)


def due(loan: Loan) -> bool:
    """Tell whether it is time to hold the deposit."""
    return clock.now() >= loan.starts_at - HOLD_BEFORE


def look_ahead(_agreement: Agreement, loan: Loan) -> None:
    """Hold the deposit of a loan that was just agreed on and begins soon; others wait for the sweep."""
    if loan.deposit_kind == "held" and loan.deposit_state == "saved" and due(loan):
        hold(loan)


def hold(loan: Loan) -> None:
    """Ask the bank to hold the deposit until a while after the end; asking twice holds once."""
    if loan.deposit_payment_id is None or loan.deposit_take_minor is not None:
        return
    try:
        payments.hold(payments.get(loan.deposit_payment_id), hold_until(loan))
    except Refused:
        _set(loan, "uncovered")
        agreement = db.session.get_one(Agreement, loan.agreement_id)
        loan_news.tell_lender(agreement, "deposit_uncovered")
        return
    _set(loan, "asked")


def prolong(loan: Loan) -> None:
    """Let a hold that stands last as long as an extended loan."""
    if loan.deposit_payment_id is None or loan.deposit_state not in (*STANDING, "asked"):
        return
    try:
        payments.prolong_hold(payments.get(loan.deposit_payment_id), hold_until(loan))
    except Refused:
        _set(loan, "ending")
        loan_news.tell_lender(db.session.get_one(Agreement, loan.agreement_id), "deposit_ending")


def _lost(agreement: Agreement, loan: Loan) -> None:
    if loan.deposit_state in ENDED or loan.deposit_take_minor == 0:
        return
    _set(loan, "let_go")
    loan_news.tell_lender(agreement, "deposit_let_go")


def decide(agreement: Agreement, loan: Loan, take_minor: int) -> None:
    """Decide once how much of the deposit is taken (minor units; 0 lets go of all of it), and carry it out."""
    if loan.deposit_take_minor is not None or loan.deposit_state == "none":
        return
    loan.deposit_take_minor = take_minor
    db.session.flush()
    carry_out(agreement, loan)


def carry_out(agreement: Agreement, loan: Loan) -> None:
    """Do what was decided, as far as the bank lets us; run again it changes nothing."""
    take = loan.deposit_take_minor
    if take is None or loan.deposit_state in ENDED:
        return
    if loan.deposit_payment_id is None:
        _set(loan, "released" if not take else "captured")  # a promise: what is owed is asked for by itself
        return
    payment = payments.get(loan.deposit_payment_id)
    if not take:
        payments.cancel_payment(payment)
        was_held = loan.deposit_state in STANDING
        _set(loan, "released")
        if was_held:
            loan_news.tell_member(agreement, "deposit_released", amount=money(loan))
    elif payment.state == "held":
        _set(loan, "taking")
        payments.capture(payment, Money(take, loan.currency))
    elif loan.deposit_state != "taking" and payment.state in ("ready", "declined") and payment.method_id is not None:
        _set(loan, "taking")
        payments.change_amount(payment, Money(take, loan.currency))
        payments.charge(payment)


def _set(loan: Loan, state: str) -> None:
    if loan.deposit_state not in ("captured", "released"):
        loan.deposit_state = state
        db.session.flush()
