"""The hosted checkout page: a card form that pays or saves the card, and goes back to the shop."""

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from marketplace.sandbox import page_bank
from marketplace.sandbox.calls import private
from marketplace.sandbox.cards import CARDS, luhn
from marketplace.sandbox.errors import CardError
from marketplace.sandbox.html import page, see_other
from marketplace.sandbox.paying import after, pay_session, success_url
from marketplace.sandbox.store import Doc

if TYPE_CHECKING:
    from marketplace.sandbox.app import Sandbox

OFFERED = (
    ("4242424242424242", "Succeeds"),
    ("4000002500003155", "Asks for 3-D Secure now, not later"),
    ("4000002760003184", "Asks for 3-D Secure every time"),
    ("4000000000000341", "Can be saved, is declined when charged"),
    ("4000000000000002", "Is declined"),
    ("4000000000009995", "Insufficient funds"),
    ("4000000000000069", "Has expired"),
    ("4000000000000259", "Is disputed after the payment"),
)
_EXPIRY = re.compile(r"^(\d{1,2})\s*[/-]?\s*(\d{2}|\d{4})$")


def answer(sandbox: "Sandbox", request: Request, session: str) -> Response | None:
    """Show the form, or take it."""
    with sandbox.store.read() as tx:
        doc = tx.get(session, "checkout.session")
        account = tx.owner(session)
        intent = tx.get((doc or {}).get("setup_intent") or (doc or {}).get("payment_intent") or "")
    if doc is None:
        return None
    if doc["status"] != "open":
        return _over(request, doc)
    if "card" not in doc["payment_method_types"]:
        return page_bank.checkout(sandbox, request, doc, account)
    if request.method == "POST":
        return _take(sandbox, request, doc, account)
    problem = (intent or {}).get("last_setup_error") or (intent or {}).get("last_payment_error")
    return _form(request, doc, {}, {"form": problem["message"]} if problem else {})


def _take(sandbox: "Sandbox", request: Request, doc: Doc, account: str) -> Response:
    values = _values(request, sandbox.clock.now())
    card, errors = read_card(values, sandbox.clock.now())
    if errors:
        return _form(request, doc, values, errors)
    with sandbox.call(account, request.host_url.rstrip("/")) as call:
        # Read again inside the transaction: two submitted forms must not both pay.
        doc = call.load("checkout.session", doc["id"])
        if doc["status"] != "open":
            return _over(request, doc)
        try:
            intent = pay_session(call, doc, name=values["name"], email=values["email"], **card)
        except CardError as error:
            return _form(request, doc, values, {"form": error.message})
    return see_other(after(doc, intent))


def _values(request: Request, now: int) -> dict[str, str]:
    """Return what was filled in; a test card's button fills in all of it."""
    values = {name: request.form.get(name, "").strip() for name in ("number", "expiry", "cvc", "name", "email")}
    chosen = request.form.get("quick", "")
    if chosen:
        year = datetime.fromtimestamp(now, UTC).year + 5
        values |= {"number": chosen, "expiry": f"12/{year % 100:02d}", "cvc": "123"}
        values["name"] = values["name"] or "Test Payer"
    return values


def read_card(values: dict[str, str], now: int) -> tuple[dict[str, Any], dict[str, str]]:
    """Return (card facts, errors by field) of a filled-in form."""
    errors: dict[str, str] = {}
    number = re.sub(r"[\s-]", "", values["number"])
    if not number:
        errors["number"] = "Enter the card number."
    elif not re.fullmatch(r"[0-9]{12,19}", number) or not luhn(number):
        errors["number"] = "This card number is not right."
    elif number not in CARDS:
        errors["number"] = "Only test cards work here: choose one below."
    month, year = _expiry(values["expiry"])
    today = datetime.fromtimestamp(now, UTC)
    if not 1 <= month <= 12:
        errors["expiry"] = "Enter the expiry date as month and year, for example 12/34."
    elif (year, month) < (today.year, today.month):
        errors["expiry"] = "This card has expired."
    if not re.fullmatch(r"[0-9]{3,4}", values["cvc"]):
        errors["cvc"] = "Enter the three or four figures."
    if not values["name"]:
        errors["name"] = "Enter the name on the card."
    return {"number": number, "exp_month": month, "exp_year": year}, errors


def _expiry(text: str) -> tuple[int, int]:
    matched = _EXPIRY.match(text)
    if not matched or not text.isascii():
        return 0, 0
    year = int(matched[2])
    return int(matched[1]), year + 2000 if year < 100 else year


def _form(request: Request, session: Doc, values: dict[str, str], errors: dict[str, str]) -> Response:
    return page(
        request,
        "checkout.html",
        status=422 if errors and request.method == "POST" else 200,
        wish=session["locale"],
        goes_to=session["success_url"],
        session=session,
        lines=private(session)["line_items"],
        values=values,
        errors=errors,
        offered=OFFERED,
    )


def _over(request: Request, session: Doc) -> Response:
    done = session["status"] == "complete"
    if done:
        message = "The payment is done." if session["mode"] == "payment" else "The card is saved."
    else:
        message = "This page has expired. Go back and start again."
    link = success_url(session) if done else session["cancel_url"]
    return page(
        request,
        "notice.html",
        status=200 if done else 410,
        wish=session["locale"],
        title="This page is finished",
        message=message,
        link=link,
    )
