"""Takes money that goes back to a payer from whoever bears it, cent by cent on record, and gives it back the same way.

A chargeback takes what is still held for the agreement; after the settlement the owner's reserve, then the payment's own
earnings that were not sent yet, and the rest becomes the owner's debt, as far as the payment was kept; what goes beyond
that is the platform's loss. A refund takes the platform's fee in proportion and the rest from the owner.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, func, select

from marketplace import clock
from marketplace.database import db
from marketplace.ledger import accounts
from marketplace.ledger.accounts import AccountSpec
from marketplace.ledger.models import LedgerAccount
from marketplace.ledger.service import TransferSpec
from marketplace.money import Money
from marketplace.payments import booked_back, debts, giving_back
from marketplace.payments.burden_models import Burden, MemberDebt, ReserveHold
from marketplace.payments.dispute_models import Dispute, DisputeMovement
from marketplace.payments.models import Payment, Refund
from marketplace.payments.payouts import withdraw_waiting


@dataclass(frozen=True, slots=True)
class Cause:
    """Why money goes back: a movement of a dispute, or a refund."""

    movement_id: int | None = None
    refund_id: int | None = None


def held_now(payment: Payment) -> int:
    """Give what is held for an unsettled payment, in minor units: its charge less refunds that left and chargebacks."""
    if payment.settled_at is not None or payment.state != "succeeded":
        return 0
    refunded = db.session.scalar(
        select(func.coalesce(func.sum(Refund.amount_minor), 0)).where(
            Refund.payment_id == payment.id, Refund.booked, ~Refund.surplus
        )
    )
    borne = db.session.execute(
        select(Burden.source, Burden.refund_id, func.sum(Burden.amount_minor - Burden.returned_minor))
        .where(Burden.payment_id == payment.id)
        .group_by(Burden.source, Burden.refund_id)
    ).all()
    charged_back = sum(amount for source, refund, amount in borne if source == "held" and refund is None)
    spared = sum(amount for source, refund, amount in borne if source == "platform" and refund is not None)
    return max(0, int(payment.amount_minor - (refunded or 0) - charged_back + spared))


def _surplus_held(payment: Payment, charge_ref: str) -> int:
    """Give what is still held of a charge that nothing was due for, less what chargebacks took: it is on its way back."""
    waiting = select(func.coalesce(func.sum(Refund.amount_minor), 0)).where(
        Refund.payment_id == payment.id, Refund.charge_ref == charge_ref, Refund.surplus, ~Refund.booked,
        Refund.state != "failed",
    )  # fmt: skip
    taken = (
        select(func.coalesce(func.sum(Burden.amount_minor - Burden.returned_minor), 0))
        .join(DisputeMovement, DisputeMovement.id == Burden.movement_id)
        .join(Dispute, Dispute.id == DisputeMovement.dispute_id)
        .where(Dispute.payment_id == payment.id, Dispute.charge_ref == charge_ref, Burden.source == "held")
    )
    return max(0, int(db.session.scalar(waiting) or 0) - int(db.session.scalar(taken) or 0))


def disputed(payment: Payment) -> bool:
    """Tell whether a chargeback that has taken money is still undecided."""
    open_case = exists().where(Dispute.payment_id == payment.id, Dispute.state.in_(("needs_response", "under_review")))
    return bool(db.session.scalar(select(open_case)))


def fill_up(payment: Payment, refund: Refund) -> None:
    """Let the platform add what a chargeback has taken of the money that a refund leaves from, before it is booked."""
    held = accounts.agreement_held(payment.agreement_id, refund.currency)
    row = db.session.execute(
        select(LedgerAccount.posted_credit - LedgerAccount.posted_debit).where(LedgerAccount.code == held.code)
    ).scalar_one_or_none()
    there = int(row or 0)
    if payment.settled_at is None and not refund.surplus:
        there = min(there, held_now(payment))
    short = refund.amount_minor - there
    if short <= 0:
        return
    bear(Cause(refund_id=refund.id), payment, "platform", short)
    db.session.flush()
    line = TransferSpec(accounts.write_offs(refund.currency), held, Money(short, refund.currency))
    booked_back.write(f"refund-{refund.id}:filled_up", payment, [line], "Refund beyond what was held")


def payment_of(burden: Burden) -> Payment:
    """Give the payment, or the share of one, whose payee bore it; whoever asks has it locked."""
    return db.session.get_one(Payment, burden.payment_id)


def account_of(burden: Burden) -> AccountSpec:
    """Give the account in the books that bore it."""
    currency, payment = burden.currency, payment_of(burden)
    if burden.source == "held":
        return accounts.agreement_held(payment.agreement_id, currency)
    if burden.source == "payable":
        return accounts.member_payable(payment.payee_id, currency)
    if burden.source == "reserve":
        return accounts.member_reserve(payment.payee_id, currency)
    if burden.source == "debt":
        return accounts.member_receivable(payment.payee_id, currency)
    if burden.source == "fees":
        return spec_of(burden.account)
    return accounts.write_offs(currency)


def spec_of(code: str) -> AccountSpec:
    """Give the description of an account that exists in the books."""
    row = db.session.scalars(select(LedgerAccount).where(LedgerAccount.code == code)).one()
    return AccountSpec(row.code, row.currency, row.kind, row.role, row.owner_type, row.owner_id, row.guard)


def bear(
    cause: Cause,
    payment: Payment,
    source: str,
    minor: int,
    *,
    hold: ReserveHold | None = None,
    debt: MemberDebt | None = None,
    account: str = "",
) -> Burden:
    """Put one source on record; the caller has taken it from there and books it."""
    burden = Burden(
        payment_id=payment.id, movement_id=cause.movement_id, refund_id=cause.refund_id, source=source, account=account,
        hold_id=hold.id if hold else None, debt_id=debt.id if debt else None, amount_minor=minor,
        currency=payment.currency, at=clock.now(),
    )  # fmt: skip
    db.session.add(burden)
    return burden


def _reserves(*which: ColumnElement[bool]) -> Sequence[ReserveHold]:
    """Lock parts of a reserve, always in the order of their ids, so that two cases of one payee wait for each other in turn."""
    return db.session.scalars(
        select(ReserveHold)
        .where(*which)
        .order_by(ReserveHold.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def lock_reserve(payment: Payment) -> Sequence[ReserveHold]:
    """Lock all that is set aside for the payee at the moment."""
    return _reserves(
        ReserveHold.user_id == payment.payee_id, ReserveHold.currency == payment.currency, ReserveHold.left_minor > 0
    )


def from_reserve(cause: Cause, payment: Payment, wanted: int) -> list[Burden]:
    """Use the payee's reserve: what was set aside of this payment first, then of others, the oldest first."""
    if not wanted:
        return []
    taken = []
    for hold in sorted(lock_reserve(payment), key=lambda one: one.payment_id != payment.id):
        amount = min(wanted, hold.left_minor)
        if amount:
            hold.left_minor -= amount
            wanted -= amount
            taken.append(bear(cause, payment, "reserve", amount, hold=hold))
    return taken


