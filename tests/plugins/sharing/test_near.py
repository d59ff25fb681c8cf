"""The list of items around: days, distance and "free now" are what a booking would be answered, by few statements."""

from __future__ import annotations

import re
from typing import Any

import pytest

from marketplace.database import db, transaction
from marketplace.listings.models import Listing
from marketplace.listings.whereabouts import public_point
from plugins.sharing.item import free_now, near, near_map
from tests.plugins.sharing.conftest import ItemStage, window

UTRECHT = (52.0907, 5.1214)


def put(items: ItemStage, title: str, north: float = 0.0, **more: Any) -> int:
    """Make an item so many degrees north of Utrecht."""
    number = items.item(title=title, **more)
    with transaction():
        listing = db.session.get_one(Listing, number)
        listing.place, listing.lat, listing.lon = "Utrecht", UTRECHT[0] + north, UTRECHT[1]
        listing.public_lat, listing.public_lon = public_point(number, listing.lat, listing.lon)
    return number


def titles(client: Any, query: str, status: int = 200) -> list[str]:
    answer = client.get("/items" + query)
    assert answer.status_code == status, answer.text
    return re.findall(r'class="card-title"><a href="[^"]*">([^<]*)<', answer.text)


HERE = "?place=Utrecht&radius=25"


def test_the_nearest_items_stand_first_and_notices_do_not_stand_at_all(client: Any, items: ItemStage) -> None:
    put(items, "Far", 0.1)
    put(items, "Near")
    put(items, "Middle", 0.04)
    items.factories.listing(
        items.owner, title="A notice", place="Utrecht", public_lat=UTRECHT[0], public_lon=UTRECHT[1]
    )
    assert titles(client, HERE) == ["Near", "Middle", "Far"]
    assert titles(client, "?place=Utrecht&radius=10") == ["Near", "Middle"]


def test_what_is_taken_between_two_days_is_left_out(client: Any, items: ItemStage) -> None:
    put(items, "Free")
    taken = put(items, "Taken")
    evenings = put(items, "Evenings", week={day: [(17 * 60, 20 * 60)] for day in range(7)})
    items.book(taken, window("2026-03-21 06:00", "2026-03-22 20:00"))
    items.book(evenings, window("2026-03-28 17:00", "2026-03-28 18:00"))
    assert sorted(titles(client, HERE + "&from=2026-03-20&until=2026-03-22")) == ["Evenings", "Free"]
    assert sorted(titles(client, HERE + "&from=2026-03-24&until=2026-03-25")) == ["Evenings", "Free", "Taken"]
    assert sorted(titles(client, HERE + "&from=2026-03-24")) == ["Evenings", "Free", "Taken"]


def test_free_now_is_what_can_be_taken_now(client: Any, items: ItemStage) -> None:
    put(items, "Free")
    put(items, "By the day", min_minutes=1440)
    put(items, "Closed", week={0: [(540, 600)]})
    items.book(put(items, "Taken"), window("2026-03-10 09:00", "2026-03-12 08:00"))
    assert sorted(titles(client, HERE + "&now=1")) == ["By the day", "Free"]
    page = client.get("/items" + HERE).text
    assert page.count("Free now</span>") == 2


def test_what_is_only_sold_is_for_sale_and_never_free(client: Any, items: ItemStage, statements: Any) -> None:
    sold = put(items, "Sold", arrangements=["buy"], buy_minor=8000, min_minutes=1440)
    put(items, "Lent too", arrangements=["borrow", "buy"], buy_minor=8000)
    for wish in ("&now=1", "&from=2026-03-20&until=2026-03-22"):
        assert titles(client, HERE + wish) == ["Lent too"], wish
    page = client.get("/items" + HERE).text
    assert (page.count("Free now</span>"), page.count("For sale</span>")) == (1, 1)
    assert "Free now" not in client.get(f"/items/{sold}-sold", follow_redirects=True).text
    with statements() as seen:
        assert free_now.among([sold]) == set()
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("&from=soon", "from"),
        ("&until=2026-03-20", "from"),
        ("&from=2026-03-20&until=2026-03-19", "until"),
        ("&from=2026-03-01&until=2026-03-20", "from"),
        ("&from=2026-03-20&until=2028-03-20", "until"),
        ("&radius=7000", "radius"),
    ],
)
def test_a_wish_that_makes_no_sense_is_said_beside_its_field(
    client: Any, items: ItemStage, query: str, field: str
) -> None:
    answer = client.get("/items?place=Utrecht" + query)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text


def test_the_page_costs_the_same_with_one_item_as_with_many(client: Any, items: ItemStage, statements: Any) -> None:
    costs = []
    for more in (1, 3, 30):
        for number in range(more):
            put(items, f"Item {number}", 0.0001 * number)
        client.get("/items" + HERE)
        with statements() as seen:
            assert titles(client, HERE + "&now=1&from=2026-03-20&until=2026-03-22")
        costs.append(len(seen))
    assert len(set(costs)) == 1, costs
    assert costs[0] <= 16


def test_pages_follow_each_other_without_a_gap_and_keep_what_was_asked(client: Any, items: ItemStage) -> None:
    for number in range(near.PAGE + 3):
        put(items, f"Item {number:02}", 0.0001 * number)
    first = client.get("/items" + HERE + "&now=1").text
    link = re.search(r'rel="next" href="([^"]+)"', first)
    assert link is not None
    following = link.group(1).replace("&amp;", "&")
    assert "now=1" in following
    seen = titles(client, HERE + "&now=1") + titles(client, following.removeprefix("/items"))
    assert sorted(seen) == [f"Item {number:02}" for number in range(near.PAGE + 3)]


def test_items_at_one_spot_share_a_mark_and_marks_stay_on_the_map(app: Any, items: ItemStage) -> None:
    class Card:
        def __init__(self, number: int) -> None:
            self.id, self.title, self.url = number, f"Thing {number}", f"/items/{number}"

    near_ones = [put(items, f"Here {number}") for number in range(3)]
    far = put(items, "There", 0.3)
    drawn = near_map.drawn([Card(number) for number in [*near_ones, far]])
    assert drawn is not None
    assert sorted(len(mark.cards) for mark in drawn.marks) == [1, 3]
    for mark in drawn.marks:
        assert 0 < mark.x < drawn.width
        assert 0 < mark.y < drawn.height
    assert [point["url"] for point in drawn.points] == [f"/items/{number}" for number in [*near_ones, far]]
    assert near_map.drawn([]) is None
