"""What bills come to is asked of the payer: after each use or twice a month, as one payment for all that is due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import select

from marketplace.api import (
    Agreement,
    Money,
    NotFound,
    Refused,
    clock,
    db,
    jobs,
    notifications,
    payments,
    runtime,
    settings,
    transaction,
)
from plugins.sharing.moving import move
from plugins.sharing.use.use_models import OPEN_CHARGE, UseBill, UseCharge, UseSession

HALVES = (1, 16)
"""Days of the month on which what is due twice a month is collected, at six in the morning in the site's zone."""

BATCH = 100
PAYING, UNPAID = ("asked", "paid"), ("open", "asked", "failed")
CARRIED = timedelta(days=60)
"""What is too little to be charged waits so long for more, and is then let go."""


def note(session: UseSession, sealed: UseBill, amount_minor: int, due: datetime | None = None) -> UseCharge:
    """Note what is to be paid for a bill (below zero for a credit note) and ring its collection; joins the caller.

    It is due at `due` (UTC), otherwise as the site charges uses: at once or at the next half of a month.
    """
    if due is None:
        due = clock.now() if settings.get("sharing.charge_each_use") else next_half(clock.now())
    charge = UseCharge(
        bill_id=sealed.id, session_id=session.agreement_id, payer_id=session.holder_id, owner_id=session.owner_id,
        amount_minor=amount_minor, currency=session.currency, due_at=due, updated_at=clock.now(),
    )  # fmt: skip
    db.session.add(charge)
    db.session.flush()
    ring(session.holder_id, session.owner_id, session.currency, due)
    return charge


def due_of_correction(bill_id: int) -> datetime:
    """Give when the correction of a bill is due (UTC): with the bill while that waits for its day, otherwise at once."""
    charge, now = db.session.get_one(UseCharge, bill_id, populate_existing=True), clock.now()
    return charge.due_at if charge.state == "open" and charge.due_at > now else now


def ring(payer_id: int, owner_id: int, currency: str, at: datetime) -> None:
    """Ask for a collection; the time is part of the key, so that an earlier one is not lost to a later one."""
    payload = {"payer": payer_id, "owner": owner_id, "currency": currency}
    jobs.enqueue("sharing.collect", payload, key=f"sharing.collect:{payer_id}:{owner_id}:{currency}:{at:%s}", run_at=at)


def next_half(now: datetime) -> datetime:
    """Give the next collection day's morning, as UTC."""
    zone = ZoneInfo(runtime().settings.timezone)
    day = now.astimezone(zone).replace(hour=6, minute=0, second=0, microsecond=0)
    while day.day not in HALVES or day.astimezone(UTC) <= now:
        day = (day + timedelta(days=1)).replace(hour=6)
    return day.astimezone(UTC)


def collect(payload: dict[str, Any]) -> None:
    """Ask for everything that one payer owes one owner and is due, as one payment; a second run finds nothing left."""
    payer_id, owner_id, currency = int(payload["payer"]), int(payload["owner"]), str(payload["currency"])
    with transaction():
        due = _due(payer_id, owner_id, currency)
        total = sum(charge.amount_minor for charge in due)
        if not due:
            return
        if total == 0:
            _set(due, "paid")
        elif total < 0:
            _refund(due, -total)
        elif payments.payments_enabled():
            _ask(due, Money(total, currency), payer_id, owner_id)


def _due(payer_id: int, owner_id: int, currency: str) -> Sequence[UseCharge]:
    """Lock what is open and due; a bill that is being corrected has its credit note and its successor among it."""
    statement = select(UseCharge).where(
        OPEN_CHARGE, UseCharge.due_at <= clock.now(), UseCharge.payer_id == payer_id, UseCharge.owner_id == owner_id,
        UseCharge.currency == currency,
    )  # fmt: skip
    rows = statement.order_by(UseCharge.bill_id).with_for_update().execution_options(populate_existing=True)
    found = list(db.session.scalars(rows))
    corrected = {row.session_id for row in found if row.amount_minor < 0}
    if corrected:  # the bill that was wrong may not be due yet: it is set off against its credit note all the same
        wrong = (UseCharge.session_id.in_(corrected), UseCharge.state.in_(("open", "failed")))
        known = {row.bill_id for row in found}
        more = [
            row
            for row in db.session.scalars(select(UseCharge).where(*wrong).with_for_update())
            if row.bill_id not in known
        ]
        _give_up({row.payment_id for row in more if row.payment_id is not None})
        found += more
    return found


