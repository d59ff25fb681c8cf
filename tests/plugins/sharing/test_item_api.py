"""Items in the API: the calendar, the answer for a period, what a listing says of itself, and a new draft."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from marketplace.database import db
from marketplace.listings.models import Listing
from plugins.sharing.item.item_models import Unit
from tests.core.api_caller import Caller
from tests.plugins.sharing.conftest import ItemStage, window


def test_the_calendar_tells_day_by_day_what_is_free(client: Any, items: ItemStage) -> None:
    number = items.item(week={2: [(540, 1020)]})
    items.book(number, window("2026-03-11 09:00", "2026-03-11 16:00"))
    answer = client.get(f"/api/v1/sharing/items/{number}/calendar?start=2026-03-09&days=4")
    assert answer.status_code == 200
    assert answer.json["zone"] == "Europe/Amsterdam"
    states = [(day["day"], day["state"]) for day in answer.json["data"]]
    assert states == [
        ("2026-03-09", "past"), ("2026-03-10", "closed"), ("2026-03-11", "partly"), ("2026-03-12", "closed"),
    ]  # fmt: skip
    day = answer.json["data"][2]
    assert day["reason"] == "taken"
    assert day["free"] == [{"starts_at": "2026-03-11T08:00:00Z", "ends_at": "2026-03-11T09:00:00Z"}]


def test_a_period_is_answered_with_the_reason_and_what_is_free_instead(client: Any, items: ItemStage) -> None:
    number = items.item()
    items.book(number, window("2026-03-11 09:00", "2026-03-11 12:00"))
    path = f"/api/v1/sharing/items/{number}/free"
    taken = client.get(path, query_string={"starts_at": "2026-03-11T10:00:00Z", "ends_at": "2026-03-11T11:00:00Z"}).json
    assert (taken["free"], taken["reason"], taken["units"]) == (False, "taken", 0)
    assert {"starts_at": "2026-03-11T08:00:00Z", "ends_at": "2026-03-11T09:00:00Z"} in taken["alternatives"]
    free = client.get(path, query_string={"starts_at": "2026-03-11T12:00:00Z", "ends_at": "2026-03-11T13:00:00Z"}).json
    assert (free["free"], free["units"]) == (True, 1)
    backwards = {"starts_at": "2026-03-11T12:00:00Z", "ends_at": "2026-03-11T11:00:00Z"}
    assert client.get(path, query_string=backwards).status_code == 422


def test_no_period_can_be_had_of_what_is_only_sold(client: Any, items: ItemStage) -> None:
    path = f"/api/v1/sharing/items/{items.item(arrangements=['buy'], buy_minor=8000)}"
    slot = {"starts_at": "2026-03-11T12:00:00Z", "ends_at": "2026-03-11T13:00:00Z"}
    answer = client.get(f"{path}/free", query_string=slot).json
    assert (answer["free"], answer["units"], answer["reason"]) == (False, 0, "for_sale")
    assert answer["reason_text"] == "It is for sale, and not lent."
    days = client.get(f"{path}/calendar?start=2026-03-11&days=2").json["data"]
    assert [(day["state"], day["free"], day["reason"]) for day in days] == [("closed", [], "for_sale")] * 2


def test_a_listing_says_how_it_is_shared(client: Any, items: ItemStage) -> None:
    number = items.item(deposit_kind="promised", deposit_minor=5000)
    details = client.get(f"/api/v1/listings/{number}").json["details"]
    assert (details["arrangements"], details["deposit_minor"]) == (["borrow"], 5000)


def test_what_is_no_item_or_a_draft_has_no_calendar(client: Any, items: ItemStage) -> None:
    notice = items.factories.listing(items.owner)
    draft = items.item()
    db.session.get_one(Listing, draft).state = "draft"
    db.session.commit()
    for number in (notice.id, draft, 999_999):
        assert client.get(f"/api/v1/sharing/items/{number}/calendar").status_code == 404, number


def test_a_draft_is_made_by_one_call(items: ItemStage) -> None:
    body = {
        "title": "A cordless drill", "category": "tools", "place": "Utrecht", "address": "Kerkstraat 3",
        "arrangement": "rent", "price": {"minor": 750, "currency": "EUR"},
    }  # fmt: skip
    owner = Caller(items.app, items.owner)
    answer = owner.post("/sharing/items", body)
    assert answer.status_code == 201, answer.text
    listing = db.session.get_one(Listing, answer.json["id"])
    assert (listing.state, listing.price_minor, listing.price_unit) == ("draft", 750, "day")
    assert db.session.scalars(select(Unit.place).where(Unit.item_id == listing.id)).one() == "Kerkstraat 3"
    wrong = owner.post("/sharing/items", {**body, "price": None})
    assert wrong.status_code == 422
    assert "price" in wrong.text
