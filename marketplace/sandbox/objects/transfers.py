"""Transfers to connected accounts and their reversals."""

from typing import Any

from marketplace.sandbox import shapes
from marketplace.sandbox.amounts import currency_of
from marketplace.sandbox.calls import Call, list_of, listing, listing_route, private, route
from marketplace.sandbox.errors import InvalidRequest, Refused, missing
from marketplace.sandbox.events import emit
from marketplace.sandbox.ids import new_id
from marketplace.sandbox.objects import accounts, balance
from marketplace.sandbox.objects.charges import held_for_transfers
from marketplace.sandbox.store import Doc

_ACCEPTS = "amount currency destination source_transaction transfer_group description metadata"


def create(call: Call) -> Doc:
    """Move money to a connected account, out of the balance or out of one charge (`source_transaction`)."""
    params = call.params
    currency = currency_of(params)
    account = accounts.load(call, params.need_text("destination"), "destination")
    source = params.text("source_transaction")
    charge = call.load("charge", source, "source_transaction") if source else None
    amount = params.integer("amount", 1) or (charge["amount_captured"] if charge else params.need_integer("amount"))
    if account["capabilities"].get("transfers") != "active":
        raise Refused(
            "The destination account needs the transfers capability.",
            code="insufficient_capabilities_for_transfer",
            param="destination",
        )
    available_on = _from_charge(call, charge, amount, currency) if charge else _from_balance(call, amount, currency)
    transfer: Doc = {
        "id": new_id("tr"),
        "object": "transfer",
        "amount": amount,
        "amount_reversed": 0,
        "balance_transaction": None,
        "created": call.now,
        "currency": currency,
        "description": params.text("description"),
        "destination": account["id"],
        "destination_payment": None,
        "livemode": False,
        "metadata": params.metadata(),
        "reversals": {},
        "reversed": False,
        "source_transaction": charge["id"] if charge else None,
        "source_type": "card",
        "transfer_group": params.text("transfer_group") or (charge or {}).get("transfer_group"),
    }
    if charge and not transfer["transfer_group"]:
        transfer["transfer_group"] = charge["transfer_group"] = f"group_{charge['payment_intent']}"
    return _book(call, transfer, charge, available_on)


def _from_charge(call: Call, charge: Doc, amount: int, currency: str) -> int:
    """Return when the money of a charge is available; all transfers from it together are at most the charge."""
    if not charge["captured"] or charge["status"] != "succeeded":
        raise Refused("The charge took no money that could be transferred.", param="source_transaction")
    if charge["currency"] != currency:
        raise InvalidRequest("The currency must be that of the charge.", param="currency")
    left = charge["amount_captured"] - held_for_transfers(charge)
    if amount > left:
        raise Refused(f"Transfers from one charge may not exceed it: {left} {currency} are left.", param="amount")
    private(charge)["transferred"] = held_for_transfers(charge) + amount
    txn = call.tx.get(charge["balance_transaction"])
    return int(txn["available_on"]) if txn else call.now


def _from_balance(call: Call, amount: int, currency: str) -> int:
    _, available = balance.amounts(call, currency)
    if amount > available:
        raise Refused(
            f"The available balance is {available} {currency}: wait until more is, or use source_transaction.",
            code="balance_insufficient",
        )
    return call.now


def _book(call: Call, transfer: Doc, charge: Doc | None, available_on: int) -> Doc:
    there = call.on(transfer["destination"])
    amount, currency = transfer["amount"], transfer["currency"]
    txn = balance.post(call, "transfer", -amount, currency, transfer["id"], available_on=available_on)
    payment = _destination_payment(there, transfer)
    arrival = balance.post(there, "payment", amount, currency, payment["id"], available_on=available_on)
    payment["balance_transaction"] = arrival["id"]
    transfer["balance_transaction"] = txn["id"]
    transfer["destination_payment"] = payment["id"]
    transfer["reversals"] = list_of([], f"/v1/transfers/{transfer['id']}/reversals")
    call.tx.insert(payment, there.account)
    call.tx.insert(transfer, call.account)
    if charge:
        call.tx.update(charge)
    emit(call, "transfer.created", transfer)
    emit(there, "payment.created", payment)
    return transfer


def _destination_payment(there: Call, transfer: Doc) -> Doc:
    """Return the payment that arrives on the connected account; its charge is the platform's, not the payer's."""
    return shapes.new(
        "arrival",
        id=new_id("py"),
        amount=transfer["amount"],
        amount_captured=transfer["amount"],
        created=there.now,
        currency=transfer["currency"],
        description=transfer["description"],
        source_transfer=transfer["id"],
        transfer_group=transfer["transfer_group"],
    )


