"""What pay-outs and everything that goes back mean in the books; keys are `<object>:<fact>`, as in `bookings`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from marketplace.database import db
from marketplace.ledger import accounts
from marketplace.ledger.models import LedgerAccount, LedgerTransaction, LedgerTransfer
from marketplace.ledger.service import TransferSpec, post, reverse
from marketplace.money import Money
from marketplace.payments.billing import fee_lines
from marketplace.payments.burden_models import Burden, ReserveHold
from marketplace.payments.dispute_models import Dispute
from marketplace.payments.facts import ReversalFacts, TransferFacts
from marketplace.payments.models import Payment


def write(key: str, payment: Payment, lines: Sequence[TransferSpec], description: str) -> None:
    """Post what concerns one payment; nothing to post is nothing posted."""
    if lines:
        post(key, lines, description=description, agreement_id=payment.agreement_id, payment_id=payment.id)


def transferred(payment: Payment, gateway: str, facts: TransferFacts, short: int) -> None:
    """The payee's earnings went to the payee's own account; `short` minor units of it are what the payee owes now."""
    payable = accounts.member_payable(payment.payee_id, facts.currency)
    owed = accounts.member_receivable(payment.payee_id, facts.currency)
    clearing = accounts.provider_clearing(gateway, facts.currency)
    parts = ((payable, facts.amount_minor - short), (owed, short))
    lines = [TransferSpec(source, clearing, Money(minor, facts.currency)) for source, minor in parts if minor]
    write(f"{facts.ref}:transferred", payment, lines, "Pay-out")


def reversed_transfer(payment: Payment, gateway: str, facts: ReversalFacts) -> None:
    """Money came back from the payee's own account and is owed to the payee again."""
    payable = accounts.member_payable(payment.payee_id, facts.currency)
    clearing = accounts.provider_clearing(gateway, facts.currency)
    line = TransferSpec(clearing, payable, Money(facts.amount_minor, facts.currency))
    write(f"{facts.ref}:reversed", payment, [line], "Pay-out taken back")


def charged_back(payment: Payment, key: str, lines: Sequence[TransferSpec]) -> None:
    """The provider took back what a payer's bank disputes."""
    write(key, payment, lines, "Chargeback")


def dispute_fee(payment: Payment, dispute: Dispute, key: str, fee: Money) -> None:
    """The provider took a fee for a dispute, or gave it back (below zero)."""
    cost, clearing = accounts.provider_fees(fee.currency), accounts.provider_clearing(dispute.gateway, fee.currency)
    line = TransferSpec(cost, clearing, fee) if fee.minor > 0 else TransferSpec(clearing, cost, -fee)
    write(key, payment, [line], "The provider's fee for a dispute")


def reinstated(payment: Payment, key: str, withdrawal: str, lines: Sequence[TransferSpec]) -> None:
    """The provider gave back what it took: the withdrawal is reversed, if nothing of it has moved on since."""
    description = "Chargeback won"
    if withdrawal and list(lines) == _mirror(withdrawal):
        reverse(withdrawal, key, description=description)
    else:
        write(key, payment, lines, description)


def _mirror(key: str) -> list[TransferSpec]:
    """Write the reversal of a transaction that was not reversed yet; empty when it was."""
    debit, credit, again = aliased(LedgerAccount), aliased(LedgerAccount), aliased(LedgerTransaction)
    rows = db.session.execute(
        select(LedgerTransfer.amount, LedgerTransfer.currency, *_facts(debit), *_facts(credit))
        .join(LedgerTransaction, LedgerTransaction.id == LedgerTransfer.txn_id)
        .join(debit, debit.id == LedgerTransfer.debit_account_id)
        .join(credit, credit.id == LedgerTransfer.credit_account_id)
        .where(LedgerTransaction.key == key, ~select(again.id).where(again.reverses_id == LedgerTransaction.id).exists())
        .order_by(LedgerTransfer.line.desc())
    ).all()  # fmt: skip
    return [
        TransferSpec(accounts.AccountSpec(*row[9:16]), accounts.AccountSpec(*row[2:9]), Money(row[0], row[1]))
        for row in rows
    ]


def _facts(account: type[LedgerAccount]) -> tuple[Any, ...]:
    return (
        account.code, account.currency, account.kind, account.role, account.owner_type, account.owner_id, account.guard,
    )  # fmt: skip


def fees_left(payment: Payment) -> dict[str, int]:
    """Give what the platform still has of a settled payment: minor units by account, given back ones taken off.

    The provider keeps its own fee, whatever goes back; so where the payee bears it, it stays charged with its tax.
    """
    held = accounts.agreement_held(payment.agreement_id, payment.currency).code
    debit, credit, again = aliased(LedgerAccount), aliased(LedgerAccount), aliased(LedgerTransaction)
    rows = db.session.execute(
        select(credit.code, func.sum(LedgerTransfer.amount))
        .join(LedgerTransaction, LedgerTransaction.id == LedgerTransfer.txn_id)
        .join(debit, debit.id == LedgerTransfer.debit_account_id)
        .join(credit, credit.id == LedgerTransfer.credit_account_id)
        .where(
            LedgerTransaction.payment_id == payment.id,
            LedgerTransaction.key.like("%:settled"),
            ~select(again.id).where(again.reverses_id == LedgerTransaction.id).exists(),  # undone: it never came in
            debit.code == held,
            credit.owner_type == "platform",
            credit.role != "provider_fees",
        )
        .group_by(credit.code)
    ).all()
    given = dict(
        db.session.execute(
            select(Burden.account, func.sum(Burden.amount_minor - Burden.returned_minor))
            .where(Burden.payment_id == payment.id, Burden.source == "fees")
            .group_by(Burden.account)
        ).all()
    )
    left = {code: int(minor) - int(given.get(code, 0)) for code, minor in rows}
    tax = accounts.tax_payable(payment.currency).code
    if tax in left:
        left[tax] -= fee_lines.tax_that_stays(payment)
    return {code: minor for code, minor in left.items() if minor > 0}


def set_aside(payment: Payment, hold: ReserveHold) -> None:
    """A part of the payee's earnings is kept against chargebacks."""
    payable = accounts.member_payable(payment.payee_id, payment.currency)
    reserve = accounts.member_reserve(payment.payee_id, payment.currency)
    line = TransferSpec(payable, reserve, Money(hold.amount_minor, hold.currency))
    write(f"reserve-{hold.id}:set_aside", payment, [line], "Set aside for chargebacks")


def freed(payment: Payment, hold: ReserveHold, minor: int) -> None:
    """What was kept against chargebacks is the payee's again: a reversal, when all of it is."""
    if minor == hold.amount_minor and hold.releases == 1:
        reverse(f"reserve-{hold.id}:set_aside", f"reserve-{hold.id}:freed", description="Reserve freed")
        return
    payable = accounts.member_payable(payment.payee_id, payment.currency)
    reserve = accounts.member_reserve(payment.payee_id, payment.currency)
    line = TransferSpec(reserve, payable, Money(minor, hold.currency))
    write(f"reserve-{hold.id}:freed:{hold.releases}", payment, [line], "Reserve freed")
