"""Applies what is known of a chargeback: its state, each movement of its money once, and what plugins hear of it."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select

from marketplace import clock
from marketplace.database import db
from marketplace.ledger import accounts
from marketplace.money import Money
from marketplace.payments import booked_back, bookings, burdens, dispute_notices, giving_back, notices
from marketplace.payments.attempts import find_attempt, locked, mark
from marketplace.payments.burdens import Cause
from marketplace.payments.dispute_models import DECIDED, DISPUTE_STATES, INQUIRIES, Dispute, DisputeMovement
from marketplace.payments.facts import DisputeFacts, MovementFacts
from marketplace.payments.gateway import gateway_name
from marketplace.payments.models import Payment, PaymentAttempt
from marketplace.payments.outcome import APPLIED, OLD, STRANGE, Outcome, parked
from marketplace.payments.payouts import ring_if_wanted, withdraw_waiting
from marketplace.runtime import announce

RANK = {"inquiry": 0, "inquiry_review": 1, "inquiry_closed": 4, "needs_response": 2, "under_review": 3}
"""A look that was overtaken by a later one must not bring an earlier state back; what is decided ranks last."""

ORDER = ("", "disputed", "dispute_won", "dispute_lost")


def apply_dispute(facts: DisputeFacts) -> Outcome:
    """Bring a dispute, its payment and the books to what the gateway says; in the caller's transaction."""
    attempt = find_attempt("charge", "", facts.charge_ref)
    if attempt is None or attempt.payment_id is None:
        return STRANGE
    payment = locked(attempt.payment_id)
    db.session.refresh(attempt)
    if attempt.state not in ("succeeded", "surplus"):
        return STRANGE  # the charge itself is not known to have succeeded yet; its own facts come first
    if facts.currency != payment.currency:
        notices.alarm("chargeback_in_another_currency", payment=payment.id, dispute=facts.ref)
        return parked(f"chargeback in {facts.currency}, payment in {payment.currency}")
    known, strange = _find(facts), False
    if facts.state not in DISPUTE_STATES:  # a word of the gateway's that is newer than this program
        facts = replace(facts, state=known.state if known is not None else "under_review")
        notices.alarm("chargeback_in_an_unknown_state", payment=payment.id, dispute=facts.ref)
        strange = True
    dispute = known or _new(payment, attempt, facts)
    before = (dispute.state, dispute.submissions, dispute.due_by, dispute.said, dispute.answer)
    surplus = attempt.ref or "" if attempt.state == "surplus" else ""
    moved = [_move(payment, dispute, movement, surplus) for movement in facts.movements]
    _state(payment, dispute, facts)
    _answered(dispute, facts)
    if not surplus:
        _count(payment)
        _tell(payment, dispute)
    db.session.flush()
    if strange:
        return parked("a state that is not known here")
    after = (dispute.state, dispute.submissions, dispute.due_by, dispute.said, dispute.answer)
    return APPLIED if any(moved) or before != after or known is None else OLD


def _find(facts: DisputeFacts) -> Dispute | None:
    statement = select(Dispute).where(Dispute.gateway == gateway_name(), Dispute.ref == facts.ref)
    return db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()


def _new(payment: Payment, attempt: PaymentAttempt, facts: DisputeFacts) -> Dispute:
    at = clock.now()
    dispute = Dispute(
        payment_id=payment.id, gateway=attempt.gateway, ref=facts.ref, charge_ref=facts.charge_ref, state=facts.state,
        reason=facts.reason[:64], amount_minor=facts.amount_minor, currency=facts.currency, due_by=facts.due_by,
        evidence={}, answer="", said="", submissions=0, withdrawn_minor=0, version=1, opened_at=facts.opened_at or at,
        updated_at=at,
    )  # fmt: skip
    db.session.add(dispute)
    db.session.flush()
    dispute_notices.opened(payment, dispute)
    return dispute


