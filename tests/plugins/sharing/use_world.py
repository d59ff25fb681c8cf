"""A world for tests of paying by use: an owner, an item with units and prices, members with cards, and a clock."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import inspect, select

from marketplace import clock
from marketplace.agreements.models import Agreement
from marketplace.database import db, transaction
from marketplace.jobs.worker import drain
from marketplace.payments.models import Payment
from marketplace.settings import service as settings
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from marketplace.users.models import User
from plugins.sharing.item import units
from plugins.sharing.item.item_models import Item
from plugins.sharing.price import price_lists
from plugins.sharing.use import intake, sessions, use_bills
from plugins.sharing.use.intake import Given
from plugins.sharing.use.sessions import Wish
from plugins.sharing.use.use_models import Device, Reading, UseBill, UseCharge, UseSession
from tests.core.payment_world import VISA, World

START = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
SECRET = "whsec_" + "QUFB" * 11
MINUTES = {
    "format": 1, "name": "By the minute", "version": 1, "currency": "EUR", "states": ["driving", "parked"],
    "component": [
        {"key": "driving", "kind": "time", "states": ["driving"], "price": "0.30", "per": "minute", "step": "minute"},
        {"key": "parked", "kind": "time", "states": ["parked"], "price": "0.10", "per": "minute", "step": "minute"},
        {"key": "distance", "kind": "quantity", "register": "km", "price": "0.20"},
    ],
    "example": [
        {"name": "Ten minutes, 5 km", "use": ["driving 10 min"], "quantities": {"km": "5"},
         "lines": [["driving", "3.00"], ["distance", "1.00"]], "total": "4.00"},
    ],
}  # fmt: skip
PLAIN = {
    "format": 1, "name": "By the quarter", "version": 1, "currency": "EUR",
    "component": [{"key": "time", "kind": "time", "price": "8.00", "per": "hour", "step": "quarter"}],
    "example": [{"name": "An hour", "use": ["1 h"], "lines": [["time", "8.00"]], "total": "8.00"}],
}  # fmt: skip


class UseWorld:
    """What happens around one thing that is paid by use, in a few words each; amounts are euro cents."""

    def __init__(self, app: Flask, factories: Factories, frozen: FrozenClock, bank: Any = None) -> None:
        """Start on a Tuesday morning in March with a car that costs by the minute."""
        self.app, self.factories, self.frozen, self.bank = app, factories, frozen, bank
        frozen.at(START)
        self.owner: User = factories.user(name="Olivia Owner")
        self.listing = self.item(MINUTES)
        self.unit = self.add_unit()

    def item(self, document: Mapping[str, Any], **facts: Any) -> Any:
        """Offer something by use."""
        listing = self.factories.listing(
            self.owner, kind="item", title="A small car", body_md="It stands in our street."
        )
        values = {"zone": "Europe/Amsterdam", "currency": "EUR", "arrangements": ["use"], **facts}
        with transaction() as session:
            session.add(Item(listing_id=listing.id, **values))
        price_lists.save(listing.id, "use", document, self.owner)
        return listing

    def add_unit(self, listing: Any = None) -> Any:
        """Add a unit with a label."""
        with transaction():
            return units.add((listing or self.listing).id, "Car 1")

    def device(self, unit: Any = None, silence: int | None = None) -> Device:
        """Put a meter into a unit."""
        with transaction() as session:
            made = Device(
                unit_id=number_of(unit or self.unit), name="Board computer", secret=SECRET,
                silence_seconds=silence, created_at=clock.now(), created_by=self.owner.id,
            )  # fmt: skip
            session.add(made)
        return made

    def member(self, card: str = VISA) -> User:
        """Make a member, with a card that the sandbox knows when there is one."""
        user = self.factories.user()
        if self.bank is not None and card:
            self.money.save_card(user, card)
        return user

    @property
    def money(self) -> World:
        """Give the world of payments on the same bank."""
        if not hasattr(self, "_money"):
            self._money = World(self.app, self.bank, self.factories)
        return self._money

    def start(self, member: User, km: str = "1000", unit: Any = None, **more: Any) -> Agreement:
        """Start using."""
        wish = Wish(unit_id=number_of(unit or self.unit), nonce=secrets.token_hex(8), **more)
        return sessions.start_now(self.by_id(number_of(member)), wish, {"km": km})

    def reserve(self, member: User, unit: Any = None, **more: Any) -> Agreement:
        """Reserve."""
        wish = Wish(unit_id=number_of(unit or self.unit), nonce=secrets.token_hex(8), **more)
        return sessions.reserve(self.by_id(number_of(member)), wish)

    def move(self, agreement: Agreement, name: str, *, sure: bool = False, **stands: str) -> Agreement:
        """Make a member's move."""
        refresh()
        side = sessions.of(number_of(agreement))
        return sessions.move(side.agreement_id, self.by_id(side.member_id), name, stands, sure=sure)

    def use(self, member: User, minutes: int, km: int, **more: Any) -> Agreement:
        """Use it from start to end, and let the bill be made."""
        agreement = self.start(member, "1000", **more)
        self.frozen.forward(minutes=minutes)
        self.move(agreement, "end", km=str(1000 + km))
        self.work()
        return self.fresh(agreement)

    def readings(self, device: Device, *batch: Given) -> intake.Taken:
        """Send a device's batch."""
        with transaction():
            return intake.take(db.session.get_one(Device, number_of(device), populate_existing=True), batch)

    def work(self, **forward: float) -> None:
        """Let the worker do all that is due, after so much time."""
        if forward:
            self.frozen.forward(**forward)
        db.session.remove()
        drain(self.app)
        refresh()

    @staticmethod
    def set(key: str, value: Any) -> None:
        """Change a setting."""
        settings.set_value(key, value, None)
        settings.forget()

    @staticmethod
    def by_id(user_id: int) -> User:
        """Give a member."""
        return db.session.get_one(User, user_id)

    @staticmethod
    def fresh(agreement: Agreement) -> Agreement:
        """Read an agreement anew."""
        refresh()
        return db.session.get_one(Agreement, number_of(agreement), populate_existing=True)

    @staticmethod
    def side(agreement: Agreement) -> UseSession:
        """Read a session's side anew."""
        refresh()
        return sessions.of(number_of(agreement))

    @staticmethod
    def bills(agreement: Agreement) -> list[UseBill]:
        """Give a session's bills and credit notes in their order."""
        refresh()
        return list(use_bills.of_session(number_of(agreement)))

    @staticmethod
    def charges(agreement: Agreement) -> list[UseCharge]:
        """Give what was asked for a session."""
        refresh()
        return list(
            db.session.scalars(
                select(UseCharge).where(UseCharge.session_id == number_of(agreement)).order_by(UseCharge.bill_id)
            )
        )

    @staticmethod
    def stored(agreement: Agreement) -> list[Reading]:
        """Give a session's readings."""
        refresh()
        return list(
            db.session.scalars(select(Reading).where(Reading.session_id == number_of(agreement)).order_by(Reading.id))
        )

    @staticmethod
    def payments(agreement: Agreement) -> list[Payment]:
        """Give the payments that were asked under a session."""
        refresh()
        return list(
            db.session.scalars(select(Payment).where(Payment.agreement_id == number_of(agreement)).order_by(Payment.id))
        )


def number_of(row: Any) -> int:
    """Give a row's id, also when its session is gone."""
    return int(inspect(row).identity[0])


def at(minutes: float, **more: Any) -> datetime:
    """Give a moment after the beginning."""
    return START + timedelta(minutes=minutes, **more)
