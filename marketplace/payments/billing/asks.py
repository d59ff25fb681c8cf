"""Asks for bills from within the transactions that cause them; a job writes them, so that nobody waits for a number."""

from __future__ import annotations

from marketplace.jobs.service import enqueue
from marketplace.payments.models import PaymentAttempt, Refund


def bill_charge(attempt: PaymentAttempt) -> None:
    """Ask for the receipt of a charge that succeeded."""
    _ask("charge", attempt.id)


def credit_charge(attempt: PaymentAttempt) -> None:
    """Ask for the credit note of a charge that had not come in after all."""
    _ask("undone", attempt.id)


def bill_refund(refund: Refund) -> None:
    """Ask for the credit note of a refund that went back."""
    if not refund.surplus:  # what nobody had to pay stands on no receipt
        _ask("refund", refund.id)


def bill_failed_refund(refund: Refund) -> None:
    """Ask for the receipt that answers the credit note of a refund which did not arrive."""
    if not refund.surplus:
        _ask("refund_failed", refund.id)


def _ask(what: str, subject_id: int) -> None:
    # What became of the money comes before the paper about it: in a rush of events the bills, and their mails, wait.
    enqueue("payments.bill", {what: subject_id}, key=f"payments.bill:{what}:{subject_id}", priority=-1)
