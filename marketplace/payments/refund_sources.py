"""Gathers what a refund needs after the settlement: the platform's fee in proportion, and the rest from who was paid.

Where several share the payment, each gives a part (`giving_back`). It comes from earnings that were not sent, then back from
the member's account at the gateway by reversing the transfer (which separate charges and transfers want first,
https://docs.stripe.com/connect/separate-charges-and-transfers), then from the reserve; what is left becomes the member's
debt, or the platform's loss where the operator chose so.
"""

from __future__ import annotations

from sqlalchemy import func, select

from marketplace import clock
from marketplace.database import db
from marketplace.jobs.service import enqueue
from marketplace.ledger import accounts
from marketplace.money import Money
from marketplace.payments import booked_back, burdens, dispute_notices, giving_back, notices
from marketplace.payments.attempts import locked
from marketplace.payments.burden_models import Burden
from marketplace.payments.burdens import Cause
from marketplace.payments.gateway import gateway_name
from marketplace.payments.models import Payment, Refund
from marketplace.payments.payout_models import PayoutPart, TransferReversal
from marketplace.payments.payouts import ring_if_wanted


def begin(payment: Payment, refund: Refund, kept: int) -> None:
    """Take the fee's part and begin to gather the rest for a refund of a locked, settled payment.

    `kept` is what was left of the payment before this refund, in minor units: who was paid bears no more than that, each
    who shares it a part in proportion. Rows are locked before anything is booked, and all is booked at once: whoever books
    first and then waits for a reserve could wait for somebody who has the reserve and waits for the books.
    """
    refund.missing_minor = refund.amount_minor
    db.session.flush()
    taken = []
    if refund.amount_minor > kept:
        taken.append(burdens.bear(Cause(refund_id=refund.id), payment, "platform", refund.amount_minor - kept))
    if refund.fee_back == "pro_rata":
        taken += _fees(payment, refund, refund.amount_minor - burdens.total(taken))
    parts = giving_back.planned(payment, refund, refund.amount_minor - burdens.total(taken))
    for giver, part in parts:
        taken += _found(giver, refund, part)
    _take(payment, refund, taken)
    dispute_notices.goes_back(payment, parts)


def gather(giver: Payment, refund: Refund) -> None:
    """Go on gathering what the payee of a locked payment, or of a share of one, gives for a refund.

    Once nothing is missing, a refund of ours is sent.
    """
    missing = 0 if refund.state == "failed" else giving_back.missing(giver, refund)
    if missing:
        _take(giver, refund, _found(giver, refund, missing))


def _found(giver: Payment, refund: Refund, wanted: int) -> list[Burden]:
    """Find `wanted` minor units with one who was paid, or ask for them there; what was refunded at the gateway has gone already,
    so nothing is taken back there for it.
    """
    cause = Cause(refund_id=refund.id)
    found = burdens.from_payable(cause, giver, wanted)
    missing = wanted - burdens.total(found)
    ours = refund.origin == "marketplace"
    if not (missing and ours and (_under_way(giver, refund) or _reverse(giver, refund, missing))):
        found += burdens.from_reserve(cause, giver, missing)
        missing = wanted - burdens.total(found)
        if missing and refund.bearer == "platform":
            found.append(burdens.bear(cause, giver, "platform", missing))
        else:
            found += burdens.from_owner(cause, giver, missing)
    giving_back.found(giver, refund, burdens.total(found))
    return found


def _take(payment: Payment, refund: Refund, taken: list[Burden]) -> None:
    """Book what was found, from its sources to what is held for the agreement, and send the refund once that is all."""
    if taken:
        db.session.flush()
        refund.missing_minor -= burdens.total(taken)
        for one in taken:
            if one.source in giving_back.THEIRS:
                burdens.payment_of(one).earned_minor -= one.amount_minor
        refund.updated_at = clock.now()
        db.session.flush()
        held = accounts.agreement_held(payment.agreement_id, payment.currency)
        key = f"refund-{refund.id}:gathered:{taken[0].id}"
        booked_back.write(key, payment, burdens.outgoing(taken, held), "Taken back for a refund")
    if refund.origin == "marketplace" and refund.state == "waiting" and not refund.missing_minor:
        enqueue("payments.refund", {"refund": refund.id}, key=f"payments.refund:{refund.id}")


def _fees(payment: Payment, refund: Refund, most: int) -> list[Burden]:
    """Give back the platform's fees in proportion: so that a full refund gives all of them back, to the cent.

    Of what a chargeback took the platform keeps its fee.
    """
    found = []
    others = payment.amount_minor - payment.refunded_minor  # this refund counts already
    for code, minor in sorted(booked_back.fees_left(payment).items()):
        share = Money(minor, payment.currency).split([refund.amount_minor, others])[0]
        taken = min(share.minor, most)
        if taken:
            most -= taken
            found.append(burdens.bear(Cause(refund_id=refund.id), payment, "fees", taken, account=code))
    return found


