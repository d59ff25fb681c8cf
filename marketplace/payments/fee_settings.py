"""The platform's fee and the tax on it as operators have set them: read here, frozen by those who agree on them."""

from __future__ import annotations

from decimal import Decimal

from marketplace.money import Money
from marketplace.payments.fees import FeeRule, TaxRule
from marketplace.runtime import runtime
from marketplace.settings.service import get


def tax_rule() -> TaxRule:
    """Give the tax on the platform's fees as operators have set it."""
    rate = Decimal(get("bills.tax_rate"))
    name = f"{get('bills.tax_name')} {rate.normalize():f} %".strip() if rate else ""
    return TaxRule(rate, name, bool(get("bills.tax_included")))


def fee_rule(prefix: str, currency: str | None = None) -> FeeRule:
    """Give a kind's fee as operators have set it, for amounts of `currency` (the site's own unless given).

    Fixed amounts are set in the site's currency; in another only the percentage counts, because amounts of two currencies
    can't be compared.
    """
    own = currency is None or currency == runtime().settings.currency
    amounts = {part: _minor(get(f"{prefix}_{part}")) if own else 0 for part in ("fixed", "minimum", "maximum")}
    return FeeRule(
        currency or runtime().settings.currency,
        Decimal(get(f"{prefix}_percent")),
        amounts["fixed"],
        amounts["minimum"],
        max(amounts["maximum"], amounts["minimum"]) if amounts["maximum"] else None,
        owner_pays_provider=bool(get(f"{prefix}_owner_pays_provider")),
        on_total=bool(get(f"{prefix}_on_total")),
    )


def _minor(amount: Money) -> int:
    return amount.minor
