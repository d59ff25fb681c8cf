"""Charges: what a payment intent's attempts leave behind, paid or failed."""

from typing import Any

from marketplace.sandbox import shapes
from marketplace.sandbox.calls import Call, list_of, listing, listing_route, private, route
from marketplace.sandbox.cards import INQUIRY
from marketplace.sandbox.errors import Refused
from marketplace.sandbox.events import emit
from marketplace.sandbox.fees import charge_fee
from marketplace.sandbox.ids import new_id
from marketplace.sandbox.objects import balance, bank_methods
from marketplace.sandbox.objects.payment_methods import card_of
from marketplace.sandbox.store import Doc

# Card authorisations last seven days; Visa's, when the merchant starts them, 4 days and 18 hours
# (https://docs.stripe.com/payments/place-a-hold-on-a-payment-method).
HOLD_SECONDS = 7 * 86_400
VISA_OFF_SESSION_HOLD_SECONDS = 4 * 86_400 + 18 * 3600


def new_charge(call: Call, intent: Doc, method: Doc, *, authenticated: bool, off_session: bool) -> Doc:
    """Return a charge for the whole amount of an intent, authorised but neither captured nor stored yet."""
    charge = shapes.new(
        "charge",
        id=new_id("ch"),
        amount=intent["amount"],
        billing_details=method["billing_details"],
        created=call.now,
        currency=intent["currency"],
        customer=intent["customer"],
        description=intent["description"],
        metadata=dict(intent["metadata"]),
        payment_intent=intent["id"],
        payment_method=method["id"],
        payment_method_details=(
            _details(method, intent["amount"], authenticated)
            if method["type"] == "card"
            else bank_methods.charged(method)
        ),
        receipt_email=intent["receipt_email"],
        shipping=intent["shipping"],
        statement_descriptor=intent["statement_descriptor"],
        statement_descriptor_suffix=intent["statement_descriptor_suffix"],
        transfer_group=intent["transfer_group"],
    )
    if intent["capture_method"] == "manual":
        visa_rule = off_session and method["card"]["brand"] == "visa"
        lasts = VISA_OFF_SESSION_HOLD_SECONDS if visa_rule else HOLD_SECONDS
        charge["payment_method_details"]["card"]["capture_before"] = call.now + lasts
    return charge


def _details(method: Doc, amount: int, authenticated: bool) -> dict[str, Any]:
    same = ("brand", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4")
    card = shapes.new(
        "charged_card",
        amount_authorized=amount,
        network=method["card"]["brand"],
        overcapture={"maximum_amount_capturable": amount, "status": "unavailable"},
        **{name: method["card"][name] for name in same},
    )
    if authenticated:
        card["three_d_secure"] = {
            "authentication_flow": "challenge",
            "electronic_commerce_indicator": "05",
            "exemption_indicator": None,
            "result": "authenticated",
            "result_reason": None,
            "transaction_id": None,
            "version": "2.2.0",
        }
    return {"type": "card", "card": card}


def fail(charge: Doc, code: str, decline_code: str, message: str) -> None:
    """Mark a charge as failed."""
    charge.update(status="failed", paid=False, failure_code=code, failure_message=message)
    charge["outcome"].update(
        network_status="declined_by_network",
        reason=decline_code,
        seller_message="The bank returned the decline code `" + decline_code + "`.",
        type="issuer_declined",
    )


def book(call: Call, charge: Doc, method: Doc, amount: int) -> None:
    """Capture `amount` (minor units) of a charge: the money comes in, less the fee."""
    card = card_of(method)
    charge["captured"] = True
    charge["amount_captured"] = amount
    txn = balance.post(
        call,
        "charge",
        amount,
        charge["currency"],
        charge["id"],
        fee=charge_fee(amount, charge["currency"]),
        available_on=None if card.available_at_once else call.now + balance.PENDING_SECONDS,
        description=charge["description"],
    )
    charge["balance_transaction"] = txn["id"]
    if txn["status"] == "available":
        balance.announce(call)
    if card.disputed:
        # The bank of the cardholder complains after the payment, never during it.
        call.tx.schedule(call.now, "inquiry" if card.disputed == INQUIRY else "dispute", charge["id"])


def release(call: Call, charge: Doc, event: str) -> None:
    """Let go of an authorisation that was not captured."""
    charge["amount_refunded"] = charge["amount"]
    charge["refunded"] = True
    call.tx.update(charge)
    emit(call, event, charge)


def reload_refunds(call: Call, charge: Doc) -> Doc:
    """Return the list of refunds of a charge, which is only shown when asked for."""
    found = call.tx.find("refund", {"charge": charge["id"]}, account=call.account, limit=10)
    return list_of(found, f"/v1/charges/{charge['id']}/refunds")


def update(call: Call) -> Doc:
    """Change what is only words about a charge."""
    charge = call.subject("charge")
    charge["metadata"] = call.params.metadata(charge["metadata"])
    for name in ("description", "receipt_email", "transfer_group"):
        if name in call.params:
            if name == "transfer_group" and charge[name]:
                raise Refused("The transfer group of a charge is set once.", param=name)
            charge[name] = call.params.text(name)
    call.tx.update(charge)
    emit(call, "charge.updated", charge, {})
    return charge


def list_all(call: Call) -> Doc:
    """List charges."""
    return listing(call, "charge", "/v1/charges", ("customer", "payment_intent", "transfer_group"))


def remaining(charge: Doc) -> int:
    """Return what can still be refunded, minor units."""
    return int(charge["amount_captured"] - charge["amount_refunded"]) if charge["captured"] else 0


def held_for_transfers(charge: Doc) -> int:
    """Return what was already transferred out of a charge, minor units."""
    return int(private(charge).get("transferred", 0))


ROUTES = (
    listing_route("/v1/charges", "charges.list", list_all, "created customer payment_intent transfer_group"),
    route("GET", "/v1/charges/<id>", "charges.retrieve", lambda call: call.subject("charge")),
    route("POST", "/v1/charges/<id>", "charges.update", update, "metadata description receipt_email transfer_group"),
)
