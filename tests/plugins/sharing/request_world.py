"""A small world for tests of asking first: an asker, neighbours near and far, and what they say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Flask

from marketplace import clock
from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.listings.models import Listing
from marketplace.testing.factories import Factories
from marketplace.users.models import User
from plugins.sharing.request import request_answers, requests
from plugins.sharing.request.request_models import Answer, Request
from plugins.sharing.slot.windows import Window
from tests.plugins.sharing.loan_world import Lending

DOM = (52.0907, 5.1214)
"""The tower in the middle of Utrecht."""

KM_NORTH = 1 / 111.195


class Asking(Lending):
    """What happens around one request, in a few words each; amounts are euro cents."""

    def __init__(self, app: Flask, factories: Factories, frozen: Any) -> None:
        """Let somebody in the middle of the town ask."""
        super().__init__(app, factories, frozen)
        self._asker = factories.user(name="Ada Asker", lat=DOM[0], lon=DOM[1]).id

    @property
    def asker(self) -> User:
        """Read who asks."""
        return db.session.get_one(User, self._asker)

    def neighbour(self, km: float, **facts: Any) -> User:
        """Make a member who lives so far north of the asker."""
        return self.factories.user(lat=DOM[0] + km * KM_NORTH, lon=DOM[1], **facts)

    def request(self, km: int = 2, days: float = 4, address: str = "", **facts: Any) -> Listing:
        """Ask for a hedge trimmer, so many days ahead, for a day."""
        begins = clock.now() + timedelta(days=days)
        said = {
            "title": "A hedge trimmer", "body_md": "For the hedge behind the house.", "category": "tools", "place": "Utrecht",
            "lat": DOM[0], "lon": DOM[1], **facts,
        }  # fmt: skip
        return requests.ask(
            self.asker,
            facts=said,
            window=Window(begins, begins + timedelta(days=1)),
            radius_m=km * 1000,
            address=address,
        )

    def answer(self, listing: Listing, by: User, **facts: Any) -> Answer:
        """Let somebody answer."""
        return request_answers.offer(listing.id, by, **{"words": "I have one.", **facts})

    def choose(self, answer: Answer) -> Agreement:
        """Let the asker choose."""
        return self.fresh(request_answers.choose(answer.id, self.asker))

    def row(self, listing: Listing) -> Request:
        """Read a request anew."""
        self.refresh()
        return db.session.get_one(Request, listing.id, populate_existing=True)

    def answer_state(self, answer: Answer) -> str:
        """Read an answer's state anew."""
        self.refresh()
        return db.session.get_one(Answer, answer.id, populate_existing=True).state

    def listing_state(self, listing: Listing) -> str:
        """Read the listing's state anew."""
        self.refresh()
        return db.session.get_one(Listing, listing.id, populate_existing=True).state

    @staticmethod
    def refresh() -> None:
        """See what others wrote."""
        db.session.rollback()
