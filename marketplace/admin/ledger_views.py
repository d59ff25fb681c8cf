"""The books: accounts with their balances, an account's statement, one booking, and the proof that all of it is right."""

from __future__ import annotations

from typing import Any

from flask import Response, render_template, request
from flask_babel import gettext as _
from sqlalchemy import select

from marketplace import clock
from marketplace.admin import audit, books
from marketplace.admin.door import blueprint, me
from marketplace.admin.paging import Page, chips, here, mark, one_of, paged, word
from marketplace.admin.words import OWNER, options
from marketplace.database import db
from marketplace.payments.gateway import gateway_name
from marketplace.payments.models import GatewayEvent

PAGE = 50


@blueprint.get("/ledger")
def ledger() -> Any:
    """List accounts with their balances, the newest first, under the totals of each kind."""
    owner, q = one_of("owner", OWNER), word()
    page = paged(books.accounts(owner, q), books.KEY)
    return render_template(
        "operator/ledger.html",
        page=page,
        balances=[(row, books.balance_of(row)) for row in page.rows],
        totals=books.totals(),
        owners=chips("owner", options("owner")),
        q=q,
        kept={"owner": owner},
    )


@blueprint.get("/ledger/accounts/<code>")
def ledger_account(code: str) -> Any:
    """Show an account's statement, the newest transfer first."""
    before = mark(request.args.get("before"))
    balance = books.balance(code)
    found = books.statement(code, after=before, limit=PAGE + 1)
    rows = found[:PAGE]
    onward = here(before=rows[-1].transfer_id) if len(found) > PAGE else ""
    return render_template(
        "operator/ledger_account.html",
        balance=balance,
        owner=books.owner_of(code),
        page=Page(rows, here() if before else "", onward),
    )


@blueprint.get("/ledger/transactions/<int:transaction_id>")
def ledger_transaction(transaction_id: int) -> Any:
    """Show one booking: its transfers, what it is for, and the gateway's events that it stands on."""
    booking = books.booking(transaction_id)
    events = db.session.execute(
        select(GatewayEvent.id, GatewayEvent.type, GatewayEvent.state, GatewayEvent.received_at)
        .where(GatewayEvent.gateway == gateway_name(), GatewayEvent.object_id == booking.reference)
        .order_by(GatewayEvent.id)
        .limit(PAGE)
    ).all()
    return render_template(
        "operator/ledger_transaction.html",
        booking=booking,
        movements=books.movements(transaction_id),
        taken_back_by=books.taken_back_by(transaction_id),
        events=events,
    )


@blueprint.post("/ledger/audit")
def ledger_audit() -> Any:
    """Recompute the books from every transfer, and show what does not agree."""
    findings = books.audited()
    audit.record(me().id, "ledger.audited", "ledger", "all", data={"findings": len(findings)})
    return render_template(
        "operator/ledger_audit.html",
        findings=findings,
        phrase=_("Every balance, hold, reversal and fingerprint agrees."),
    )


@blueprint.post("/ledger/export/<form>")
def ledger_export(form: str) -> Any:
    """Hand the whole journal out as a file, while it is being read; who took it is written down."""
    parts = books.exported(form)
    audit.record(me().id, "ledger.exported", "ledger", "all", data={"form": form})
    name = f"journal-{clock.now():%Y-%m-%d}.{'csv' if form == 'csv' else f'{form}.txt'}"
    mimetype = "text/csv" if form == "csv" else "text/plain"
    answer = Response(parts, mimetype=mimetype)
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer
