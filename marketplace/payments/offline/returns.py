"""Money that goes back by hand: a task for an operator (or for the payee who has the cash), and what is done when it was done."""

from __future__ import annotations

from datetime import date

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, select

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.errors import NotFound, Refused
from marketplace.money import Money
from marketplace.payments import burdens
from marketplace.payments.attempts import locked
from marketplace.payments.billing import asks
from marketplace.payments.models import Payment, PaymentAttempt, Refund
from marketplace.payments.offline import books, notices
from marketplace.payments.offline.details import account_of_member
from marketplace.payments.offline.limits import needs_two
from marketplace.payments.offline.models import BankOrder, OfflineReceipt, OfflineRequest
from marketplace.runtime import announce, runtime


def send_back(request: OfflineRequest, amount: Money, reason: str) -> Refund:
    """Plan the return of money that is not, or no longer, due; in the caller's transaction, under the payment's lock."""
    attempt = db.session.get_one(PaymentAttempt, request.attempt_id)
    at = clock.now()
    refund = Refund(
        payment_id=request.payment_id, gateway=attempt.gateway, charge_ref=str(attempt.ref), amount_minor=amount.minor,
        currency=amount.currency, surplus=True, reason=reason[:200], created_at=at, updated_at=at,
    )  # fmt: skip
    db.session.add(refund)
    db.session.flush()
    order_for(refund)
    return refund


def order_for(refund: Refund) -> BankOrder:
    """Give the task of a refund that people make by hand; written once."""
    known = db.session.scalars(select(BankOrder).where(BankOrder.refund_id == refund.id)).one_or_none()
    if known is not None:
        return known
    payer_id = db.session.scalars(select(Payment.payer_id).where(Payment.id == refund.payment_id)).one()
    account, holder = account_of_member(payer_id)
    newest = db.session.execute(
        select(OfflineReceipt.way, OfflineReceipt.payer_account)
        .join(OfflineRequest, OfflineRequest.id == OfflineReceipt.request_id)
        .where(OfflineRequest.payment_id == refund.payment_id, OfflineReceipt.state == "confirmed")
        .order_by(OfflineReceipt.id.desc())
        .limit(1)
    ).one_or_none()
    at, way = clock.now(), newest.way if newest else "bank"
    two_eyes = way != "owner" and needs_two(refund.amount)  # the limit guards our money, not the payee's purse
    order = BankOrder(
        refund_id=refund.id, user_id=payer_id, way=way, account=account or (newest.payer_account if newest else ""),
        holder=holder, amount_minor=refund.amount_minor, currency=refund.currency, state="waiting", two_eyes=two_eyes,
        created_at=at, updated_at=at,
    )  # fmt: skip
    db.session.add(order)
    db.session.flush()
    return order


def returned(order: BankOrder, actor_id: int, done_on: date, note: str) -> None:
    """Book under the payment's lock that the money of a refund was sent or handed back."""
    refund = db.session.get_one(Refund, order.refund_id, populate_existing=True)
    payment = db.session.get_one(Payment, refund.payment_id)
    finish(order, actor_id, done_on, note)
    burdens.fill_up(payment, refund)
    refund.state, refund.booked, refund.ref = "succeeded", True, f"order_{order.id}"
    refund.updated_at = clock.now()
    db.session.flush()
    books.sent_back(payment, refund, order.way)
    notices.sent_back(payment, refund.amount)
    if not refund.surplus:
        asks.bill_refund(refund)
        announce("payment_changed", payment=payment, change="refunded")


def finish(order: BankOrder, actor_id: int, done_on: date, note: str) -> None:
    """Note that an order was carried out; raises Refused when it was before, or needs a second pair of eyes."""
    if order.state not in ("waiting", "exported"):
        raise Refused(_("This was done already, or withdrawn."), code="order_state")
    if order.two_eyes and (order.exported_by is None or order.exported_by == actor_id):
        raise Refused(
            _("This is above the limit: one operator puts it on a list, and another one confirms it."), code="two_eyes"
        )
    if done_on > clock.today(runtime().settings.timezone):
        raise Refused(_("This day has not come yet."), field="done_on", code="date")
    order.state, order.done_on, order.done_by, order.note = "done", done_on, actor_id, note[:200]
    order.updated_at = clock.now()
    db.session.flush()


def returned_by_payee(refund_id: int, payee_id: int, done_on: date) -> None:
    """Take the payee's word that cash was handed back; raises NotFound for somebody else's."""
    with transaction():
        refund = db.session.get(Refund, refund_id)
        payment = locked(refund.payment_id) if refund is not None else None
        if payment is None or payment.payee_id != payee_id:
            raise NotFound(_("There is no such refund."))
        order = locked_order(BankOrder.refund_id == refund_id)
        if order.way != "owner":
            raise NotFound(_("There is no such refund."))
        returned(order, payee_id, done_on, "")


def locked_order(wanted: ColumnElement[bool]) -> BankOrder:
    """Give a bank order with its row locked, after its payment was; raises NotFound."""
    statement = select(BankOrder).where(wanted).with_for_update()
    order = db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()
    if order is None:
        raise NotFound(_("There is no such task."))
    return order


def withdraw(order: BankOrder) -> None:
    """Take a task back that nobody has carried out; raises Refused when somebody has, or is about to."""
    if order.state != "waiting":
        raise Refused(_("The money is on its way back already."), code="order_state")
    order.state, order.updated_at = "withdrawn", clock.now()
    db.session.flush()
