"""Nobody learns where a meal is fetched, or where somebody lives who asks, helps or answers, before it is agreed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import BuildError

from marketplace import clock
from marketplace.api_v1.parts import scopes_of
from marketplace.api_v1.tokens import create as make_token
from marketplace.database import db
from marketplace.listings.models import Listing
from marketplace.testing.clients import client_of
from marketplace.testing.factories import Factories
from marketplace.testing.people import Auth
from marketplace.users.models import User
from plugins.sharing.help import help_answers, help_listings
from plugins.sharing.help.help_hooks import ASKED
from plugins.sharing.meal import meals, orders
from plugins.sharing.request import request_answers, requests
from plugins.sharing.slot.windows import Window
from tests.plugins.sharing.loan_world import Lending
from tests.plugins.sharing.test_privacy import LAT, LON, SKIPPED, STREET, assert_told_nowhere, told

ABOUT = {"place": "Utrecht", "lat": LAT, "lon": LON}


class Street(Lending):
    """Somebody in one street asks for a ladder, cooks, and answers what somebody else asks."""

    def __init__(self, app: Flask, factories: Factories, frozen: Any) -> None:
        """Let all three happen."""
        super().__init__(app, factories, frozen)
        begins = clock.now() + timedelta(days=2)
        wish = {"window": Window(begins, begins + timedelta(hours=5)), "radius_m": 5000}
        said = {"body_md": "For the gutter, before it rains.", "category": "tools", **ABOUT}
        resident = factories.user(name="Rie Resident", lat=LAT, lon=LON, place="Utrecht")
        self._resident = resident.id
        self.asked = requests.ask(resident, facts={"title": "A long ladder", **said}, address=STREET, **wish).id
        portions = meals.Portions(4, 0, begins, begins, begins + timedelta(hours=1), (), STREET)
        self.cooked = meals.offer(resident, facts={"title": "Lentil stew", **said}, portions=portions).id
        when = help_listings.When(wish["window"])
        walk = {"title": "A walk with the dog", **said, "category": "help"}
        self.helped = help_listings.publish(ASKED, resident, facts=walk, when=when, address=STREET).id
        other = {**said, "title": "A hedge trimmer", "lat": 52.01, "lon": 5.01}
        self.other = requests.ask(self.lender, facts=other, **wish).id
        self.answer = request_answers.offer(self.other, self.resident, words="Mine is sharp.", address=STREET).id

    @property
    def resident(self) -> User:
        """Read who lives there."""
        return db.session.get_one(User, self._resident)

    def paths(self) -> Iterator[str]:
        """Give every address that answers GET, with the numbers of all that there is."""
        for listing_id in (self.asked, self.cooked, self.helped, self.other):
            slug = db.session.get_one(Listing, listing_id).slug
            for rule in self.app.url_map.iter_rules():
                if "GET" not in (rule.methods or ()) or any(word in rule.endpoint for word in SKIPPED):
                    continue
                known = {"slug": slug, "user_id": self._resident, "answer_id": self.answer, "name": "vehicle_status"}
                numbers = {one: known.get(one, listing_id if one.endswith("_id") else 1) for one in rule.arguments}
                try:
                    with self.app.test_request_context():
                        yield self.app.url_map.bind("localhost").build(rule.endpoint, numbers)
                except (BuildError, ValueError):  # an address of something else, for which there is no value here
                    continue
        yield from (
            "/help?place=Utrecht&radius=5",
            "/meals?place=Utrecht&radius=5",
            "/requests?place=Utrecht&radius=5",
            "/discover?q=ladder",
        )
        yield from ("/api/v1/listings?kind=meal", "/api/v1/listings?kind=request", "/sitemap.xml")


@pytest.fixture
def street(app: Flask, factories: Factories, frozen: Any) -> Street:
    """Give the street."""
    made = Street(app, factories, frozen)
    made.work()
    return made


def read(street: Street, client: Any, headers: dict[str, str] | None = None) -> dict[str, str]:
    """Read every address; gives the texts of those that answered."""
    texts = {}
    for path in dict.fromkeys(street.paths()):
        answer = client.get(path, headers=headers or {})
        assert answer.status_code < 500, (path, answer.status_code)
        if answer.status_code < 400 and any(kind in answer.mimetype for kind in ("text", "json", "xml")):
            texts[path] = answer.get_data(as_text=True)
    return texts


def test_the_walk_meets_all_three_and_the_resident_reads_the_own_street(street: Street) -> None:
    client = client_of(street.app)
    Auth(client, street.factories).login(street.resident)
    texts = read(street, client)
    for title in ("A long ladder", "Lentil stew", "A walk with the dog", "A hedge trimmer"):
        assert any(title in text for text in texts.values()), title
    assert any(STREET in text for text in texts.values())


@pytest.mark.parametrize("who", ["guest", "stranger", "asker", "token"])
def test_no_page_feed_or_answer_tells_the_street_before_it_is_agreed(who: str, street: Street) -> None:
    client, headers = client_of(street.app), {}
    if who in ("stranger", "asker"):
        Auth(client, street.factories).login(street.lender if who == "asker" else street.borrower)
    if who == "token":
        scopes = [*scopes_of(street.app)]
        _row, secret = make_token(street.borrower.id, name="walk", scopes=scopes, expires_at=None)
        headers = {"Authorization": f"Bearer {secret}", "Accept": "application/json"}
    assert_told_nowhere(read(street, client, headers))


def test_each_address_is_told_to_the_other_side_once_it_is_agreed_and_to_nobody_else(street: Street) -> None:
    chosen = request_answers.choose(street.answer, street.lender).id
    ordered = orders.place(street.cooked, street.borrower.id, 1, "one").id
    answered = help_answers.answer(street.helped, street.borrower, "I like dogs.")
    client = client_of(street.app)
    Auth(client, street.factories).login(street.borrower)
    assert STREET not in client.get(f"/agreements/{answered.id}").text
    helping = street.move(answered, "choose").id
    for agreement_id, party in ((chosen, street.lender), (ordered, street.borrower), (helping, street.borrower)):
        client = client_of(street.app)
        Auth(client, street.factories).login(party)
        assert STREET in client.get(f"/agreements/{agreement_id}").text
    other = client_of(street.app)
    Auth(other, street.factories).login(street.factories.user())
    assert [other.get(f"/agreements/{number}").status_code for number in (chosen, ordered, helping)] == [404] * 3
    assert_told_nowhere(read(street, other))
    assert told(client_of(street.app).get(f"/members/{street.resident.id}").text) == []
