"""A world for tests of pools: owners with things, a keeper, and members whose cards pay each month."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select

from marketplace import clock
from marketplace.agreements.models import Agreement
from marketplace.agreements.service import Actor, transition
from marketplace.database import db, transaction
from marketplace.jobs.worker import drain
from marketplace.ledger import accounts
from marketplace.lifecycle import Role
from marketplace.payments.models import Payment
from marketplace.testing.clients import refresh
from marketplace.users.models import User
from plugins.sharing.item import units
from plugins.sharing.item.item_models import Item
from plugins.sharing.loan import handovers, loans
from plugins.sharing.pool import passes, pools
from plugins.sharing.pool.pool_models import PoolItem, PoolMonth, PoolShare
from plugins.sharing.slot.windows import Window
from tests.core.dispute_world import Disputes
from tests.core.payment_world import VISA

START = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
MONTHLY = 9_50


class Pooling:
    """What happens around a pool, in a few words each; members and things are numbers, amounts euro cents."""

    def __init__(self, app: Flask, factories: Any, frozen: Any, bank: Any = None) -> None:
        """Start on the first of March with a keeper's pool."""
        self.app, self.factories, self.frozen = app, factories, frozen
        frozen.at(START)
        self.money = Disputes(app, bank, factories) if bank is not None else None
        self.keeper = factories.user(name="Kim Keeper").id
        self.pool = 0

    def open(self, measure: str = "days", monthly: int = MONTHLY) -> int:
        """Open the pool."""
        facts = {
            "title": "Toys for all",
            "category": "other",
            "body_md": "Puzzles, trains and more for children.",
            "place": "Utrecht",
        }
        made = pools.create(self.user(self.keeper), facts=facts, monthly_minor=monthly, measure=measure)
        self.pool = made.id
        return self.pool

    @staticmethod
    def user(number: int) -> User:
        """Read a member."""
        return db.session.get_one(User, number)

    def thing(self, owner: int | None = None, *, inside: bool = True, **rules: Any) -> int:
        """Make something that is lent free and at once, and put it into the pool."""
        owner = owner or self.factories.user().id
        listing = self.factories.listing(self.user(owner), kind="item", title="A puzzle", slug="a-puzzle")
        facts = {"zone": "Europe/Amsterdam", "currency": "EUR", "arrangements": ["borrow"], "instant": True, **rules}
        with transaction() as session:
            session.add(Item(listing_id=listing.id, **facts))
            session.flush()
            units.add(listing.id, "The puzzle")
        if inside:
            row = pools.offer(self.pool, listing.id, self.user(owner))
            pools.let_in(self.pool, row.id, self.user(self.keeper))
        return listing.id

    @staticmethod
    def owner_of(thing: int) -> int:
        """Give whose a thing is."""
        return db.session.scalars(select(PoolItem.owner_id).where(PoolItem.item_id == thing)).first() or 0

    def member(self, card: str = VISA) -> int:
        """Make a member with a card."""
        user = self.factories.user()
        if self.money is not None and card:
            self.money.save_card(user, card)
        return user.id

    def holder(self, card: str = VISA) -> int:
        """Make a member who has taken the pass and paid it."""
        member = self.member(card)
        passes.join(self.user(member), self.pool)
        self.work()
        return member

    def pass_of(self, member: int) -> Agreement:
        """Give a member's newest pass."""
        refresh()
        return db.session.scalars(
            select(Agreement)
            .where(Agreement.kind == "pass", Agreement.member_id == member)
            .order_by(Agreement.id.desc())
            .limit(1)
        ).one()

    def leave(self, member: int) -> None:
        """End a pass."""
        transition(self.pass_of(member).id, "leave", Actor(member, Role.MEMBER))

    def borrow(self, thing: int, member: int, days: float = 1) -> Agreement:
        """Lend a thing now for so many days, and bring it back in time."""
        begins = clock.now() + timedelta(hours=1)
        window = Window(begins, begins + timedelta(days=days))
        loan = loans.request(thing, window, member, "borrow", secrets.token_hex(8))
        self.to(window.starts_at)
        owner = Actor(loan.owner_id, Role.OWNER)
        handovers.record(loan.id, owner, "out", condition="Fine")
        self.to(window.ends_at)
        handovers.record(loan.id, owner, "in", condition="Fine")
        return db.session.get_one(Agreement, loan.id, populate_existing=True)

    def to(self, at: datetime) -> None:
        """Move the clock, and let the worker do what is due."""
        if at > clock.now():
            self.frozen.at(at)
        self.work()

    def next_month(self, day: int = 4) -> None:
        """Go on to a day of the next month."""
        now = clock.now()
        year, month = (now.year + 1, 1) if now.month == 12 else (now.year, now.month + 1)
        for at in (
            datetime(year, month, 1, 6, tzinfo=UTC) - timedelta(days=1),
            datetime(year, month, day, 10, tzinfo=UTC),
        ):
            self.to(at)
        self.work()

    def work(self) -> None:
        """Let the worker do all that is due."""
        refresh()
        drain(self.app)
        refresh()

    def months(self) -> list[PoolMonth]:
        """Read the months as they were divided."""
        refresh()
        return list(db.session.scalars(select(PoolMonth).order_by(PoolMonth.first)))

    def shares(self) -> dict[int, int]:
        """Read all shares by owner."""
        refresh()
        found: dict[int, int] = {}
        for row in db.session.scalars(select(PoolShare)):
            found[row.owner_id] = found.get(row.owner_id, 0) + row.amount_minor
        return found

    def payable(self, user_id: int) -> int:
        """Give what the books owe a member."""
        assert self.money is not None
        return self.money.standing(accounts.member_payable(user_id, "EUR"))

    def owed(self, user_id: int) -> int:
        """Give what a member owes."""
        assert self.money is not None
        return self.money.standing(accounts.member_receivable(user_id, "EUR"))

    def paid(self) -> list[Payment]:
        """Read the payments of passes."""
        refresh()
        return list(db.session.scalars(select(Payment).where(Payment.purpose == "pass").order_by(Payment.id)))
