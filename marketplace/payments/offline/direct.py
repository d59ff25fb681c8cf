"""Cash that one member took straight from another: settled by book-keeping alone, the platform's fee becoming a debt."""

from __future__ import annotations

from marketplace.database import db
from marketplace.money import Money
from marketplace.payments import debts
from marketplace.payments.models import Payment
from marketplace.payments.offline import books


def kept(payment: Payment, ref: str, earned: Money) -> None:
    """Note at its settlement that the payee has had all of a payment: the earnings are paid out, the rest is owed to us.

    Joins the settlement's transaction. The debt is kept from what the payee earns later by other ways, or repaid.
    """
    owed = payment.kept - earned
    payment.payable_minor = 0
    db.session.flush()
    books.kept_by_payee(payment, ref, earned, owed)
    if owed:
        debts.owe(payment, owed.minor, fee=True)


def take_back(payment: Payment, ref: str) -> None:
    """Undo `kept`, because the payee had not got the money; before the settlement itself is undone.

    Joins the caller's transaction. Raises Refused when the fee that was owed for it was paid meanwhile, or written off.
    """
    debts.let_go(payment)
    books.not_kept(ref)
