"""The pages of the desk: an overview, a list of each kind of thing, and one page for any object."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from marketplace.sandbox import deliveries
from marketplace.sandbox.calls import public
from marketplace.sandbox.faults import REQUEST_KINDS, WEBHOOK_KINDS
from marketplace.sandbox.html import page
from marketplace.sandbox.store import Doc, Tx

if TYPE_CHECKING:
    from marketplace.sandbox.app import Sandbox

SHOWN = 25
STEPS = ((60, "1 minute"), (3600, "1 hour"), (86_400, "1 day"), (604_800, "1 week"), (2_592_000, "30 days"))

# What an object of a kind is pointed at by: (kind, field).
RELATED = {
    "payment_intent": (("charge", "payment_intent"), ("refund", "payment_intent"), ("dispute", "payment_intent")),
    "charge": (("refund", "charge"), ("dispute", "charge"), ("balance_transaction", "source")),
    "customer": (("payment_method", "customer"), ("payment_intent", "customer"), ("checkout.session", "customer")),
    "transfer": (("transfer_reversal", "transfer"), ("balance_transaction", "source")),
    "refund": (("balance_transaction", "source"),),
    "dispute": (("balance_transaction", "source"),),
    "payout": (("balance_transaction", "source"),),
    "account": (("transfer", "destination"),),
}

FAULTS = (
    ("Answers get lost", "*", "lost", "The work is done, the answer never arrives."),
    ("Errors before the work", "*", "error_before", "500, and nothing was done."),
    ("Errors after the work", "*", "error_after", "500, although all was done."),
    ("Too many requests", "*", "rate_limit", "429: try again later."),
    ("Slow answers", "*", "slow", "Every answer takes a second longer."),
    ("Webhooks twice", "webhooks", "duplicate", "Every event is sent two times."),
    ("Webhooks late", "webhooks", "delay", "Every event waits a minute."),
    ("Webhooks out of order", "webhooks", "reorder", "Later events overtake earlier ones."),
    ("Webhooks unheard", "webhooks", "unheard", "Delivered, taken for lost, sent again."),
    ("Webhooks lost at first", "webhooks", "drop", "The first try gets lost, the next comes later."),
    ("Forged webhooks", "webhooks", "forged", "Somebody else sends events too, with a wrong signature."),
)


@dataclass(frozen=True, slots=True)
class Section:
    """One page of the desk."""

    label: str
    template: str
    facts: Callable[["Sandbox", Tx, Request], dict[str, Any]]

    def show(self, sandbox: "Sandbox", request: Request) -> Response:
        """Draw the page."""
        with sandbox.store.read() as tx:
            facts = self.facts(sandbox, tx, request)
        return drawn(sandbox, request, self.template, here=request.path, **facts)


def drawn(sandbox: "Sandbox", request: Request, template: str, **facts: Any) -> Response:
    """Draw a page of the desk with its frame."""
    sections = [(f"/desk/{name}" if name else "/", section.label) for name, section in SECTIONS.items()]
    return page(
        request,
        template,
        sections=sections,
        now=sandbox.clock.now(),
        done=request.args.get("done", ""),
        faults=sandbox.faults.waiting(),
        **facts,
    )


def listed(tx: Tx, request: Request, kind: str, where: str = "1") -> dict[str, Any]:
    """Return a page of a kind's objects with the accounts that they are of, newest first, and where older ones begin."""
    before = request.args.get("before", type=int)
    rows = tx.run(
        f"SELECT seq, account, body FROM object WHERE type = ? AND {where} AND seq < ? ORDER BY seq DESC LIMIT ?",
        (kind, before or 2**62, SHOWN + 1),
    ).fetchall()
    shown = rows[:SHOWN]
    return {
        "rows": [(account, json.loads(body)) for _, account, body in shown],
        "older": shown[-1][0] if len(rows) > SHOWN else None,
    }


