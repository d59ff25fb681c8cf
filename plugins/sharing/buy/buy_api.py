"""The API of purchases: what a thing costs the caller, and buying it; the same use cases as the pages."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from marketplace.api import Agreement, NotFound, Role, User, access, agreements, api_v1, db
from plugins.sharing.buy import buy_api_shapes as shapes
from plugins.sharing.buy import buy_money, buy_reads, purchases
from plugins.sharing.buy.buy_api_shapes import BuyQuoteOut, NewPurchase, PurchaseOut
from plugins.sharing.buy.buy_models import Purchase

part = api_v1.ApiPart(
    "sharing_buy_api",
    scopes={"purchases:read": _l("See what you buy and sell"), "purchases:write": _l("Buy things in your name")},
)
blueprint = part.blueprint
PURCHASES = "Purchases"
READ, WRITE = ("purchases:read",), ("purchases:write",)


@part.operation(
    "GET", "/sharing/items/{listing_id}/purchase-quote", tag=PURCHASES, scopes=READ, returns=BuyQuoteOut, errors=(404,)
)
def get_quote(call: api_v1.Call[None, api_v1.Query], listing_id: int) -> BuyQuoteOut:
    """Say what buying an item costs the caller, what of the rent counts, and whether a unit can be had."""
    return shapes.quote(buy_reads.offer(listing_id, call.user))


@part.operation(
    "POST", "/sharing/items/{listing_id}/purchases", tag=PURCHASES, scopes=WRITE, body=NewPurchase, returns=PurchaseOut,
    status=201, errors=(404, 409), idempotency="required",
)  # fmt: skip
def buy_item(call: api_v1.Call[NewPurchase, api_v1.Query], listing_id: int) -> api_v1.Reply:
    """Buy one unit of an item, or ask to; what can't be had is a 409 whose `code` says why."""
    made = purchases.request(listing_id, call.user.id, call.key, note=call.body.note)
    reply = _shown(made.id, call.user)
    return api_v1.Reply(
        reply.body, reply.version, location=url_for("sharing_buy_api.get_purchase", purchase_id=made.id)
    )


def _shown(purchase_id: int, user: User) -> api_v1.Reply:
    agreement, side = db.session.get(Agreement, purchase_id), db.session.get(Purchase, purchase_id)
    if agreement is None or side is None:
        raise NotFound(_("There is no such purchase."))
    access.require(user, "agreement.see", agreement)
    buyer = agreements.actor_for(user, agreement).role == Role.MEMBER
    path = buy_money.pay_path(side) if buyer and agreement.state == "paying" else None
    return api_v1.Reply(shapes.purchase(agreement, side, path), agreement.version)


@part.operation(
    "GET", "/sharing/purchases/{purchase_id}", tag=PURCHASES, scopes=READ, returns=PurchaseOut, errors=(404,)
)
def get_purchase(call: api_v1.Call[None, api_v1.Query], purchase_id: int) -> api_v1.Reply:
    """Give a purchase in which the caller buys or sells."""
    return _shown(purchase_id, call.user)
