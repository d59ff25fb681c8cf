"""Money that came in by hand: entered by whoever saw it, confirmed by a second operator above the limit, and then booked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from flask_babel import gettext as _
from sqlalchemy import select

from marketplace import clock, display
from marketplace.admin import audit
from marketplace.database import db, transaction
from marketplace.errors import InvalidInput, NotFound, Refused
from marketplace.money import Money
from marketplace.payments.apply_charges import paid
from marketplace.payments.attempts import locked
from marketplace.payments.limits import MAXIMUM
from marketplace.payments.models import Payment, PaymentAttempt
from marketplace.payments.offline import books, notices
from marketplace.payments.offline.limits import needs_two
from marketplace.payments.offline.methods import WAYS
from marketplace.payments.offline.models import OfflineReceipt, OfflineRequest
from marketplace.payments.offline.returns import send_back
from marketplace.runtime import announce, runtime

EARLIEST = timedelta(days=366)
"""How long before a request its money may have come: somebody pays early, and nobody means the year 1990."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What somebody saw come in: how much, on which day, how, and what identifies it; `nonce` makes it count once."""

    amount: Money
    received_on: date
    nonce: str
    way: str = ""
    payer_account: str = ""
    note: str = ""


def enter(request_id: int, seen: Seen, actor_id: int, *, payee: bool = False) -> OfflineReceipt:
    """Enter what came in for a request; it counts at once unless a second operator has to confirm it.

    `payee` says that the one who enters it is the receiver of cash, whose word counts alone: it is against his own interest.
    Less than was asked for waits for the rest, more goes back, and what comes for an ended request goes back whole. Entered
    twice with one nonce it is one receipt. Raises NotFound, InvalidInput.
    """
    with transaction() as session:
        payment, request = _locked(request_id)
        known = session.scalars(select(OfflineReceipt).where(OfflineReceipt.nonce == seen.nonce)).one_or_none()
        if known is not None:
            return known
        way = _checked(request, seen, payee=payee)
        receipt = OfflineReceipt(
            request_id=request.id, way=way, amount_minor=seen.amount.minor, currency=seen.amount.currency,
            received_on=seen.received_on, payer_account=seen.payer_account[:34], note=seen.note.strip()[:200],
            nonce=seen.nonce, two_eyes=not payee and needs_two(seen.amount), state="entered", entered_by=actor_id,
            entered_at=clock.now(),
        )  # fmt: skip
        session.add(receipt)
        session.flush()
        _record(receipt, "receipt.entered", actor_id)
        if not receipt.two_eyes:
            _count(payment, request, receipt, actor_id)
    return receipt


def _checked(request: OfflineRequest, seen: Seen, *, payee: bool) -> str:
    """Give the way the money came; raises InvalidInput for what can't be."""
    way = seen.way or WAYS[request.kind]
    faults = {}
    if seen.amount.currency != request.currency or seen.amount.minor <= 0:
        faults["amount"] = _("Enter an amount of %(currency)s.", currency=request.currency)
    elif seen.amount.minor > MAXIMUM:
        most = display.money(MAXIMUM, request.currency, exact=True)
        faults["amount"] = _("The most that can be booked at once is %(amount)s.", amount=most)
    if seen.received_on > clock.today(runtime().settings.timezone):
        faults["received_on"] = _("This day has not come yet.")
    elif seen.received_on < (request.created_at - EARLIEST).date():
        faults["received_on"] = _("This day is more than a year before the payment was asked for.")
    if (way == "owner") != (request.kind == "cash_owner") or (payee and way != "owner"):
        faults["way"] = _("Money for this payment does not come in like that.")
    if faults:
        raise InvalidInput(faults)
    return way


def confirm(receipt_id: int, actor_id: int, reason: str = "") -> OfflineReceipt:
    """Let a second operator confirm what the first entered; raises Refused for the same person, and when it was decided."""
    with transaction():
        payment, request, receipt = locked_receipt(receipt_id)
        if receipt.state != "entered":
            raise Refused(_("This was decided already."), code="receipt_state")
        if receipt.two_eyes and receipt.entered_by == actor_id:
            raise Refused(_("Another operator has to confirm this; you entered it."), code="two_eyes")
        _record(receipt, "receipt.confirmed", actor_id, reason)
        _count(payment, request, receipt, actor_id)
    return receipt


def reject(receipt_id: int, actor_id: int, reason: str) -> OfflineReceipt:
    """Let an operator set aside what was entered and not confirmed; raises Refused when it was decided."""
    with transaction():
        _payment, _request, receipt = locked_receipt(receipt_id)
        if receipt.state != "entered":
            raise Refused(_("This was decided already."), code="receipt_state")
        end(receipt, "rejected", actor_id, reason)
    return receipt


def end(receipt: OfflineReceipt, state: str, actor_id: int, reason: str) -> None:
    """Set a receipt aside, before ("rejected") or after ("reversed") it counted."""
    receipt.state, receipt.ended_by, receipt.ended_at, receipt.why = state, actor_id, clock.now(), reason[:500]
    db.session.flush()
    _record(receipt, f"receipt.{state}", actor_id, reason)


def _count(payment: Payment, request: OfflineRequest, receipt: OfflineReceipt, actor_id: int) -> None:
    """Book a receipt under the payment's lock, and move the payment if all of it is there now."""
    receipt.state, receipt.confirmed_by, receipt.confirmed_at = "confirmed", actor_id, clock.now()
    request.received_minor += receipt.amount_minor
    request.updated_at = clock.now()
    db.session.flush()
    books.received(payment, receipt)
    if request.state != "open":
        send_back(request, receipt.amount, "nothing was due")
    elif request.missing:
        notices.part_received(payment, request, receipt.amount)
    else:
        _complete(payment, request)


def _complete(payment: Payment, request: OfflineRequest) -> None:
    attempt = db.session.get_one(PaymentAttempt, request.attempt_id, populate_existing=True)
    request.state = "paid"
    paid(payment, attempt, "")
    surplus = request.received - request.amount
    if surplus:
        send_back(request, surplus, "more was paid than was asked for")
    announce("payment_changed", payment=payment, change="succeeded")


def _locked(request_id: int) -> tuple[Payment, OfflineRequest]:
    found = db.session.get(OfflineRequest, request_id)
    if found is None:
        raise NotFound(_("There is no such payment request."))
    payment = locked(found.payment_id)
    db.session.refresh(found)
    return payment, found


def locked_receipt(receipt_id: int) -> tuple[Payment, OfflineRequest, OfflineReceipt]:
    """Give a receipt with its request and payment, the payment locked; raises NotFound."""
    receipt = db.session.get(OfflineReceipt, receipt_id)
    if receipt is None:
        raise NotFound(_("There is no such receipt."))
    payment, request = _locked(receipt.request_id)
    db.session.refresh(receipt)
    return payment, request, receipt


def _record(receipt: OfflineReceipt, action: str, actor_id: int, reason: str = "") -> None:
    facts = {"receipt": receipt.id, "amount": receipt.amount_minor, "currency": receipt.currency, "way": receipt.way}
    audit.record(actor_id, action, "offline_request", receipt.request_id, reason, facts)
