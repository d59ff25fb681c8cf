"""The one price that stands on an item's card and in lists: a day, an hour where it is paid by use, else what buying costs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from marketplace.api import Listing, Money, db, listings
from plugins.sharing.item.item_models import Item
from plugins.sharing.tariffs import Circumstances, Tariff, UseInvalid, bill, planned

MONDAY = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
"""A plain day, like that of the worked examples: no clocks change, and nothing is a holiday."""

SHOWN = (("rent", timedelta(days=1), "day"), ("use", timedelta(hours=1), "hour"))


def show(listing: Listing, priced: Mapping[str, Tariff]) -> None:
    """Put the price onto the listing, whose columns the core's cards, filters and orders read. Joins the transaction.

    What is lent free costs nothing; where neither a day nor an hour has a price (a charging post's kWh), none is shown.
    """
    item = db.session.get(Item, listing.id)
    if item is None:
        return
    price, unit = _price(item, listing.currency, priced)
    if (None if price is None else price.minor, unit) != (listing.price_minor, listing.price_unit):
        listings.show_price(listing, price, unit)


def _price(item: Item, currency: str, priced: Mapping[str, Tariff]) -> tuple[Money | None, str | None]:
    if "borrow" in item.arrangements and "borrow" not in priced:
        return Money(0, currency), "once"
    for arrangement, time, unit in (("borrow", timedelta(days=1), "day"), *SHOWN):
        if arrangement in item.arrangements and arrangement in priced:
            asked = _cost(priced[arrangement], time, item.zone)
            if asked:
                return Money(asked, currency), unit
    if "buy" in item.arrangements and item.buy_minor is not None and not {"rent", "use"} & set(item.arrangements):
        return Money(item.buy_minor, currency), "once"
    return None, None


def _cost(terms: Tariff, time: timedelta, zone: str) -> int:
    state = terms.states[0] if terms.states else "in-use"
    try:
        return bill(terms, planned(MONDAY, [(state, time)], None, None, Circumstances(zone, "", frozenset()))).total
    except UseInvalid:
        return 0