def reverse(call: Call) -> Doc:
    """Take a transfer back, or a part of it, as long as the account's balance bears it."""
    transfer = call.subject("transfer")
    params = call.params
    left = transfer["amount"] - transfer["amount_reversed"]
    amount = params.integer("amount", 1) or left
    if amount > left or not left:
        raise Refused(f"At most {left} {transfer['currency']} of the transfer can be reversed.", param="amount")
    there = call.on(transfer["destination"])
    if amount > sum(balance.amounts(there, transfer["currency"])):
        raise Refused("The connected account's balance is too small for this reversal.", code="balance_insufficient")
    reversal: Doc = {
        "id": new_id("trr"),
        "object": "transfer_reversal",
        "amount": amount,
        "balance_transaction": None,
        "created": call.now,
        "currency": transfer["currency"],
        "destination_payment_refund": None,
        "metadata": params.metadata(),
        "source_refund": None,
        "transfer": transfer["id"],
    }
    return _book_reversal(call, there, transfer, reversal)


def _book_reversal(call: Call, there: Call, transfer: Doc, reversal: Doc) -> Doc:
    amount, currency = reversal["amount"], reversal["currency"]
    first = call.tx.get(transfer["balance_transaction"])
    when: dict[str, Any] = {"available_on": first["available_on"] if first else None}
    txn = balance.post(call, "transfer_refund", amount, currency, reversal["id"], **when)
    payment = there.load("charge", transfer["destination_payment"])
    refund: Doc = {
        "id": new_id("pyr"),
        "object": "refund",
        "amount": amount,
        "charge": payment["id"],
        "created": call.now,
        "currency": currency,
        "metadata": {},
        "payment_intent": None,
        "reason": None,
        "receipt_number": None,
        "source_transfer_reversal": reversal["id"],
        "status": "succeeded",
        "transfer_reversal": None,
    }
    refund["balance_transaction"] = balance.post(there, "payment_refund", -amount, currency, refund["id"], **when)["id"]
    reversal.update(balance_transaction=txn["id"], destination_payment_refund=refund["id"])
    call.tx.insert(refund, there.account)
    call.tx.insert(reversal, call.account)
    payment["amount_refunded"] += amount
    payment["refunded"] = payment["amount_refunded"] == payment["amount"]
    call.tx.update(payment)
    transfer["amount_reversed"] += amount
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    found = call.tx.find("transfer_reversal", {"transfer": transfer["id"]}, account=call.account, limit=10)
    transfer["reversals"] = list_of(found, f"/v1/transfers/{transfer['id']}/reversals")
    call.tx.update(transfer)
    _free_charge(call, transfer, amount)
    emit(call, "transfer.reversed", transfer)
    return reversal


def _free_charge(call: Call, transfer: Doc, amount: int) -> None:
    """What is taken back from a charge's transfer may be transferred from that charge again."""
    if transfer["source_transaction"]:
        charge = call.load("charge", transfer["source_transaction"])
        private(charge)["transferred"] = held_for_transfers(charge) - amount
        call.tx.update(charge)


def update(call: Call) -> Doc:
    """Change the words about a transfer."""
    transfer = call.subject("transfer")
    transfer["metadata"] = call.params.metadata(transfer["metadata"])
    if "description" in call.params:
        transfer["description"] = call.params.text("description")
    call.tx.update(transfer)
    emit(call, "transfer.updated", transfer, {})
    return transfer


def list_all(call: Call) -> Doc:
    """List transfers."""
    return listing(call, "transfer", "/v1/transfers", ("destination", "transfer_group"))


def list_reversals(call: Call) -> Doc:
    """List the reversals of a transfer."""
    transfer = call.subject("transfer")
    return listing(call, "transfer_reversal", f"/v1/transfers/{transfer['id']}/reversals", transfer=transfer["id"])


def retrieve_reversal(call: Call) -> Doc:
    """Return one reversal of a transfer."""
    reversal = call.load("transfer_reversal", call.path["name"])
    if reversal["transfer"] != call.path["id"]:
        raise missing("transfer reversal", reversal["id"])
    return reversal


ROUTES = (
    route("POST", "/v1/transfers", "transfers.create", create, _ACCEPTS),
    listing_route("/v1/transfers", "transfers.list", list_all, "created destination transfer_group"),
    route("GET", "/v1/transfers/<id>", "transfers.retrieve", lambda call: call.subject("transfer")),
    route("POST", "/v1/transfers/<id>", "transfers.update", update, "metadata description"),
    route("POST", "/v1/transfers/<id>/reversals", "transfers.reversals.create", reverse, "amount metadata description"),
    listing_route("/v1/transfers/<id>/reversals", "transfers.reversals.list", list_reversals, ""),
    route("GET", "/v1/transfers/<id>/reversals/<name>", "transfers.reversals.retrieve", retrieve_reversal),
)