def _state(payment: Payment, dispute: Dispute, facts: DisputeFacts) -> None:
    at = clock.now()
    overtaken = not facts.appeal and RANK.get(facts.state, 5) < RANK.get(dispute.state, 5)
    if not overtaken and dispute.state != facts.state:
        dispute.state = facts.state
        dispute.updated_at = at
    if not overtaken:
        dispute.due_by = facts.due_by
        dispute.amount_minor = facts.amount_minor
    dispute.submissions = max(dispute.submissions, facts.submissions)
    dispute.closed_at = (dispute.closed_at or at) if dispute.state in DECIDED else None
    if dispute.state in INQUIRIES and payment.settled_at is not None:
        for one in giving_back.receivers(payment):
            withdraw_waiting(one)


def _move(payment: Payment, dispute: Dispute, facts: MovementFacts, surplus: str) -> bool:
    """Book one entry of the gateway's balance once; tells whether it was new."""
    known = select(DisputeMovement.id).where(
        DisputeMovement.gateway == dispute.gateway, DisputeMovement.ref == facts.ref
    )
    if db.session.scalar(known) is not None:
        return False
    movement = DisputeMovement(
        dispute_id=dispute.id, gateway=dispute.gateway, ref=facts.ref, amount_minor=facts.amount_minor,
        fee_minor=facts.fee.amount_minor, fee_currency=facts.fee.currency, currency=payment.currency, at=clock.now(),
    )  # fmt: skip
    db.session.add(movement)
    db.session.flush()
    if facts.amount_minor < 0:
        _withdrawn(payment, dispute, movement, surplus)
    elif facts.amount_minor > 0:
        _reinstated(payment, dispute, movement)
    if facts.exchanged is not None:
        amount, out = Money(abs(facts.amount_minor), payment.currency), facts.amount_minor < 0
        bookings.exchanged(payment, dispute.gateway, f"{movement.booking}:exchanged", amount, facts.exchanged, out=out)
    if facts.fee.amount_minor:
        fee = Money(facts.fee.amount_minor, facts.fee.currency)
        booked_back.dispute_fee(payment, dispute, _key(dispute, "fee", movement), fee)
    return True


def _key(dispute: Dispute, fact: str, movement: DisputeMovement) -> str:
    """Make the key of a booking; the first of its kind is `<dispute>:<fact>`, a later one names its movement, too."""
    kind = DisputeMovement.amount_minor
    same = kind < 0 if fact == "withdrawn" else kind > 0 if fact == "reinstated" else DisputeMovement.fee_minor != 0
    earlier = select(DisputeMovement.id).where(
        DisputeMovement.dispute_id == dispute.id, DisputeMovement.id < movement.id, same
    )
    again = db.session.scalar(earlier.limit(1)) is not None
    return f"{dispute.ref}:{fact}:{movement.ref}" if again else f"{dispute.ref}:{fact}"


def _withdrawn(payment: Payment, dispute: Dispute, movement: DisputeMovement, surplus: str) -> None:
    minor, shares = -movement.amount_minor, _shares(payment)
    borne = burdens.charge_back(Cause(movement_id=movement.id), payment, minor, surplus)
    dispute.withdrawn_minor += minor
    if not surplus:
        payment.disputed_minor += minor
    db.session.flush()
    clearing = accounts.provider_clearing(dispute.gateway, movement.currency)
    movement.booking = _key(dispute, "withdrawn", movement)
    booked_back.charged_back(payment, movement.booking, burdens.outgoing(borne, clearing))
    dispute_notices.goes_back(payment, [(share, share.disputed_minor - before) for share, before in shares])


