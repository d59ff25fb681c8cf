"""What Stripe's payment methods can do, by Stripe's own names for them.

https://docs.stripe.com/payments/payment-methods/payment-method-support and, for the time that a card holds an amount,
https://docs.stripe.com/payments/place-a-hold-on-a-payment-method (merchant-initiated: seven days, Visa 4 days 18 hours).
Which of them a site offers is a setting, and must be switched on in Stripe's dashboard, too.
"""

from __future__ import annotations

from datetime import timedelta

from flask_babel import lazy_gettext as _l

from marketplace.payments.abilities import Ability

EURO = frozenset({"EUR"})
WEEK = timedelta(days=7)

ABILITIES: dict[str, Ability] = {
    ability.kind: ability
    for ability in (
        Ability(
            "card",
            _l("Card"),
            "credit-card",
            reusable=True,
            pays_now=True,
            holds={"": WEEK, "visa": timedelta(days=4, hours=18)},
        ),
        # Its bank may take the money back for eight weeks without a reason (SEPA Core rulebook).
        Ability(
            "sepa_debit",
            _l("Direct debit from a bank account"),
            "landmark",
            reusable=True,
            pays_now=True,
            slow=True,
            currencies=EURO,
            disputable=timedelta(weeks=8),
        ),
        Ability("ideal", "iDEAL", "landmark", pays_now=True, currencies=EURO),
        Ability("bancontact", "Bancontact", "landmark", pays_now=True, currencies=EURO),
    )
}
