"""Disputes: the cardholder's bank takes the money back, and keeps it unless the evidence wins."""

from typing import Any

from marketplace.sandbox.calls import Call, listing, listing_route, route
from marketplace.sandbox.errors import Refused
from marketplace.sandbox.events import emit
from marketplace.sandbox.fees import dispute_fee
from marketplace.sandbox.ids import new_id
from marketplace.sandbox.objects import balance
from marketplace.sandbox.objects.charges import remaining
from marketplace.sandbox.objects.payment_methods import card_of
from marketplace.sandbox.store import Doc

ANSWER_SECONDS = 7 * 86_400
_EVIDENCE = (
    *("access_activity_log", "billing_address", "cancellation_policy", "cancellation_policy_disclosure"),
    *("cancellation_rebuttal", "customer_communication", "customer_email_address", "customer_name"),
    *("customer_purchase_ip", "customer_signature", "duplicate_charge_documentation", "duplicate_charge_explanation"),
    *("duplicate_charge_id", "product_description", "receipt", "refund_policy", "refund_policy_disclosure"),
    *("refund_refusal_explanation", "service_date", "service_documentation", "shipping_address", "shipping_carrier"),
    *("shipping_date", "shipping_documentation", "shipping_tracking_number", "uncategorized_file"),
    "uncategorized_text",
)
_OPEN = ("needs_response", "under_review")
_ASKING = ("warning_needs_response", "warning_under_review")


def opens(
    call: Call,
    charge: Doc,
    reason: str = "",
    amount: int | None = None,
    *,
    inquiry: bool = False,
    even_refunded: bool = False,
) -> Doc | None:
    """Open a dispute of what is left of a charge, or of `amount` (minor units) of it; None when there is not that much.

    A bank may dispute several parts of a charge, one after the other. With `inquiry` it only asks, and takes nothing yet;
    with `even_refunded` it does not know, or mind, that money went back already.
    """
    earlier = call.tx.find("dispute", {"charge": charge["id"]}, account=call.account)
    charged = charge["amount_captured"] if even_refunded else remaining(charge)
    left = charged - sum(one["amount"] for one in earlier if one["status"] not in ("won", "warning_closed"))
    amount = left if amount is None else amount
    if not charge["captured"] or not 0 < amount <= left:
        return None
    method = call.load("payment_method", charge["payment_method"])
    brand = (method.get("card") or {}).get("brand", "visa")
    dispute = _new(call, charge, amount, reason or card_of(method).disputed or "general", brand)
    call.tx.insert(dispute, call.account)
    if inquiry:
        dispute["status"] = "warning_needs_response"
        dispute["payment_method_details"]["card"]["case_type"] = "inquiry"
        dispute["is_charge_refundable"] = True
        call.tx.update(dispute)
        emit(call, "charge.dispute.created", dispute)
        return dispute
    return withdraws(call, dispute, charge, "charge.dispute.created")


def withdraws(call: Call, dispute: Doc, charge: Doc, event: str) -> Doc:
    """Take the money of a dispute, and the fee."""
    amount = dispute["amount"]
    dispute["status"] = "needs_response"
    dispute["is_charge_refundable"] = False
    dispute["payment_method_details"]["card"]["case_type"] = "chargeback"
    _book(
        call, dispute, -amount, dispute_fee(charge["currency"]), "dispute", f"Chargeback withdrawal for {charge['id']}"
    )
    call.tx.update(dispute)
    charge["disputed"] = True
    call.tx.update(charge)
    emit(call, event, dispute, *(() if event == "charge.dispute.created" else ({},)))
    emit(call, "charge.dispute.funds_withdrawn", dispute)
    call.tx.schedule(dispute["evidence_details"]["due_by"], "dispute_answer_due", dispute["id"])
    return dispute


def _new(call: Call, charge: Doc, amount: int, reason: str, brand: str) -> Doc:
    return {
        "id": new_id("du"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": call.now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(_EVIDENCE), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": call.now + ANSWER_SECONDS,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "type": "card",
            "card": {"brand": brand, "case_type": "chargeback", "network_reason_code": "10.4"},
        },
        "reason": reason,
        "status": "needs_response",
    }


def _book(call: Call, dispute: Doc, amount: int, fee: int, category: str, description: str) -> None:
    txn = balance.post(
        call,
        "adjustment",
        amount,
        dispute["currency"],
        dispute["id"],
        fee=fee,
        category=category,
        description=description,
    )
    dispute["balance_transactions"].append({key: value for key, value in txn.items() if key != "_"})


def settle(call: Call, dispute: Doc, won: bool) -> Doc:
    """Decide a dispute: won gives the money back (not the fee), lost leaves it with the cardholder."""
    if dispute["status"] in _ASKING:
        dispute["status"] = "warning_closed"
        call.tx.update(dispute)
        emit(call, "charge.dispute.closed", dispute)
        return dispute
    if dispute["status"] not in _OPEN:
        raise Refused("The dispute has been decided already.")
    dispute["status"] = "won" if won else "lost"
    if won:
        _book(call, dispute, dispute["amount"], 0, "dispute_reversal", f"Chargeback reversal for {dispute['charge']}")
    call.tx.update(dispute)
    emit(call, "charge.dispute.closed", dispute)
    if won:
        emit(call, "charge.dispute.funds_reinstated", dispute)
    return dispute


def answer_due(call: Call, dispute: Doc) -> None:
    """A dispute that nobody answered in time is lost."""
    if dispute["status"] == "needs_response":
        dispute["evidence_details"]["past_due"] = True
        settle(call, dispute, won=False)


def update(call: Call) -> Doc:
    """Give evidence; with `submit` (the default) the bank looks at it.

    The texts `winning_evidence` and `losing_evidence` decide at once, as Stripe documents for its test mode.
    """
    dispute = call.subject("dispute")
    params = call.params
    if dispute["status"] not in ("needs_response", "warning_needs_response") and "evidence" in params:
        raise Refused("The dispute no longer takes evidence.")
    given = params.group("evidence")
    given.only(frozenset(_EVIDENCE))
    evidence: dict[str, Any] = {name: given.text(name, 150_000) for name in given.values}
    dispute["evidence"].update(evidence)
    dispute["metadata"] = params.metadata(dispute["metadata"])
    details = dispute["evidence_details"]
    details["has_evidence"] = any(dispute["evidence"].get(name) for name in _EVIDENCE)
    if evidence and params.flag("submit", True):
        details["submission_count"] += 1
        dispute["status"] = "warning_under_review" if dispute["status"] in _ASKING else "under_review"
    call.tx.update(dispute)
    emit(call, "charge.dispute.updated", dispute, {})
    verdict = dispute["evidence"]["uncategorized_text"]
    if dispute["status"] == "under_review" and verdict in {"winning_evidence", "losing_evidence"}:
        return settle(call, dispute, won=verdict == "winning_evidence")
    return dispute


def close(call: Call) -> Doc:
    """Give a dispute up: it is lost."""
    return settle(call, call.subject("dispute"), won=False)


def list_all(call: Call) -> Doc:
    """List disputes."""
    return listing(call, "dispute", "/v1/disputes", ("charge", "payment_intent"))


ROUTES = (
    listing_route("/v1/disputes", "disputes.list", list_all, "created charge payment_intent"),
    route("GET", "/v1/disputes/<id>", "disputes.retrieve", lambda call: call.subject("dispute")),
    route("POST", "/v1/disputes/<id>", "disputes.update", update, "evidence metadata submit"),
    route("POST", "/v1/disputes/<id>/close", "disputes.close", close),
)
