"""Payments that a bank takes its time for: processing first, and the answer later."""

from marketplace.sandbox.banks import TestAccount
from marketplace.sandbox.calls import Call
from marketplace.sandbox.events import emit
from marketplace.sandbox.store import Doc


def begin(call: Call, intent: Doc, charge: Doc, account: TestAccount) -> Doc:
    """Leave an intent to its payer's bank, which answers when it falls due."""
    charge.update(status="pending", paid=False)
    charge["outcome"].update(network_status="approved_by_network", seller_message="Payment is under way.")
    call.tx.update(charge)
    intent.update(status="processing", next_action=None)
    call.tx.update(intent)
    emit(call, "charge.pending", charge)
    emit(call, "payment_intent.processing", intent)
    call.tx.schedule(call.now + account.answers_after, "bank_answers", charge["id"])
    return intent
