"""The rent of a loan: asked for, given back as the terms say, divided and paid out once the loan has ended."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from marketplace.api import (
    Agreement,
    Money,
    Refused,
    clock,
    db,
    payments,
)
from plugins.sharing.item import bundles
from plugins.sharing.loan import deposits, handovers, loan_news, loan_terms, loan_units, one_price, quoting
from plugins.sharing.loan.booking_models import Loan
from plugins.sharing.moving import move
from plugins.sharing.slot.refusals import HoldExpired, SlotTaken

RENT, EXTENSION, USE, DEPOSIT, CLAIM = "rent", "extension", "loan_use", "deposit", "claim"
PRICE = (RENT, EXTENSION, USE)
"""What is paid for the use; the platform's fee is taken of it, and of nothing else."""

PAID_BY = (payments.Strategy.SAVE_AND_CHARGE, payments.Strategy.CHARGE_AND_REFUND)
"""A card is saved and charged at once; what can't be saved is paid at once on the bank's page."""

WAITING = ("paying", "clearing")
ENDED = ("completed", "cancelled", "failed")
DISPUTES = ("dispute_won", "dispute_lost")


def ask(agreement: Agreement, loan: Loan) -> None:
    """Ask for the rent and for what secures the deposit; once each."""
    if agreement.amount is not None and agreement.amount.minor and loan.payment_id is None:
        loan.payment_id = payments.request_payment(agreement, RENT, agreement.amount, strategies=PAID_BY).id
    deposits.ask(agreement, loan)
    db.session.flush()


DONE = ("ready", "charging", "processing", "succeeded", "cancelled")
"""States of a payment in which its payer has nothing to do: a card that is given is charged in the next seconds."""


class ToPay(NamedTuple):
    """What a borrower pays or secures now: where, and for which purpose."""

    path: str
    purpose: str


def to_pay(loan: Loan) -> ToPay | None:
    """Say what the borrower pays, gives a card for or approves at the bank now: rent, then deposit, then more time, or None."""
    if loan.payment_id is not None and payments.get(loan.payment_id).state not in DONE:
        return ToPay(f"/pay/{loan.payment_id}", RENT)
    if loan.deposit_payment_id is not None and (loan.deposit_state in ("wanted", "refused") or bank_asks(loan)):
        return ToPay(f"/pay/{loan.deposit_payment_id}", DEPOSIT)
    more = more_time(loan)
    return ToPay(f"/pay/{more.id}", EXTENSION) if more is not None else None


def pay_path(loan: Loan) -> str | None:
    """Give where the borrower pays now, or None."""
    wanted = to_pay(loan)
    return wanted.path if wanted is not None else None


def more_time(loan: Loan) -> Any | None:
    """Give the first payment for more time that its payer has to see to, as after a refusal; None without one."""
    agreement = db.session.get_one(Agreement, loan.agreement_id)
    if agreement.terms_version == 1:
        return None  # no time was added
    made = payments.payments_of(agreement)
    return next((one for one in made if one.purpose == EXTENSION and one.state not in DONE), None)


def bank_asks(loan: Loan) -> bool:
    """Tell whether the bank holds the deposit only once the borrower approves."""
    if loan.deposit_payment_id is None or loan.deposit_state != "asked":
        return False
    return payments.get(loan.deposit_payment_id).state == "action_required"


def on_payment(payment: Any, change: str) -> None:
    """Move a loan as its payments move, inside the payment's own transaction."""
    if payment.purpose not in (*PRICE, DEPOSIT, CLAIM):
        return  # every plugin hears of every payment
    loan = db.session.get(Loan, payment.agreement_id)
    if loan is None:
        return
    agreement = db.session.get_one(Agreement, payment.agreement_id)  # payments has locked it
    if payment.purpose == DEPOSIT:
        deposits.on_payment(agreement, loan, payment, change)
    elif payment.purpose == RENT:
        _on_rent(agreement, loan, payment, change)
    elif change == "method_saved" and payment.due_at is None and payment.state == "ready":
        payments.charge(payment)  # where no card was known when it was asked for; else its charge goes on by itself
    elif change in ("given_up", "overdue"):
        loan_news.tell_lender(agreement, "unpaid", amount=payment.amount)
    if agreement.phase in ENDED and change in ("succeeded", "given_up", *DISPUTES):
        settle_all(agreement)
    elif payment.purpose == DEPOSIT and agreement.state in WAITING:
        ready(agreement, loan)


def _on_rent(agreement: Agreement, loan: Loan, payment: Any, change: str) -> None:
    match change:
        case "method_saved" if agreement.state == "paying":
            deposits.share_method(loan, payment)
            payments.charge(payment)
        case "processing" | "awaiting" if agreement.state == "paying":
            move(agreement.id, "bank_at_work")
        case "succeeded" if agreement.state in WAITING:
            ready(agreement, loan)
        case "succeeded" if agreement.phase in ("cancelled", "failed") and payment.kept.minor:
            payments.refund(payment, payment.kept, reason="loan_ended")
        case "declined" if agreement.state == "clearing":
            move(agreement.id, "pay_again")
        case "given_up" | "overdue" if agreement.state in WAITING:
            move(agreement.id, "lapse")


