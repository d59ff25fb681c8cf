"""The API of prices: what counts now, saving a document, and quotes by the function that makes bills."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from flask_babel import gettext as _

from marketplace.api import InvalidInput, NotFound, api_v1, listings
from plugins.sharing.loan import quoting
from plugins.sharing.price import price_lists
from plugins.sharing.price.fault_words import translated
from plugins.sharing.price.price_lists import TariffRefused, UseInvalid
from plugins.sharing.price.tariff_models import ARRANGEMENTS
from plugins.sharing.slot.windows import Window
from plugins.sharing.use import use_api_shapes as shapes
from plugins.sharing.use.use_api_part import PRICES, part
from plugins.sharing.use.use_api_shapes import BillFacts, NewPrices, NewQuote, PriceLists, PricesOut


@part.operation("GET", "/sharing/items/{listing_id}/prices", tag=PRICES, public=True, returns=PriceLists, errors=(404,))
def list_prices(call: api_v1.Call[None, api_v1.Query], listing_id: int) -> PriceLists:
    """Give an item's prices for each arrangement, as documents with their worked examples."""
    listings.visible(listing_id, call.viewer)
    found = price_lists.all_current(listing_id).values()
    return PriceLists(data=[shapes.prices(one, price_lists.document_of(one.id)) for one in found])


@part.operation(
    "PUT", "/sharing/items/{listing_id}/prices/{arrangement}", tag=PRICES, scopes=("listings:write",), body=NewPrices,
    returns=PricesOut, errors=(403, 404, 409),
)  # fmt: skip
def save_prices(call: api_v1.Call[NewPrices, api_v1.Query], listing_id: int, arrangement: str) -> PricesOut:
    """Save a new version of an item's prices; the same document again changes nothing.

    `errors` names each faulty field of the document, worked examples that fail among them with what the prices give.
    """
    listing = listings.visible(listing_id, call.user)
    if listing.kind != "item" or arrangement not in ARRANGEMENTS:
        raise NotFound(_("There is no such arrangement."))
    try:
        saved = price_lists.save(listing_id, arrangement, call.body.document, call.user)
    except TariffRefused as error:
        faults = {f"document.{field}": message for field, message in error.faults}
        raise InvalidInput(faults, error.message) from None
    return shapes.prices(saved, price_lists.document_of(saved.id))


@part.operation(
    "DELETE", "/sharing/items/{listing_id}/prices/{arrangement}", tag=PRICES, scopes=("listings:write",), status=204,
    errors=(403, 404),
)  # fmt: skip
def withdraw_prices(call: api_v1.Call[None, api_v1.Query], listing_id: int, arrangement: str) -> None:
    """Take an arrangement's prices off the item; agreements keep theirs."""
    listing = listings.visible(listing_id, call.user)
    if listing.kind != "item" or arrangement not in ARRANGEMENTS:
        raise NotFound(_("There is no such arrangement."))
    price_lists.withdraw(listing_id, arrangement, call.user)


@part.operation(
    "POST", "/sharing/items/{listing_id}/quotes/{arrangement}", tag=PRICES, public=True, body=NewQuote, returns=BillFacts,
    errors=(404, 409), outside=True,
)  # fmt: skip
def quote(call: api_v1.Call[NewQuote, api_v1.Query], listing_id: int, arrangement: str) -> BillFacts:
    """Say what a use would cost; a use as quoted is billed exactly so."""
    listings.visible(listing_id, call.viewer)
    if arrangement not in ARRANGEMENTS:
        raise NotFound(_("There is no such arrangement."))
    window = Window(call.body.starts_at, call.body.ends_at)
    quoting.check_length(window)
    quantities = figures(call.body.quantities, "quantities")
    try:
        found = price_lists.quote(
            price_lists.freeze(listing_id, arrangement), window, quantities=quantities, options=call.body.options
        )
    except UseInvalid as error:
        raise InvalidInput({"options": translated(str(error))}) from None
    return BillFacts(**shapes.bill_facts(found))


def figures(given: dict[str, str], field: str) -> dict[str, Decimal]:
    """Read decimal figures; raises InvalidInput that names each that is none."""
    faults, found = {}, {}
    for name, text in given.items():
        try:
            value = Decimal(text)
        except InvalidOperation:
            faults[f"{field}.{name}"] = _("This is not a figure.")
            continue
        if not value.is_finite() or not 0 <= value <= 10**9 or -int(value.as_tuple().exponent) > 9:
            faults[f"{field}.{name}"] = _("This is not a figure that a meter shows.")
        found[name] = value
    if faults:
        raise InvalidInput(faults)
    return found
