"""Quotes and purchases as the API shows them and takes them."""

from __future__ import annotations

from typing import Annotated

from flask import url_for

from marketplace.api import Agreement, Money, api_v1
from plugins.sharing.buy.buy_models import Purchase
from plugins.sharing.buy.buy_reads import Offer

Meta = api_v1.Meta


class BuyQuoteOut(api_v1.Output):
    """What one unit costs the caller now, and whether it can be had."""

    item_id: api_v1.Id
    price: api_v1.Amount
    rent_paid: Annotated[api_v1.Amount, Meta(description="What the caller paid in rent within the days that count.")]
    counted: Annotated[api_v1.Amount, Meta(description="What of it counts.")]
    total: Annotated[api_v1.Amount, Meta(description="What is to be paid.")]
    available: Annotated[bool, Meta(examples=[True])]
    reason_text: Annotated[str | None, Meta(examples=["It is with somebody else, and can be bought once it is back."])]
    begins_at: Annotated[api_v1.Time | None, Meta(description="From when on it can be had.")]
    has_it: Annotated[bool, Meta(description="The caller has it at home now, and keeps it.", examples=[False])]
    instant: Annotated[bool, Meta(description="Whether it needs no word of the owner's.", examples=[False])]


class NewPurchase(api_v1.Input):
    """A word to the owner, if any."""

    note: Annotated[str, Meta(max_length=1000, examples=["I have grown fond of it."])] = ""


class PurchaseOut(api_v1.Output):
    """A purchase; moving it is a move of the agreement of the same number."""

    id: api_v1.Id
    item_id: api_v1.Id
    state: Annotated[str, Meta(examples=["agreed"])]
    price: api_v1.Amount
    counted: api_v1.Amount
    total: api_v1.Amount
    begins_at: api_v1.Time | None
    place: Annotated[
        str | None,
        Meta(description="Where it is picked up, and goes back to if the sale is undone.", examples=["Kerkstraat 3"]),
    ]
    waits_until: api_v1.Time | None
    pay_url: Annotated[str | None, Meta(description="Where the buyer pays now.", examples=[None])]
    url: api_v1.LinkText


def quote(offer: Offer) -> BuyQuoteOut:
    """Give an offer as the API shows it."""
    asked, chance = offer.quote, offer.chance
    return BuyQuoteOut(
        item_id=offer.listing.id, price=_amount(asked.price), rent_paid=_amount(asked.rented), counted=_amount(asked.counted),
        total=_amount(asked.total), available=chance is not None, reason_text=offer.problem or None,
        begins_at=chance.since if chance is not None else None, has_it=chance is not None and chance.has_it,
        instant=offer.instant,
    )  # fmt: skip


def _amount(money: Money) -> api_v1.Amount:
    return api_v1.Amount(money.minor, money.currency)


def purchase(agreement: Agreement, side: Purchase, pay_path: str | None) -> PurchaseOut:
    """Give a purchase as the API shows it to its two sides."""
    terms = agreement.terms
    shown = agreement.phase in ("agreed", "active") or agreement.state == "undone"  # then it goes back there
    return PurchaseOut(
        id=agreement.id, item_id=side.item_id, state=agreement.state,
        price=api_v1.Amount(terms["price_minor"], side.currency), counted=api_v1.Amount(terms["counted_minor"], side.currency),
        total=api_v1.Amount(terms["total_minor"], side.currency), begins_at=side.begins_at,
        place=side.place if shown else None, waits_until=agreement.waits_until,
        pay_url=api_v1.absolute(pay_path) if pay_path else None,
        url=api_v1.absolute(url_for("agreements.show", agreement_id=agreement.id)),
    )  # fmt: skip
