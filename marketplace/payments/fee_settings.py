"""The platform's fee and the tax on it as operators have set them: read here, frozen by those who agree on them."""

from __future__ import annotations

from decimal import Decimal

from flask_babel import gettext as _

from marketplace import display
from marketplace.money import Money
from marketplace.payments.fees import FeeRule, TaxRule
from marketplace.runtime import runtime
from marketplace.settings.service import get


def tax_rule(included: bool | None = None) -> TaxRule:
    """Give the tax on the platform's fees as operators have set it; `included` as it was agreed on, where that is known.

    The rate follows the law, also for what was agreed on before; who bears it does not change any more.
    """
    rate = Decimal(get("bills.tax_rate"))
    name = f"{get('bills.tax_name')} {rate.normalize():f} %".strip() if rate else ""
    return TaxRule(rate, name, bool(get("bills.tax_included")) if included is None else included)


def least_payment(rule: FeeRule) -> Money:
    """Give the payment from which on something is left for the payee, after the fee and a tax on top of it.

    What the provider will charge is not known beforehand and not counted, also where the payee bears it.
    """
    tax = tax_rule(rule.tax_included)
    return rule.least_amount(Decimal(0) if tax.included else tax.rate)


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
        tax_included=bool(get("bills.tax_included")),
    )


def _minor(amount: Money) -> int:
    return amount.minor


def fee_in_words(rule: FeeRule) -> str:
    """Say what the platform takes, in a sentence for those who are about to agree to it; the tax included."""
    if not (rule.percent or rule.fixed or rule.minimum):
        passed_on = _("The platform keeps the payment provider's fee, and nothing else.")
        return str(passed_on if rule.owner_pays_provider else _("The platform takes no fee."))
    words = [_share(rule)] if rule.percent or rule.fixed else []
    if rule.minimum:
        words.append(_("at least %(amount)s", amount=_shown(rule, rule.minimum)))
    if rule.maximum is not None:
        words.append(_("at most %(amount)s", amount=_shown(rule, rule.maximum)))
    if rule.owner_pays_provider:
        words.append(_("and the payment provider's fee"))
    sentence = _("The platform keeps %(what)s.", what=", ".join(words))
    tax = tax_rule(rule.tax_included)
    if tax.rate:
        extra = _("%(tax)s is included.", tax=tax.name) if tax.included else _("%(tax)s is added.", tax=tax.name)
        sentence = f"{sentence} {extra}"
    return str(sentence)


def _share(rule: FeeRule) -> str:
    share, fixed = f"{display.number(rule.percent.normalize())}%", _shown(rule, rule.fixed)
    if not rule.percent:
        return str(_("%(amount)s per payment", amount=fixed))
    if rule.on_total:
        said = _("%(share)s of the total plus %(amount)s", share=share, amount=fixed)
        return str(said if rule.fixed else _("%(share)s of the total", share=share))
    said = _("%(share)s of each payment plus %(amount)s", share=share, amount=fixed)
    return str(said if rule.fixed else _("%(share)s of each payment", share=share))


def _shown(rule: FeeRule, minor: int) -> str:
    return display.money(minor, rule.currency, exact=True)