def from_payable(cause: Cause, payment: Payment, wanted: int) -> list[Burden]:
    """Use the payment's own earnings that were not sent, also those that were just about to be."""
    if wanted > payment.payable_minor:
        withdraw_waiting(payment)
    amount = min(wanted, payment.payable_minor)
    if not amount:
        return []
    payment.payable_minor -= amount
    return [bear(cause, payment, "payable", amount)]


def from_owner(cause: Cause, payment: Payment, wanted: int) -> list[Burden]:
    """Let the payee owe it."""
    if not wanted:
        return []
    return [bear(cause, payment, "debt", wanted, debt=debts.owe(payment, wanted))]


def charge_back(cause: Cause, payment: Payment, minor: int, surplus_ref: str = "") -> list[Burden]:
    """Find who bears a chargeback of `minor` minor units of a locked payment; the caller books what is given.

    Those who share the earnings bear their parts (`giving_back.divided`). A charge that came without a debt (`surplus_ref`)
    concerns no payee: what of it is not held any more is the platform's loss.
    """
    taken: list[Burden] = []
    if payment.settled_at is None or surplus_ref:
        held = min(minor, _surplus_held(payment, surplus_ref) if surplus_ref else held_now(payment))
        if held:
            taken.append(bear(cause, payment, "held", held))
        rest = minor - held
        return taken + ([bear(cause, payment, "platform", rest)] if rest else [])
    owners = min(minor, payment.kept.minor)
    for giver, part in giving_back.divided(payment, owners):
        own = from_reserve(cause, giver, part)
        own += from_payable(cause, giver, part - total(own))
        taken += own + from_owner(cause, giver, part - total(own))
        if giver is not payment:
            giver.disputed_minor += part
    if minor > owners:
        taken.append(bear(cause, payment, "platform", minor - owners))
    return taken


