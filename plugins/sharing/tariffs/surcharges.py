"""What follows the caps, in this order: discounts, minimum, fees, maximum, taxes; each line rounded once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from .bills import Line
from .figures import ONE, SECOND, billionths, half_up, plain
from .lines import number
from .model import Discount, Terms
from .rating import Rated

MINIMUM = "minimum"
MAXIMUM = "maximum"


@dataclass(slots=True)
class Account:
    """What each component, package and fee costs so far (minor units), and the lines and notes that came of it."""

    nets: dict[str, int]
    lines: list[Line] = field(default_factory=list)
    notes: list[Line] = field(default_factory=list)

    def sum_of(self, keys: Collection[str]) -> int:
        """Add up what some of them cost."""
        return sum(amount for key, amount in self.nets.items() if key in keys)

    def total(self) -> int:
        """Add up everything."""
        return sum(self.nets.values())


def percentage(amount: int, rate: Decimal) -> int:
    """Take a percentage of minor units, rounded half up, once."""
    return half_up(amount * billionths(rate), 100 * ONE)


def follow(terms: Terms, account: Account, rated: Mapping[str, Rated], options: Collection[str]) -> None:
    """Add what follows the caps to the account."""
    for discount in terms.discounts:
        _discount(discount, account, rated)
    if account.total() < terms.minimum:
        missing = terms.minimum - account.total()
        account.nets[MINIMUM] = missing
        account.lines.append(Line(MINIMUM, MINIMUM, missing, {"minimum": str(terms.minimum)}))
    for fee in terms.fees:
        if fee.option and fee.option not in options:
            continue
        base = account.sum_of(fee.of)
        amount = max(fee.least, percentage(base, fee.percent))
        amount = amount if fee.most is None else min(fee.most, amount)
        account.nets[fee.key] = amount
        facts = {"percent": number(fee.percent), "base": str(base), "of": ",".join(sorted(fee.of))}
        account.lines.append(Line(fee.key, "fee", amount, facts))
    _maximum(terms, account)
    _taxes(terms, account)


def _discount(discount: Discount, account: Account, rated: Mapping[str, Rated]) -> None:
    """Take the highest tier that was reached off the components' nets, without losing or making a cent."""
    by = rated.get(discount.by)
    measure = by.charged if by else 0
    reached = [tier for tier in discount.tiers if not discount.by or measure >= tier.at_least]
    if not reached:
        return
    tier, base = reached[-1], account.sum_of(discount.of)
    amount = percentage(base, tier.percent)
    facts = {"percent": number(tier.percent), "base": str(base), "of": ",".join(sorted(discount.of))}
    if by:
        one = SECOND if by.component.timed else ONE
        facts |= {"by": discount.by, "charged": plain(measure, one), "at_least": plain(tier.at_least, one)}
    _take(account, discount.of, amount)
    account.lines.append(Line(discount.key, "discount", -amount, facts))


def _maximum(terms: Terms, account: Account) -> None:
    """Cut the whole down to the tariff's maximum, so that taxes are of what is really paid."""
    total = account.total()
    if terms.maximum is None or total <= terms.maximum:
        return
    _take(account, account.nets.keys(), total - terms.maximum)
    account.lines.append(Line(MAXIMUM, MAXIMUM, terms.maximum - total, {"maximum": str(terms.maximum)}))


def _taxes(terms: Terms, account: Account) -> None:
    """Add taxes that come on top; note those that prices contain."""
    added: dict[str, int] = {}
    for tax in terms.taxes:
        base = account.sum_of(tax.of)
        facts = {"percent": number(tax.percent), "base": str(base), "of": ",".join(sorted(tax.of))}
        if tax.included:
            rate = billionths(tax.percent)
            facts["contained"] = str(half_up(base * rate, 100 * ONE + rate))
            account.notes.append(Line(tax.key, "tax_contained", 0, facts))
        else:
            added[tax.key] = percentage(base, tax.percent)
            account.lines.append(Line(tax.key, "tax", added[tax.key], facts))
    account.nets.update(added)


def _take(account: Account, keys: Collection[str], amount: int) -> None:
    """Spread a reduction over what it is taken off, by its cost; the largest remainders get the odd cents, first come first."""
    bearers = [key for key in account.nets if key in keys and account.nets[key]]
    whole = account.sum_of(bearers)
    if not amount or not whole:
        return
    shares = {key: divmod(amount * account.nets[key], whole) for key in bearers}
    odd = amount - sum(share for share, _ in shares.values())
    by_rest = sorted(bearers, key=lambda key: -shares[key][1])
    for place, key in enumerate(by_rest):
        account.nets[key] -= shares[key][0] + (place < odd)
