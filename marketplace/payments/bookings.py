"""What each fact means in the books: the only place where payments name ledger accounts.

Keys are `<object at the gateway>:<fact>`, so that a fact that is heard twice is booked once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from marketplace.ledger import accounts
from marketplace.ledger.service import TransferSpec, post
from marketplace.money import Money
from marketplace.payments.facts import ChargeFacts, RefundFacts, TransferFacts
from marketplace.payments.models import Payment, Refund


@dataclass(frozen=True, slots=True)
class Fee:
    """What the platform keeps of a payment, and what it says on the bill."""

    label: str
    amount: Money


def _post(key: str, payment: Payment, transfers: Sequence[TransferSpec], description: str) -> None:
    if transfers:
        post(key, transfers, description=description, agreement_id=payment.agreement_id, payment_id=payment.id)


def charged(payment: Payment, gateway: str, facts: ChargeFacts) -> None:
    """Money came in and is held for the agreement."""
    amount = Money(facts.amount_minor, facts.currency)
    clearing = accounts.provider_clearing(gateway, facts.currency)
    held = accounts.agreement_held(payment.agreement_id, facts.currency)
    _post(f"{facts.ref}:succeeded", payment, [TransferSpec(clearing, held, amount)], "Charge")


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


def settled(payment: Payment, ref: str, earned: Money, fees: Sequence[Fee]) -> None:
    """What was held becomes the payee's and, each fee by itself, the platform's."""
    held = accounts.agreement_held(payment.agreement_id, payment.currency)
    payable = accounts.member_payable(payment.payee_id, payment.currency)
    lines = [TransferSpec(held, payable, earned)] if earned else []
    income = accounts.platform_fees(payment.currency)
    lines += [TransferSpec(held, income, fee.amount) for fee in fees if fee.amount]
    names = ", ".join(fee.label for fee in fees if fee.amount)
    _post(f"{ref}:settled", payment, lines, f"Settlement ({names})" if names else "Settlement")


def taken_back(payment: Payment, refund_id: int, amount: Money) -> None:
    """The payee's earnings become held money again, so that a refund can be paid from it."""
    held = accounts.agreement_held(payment.agreement_id, payment.currency)
    payable = accounts.member_payable(payment.payee_id, payment.currency)
    _post(f"refund-{refund_id}:taken_back", payment, [TransferSpec(payable, held, amount)], "Taken back for a refund")


def refunded(payment: Payment, refund: Refund, facts: RefundFacts) -> None:
    """Held money went back to the payer."""
    held = accounts.agreement_held(payment.agreement_id, refund.currency)
    clearing = accounts.provider_clearing(refund.gateway, refund.currency)
    _post(f"{facts.ref}:refunded", payment, [TransferSpec(held, clearing, refund.amount)], "Refund")


def refund_returned(payment: Payment, refund: Refund, facts: RefundFacts) -> None:
    """A refund came back: the payer's bank did not take it, so the money is held again."""
    held = accounts.agreement_held(payment.agreement_id, refund.currency)
    clearing = accounts.provider_clearing(refund.gateway, refund.currency)
    _post(f"{facts.ref}:returned", payment, [TransferSpec(clearing, held, refund.amount)], "Refund that came back")


def transferred(payment: Payment, gateway: str, facts: TransferFacts) -> None:
    """The payee's earnings went to the payee's own account at the provider."""
    amount = Money(facts.amount_minor, facts.currency)
    payable = accounts.member_payable(payment.payee_id, facts.currency)
    clearing = accounts.provider_clearing(gateway, facts.currency)
    _post(f"{facts.ref}:transferred", payment, [TransferSpec(payable, clearing, amount)], "Pay-out")