def total(burdens: Iterable[Burden]) -> int:
    """Add up, in minor units."""
    return sum(one.amount_minor for one in burdens)


def outgoing(burdens: Sequence[Burden], to: AccountSpec) -> list[TransferSpec]:
    """Write the transfers that take the money from its sources."""
    return [TransferSpec(account_of(one), to, Money(one.amount_minor, one.currency)) for one in burdens]


def of(cause: Cause) -> Sequence[Burden]:
    """Give what is on record for a cause, the oldest first."""
    by_refund = cause.movement_id is None
    which = Burden.refund_id == cause.refund_id if by_refund else Burden.movement_id == cause.movement_id
    return db.session.scalars(
        select(Burden).where(which).order_by(Burden.id).execution_options(populate_existing=True)
    ).all()


def lock(burdens: Sequence[Burden]) -> dict[int | None, ReserveHold]:
    """Lock the parts of a reserve that bore something; gives them by id."""
    wanted = [one.hold_id for one in burdens if one.hold_id is not None]
    return {hold.id: hold for hold in (_reserves(ReserveHold.id.in_(wanted)) if wanted else ())}


def give_back(burdens: Sequence[Burden], payment: Payment, minor: int, source: AccountSpec) -> list[TransferSpec]:
    """Return up to `minor` minor units to those who bore them, the last one first; gives the transfers to book.

    What was written off comes back first, and of the rest each who shares the payment gets as much as each bore of it. A
    member whose debt was paid meanwhile gets the money back; what was written off becomes the platform's again.
    """
    lines: list[TransferSpec] = []
    everybody = giving_back.receivers(payment)  # locked, and kept here for `payment_of`
    holds, parts = lock(burdens), _returning(burdens, minor)
    for one in reversed(burdens):
        amount = parts.get(one.id, 0)
        if not amount:
            continue
        minor -= amount
        one.returned_minor += amount
        giver = payment_of(one)
        if one.movement_id is not None and giver in everybody[1:]:
            giver.disputed_minor -= amount
        if one.source == "debt":
            lines += debts.forgive(db.session.get_one(MemberDebt, one.debt_id), giver, amount, source)
            continue
        if one.source == "payable":
            giver.payable_minor += amount
        if one.source == "reserve":
            holds[one.hold_id].left_minor += amount
        lines.append(TransferSpec(source, account_of(one), Money(amount, one.currency)))
    if minor:
        lines.append(TransferSpec(source, accounts.write_offs(payment.currency), Money(minor, payment.currency)))
    db.session.flush()
    return lines


def _returning(burdens: Sequence[Burden], minor: int) -> dict[int, int]:
    """Say how much of `minor` minor units goes back to each burden, by its id."""
    left = {one.id: one.amount_minor - one.returned_minor for one in burdens}
    written_off = [one for one in burdens if one.source == "platform"]
    givers: dict[int, list[Burden]] = {}
    for one in burdens:
        if one.source != "platform":
            givers.setdefault(one.payment_id, []).append(one)
    found = _last_first(written_off, left, minor)
    rest = minor - sum(found.values())
    borne = [sum(left[one.id] for one in group) for group in givers.values()]
    if sum(borne):
        parts = Money(min(rest, sum(borne)), burdens[0].currency).split(borne)
        for group, part in zip(givers.values(), parts, strict=True):
            found |= _last_first(group, left, part.minor)
    return found


def _last_first(burdens: Sequence[Burden], left: dict[int, int], minor: int) -> dict[int, int]:
    """Spread `minor` minor units over burdens as far as they are `left`, from the last one on."""
    found = {}
    for one in reversed(burdens):
        found[one.id] = min(minor, left[one.id])
        minor -= found[one.id]
    return found
