"""What a lender says of selling an item: its price, and how much of the rent counts; and what of it can't be."""

from __future__ import annotations

from flask_babel import gettext as _

from marketplace.api import InvalidInput, display, payments
from plugins.sharing.item.item_models import Item


def only_sold(item: Item) -> bool:
    """Tell whether buying is all that is offered of an item, so that no time of it can be had."""
    return set(item.arrangements) == {"buy"}


def faults(item: Item) -> dict[str, str]:
    """Name what is wrong with how an item is sold, by field; what is not said of rent is set to nothing."""
    item.buy_minor = item.buy_minor or None
    item.buy_rent_percent, item.buy_rent_days = item.buy_rent_percent or 0, item.buy_rent_days or 0
    found: dict[str, str] = {}
    if "buy" in item.arrangements:
        found |= _of_price(item)
    if not 0 <= item.buy_rent_percent <= 100:
        found["buy_rent_percent"] = _("Say how many per cent, from 0 to 100.")
    elif item.buy_rent_percent and not item.buy_rent_days:
        found["buy_rent_days"] = _("Say of how many days the rent counts.")
    return found


def _of_price(item: Item) -> dict[str, str]:
    if item.is_bundle:
        return {"arrangements": _("A set belongs to several, so it can't be bought as a whole.")}
    if item.buy_minor is None:
        return {"buy_minor": _("Say what it costs to buy it.")}
    least = payments.least(item.currency)
    if payments.payments_enabled() and item.buy_minor < least.minor:
        amount = display.money(least.minor, item.currency, exact=True)
        return {"buy_minor": _("The lowest price that can be paid here is %(amount)s.", amount=amount)}
    return {}


def check(item: Item) -> None:
    """Raise InvalidInput where a new item can't be sold like this, with the fault at its one price."""
    if wrong := faults(item):
        raise InvalidInput({"price": next(iter(wrong.values()))})
