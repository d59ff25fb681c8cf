"""Refunds to payers and transfers to those who are paid."""

from __future__ import annotations

from marketplace.payments.facts import RefundFacts, TransferFacts, Trouble
from marketplace.payments.gateways import stripe_facts as read
from marketplace.payments.gateways.stripe_talk import StripeTalk
from marketplace.payments.orders import RefundOrder, TransferOrder

REFUND_PARTS = ["balance_transaction"]


class StripeMoves(StripeTalk):
    """Money that leaves the platform's balance."""

    def refund(self, key: str, order: RefundOrder) -> RefundFacts | Trouble:
        """Create a refund."""

        def create() -> RefundFacts:
            refund = self._stripe.refunds.create(
                {
                    "payment_intent": order.charge_ref,
                    "amount": order.amount_minor,
                    "metadata": {"attempt": key},
                    "expand": REFUND_PARTS,
                },
                {"idempotency_key": key},
            )
            return read.refund_facts(refund)

        return self._ask("refunding", create)

    def read_refund(self, ref: str) -> RefundFacts | Trouble:
        """Read a refund."""
        return self._ask(
            "reading a refund", lambda: read.refund_facts(self._stripe.refunds.retrieve(ref, {"expand": REFUND_PARTS}))
        )

    def find_refund(self, key: str, order: RefundOrder) -> RefundFacts | Trouble | None:
        """Look through the refunds of the charge."""
        return self._find(
            "looking for a refund",
            key,
            lambda: self._stripe.refunds.list({"payment_intent": order.charge_ref, "limit": 100}).auto_paging_iter(),
            self.read_refund,
        )

    def refunds_of(self, charge_ref: str) -> list[RefundFacts] | Trouble:
        """Read all refunds of a charge, also those that were made in Stripe's dashboard."""
        return self._ask(
            "reading refunds",
            lambda: [
                read.refund_facts(refund)
                for refund in self._stripe.refunds.list(
                    {"payment_intent": charge_ref, "limit": 100, "expand": [f"data.{part}" for part in REFUND_PARTS]}
                ).auto_paging_iter()
            ],
        )

    def transfer(self, key: str, order: TransferOrder) -> TransferFacts | Trouble:
        """Create a transfer out of one charge, whose money need not be available yet.

        https://docs.stripe.com/connect/separate-charges-and-transfers#transfer-availability
        """

        def create() -> TransferFacts:
            transfer = self._stripe.transfers.create(
                {
                    "amount": order.amount_minor,
                    "currency": order.currency.lower(),
                    "destination": order.account,
                    "source_transaction": order.source,
                    "transfer_group": order.group,
                    "description": order.description,
                    "metadata": {"attempt": key},
                },
                {"idempotency_key": key},
            )
            return read.transfer_facts(transfer)

        return self._ask("transferring", create)

    def read_transfer(self, ref: str) -> TransferFacts | Trouble:
        """Read a transfer."""
        return self._ask("reading a transfer", lambda: read.transfer_facts(self._stripe.transfers.retrieve(ref)))

    def find_transfer(self, key: str, order: TransferOrder) -> TransferFacts | Trouble | None:
        """Look through the transfers to the account."""
        return self._find(
            "looking for a transfer",
            key,
            lambda: self._stripe.transfers.list({"destination": order.account, "limit": 100}).auto_paging_iter(),
            self.read_transfer,
        )
