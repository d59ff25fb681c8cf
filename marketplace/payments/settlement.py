"""Divides what was charged: the payee's earnings, the platform's fees, and the pay-out of what was earned."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, func, select, update

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.errors import Refused
from marketplace.jobs.service import enqueue_many
from marketplace.money import Money
from marketplace.payments import bookings, notices
from marketplace.payments.attempts import live_attempt, locked, open_attempt
from marketplace.payments.bookings import Fee
from marketplace.payments.errands import Errand, carry_out, errand
from marketplace.payments.gateway import gateway_name
from marketplace.payments.models import Payment, Payout, PayoutAccount
from marketplace.payments.orders import TransferOrder
from marketplace.payments.payees import account_of
from marketplace.payments.subjects import title_of


def settle(payment: Payment, fee: Money | Sequence[Fee] = ()) -> Payment:
    """Divide what was kept of a charged payment into the platform's fees and the payee's earnings, once.

    Asking again changes nothing. Raises Refused before the charge; ValueError for fees that exceed what was kept.
    """
    fees = [Fee("platform fee", fee)] if isinstance(fee, Money) else list(fee)
    with transaction():
        payment = locked(payment.id)
        if payment.settled_at is not None:
            return payment
        attempt = live_attempt("charge", payment.id)
        if payment.state != "succeeded" or attempt is None or attempt.ref is None:
            raise Refused(_("This was not charged yet."), code="payment_state")
        earned = payment.kept
        for one in fees:
            earned = earned - one.amount
        if earned.minor < 0 or any(one.amount.minor < 0 for one in fees):
            raise ValueError(f"fees of payment {payment.id} exceed the {payment.kept} that was kept")
        payment.settled_at = payment.updated_at = clock.now()
        payment.earned_minor = earned.minor
        db.session.flush()
        bookings.settled(payment, attempt.ref, earned, fees)
    return payment


def pay_out(user_id: int, currency: str) -> Payout | None:
    """Send a member everything that was earned in a currency and not sent yet; None when there is nothing.

    Waits, and tells the member, until the member has an account at the gateway. What is earned while a pay-out is under
    way follows by itself.
    """
    with transaction():
        payout = _live(user_id, currency)
        if payout is not None and payout.state == "sending":
            return payout
        total = db.session.scalar(select(func.sum(Payment.earned_minor)).where(*_unsent(user_id, currency))) or 0
        if not total:
            return payout
        account = account_of(user_id)
        fresh = payout is None
        payout = payout or _new(user_id, currency, int(total))
        payout.amount_minor = int(total)
        payout.updated_at = clock.now()
        if account is not None and account.transfers_enabled:
            _start(payout, account)
        elif fresh:
            notices.account_needed(payout)
        db.session.flush()
    return payout


def _unsent(user_id: int, currency: str) -> tuple[ColumnElement[bool], ...]:
    return (
        Payment.payee_id == user_id,
        Payment.currency == currency,
        Payment.settled_at.is_not(None),
        Payment.payout_id.is_(None),
        Payment.earned_minor > 0,
    )


def _live(user_id: int, currency: str) -> Payout | None:
    statement = (
        select(Payout)
        .where(Payout.user_id == user_id, Payout.currency == currency, Payout.state != "paid")
        .with_for_update()
    )
    return db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()


def _new(user_id: int, currency: str, total: int) -> Payout:
    at = clock.now()
    payout = Payout(
        user_id=user_id, gateway=gateway_name(), amount_minor=total, currency=currency, state="waiting_account",
        created_at=at, updated_at=at,
    )  # fmt: skip
    db.session.add(payout)
    db.session.flush()
    return payout


def _start(payout: Payout, account: PayoutAccount) -> None:
    """Bind what was earned to this pay-out; from here on no refund can be taken out of it."""
    bound = db.session.execute(
        update(Payment)
        .where(*_unsent(payout.user_id, payout.currency))
        .values(payout_id=payout.id)
        .returning(Payment.id, Payment.earned_minor)
        .execution_options(synchronize_session=False)
    ).all()
    payout.account_id = account.id
    payout.state = "sending"
    payout.amount_minor = sum(row.earned_minor for row in bound)
    enqueue_many("payments.transfer", [{"payment": row.id} for row in bound])


def run_transfer(payment_id: int) -> None:
    """Send one payment's earnings to its payee; does nothing when they were sent."""
    job = _prepare(payment_id)
    if job is not None:
        carry_out(job)


def _prepare(payment_id: int) -> Errand | None:
    with transaction():
        payment = locked(payment_id)
        if payment.payout_id is None or payment.transferred_at is not None or not payment.source_ref:
            return None
        live = live_attempt("transfer", payment.id)
        if live is not None:
            return errand(live) if live.state in ("open", "unknown") else None
        payout = db.session.get_one(Payout, payment.payout_id)
        account = db.session.get_one(PayoutAccount, payout.account_id)
        order = TransferOrder(
            amount_minor=payment.earned_minor,
            currency=payment.currency,
            account=account.ref,
            source=payment.source_ref,
            group=f"agreement-{payment.agreement_id}",
            description=title_of(payment)[:200],
        )
        return errand(open_attempt("transfer", order, user_id=payment.payee_id, payment_id=payment.id))