def _give_up(payment_ids: set[int]) -> None:
    """Cancel payments that failed: what they asked for is asked for anew."""
    for payment_id in payment_ids:
        payment = payments.get(payment_id)
        if payment.state not in ("succeeded", "cancelled"):
            payments.cancel_payment(payment)


def _ask(due: Sequence[UseCharge], amount: Money, payer_id: int, owner_id: int) -> None:
    """Request the payment, by the payer's newest saved method where there is one; less than can be charged waits for more."""
    if amount.minor < payments.least(amount.currency).minor:
        if min(charge.due_at for charge in due) < clock.now() - CARRIED:
            _set(due, "waived")
        return
    agreement = db.session.get_one(Agreement, max(charge.session_id for charge in due))
    ways = (payments.Strategy.SAVE_AND_CHARGE, payments.Strategy.CHARGE_AND_REFUND)
    payment = payments.request_payment(agreement, "use", amount, payer_id=payer_id, payee_id=owner_id, strategies=ways)
    for charge in due:
        charge.state, charge.payment_id, charge.updated_at = "asked", payment.id, clock.now()
    db.session.flush()
    for method in payments.methods_of(payer_id):
        try:
            payments.use_saved_method(payment, method)
        except (Refused, NotFound):
            continue
        payments.charge(payment)
        return
    notifications.notify(payer_id, "sharing.pay_use", params={"amount": amount}, url=f"/pay/{payment.id}", mail=True)


def _refund(due: Sequence[UseCharge], minor: int) -> None:
    """Give back what was paid too much: from the payments of the same sessions, the newest first."""
    sessions = {charge.session_id for charge in due}
    statement = (
        select(UseCharge.payment_id)
        .where(UseCharge.session_id.in_(sessions), UseCharge.state.in_(PAYING), UseCharge.payment_id.is_not(None))
        .distinct()
    )  # fmt: skip
    found = [payments.get(payment_id) for payment_id in db.session.scalars(statement) if payment_id is not None]
    if any(payment.state not in ("succeeded", "cancelled") for payment in found):
        _later(due)
        return
    for payment in sorted(found, key=lambda one: -one.id):
        part = min(minor, payment.kept.minor) if payment.state == "succeeded" else 0
        if part:
            payments.refund(payment, Money(part, payment.currency), reason="use_corrected")
            minor -= part
    _set(due, "paid")


def _later(due: Sequence[UseCharge]) -> None:
    """A payment under way has to end first; look again in an hour."""
    one = due[0]
    ring(one.payer_id, one.owner_id, one.currency, clock.now() + timedelta(hours=1))


def _set(due: Sequence[UseCharge], state: str) -> None:
    for charge in due:
        charge.state, charge.updated_at = state, clock.now()
    db.session.flush()
    move_sessions({charge.session_id for charge in due})


def move_sessions(sessions: set[int]) -> None:
    """Bring the agreements in step with what is paid for them: all paid settles, a failed one falls due."""
    for session_id in sorted(sessions):
        states = set(db.session.scalars(select(UseCharge.state).where(UseCharge.session_id == session_id)))
        if states <= {"paid", "waived"}:
            move(session_id, "settle")
        elif "failed" in states:
            move(session_id, "fall_due")
            move(session_id, "take_back")
        elif states & {"asked"}:
            move(session_id, "take_back")


