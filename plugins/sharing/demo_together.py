"""The demo's pool and its set: things of several neighbours, open to a pass, and booked together."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from marketplace.api import Listing, User, db, listings, payments
from plugins.sharing.item import bundles, items
from plugins.sharing.pool import passes, pools

STEPS = 5
OPENED = 38
"""How many days ago the pool was opened."""

TOYS = (
    ("eline", "Houten treinbaan met bruggen",
     "Genoeg rails voor een hele woonkamer, met twee bruggen, een draaischijf en zes treintjes. Tel ze graag na.",
     "Waterlooplein 6", True),
    ("sam", "Climbing triangle for toddlers",
     "Folds flat, with a slide that hooks on either side. For indoors, up to thirty kilos.",
     "Javastraat 51, second floor", True),
    ("lotte", "Bordspellen voor regendagen",
     "Vijf spellen voor vier tot acht spelers, compleet op één pion na.", "Haarlemmerdijk 90", False),
)  # fmt: skip
"""Whose it is, what it is, where it is picked up, and whether the keeper has let it in already."""

PASS_MINOR = 750
HOLDERS = ("peter", "carla")
SET = "Alles voor een weekend kamperen"
WITH = (("Koepeltent voor vier personen", 40, True), ("Tweepersoonskajak", 25, False))
"""What belongs to the set besides the maker's own, its owner's part in per cent, and whether the owner has agreed."""


def load(demo: Any) -> None:
    """Open the pool with its things, and make the set."""
    with demo.days_ago(OPENED):
        pool = _pool(demo) if payments.payments_enabled() else None
        demo.step()
        for who, title, text, address, inside in TOYS:
            _toy(demo, pool, demo.user(who), (title, text, address), inside=inside)
            demo.step()
        _set(demo)
        demo.step()
    if pool is not None:
        for who in HOLDERS:
            with demo.days_ago(6):
                demo.card(who)
                passes.join(demo.user(who), pool)
                demo.work()


def _pool(demo: Any) -> int:
    keeper = demo.user("fenna")
    facts = {
        "title": "Speelgoeduitleen van de Jordaan", "category": "kids", "place": keeper.place,
        "body_md": "Wat onze kinderen even niet gebruiken, staat hier voor alle anderen. Met de pas leen je zo veel je wilt, een "
                   "paar weken lang. Breng het compleet en schoon terug.",
    }  # fmt: skip
    made = pools.create(keeper, facts=facts, monthly_minor=PASS_MINOR)
    demo.picture(made.id, keeper, "boxes", "Dozen op een plank")
    return int(made.id)


def _toy(demo: Any, pool: int | None, owner: Any, said: tuple[str, str, str], *, inside: bool) -> None:
    title, text, address = said
    facts = {"title": title, "category": "kids", "body_md": text, "place": owner.place}
    listing = items.create(owner, facts=facts, arrangement="borrow", address=address)
    demo.picture(listing.id, owner, "boxes", "Dozen op een plank")
    listings.publish(listing.id, actor=owner)
    if pool is None:
        return
    row = pools.offer(pool, listing.id, owner)
    if inside:
        pools.let_in(pool, row.id, demo.user("fenna"))


def _set(demo: Any) -> None:
    maker = demo.user("hugo")
    facts = {
        "title": SET, "category": "outdoors", "place": maker.place,
        "body_md": "Mijn kookspullen en slaapmatten, met de tent van Sanne en de kajak van Noor: één keer boeken, en je bent "
                   "klaar voor een weekend aan het water.",
    }  # fmt: skip
    listing = items.create(maker, facts=facts, arrangement="rent", price_minor=4000, address="Frederik Hendrikplein 3")
    demo.picture(listing.id, maker, "tent", "Een tent onder de maan")
    listings.publish(listing.id, actor=maker)
    for title, percent, agreed in WITH:
        thing = db.session.scalars(select(Listing).where(Listing.title == title, Listing.kind == "item")).one()
        bundles.add(listing.id, maker, thing.id, percent)
        if agreed:
            bundles.answer(listing.id, thing.id, db.session.get_one(User, thing.owner_id), agree=True)
