"""What each fact means in the books: the only place where payments name ledger accounts.

Keys are `<object at the gateway>:<fact>`, so that a fact that is heard twice is booked once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from marketplace.database import db
from marketplace.ledger import accounts
from marketplace.ledger.models import LedgerAccount, LedgerTransaction, LedgerTransfer
from marketplace.ledger.service import TransferSpec, hold, post, posting_of, voiding_of
from marketplace.money import Money
from marketplace.payments import notices
from marketplace.payments.facts import ChargeFacts, Exchanged, RefundFacts
from marketplace.payments.models import Payment, Refund

if TYPE_CHECKING:
    from marketplace.payments.billing.fee_lines import TaxedFee


@dataclass(frozen=True, slots=True)
class Fee:
    """What the platform keeps of a payment, and what it says on the bill; `kind` "provider" passes the provider's fee on.

    `tax_included` says whether the tax is in it, as it was agreed on; None is as operators have set it now.
    """

    label: str
    amount: Money
    kind: str = "platform"
    tax_included: bool | None = None


def _post(key: str, payment: Payment, transfers: Sequence[TransferSpec], description: str) -> None:
    if transfers:
        post(key, transfers, description=description, agreement_id=payment.agreement_id, payment_id=payment.id)


def charged(payment: Payment, gateway: str, facts: ChargeFacts, pending_id: int | None = None) -> None:
    """Money came in and is held for the agreement; what was pending for it becomes real, and the rest of that is free."""
    amount = Money(facts.amount_minor, facts.currency)
    clearing = accounts.provider_clearing(gateway, facts.currency)
    to_agreement = accounts.agreement_held(payment.agreement_id, facts.currency)
    line = TransferSpec(clearing, to_agreement, amount) if pending_id is None else posting_of(pending_id, amount)
    _post(f"{facts.ref}:succeeded", payment, [line], "Charge")
    exchanged(payment, gateway, f"{facts.ref}:exchanged", amount, facts.exchanged)


def held(payment: Payment, gateway: str, facts: ChargeFacts, amount: Money) -> int:
    """An amount is set aside on the payer's card: pending, because no money has moved; gives the pending transfer's id.

    It has no end of its own in the books: whether a hold is over is the provider's word.
    """
    clearing = accounts.provider_clearing(gateway, amount.currency)
    to_agreement = accounts.agreement_held(payment.agreement_id, amount.currency)
    booked = hold(
        f"{facts.ref}:held", clearing, to_agreement, amount,
        description="Held on a card", agreement_id=payment.agreement_id, payment_id=payment.id,
    )  # fmt: skip
    return booked.transfer_ids[0]


def hold_ended(payment: Payment, ref: str, pending_id: int) -> None:
    """Nothing is set aside any more."""
    _post(f"{ref}:hold_ended", payment, [voiding_of(pending_id)], "Hold ended")


def exchanged(
    payment: Payment, gateway: str, key: str, amount: Money, got: Exchanged | None, *, out: bool = False
) -> None:
    """The provider's balance moved in another currency than the payer's: both sides go over the exchange accounts.

    `amount` is the payer's, `got` the balance's; `out` when money left. So each clearing account says what the provider
    has in that currency, and what exchanging won or cost is the balance of the exchange accounts.
    """
    if got is None:
        return
    other = Money(got.amount_minor, got.currency)
    mine = accounts.provider_exchange(gateway, amount.currency)
    known = db.session.scalar(select(LedgerAccount.id).where(LedgerAccount.code == mine.code))
    if known is None:  # told once: what is earned in this currency can't be transferred as it is
        notices.alarm("provider_exchanges_a_currency", currency=amount.currency, into=other.currency)
    given = TransferSpec(mine, accounts.provider_clearing(gateway, amount.currency), amount)
    taken = TransferSpec(
        accounts.provider_clearing(gateway, other.currency), accounts.provider_exchange(gateway, other.currency), other
    )
    lines = [TransferSpec(one.credit, one.debit, one.amount) if out else one for one in (given, taken)]
    _post(key, payment, lines, "Exchanged by the provider")


def provider_fee(payment: Payment, gateway: str, facts: ChargeFacts) -> None:
    """The provider took its fee; a transaction of its own, because it may become known later than the charge."""
    if facts.fee is None or facts.fee.amount_minor <= 0:
        return
    fee = Money(facts.fee.amount_minor, facts.fee.currency)
    clearing = accounts.provider_clearing(gateway, fee.currency)
    _post(
        f"{facts.ref}:fee",
        payment,
        [TransferSpec(accounts.provider_fees(fee.currency), clearing, fee)],
        "The provider's fee",
    )


def settled(payment: Payment, ref: str, earned: Money, fees: Sequence[TaxedFee], others: Mapping[int, Money]) -> None:
    """What was held becomes the payee's and those `others` the payee shares with; each fee and its tax by itself goes to the
    platform and the tax office.
    """
    currency = payment.currency
    source = accounts.agreement_held(payment.agreement_id, currency)
    lines = [(accounts.member_payable(payment.payee_id, currency), earned)]
    lines += [(accounts.member_payable(user_id, currency), part) for user_id, part in others.items()]
    for one in fees:
        cost_back = one.fee.kind == "provider"
        lines.append((accounts.provider_fees(currency) if cost_back else accounts.platform_fees(currency), one.net))
        lines.append((accounts.tax_payable(currency), one.tax))
    names = ", ".join(one.fee.label for one in fees)
    transfers = [TransferSpec(source, target, amount) for target, amount in lines if amount]
    _post(f"{ref}:settled", payment, transfers, f"Settlement ({names})" if names else "Settlement")


def provider_fee_of(ref: str, currency: str) -> Money:
    """Give what the provider charged for a charge as far as the books know, in this currency."""
    found = db.session.scalar(
        select(func.sum(LedgerTransfer.amount))
        .join(LedgerTransaction, LedgerTransaction.id == LedgerTransfer.txn_id)
        .where(LedgerTransaction.key == f"{ref}:fee", LedgerTransfer.currency == currency)
    )
    return Money(int(found or 0), currency)


def refunded(payment: Payment, refund: Refund, facts: RefundFacts) -> None:
    """Held money went back to the payer."""
    held = accounts.agreement_held(payment.agreement_id, refund.currency)
    clearing = accounts.provider_clearing(refund.gateway, refund.currency)
    _post(f"{facts.ref}:refunded", payment, [TransferSpec(held, clearing, refund.amount)], "Refund")
    exchanged(payment, refund.gateway, f"{facts.ref}:exchanged", refund.amount, facts.exchanged, out=True)


def refund_returned(payment: Payment, refund: Refund, facts: RefundFacts) -> None:
    """A refund came back: the payer's bank did not take it, so the money is held again."""
    held = accounts.agreement_held(payment.agreement_id, refund.currency)
    clearing = accounts.provider_clearing(refund.gateway, refund.currency)
    _post(f"{facts.ref}:returned", payment, [TransferSpec(clearing, held, refund.amount)], "Refund that came back")
