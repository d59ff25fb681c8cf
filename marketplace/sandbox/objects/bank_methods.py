"""Payment methods that are bank accounts: SEPA Direct Debit by its IBAN, iDEAL by its bank."""

from typing import Any

from marketplace.sandbox.banks import BANKS, IBANS
from marketplace.sandbox.calls import Call, private
from marketplace.sandbox.cards import fingerprint
from marketplace.sandbox.errors import InvalidRequest
from marketplace.sandbox.ids import new_id
from marketplace.sandbox.objects.mandates import new_mandate
from marketplace.sandbox.params import Params
from marketplace.sandbox.store import Doc

_ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")


def _method(call: Call, kind: str, number: str, facts: Doc, billing: Doc | None) -> Doc:
    details = billing or {}
    method: Doc = {
        "id": new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": {
            "address": details.get("address") or dict.fromkeys(_ADDRESS),
            "email": details.get("email"),
            "name": details.get("name"),
            "phone": details.get("phone"),
            "tax_id": None,
        },
        "created": call.now,
        "customer": None,
        "livemode": False,
        "metadata": {},
        "type": kind,
        kind: facts,
        "_": {"number": number, "set_up": False, "used": False},
    }
    return call.tx.insert(method, call.account)


def new_debit(call: Call, iban: str, billing: Doc | None = None) -> Doc:
    """Store a SEPA Direct Debit method for one of the test IBANs."""
    facts = {
        "bank_code": iban[4:8] if iban[4:8].isalpha() else iban[4:12],
        "branch_code": "",
        "country": iban[:2],
        "fingerprint": fingerprint(iban, call.account),
        "generated_from": {"charge": None, "setup_attempt": None},
        "last4": iban[-4:],
    }
    return _method(call, "sepa_debit", iban, facts, billing)


def new_ideal(call: Call, bank: str, billing: Doc | None = None) -> Doc:
    """Store an iDEAL method; it serves for one payment."""
    return _method(call, "ideal", "ideal", {"bank": bank, "bic": BANKS[bank][1]}, billing)


def from_data(call: Call, kind: str, params: Params, billing: Doc) -> Doc:
    """Store a method from `sepa_debit[iban]` or `ideal[bank]`."""
    group = params.group(kind)
    if kind == "sepa_debit":
        iban = group.need_text("iban").replace(" ", "").upper()
        if iban not in IBANS:
            raise InvalidRequest(
                "Only the test IBANs work here.", code="invalid_bank_account_iban", param=group.path("iban")
            )
        return new_debit(call, iban, billing)
    return new_ideal(call, group.choice("bank", tuple(BANKS), "ing") or "ing", billing)


def charged(method: Doc) -> dict[str, Any]:
    """Return what a charge says of the method that it took."""
    kind = method["type"]
    if kind == "sepa_debit":
        names = ("bank_code", "branch_code", "country", "fingerprint", "last4")
        facts: Doc = {name: method[kind][name] for name in names}
        facts["mandate"] = private(method).get("mandate")
    else:
        facts = {
            **method[kind],
            "generated_sepa_debit": None,
            "generated_sepa_debit_mandate": None,
            "iban_last4": "5264",
            "transaction_id": "0050000123456789",
            "verified_name": method["billing_details"]["name"],
        }
    return {"type": kind, kind: facts}


def give_mandate(call: Call, method: Doc) -> str | None:
    """Note that the payer lets us debit the account, as the hosted page or the API's `mandate_data` says; once."""
    if method["type"] != "sepa_debit":
        return None
    known: str | None = private(method).get("mandate")
    if known is None:
        known = private(method)["mandate"] = new_mandate(call, method)
        call.tx.update(method)
    return known
