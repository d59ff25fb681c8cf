"""The bank accounts that money is paid out to."""

import hashlib
import re

from marketplace.sandbox.calls import Call, list_of
from marketplace.sandbox.errors import InvalidRequest
from marketplace.sandbox.ids import new_id
from marketplace.sandbox.params import Params
from marketplace.sandbox.store import Doc

_IBAN = re.compile(r"^[A-Z]{2}[0-9]{2}[A-Z0-9]{8,30}$")
# An account number that ends so refuses every pay-out (Stripe's own test numbers differ in their last digits too).
REFUSES = "3001"
TEST_IBAN = "NL91ABNA0417164300"


def iban_is_valid(iban: str) -> bool:
    """Return whether the check digits of an IBAN are right (ISO 13616: the number modulo 97 is 1)."""
    if not _IBAN.match(iban):
        return False
    turned = iban[4:] + iban[:4]
    return int("".join(str(int(letter, 36)) for letter in turned)) % 97 == 1


def attach(call: Call, account: Doc, *, iban: str, country: str, currency: str) -> Doc:
    """Make `iban` the bank account that `account` is paid out to, instead of any other."""
    bank: Doc = {
        "id": new_id("ba"),
        "object": "bank_account",
        "account": account["id"],
        "account_holder_name": None,
        "account_holder_type": None,
        "account_type": None,
        "available_payout_methods": ["standard"],
        "bank_name": "TEST BANK",
        "country": country,
        "currency": currency,
        "default_for_currency": True,
        "fingerprint": hashlib.sha256(iban.encode()).hexdigest()[:16],
        "last4": iban[-4:],
        "metadata": {},
        "routing_number": None,
        "status": "new",
    }
    account["external_accounts"] = list_of([bank], f"/v1/accounts/{account['id']}/external_accounts")
    return bank


def add(call: Call, account: Doc, given: Params) -> Doc:
    """Read `external_account[…]`: a bank account with its number. Raises InvalidRequest for a number that is wrong."""
    iban = given.need_text("account_number").replace(" ", "").upper()
    if not iban_is_valid(iban):
        raise InvalidRequest(
            "The account number is not a valid IBAN.", code="account_number_invalid", param=given.path("account_number")
        )
    country = (given.text("country") or iban[:2]).upper()
    return attach(call, account, iban=iban, country=country, currency=(given.text("currency") or "eur").lower())


def of(account: Doc) -> Doc | None:
    """Return the bank account that an account is paid out to."""
    found = account["external_accounts"]["data"]
    return found[0] if found else None
