"""A small world for tests of portions: a cook, people who are hungry, and a meal for tomorrow."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from marketplace import clock
from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.listings.models import Listing
from marketplace.testing.clients import refresh
from marketplace.users.models import User
from plugins.sharing.meal import meals, orders
from plugins.sharing.meal.meal_models import Meal, Order
from tests.plugins.sharing.loan_world import Lending


class Cooking(Lending):
    """What happens around one meal, in a few words each; amounts are euro cents. Whoever lends cooks, too."""

    def meal(self, portions: int = 4, price: int = 0, **facts: Any) -> Listing:
        """Offer portions: ordered within a day, picked up in the hour after."""
        now = clock.now()
        said = {
            "title": "Lentil stew",
            "body_md": "With spinach and a slice of bread.",
            "category": "other",
            "place": "Utrecht",
        }
        values = {
            "count": portions, "price_minor": price, "order_by": now + timedelta(hours=24),
            "pickup_from": now + timedelta(hours=25), "pickup_until": now + timedelta(hours=26),
            "allergens": ("gluten", "celery"), "address": "Oudegracht 7", **facts,
        }  # fmt: skip
        return meals.offer(self.lender, facts=said, portions=meals.Portions(**values))

    def order(self, listing: Listing, count: int = 1, by: User | None = None, nonce: str = "") -> Agreement:
        """Order portions."""
        return orders.place(listing.id, (by or self.borrower).id, count, nonce or secrets.token_hex(8))

    @staticmethod
    def row(listing: Listing) -> Meal:
        """Read a meal anew."""
        refresh()
        return db.session.get_one(Meal, listing.id, populate_existing=True)

    @staticmethod
    def side(agreement: Agreement) -> Order:
        """Read an order anew."""
        refresh()
        return db.session.get_one(Order, agreement.id, populate_existing=True)
