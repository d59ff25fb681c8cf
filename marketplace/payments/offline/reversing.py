"""Undoes a receipt that was wrong: as far as the money it claimed has not gone on to somebody else."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import exists, select

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.errors import Refused
from marketplace.payments import shares
from marketplace.payments.attempts import mark, move
from marketplace.payments.billing import asks, fee_lines
from marketplace.payments.models import Payment, PaymentAttempt, Refund, SavedMethod
from marketplace.payments.offline import books, direct
from marketplace.payments.offline.asking import ask, newest_request
from marketplace.payments.offline.models import BankOrder, OfflineReceipt, OfflineRequest
from marketplace.payments.offline.receipts import end, locked_receipt
from marketplace.payments.offline.returns import withdraw
from marketplace.payments.payout_models import PayoutPart
from marketplace.runtime import announce


def reverse(receipt_id: int, actor_id: int, reason: str) -> OfflineReceipt:
    """Undo a confirmed receipt with a reason; a payment that it completed waits again, with a new request and deadline.

    Raises Refused when the money was refunded or paid out meanwhile: then it is the receiver who owes it.
    """
    with transaction():
        payment, request, receipt = locked_receipt(receipt_id)
        if receipt.state != "confirmed":
            raise Refused(_("Only what was confirmed can be reversed."), code="receipt_state")
        if request.state == "closed" and request.received_minor < receipt.amount_minor:
            request = newest_request(payment.id) or request  # it was carried over to the request after it
        _take_back_returns(request, receipt)
        left = request.received_minor - receipt.amount_minor
        short = request.state == "paid" and left < request.amount_minor
        if short:
            _unsettle(payment, request)
        books.receipt_reversed(receipt)
        request.state = "closed" if short else request.state
        request.received_minor, request.updated_at = (0 if short else left), clock.now()
        db.session.flush()
        if short:
            _ask_again(payment, request, left)
        end(receipt, "reversed", actor_id, reason)
        if short:
            announce("payment_changed", payment=payment, change="reverted")
    return receipt


def _take_back_returns(request: OfflineRequest, receipt: OfflineReceipt) -> None:
    """Withdraw what was to be sent back of this request's money, for it is not there; raises Refused when it is gone."""
    if request.state == "open":
        return
    orders = db.session.execute(
        select(BankOrder, Refund)
        .join(Refund, Refund.id == BankOrder.refund_id)
        .where(Refund.charge_ref == f"offline_{request.id}", Refund.surplus, Refund.state == "waiting")
        .order_by(BankOrder.id.desc())
        .with_for_update()
    ).all()
    surplus = request.received_minor - (request.amount_minor if request.state == "paid" else 0)
    wanted = min(surplus, receipt.amount_minor)
    for order, refund in orders:
        if wanted <= 0:
            return
        if order.amount_minor > wanted:
            raise Refused(
                _("This money is to be sent back together with other money; do that first."), code="order_state"
            )
        withdraw(order)
        refund.state, refund.updated_at = "failed", clock.now()
        wanted -= order.amount_minor
    if wanted > 0:
        raise Refused(_("This money was sent back already."), code="order_state")


def _unsettle(payment: Payment, request: OfflineRequest) -> None:
    """Undo the settlement of a payment whose money is not there; raises Refused when some of it has gone on."""
    gone = exists().where(PayoutPart.payment_id == payment.id, PayoutPart.state != "withdrawn")
    shared = shares.of(payment.id)
    if payment.refunded_minor or db.session.scalar(select(gone)) or shared:
        raise Refused(
            _("This money was refunded or paid out meanwhile, so the receipt stands. Ask the receiver to pay it back."),
            code="payment_state",
        )
    if payment.settled_at is not None:
        if payment.gateway == "direct":
            direct.take_back(payment, f"offline_{request.id}")
        elif payment.payable_minor != payment.earned_minor:
            raise Refused(_("Some of the earnings were kept for something else."), code="payment_state")
        books.unsettled(f"offline_{request.id}")
        fee_lines.undo(payment)
        payment.earned_minor = payment.payable_minor = 0
        payment.settled_at = None


def _ask_again(payment: Payment, request: OfflineRequest, carried: int) -> None:
    attempt = db.session.get_one(PaymentAttempt, request.attempt_id, populate_existing=True)
    asks.credit_charge(attempt)
    mark(attempt, "closed", "reversed")
    payment.gateway, payment.charged_at, payment.settled_at = None, None, None
    move(payment, "ready")
    db.session.flush()
    ask(payment, db.session.get_one(SavedMethod, payment.method_id), carried)
