"""The GBFS feed holds against the published schemas, lists what can be taken now, and follows nobody."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from marketplace.database import db, transaction
from marketplace.listings.models import Listing
from plugins.sharing.item import gbfs
from plugins.sharing.price import price_lists
from plugins.sharing.price.simple_tariffs import SimplePrices, document
from tests.plugins.sharing.conftest import ItemStage, window

SCHEMAS = Path(__file__).with_name("gbfs_schemas")
NAMES = ("gbfs", *gbfs.FEEDS)


def bike(
    items: ItemStage, units: int = 1, *, category: str = "bikes", ways: tuple[str, ...] = ("use",), **more: Any
) -> int:
    number = items.item(units, arrangements=list(ways), title="A bicycle", **more)
    with transaction():
        listing = db.session.get_one(Listing, number)
        listing.category, listing.lat, listing.lon = category, 52.123456, 5.123456
        listing.public_lat, listing.public_lon = 52.12, 5.12
    price_lists.save(number, "use", document(SimplePrices(hour=300), "EUR", "By the hour"), None)
    return number


def feed(client: Any, name: str) -> dict[str, Any]:
    answer = client.get(f"/gbfs/{name}.json")
    assert answer.status_code == 200
    return dict(answer.json)


def vehicles(client: Any) -> list[dict[str, Any]]:
    return list(feed(client, "vehicle_status")["data"]["vehicles"])


@pytest.mark.parametrize("name", NAMES)
def test_every_file_holds_against_the_published_schema(client: Any, items: ItemStage, name: str) -> None:
    bike(items, 2)
    bike(items, category="tools")
    bike(items, category="transport", vehicle="car_electric", range_km=180)
    bike(items, vehicle="bike_electric", range_km=60)
    bike(items, category="outdoors", vehicle="boat_fuel", range_km=25)
    schema = json.loads((SCHEMAS / f"{name}.json").read_text("utf-8"))
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    checked = kind(schema, format_checker=jsonschema.FormatChecker())
    answer = feed(client, name)
    assert [error.message for error in checked.iter_errors(answer)] == []
    assert list(checked.iter_errors({**answer, "version": "1.0"}))


def test_the_first_file_names_the_others_and_they_are_there(client: Any, items: ItemStage) -> None:
    feeds = feed(client, "gbfs")["data"]["feeds"]
    assert {one["name"] for one in feeds} == set(gbfs.FEEDS)
    for one in feeds:
        assert client.get("/gbfs/" + one["url"].rpartition("/")[2]).status_code == 200
    assert client.get("/gbfs/secrets.json").status_code == 404


def test_only_what_can_be_taken_without_asking_is_listed(client: Any, items: ItemStage) -> None:
    bike(items, 2)
    bike(items, category="transport")
    bike(items, ways=("borrow",))
    bike(items, who="known")
    draft = bike(items)
    with transaction():
        db.session.get_one(Listing, draft).state = "closed"
    assert len(vehicles(client)) == 2


def test_things_of_every_category_without_motors_are_listed_as_what_they_are(client: Any, items: ItemStage) -> None:
    for category in ("bikes", "tools", "spaces", "transport", "a category that is no more"):
        bike(items, category=category)
    types = {one["vehicle_type_id"]: one for one in feed(client, "vehicle_types")["data"]["vehicle_types"]}
    assert [one["vehicle_type_id"] for one in vehicles(client)] == ["bikes", "tools", "spaces", "other"]
    assert {key for key, one in types.items() if one["form_factor"] == "bicycle"} == {"bikes"}
    assert {one["propulsion_type"] for one in types.values()} == {"human"}
    assert {"bikes", "tools", "spaces", "other"} <= set(types)
    assert "transport" not in types


def test_what_has_a_motor_is_listed_once_its_lender_says_how_far_it_goes(client: Any, items: ItemStage) -> None:
    bike(items, category="transport")
    bike(items, category="transport", vehicle="car_electric", range_km=180)
    bike(items, category="transport", vehicle="car_electric", range_km=250)
    bike(items, vehicle="bike_electric", range_km=60)
    bike(items)
    found = {one["vehicle_type_id"]: one.get("current_range_meters") for one in vehicles(client)}
    assert found == {
        "car_electric_180": 180_000,
        "car_electric_250": 250_000,
        "bike_electric_60": 60_000,
        "bikes": None,
    }
    types = {one["vehicle_type_id"]: one for one in feed(client, "vehicle_types")["data"]["vehicle_types"]}
    car, bicycle = types["car_electric_250"], types["bike_electric_60"]
    assert (car["form_factor"], car["propulsion_type"], car["max_range_meters"]) == ("car", "electric", 250_000)
    assert (bicycle["form_factor"], bicycle["propulsion_type"]) == ("bicycle", "electric_assist")
    bike(items, category="outdoors", vehicle="boat_electric", range_km=20)
    boat = {one["vehicle_type_id"]: one for one in feed(client, "vehicle_types")["data"]["vehicle_types"]}[
        "boat_electric_20"
    ]
    assert (boat["form_factor"], boat["propulsion_type"]) == ("other", "electric")
    assert "boat_electric_20" in [one["vehicle_type_id"] for one in vehicles(client)]
    assert {one["language"]: one["text"] for one in car["name"]} == {"en": "Electric car", "nl": "Elektrische auto"}
    assert set(found) <= set(types)


def test_names_are_told_in_every_language_whoever_reads(client: Any, items: ItemStage) -> None:
    first = feed(client, "vehicle_types")["data"]
    client.get("/?lang=nl")
    assert feed(client, "vehicle_types")["data"] == first
    names = {
        one["vehicle_type_id"]: {each["language"]: each["text"] for each in one["name"]}
        for one in first["vehicle_types"]
    }
    assert names["bikes"] == {"en": "Bicycle", "nl": "Fiets"}
    assert names["tools"] == {"en": "Tools", "nl": "Gereedschap"}


def test_a_bicycle_in_use_is_not_listed_and_comes_back_under_another_name(client: Any, items: ItemStage) -> None:
    number = bike(items)
    before = vehicles(client)[0]
    items.book(number, window("2026-03-10 09:00", "2026-03-10 10:00"))
    assert vehicles(client) == []
    items.frozen.at("2026-03-10T10:00:00+00:00")
    after = vehicles(client)[0]
    assert before["vehicle_id"] != after["vehicle_id"]
    assert str(items.units(number)[0]) != after["vehicle_id"]


def test_its_point_is_the_public_one(client: Any, items: ItemStage) -> None:
    bike(items)
    found = vehicles(client)[0]
    assert (found["lat"], found["lon"]) == (52.12, 5.12)


def test_the_feed_costs_the_same_with_one_bicycle_as_with_many(client: Any, items: ItemStage, statements: Any) -> None:
    costs = []
    for units in (1, 4):
        bike(items, units)
        client.get("/gbfs/vehicle_status.json")
        with statements() as seen:
            vehicles(client)
        costs.append(len(seen))
    assert costs[0] == costs[1] == 2
