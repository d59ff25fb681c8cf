"""The hosted page for bank accounts (iDEAL, SEPA Direct Debit), and the page that stands for the payer's own bank."""

import hmac
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response

from marketplace.sandbox.banks import ANSWERS, BANKS, IBANS, OFFERED
from marketplace.sandbox.calls import private
from marketplace.sandbox.errors import ApiError, CardError
from marketplace.sandbox.html import page, see_other
from marketplace.sandbox.objects import bank_methods
from marketplace.sandbox.paying import after, answer_challenge, pay_with, session_of, success_url
from marketplace.sandbox.store import Doc

if TYPE_CHECKING:
    from marketplace.sandbox.app import Sandbox


def checkout(sandbox: "Sandbox", request: Request, session: Doc, account: str) -> Response:
    """Show the form of a session that is not paid by card, or take it."""
    kind = session["payment_method_types"][0]
    if request.method != "POST":
        return _form(request, session, kind, {})
    name = request.form.get("name", "").strip()
    iban = (request.form.get("quick") or request.form.get("iban", "")).replace(" ", "").upper()
    bank = request.form.get("bank", "")
    errors = _errors(kind, iban, bank)
    if errors:
        return _form(request, session, kind, errors)
    with sandbox.call(account, request.host_url.rstrip("/")) as call:
        # Read again inside the transaction: two submitted forms must not both pay.
        session = call.load("checkout.session", session["id"])
        if session["status"] != "open":
            return see_other(f"/c/{session['id']}")
        billing: Doc = {"name": name or "Test Payer", "email": session["customer_email"]}
        method = (
            bank_methods.new_ideal(call, bank, billing)
            if kind == "ideal"
            else bank_methods.new_debit(call, iban, billing)
        )
        try:
            intent = pay_with(call, session, method, billing["name"], session["customer_email"] or "")
        except ApiError as error:
            return _form(request, session, kind, {"form": error.message})
    return see_other(after(session, intent))


def _errors(kind: str, iban: str, bank: str) -> dict[str, str]:
    if kind == "ideal":
        return {} if bank in BANKS else {"bank": "Choose your bank."}
    if iban not in IBANS:
        return {
            "iban": "Only test accounts work here: choose one below." if iban else "Enter the account number (IBAN)."
        }
    return {}


def _form(request: Request, session: Doc, kind: str, errors: dict[str, str]) -> Response:
    return page(
        request,
        "checkout_bank.html",
        status=422 if errors else 200,
        wish=session["locale"],
        goes_to=session["success_url"],
        session=session,
        lines=private(session)["line_items"],
        kind=kind,
        banks=[(code, name) for code, (name, _bic) in BANKS.items()],
        offered=OFFERED,
        values=request.form,
        errors=errors,
    )


def bank(sandbox: "Sandbox", request: Request, intent: str, secret: str) -> Response | None:
    """Ask the payer, on the page of the own bank, or take the answer."""
    with sandbox.store.read() as tx:
        doc = tx.get(intent, "payment_intent")
        account = tx.owner(intent)
        session = session_of(tx, doc) if doc else None
    if doc is None:
        return None
    if not _fits(doc, secret):
        return _answered(request)
    back = private(doc).get("return_url")
    if request.method == "GET":
        goes_to = session["success_url"] if session else back
        return page(request, "bank.html", wish=(session or {}).get("locale"), goes_to=goes_to, intent=doc)
    with sandbox.call(account, request.host_url.rstrip("/")) as call:
        doc = call.load("payment_intent", intent)
        if not _fits(doc, secret):
            return _answered(request)
        said = request.form.get("answer", "")
        method = call.load("payment_method", doc["payment_method"])
        private(method)["number"] = ANSWERS.get(said, "ideal")
        call.tx.update(method)
        try:
            doc = answer_challenge(call, doc, said in ANSWERS)
            failed = False
        except CardError:
            failed = True
        session = session_of(call.tx, doc)
    if session:
        return see_other(f"/c/{session['id']}" if failed else success_url(session))
    return see_other(back) if back else _answered(request)


def _fits(intent: Doc, secret: str) -> bool:
    expected = private(intent).get("challenge", "")
    return bool(expected) and intent["status"] == "requires_action" and hmac.compare_digest(expected, secret)


def _answered(request: Request) -> Response:
    return page(
        request,
        "notice.html",
        status=410,
        title="This page is finished",
        message="This question was answered already.",
        link=None,
    )
