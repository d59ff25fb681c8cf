"""Mandates: a payer's word that an account may be debited."""

from marketplace.sandbox.calls import Call, route
from marketplace.sandbox.ids import new_id, token
from marketplace.sandbox.store import Doc


def new_mandate(call: Call, method: Doc) -> str:
    """Store the mandate for a SEPA Direct Debit method and return its id."""
    mandate: Doc = {
        "id": new_id("mandate"),
        "object": "mandate",
        "customer_acceptance": {
            "accepted_at": call.now,
            "online": {"ip_address": "127.0.0.1", "user_agent": None},
            "type": "online",
        },
        "livemode": False,
        "multi_use": {},
        "payment_method": method["id"],
        "payment_method_details": {
            "type": "sepa_debit",
            "sepa_debit": {"reference": token(16).upper(), "url": f"{call.base_url}/desk/object/{method['id']}"},
        },
        "status": "active",
        "type": "multi_use",
    }
    return str(call.tx.insert(mandate, call.account)["id"])


ROUTES = (route("GET", "/v1/mandates/<id>", "mandates.retrieve", lambda call: call.subject("mandate")),)
