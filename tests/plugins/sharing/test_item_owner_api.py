"""A lender minds an item over the API: rules, units and opening hours, by the very functions of the pages."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from marketplace.testing.clients import refresh
from plugins.sharing.item import motors
from plugins.sharing.item.item_models import Item
from plugins.sharing.item.item_owner_shapes import Vehicle
from plugins.sharing.slot import answers
from tests.core.api_caller import Caller, assert_problem
from tests.plugins.sharing.conftest import ItemStage, window


@pytest.fixture
def owner(items: ItemStage) -> Caller:
    return Caller(items.app, items.owner)


def test_rules_are_read_and_changed_one_by_one(items: ItemStage, owner: Caller) -> None:
    number = items.item()
    path = f"/sharing/items/{number}/rules"
    before = owner.get(path).json
    assert (before["who"], before["notice_minutes"], before["zone"]) == ("everybody", 0, "Europe/Amsterdam")
    changed = owner.patch(path, {"notice_minutes": 2880, "who": "experienced", "who_least": 3, "max_minutes": None})
    assert changed.status_code == 200, changed.text
    assert changed.json == {**before, "notice_minutes": 2880, "who": "experienced", "who_least": 3}
    refresh()
    slot = window("2026-03-11T09:00", "2026-03-11T10:00")
    assert answers.answer(number, slot, items.member()).code == "notice"


@pytest.mark.parametrize(("body", "field"), [
    ({"who": "experienced"}, "who_least"), ({"min_minutes": 60, "max_minutes": 30}, "max_minutes"),
    ({"deposit_kind": "promised"}, "deposit_minor"), ({"quota_count": 2}, "quota_days"), ({"who": "friends"}, "who"),
    ({"start_days": 0}, "start_days"), ({"colour": "red"}, "colour"),
    ({"replacement_minor": 100_000_000}, "replacement_minor"), ({"buy_minor": 100_000_000}, "buy_minor"),
    ({"who": "pass"}, "who"),
])  # fmt: skip
def test_rules_that_do_not_fit_change_nothing(items: ItemStage, owner: Caller, body: Any, field: str) -> None:
    number = items.item()
    before = owner.get(f"/sharing/items/{number}/rules").json
    found = assert_problem(owner.patch(f"/sharing/items/{number}/rules", body), 422, "invalid_input")
    assert field in str(found["errors"])
    refresh()
    assert owner.get(f"/sharing/items/{number}/rules").json == before


def test_units_are_listed_added_and_changed(items: ItemStage, owner: Caller) -> None:
    number = items.item()
    path = f"/sharing/items/{number}/units"
    made = owner.post(path, {"label": "Number 2", "place": "Kerkstraat 3"})
    assert (made.status_code, made.json["active"], made.json["place"]) == (201, True, "Kerkstraat 3"), made.text
    changed = owner.patch(f"{path}/{made.json['id']}", {"active": False})
    assert changed.json == {**made.json, "active": False}
    assert [one["label"] for one in owner.get(path).json["data"]] == ["Number 1", "Number 2"]
    assert_problem(owner.post(path, {"label": ""}), 422, "invalid_input")
    other = items.units(items.item())[0]
    assert_problem(owner.patch(f"{path}/{other}", {"active": False}), 404, "not_found")


def test_hours_are_replaced_and_days_differ(items: ItemStage, owner: Caller) -> None:
    number = items.item()
    path = f"/sharing/items/{number}/hours"
    nine = {"from_minute": 540, "to_minute": 720}
    week = {"week": [{"weekday": 3, "spans": [nine, {"from_minute": 720, "to_minute": 1020}]}]}
    answer = owner.put(path, week)
    assert answer.status_code == 200, answer.text
    assert answer.json["week"] == [{"weekday": 3, "spans": [{"from_minute": 540, "to_minute": 1020}]}]
    day = owner.post(f"{path}/days", {"day": "2026-03-12", "note": "Away"})
    assert day.json["days"] == [{"day": "2026-03-12", "spans": [], "note": "Away"}]
    refresh()
    slot = window("2026-03-12T09:00", "2026-03-12T10:00")
    assert answers.answer(number, slot).code == "closed"
    assert owner.post(f"{path}/days", {"day": "2026-03-12", "as_usual": True}).json["days"] == []
    refresh()
    assert answers.answer(number, slot).free
    assert owner.put(path, {"week": []}).json["week"] == []
    backwards = {"week": [{"weekday": 3, "spans": [{"from_minute": 720, "to_minute": 540}]}]}
    assert_problem(owner.put(path, backwards), 422, "invalid_input")
    assert_problem(owner.put(path, {"week": [{"weekday": 3, "spans": []}] * 2}), 422, "invalid_input")


def test_only_its_lender_minds_an_item(items: ItemStage) -> None:
    number = items.item()
    stranger = Caller(items.app, items.factories.user())
    for path in ("rules", "units", "hours"):
        assert_problem(stranger.get(f"/sharing/items/{number}/{path}"), 404, "not_found")
        assert stranger.get(f"/sharing/items/{number}/{path}").status_code == 404
    assert_problem(stranger.patch(f"/sharing/items/{number}/rules", {"instant": True}), 404, "not_found")
    assert_problem(stranger.put(f"/sharing/items/{number}/hours", {"week": []}), 404, "not_found")
    refresh()
    from marketplace.database import db

    assert db.session.get_one(Item, number).instant is False


def test_a_motor_and_its_range_are_said_together_over_the_api(items: ItemStage, owner: Caller) -> None:
    number = items.item()
    path = f"/sharing/items/{number}/rules"
    for body, field in (
        ({"vehicle": "car_electric"}, "range_km"), ({"range_km": 200}, "vehicle"), ({"vehicle": "rocket"}, "vehicle"),
        ({"vehicle": "car_electric", "range_km": 0}, "range_km"),
    ):  # fmt: skip
        assert field in str(assert_problem(owner.patch(path, body), 422, "invalid_input")["errors"])
    said = owner.patch(path, {"vehicle": "car_electric", "range_km": 200}).json
    assert (said["vehicle"], said["range_km"]) == ("car_electric", 200)
    nothing = owner.patch(path, {"vehicle": None, "range_km": None}).json
    assert (nothing["vehicle"], nothing["range_km"]) == (None, None)
    assert set(get_args(Vehicle)) == set(motors.VEHICLES)
