"""Pay-outs from a balance to a bank account: by hand, or every day when an account asks for that."""

from marketplace.sandbox import shapes
from marketplace.sandbox.amounts import currency_of
from marketplace.sandbox.calls import Call, listing, listing_route, private, route
from marketplace.sandbox.errors import InvalidRequest, Refused
from marketplace.sandbox.events import emit
from marketplace.sandbox.ids import new_id
from marketplace.sandbox.objects import accounts, balance, bank_accounts
from marketplace.sandbox.store import Doc

ARRIVES_SECONDS = 86_400
_ACCEPTS = "amount currency description metadata statement_descriptor destination method"


def create(call: Call) -> Doc:
    """Pay out an amount of the available balance."""
    params = call.params
    currency = currency_of(params)
    amount = params.need_integer("amount", 1)
    params.choice("method", ("standard",), "standard")
    bank = _bank_of(call)
    asked = params.text("destination")
    if asked and asked != bank["id"]:
        raise InvalidRequest(f"No such external account: '{asked}'", code="resource_missing", param="destination")
    _, available = balance.amounts(call, currency)
    if amount > available:
        raise Refused(f"The available balance is {available} {currency}.", code="balance_insufficient")
    return pay_out(
        call,
        amount,
        currency,
        bank,
        description=params.text("description"),
        metadata=params.metadata(),
        statement_descriptor=params.text("statement_descriptor", 22),
    )


def _bank_of(call: Call) -> Doc:
    if not call.account:
        return {"id": "ba_platform", "last4": "4300"}
    account = accounts.load(call, call.account)
    bank = bank_accounts.of(account)
    if bank is None or not account["payouts_enabled"]:
        raise Refused("Pay-outs are not enabled for this account.", code="payouts_not_allowed")
    return bank


def pay_out(
    call: Call,
    amount: int,
    currency: str,
    bank: Doc,
    *,
    automatic: bool = False,
    description: str | None = None,
    metadata: dict[str, str] | None = None,
    statement_descriptor: str | None = None,
) -> Doc:
    """Book a pay-out of `amount` (minor units); it is on its way for a day."""
    payout = shapes.new(
        "payout",
        id=new_id("po"),
        amount=amount,
        arrival_date=call.now + ARRIVES_SECONDS,
        automatic=automatic,
        created=call.now,
        currency=currency,
        description=description or ("STRIPE PAYOUT" if automatic else None),
        destination=bank["id"],
        metadata=metadata or {},
        reconciliation_status="completed" if automatic else "not_applicable",
        statement_descriptor=statement_descriptor,
        status="in_transit" if automatic else "pending",
        _={"refused": bank["last4"] == bank_accounts.REFUSES, "transactions": []},
    )
    txn = balance.post(call, "payout", -amount, currency, payout["id"], description="STRIPE PAYOUT")
    payout["balance_transaction"] = txn["id"]
    if automatic:
        private(payout)["transactions"] = _paid_by(call, currency, txn["id"])
    call.tx.insert(payout, call.account)
    emit(call, "payout.created", payout)
    call.tx.schedule(payout["arrival_date"], "payout_arrives", payout["id"])
    return payout


def _paid_by(call: Call, currency: str, own: str) -> list[str]:
    """Return the balance transactions that an automatic pay-out pays: all available ones not paid before, and its own."""
    rows = call.tx.run(
        "SELECT id FROM object WHERE type = 'balance_transaction' AND account = ? AND id <> ?"
        " AND json_extract(body, '$.currency') = ? AND json_extract(body, '$.status') = 'available'"
        " AND id NOT IN (SELECT item.value FROM object AS earlier, json_each(earlier.body, '$._.transactions') AS item"
        " WHERE earlier.type = 'payout' AND earlier.account = ?) ORDER BY seq",
        (call.account, own, currency, call.account),
    ).fetchall()
    return [*(row[0] for row in rows), own]