def ready(agreement: Agreement, loan: Loan) -> None:
    """Agree on a loan once its rent is paid and its deposit secured; a slot that is gone meanwhile gives the money back."""
    if not one_price.is_paid(loan) or agreement.state not in WAITING:
        return
    try:
        loan_units.confirm(loan)  # also while a card for the deposit is looked for: what is paid is not given away
    except (HoldExpired, SlotTaken):
        loan_news.tell_member(agreement, "slot_gone")
        move(agreement.id, "lapse")
        return
    if loan.deposit_state == "wanted":
        agreement.waits_until = max(agreement.waits_until or clock.now(), clock.now() + timedelta(minutes=30))
        return
    move(agreement.id, "confirm")


def give_back(agreement: Agreement, percent: int) -> Money | None:
    """Refund so many per cent of the rent, or let go of what was not taken yet; gives what goes back, if anything."""
    total: Money | None = None
    for payment in _prices(agreement):
        if payment.state != "succeeded":
            payments.cancel_payment(payment)
    for payment, back in backs(agreement, percent):
        if back.minor:
            payments.refund(payment, back, reason="loan_cancelled")
            total = back if total is None else total + back
    return total


def backs(agreement: Agreement, percent: int) -> list[tuple[Any, Money]]:
    """Give what of each payment of the price comes back at so many per cent; never more than is kept of it."""
    return [
        (payment, min(payment.amount.percent(Decimal(percent)), payment.kept, key=lambda amount: amount.minor))
        for payment in _prices(agreement)
        if payment.state == "succeeded"
    ]


def kept_of(agreement: Agreement) -> Money:
    """Give what is kept of the price now, over all its payments."""
    paid = [payment.kept for payment in _prices(agreement) if payment.state == "succeeded"]
    return sum(paid, Money(0, agreement.terms["currency"]))


def _prices(agreement: Agreement) -> list[Any]:
    return [one for one in payments.payments_of(agreement) if one.purpose in PRICE and one.state != "cancelled"]


def charge_more(agreement: Agreement, loan: Loan, purpose: str, more: Money) -> None:
    """Ask for more than was agreed at first, on the same card where there is one; what is too little to be paid is waived."""
    if more < payments.least(loan.currency) or loan.payment_id is None:
        return
    added = payments.request_payment(agreement, purpose, more, strategies=PAID_BY)
    method_id = payments.get(loan.payment_id).method_id
    if method_id is not None:
        with suppress(Refused):  # else it is chosen on the page for paying
            payments.use_saved_method(added, method_id)
            payments.charge(added)


def charge_use(agreement: Agreement, loan: Loan) -> None:
    """Charge what meters counted between hand-over and return, by the frozen price list, as both sides' records stand."""
    tariff_id = agreement.terms["tariff_id"]
    went, came = handovers.standing_of(loan.agreement_id, "out"), handovers.standing_of(loan.agreement_id, "in")
    if tariff_id is None or went is None or came is None:
        return
    used = {
        name: max(Decimal(value) - Decimal(went.readings[name]), Decimal(0))
        for name, value in came.readings.items()
        if name in went.readings
    }
    more = quoting.use_price(loan, tariff_id, used)
    charge_more(agreement, loan, USE, more)


def _others(agreement: Agreement, payment: Any, fees: list[payments.Fee]) -> dict[int, Money]:
    """Give what goes to the other owners of a bundle; what its maker has in hand, in cash, is shared out by hand."""
    parts = agreement.terms.get("parts")
    if not parts or payment.purpose not in PRICE or payment.gateway == "direct":
        return {}
    return bundles.divide(payments.after_fees(payment, fees), parts, agreement.owner_id)


def settle_all(agreement: Agreement) -> None:
    """Divide what was kept of an ended loan's payments and pay the lender; what a bank disputes waits for its decision."""
    earned = False
    for payment in payments.payments_of(agreement):
        if payment.state != "succeeded" or payment.settled_at is not None or not payment.kept.minor:
            continue
        fees = loan_terms.platform_fee(agreement.terms, payment.kept) if payment.purpose in PRICE else []
        try:
            payments.settle(payment, fees, _others(agreement, payment, fees))
        except Refused:  # disputed: the news of the decision brings us here again
            continue
        earned = True
    loan = db.session.get_one(Loan, agreement.id)
    if earned:
        for owner_id in sorted({agreement.owner_id, *map(int, agreement.terms.get("parts", ()))}):
            payments.pay_out(owner_id, loan.currency)
    if loan.settled_at is None and deposits.over(loan):
        loan.settled_at = clock.now()
    db.session.flush()
