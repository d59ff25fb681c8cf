"""The lender's pages and the item's page through HTTP: making an item in one page, changing it, and what each page shows."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.errors import InvalidInput
from marketplace.listings.models import Listing
from marketplace.users.models import User
from plugins.sharing.item import free_now
from plugins.sharing.item.item_models import Item, Occupancy, Unit
from plugins.sharing.price import price_lists
from plugins.sharing.slot import hours_text, openings
from plugins.sharing.slot.windows import Window

BODY = "Cordless, with two batteries and all the bits."
DRILL = {"title": "A cordless drill", "category": "tools", "body_md": BODY, "place": "Utrecht", "arrangement": "borrow"}


@pytest.fixture
def lender(factories: Any, auth: Any, frozen: Any) -> User:
    frozen.at("2026-03-10T09:00:00+00:00")
    user: User = factories.user(name="Lena Lender")
    auth.login(user)
    return user


def made() -> int:
    db.session.rollback()
    return db.session.scalars(select(Listing.id).where(Listing.kind == "item").order_by(Listing.id.desc())).first() or 0


def item_of(listing_id: int) -> Item:
    db.session.rollback()
    return db.session.get_one(Item, listing_id, populate_existing=True)


def published(client: Any, **facts: Any) -> int:
    answer = client.post("/items/new", data={**DRILL, **facts})
    assert answer.status_code == 303, answer.text
    number = made()
    assert client.post(f"/listings/{number}/publish").status_code == 302
    return number


def page(client: Any, number: int, query: str = "") -> str:
    answer = client.get(f"/items/{number}-a-cordless-drill{query}")
    assert answer.status_code == 200
    return str(answer.text)


def test_a_drill_free_to_borrow_is_published_after_one_page(client: Any, lender: User) -> None:
    assert client.get("/items/new").status_code == 200
    number = published(client, address="Kerkstraat 3")
    item = item_of(number)
    assert (item.arrangements, item.deposit_kind, item.cancellation) == (["borrow"], "none", "flexible")
    listing = db.session.get_one(Listing, number)
    assert (listing.state, listing.price_minor, listing.price_unit) == ("published", 0, "once")
    unit = db.session.scalars(select(Unit).where(Unit.item_id == number)).one()
    assert (unit.label, unit.place, unit.active) == ("A cordless drill", "Kerkstraat 3", True)
    assert "A cordless drill" in client.get("/discover?kind=item").text


def test_what_is_rented_out_gets_its_price_list_and_the_price_on_its_card(client: Any, lender: User) -> None:
    number = published(client, arrangement="rent", price="7,50")
    assert price_lists.current(number, "rent") is not None
    listing = db.session.get_one(Listing, number)
    assert (listing.price_minor, listing.price_unit) == (750, "day")
    assert "€7.50" in page(client, number).replace("\xa0", "")


def test_what_is_paid_by_use_is_priced_by_the_hour(client: Any, lender: User) -> None:
    number = published(client, arrangement="use", price="3")
    listing = db.session.get_one(Listing, number)
    assert (listing.price_minor, listing.price_unit) == (300, "hour")
    assert price_lists.current(number, "use") is not None


@pytest.mark.parametrize(
    ("wrong", "field", "says"),
    [
        ({"title": ""}, "title", "Give it a title."),
        ({"category": ""}, "category", "Choose a category."),
        ({"arrangement": "rent", "price": ""}, "price", "Say what it costs"),
        ({"price": "nothing"}, "price", "This is not an amount"),
        ({"arrangement": "rent", "price": "1000000"}, "price", "at once is €999,999.99."),
        ({"arrangement": "buy", "price": "99999999999999"}, "price", "at once is €999,999.99."),
        ({"arrangement": "gift"}, "arrangement", "Choose how you want to share it."),
        ({"place": "Nowhere at all"}, "place", "We don&#39;t know this place"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(
    client: Any, lender: User, wrong: dict[str, str], field: str, says: str
) -> None:
    answer = client.post("/items/new", data={**DRILL, **wrong})
    assert answer.status_code == 422
    assert re.search(rf'id="{field}-error">.*?{re.escape(says)}', answer.text, re.DOTALL), answer.text
    assert BODY in answer.text
    assert made() == 0


def test_rules_are_changed_and_said_on_the_page(client: Any, lender: User) -> None:
    number = published(client)
    rules = {
        "arrangements": ["borrow", "rent"], "instant": "y", "notice_minutes": "1440", "horizon_days": "90", "min_minutes": "60",
        "max_minutes": "10080", "buffer_before_minutes": "0", "buffer_after_minutes": "30", "start_days": ["1", "2"],
        "deposit_kind": "promised", "deposit_minor": "50", "late_fee_minor_per_day": "5", "replacement_minor": "120",
        "cancellation": "strict", "quota_count": "2", "quota_days": "30",
    }  # fmt: skip
    assert client.get(f"/items/{number}/rules").status_code == 200
    assert client.post(f"/items/{number}/rules", data=rules).status_code == 303
    item = item_of(number)
    assert (item.instant, item.notice_minutes, item.horizon_days, item.start_days) == (True, 1440, 90, 3)
    assert (item.deposit_minor, item.late_fee_minor_per_day, item.replacement_minor) == (5000, 500, 12000)
    assert (item.buffer_after_minutes, item.max_minutes, item.cancellation) == (30, 10080, "strict")
    shown = page(client, number)
    for words in ("Agreed at once", "1 day", "1 hour to 7 days", "Monday, Tuesday", "2 bookings in 30 days"):
        assert words in shown, words
    again = client.get(f"/items/{number}/rules").text
    assert re.search(r'name="start_days" value="2" checked', again)
    assert not re.search(r'name="start_days" value="4" checked', again)


def test_what_has_a_motor_says_how_far_it_goes_whatever_its_category(client: Any, lender: User) -> None:
    number = published(client)
    path = f"/items/{number}/rules"
    folded = client.get(path).text
    assert ('name="range_km"' in folded, "<details open>" in folded) == (True, False)
    with transaction():
        db.session.get_one(Listing, number).category = "transport"
    assert "<details open>" in client.get(path).text
    with transaction():
        db.session.get_one(Listing, number).category = "outdoors"
    rules = {
        "arrangements": ["borrow"], "notice_minutes": "1440", "horizon_days": "90", "min_minutes": "60", "cancellation": "strict",
        "max_minutes": "10080", "buffer_before_minutes": "0", "buffer_after_minutes": "30", "start_days": ["1", "2"],
        "deposit_kind": "none",
    }  # fmt: skip
    half = client.post(path, data={**rules, "vehicle": "car_electric", "range_km": ""})
    assert (half.status_code, "Say both" in half.text, "<details open>" in half.text) == (422, True, True)
    assert client.post(path, data={**rules, "vehicle": "boat_electric", "range_km": "20"}).status_code == 303
    assert (item_of(number).vehicle, item_of(number).range_km) == ("boat_electric", 20)
    assert "Electric boat, goes at least 20 km" in page(client, number)
    assert "<details open>" in client.get(path).text
    assert client.post(path, data={**rules, "vehicle": "", "range_km": ""}).status_code == 303
    assert (item_of(number).vehicle, item_of(number).range_km) == (None, None)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"deposit_kind": "promised", "deposit_minor": ""}, "deposit_minor"),
        ({"min_minutes": "10080", "max_minutes": "60"}, "max_minutes"),
        ({"start_days": []}, "start_days"),
        ({"arrangements": []}, "arrangements"),
        ({"quota_count": "2", "quota_days": ""}, "quota_days"),
        ({"late_fee_minor_per_day": "x"}, "late_fee_minor_per_day"),
        ({"late_fee_minor_per_day": "99999999999999"}, "late_fee_minor_per_day"),
        ({"deposit_kind": "promised", "deposit_minor": "1000000"}, "deposit_minor"),
        ({"replacement_minor": "1000000"}, "replacement_minor"),
        ({"arrangements": ["buy"], "buy_minor": "1000000"}, "buy_minor"),
    ],
)
def test_rules_that_do_not_fit_together_change_nothing(
    client: Any, lender: User, wrong: dict[str, Any], field: str
) -> None:
    number = published(client)
    rules = {
        "arrangements": ["borrow"], "notice_minutes": "0", "horizon_days": "", "min_minutes": "60", "max_minutes": "",
        "buffer_before_minutes": "0", "buffer_after_minutes": "0", "start_days": ["1"], "deposit_kind": "none",
        "cancellation": "flexible",
    }  # fmt: skip
    answer = client.post(f"/items/{number}/rules", data={**rules, **wrong})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert not isinstance(wrong[field], str) or f'value="{wrong[field]}"' in answer.text, "what was typed stays"
    assert item_of(number).start_days == 127


def test_hours_are_typed_as_people_write_them_and_bound_the_calendar(client: Any, lender: User) -> None:
    number = published(client)
    week = {"day_0": "9:00-12:30, 14-18", "day_2": "10–16", "hours_for": "handover"}
    assert client.post(f"/items/{number}/hours", data=week).status_code == 303
    assert openings.week_of(number) == {0: [(540, 750), (840, 1080)], 2: [(600, 960)]}
    assert "9:00–12:30, 14:00–18:00" in page(client, number)
    wrong = client.post(f"/items/{number}/hours", data={**week, "day_3": "early"})
    assert wrong.status_code == 422
    assert 'id="day_3-error"' in wrong.text
    assert "early" in wrong.text
    closed = client.post(
        f"/items/{number}/hours/days", data={"first": "2026-03-16", "last": "2026-03-18", "note": "Away"}
    )
    assert closed.status_code == 303
    shown = page(client, number)
    assert re.search(r'day-closed">\s*<span class="day"><span aria-hidden="true">16<', shown), shown
    client.post(f"/items/{number}/hours/days/clear", data={"day": "2026-03-16"})
    assert re.search(r'day-free">\s*<span class="day"><span aria-hidden="true">16<', page(client, number))


def test_the_lender_keeps_a_unit_for_a_while(client: Any, lender: User) -> None:
    number = published(client)
    unit_id = db.session.scalars(select(Unit.id).where(Unit.item_id == number)).one()
    data = {"unit": str(unit_id), "kind": "repair", "since": "2026-03-20", "until": "2026-03-21"}
    assert client.post(f"/items/{number}/hours/blocks", data=data).status_code == 303
    assert client.post(f"/items/{number}/hours/blocks", data=data).status_code == 422
    row = db.session.scalars(select(Occupancy).where(Occupancy.item_id == number)).one()
    assert re.search(r'day-busy">\s*<span class="day"><span aria-hidden="true">20<', page(client, number))
    client.post(f"/items/{number}/hours/blocks/{row.id}/end")
    assert 'day-busy">' not in page(client, number).split("legend")[0]


def test_only_examples_of_what_can_be_booked_are_shown(client: Any, lender: User) -> None:
    number = published(client, arrangement="rent", price="10")
    prices = {"day": "10", "week_percent": "10", "month_percent": "20"}
    assert client.post(f"/items/{number}/prices/rent", data=prices).status_code == 303
    assert worked(client, number) == ["1 day", "3 days", "7 days", "28 days"]
    bounds(number, 0, 7 * 1440)
    assert worked(client, number) == ["1 day", "3 days", "7 days"]
    asked = client.post(f"/items/{number}/prices/rent", data={**prices, "check": "y"}).text
    assert "<h3>28 days" not in asked, "the lender reads what members will read"
    assert "<h3>7 days" in asked
    bounds(number, 2 * 1440, 3 * 1440)
    assert worked(client, number) == ["3 days"]
    bounds(number, 15, 60)
    assert worked(client, number) == []
    assert "Worked examples" not in page(client, number)


def bounds(number: int, least: int, most: int) -> None:
    """Say how long it may be had."""
    with transaction() as session:
        item = session.get_one(Item, number, populate_existing=True)
        item.min_minutes, item.max_minutes = max(least, 1), most


def worked(client: Any, number: int) -> list[str]:
    """Read the lengths of the worked examples."""
    return re.findall(r"<h3>(\d+ days?)</h3>", page(client, number))


def test_units_are_added_changed_and_taken_off(client: Any, lender: User) -> None:
    number = published(client)
    assert client.post(f"/items/{number}/units/new", data={"label": "The red one", "place": "Shed"}).status_code == 303
    assert client.post(f"/items/{number}/units/new", data={"label": ""}).status_code == 422
    dear = client.post(f"/items/{number}/units/new", data={"label": "Gold", "replacement_minor": "1000000"})
    assert (dear.status_code, 'id="replacement_minor-error"' in dear.text) == (422, True)
    assert "2 of them" in page(client, number)
    unit = db.session.scalars(select(Unit).where(Unit.label == "The red one")).one()
    assert "The red one" in client.get(f"/items/{number}/units/{unit.id}").text
    assert client.post(f"/items/{number}/units/{unit.id}", data={"label": "The blue one"}).status_code == 303
    db.session.rollback()
    assert (unit.label, unit.active) == ("The blue one", False)
    assert "2 of them" not in page(client, number)
    assert client.get(f"/items/{number}/units/999999").status_code == 404


def test_nobody_but_its_owner_and_operators_manages_an_item(
    client: Any, lender: User, auth: Any, factories: Any
) -> None:
    number = published(client)
    paths = ("manage", "edit", "rules", "hours", "units/new", "prices")
    auth.login(factories.user())
    for path in paths:
        assert client.get(f"/items/{number}/{path}").status_code == 404, path
    for path in ("hours/days", "hours/days/clear", "hours/blocks", "hours/blocks/1/end"):
        assert client.post(f"/items/{number}/{path}").status_code == 404, path
    auth.login(factories.operator())
    for path in paths:
        assert client.get(f"/items/{number}/{path}").status_code == 200, path


def test_a_draft_is_seen_by_its_owner_alone(client: Any, lender: User, auth: Any, factories: Any) -> None:
    client.post("/items/new", data=DRILL)
    number = made()
    assert client.get(f"/items/{number}-a-cordless-drill").status_code == 200
    auth.login(factories.user())
    assert client.get(f"/items/{number}-a-cordless-drill").status_code == 404
    assert client.get(f"/items/{number}-another").status_code == 404


def test_the_calendar_turns_its_pages_and_stays_within_two_years(client: Any, lender: User) -> None:
    number = published(client)
    now = page(client, number)
    assert "March 2026" in now
    assert "?month=2026-04" in now
    assert "?month=2026-02" not in now
    assert "April 2026" in page(client, number, "?month=2026-04")
    for odd in ("?month=2020-01", "?month=9999-99", "?month=x", "?month=2026-13"):
        assert "March 2026" in page(client, number, odd), odd
    assert "March 2028" in page(client, number, "?month=2028-06")


def test_an_item_page_costs_the_same_however_much_it_is_booked(
    client: Any, lender: User, items: Any, statements: Any, auth: Any, factories: Any
) -> None:
    number = published(client)
    auth.login(factories.user())
    page(client, number)
    costs = []
    for days in (0, 1, 9):
        for day in range(days):
            items.book(number, Window(items_at(day, days), items_at(day, days, 3)))
        with statements() as seen:
            page(client, number)
        costs.append(len(seen))
    assert len(set(costs)) == 1, costs
    assert costs[0] <= 16, seen


def items_at(day: int, more: int, hour: int = 0) -> datetime:
    return datetime(2026, 3, 11 + day, (9 if more == 1 else 15) + hour, 0, tzinfo=UTC)


def test_the_word_on_the_card_is_what_a_booking_would_meet(items: Any, statements: Any) -> None:
    everyday = {day: [(0, 1440)] for day in range(7)}
    free = items.item()
    by_day = items.item(min_minutes=1440)
    closed = items.item(week={0: [(540, 1020)]})
    opened = items.item(week=everyday)
    taken = items.item()
    two = items.item(2)
    with_notice = items.item(notice_minutes=600)
    buffered = items.item(buffer_before_minutes=120)
    nothing = items.item(0)
    hour = free_now.windows(clock.now())[0]
    items.book(taken, hour)
    items.book(two, hour)
    everything = [free, by_day, closed, opened, taken, two, with_notice, buffered, nothing]
    with statements() as seen:
        found = free_now.among(everything)
    assert len(seen) == 1
    assert found == {free, by_day, opened, two, buffered}
    assert found == free_now.everywhere()


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("", []),
        ("9-17", [(540, 1020)]),
        ("9:30–12, 13.15 - 18", [(570, 720), (795, 1080)]),
        ("18-0", [(1080, 1440)]),
        ("0-24", [(0, 1440)]),
        ("9-12; 12-14", [(540, 840)]),
    ],
)
def test_hours_are_read_as_people_write_them(app: Any, text: str, spans: list[tuple[int, int]]) -> None:
    assert hours_text.read(text) == spans
    assert hours_text.read(hours_text.write(spans)) == spans


@pytest.mark.parametrize("text", ["9", "17-9", "9-25", "9:70-10", "a-b", "9-9", ",".join(["1-2"] * 7)])
def test_hours_that_are_none_are_refused(app: Any, text: str) -> None:
    with app.test_request_context(), pytest.raises(InvalidInput):
        hours_text.read(text)


def test_closing_a_day_needs_a_day(client: Any, lender: User) -> None:
    number = published(client)
    assert client.post(f"/items/{number}/hours/days/clear", data={"day": "soon"}).status_code == 422
    with transaction():
        openings.set_day(number, date(2026, 3, 12), [])
    assert "closed" in client.get(f"/items/{number}/hours").text


def test_a_free_day_of_the_calendar_leads_to_the_booking_with_that_day(
    client: Any, lender: User, auth: Any, factories: Any
) -> None:
    number = published(client)
    auth.login(factories.user())
    shown = page(client, number)
    assert "?month=2026-03&amp;from=2026-03-20#book" in shown
    filled = page(client, number, "?month=2026-03&from=2026-03-20")
    assert re.search(r'name="starts_on"[^>]*value="2026-03-20"', filled)
    for odd in ("&from=2026-13-45", "&from=x"):
        assert "starts_on" in page(client, number, f"?month=2026-03{odd}")


def test_the_booking_form_begins_with_a_time_at_which_it_can_be_fetched(
    client: Any, lender: User, auth: Any, factories: Any, items: Any
) -> None:
    number = published(client)
    week = {"day_1": "17-21", "day_3": "17:30-21", "day_4": "9-12", "hours_for": "handover"}
    client.post(f"/items/{number}/hours", data=week)
    items.book(number, Window(datetime(2026, 3, 12, 16, 30, tzinfo=UTC), datetime(2026, 3, 12, 20, tzinfo=UTC)))
    auth.login(factories.user())

    def begins(query: str = "") -> list[str]:
        shown = page(client, number, query)
        names = ("starts_on", "starts_time", "ends_on", "ends_time")
        return [re.search(rf'name="{name}"[^>]*value="([^"]*)"', shown).group(1) for name in names]  # type: ignore[union-attr]

    assert begins() == ["2026-03-13", "11:00", "2026-03-17", "17:00"]
    assert begins("?from=2026-03-18") == ["2026-03-19", "17:30", "2026-03-20", "09:00"]


def test_the_lender_finds_everything_from_one_page(client: Any, lender: User) -> None:
    number = published(client, arrangement="use", price="3")
    shown = client.get(f"/items/{number}/manage").text
    for path in ("edit", "rules", "hours", "units/new", "prices", "labels", "calendars", "uses"):
        assert f'href="/items/{number}/{path}"' in shown, path
        assert client.get(f"/items/{number}/{path}").status_code == 200, path
    label = client.get(f"/items/{number}/labels").text
    assert re.search(r"<strong>[^<]+</strong><br><code>", label), (
        "the only unit is called as the thing, which is said once"
    )
