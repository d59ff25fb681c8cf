"""Chargebacks, the evidence that is given in them, and what is taken back from those who were paid."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import stripe

from marketplace.payments.facts import (
    BankPayoutFacts,
    DisputeFacts,
    Exchanged,
    Facts,
    FeeFacts,
    MovementFacts,
    ReversalFacts,
    Trouble,
)
from marketplace.payments.gateways import stripe_facts as read
from marketplace.payments.gateways.stripe_moves import StripeMoves
from marketplace.payments.orders import AnswerOrder, ReversalOrder

STATES = {
    "warning_needs_response": "inquiry",
    "warning_under_review": "inquiry_review",
    "warning_closed": "inquiry_closed",
    "appeal_needs_response": "needs_response",
    "appeal_under_review": "under_review",
}
"""Stripe's status -> ours, where they differ."""

MOST = 100


class StripeDisputes(StripeMoves):
    """Money that a payer's bank takes back, and money that we take back from a member's account."""

    def read_dispute(self, ref: str) -> DisputeFacts | Trouble:
        """Read a dispute; its balance transactions come with it."""
        return self._ask("reading a chargeback", lambda: dispute_facts(self._stripe.disputes.retrieve(ref)))

    def read_case(self, ref: str) -> Sequence[Facts] | Trouble:
        """Read a dispute after its charge and refunds, so that the dispute is never applied to a charge nobody knows."""
        dispute = self.read_dispute(ref)
        if isinstance(dispute, Trouble) or not dispute.charge_ref:
            return dispute if isinstance(dispute, Trouble) else (dispute,)
        charge = self.read_charge(dispute.charge_ref)  # type: ignore[attr-defined]  # the gateway's other half
        if isinstance(charge, Trouble):
            return charge
        refunds = self.refunds_of(dispute.charge_ref)
        return refunds if isinstance(refunds, Trouble) else (charge, *refunds, dispute)

    def upload_evidence(self, key: str, name: str, content: bytes) -> str | Trouble:
        """Upload a file for a dispute (https://docs.stripe.com/file-upload); names and types are for the bank to see."""
        file = io.BytesIO(content)
        file.name = name

        def upload() -> str:
            made = self._stripe.files.create({"purpose": "dispute_evidence", "file": file}, {"idempotency_key": key})
            return made.id

        return self._ask("uploading evidence", upload)

    def answer_dispute(self, key: str, order: AnswerOrder) -> DisputeFacts | Trouble:
        """Give all evidence at once and submit it: Stripe lets it be submitted only once."""
        evidence: Any = {**order.texts, **order.files}

        def submit() -> DisputeFacts:
            given = self._stripe.disputes.update(
                order.dispute_ref,
                {"evidence": evidence, "submit": True, "metadata": {"attempt": key}},
                {"idempotency_key": key},
            )
            return dispute_facts(given)

        return self._ask("submitting evidence", submit)

    def concede_dispute(self, key: str, order: AnswerOrder) -> DisputeFacts | Trouble:
        """Close a dispute; it is lost."""
        return self._ask(
            "giving a dispute up",
            lambda: dispute_facts(self._stripe.disputes.close(order.dispute_ref, {}, {"idempotency_key": key})),
        )

    def reverse_transfer(self, key: str, order: ReversalOrder) -> ReversalFacts | Trouble:
        """Reverse a transfer, or a part of it; Stripe refuses more than the account's balance bears."""

        def create() -> ReversalFacts:
            made = self._stripe.transfers.reversals.create(
                order.transfer_ref,
                {"amount": order.amount_minor, "metadata": {"attempt": key}},
                {"idempotency_key": key},
            )
            return reversal_facts(made)

        return self._ask("reversing a transfer", create)

    def find_reversal(self, key: str, order: ReversalOrder) -> ReversalFacts | Trouble | None:
        """Look through the reversals of the transfer."""
        found = self.reversals_of(order.transfer_ref)
        return found if isinstance(found, Trouble) else next((one for one in found if one.key == key), None)

    def reversals_of(self, transfer_ref: str) -> list[ReversalFacts] | Trouble:
        """Read all reversals of a transfer, the oldest first, also those made in Stripe's dashboard."""

        def look() -> list[ReversalFacts]:
            listed = self._stripe.transfers.reversals.list(transfer_ref, {"limit": MOST}).auto_paging_iter()
            return [reversal_facts(one) for one in listed][::-1]

        return self._ask("reading reversals", look)

    def read_moved(self, ref: str) -> Sequence[Facts] | Trouble:
        """Read a transfer and what was taken back of it."""
        transfer = self.read_transfer(ref)
        if isinstance(transfer, Trouble) or not transfer.reversed_minor:
            return transfer if isinstance(transfer, Trouble) else (transfer,)
        found = self.reversals_of(ref)
        return found if isinstance(found, Trouble) else (transfer, *found)

    def read_bank_payout(self, ref: str, account: str) -> BankPayoutFacts | Trouble:
        """Read a pay-out of a connected account."""
        return self._ask(
            "reading a pay-out to a bank",
            lambda: bank_payout_facts(self._stripe.payouts.retrieve(ref, {}, {"stripe_account": account}), account),
        )


def instant(seconds: int | None) -> datetime | None:
    """Read Stripe's seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def dispute_facts(dispute: stripe.Dispute) -> DisputeFacts:
    """Read a dispute; a fee below zero is one that Stripe gave back."""
    details = dispute.evidence_details
    return DisputeFacts(
        ref=dispute.id,
        key=read.key_of(dispute.metadata),
        charge_ref=read.id_of(dispute.payment_intent),
        amount_minor=dispute.amount,
        currency=dispute.currency.upper(),
        state=STATES.get(dispute.status, dispute.status),
        reason=dispute.reason,
        opened_at=instant(dispute.created),
        due_by=instant(details.due_by),
        submissions=details.submission_count,
        appeal=dispute.status.startswith("appeal_"),
        movements=tuple(
            _movement(dispute, entry)
            for entry in sorted(dispute.balance_transactions, key=lambda one: (one.created, one.amount))
            if entry.amount or entry.fee
        ),
    )


def _movement(dispute: stripe.Dispute, entry: stripe.BalanceTransaction) -> MovementFacts:
    """Read an entry; where our balance is of another currency, the dispute says how much that was in its own."""
    fee = FeeFacts(entry.fee, entry.currency.upper())
    if entry.currency == dispute.currency:
        return MovementFacts(entry.id, entry.amount, fee)
    amount = dispute.amount if entry.amount > 0 else -dispute.amount if entry.amount < 0 else 0
    return MovementFacts(
        entry.id, amount, fee, Exchanged(abs(entry.amount), entry.currency.upper()) if amount else None
    )


def reversal_facts(reversal: stripe.TransferReversal) -> ReversalFacts:
    """Read a reversal; it has happened as soon as it exists."""
    return ReversalFacts(
        ref=reversal.id,
        key=read.key_of(reversal.metadata),
        transfer_ref=read.id_of(reversal.transfer),
        amount_minor=reversal.amount,
        currency=reversal.currency.upper(),
    )


def bank_payout_facts(payout: stripe.Payout, account: str) -> BankPayoutFacts:
    """Read a pay-out to a bank."""
    return BankPayoutFacts(
        ref=payout.id,
        account=account,
        amount_minor=payout.amount,
        currency=payout.currency.upper(),
        state=payout.status,
        failure_code=(payout.failure_code or "")[:64],
        arrives_at=instant(payout.arrival_date),
    )
