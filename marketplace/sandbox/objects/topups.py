"""Top-ups: money that the platform itself brings to its balance, for instance before it pays back more than it has."""

from marketplace.sandbox.amounts import amount_of, currency_of
from marketplace.sandbox.calls import Call, listing, listing_route, route
from marketplace.sandbox.events import emit
from marketplace.sandbox.ids import new_id
from marketplace.sandbox.objects import balance
from marketplace.sandbox.store import Doc

ARRIVES_SECONDS = 86_400


def create(call: Call) -> Doc:
    """Bring money in; it arrives a day later."""
    params = call.params
    currency = currency_of(params)
    topup: Doc = {
        "id": new_id("tu"),
        "object": "topup",
        "amount": amount_of(params, currency),
        "balance_transaction": None,
        "created": call.now,
        "currency": currency,
        "description": params.text("description"),
        "expected_availability_date": call.now + ARRIVES_SECONDS,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": params.metadata(),
        "source": None,
        "statement_descriptor": params.text("statement_descriptor", 15),
        "status": "pending",
        "transfer_group": params.text("transfer_group"),
    }
    call.tx.insert(topup, call.account)
    emit(call, "topup.created", topup)
    call.tx.schedule(call.now + ARRIVES_SECONDS, "topup_arrives", topup["id"])
    return topup


def arrives(call: Call, topup: Doc) -> None:
    """Book a top-up on the balance."""
    txn = balance.post(call, "topup", topup["amount"], topup["currency"], topup["id"], description="TOP-UP")
    topup.update(status="succeeded", balance_transaction=txn["id"])
    call.tx.update(topup)
    emit(call, "topup.succeeded", topup)


ROUTES = (
    route(
        "POST",
        "/v1/topups",
        "topups.create",
        create,
        "amount currency description metadata statement_descriptor transfer_group",
    ),
    listing_route(
        "/v1/topups", "topups.list", lambda call: listing(call, "topup", "/v1/topups", ("status",)), "created status"
    ),
    route("GET", "/v1/topups/<id>", "topups.retrieve", lambda call: call.subject("topup")),
)