def _under_way(giver: Payment, refund: Refund) -> bool:
    waiting = (
        select(func.count())
        .select_from(TransferReversal)
        .join(PayoutPart, PayoutPart.id == TransferReversal.part_id)
        .where(
            TransferReversal.refund_id == refund.id, TransferReversal.state == "waiting",
            PayoutPart.payment_id == giver.id,
        )
    )  # fmt: skip
    return bool(db.session.scalar(waiting))


def _reverse(payment: Payment, refund: Refund, missing: int) -> bool:
    """Ask for the missing money back from the payee's account; tells whether anything was asked for.

    Each part is asked once for a refund: an account without money is not asked again.
    """
    asked = select(TransferReversal.part_id).where(TransferReversal.refund_id == refund.id)
    parts = db.session.scalars(
        select(PayoutPart)
        .where(
            PayoutPart.payment_id == payment.id,
            PayoutPart.state == "sent",
            PayoutPart.id.not_in(asked),
            PayoutPart.gateway == gateway_name(),  # what was sent by hand nobody can take back
        )
        .order_by(PayoutPart.id.desc())
        .execution_options(populate_existing=True)
    ).all()
    left = missing
    for part in parts:
        amount = min(left, reversible(part))
        if amount:
            left -= amount
            ask(part, amount, refund_id=refund.id, actor_id=refund.actor_id)
    return left < missing


def reversible(part: PayoutPart) -> int:
    """Give how much of a sent part can still be taken back, in minor units."""
    waiting = db.session.scalar(
        select(func.coalesce(func.sum(TransferReversal.amount_minor), 0)).where(
            TransferReversal.part_id == part.id, TransferReversal.state == "waiting"
        )
    )
    return part.amount_minor - part.reversed_minor - int(waiting or 0)


def ask(
    part: PayoutPart,
    minor: int,
    *,
    refund_id: int | None = None,
    debt_id: int | None = None,
    actor_id: int | None = None,
) -> TransferReversal:
    """Write down that `minor` minor units of a part are taken back; a job does it after the commit."""
    at = clock.now()
    reversal = TransferReversal(
        part_id=part.id, refund_id=refund_id, debt_id=debt_id, gateway=part.gateway, amount_minor=minor,
        currency=part.currency, actor_id=actor_id, created_at=at, updated_at=at,
    )  # fmt: skip
    db.session.add(reversal)
    db.session.flush()
    enqueue("payments.reverse", {"reversal": reversal.id}, key=f"payments.reverse:{reversal.id}")
    return reversal


def reversal_failed(reversal_id: int, code: str) -> None:
    """End a reversal that the gateway will not make; a refund that waits for it goes on without. In a transaction."""
    found = db.session.get_one(TransferReversal, reversal_id, populate_existing=True)
    if found.state != "waiting":
        return
    payment = locked(db.session.get_one(PayoutPart, found.part_id).payment_id)
    found.state, found.error_code, found.updated_at = "failed", code[:64], clock.now()
    db.session.flush()
    if found.refund_id is not None:
        gather(payment, db.session.get_one(Refund, found.refund_id, populate_existing=True))
    else:
        notices.alarm("reversal_refused_by_gateway", payment=payment.id, why=code)


def lock(refund: Refund) -> None:
    """Lock what will be given back for a refund that failed, before anything is booked: see `gather`."""
    burdens.lock(burdens.of(Cause(refund_id=refund.id)))


def give_back(payment: Payment, refund: Refund) -> None:
    """Return what was gathered for a refund that will not be made to those who gave it; it is held again by now.

    What had been taken back from their accounts, or kept from being sent there, is sent (again).
    """
    dispute_notices.is_back(payment, giving_back.forgotten(payment, refund))
    found = burdens.of(Cause(refund_id=refund.id))
    minor = sum(one.amount_minor - one.returned_minor for one in found)
    if not minor:
        return
    everybody = giving_back.receivers(payment)
    for giver in everybody:
        giver.earned_minor += sum(
            one.amount_minor - one.returned_minor
            for one in found
            if one.payment_id == giver.id and one.source in giving_back.THEIRS
        )
    held = accounts.agreement_held(payment.agreement_id, payment.currency)
    lines = burdens.give_back(found, payment, minor, held)
    booked_back.write(f"refund-{refund.id}:given_back", payment, lines, "Given back after a refund failed")
    for giver in everybody:
        if giver.payable_minor:
            ring_if_wanted(giver)