def automatic(call: Call, account: Doc) -> None:
    """Pay out all that is available on a connected account that asks for that."""
    if not account["payouts_enabled"] or account["settings"]["payouts"]["schedule"]["interval"] == "manual":
        return
    bank = bank_accounts.of(account)
    rows = call.tx.run("SELECT currency, available FROM balance WHERE account = ?", (account["id"],)).fetchall()
    for currency, available in rows:
        if bank and available > 0:
            pay_out(call, available, currency, bank, automatic=True)


def arrives(call: Call, payout: Doc) -> None:
    """Let a pay-out arrive, or come back from a bank that refuses it."""
    if payout["status"] not in {"pending", "in_transit"}:
        return
    if private(payout)["refused"]:
        fails(call, payout)
        return
    payout["status"] = "paid"
    call.tx.update(payout)
    emit(call, "payout.paid", payout)


def fails(call: Call, payout: Doc) -> Doc:
    """Let a pay-out fail, even one that counted as paid: the money comes back to the balance."""
    if payout["status"] in {"failed", "canceled"}:
        raise Refused("The pay-out has failed or was cancelled already.")
    txn = balance.post(call, "payout_failure", payout["amount"], payout["currency"], payout["id"])
    payout.update(
        status="failed",
        failure_balance_transaction=txn["id"],
        failure_code="account_closed",
        failure_message="The bank account has been closed.",
    )
    call.tx.update(payout)
    emit(call, "payout.failed", payout)
    return payout


def cancel(call: Call) -> Doc:
    """Cancel a pay-out that has not left yet."""
    payout = call.subject("payout")
    if payout["status"] != "pending" or payout["automatic"]:
        raise Refused("Only a pending pay-out that was made by hand can be cancelled.")
    txn = balance.post(
        call, "payout_cancel", payout["amount"], payout["currency"], payout["id"], category="payout_reversal"
    )
    payout.update(status="canceled", failure_balance_transaction=txn["id"])
    call.tx.update(payout)
    emit(call, "payout.canceled", payout)
    return payout


def reverse(call: Call) -> Doc:
    """Call a pay-out that was made by hand back: the money returns by a pay-out of its own, of a negative amount."""
    payout = call.subject("payout")
    if payout["status"] != "paid" or payout["automatic"] or payout["reversed_by"]:
        raise Refused("Only a pay-out by hand that has arrived can be reversed, once.")
    back = shapes.new(
        "payout",
        id=new_id("po"),
        amount=-payout["amount"],
        arrival_date=call.now + ARRIVES_SECONDS,
        automatic=False,
        created=call.now,
        currency=payout["currency"],
        description=None,
        destination=payout["destination"],
        metadata=call.params.metadata(),
        original_payout=payout["id"],
        reconciliation_status="not_applicable",
        statement_descriptor=None,
        status="pending",
        _={"refused": False, "transactions": []},
    )
    txn = balance.post(
        call, "payout", payout["amount"], payout["currency"], back["id"], available_on=back["arrival_date"]
    )
    back["balance_transaction"] = txn["id"]
    call.tx.insert(back, call.account)
    payout["reversed_by"] = back["id"]
    call.tx.update(payout)
    emit(call, "payout.created", back)
    call.tx.schedule(back["arrival_date"], "payout_arrives", back["id"])
    return back


def update(call: Call) -> Doc:
    """Change the metadata of a pay-out."""
    payout = call.subject("payout")
    payout["metadata"] = call.params.metadata(payout["metadata"])
    call.tx.update(payout)
    emit(call, "payout.updated", payout, {})
    return payout


ROUTES = (
    route("POST", "/v1/payouts", "payouts.create", create, _ACCEPTS),
    listing_route(
        "/v1/payouts",
        "payouts.list",
        lambda call: listing(call, "payout", "/v1/payouts", ("status", "destination")),
        "created status destination",
    ),
    route("GET", "/v1/payouts/<id>", "payouts.retrieve", lambda call: call.subject("payout")),
    route("POST", "/v1/payouts/<id>", "payouts.update", update, "metadata"),
    route("POST", "/v1/payouts/<id>/cancel", "payouts.cancel", cancel),
    route("POST", "/v1/payouts/<id>/reverse", "payouts.reverse", reverse, "metadata"),
)
