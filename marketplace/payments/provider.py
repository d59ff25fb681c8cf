"""What only a provider with chargebacks and accounts of its own is asked, beyond the protocol of every gateway."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, cast

from marketplace.payments.facts import BankPayoutFacts, DisputeFacts, Facts, ReversalFacts, Trouble
from marketplace.payments.gateway import Gateway, gateway
from marketplace.payments.orders import AnswerOrder, ReversalOrder


class Provider(Gateway, Protocol):
    """A gateway that takes money back, and can be told why it should not."""

    def reverse_transfer(self, key: str, order: ReversalOrder) -> ReversalFacts | Trouble:
        """Take money back from a member's account."""
        ...

    def find_reversal(self, key: str, order: ReversalOrder) -> ReversalFacts | Trouble | None:
        """Look for the reversal that carries the key."""
        ...

    def upload_evidence(self, key: str, name: str, content: bytes) -> str | Trouble:
        """Keep a file as evidence at the provider; gives its reference."""
        ...

    def answer_dispute(self, key: str, order: AnswerOrder) -> DisputeFacts | Trouble:
        """Submit evidence; the bank looks at it."""
        ...

    def concede_dispute(self, key: str, order: AnswerOrder) -> DisputeFacts | Trouble:
        """Give a dispute up."""
        ...

    def read_dispute(self, ref: str) -> DisputeFacts | Trouble:
        """Give the present facts of a dispute."""
        ...

    def read_case(self, ref: str) -> Sequence[Facts] | Trouble:
        """Give the facts of a dispute and, before them, of the charge and refunds that it is about."""
        ...

    def read_bank_payout(self, ref: str, account: str) -> BankPayoutFacts | Trouble:
        """Give the present facts of a pay-out from a member's account to the member's bank."""
        ...


def provider() -> Provider:
    """Give the gateway that pays members and hears of chargebacks; raises PaymentsOff without one."""
    return cast(Provider, gateway())