def _reinstated(payment: Payment, dispute: Dispute, movement: DisputeMovement) -> None:
    """Give what came back to those who bore it, by the newest withdrawal that still misses something."""
    taken = db.session.scalars(
        select(DisputeMovement)
        .where(
            DisputeMovement.dispute_id == dispute.id, DisputeMovement.amount_minor < 0,
            DisputeMovement.returned_minor < -DisputeMovement.amount_minor,
        )
        .order_by(DisputeMovement.id.desc())
    ).all()  # fmt: skip
    clearing = accounts.provider_clearing(dispute.gateway, movement.currency)
    rest, lines, whole = movement.amount_minor, [], ""
    shares = _shares(payment)
    for taking in taken:
        part = min(rest, -taking.amount_minor - taking.returned_minor)
        if part:
            rest -= part
            whole = taking.booking if part == -taking.amount_minor == movement.amount_minor else ""
            taking.returned_minor += part
            lines += burdens.give_back(burdens.of(Cause(movement_id=taking.id)), payment, part, clearing)
    if rest:  # more came back than was taken: it is nobody's but the platform's
        lines += burdens.give_back([], payment, rest, clearing)
        notices.alarm("chargeback_gave_back_more_than_it_took", payment=payment.id, dispute=dispute.ref)
    dispute.withdrawn_minor = max(0, dispute.withdrawn_minor - movement.amount_minor)
    payment.disputed_minor = max(0, payment.disputed_minor - (movement.amount_minor - rest))
    db.session.flush()
    movement.booking = _key(dispute, "reinstated", movement)
    booked_back.reinstated(payment, movement.booking, whole, lines)
    for one in (payment, *(share for share, _before in shares)):
        ring_if_wanted(one)
    dispute_notices.is_back(payment, [(share, before - share.disputed_minor) for share, before in shares])


def _shares(payment: Payment) -> list[tuple[Payment, int]]:
    """Give the shares of a payment, each with what chargebacks have taken of it so far."""
    return [(share, share.disputed_minor) for share in giving_back.receivers(payment)[1:]]


def _answered(dispute: Dispute, facts: DisputeFacts) -> None:
    """Close what we sent: the evidence that carries our key, or the case that we gave up."""
    attempts = db.session.scalars(
        select(PaymentAttempt)
        .where(PaymentAttempt.dispute_id == dispute.id, PaymentAttempt.state.in_(("open", "unknown")))
        .execution_options(populate_existing=True)
    ).all()
    for attempt in attempts:
        arrived = attempt.key == facts.key if attempt.kind == "evidence" else dispute.state in DECIDED
        if arrived:
            mark(attempt, "succeeded")
        elif dispute.state in DECIDED:
            mark(attempt, "closed", "decided")
        else:
            continue
        dispute.answer, dispute.answer_error = "", None


def _count(payment: Payment) -> None:
    """Keep, on the payment and its shares, what banks ask about without having taken it: so much is not paid out."""
    amounts = db.session.scalars(
        select(Dispute.amount_minor).where(Dispute.payment_id == payment.id, Dispute.state.in_(INQUIRIES))
    ).all()
    payment.updated_at = clock.now()
    for one in giving_back.ask_about(payment, sum(amounts)):
        ring_if_wanted(one)


def _came_back(dispute: Dispute) -> bool:
    back = select(DisputeMovement.id).where(DisputeMovement.dispute_id == dispute.id, DisputeMovement.amount_minor > 0)
    return db.session.scalar(back.limit(1)) is not None


def _tell(payment: Payment, dispute: Dispute) -> None:
    """Announce each step of a case once, also when the first that we hear of it is its end."""
    if dispute.state in ("inquiry", "inquiry_review", "inquiry_closed", "prevented"):
        return
    ends = {"lost": "dispute_lost"}
    if not dispute.withdrawn_minor or _came_back(dispute):
        ends["won"] = "dispute_won"  # once the money is there, which may be later than the verdict
    for change in ("disputed", ends.get(dispute.state, "")):
        if change and change != dispute.said and (change != "disputed" or not dispute.said):
            dispute.said = change
            db.session.flush()
            announce("payment_changed", payment=payment, change=change)
            if change != "disputed":
                dispute_notices.decided(payment, dispute)
