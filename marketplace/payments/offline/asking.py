"""Asks a payer to pay by hand, and ends such a request; no money moves here."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from marketplace import clock
from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.errors import Refused
from marketplace.jobs.service import enqueue
from marketplace.money import Money
from marketplace.payments.attempts import mark, move, new_key
from marketplace.payments.models import Payment, PaymentAttempt, SavedMethod
from marketplace.payments.offline import notices
from marketplace.payments.offline.models import OfflineReceipt, OfflineRequest
from marketplace.payments.offline.returns import send_back
from marketplace.runtime import announce
from marketplace.settings.service import get

GATEWAYS = ("offline", "direct")
"""Names of those who take money without a provider; their attempts are never sent anywhere."""


def by_hand(method: Any) -> bool:
    """Tell whether a method, or a try, is one without a provider."""
    return method.gateway in GATEWAYS


def ask(payment: Payment, method: SavedMethod, carried: int = 0) -> OfflineRequest:
    """Write the request for a locked payment that is due, and tell the payer where to pay, with which reference, by when.

    `carried` (minor units) is what had come in for a request that this one replaces.
    """
    request = _write(payment, method, carried)
    notices.asked(payment, request)
    return request


def _write(payment: Payment, method: SavedMethod, carried: int = 0) -> OfflineRequest:
    at = clock.now()
    attempt = PaymentAttempt(
        kind="charge", gateway=method.gateway, user_id=payment.payer_id, payment_id=payment.id, key=new_key(), state="open",
        params={"amount_minor": payment.amount_minor, "currency": payment.currency, "method": method.ref},
        created_at=at, updated_at=at,
    )  # fmt: skip
    db.session.add(attempt)
    db.session.flush()
    pay_by = at + timedelta(days=int(get("offline.days")))
    request = OfflineRequest(
        payment_id=payment.id, attempt_id=attempt.id, kind=method.kind, amount_minor=payment.amount_minor,
        currency=payment.currency, state="open", pay_by=pay_by, received_minor=carried, carried_minor=carried,
        ends_at=pay_by + timedelta(days=int(get("offline.grace_days"))), created_at=at, updated_at=at,
    )  # fmt: skip
    if method.kind == "bank_transfer":
        request.account, request.holder = notices.destination()
    db.session.add(request)
    db.session.flush()
    attempt.ref = f"offline_{request.id}"
    mark(attempt, "needs_payer", "paid_by_hand")
    move(payment, "awaiting")
    db.session.flush()
    return request


def begin(payment: Payment, method: SavedMethod) -> None:
    """Ask for a locked payment that is due: tell its agreement, then its payer, with the agreement's deadline if it is sooner."""
    request = _write(payment, method)
    announce("payment_changed", payment=payment, change="awaiting")
    if request.state == "open":  # its agreement may have ended at the news
        _keep_within(request, db.session.get_one(Agreement, payment.agreement_id))
        notices.asked(payment, request)


def _keep_within(request: OfflineRequest, agreement: Agreement) -> None:
    """End a request with the agreement that waits for it, as a loan that begins before: two dates for one end mislead."""
    if agreement.phase == "proposed" and agreement.waits_until is not None:
        request.ends_at = min(request.ends_at, agreement.waits_until)
        request.pay_by = min(request.pay_by, request.ends_at)
        db.session.flush()


def strategy(allowed: str) -> str:
    """Give the strategy under which a payment by hand runs: the payer is asked when the money is due, as for a saved card.

    Raises Refused (field "method") where an amount has to be set aside, which only a card can do.
    """
    if "save_and_charge" not in allowed.split(","):
        raise Refused(_("This can't be paid that way. Choose another way to pay."), field="method", code="method_unfit")
    return "save_and_charge"


def give_way(payment: Payment) -> None:
    """End the open request of a locked payment whose payer chooses another way; raises Refused once a part came in."""
    request = open_request(payment.id)
    if request is None:
        return
    if request.received_minor or undecided(request.id):
        raise Refused(_("A part of this came in already. Pay the rest in the same way."), code="payment_state")
    close(db.session.get_one(PaymentAttempt, request.attempt_id, populate_existing=True))


def open_request(payment_id: int) -> OfflineRequest | None:
    """Give the request that a payer has not paid yet."""
    wanted = select(OfflineRequest).where(OfflineRequest.payment_id == payment_id, OfflineRequest.state == "open")
    return db.session.scalars(wanted.execution_options(populate_existing=True)).one_or_none()


def newest_request(payment_id: int) -> OfflineRequest | None:
    """Give the newest request of a payment, open or not."""
    wanted = select(OfflineRequest).where(OfflineRequest.payment_id == payment_id).order_by(OfflineRequest.id.desc())
    return db.session.scalars(wanted.limit(1).execution_options(populate_existing=True)).one_or_none()


def close(attempt: PaymentAttempt) -> None:
    """End the request of an attempt under its payment's lock; what had come in goes back, as a task for an operator."""
    if attempt.state != "needs_payer":
        return
    request = db.session.scalars(select(OfflineRequest).where(OfflineRequest.attempt_id == attempt.id)).one()
    request.state, request.updated_at = "closed", clock.now()
    mark(attempt, "closed", "cancelled")
    if request.received_minor:
        mark(attempt, "surplus", "cancelled")
        send_back(
            request, Money(request.received_minor, request.currency), "the request ended before it was paid in full"
        )


def undecided(request_id: int) -> bool:
    """Tell whether a receipt of this request waits for a second pair of eyes."""
    waiting = select(OfflineReceipt.id).where(
        OfflineReceipt.request_id == request_id, OfflineReceipt.state == "entered"
    )
    return db.session.scalar(waiting.limit(1)) is not None


def ring_overdue(request_id: int) -> None:
    """Ask for a look at a request whose time is over."""
    enqueue("payments.overdue", {"request": request_id}, key=f"payments.overdue:{request_id}")
