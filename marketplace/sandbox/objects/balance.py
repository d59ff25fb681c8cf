"""Balances and balance transactions: every movement of money, with its fee, pending first and available later."""

import json
from datetime import UTC, datetime
from typing import Any

from marketplace.sandbox.calls import Call, listing, listing_route, private, route
from marketplace.sandbox.events import emit
from marketplace.sandbox.ids import new_id
from marketplace.sandbox.objects import exchange
from marketplace.sandbox.store import Doc

# A card payment becomes available after three days, as for an account in the Netherlands.
PENDING_SECONDS = 3 * 86_400

_CATEGORIES = {
    "charge": "charge",
    "payment": "charge",
    "refund": "refund",
    "payment_refund": "refund",
    "refund_failure": "refund_failure",
    "transfer": "transfer",
    "transfer_refund": "transfer_reversal",
    "topup": "topup",
    "payout": "payout",
    "payout_failure": "payout_reversal",
}


def post(
    call: Call,
    kind: str,
    amount: int,
    currency: str,
    source: str,
    *,
    fee: int = 0,
    available_on: int | None = None,
    category: str | None = None,
    description: str | None = None,
) -> Doc:
    """Book `amount` less `fee` (minor units, signed) on the account of `call` and return the balance transaction.

    It is pending until `available_on` (seconds, UTC); without one it is available at once.
    """
    on = max(available_on or 0, call.now)
    currency, rate, (amount, fee) = exchange.kept(call, currency, amount, fee)
    txn: Doc = {
        "id": new_id("txn"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": on,
        "balance_type": "payments",
        "created": call.now,
        "currency": currency,
        "description": description,
        "exchange_rate": rate,
        "fee": fee,
        "fee_details": _fee_details(fee, currency),
        "net": amount - fee,
        "reporting_category": category or _CATEGORIES[kind],
        "source": source,
        "status": "pending" if on > call.now else "available",
        "type": kind,
    }
    call.tx.insert(txn, call.account)
    _receive(call, txn)
    return txn


def _receive(call: Call, txn: Doc) -> None:
    """Add a new transaction to the balance: to what is pending, or to what is available."""
    if txn["status"] == "available":
        _move(call, txn["currency"], pending=0, available=txn["net"])
        # What a bank sent back is not paid out again by itself: it would come back every day.
        if call.account and txn["net"] > 0 and txn["type"] not in {"payout_failure", "payout_cancel"}:
            plan_pay_out(call)
    else:
        _move(call, txn["currency"], pending=txn["net"], available=0)
        call.tx.schedule(txn["available_on"], "balance_available", txn["id"])


def _fee_details(fee: int, currency: str) -> list[dict[str, Any]]:
    if not fee:
        return []
    return [
        {
            "amount": fee,
            "application": None,
            "currency": currency,
            "description": "Stripe processing fees",
            "type": "stripe_fee",
        }
    ]


def _move(call: Call, currency: str, *, pending: int, available: int) -> None:
    call.tx.run(
        "INSERT INTO balance (account, currency, pending, available) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (account, currency) DO UPDATE SET pending = pending + excluded.pending,"
        " available = available + excluded.available",
        (call.account, currency, pending, available),
    )


def make_available(call: Call, txn: Doc) -> None:
    """Move a pending transaction to the available balance."""
    if txn["status"] == "available":
        return
    txn["status"] = "available"
    call.tx.update(txn)
    _move(call, txn["currency"], pending=-txn["net"], available=txn["net"])
    if call.account:
        plan_pay_out(call)


def plan_pay_out(call: Call) -> None:
    """Note that a connected account is paid out at the next midnight UTC: once a day, all that is available then."""
    midnight = int(datetime.fromtimestamp(call.now, UTC).replace(hour=0, minute=0, second=0).timestamp()) + 86_400
    waiting = call.tx.run(
        "SELECT 1 FROM due WHERE kind = 'pay_out' AND object_id = ? AND at = ?", (call.account, midnight)
    ).fetchone()
    if not waiting:
        call.tx.schedule(midnight, "pay_out", call.account)


def announce(call: Call) -> None:
    """Say that money became available on the account of `call`."""
    emit(call, "balance.available", current(call))


def amounts(call: Call, currency: str) -> tuple[int, int]:
    """Return (pending, available) of the account of `call`, minor units of `currency`."""
    row = call.tx.run(
        "SELECT pending, available FROM balance WHERE account = ? AND currency = ?", (call.account, currency)
    ).fetchone()
    return (row[0], row[1]) if row else (0, 0)


def current(call: Call) -> Doc:
    """Return the balance object of the account of `call`."""
    rows = call.tx.run(
        "SELECT currency, pending, available FROM balance WHERE account = ? ORDER BY currency", (call.account,)
    ).fetchall() or [("eur", 0, 0)]

    def figures(place: int) -> list[Doc]:
        return [{"amount": row[place], "currency": row[0], "source_types": {"card": row[place]}} for row in rows]

    return {"object": "balance", "available": figures(2), "livemode": False, "pending": figures(1)}


def list_transactions(call: Call) -> Doc:
    """List balance transactions; `source` finds those of one object, `payout` those that a pay-out paid."""
    payout = call.params.text("payout")
    also = []
    if payout:
        paid = private(call.load("payout", payout, "payout")).get("transactions", [])
        also.append(("id IN (SELECT value FROM json_each(?))", json.dumps(paid)))
    filters = ("currency", "source", "type")
    return listing(call, "balance_transaction", "/v1/balance_transactions", filters, also)


ROUTES = (
    route("GET", "/v1/balance", "balance.retrieve", current),
    listing_route(
        "/v1/balance_transactions",
        "balance_transactions.list",
        list_transactions,
        "created currency source type payout",
    ),
    route(
        "GET",
        "/v1/balance_transactions/<id>",
        "balance_transactions.retrieve",
        lambda call: call.subject("balance_transaction"),
    ),
)
