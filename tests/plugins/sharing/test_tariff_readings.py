"""Readings: register values in any order, twice or with holes; what they say of a use, and what is refused."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from plugins.sharing.tariffs import Reading, UseInvalid, bill, from_readings
from plugins.sharing.tariffs.figures import ONE, SECOND
from tests.plugins.sharing.tariff_world import MONDAY, stored, used


def at(minutes: float, state: str = "driving", km: str = "", number: int | None = None, event: str = "") -> Reading:
    """Give a reading so many minutes after Monday morning."""
    registers = {"km": Decimal(km)} if km else {}
    return Reading(MONDAY + timedelta(minutes=minutes), state, registers, number, event)


TRIP = [
    at(0, "reserved", "1200.0", 1),
    at(10, "driving", "1200.0", 2),
    at(25, "driving", "1211.4", 3),
    at(40, "parked", "1220.5", 4),
    at(70, "driving", "", 5),
    at(90, "", "1260.5", 6),
]


def test_times_per_state_and_km_follow_from_register_values() -> None:
    use = from_readings(TRIP)
    lasted: dict[str, int] = {}
    for segment in use.segments:
        lasted[segment.state] = lasted.get(segment.state, 0) + (segment.end - segment.at) // (60 * SECOND)
    assert lasted == {"reserved": 10, "driving": 50, "parked": 30}
    assert len(use.segments) == 4
    assert sum(delta.size for delta in use.deltas["km"]) == 605 * ONE // 10
    assert use.gaps == ()


def test_readings_twice_and_in_any_order_give_the_same_bytes() -> None:
    first = bill(stored("car2go"), from_readings(TRIP)).canonical()
    mixed = TRIP + TRIP[1:4]
    for seed in range(5):
        random.Random(seed).shuffle(mixed)
        assert bill(stored("car2go"), from_readings(mixed)).canonical() == first


def test_the_same_instant_told_in_another_zone_is_the_same_reading() -> None:
    there = timedelta(hours=5, minutes=30)
    moved = [
        Reading((row.at + there).replace(tzinfo=datetime.strptime("+0530", "%z").tzinfo), row.state, row.registers)
        for row in TRIP
    ]
    assert from_readings(moved).segments == from_readings(TRIP).segments


def test_a_lost_reading_is_a_gap_with_its_name_and_registers_count_on() -> None:
    use = from_readings([row for row in TRIP if row.number != 3])
    (gap,) = use.gaps
    assert (gap.kind, gap.detail, gap.since, gap.until) == ("number", "1", TRIP[1].at, TRIP[3].at)
    assert sum(delta.size for delta in use.deltas["km"]) == 605 * ONE // 10
    whole, holed = bill(stored("car2go"), from_readings(TRIP)), bill(stored("car2go"), use)
    assert (holed.total, holed.gaps) == (whole.total, use.gaps)
    assert b'"number"' in holed.canonical()


def test_a_long_silence_is_a_gap_where_the_item_should_speak() -> None:
    (gap,) = from_readings(TRIP, silence=timedelta(minutes=20)).gaps
    assert (gap.kind, gap.detail) == ("silence", "1800")


def test_a_register_that_appears_late_is_a_gap_and_counts_from_its_first_value() -> None:
    use = from_readings([at(0), at(5, km="100"), at(10, "", "103")])
    assert [(gap.kind, gap.detail) for gap in use.gaps] == [("register", "km")]
    assert sum(delta.size for delta in use.deltas["km"]) == 3 * ONE


def test_a_register_that_is_charged_by_and_never_told_of_is_a_gap_on_the_bill() -> None:
    found = bill(stored("car2go"), from_readings([at(0), at(20, "")]))
    assert [(gap.kind, gap.detail) for gap in found.gaps] == [("absent", "km")]
    assert found.total == 580


def test_a_register_that_falls_is_refused_with_its_name_and_figures() -> None:
    with pytest.raises(UseInvalid, match=r"register 'km' fell from 105 to 104\.9 at 2026-01-05T08:10"):
        from_readings([at(0, km="100"), at(5, km="105"), at(10, "", "104.9")])


def test_two_different_readings_of_one_instant_are_refused() -> None:
    with pytest.raises(UseInvalid, match="two different readings at 2026-01-05T08:05"):
        from_readings([at(0), at(5, "parked"), at(5, "driving"), at(9)])


def test_numbers_that_run_against_time_are_refused() -> None:
    with pytest.raises(UseInvalid, match=r"reading 2 at .* comes after 3"):
        from_readings([at(0, number=1), at(5, number=3), at(6, number=2)])


def test_a_time_without_zone_a_float_and_no_reading_at_all_are_refused() -> None:
    with pytest.raises(UseInvalid, match="has no zone"):
        from_readings([Reading(MONDAY.replace(tzinfo=None), "driving")])
    with pytest.raises(UseInvalid, match="must be a Decimal"):
        from_readings([Reading(MONDAY, "driving", {"km": 0.1})])  # type: ignore[dict-item]
    with pytest.raises(UseInvalid, match="more than nine decimal places"):
        from_readings([at(0, km="0.0000000001")])
    with pytest.raises(UseInvalid, match="without use there is no charge"):
        from_readings([])


def test_what_a_tariff_does_not_know_is_refused_by_name() -> None:
    terms = stored("car2go")
    with pytest.raises(UseInvalid, match="state 'flying' has no price"):
        bill(terms, from_readings([at(0, "flying"), at(5)]))
    with pytest.raises(UseInvalid, match="plan 'gold' is not in this tariff"):
        bill(terms, used(("driving", timedelta(minutes=1)), plan="gold"))
    with pytest.raises(UseInvalid, match="option 'roof' is not in this tariff"):
        bill(terms, used(("driving", timedelta(minutes=1)), options=frozenset({"roof"})))
    with pytest.raises(UseInvalid, match="'Mars/Base' is no time zone"):
        used(("driving", timedelta(minutes=1)), zone="Mars/Base")


def test_the_running_total_is_the_bill_so_far() -> None:
    terms = stored("car2go")
    totals = [bill(terms, from_readings(TRIP[:count])).total for count in range(1, len(TRIP) + 1)]
    # The hour's maximum is not reached: 30 minutes of driving and 30 of parking are 14.40; 20 minutes of the second hour
    # cost 5.80, and 10.5 km more than included 3.05.
    assert totals == [0, 0, 435, 870, 1440, 1440 + 580 + 305]


def test_an_event_counts_once_however_often_it_is_sent() -> None:
    trip = [at(0), at(30, "parked", event="refuelled"), at(60, "")]
    assert from_readings(trip + trip).events == {"refuelled": 1}
    assert bill(stored("quicar"), from_readings(trip + trip)).total == 600 + 200


def test_the_clock_of_a_reading_may_have_fractions_of_a_second() -> None:
    half = Reading(datetime(2026, 1, 5, 8, 0, 0, 500_000, tzinfo=UTC), "driving")
    found = bill(stored("car2go"), from_readings([half, at(1, "")]))
    assert found.lines[0].facts["used"] == "59.5"