def waive(session_id: int) -> None:
    """Let go of all that is still to be paid for a session, because it was paid outside; joins the caller.

    Raises Refused while a payment is under way that also pays for other sessions.
    """
    rows = db.session.scalars(
        select(UseCharge).where(UseCharge.session_id == session_id, UseCharge.state.in_(UNPAID)).with_for_update()
    ).all()  # fmt: skip
    for payment_id in {row.payment_id for row in rows if row.payment_id is not None}:
        shared = db.session.scalar(
            select(UseCharge.bill_id)
            .where(UseCharge.payment_id == payment_id, UseCharge.session_id != session_id)
            .limit(1)
        )
        payment = payments.get(payment_id)
        if payment.state == "cancelled":
            continue
        if shared is not None:
            raise Refused(_("This use is part of a larger payment, which is still open."), code="shared_payment")
        payments.cancel_payment(payment)
    for row in rows:
        row.state, row.updated_at = "waived", clock.now()
    db.session.flush()


def pay_again(payer_id: int) -> int | None:
    """Ask anew for what a payer failed to pay, owner by owner; gives the first payment, for its page, or None.

    Raises Refused where payments are switched off.
    """
    with transaction():
        rows = db.session.scalars(
            select(UseCharge)
            .where(UseCharge.payer_id == payer_id, UseCharge.state == "failed", UseCharge.amount_minor > 0)
            .order_by(UseCharge.owner_id, UseCharge.bill_id)
            .with_for_update()
        ).all()
        groups: dict[tuple[int, str], list[UseCharge]] = {}
        for row in rows:
            groups.setdefault((row.owner_id, row.currency), []).append(row)
        made = [_again(group) for group in groups.values()]
    return made[0] if made else None


def _again(group: Sequence[UseCharge]) -> int:
    _give_up({row.payment_id for row in group if row.payment_id is not None})
    one = group[0]
    agreement = db.session.get_one(Agreement, max(row.session_id for row in group))
    ways = (payments.Strategy.CHARGE_AND_REFUND, payments.Strategy.SAVE_AND_CHARGE)
    amount = Money(sum(row.amount_minor for row in group), one.currency)
    payment = payments.request_payment(
        agreement, "use", amount, payer_id=one.payer_id, payee_id=one.owner_id, strategies=ways
    )
    for row in group:
        row.payment_id, row.updated_at = payment.id, clock.now()  # still failed: blocked until it is paid
    db.session.flush()
    return payment.id


def sweep(_payload: dict[str, Any]) -> None:
    """Ring the collection of everything that is due: a lost job never leaves a bill lying."""
    rows = db.session.execute(
        select(UseCharge.payer_id, UseCharge.owner_id, UseCharge.currency)
        .where(OPEN_CHARGE, UseCharge.due_at <= clock.now() - timedelta(minutes=10))
        .distinct()
        .limit(BATCH)
    ).all()
    with transaction():
        for row in rows:
            ring(row.payer_id, row.owner_id, row.currency, clock.now())


def of_payment(payment_id: int) -> Sequence[UseCharge]:
    """Lock the charges that a payment pays for."""
    statement = select(UseCharge).where(UseCharge.payment_id == payment_id).order_by(UseCharge.bill_id)
    return db.session.scalars(statement.with_for_update().execution_options(populate_existing=True)).all()


def mark(rows: Sequence[UseCharge], state: str) -> None:
    """Set the charges of one payment to how it fared, and move their sessions."""
    _set(rows, state)


def due_of(session_id: int) -> Sequence[UseCharge]:
    """Give what was asked for a session, in the order of its bills."""
    return db.session.scalars(
        select(UseCharge).where(UseCharge.session_id == session_id).order_by(UseCharge.bill_id)
    ).all()


def fail_open(session_id: int) -> None:
    """Count what is still open or asked as failed; what a payment under way brings later still pays it."""
    for row in due_of(session_id):
        if row.state in ("open", "asked") and row.amount_minor > 0:
            row.state, row.updated_at = "failed", clock.now()
    db.session.flush()
