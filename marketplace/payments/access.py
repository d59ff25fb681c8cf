"""Who may see a payment, and who may pay it."""

from __future__ import annotations

from typing import Any

from marketplace.access import is_operator, rule
from marketplace.payments.models import Payment


def _is(user: Any, member_id: int) -> bool:
    return user is not None and user.is_authenticated and user.id == member_id


@rule("payment.see")
def _see(user: Any, payment: Payment) -> bool:
    """The two parties and operators; for everybody else it does not exist."""
    return _is(user, payment.payer_id) or _is(user, payment.payee_id) or is_operator(user)


@rule("payment.pay")
def _pay(user: Any, payment: Payment) -> bool:
    return _is(user, payment.payer_id) and bool(user.is_active)


@rule("payment.refund")
def _refund(user: Any, _payment: Payment) -> bool:
    return is_operator(user)
