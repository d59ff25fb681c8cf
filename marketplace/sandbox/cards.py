"""Stripe's published test cards and what each of them does (https://docs.stripe.com/testing)."""

import hashlib
from dataclasses import dataclass

DECLINES = {
    "generic_decline": ("card_declined", "Your card was declined."),
    "insufficient_funds": ("card_declined", "Your card has insufficient funds."),
    "lost_card": ("card_declined", "Your card was declined."),
    "stolen_card": ("card_declined", "Your card was declined."),
    "card_velocity_exceeded": ("card_declined", "Your card was declined for making repeated attempts too frequently."),
    "fraudulent": ("card_declined", "Your card was declined."),
    "expired_card": ("expired_card", "Your card has expired."),
    "incorrect_cvc": ("incorrect_cvc", "Your card's security code is incorrect."),
    "processing_error": (
        "processing_error",
        "An error occurred while processing your card. Try again in a little bit.",
    ),
    "authentication_required": (
        "authentication_required",
        "Your card was declined. This transaction requires authentication.",
    ),
}


INQUIRY = "inquiry"  # instead of a reason to dispute: the cardholder's bank only asks


def fingerprint(number: str, account: str) -> str:
    """Return what is the same whenever a number is given to an account, and another for every other account."""
    return hashlib.sha256(f"{account}:{number}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class TestCard:
    """How one card behaves.

    `declines` is the decline code of every charge; `attaches` says whether it can be saved all the same.
    `asks` is when its bank wants 3-D Secure: "never"; "unless_set_up" (on-session always, off-session only when it was
    not set up for that); "always" (even then).
    """

    __test__ = False  # not a test, whatever pytest makes of the name

    number: str
    brand: str = "visa"
    funding: str = "credit"
    country: str = "US"
    declines: str = ""
    attaches: bool = True
    asks: str = "never"
    already_set_up: bool = False
    disputed: str = ""
    available_at_once: bool = False
    refund: str = ""

    def fingerprint(self, account: str) -> str:
        """Return what tells that two payment methods of an account are the same card."""
        return fingerprint(self.number, account)


def _declined(number: str, code: str) -> TestCard:
    return TestCard(number, declines=code, attaches=False)


CARDS = {
    card.number: card
    for card in (
        TestCard("4242424242424242"),
        TestCard("4000056655665556", funding="debit"),
        TestCard("5555555555554444", "mastercard"),
        TestCard("2223003122003222", "mastercard"),
        TestCard("5200828282828210", "mastercard", "debit"),
        TestCard("378282246310005", "amex"),
        TestCard("4000005280000002", country="NL"),
        _declined("4000000000000002", "generic_decline"),
        _declined("4000000000009995", "insufficient_funds"),
        _declined("4000000000009987", "lost_card"),
        _declined("4000000000009979", "stolen_card"),
        _declined("4000000000000069", "expired_card"),
        _declined("4000000000000127", "incorrect_cvc"),
        _declined("4000000000000119", "processing_error"),
        _declined("4000000000006975", "card_velocity_exceeded"),
        _declined("4100000000000019", "fraudulent"),
        TestCard("4000000000000341", declines="generic_decline"),
        TestCard("4000002500003155", asks="unless_set_up"),
        TestCard("4000002760003184", asks="always"),
        TestCard("4000000000003220", asks="always"),
        TestCard("4000003800000446", asks="unless_set_up", already_set_up=True),
        TestCard("4000008260003178", asks="unless_set_up", declines="insufficient_funds"),
        TestCard("4000000000000259", disputed="fraudulent"),
        TestCard("4000000000002685", disputed="product_not_received"),
        TestCard("4000000000001976", disputed=INQUIRY),
        TestCard("4000000000000077", available_at_once=True),
        TestCard("4000000000007726", refund="pending"),
        TestCard("4000000000005126", refund="fails"),
    )
}

# The ready-made payment methods that the API accepts in place of a real one.
PAYMENT_METHODS = {
    "pm_card_visa": "4242424242424242",
    "pm_card_visa_debit": "4000056655665556",
    "pm_card_mastercard": "5555555555554444",
    "pm_card_mastercard_debit": "5200828282828210",
    "pm_card_amex": "378282246310005",
    "pm_card_nl": "4000005280000002",
    "pm_card_visa_chargeDeclined": "4000000000000002",
    "pm_card_chargeDeclined": "4000000000000002",
    "pm_card_visa_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_visa_chargeDeclinedLostCard": "4000000000009987",
    "pm_card_visa_chargeDeclinedStolenCard": "4000000000009979",
    "pm_card_chargeDeclinedExpiredCard": "4000000000000069",
    "pm_card_chargeDeclinedIncorrectCvc": "4000000000000127",
    "pm_card_chargeDeclinedProcessingError": "4000000000000119",
    "pm_card_chargeDeclinedVelocityLimitExceeded": "4000000000006975",
    "pm_card_chargeDeclinedFraudulent": "4100000000000019",
    "pm_card_chargeCustomerFail": "4000000000000341",
    "pm_card_authenticationRequiredOnSetup": "4000002500003155",
    "pm_card_authenticationRequired": "4000002760003184",
    "pm_card_threeDSecure2Required": "4000000000003220",
    "pm_card_authenticationRequiredSetupForOffSession": "4000003800000446",
    "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": "4000008260003178",
    "pm_card_createDispute": "4000000000000259",
    "pm_card_createDisputeProductNotReceived": "4000000000002685",
    "pm_card_createDisputeInquiry": "4000000000001976",
    "pm_card_bypassPending": "4000000000000077",
    "pm_card_pendingRefund": "4000000000007726",
    "pm_card_refundFail": "4000000000005126",
}

TOKENS = {"tok_" + name.removeprefix("pm_card_"): number for name, number in PAYMENT_METHODS.items()}


def luhn(number: str) -> bool:
    """Return whether the check digit of a card number is right (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(int(letter) for letter in reversed(number)):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0
