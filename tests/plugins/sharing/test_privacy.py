"""Nobody learns an item's exact place before a booking is agreed: pages, API, feeds, pictures and orders are walked."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image
from werkzeug.routing import BuildError

from marketplace.agreements.service import actor_for
from marketplace.api_v1.tokens import create as make_token
from marketplace.database import db, transaction
from marketplace.listings import pictures
from marketplace.listings import service as listings
from marketplace.listings.models import Listing, Picture
from marketplace.listings.whereabouts import CELL_DEGREES, metres_between, public_point
from marketplace.storage import storage
from marketplace.users.models import User
from plugins.sharing.item import items
from plugins.sharing.item.item_models import Item
from plugins.sharing.loan import loans
from plugins.sharing.price import price_lists
from plugins.sharing.price.simple_tariffs import SimplePrices, document
from tests.plugins.sharing.loan_world import Lending

LAT, LON = 52.0907371, 5.1214203
STREET = "Biltstraat 101 bis"
BODY = "Eighteen volts, with two batteries and a case."
SKIPPED = ("static", "sandbox", "webhooks", "logout")


@pytest.fixture
def lending(app: Any, factories: Any, frozen: Any) -> Lending:
    return Lending(app, factories, frozen)


def shared(lending: Lending, title: str = "A cordless drill", lat: float = LAT, lon: float = LON) -> int:
    """Share a bicycle in every way, with a photo that carries where it was taken."""
    facts = {"title": title, "body_md": BODY, "category": "bikes", "place": "Utrecht", "lat": lat, "lon": lon}
    listing = items.create(lending.lender, facts=facts, arrangement="borrow", address=STREET)
    with transaction():
        db.session.get_one(Item, listing.id).arrangements = ["borrow", "rent", "use"]
    for way in ("rent", "use"):
        price_lists.save(listing.id, way, document(SimplePrices(day=1000), "EUR", "By the day"), None)
    pictures.add(listing.id, actor=lending.lender, data=photo(lat, lon), alt="A drill")
    listings.publish(listing.id, actor=lending.lender)
    lending.work()
    return int(listing.id)


def photo(lat: float, lon: float) -> bytes:
    """Make a photo as a telephone does: with GPS coordinates, and the street in the comment."""
    exif = Image.Exif()
    exif[0x010E] = STREET
    gps = exif.get_ifd(0x8825)
    gps.update({1: "N", 2: (lat, 0.0, 0.0), 3: "E", 4: (lon, 0.0, 0.0)})
    kept = io.BytesIO()
    Image.new("RGB", (900, 700), "teal").save(kept, "JPEG", exif=exif, comment=f"{lat},{lon}".encode())
    return kept.getvalue()


def addresses(app: Any, listing_id: int) -> Iterator[str]:
    """Give every address that answers GET, filled with this item."""
    listing = db.session.get_one(Listing, listing_id)
    code = items.units.units_of(listing_id)[0].code
    values = {"listing_id": listing_id, "slug": listing.slug, "code": code, "user_id": listing.owner_id, "word": "items",
              "tariff_id": 1, "arrangement": "rent", "name": "vehicle_status", "section": "listings"}  # fmt: skip
    for rule in app.url_map.iter_rules():
        if "GET" not in rule.methods or any(word in rule.endpoint for word in SKIPPED):
            continue
        needed = {name: values.get(name, 1) for name in rule.arguments}
        try:
            with app.test_request_context():
                yield app.url_map.bind("localhost").build(rule.endpoint, needed)
        except (BuildError, ValueError):  # an address of something else, for which there is no value here
            continue
    slug = f"/items/{listing_id}-{listing.slug}"
    yield from ("/discover?kind=item", "/discover?kind=item&place=Utrecht&radius=1&sort=near", "/?lang=nl")
    yield from (f"{slug}?month=2027-04", "/items?now=1", "/items?place=Utrecht&radius=1", f"/items/{listing_id}/book")
    yield f"/items/{listing_id}/book?starts_on=2027-03-05&starts_time=10:00&ends_on=2027-03-06&ends_time=10:00"
    yield from (f"/gbfs/{name}.json" for name in ("gbfs", "system_information", "vehicle_types", "vehicle_status"))
    yield from (f"/api/v1/sharing/items/{listing_id}/calendar", f"/api/v1/listings/{listing_id}")
    yield from (
        "/api/v1/listings?kind=item",
        "/api/v1/listings?place=Utrecht&radius=1&sort=near",
        "/sitemap.xml",
        "/feed",
    )


def told(text: str) -> list[str]:
    """Find what only the owner knows: the street, or figures that are nearer to the exact point than 30 metres."""
    found = [word for word in (STREET, "Biltstraat") if word in text]
    numbers = [float(number) for number in re.findall(r"(?<![\d.])\d{1,2}\.\d{3,}", text)]
    near = [number for number in numbers if abs(number - LAT) < 0.0003 or abs(number - LON) < 0.0003]
    return found + [str(number) for number in near]


def visited(app: Any, client: Any, listing_id: int, headers: dict[str, str] | None = None) -> dict[str, str]:
    """Read every address; gives the texts of those that answered."""
    texts = {}
    for path in dict.fromkeys(addresses(app, listing_id)):
        answer = client.get(path, headers=headers or {})
        assert answer.status_code < 500, (path, answer.status_code)
        if answer.status_code < 400 and any(kind in answer.mimetype for kind in ("text", "json", "xml")):
            texts[path] = answer.get_data(as_text=True)
    return texts


def assert_told_nowhere(texts: dict[str, str]) -> None:
    assert len(texts) > 15
    leaks = {path: told(text) for path, text in texts.items() if told(text)}
    assert leaks == {}


def test_the_test_would_see_a_leak(lending: Lending) -> None:
    listing_id = shared(lending)
    listing = db.session.get_one(Listing, listing_id)
    assert (listing.lat, listing.lon) == (LAT, LON)
    assert told(f'<p data-lat="{LAT}">')
    assert told(json.dumps({"lat": listing.lat})) == [str(LAT)]
    assert told(f"at {STREET}")
    assert told(f"{listing.public_lat} {listing.public_lon}") == []


@pytest.mark.parametrize("who", ["guest", "member", "asking"])
def test_no_page_feed_or_answer_tells_the_place_before_an_agreement(
    who: str, app: Any, client: Any, auth: Any, lending: Lending
) -> None:
    listing_id = shared(lending)
    if who != "guest":
        auth.login(lending.borrower)
    if who == "asking":
        agreement = lending.ask(listing_id, arrangement="borrow")
        assert agreement.state == "requested"
        assert told(client.get(f"/agreements/{agreement.id}").text) == []
    texts = visited(app, client, listing_id)
    assert any("/items/" in path and "A cordless drill" in text for path, text in texts.items())
    assert_told_nowhere(texts)


def test_no_api_answer_to_a_token_tells_it(app: Any, client: Any, lending: Lending) -> None:
    listing_id = shared(lending)
    _row, secret = make_token(lending.borrower.id, name="walk", scopes=["uses:read"], expires_at=None)
    headers = {"Authorization": f"Bearer {secret}", "Accept": "application/json"}
    texts = visited(app, client, listing_id, headers)
    assert any(path.startswith("/api/v1/listings/") for path in texts)
    assert_told_nowhere(texts)


def test_pictures_carry_nothing_of_where_they_were_taken(app: Any, lending: Lending) -> None:
    listing_id = shared(lending)
    row = db.session.query(Picture).filter_by(listing_id=listing_id).one()
    assert row.state == "ready"
    kept = [path for path in storage().root.rglob("*") if path.is_file() and row.key.rpartition("/")[2] in path.name]
    public = [path for path in kept if "raw" not in path.parts]
    assert public
    for path in public:
        data = path.read_bytes()
        assert STREET.encode() not in data, path
        assert f"{LAT}".encode() not in data, path
        with Image.open(path) as shown:
            assert not shown.getexif(), path
            assert "comment" not in shown.info


def test_orders_and_distances_are_those_of_the_public_points(app: Any, client: Any, lending: Lending) -> None:
    south, west = (LAT // CELL_DEGREES) * CELL_DEGREES, LON
    numbers = [shared(lending, f"Thing {place}", south + CELL_DEGREES * place / 10, west) for place in (9, 5, 1, 7, 3)]
    page = client.get("/items?place=Utrecht&radius=5").text
    shown = [int(number) for number in re.findall(r'class="card-title"><a href="/items/(\d+)-', page)]
    rows = {number: db.session.get_one(Listing, number) for number in numbers}
    origin = (52.09083, 5.12222)
    by_public = sorted(shown, key=lambda n: metres_between(*origin, rows[n].public_lat or 0, rows[n].public_lon or 0))
    assert shown == by_public
    for number, row in rows.items():
        inside = [public_point(number, south + CELL_DEGREES * part / 20, west) for part in range(1, 20)]
        assert set(inside) == {(row.public_lat, row.public_lon)}


def test_both_parties_read_the_address_once_it_is_agreed_and_nobody_else(
    app: Any, client: Any, auth: Any, factories: Any, lending: Lending
) -> None:
    listing_id = shared(lending)
    agreement = lending.ask(listing_id, arrangement="borrow")
    path = f"/agreements/{agreement.id}"
    auth.login(lending.borrower)
    assert STREET not in client.get(path).text
    loans.accept(agreement.id, actor_for(db.session.get_one(User, agreement.owner_id), agreement))
    for party in (lending.borrower, lending.lender):
        auth.login(party)
        assert STREET in client.get(path).text, party.name
    auth.login(factories.user())
    assert client.get(path).status_code == 404
    assert_told_nowhere(visited(app, client, listing_id))
