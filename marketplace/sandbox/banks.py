"""Bank accounts to test with, and what each of them does: SEPA Direct Debit by Stripe's published IBANs, iDEAL by its banks.

https://docs.stripe.com/payments/sepa-debit/accept-a-payment#test-integration and https://docs.stripe.com/payments/ideal.
"""

from dataclasses import dataclass

from marketplace.sandbox.cards import TestCard

SOON, LATER = 2, 180
"""Seconds until the payer's bank answers a debit; "at least three minutes" for the delayed ones."""


@dataclass(frozen=True, slots=True)
class TestAccount(TestCard):
    """How one bank account behaves: the bank answers after so many seconds, with yes unless `fails` names why not."""

    __test__ = False

    kind: str = "sepa_debit"
    answers_after: int = 0
    fails: str = ""


def _debit(iban: str, after: int = SOON, fails: str = "", disputed: str = "") -> TestAccount:
    return TestAccount(iban, "", country=iban[:2], answers_after=after, fails=fails, disputed=disputed)


REFUSAL = "refer_to_customer"

IBANS = {
    account.number: account
    for account in (
        _debit("NL39RABO0300065264"),
        _debit("NL55RABO0300065267", LATER),
        _debit("NL91ABNA0417164300", fails=REFUSAL),
        _debit("NL28RABO0300065268", LATER, REFUSAL),
        _debit("NL82RABO0300065266", disputed="debit_not_authorized"),
        _debit("DE89370400440532013000"),
        _debit("DE08370400440532013003", LATER),
        _debit("DE62370400440532013001", fails=REFUSAL),
        _debit("DE78370400440532013004", LATER, REFUSAL),
        _debit("DE35370400440532013002", disputed="debit_not_authorized"),
        _debit("DE65370400440002222227", fails="insufficient_funds"),
        _debit("AT611904300234573201"),
        _debit("AT321904300235473204", LATER),
        _debit("AT861904300235473202", fails=REFUSAL),
        _debit("AT051904300235473205", LATER, REFUSAL),
        _debit("AT591904300235473203", disputed="debit_not_authorized"),
        _debit("IT60X0542811101000000123456", fails=REFUSAL),  # the CLI's trigger of an asynchronous failure
    )
}

OFFERED = (
    ("NL39RABO0300065264", "Succeeds"),
    ("NL55RABO0300065267", "Succeeds after three minutes"),
    ("NL91ABNA0417164300", "Is refused by the bank"),
    ("NL28RABO0300065268", "Is refused after three minutes"),
    ("DE65370400440002222227", "Insufficient funds"),
    ("NL82RABO0300065266", "Is disputed after the payment"),
)

PAYMENT_METHODS = {
    "pm_success_nl": "NL39RABO0300065264",
    "pm_successDelayed_nl": "NL55RABO0300065267",
    "pm_failed_nl": "NL91ABNA0417164300",
    "pm_failedDelayed_nl": "NL28RABO0300065268",
    "pm_disputed_nl": "NL82RABO0300065266",
    "pm_success_de": "DE89370400440532013000",
    "pm_successDelayed_de": "DE08370400440532013003",
    "pm_failed_de": "DE62370400440532013001",
    "pm_failedDelayed_de": "DE78370400440532013004",
    "pm_disputed_de": "DE35370400440532013002",
    "pm_insufficientFunds_de": "DE65370400440002222227",
}

# What a payer chooses on the page of the own bank decides how an iDEAL payment goes on.
IDEAL = {
    account.number: account
    for account in (
        TestAccount("ideal", "", kind="ideal"),
        TestAccount("ideal_later", "", kind="ideal", answers_after=LATER),
        TestAccount("ideal_fails_later", "", kind="ideal", answers_after=LATER, fails=REFUSAL),
    )
}
ANSWERS = {"yes": "ideal", "later": "ideal_later", "fails_later": "ideal_fails_later"}

BANKS = {
    "abn_amro": ("ABN AMRO", "ABNANL2A"),
    "asn_bank": ("ASN Bank", "ASNBNL21"),
    "bunq": ("bunq", "BUNQNL2A"),
    "ing": ("ING", "INGBNL2A"),
    "rabobank": ("Rabobank", "RABONL2U"),
    "triodos_bank": ("Triodos Bank", "TRIONL2U"),
}

ACCOUNTS = {**IBANS, **IDEAL}
