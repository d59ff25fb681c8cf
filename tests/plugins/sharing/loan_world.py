"""A small world for tests of loans: a lender with an item, borrowers, and where a test asks for it a bank."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import func, select

from marketplace import clock
from marketplace.agreements.models import Agreement
from marketplace.agreements.service import Actor, actor_for, transition
from marketplace.database import db, transaction
from marketplace.jobs.worker import drain
from marketplace.notifications.models import Notification
from marketplace.payments import service as payments
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from marketplace.users.models import User
from plugins.sharing.item.item_models import Item, Unit
from plugins.sharing.loan import claims, handovers, loans
from plugins.sharing.loan.booking_models import Claim, HandOver, Loan, LoanUnit
from plugins.sharing.price import price_lists
from plugins.sharing.price.simple_tariffs import SimplePrices, document
from plugins.sharing.slot.windows import Window

START = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
STORY = "A long ladder for high walls and cherries. " * 3
PER_DAY = SimplePrices(day=1000)


class Lending:
    """What happens around one item, in a few words each; amounts are euro cents."""

    def __init__(self, app: Flask, factories: Factories, frozen: Any) -> None:
        """Start on a Monday morning in March."""
        self.app, self.factories, self.frozen = app, factories, frozen
        if clock.now() < START:
            frozen.at(START)
        self._lender = factories.user(name="Lena Lender").id
        self._borrower = factories.user(name="Ben Borrower").id

    @property
    def lender(self) -> User:
        """Read who lends."""
        return db.session.get_one(User, self._lender)

    @property
    def borrower(self) -> User:
        """Read who borrows."""
        return db.session.get_one(User, self._borrower)

    def item(self, units: int = 1, price: bool = False, **facts: Any) -> int:
        """Make a published item with units; `price` is 10 euros a day."""
        listing = self.factories.listing(self.lender, kind="item", title="A ladder", slug="a-ladder", body_md=STORY)
        values = {"zone": "Europe/Amsterdam", "currency": "EUR", "arrangements": ["rent"] if price else ["borrow"]}
        with transaction():
            db.session.add(Item(listing_id=listing.id, **{**values, **facts}))
            db.session.flush()
            for number in range(units):
                code = secrets.token_urlsafe(9)
                db.session.add(Unit(item_id=listing.id, label=f"Nr {number + 1}", code=code, created_at=clock.now()))
        if price:
            price_lists.save(listing.id, "rent", document(PER_DAY, "EUR", "By the day"), None)
        return listing.id

    def window(self, start: float = 1, days: float = 2) -> Window:
        """Give a period that begins `start` days after the world's first morning."""
        begins = START + timedelta(days=start)
        return Window(begins, begins + timedelta(days=days))

    @staticmethod
    def soon(days: float = 2) -> Window:
        """Give a period that begins tomorrow."""
        begins = clock.now() + timedelta(days=1)
        return Window(begins, begins + timedelta(days=days))

    def ask(
        self, item_id: int, window: Window | None = None, by: User | None = None, arrangement: str = "", **more: Any
    ) -> Agreement:
        """Ask for an item."""
        with_price = price_lists.current(item_id, "rent") is not None
        return loans.request(
            item_id, window or self.window(), (by or self.borrower).id,
            arrangement or ("rent" if with_price else "borrow"), more.pop("nonce", secrets.token_hex(8)), **more,
        )  # fmt: skip

    def agreed(self, item_id: int, window: Window | None = None, **more: Any) -> Agreement:
        """Give a loan to which the lender has said yes."""
        agreement = self.ask(item_id, window, **more)
        if agreement.state == "requested":
            loans.accept(agreement.id, self.as_lender(agreement))
        return self.fresh(agreement)

    def out(self, item_id: int, window: Window | None = None, **more: Any) -> Agreement:
        """Give a loan that is out."""
        agreement = self.agreed(item_id, window, **more)
        self.to(self.loan(agreement).starts_at)
        handovers.record(agreement.id, self.as_lender(agreement), "out", condition="Fine")
        return self.fresh(agreement)

    def back(self, agreement: Agreement, things: list[int] | None = None) -> Agreement:
        """Let the lender record a return now."""
        handovers.record(agreement.id, self.as_lender(agreement), "in", condition="Fine", things=things)
        return self.fresh(agreement)

    def claim(self, agreement: Agreement, minor: int, kind: str = "damage") -> Claim:
        """Let the lender claim something."""
        return claims.make(agreement.id, self.as_lender(agreement), kind, minor, "A rung is broken")

    def as_lender(self, agreement: Agreement) -> Actor:
        """Give the lender as an actor."""
        return actor_for(db.session.get_one(User, agreement.owner_id), agreement)

    def as_borrower(self, agreement: Agreement) -> Actor:
        """Give the borrower as an actor."""
        return actor_for(db.session.get_one(User, agreement.member_id), agreement)

    def move(self, agreement: Agreement, name: str, actor: Actor | None = None) -> Agreement:
        """Make a move, as the lender unless told otherwise."""
        transition(agreement.id, name, actor or self.as_lender(agreement))
        return self.fresh(agreement)

    def to(self, at: datetime) -> None:
        """Move the clock, and let the worker do what is due."""
        if at > clock.now():
            self.frozen.at(at)
        self.work()

    def later(self, **span: float) -> None:
        """Let time pass."""
        self.to(clock.now() + timedelta(**span))

    def work(self) -> None:
        """Let the worker do all that is due."""
        refresh()
        drain(self.app)
        refresh()

    @staticmethod
    def fresh(agreement: Agreement) -> Agreement:
        """Read an agreement anew."""
        refresh()
        return db.session.get_one(Agreement, agreement.id, populate_existing=True)

    def state(self, agreement: Agreement) -> str:
        """Give its state now."""
        return self.fresh(agreement).state

    @staticmethod
    def loan(agreement: Agreement) -> Loan:
        """Read the loan anew."""
        refresh()
        return db.session.get_one(Loan, agreement.id, populate_existing=True)

    @staticmethod
    def things(agreement: Agreement) -> list[LoanUnit]:
        """Read its things anew."""
        refresh()
        found = select(LoanUnit).where(LoanUnit.agreement_id == agreement.id).order_by(LoanUnit.place)
        return list(db.session.scalars(found.execution_options(populate_existing=True)))

    @staticmethod
    def hand_over(agreement: Agreement, kind: str) -> HandOver:
        """Give the newest hand-over."""
        refresh()
        return db.session.scalars(
            select(HandOver)
            .where(HandOver.agreement_id == agreement.id, HandOver.kind == kind)
            .order_by(HandOver.id.desc())
            .limit(1)
            .execution_options(populate_existing=True)
        ).one()

    @staticmethod
    def claim_now(claim: Claim) -> Claim:
        """Read a claim anew."""
        refresh()
        return db.session.get_one(Claim, claim.id, populate_existing=True)

    @staticmethod
    def told(user: User, kind: str) -> int:
        """Count what a member was told."""
        refresh()
        counted = select(func.count()).select_from(Notification)
        return (
            db.session.scalar(counted.where(Notification.user_id == user.id, Notification.kind == f"sharing.{kind}"))
            or 0
        )

    @staticmethod
    def paid(agreement: Agreement, purpose: str) -> Any:
        """Give the payment of a purpose."""
        refresh()
        return next(payment for payment in payments.payments_of(agreement) if payment.purpose == purpose)
