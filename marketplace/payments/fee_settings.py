"""The platform's fee and the tax on it as operators have set them: read here, frozen by those who agree on them."""

from __future__ import annotations

from decimal import Decimal

from flask_babel import lazy_gettext as _l

from marketplace.hooks.types import SettingSpec
from marketplace.money import Money
from marketplace.payments.fees import FeeRule, TaxRule
from marketplace.runtime import runtime
from marketplace.settings.service import get


def tax_rule() -> TaxRule:
    """Give the tax on the platform's fees as operators have set it."""
    rate = Decimal(get("bills.tax_rate"))
    name = f"{get('bills.tax_name')} {rate.normalize():f} %".strip() if rate else ""
    return TaxRule(rate, name, bool(get("bills.tax_included")))


def fee_settings(prefix: str, group: object, percent: str = "0") -> list[SettingSpec]:
    """Describe the settings of one kind of agreement's fee, `prefix`_percent and so on; `percent` is the first value."""
    return [
        SettingSpec(f"{prefix}_percent", _l("Platform fee in per cent"), "decimal", percent, minimum=0, maximum=50, group=group,
            help=_l("Frozen into what is published or agreed; later changes only touch what comes later.")),
        SettingSpec(f"{prefix}_fixed", _l("Platform fee: fixed part"), "money", 0, minimum=0, group=group,
            help=_l("Added to the percentage of each payment.")),
        SettingSpec(f"{prefix}_minimum", _l("Platform fee: at least"), "money", 0, minimum=0, group=group,
            help=_l("Taken when percentage and fixed part come to less.")),
        SettingSpec(f"{prefix}_maximum", _l("Platform fee: at most"), "money", 0, minimum=0, group=group,
            help=_l("0 means no upper limit.")),
        SettingSpec(f"{prefix}_on_total", _l("Take the fee once on the total"), "bool", False, group=group,
            help=_l("Otherwise it is taken, and rounded, once for each payment.")),
        SettingSpec(f"{prefix}_owner_pays_provider", _l("The owner bears the payment provider's fee"), "bool", False, group=group,
            help=_l("Otherwise the platform bears it. What is not known when a payment is settled stays with the platform.")),
    ]  # fmt: skip


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
