"""The pages of connected accounts: onboarding, and the small dashboard of an Express account."""

import hmac
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response

from marketplace.sandbox.html import page, see_other
from marketplace.sandbox.objects import accounts
from marketplace.sandbox.objects.bank_accounts import TEST_IBAN, iban_is_valid
from marketplace.sandbox.store import Doc

if TYPE_CHECKING:
    from marketplace.sandbox.app import Sandbox

KINDS = (
    ("individual", "A person"),
    ("company", "A company"),
    ("non_profit", "An association or foundation"),
)
REFUSING_IBAN = "DE62370400440532013001"


def onboarding(sandbox: "Sandbox", request: Request, link: str, secret: str) -> Response | None:
    """Show the form, or take it. A link works once and for five minutes; after that it leads to `refresh_url`."""
    with sandbox.store.read() as tx:
        doc = tx.get(link, "account_link")
        account = tx.get(doc["account"]) if doc else None
    if doc is None or account is None or not hmac.compare_digest(doc["secret"], secret):
        return None
    if doc["used"] or doc["expires_at"] <= sandbox.clock.now():
        return see_other(doc["refresh_url"])
    if request.method == "GET":
        return _form(request, doc, account, {}, {})
    values = {name: request.form.get(name, "").strip() for name in ("business_type", "iban", "open")}
    iban = values["iban"].replace(" ", "").upper()
    errors: dict[str, str] = {}
    if values["business_type"] not in dict(KINDS):
        errors["business_type"] = "Choose one."
    if not iban_is_valid(iban):
        errors["iban"] = "This IBAN is not right."
    if errors:
        return _form(request, doc, account, values, errors)
    with sandbox.call() as call:
        account = accounts.load(call, account["id"])
        accounts.submit(
            call, account, business_type=values["business_type"], iban=iban, leave_open=bool(values["open"])
        )
        doc["used"] = True
        call.tx.update(doc)
    return see_other(doc["return_url"])


def _form(request: Request, link: Doc, account: Doc, values: dict[str, str], errors: dict[str, str]) -> Response:
    return page(
        request,
        "onboarding.html",
        status=422 if errors else 200,
        goes_to=link["return_url"],
        account=account,
        values=values,
        errors=errors,
        kinds=KINDS,
        test_iban=TEST_IBAN,
        refusing_iban=REFUSING_IBAN,
    )


def express(sandbox: "Sandbox", request: Request, account: str) -> Response | None:
    """Show what an owner sees of their own account."""
    with sandbox.store.read() as tx:
        doc = tx.get(account, "account")
        rows = tx.run("SELECT currency, pending, available FROM balance WHERE account = ?", (account,)).fetchall()
        found = tx.find("payout", account=account, limit=20)
    return page(request, "express.html", account=doc, balances=rows, payouts=found) if doc else None
