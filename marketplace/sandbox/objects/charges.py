"""Charges: what a payment intent's attempts leave behind, paid or failed."""

from typing import Any

from marketplace.sandbox.calls import Call, list_of, listing, listing_route, private, route
from marketplace.sandbox.errors import Refused
from marketplace.sandbox.events import emit
from marketplace.sandbox.fees import charge_fee
from marketplace.sandbox.ids import new_id
from marketplace.sandbox.objects import balance
from marketplace.sandbox.objects.payment_methods import card_of
from marketplace.sandbox.store import Doc

# Card authorisations last seven days; Visa's, when the merchant starts them, 4 days and 18 hours
# (https://docs.stripe.com/payments/place-a-hold-on-a-payment-method).
HOLD_SECONDS = 7 * 86_400
VISA_OFF_SESSION_HOLD_SECONDS = 4 * 86_400 + 18 * 3600


def new_charge(call: Call, intent: Doc, method: Doc, *, authenticated: bool, off_session: bool) -> Doc:
    """Return a charge for the whole amount of an intent, authorised but neither captured nor stored yet."""
    charge: Doc = {
        "id": new_id("ch"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": "PAYMENT SANDBOX",
        "captured": False,
        "created": call.now,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "on_behalf_of": None,
        "outcome": {
            "advice_code": None,
            "network_advice_code": None,
            "network_decline_code": None,
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "risk_score": 12,
            "seller_message": "Payment complete.",
            "type": "authorized",
        },
        "paid": True,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": _details(method, intent["amount"], authenticated),
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": intent["shipping"],
        "source_transfer": None,
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "succeeded",
        "transfer_data": None,
        "transfer_group": intent["transfer_group"],
    }
    if intent["capture_method"] == "manual":
        visa_rule = off_session and method["card"]["brand"] == "visa"
        lasts = VISA_OFF_SESSION_HOLD_SECONDS if visa_rule else HOLD_SECONDS
        charge["payment_method_details"]["card"]["capture_before"] = call.now + lasts
    return charge


def _details(method: Doc, amount: int, authenticated: bool) -> dict[str, Any]:
    card = method["card"]
    secured = {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": None,
        "version": "2.2.0",
    }
    return {
        "type": "card",
        "card": {
            "amount_authorized": amount,
            "authorization_code": "123456",
            "brand": card["brand"],
            "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
            "country": card["country"],
            "exp_month": card["exp_month"],
            "exp_year": card["exp_year"],
            "extended_authorization": {"status": "disabled"},
            "fingerprint": card["fingerprint"],
            "funding": card["funding"],
            "incremental_authorization": {"status": "unavailable"},
            "installments": None,
            "last4": card["last4"],
            "mandate": None,
            "multicapture": {"status": "unavailable"},
            "network": card["brand"],
            "network_token": {"used": False},
            "network_transaction_id": "101010101010101",
            "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
            "regulated_status": "unregulated",
            "three_d_secure": secured if authenticated else None,
            "wallet": None,
        },
    }


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
    if card.disputed:
        # The bank of the cardholder complains after the payment, never during it.
        call.tx.schedule(call.now, "dispute", charge["id"])


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
    listing_route("/v1/charges", "charges.list", list_all, "customer payment_intent transfer_group"),
    route("GET", "/v1/charges/<id>", "charges.retrieve", lambda call: call.subject("charge")),
    route("POST", "/v1/charges/<id>", "charges.update", update, "metadata description receipt_email transfer_group"),
)