def _overview(sandbox: "Sandbox", tx: Tx, _request: Request) -> dict[str, Any]:
    counts = dict(tx.run("SELECT type, COUNT(*) FROM object GROUP BY type").fetchall())
    waiting = dict(tx.run("SELECT state, COUNT(*) FROM delivery GROUP BY state").fetchall())
    due = tx.run("SELECT COUNT(*), MIN(at) FROM due").fetchone()
    balances = tx.run("SELECT currency, pending, available FROM balance WHERE account = '' ORDER BY 1").fetchall()
    return {
        "steps": STEPS,
        "counts": counts,
        "waiting": waiting,
        "due": due,
        "balances": balances,
        "events": tx.find("event", limit=10),
    }


def _payments(_sandbox: "Sandbox", tx: Tx, request: Request) -> dict[str, Any]:
    found = listed(tx, request, "payment_intent")
    charges = {doc["latest_charge"]: tx.get(doc["latest_charge"] or "") for _, doc in found["rows"]}
    return {**found, "charges": charges}


def _customers(_sandbox: "Sandbox", tx: Tx, request: Request) -> dict[str, Any]:
    saved = "json_extract(body, '$.customer') IS NOT NULL"
    return {**listed(tx, request, "customer"), "methods": tx.find("payment_method", where=saved, limit=SHOWN)}


def _accounts(_sandbox: "Sandbox", tx: Tx, request: Request) -> dict[str, Any]:
    found = listed(tx, request, "account")
    balances: dict[str, list[Any]] = {}
    for _, account in found["rows"]:
        balances[account["id"]] = tx.run(
            "SELECT currency, pending, available FROM balance WHERE account = ? ORDER BY 1", (account["id"],)
        ).fetchall()
    return {**found, "balances": balances}


def _list_of(kind: str) -> Callable[["Sandbox", Tx, Request], dict[str, Any]]:
    return lambda _sandbox, tx, request: listed(tx, request, kind)


def _webhooks(sandbox: "Sandbox", tx: Tx, _request: Request) -> dict[str, Any]:
    return {"endpoints": tx.find("webhook_endpoint"), "deliveries": deliveries.rows(sandbox.store, 2 * SHOWN)}


def _faults(sandbox: "Sandbox", _tx: Tx, _request: Request) -> dict[str, Any]:
    return {"offered": FAULTS, "kinds": (*REQUEST_KINDS, *WEBHOOK_KINDS), "operations": sandbox.faults.known}


SECTIONS = {
    "": Section("Overview", "desk.html", _overview),
    "payments": Section("Payments", "desk_payments.html", _payments),
    "customers": Section("Customers", "desk_customers.html", _customers),
    "accounts": Section("Accounts", "desk_accounts.html", _accounts),
    "payouts": Section("Pay-outs", "desk_payouts.html", _list_of("payout")),
    "disputes": Section("Disputes", "desk_disputes.html", _list_of("dispute")),
    "webhooks": Section("Webhooks", "desk_webhooks.html", _webhooks),
    "faults": Section("Faults", "desk_faults.html", _faults),
}


def one(sandbox: "Sandbox", request: Request, identifier: str) -> Response | None:
    """Show any object: what it says, what belongs to it, what happened to it."""
    with sandbox.store.read() as tx:
        doc = tx.get(identifier)
        if doc is None:
            return None
        related = [
            found
            for kind, field in RELATED.get(doc["object"], ())
            for found in tx.find(kind, {field: identifier}, limit=SHOWN)
        ]
        named = [found for found in map(tx.get, _names(doc)) if found]
        happened = [
            json.loads(row[0])
            for row in tx.run(
                "SELECT body FROM object WHERE type = 'event' AND json_extract(body, '$.data.object.id') = ?"
                " ORDER BY seq DESC LIMIT ?",
                (identifier, SHOWN),
            ).fetchall()
        ]
        account = tx.owner(identifier)
    return drawn(
        sandbox,
        request,
        "desk_object.html",
        here=request.path,
        doc=doc,
        account=account,
        related=list({found["id"]: found for found in (*named, *related)}.values()),
        happened=happened,
        text=json.dumps(public(doc), indent=2, ensure_ascii=False),
    )


def _names(doc: Doc) -> list[str]:
    """Return the ids of other objects that an object names."""
    return [value for key, value in doc.items() if key != "id" and isinstance(value, str) and "_" in value]
