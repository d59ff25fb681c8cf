"""A small world for tests of purchases: a thing that is lent or rented and can be bought, its owner, and who wants it."""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import select

from marketplace.agreements.models import Agreement
from marketplace.database import db, transaction
from marketplace.listings.models import Listing
from marketplace.testing.clients import refresh
from marketplace.users.models import User
from plugins.sharing.buy import purchases
from plugins.sharing.buy.buy_models import CountedRent, Purchase
from plugins.sharing.item.item_models import Item, Occupancy, Unit
from plugins.sharing.slot.for_ever import FOREVER
from tests.core.payment_world import VISA
from tests.plugins.sharing.loan_world import Lending
from tests.plugins.sharing.test_loan_money import Banked


class Selling(Lending):
    """What happens around one thing for sale, in a few words each; amounts are euro cents."""

    def sold_item(self, units: int = 1, price: int = 8000, *, rented: bool = False, **facts: Any) -> int:
        """Make a published item that can be bought for 80 euros, besides being lent free or rented for 10 a day."""
        ways = ["rent", "buy"] if rented else ["borrow", "buy"]
        item = self.item(units, rented, **{"arrangements": ways, "buy_minor": price, **facts})
        with transaction():
            for unit in db.session.scalars(select(Unit).where(Unit.item_id == item)):
                unit.place = "Kerkstraat 3"
        return item

    def buy(self, item_id: int, by: User | None = None, nonce: str = "", **more: Any) -> Agreement:
        """Ask to buy it."""
        return purchases.request(item_id, (by or self.borrower).id, nonce or secrets.token_hex(8), **more)

    def bought(self, item_id: int, by: User | None = None) -> Agreement:
        """Give a purchase to which the owner has said yes."""
        agreement = self.buy(item_id, by)
        if agreement.state == "requested":
            purchases.accept(agreement.id, self.as_lender(agreement))
        return self.fresh(agreement)

    def sold(self, item_id: int, by: User | None = None) -> Agreement:
        """Give a purchase that is over and done."""
        agreement = self.bought(item_id, by)
        return self.move(agreement, "have_it", self.as_borrower(agreement))

    @staticmethod
    def side(agreement: Agreement) -> Purchase:
        """Read a purchase anew."""
        refresh()
        return db.session.get_one(Purchase, agreement.id, populate_existing=True)

    @staticmethod
    def kept(item_id: int) -> list[Occupancy]:
        """Read what is kept of an item for ever."""
        refresh()
        rows = select(Occupancy).where(Occupancy.item_id == item_id, Occupancy.ends_at >= FOREVER)
        return list(db.session.scalars(rows.order_by(Occupancy.id)))

    @staticmethod
    def units(item_id: int) -> list[bool]:
        """Tell of each unit whether it is active."""
        refresh()
        return list(db.session.scalars(select(Unit.active).where(Unit.item_id == item_id).order_by(Unit.id)))

    @staticmethod
    def listing(item_id: int) -> Listing:
        """Read the listing anew."""
        refresh()
        return db.session.get_one(Listing, item_id, populate_existing=True)

    @staticmethod
    def row(item_id: int) -> Item:
        """Read the item anew."""
        refresh()
        return db.session.get_one(Item, item_id, populate_existing=True)

    @staticmethod
    def counted(agreement: Agreement) -> list[int]:
        """Give what was kept of each rent that counts towards a purchase."""
        refresh()
        rows = select(CountedRent.kept_minor).where(CountedRent.purchase_id == agreement.id)
        return list(db.session.scalars(rows.order_by(CountedRent.payment_id)))


class Sale(Selling, Banked):
    """Selling with a bank whose clock goes with ours."""

    def pay(self, agreement: Agreement, by: User | None = None) -> Agreement:
        """Give a card on the bank's own page."""
        self.world.save_card(by or self.borrower, VISA, self.paid(agreement, "purchase"))
        self.work()
        return self.fresh(agreement)
