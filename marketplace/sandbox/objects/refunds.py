"""Refunds: never more than was captured, and never of a payment that is disputed."""

from marketplace.sandbox import shapes
from marketplace.sandbox.calls import Call, listing, listing_route, route
from marketplace.sandbox.errors import InvalidRequest, Refused
from marketplace.sandbox.events import emit
from marketplace.sandbox.ids import new_id
from marketplace.sandbox.objects import balance
from marketplace.sandbox.objects.charges import remaining
from marketplace.sandbox.objects.payment_methods import card_of
from marketplace.sandbox.store import Doc

_REASONS = ("duplicate", "fraudulent", "requested_by_customer")
ARRIVES_SECONDS = 5


def create(call: Call) -> Doc:
    """Give back the whole of what remains of a charge, or `amount` of it."""
    params = call.params
    charge = _charge(call)
    reason = params.choice("reason", _REASONS)
    amount = params.integer("amount", 1)
    if charge["disputed"] and _taken_back(call, charge):
        raise Refused("The charge has been charged back; it cannot be refunded.", code="charge_disputed")
    if charge["refunded"]:
        raise Refused("The charge has been refunded already.", code="charge_already_refunded")
    left = remaining(charge)
    if not left:
        raise Refused("The charge took no money that could be given back.", code="charge_not_refundable")
    if amount is not None and amount > left:
        raise Refused(
            f"A refund of {amount} is more than the {left} {charge['currency']} left on the charge.",
            code="amount_too_large",
            param="amount",
        )
    return refund(call, charge, amount or left, reason, params.metadata())


def _taken_back(call: Call, charge: Doc) -> bool:
    """Return whether a bank holds on to the money: a case that was won, or was only a question, leaves it refundable."""
    cases = call.tx.find("dispute", {"charge": charge["id"]}, account=call.account)
    return any(case["status"] in {"needs_response", "under_review", "lost"} for case in cases)


def _charge(call: Call) -> Doc:
    params = call.params
    if params.text("charge"):
        return call.load("charge", params.need_text("charge"), "charge")
    if not params.text("payment_intent"):
        raise InvalidRequest(
            "One of charge and payment_intent must be given.", code="parameter_missing", param="charge"
        )
    intent = call.load("payment_intent", params.need_text("payment_intent"), "payment_intent")
    if intent["status"] != "succeeded" or not intent["latest_charge"]:
        raise Refused(
            "The payment intent has no successful charge to refund.",
            code="payment_intent_unexpected_state",
            param="payment_intent",
        )
    return call.load("charge", intent["latest_charge"])


def refund(call: Call, charge: Doc, amount: int, reason: str | None, metadata: dict[str, str]) -> Doc:
    """Book a refund of `amount` (minor units). The fee of the charge is not given back."""
    charge_txn = call.tx.get(charge["balance_transaction"])
    behaviour = card_of(call.load("payment_method", charge["payment_method"])).refund
    refund_doc = shapes.new(
        "refund",
        id=new_id("re"),
        amount=amount,
        charge=charge["id"],
        created=call.now,
        currency=charge["currency"],
        metadata=metadata,
        payment_intent=charge["payment_intent"],
        reason=reason,
        status="pending" if behaviour == "pending" else "succeeded",
    )
    # A refund comes out of the money of its charge, so it is pending as long as that is.
    available_on = charge_txn["available_on"] if charge_txn else None
    txn = balance.post(
        call,
        "refund",
        -amount,
        charge["currency"],
        refund_doc["id"],
        available_on=available_on,
        description="REFUND FOR CHARGE",
    )
    refund_doc["balance_transaction"] = txn["id"]
    call.tx.insert(refund_doc, call.account)
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] >= charge["amount_captured"]
    call.tx.update(charge)
    emit(call, "refund.created", refund_doc)
    emit(call, "charge.refunded", charge)
    if behaviour:
        call.tx.schedule(call.now + ARRIVES_SECONDS, "refund_settles", refund_doc["id"])
    return refund_doc


def settles(call: Call, refund_doc: Doc) -> None:
    """Let a slow refund arrive, or come back from a bank that would not take it."""
    charge = call.load("charge", refund_doc["charge"])
    behaviour = card_of(call.load("payment_method", charge["payment_method"])).refund
    if behaviour == "pending":
        refund_doc["status"] = "succeeded"
        call.tx.update(refund_doc)
        emit(call, "refund.updated", refund_doc)
        emit(call, "charge.refund.updated", refund_doc)
        return
    txn = balance.post(call, "refund_failure", refund_doc["amount"], refund_doc["currency"], refund_doc["id"])
    refund_doc.update(status="failed", failure_reason="expired_or_canceled_card", failure_balance_transaction=txn["id"])
    call.tx.update(refund_doc)
    charge["amount_refunded"] -= refund_doc["amount"]
    charge["refunded"] = False
    call.tx.update(charge)
    emit(call, "refund.failed", refund_doc)
    emit(call, "charge.refund.updated", refund_doc)


def update(call: Call) -> Doc:
    """Change the metadata of a refund."""
    refund_doc = call.subject("refund")
    refund_doc["metadata"] = call.params.metadata(refund_doc["metadata"])
    call.tx.update(refund_doc)
    emit(call, "refund.updated", refund_doc, {})
    emit(call, "charge.refund.updated", refund_doc, {})
    return refund_doc


def list_all(call: Call) -> Doc:
    """List refunds."""
    return listing(call, "refund", "/v1/refunds", ("charge", "payment_intent"))


ROUTES = (
    route("POST", "/v1/refunds", "refunds.create", create, "charge payment_intent amount reason metadata"),
    listing_route("/v1/refunds", "refunds.list", list_all, "created charge payment_intent"),
    route("GET", "/v1/refunds/<id>", "refunds.retrieve", lambda call: call.subject("refund")),
    route("POST", "/v1/refunds/<id>", "refunds.update", update, "metadata"),
)
