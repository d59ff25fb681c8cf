"""A small world for tests of help: somebody who asks, neighbours who help, and what they say."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select

from marketplace import clock
from marketplace.agreements.models import Agreement
from marketplace.agreements.service import Actor, actor_for
from marketplace.database import db
from marketplace.listings.models import Listing
from marketplace.testing.clients import client_of, refresh
from marketplace.testing.factories import Factories
from marketplace.testing.people import log_in
from marketplace.users.models import User
from plugins.sharing.help import help_answers, help_listings
from plugins.sharing.help.help_hooks import ASKED
from plugins.sharing.help.help_models import Help, HelpPlace
from plugins.sharing.slot.windows import Window
from tests.plugins.sharing.loan_world import Lending


class Helping(Lending):
    """What happens around help, in a few words each. Whoever lends asks (or offers), whoever borrows answers."""

    def __init__(self, app: Flask, factories: Factories, frozen: Any) -> None:
        """Begin on a Monday morning in March."""
        super().__init__(app, factories, frozen)
        self._other = factories.user(name="Otto Other").id

    @property
    def other(self) -> User:
        """Read a third member."""
        return db.session.get_one(User, self._other)

    def help(
        self,
        people: int = 1,
        *,
        kind: str = ASKED,
        weeks: int = 0,
        hours: float = 48,
        by: User | None = None,
        **more: Any,
    ) -> Listing:
        """Ask for a walk with the dog, so many hours ahead."""
        begins = clock.now() + timedelta(hours=hours)
        said = {
            "title": more.pop("title", "A walk with the dog"), "body_md": "A small one, who likes the park best.",
            "category": "help", "place": "Utrecht",
        }  # fmt: skip
        until: date | None = (begins + timedelta(days=7 * weeks)).date() if weeks else None
        when = help_listings.When(Window(begins, begins + timedelta(hours=2)), until)
        facts = {"address": "Domplein 1", **more}
        return help_listings.publish(kind, by or self.lender, facts=said, when=when, people=people, **facts)

    def answer(self, listing: Listing, by: User | None = None, words: str = "I like dogs.") -> Agreement:
        """Let somebody answer."""
        return self.fresh(help_answers.answer(listing.id, by or self.borrower, words))

    def chosen(self, listing: Listing, by: User | None = None) -> Agreement:
        """Let somebody answer and be chosen."""
        return self.move(self.answer(listing, by), "choose")

    @staticmethod
    def actor(agreement: Agreement, user: User) -> Actor:
        """Give a member as an actor."""
        return actor_for(user, agreement)

    @staticmethod
    def row(listing: Listing) -> Help:
        """Read help anew."""
        refresh()
        return db.session.get_one(Help, listing.id, populate_existing=True)

    @staticmethod
    def holders(listing: Listing) -> list[int | None]:
        """Give which agreement has each place."""
        refresh()
        found = select(HelpPlace.agreement_id).where(HelpPlace.help_id == listing.id).order_by(HelpPlace.number)
        return list(db.session.scalars(found))

    def visitor(self, user: User | None = None) -> Any:
        """Give a browser without JavaScript, logged in as somebody."""
        client = client_of(self.app)
        if user is not None:
            log_in(client, user)
        return client
