"""Sends the parts of a pay-out: one transfer each, out of the charge that brought the money."""

from __future__ import annotations

from sqlalchemy import or_, select

from marketplace.database import db, transaction
from marketplace.payments.attempts import locked, open_attempt
from marketplace.payments.errands import Errand, carry_out, errand
from marketplace.payments.models import LIVE, Payment, PaymentAttempt
from marketplace.payments.orders import TransferOrder
from marketplace.payments.payout_accounts import account_of
from marketplace.payments.payout_models import PayoutPart
from marketplace.payments.share_models import PaymentShare
from marketplace.payments.subjects import title_of


def run_transfer(part_id: int) -> None:
    """Send one part of a pay-out; does nothing when it was sent or withdrawn."""
    job = _prepare(part_id)
    if job is not None:
        carry_out(job)


def _prepare(part_id: int) -> Errand | None:
    with transaction():
        payment_id = db.session.scalar(select(PayoutPart.payment_id).where(PayoutPart.id == part_id))
        if payment_id is None:
            return None
        payment = locked(payment_id)
        part = db.session.get_one(PayoutPart, part_id, populate_existing=True)
        if part.state != "waiting" or not payment.source_ref:
            return None
        live = live_transfer(part.id)
        if live is not None:
            return errand(live) if live.state in ("open", "unknown") else None
        account = account_of(payment.payee_id)
        if account is None or not account.transfers_enabled:
            return None  # it waits: the account's own news rings this job again
        order = TransferOrder(
            amount_minor=part.amount_minor,
            currency=part.currency,
            account=account.ref,
            source=payment.source_ref if _fits(payment, part) else "",
            group=f"agreement-{payment.agreement_id}",
            description=title_of(payment)[:200],
        )
        return errand(open_attempt("transfer", order, user_id=payment.payee_id, payment_id=payment.id, part_id=part.id))


def _fits(payment: Payment, part: PayoutPart) -> bool:
    """Tell whether the charge still bears this transfer; more than it took can only come out of our balance."""
    of_id = db.session.scalar(select(PaymentShare.of_id).where(PaymentShare.payment_id == payment.id))
    whole = payment if of_id is None else db.session.get_one(Payment, of_id)
    shares = select(PaymentShare.payment_id).where(PaymentShare.of_id == whole.id)
    rows = db.session.execute(
        select(PayoutPart.amount_minor, PayoutPart.reversed_minor).where(
            or_(PayoutPart.payment_id == whole.id, PayoutPart.payment_id.in_(shares)), PayoutPart.state == "sent"
        )
    ).all()
    gone = sum(row.amount_minor - row.reversed_minor for row in rows)
    return bool(gone + part.amount_minor <= whole.amount_minor)


def live_transfer(part_id: int) -> PaymentAttempt | None:
    """Give the one attempt that sent a part or still may."""
    statement = select(PaymentAttempt).where(
        PaymentAttempt.kind == "transfer", PaymentAttempt.part_id == part_id, PaymentAttempt.state.in_(LIVE)
    )
    return db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()
