"""What members owe us: kept from later earnings before the next pay-out, repaid by bank, or written off by an operator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from marketplace import clock
from marketplace.admin import audit
from marketplace.database import db, transaction
from marketplace.errors import NotFound, Refused
from marketplace.ledger import accounts
from marketplace.ledger.accounts import AccountSpec
from marketplace.ledger.service import TransferSpec, post
from marketplace.money import Money
from marketplace.payments import dispute_notices
from marketplace.payments.burden_models import DebtEntry, MemberDebt
from marketplace.payments.models import Payment
from marketplace.payments.subjects import title_of


def owe(payment: Payment, minor: int, *, fee: bool = False) -> MemberDebt:
    """Note that a payee owes `minor` minor units because of a payment, and tell them why; the caller books it.

    It is our `fee` on cash that the payee has in hand, or else what went back to the payer after it was paid out.
    """
    at = clock.now()
    debt = MemberDebt(
        user_id=payment.payee_id, payment_id=payment.id, amount_minor=minor, currency=payment.currency,
        created_at=at, updated_at=at,
    )  # fmt: skip
    db.session.add(debt)
    db.session.flush()
    if fee:
        dispute_notices.owes_fee(debt, title_of(payment))
    else:
        dispute_notices.owes(debt)
    return debt


def let_go(payment: Payment) -> None:
    """End what is owed because of a payment that turns out not to have been made; the caller books it.

    Raises Refused when some of it was paid or written off meanwhile.
    """
    owed = select(MemberDebt).where(MemberDebt.payment_id == payment.id).with_for_update()
    for debt in db.session.scalars(owed.execution_options(populate_existing=True)).all():
        if debt.open_minor != debt.amount_minor:
            raise Refused(
                _("The fee for this was paid meanwhile, so the receipt stands. Give the payer the money back instead."),
                code="payment_state",
            )
        debt.amount_minor, debt.updated_at = 0, clock.now()
    db.session.flush()


def open_debts(user_id: int, currency: str | None = None) -> Sequence[MemberDebt]:
    """Give what a member owes, the oldest first."""
    return db.session.scalars(_open(user_id, currency)).all()


def _open(user_id: int, currency: str | None) -> Any:
    statement = select(MemberDebt).where(
        MemberDebt.user_id == user_id,
        MemberDebt.amount_minor > MemberDebt.cleared_minor + MemberDebt.written_off_minor,
    )
    if currency is not None:
        statement = statement.where(MemberDebt.currency == currency)
    return statement.order_by(MemberDebt.id).execution_options(populate_existing=True)


def net(user_id: int, currency: str, ready: Sequence[Payment]) -> int:
    """Keep what a member owes from the earnings of these locked payments, the oldest first; gives minor units kept.

    Joins the caller's transaction. It is booked without naming agreements: their rows may be locked by those who wait
    for one of these payments.
    """
    kept, first = 0, 0
    for debt in db.session.scalars(_open(user_id, currency).with_for_update()).all() if ready else ():
        for payment in ready:
            amount = min(debt.open_minor, max(0, payment.payable_minor - payment.inquired_minor))
            if not amount:
                continue
            payment.payable_minor -= amount
            entry = _entry(debt, "netted", amount, payment_id=payment.id)
            first, kept = first or entry.id, kept + amount
    if kept:
        payable, owed = accounts.member_payable(user_id, currency), accounts.member_receivable(user_id, currency)
        post(f"debt-entry-{first}:netted", [TransferSpec(payable, owed, Money(kept, currency))],
             description="Kept from earnings for what is owed")  # fmt: skip
        dispute_notices.netted(user_id, Money(kept, currency))
    return kept


def _entry(debt: MemberDebt, kind: str, minor: int, **facts: Any) -> DebtEntry:
    at = clock.now()
    entry = DebtEntry(debt_id=debt.id, kind=kind, amount_minor=minor, at=at, **facts)
    db.session.add(entry)
    if kind == "written_off":
        debt.written_off_minor += minor
    else:
        debt.cleared_minor += minor
    debt.updated_at = at
    db.session.flush()
    return entry


def get(debt_id: int) -> MemberDebt:
    """Give a debt; raises NotFound."""
    debt = db.session.get(MemberDebt, debt_id)
    if debt is None:
        raise NotFound(_("There is no such debt."))
    return debt


def _settle(debt_id: int, kind: str, amount: Money, actor_id: int, reason: str, source: AccountSpec, text: str) -> None:
    with transaction():
        debt = db.session.get(MemberDebt, debt_id, with_for_update=True, populate_existing=True)
        if debt is None:
            raise NotFound(_("There is no such debt."))
        if amount.currency != debt.currency or not 0 < amount.minor <= debt.open_minor:
            raise Refused(_("That much is not owed."), field="amount", code="debt_amount")
        entry = _entry(debt, kind, amount.minor, actor_id=actor_id, reason=reason[:500])
        owed = accounts.member_receivable(debt.user_id, debt.currency)
        post(f"debt-entry-{entry.id}:{kind}", [TransferSpec(source, owed, amount)], description=text,
             payment_id=debt.payment_id)  # fmt: skip
        facts = {"debt": debt.id, "amount": amount.minor, "currency": amount.currency}
        audit.record(actor_id, f"debt.{kind}", "user", debt.user_id, reason, facts)


def repay(debt_id: int, amount: Money, actor_id: int, reason: str) -> None:
    """Book that a member paid a debt, or a part of it, to our bank account; raises Refused for more than is owed."""
    source = accounts.platform_bank(amount.currency)
    _settle(debt_id, "repaid", amount, actor_id, reason, source, "Repaid by a member")


def write_off(debt_id: int, amount: Money, actor_id: int, reason: str) -> None:
    """Give a debt up, or a part of it: the platform bears it; raises Refused for more than is owed."""
    source = accounts.write_offs(amount.currency)
    _settle(debt_id, "written_off", amount, actor_id, reason, source, "Written off")


def forgive(debt: MemberDebt, payment: Payment, minor: int, source: AccountSpec) -> list[TransferSpec]:
    """Take back `minor` minor units of a debt that turned out not to be one; gives the transfers from `source`.

    What is open is just let go. Of the rest, what was written off becomes the platform's again, and what the member paid,
    by earnings that were kept or by bank, becomes earnings of this payment: it is sent out of our balance then, as far as
    the payment's own charge can't bear it. (Giving it back to the payments that it was kept from would need their locks.)
    """
    debt = db.session.get_one(MemberDebt, debt.id, with_for_update=True, populate_existing=True)
    currency, lines = debt.currency, []
    let_go = min(minor, debt.open_minor)
    if let_go:
        lines.append(TransferSpec(source, accounts.member_receivable(debt.user_id, currency), Money(let_go, currency)))
    rest = minor - let_go
    entries = db.session.scalars(
        select(DebtEntry).where(DebtEntry.debt_id == debt.id).order_by(DebtEntry.kind.desc(), DebtEntry.id.desc())
    ).all()
    for entry in entries:
        amount = min(rest, entry.amount_minor - entry.returned_minor)
        if not amount:
            continue
        rest -= amount
        entry.returned_minor += amount
        lines.append(TransferSpec(source, _returned(debt, payment, entry, amount), Money(amount, currency)))
    debt.amount_minor -= minor
    debt.updated_at = clock.now()
    db.session.flush()
    return lines


def _returned(debt: MemberDebt, payment: Payment, entry: DebtEntry, minor: int) -> AccountSpec:
    """Undo one step of paying a debt; gives the account that gets the money."""
    if entry.kind == "written_off":
        debt.written_off_minor -= minor
        return accounts.write_offs(debt.currency)
    debt.cleared_minor -= minor
    payment.payable_minor += minor
    return accounts.member_payable(debt.user_id, debt.currency)
