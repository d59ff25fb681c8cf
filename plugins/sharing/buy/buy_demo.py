"""The demo's sales: three bicycles of which one was sold and one waits to be picked up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from marketplace.api import Agreement, User, agreements, clock, db, listings, payments
from plugins.sharing.buy import purchases
from plugins.sharing.buy.buy_models import Purchase
from plugins.sharing.item import items, units

STEPS = 1
OPENED = 30
TITLE = "Kinderfietsen die te klein werden"
WORDS = "Drie fietsen van 20 inch, rood, blauw en groen, met verlichting en een bel. Onze kinderen zijn eruit gegroeid."
SAID = "Ze fietst er elke dag mee naar school. Bedankt, Sanne!"
ADDRESS = "Linnaeusparkweg 8"


def load(demo: Any) -> None:
    """Put the bicycles up, sell one, and let the other be bought."""
    owner = demo.user("sanne")
    with demo.days_ago(OPENED):
        facts = {"title": TITLE, "category": "bikes", "body_md": WORDS, "place": owner.place}
        listing = items.create(owner, facts=facts, arrangement="buy", price_minor=6500, address=ADDRESS)
        first = units.units_of(listing.id)[0]
        items.change_unit(listing.id, owner, first.id, label="Rood", place=ADDRESS, replacement_minor=None, active=True)
        items.add_unit(listing.id, owner, "Blauw", ADDRESS)
        items.add_unit(listing.id, owner, "Groen", ADDRESS)
        demo.picture(listing.id, owner, "bike", "Een kinderfiets op een pad")
        listings.publish(listing.id, actor=owner)
    for who, days, over in (("bas", 12, True), ("carla", 2, False)):
        _sell(demo, listing.id, who, days, over=over)
    demo.step()


def _sell(demo: Any, item_id: int, who: str, days: int, *, over: bool) -> None:
    """Let somebody buy one, pay where the site takes money, and where it is over have looked at it."""
    card = demo.card(who)
    with demo.days_ago(days):
        made = purchases.request(item_id, demo.user(who).id, f"demo-buy-{who}")
        purchases.accept(made.id, _actor(made.id, "owner_id"))
    with clock.frozen(demo.now - timedelta(days=days) + timedelta(hours=1)):
        side = db.session.get_one(Purchase, made.id, populate_existing=True)
        if side.payment_id is not None and card is not None:
            payments.use_saved_method(payments.get(side.payment_id), card)
            demo.work()
    if not over or (side.payment_id is not None and card is None):  # without cards it waits to be paid by hand
        return
    with demo.days_ago(days - 1):
        agreements.transition(made.id, "hand_over", _actor(made.id, "owner_id"))
        agreements.transition(made.id, "have_it", _actor(made.id, "member_id"))
        demo.work()
        demo.review(made.id, who, 5, SAID, item_stars=5)


def _actor(agreement_id: int, side: str) -> Any:
    agreement = db.session.get_one(Agreement, agreement_id, populate_existing=True)
    return agreements.actor_for(db.session.get_one(User, getattr(agreement, side)), agreement)
