"""Browsing: every listing exactly once in every order, a fixed number of statements, and filters in the address."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from marketplace import clock
from marketplace.listings.models import Listing
from marketplace.search import Filters, browse
from marketplace.search.filters import Origin
from marketplace.search.statements import PAGE
from marketplace.testing.clients import MarketplaceClient, page_text
from marketplace.testing.factories import Factories
from marketplace.testing.people import Auth
from marketplace.testing.statements import Statements

HOME = Origin("Home", 52.37, 4.89)


def many(factories: Factories, count: int) -> list[Listing]:
    """Make listings with equal and absent prices, ends, dates and places among them."""
    owner, now = factories.user(), clock.now().replace(microsecond=123456)
    return [
        factories.listing(
            owner=owner,
            title=f"Drill {number}",
            published_at=now - timedelta(minutes=number // 3),
            price_minor=None if number % 4 == 0 else (number % 5) * 100,
            price_unit=None if number % 4 == 0 else "day",
            closes_at=now + timedelta(hours=number % 7) if number % 3 else None,
            public_lat=52.37 + (number % 11) / 1000,
            public_lon=4.89 + (number % 3) / 1000,
        )
        for number in range(count)
    ]


def walked(filters: dict[str, Any], limit: int) -> tuple[list[int], list[int]]:
    """Return the ids seen by going to the end page by page, and then those seen by going all the way back."""
    forth, back = [], []
    page = browse(Filters(**filters), limit)
    assert page.previous == ""
    while True:
        forth += [card.id for card in page.cards]
        if not page.next:
            break
        page = browse(Filters(**filters, after=page.next), limit)
    while True:
        back = [card.id for card in page.cards] + back
        if not page.previous:
            break
        page = browse(Filters(**filters, before=page.previous), limit)
    return forth, back


@pytest.mark.parametrize("sort", ["new", "near", "price", "ending"])
@pytest.mark.parametrize("narrow", [{}, {"q": "drill"}, {"category": "other"}, {"price": 300}])
def test_every_order_shows_each_listing_exactly_once_both_ways(
    app: Flask, factories: Factories, sort: str, narrow: dict[str, Any]
) -> None:
    made = many(factories, 43)
    wanted = {each.id for each in made}
    if "price" in narrow:
        wanted = {each.id for each in made if each.price_minor is not None and each.price_minor <= narrow["price"]}
    filters = {"sort": sort, "origin": HOME, **narrow, **({"radius": 10} if sort == "near" else {})}
    forth, back = walked(filters, limit=5)
    assert len(forth) == len(set(forth))
    assert set(forth) == wanted
    assert back == forth


def test_orders_are_what_they_say_and_what_lacks_the_key_comes_last(app: Flask, factories: Factories) -> None:
    many(factories, 43)
    prices = [card.price_minor for card in browse(Filters(sort="price"), 43).cards]
    known = [price for price in prices if price is not None]
    assert prices == sorted(known) + [None] * (len(prices) - len(known))
    ends = [card.closes_at for card in browse(Filters(sort="ending"), 43).cards]
    dated = [end for end in ends if end is not None]
    assert ends == sorted(dated) + [None] * (len(ends) - len(dated))
    newest = [card.id for card in browse(Filters(), 43).cards]
    assert newest[:3] == [3, 2, 1]
    far = [card.distance_m or 0 for card in browse(Filters(sort="near", radius=10, origin=HOME), 43).cards]
    assert far == sorted(far)


def test_a_listing_published_meanwhile_shifts_no_page(app: Flask, factories: Factories) -> None:
    many(factories, 12)
    first = browse(Filters(), 5)
    factories.listing(title="Later", published_at=clock.now() + timedelta(days=1))
    second = browse(Filters(after=first.next), 5)
    assert not {card.id for card in first.cards} & {card.id for card in second.cards}
    assert "Later" not in [card.title for card in second.cards]


QUERIES = ["", "?q=drill", "?category=other", "?sort=price", "?sort=ending", "?place=Amsterdam", "?sort=near&radius=5",
           "?price=3", "?free=1", "?q=drill&place=Amsterdam&price=9", "?kind=notice"]  # fmt: skip


def test_the_number_of_statements_does_not_grow_with_the_listings(
    client: MarketplaceClient, factories: Factories, statements: Callable[[], Statements]
) -> None:
    counted = []
    for _ in range(2):
        many(factories, 10 if not counted else 190)
        found = {}
        for query in QUERIES:
            client.get("/discover" + query)
            with statements() as seen:
                assert client.get("/discover" + query).status_code == 200
            found[query] = len(seen)
            assert len(seen) <= 4, seen
        counted.append(found)
    assert counted[0] == counted[1]
    assert counted[1][""] == 1


def test_a_member_browses_with_four_statements_at_most(
    auth: Auth, client: MarketplaceClient, factories: Factories, statements: Callable[[], Statements]
) -> None:
    many(factories, 30)
    auth.member(lat=52.37, lon=4.89)
    for query in QUERIES:
        client.get("/discover" + query)
        with statements() as seen:
            client.get("/discover" + query)
        assert len(seen) <= 4, seen


def test_the_home_page_and_a_listing_take_few_statements(
    client: MarketplaceClient, factories: Factories, statements: Callable[[], Statements]
) -> None:
    listing = many(factories, 30)[0]
    for path, most in (("/", 4), (f"/listings/{listing.id}-{listing.slug}", 3)):
        with statements() as seen:
            assert client.get(path).status_code == 200
        assert len(seen) <= most, seen


def test_the_count_is_honest_up_to_its_cap(app: Flask, factories: Factories, monkeypatch: pytest.MonkeyPatch) -> None:
    many(factories, 7)
    found = browse(Filters(), 3)
    assert (found.total, found.capped) == (7, False)
    assert (browse(Filters(after=found.next), 3).total, browse(Filters(q="nothing")).total) == (7, 0)


def test_a_page_links_to_the_next_and_back_and_names_itself(client: MarketplaceClient, factories: Factories) -> None:
    many(factories, PAGE + 6)
    first = client.get("/discover?q=drill")
    assert first.text.count("card-title") == PAGE
    following = re.search(r'<link rel="next" href="([^"]+)"', first.text)
    assert following is not None
    assert 'rel="prev"' not in first.text
    second = client.get(following[1].replace("&amp;", "&"))
    assert second.text.count("card-title") == 6
    assert 'rel="prev"' in second.text
    assert re.search(r'<link rel="canonical" href="[^"]*/discover\?q=drill&amp;after=', second.text)
    assert f"{PAGE + 6} found" in page_text(second)


def test_filters_stand_in_the_address_as_chips_that_take_them_away(
    client: MarketplaceClient, factories: Factories
) -> None:
    many(factories, 3)
    page = client.get("/discover?q=drill&category=other&free=1&pictures=1&place=Jordaan&radius=5")
    chips = re.findall(r'<a class="chip" href="([^"]+)"><span class="sr-only">', page.text)
    assert len(chips) == 5
    for name in ("q", "category", "free", "pictures", "radius"):
        assert sum(f"{name}=" not in chip for chip in chips) == 1, name
    assert "Nothing found" in page.text
    assert "Ask the neighbours" in page.text


def test_what_is_not_understood_is_said_beside_its_field_and_kept(
    client: MarketplaceClient, factories: Factories
) -> None:
    many(factories, 3)
    page = client.get("/discover?place=Xyzzyville&price=lots&radius=-3&kind=ghost&category=none")
    assert page.status_code == 422
    for name in ("place", "price", "radius", "kind", "category"):
        assert f'id="{name}-error"' in page.text
    assert 'value="Xyzzyville"' in page.text
    assert 'value="lots"' in page.text
    assert page.text.count("card-title") == 3


def test_htmx_gets_the_part_that_changes_and_history_the_whole_page(
    client: MarketplaceClient, factories: Factories
) -> None:
    many(factories, 3)
    part = client.get("/discover?q=drill", headers={"HX-Request": "true"})
    assert "<html" not in part.text
    assert part.text.count("card-title") == 3
    assert "HX-Request" in part.headers["Vary"]
    whole = client.get("/discover", headers={"HX-Request": "true", "HX-History-Restore-Request": "true"})
    assert "<html" in whole.text


def test_a_members_own_place_is_where_near_begins(auth: Auth, client: MarketplaceClient, factories: Factories) -> None:
    factories.listing(title="In Groningen", public_lat=53.22, public_lon=6.57)
    factories.listing(title="In Amsterdam", public_lat=52.37, public_lon=4.89)
    assert "In Amsterdam" in client.get("/discover?sort=near").text
    auth.member(place="Groningen", lat=53.2194, lon=6.5665)
    page = client.get("/discover?sort=near").text
    assert "In Groningen" in page
    assert "In Amsterdam" not in page
    assert "53.2194" not in page
