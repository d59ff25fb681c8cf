"""What the bank takes for its service.

Stripe's list price for cards of the European Economic Area is 1.5 % and EUR 0.25 for each successful payment
(https://stripe.com/nl/pricing). We apply that one rule to every card and currency, whatever the card's country, so that
expected figures can be written by hand. Fees are not given back with a refund. A dispute costs EUR 20.00, won or lost.
"""

RATE_PER_10_000 = 150
FIXED = {"eur": 25, "gbp": 20, "usd": 30, "chf": 30, "sek": 180, "dkk": 180, "nok": 200, "jpy": 40}
DISPUTE = {"eur": 2000, "gbp": 2000, "usd": 1500}

# The least that may be charged (https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts), minor units.
MINIMUM = {"eur": 50, "gbp": 30, "usd": 50, "chf": 50, "sek": 300, "dkk": 250, "nok": 300, "jpy": 50}
MAXIMUM = 99_999_999


def charge_fee(amount: int, currency: str) -> int:
    """Return the fee on a captured amount, minor units of `currency`, halves rounded up."""
    return (amount * RATE_PER_10_000 + 5_000) // 10_000 + FIXED.get(currency, 25)


def dispute_fee(currency: str) -> int:
    """Return the fee of one dispute, minor units of `currency`."""
    return DISPUTE.get(currency, 2000)
