"""Time: hours that passed come from UTC, days, nights and bands from the item's zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from plugins.sharing.tariffs import Reading, Tariff, bill, from_readings
from plugins.sharing.tariffs.use import Circumstances
from tests.plugins.sharing.tariff_world import HOURS, cost, lines, tariff, used

AMSTERDAM, KOLKATA = ZoneInfo("Europe/Amsterdam"), ZoneInfo("Asia/Kolkata")
HOURLY = {"key": "time", "kind": "time", "price": "1.00", "per": "hour", "step": "hour"}
DAY_CAP = {"key": "day-cap", "amount": "10.00", "of": ["time"], "per": "day", "from": "zone"}
NIGHT = {"key": "night", "from": "22:00", "until": "06:00"}


def from_to(terms: Tariff, start: str, end: str, zone: ZoneInfo = AMSTERDAM) -> list[tuple[str, int]]:
    """Give the lines of a use between two wall-clock times."""
    first, last = (datetime.fromisoformat(shown).replace(tzinfo=zone) for shown in (start, end))
    readings = [Reading(first, "x"), Reading(last, "")]
    return lines(bill(terms, from_readings(readings, Circumstances(zone.key))))


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2026-03-28 10:00", "2026-03-30 10:00", 47),
        ("2026-10-24 10:00", "2026-10-26 10:00", 49),
        ("2028-02-28 10:00", "2028-03-01 10:00", 48),
        ("2026-02-28 10:00", "2026-03-01 10:00", 24),
    ],
    ids=["summer time begins", "summer time ends", "leap day", "no leap day"],
)
def test_hours_that_passed_are_charged_whatever_the_clocks_did(start: str, end: str, hours: int) -> None:
    assert from_to(tariff(HOURLY), start, end) == [("time", hours * 100)]


def test_a_day_of_23_hours_and_one_of_25_have_one_cap_each() -> None:
    terms = tariff(HOURLY, cap=[DAY_CAP])
    # 14 hours on the 28th, 23 on the 29th, 10 on the 30th
    assert from_to(terms, "2026-03-28 10:00", "2026-03-30 10:00")[-1] == ("day-cap", -(4 + 13) * 100)
    # 14 hours on the 24th, 25 on the 25th, 10 on the 26th
    assert from_to(terms, "2026-10-24 10:00", "2026-10-26 10:00")[-1] == ("day-cap", -(4 + 15) * 100)


def test_day_caps_counted_from_the_start_do_not_see_midnight() -> None:
    cap = {**DAY_CAP, "per": "24 h", "from": "start"}
    # 24 hours and 23 hours: ten euros each
    found = from_to(tariff(HOURLY, cap=[cap]), "2026-03-28 10:00", "2026-03-30 10:00")
    assert found == [("time", 4700), ("day-cap", -2700)]


def test_a_night_band_is_as_long_as_the_night_was() -> None:
    terms = tariff({**HOURLY, "rate": [{"key": "night", "band": "night", "price": "0.10"}]}, band=[NIGHT])
    ordinary = from_to(terms, "2026-03-20 20:00", "2026-03-21 08:00")
    shorter = from_to(terms, "2026-03-28 20:00", "2026-03-29 08:00")
    longer = from_to(terms, "2026-10-24 20:00", "2026-10-25 08:00")
    assert [found[0] for found in (ordinary, shorter, longer)] == [("time.night", n) for n in (80, 70, 90)]
    assert {found[1] for found in (ordinary, shorter, longer)} == {("time", 400)}


def test_midnight_in_kolkata_is_half_past_six_in_the_evening_of_utc() -> None:
    start = datetime(2026, 6, 1, 16, 30, tzinfo=UTC)
    terms = tariff(HOURS | {"price": "60.00"}, cap=[{**DAY_CAP, "amount": "100.00"}])
    # Two hours before midnight in Kolkata (120, of which 100) and half an hour after it (30).
    found = bill(terms, used(timedelta(minutes=150), start=start, zone="Asia/Kolkata"))
    assert lines(found) == [("time", 15000), ("day-cap", -2000)]


def test_hours_of_the_clock_in_kolkata_begin_at_the_half_hour_of_utc() -> None:
    cap = {**DAY_CAP, "key": "hour-cap", "amount": "1.00", "per": "hour"}
    # 10:15 to 11:15 in Kolkata lies in two hours of its clock; at six euros an hour each is cut to one.
    start = datetime(2026, 6, 1, 10, 15, tzinfo=KOLKATA)
    found = bill(tariff(HOURS, cap=[cap]), used(timedelta(hours=1), start=start, zone="Asia/Kolkata"))
    assert lines(found) == [("time", 600), ("hour-cap", -400)]


def test_the_hour_that_comes_twice_has_its_maximum_twice() -> None:
    cap = {**DAY_CAP, "key": "hour-cap", "amount": "1.00", "per": "hour"}
    start = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)  # 02:00, and an hour later 02:00 again
    found = bill(tariff(HOURS, cap=[cap]), used(timedelta(hours=2), start=start, zone="Europe/Amsterdam"))
    assert found.total == 200


def test_a_band_of_sundays_belongs_to_the_item_s_sunday() -> None:
    band = [{"key": "sunday", "days": ["sun"]}]
    terms = tariff({**HOURLY, "rate": [{"key": "sunday", "band": "sunday", "price": "0.00"}]}, band=band)
    saturday = datetime(2026, 6, 6, 21, tzinfo=UTC)  # 23:00 in Amsterdam, 02:30 on Sunday in Kolkata
    assert cost(terms, timedelta(hours=2), start=saturday, zone="Europe/Amsterdam") == 100
    assert cost(terms, timedelta(hours=2), start=saturday, zone="Asia/Kolkata") == 0
    assert cost(terms, timedelta(hours=2), start=saturday, zone="UTC") == 200


def test_a_band_across_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    band = [{"key": "friday-night", "days": ["fri"], "from": "20:00", "until": "04:00"}]
    terms = tariff({**HOURLY, "rate": [{"key": "night", "band": "friday-night", "price": "0.00"}]}, band=band)
    assert from_to(terms, "2026-06-05 18:00", "2026-06-06 06:00") == [("time", 400)]


@pytest.mark.parametrize(("lasts", "cents"), [(timedelta(seconds=1), 10), (timedelta(minutes=1), 10)])
def test_a_minute_is_charged_once_it_has_begun(lasts: timedelta, cents: int) -> None:
    assert cost(tariff(HOURS), lasts) == cents
    assert cost(tariff(HOURS), lasts + timedelta(minutes=1)) == cents + 10


def test_a_week_has_168_hours_and_one_week_s_cap() -> None:
    cap = {**DAY_CAP, "key": "week-cap", "amount": "100.00", "per": "week", "from": "start"}
    assert cost(tariff(HOURLY), timedelta(weeks=1)) == 16800
    assert cost(tariff(HOURLY, cap=[cap]), timedelta(weeks=1)) == 10000
    assert cost(tariff(HOURLY, cap=[cap]), timedelta(weeks=1, hours=5)) == 10500


def test_calendar_weeks_begin_on_monday_in_the_item_s_zone() -> None:
    cap = {**DAY_CAP, "key": "week-cap", "amount": "1.00", "per": "week", "from": "zone"}
    terms = tariff(HOURLY, cap=[cap])
    assert from_to(terms, "2026-06-07 22:00", "2026-06-08 02:00") == [("time", 400), ("week-cap", -200)]
    assert from_to(terms, "2026-06-08 22:00", "2026-06-09 02:00") == [("time", 400), ("week-cap", -300)]


def test_nights_are_midnights_of_the_zone_and_days_are_dates() -> None:
    nights = {"key": "nights", "kind": "nights", "price": "50.00", "least": 1}
    days = {"key": "days", "kind": "days", "price": "10.00"}
    start, end = "2026-03-28 15:00", "2026-03-30 11:00"
    assert from_to(tariff(nights, days), start, end) == [("nights", 10000), ("days", 3000)]
    assert from_to(tariff(nights, days), start, "2026-03-28 18:00") == [("nights", 5000), ("days", 1000)]
    assert from_to(tariff(days), start, "2026-03-29 00:00") == [("days", 1000)]
