"""`/_sandbox/…`: the same control for programs, in JSON: actions by POST, and a summary of the books by GET."""

import json
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from marketplace.sandbox import deliveries
from marketplace.sandbox.actions import ACTIONS
from marketplace.sandbox.calls import public
from marketplace.sandbox.errors import ApiError, InvalidRequest, Missing
from marketplace.sandbox.params import Params, parse
from marketplace.sandbox.store import Tx

if TYPE_CHECKING:
    from marketplace.sandbox.app import Sandbox


def answer(sandbox: "Sandbox", request: Request) -> Response:
    """Return the JSON answer to a control request."""
    name = request.path.removeprefix("/_sandbox/").strip("/")
    try:
        body = _get(sandbox, name) if request.method == "GET" else _post(sandbox, name, request)
    except ApiError as error:
        return _response(error.body(), error.status)
    return _response(body)


def _response(body: Any, status: int = 200) -> Response:
    return Response(json.dumps(body, indent=2), status, content_type="application/json")


def _get(sandbox: "Sandbox", name: str) -> Any:
    if name == "state":
        return state(sandbox)
    if name == "deliveries":
        return {"data": deliveries.rows(sandbox.store, 1000)}
    if name == "faults":
        return {"data": sandbox.faults.waiting()}
    if name == "clock":
        return {"now": sandbox.clock.now()}
    raise Missing(f"There is no /_sandbox/{name}.")


def _post(sandbox: "Sandbox", name: str, request: Request) -> Any:
    if name == "tick":
        return {"done": sandbox.tick()}
    if name not in ACTIONS:
        raise Missing(f"There is no /_sandbox/{name}.")
    return public(ACTIONS[name](sandbox, params_of(request)))


def params_of(request: Request) -> Params:
    """Read a form or a flat JSON object."""
    if not request.is_json:
        return Params(parse(request.form.items(multi=True)))
    given = request.get_json(silent=True)
    if not isinstance(given, dict):
        raise InvalidRequest("Send a JSON object or a form.")
    return Params({key: _text(value) for key, value in given.items() if value is not None})


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def state(sandbox: "Sandbox") -> dict[str, Any]:
    """Return what a test compares its own books with: sums by currency, balances by account, counts.

    `consistent` says that every balance is the sum of its balance transactions.
    """
    with sandbox.store.read() as tx:
        counts = dict(tx.run("SELECT type, COUNT(*) FROM object GROUP BY type").fetchall())
        waiting = dict(tx.run("SELECT state, COUNT(*) FROM delivery GROUP BY state").fetchall())
        due = tx.run("SELECT COUNT(*), MIN(at) FROM due").fetchone()
        balances = _balances(tx)
        return {
            "now": sandbox.clock.now(),
            "charges": _sums(tx, "charge", "amount_captured", "json_extract(body, '$.payment_intent') IS NOT NULL"),
            "failed_charges": tx.run(
                "SELECT COUNT(*) FROM object WHERE type = 'charge' AND json_extract(body, '$.status') = 'failed'"
            ).fetchone()[0],
            "refunds": _sums(
                tx,
                "refund",
                "amount",
                "json_extract(body, '$.payment_intent') IS NOT NULL AND json_extract(body, '$.status') <> 'failed'",
            ),
            "transfers": _sums(tx, "transfer", "amount"),
            "reversals": _sums(tx, "transfer_reversal", "amount"),
            "payouts": _sums(tx, "payout", "amount", "json_extract(body, '$.status') NOT IN ('failed', 'canceled')"),
            "disputes": _sums(tx, "dispute", "amount"),
            "fees": _sums(tx, "balance_transaction", "fee"),
            "balance": balances,
            "consistent": balances == _booked(tx),
            "objects": counts,
            "deliveries": waiting,
            "due": {"count": due[0], "next": due[1]},
            "faults": sandbox.faults.waiting(),
        }


def _sums(tx: Tx, kind: str, field: str, where: str = "1") -> dict[str, int]:
    rows = tx.run(
        f"SELECT json_extract(body, '$.currency'), SUM(json_extract(body, '$.{field}')) FROM object"
        f" WHERE type = ? AND {where} GROUP BY 1",
        (kind,),
    ).fetchall()
    return {currency: total for currency, total in rows if total}


def _balances(tx: Tx) -> dict[str, dict[str, dict[str, int]]]:
    rows = tx.run("SELECT account, currency, pending, available FROM balance ORDER BY account, currency").fetchall()
    return _by_account(rows)


def _booked(tx: Tx) -> dict[str, dict[str, dict[str, int]]]:
    rows = tx.run(
        "SELECT account, json_extract(body, '$.currency'),"
        " SUM(CASE json_extract(body, '$.status') WHEN 'pending' THEN json_extract(body, '$.net') ELSE 0 END),"
        " SUM(CASE json_extract(body, '$.status') WHEN 'pending' THEN 0 ELSE json_extract(body, '$.net') END)"
        " FROM object WHERE type = 'balance_transaction' GROUP BY 1, 2 ORDER BY 1, 2"
    ).fetchall()
    return _by_account(rows)


def _by_account(rows: list[Any]) -> dict[str, dict[str, dict[str, int]]]:
    found: dict[str, dict[str, dict[str, int]]] = {}
    for account, currency, pending, available in rows:
        found.setdefault(account, {})[currency] = {"pending": pending, "available": available}
    return found
