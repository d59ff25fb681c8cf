"""What pages show of buying a thing: the offer to one viewer; by a fixed number of statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from marketplace.api import Agreement, Listing, SlotFill, clock, db
from plugins.sharing.buy import purchases
from plugins.sharing.buy.buy_quote import Quote, agreed_quote, quote
from plugins.sharing.item.item_models import Item
from plugins.sharing.loan import loans
from plugins.sharing.loan.booking_models import Loan
from plugins.sharing.slot import for_ever, who


@dataclass(frozen=True, slots=True)
class Offer:
    """What buying a thing means for one viewer: the price, from when on or why not, and by which rules."""

    item: Item
    listing: Listing
    quote: Quote
    own: bool
    chance: for_ever.Chance | None
    problem: str
    rules: Sequence[loans.InstantRule]
    asked: Agreement | None = None
    """What this viewer has asked for and waits for: no second time is offered then, and the price is the one asked for."""

    @property
    def instant(self) -> bool:
        """Tell whether it needs no word of the owner's."""
        return all(rule.met for rule in self.rules)

    @property
    def later(self) -> datetime | None:
        """Give when it begins, if that is not now: at the end of what the viewer has booked."""
        if self.chance is None or self.chance.has_it or self.chance.since <= clock.now():
            return None
        return self.chance.since


def offer(listing_id: int, viewer: Any) -> Offer:
    """Work out what a viewer (a User, or a guest) is offered; raises NotFound, and Refused when it can't be bought at all."""
    item, listing = purchases.offered(listing_id)
    member_id = viewer.id if viewer is not None and viewer.is_authenticated else None
    chance, problem = None, ""
    barred = who.of_item(item, listing.owner_id, member_id)
    if barred is not None:
        problem = str(barred)
    else:
        try:
            chance = for_ever.look(listing_id, member_id)
        except for_ever.NotToBeHad as why:
            problem = why.message
    asked = purchases.waiting(listing_id, member_id) if member_id is not None else None
    its_quote = quote(item, member_id) if asked is None else agreed_quote(asked.terms)
    return Offer(
        item, listing, its_quote, member_id == listing.owner_id, chance, problem,
        loans.instant_rules(item, member_id), asked,
    )  # fmt: skip


def of_listing(listing: Listing, viewer: Any) -> list[SlotFill]:
    """Give the piece of an item's page about buying it; nothing, and no statement, where it is not sold."""
    if listing.kind != "item" or listing.state != "published":
        return []
    item = db.session.get(Item, listing.id)
    if item is None or "buy" not in item.arrangements:
        return []
    return [SlotFill("sharing/_buy_aside.html", {"offer": offer(listing.id, viewer)}, 10)]


def of_loan(agreement: Agreement, viewer: Any) -> SlotFill | None:
    """Give the piece of a running loan's page that offers the borrower to keep it; None where it can't be kept."""
    if agreement.state != "active" or viewer is None or viewer.id != agreement.member_id:
        return None
    side = db.session.get(Loan, agreement.id)
    found = db.session.execute(
        select(Item, Listing).join(Listing, Listing.id == Item.listing_id).where(Item.listing_id == agreement.listing_id)
    ).one_or_none()  # fmt: skip
    if side is None or found is None or found.Listing.state != "published" or "buy" not in found.Item.arrangements:
        return None
    made = offer(agreement.listing_id, viewer)
    if made.asked is not None or made.chance is None or not made.chance.has_it:
        return None
    return SlotFill("sharing/_keep_it.html", {"offer": made}, 20)
