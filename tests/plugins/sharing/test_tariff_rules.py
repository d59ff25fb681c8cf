"""Each rule of a tariff by itself: steps, allowances, blocks, caps, minimum, packages, discounts, fees, taxes, plans."""

from datetime import timedelta
from decimal import Decimal

import pytest

from plugins.sharing.tariffs import bill
from tests.plugins.sharing.tariff_world import HOURS, KM, MONDAY, cost, lines, tariff, used

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
PARKING = {"key": "parking", "kind": "time", "price": "0.10", "per": "minute", "step": "5 min"}


@pytest.mark.parametrize(("km", "step", "steps"), [("2.1", "0.7", 3), ("4.23", "0.1", 43), ("0.3", "0.1", 3)])
def test_steps_are_counted_in_decimals_and_never_in_floats(km: str, step: str, steps: int) -> None:
    terms = tariff(KM | {"step": step, "price": "1.00", "per": step})
    assert cost(terms, HOUR, km=km) == steps * 100


def test_42_minutes_of_parking_by_five_are_45() -> None:
    (line,) = bill(tariff(PARKING), used(42 * MINUTE)).lines
    assert (line.amount, line.facts["used"], line.facts["charged"]) == (450, "2520", "2700")


def test_steps_round_up_the_total_and_not_each_stretch() -> None:
    parts = [("driving", 90 * timedelta(seconds=1)), ("parked", MINUTE)] * 3
    terms = tariff(PARKING | {"states": ["driving"], "step": "minute"}, states=["driving", "parked"])
    assert cost(terms, *parts) == 50


def test_a_line_is_rounded_once_half_up() -> None:
    assert cost(tariff(KM | {"price": "0.42"}), HOUR, km="4.3") == 181
    assert cost(tariff(KM | {"price": "0.005"}), HOUR, km="1") == 1
    assert cost(tariff(KM | {"price": "0.005"}), HOUR, km="0.99") == 0
    assert cost(tariff(HOURS | {"per": "7 min", "price": "0.01", "step": "min"}), 100 * MINUTE) == 14


def test_yen_have_no_cents_and_dinars_have_thousandths() -> None:
    assert cost(tariff(KM | {"price": "30"}, currency="JPY"), HOUR, km="1.5") == 45
    assert cost(tariff(KM | {"price": "0.125"}, currency="KWD"), HOUR, km="1") == 125


def test_free_minutes_per_use_per_started_day_and_per_calendar_day() -> None:
    free = HOURS | {"free": "1 h"}
    assert cost(tariff(free), 26 * HOUR) == 25 * 600
    assert cost(tariff(free | {"free_per": "24 h"}), 26 * HOUR) == 24 * 600
    # 08:00 UTC on Monday to 10:00 on Tuesday in Amsterdam touches two dates.
    assert cost(tariff(free | {"free_per": "day"}), 25 * HOUR, zone="Europe/Amsterdam") == 23 * 600


def test_free_km_of_a_month_are_what_earlier_uses_left() -> None:
    terms = tariff(KM | {"free": 100, "free_per": "period"})
    assert cost(terms, HOUR, km="30") == 0
    assert cost(terms, HOUR, km="30", before={"distance": Decimal(90)}) == 800
    assert cost(terms, HOUR, km="30", before={"distance": Decimal(500)}) == 1200


def test_free_minutes_of_a_month_are_told_in_minutes() -> None:
    terms = tariff(HOURS | {"free": "60 min", "free_per": "period"})
    assert cost(terms, HOUR, before={"time": Decimal("45.5")}) == 460


def test_free_km_per_day_grow_with_the_days() -> None:
    assert cost(tariff(KM | {"free": 10, "free_per": "24 h"}), 25 * HOUR, km="30") == 400
    assert cost(tariff(KM | {"free": 10, "free_per": "day"}), 24 * HOUR, km="30") == 400


def test_km_have_block_prices_too() -> None:
    rates = [{"key": "first", "upto": 100, "price": "0.40"}, {"key": "next", "upto": "500", "price": "0.30"}]
    found = bill(tariff(KM | {"rate": rates, "price": "0.20"}), used(HOUR, km="600"))
    assert lines(found) == [("distance.first", 4000), ("distance.next", 12000), ("distance", 2000)]


def test_kwh_are_priced_at_the_band_in_which_they_were_taken() -> None:
    band = [{"key": "dear", "from": "08:30", "until": "24:00"}]
    terms = tariff(KM | {"rate": [{"key": "dear", "band": "dear", "price": "4.00"}]}, band=band)
    early, late = used(HOUR, km="10"), used(HOUR, km="10", start=MONDAY + HOUR)
    assert (lines(bill(terms, early)), lines(bill(terms, late))) == ([("distance", 400)], [("distance.dear", 4000)])


def test_a_cap_of_the_month_counts_what_was_billed_before() -> None:
    terms = tariff(KM | {"price": "10"}, cap=[{"key": "cap", "amount": "100", "of": ["distance"], "per": "period"}])
    found = bill(terms, used(HOUR, km="5", before={"cap": Decimal(7000)}))
    assert lines(found) == [("distance", 5000), ("cap", -2000)]
    assert found.lines[1].facts["before"] == "7000"


def test_what_an_outer_cap_cuts_is_one_line_and_inner_caps_show_where_they_alone_cut() -> None:
    caps = [
        {"key": "hour", "amount": "5", "of": ["time"], "per": "hour"},
        {"key": "day", "amount": "20", "of": ["time"], "per": "24 h"},
        {"key": "week", "amount": "50", "of": ["time"], "per": "week"},
    ]
    terms = tariff(HOURS, cap=caps)
    assert lines(bill(terms, used(3 * HOUR))) == [("time", 1800), ("hour", -300)]
    assert lines(bill(terms, used(26 * HOUR))) == [("time", 15600), ("hour", -200), ("day", -12400)]
    assert lines(bill(terms, used(timedelta(days=6)))) == [("time", 86400), ("week", -81400)]


def test_two_states_share_a_cap_and_the_later_use_is_free() -> None:
    states = [HOURS | {"key": key, "states": [key]} for key in ("driving", "parked")]
    cap = {"key": "hour", "amount": "5", "of": ["driving", "parked"], "per": "hour"}
    found = bill(
        tariff(*states, states=["driving", "parked"], cap=[cap]), used(("driving", HOUR / 2), ("parked", HOUR / 2))
    )
    assert dict(found.nets) == {"driving": 300, "parked": 200}


def test_a_minimum_is_made_up_and_a_maximum_cut_and_tax_is_of_what_is_paid() -> None:
    tax = {"key": "vat", "of": ["time", "minimum"], "percent": 21, "included": False}
    terms = tariff(HOURS, minimum="2.00", maximum="10.00", tax=[tax])
    assert lines(bill(terms, used(10 * MINUTE))) == [("time", 100), ("minimum", 100), ("vat", 42)]
    assert lines(bill(terms, used(2 * HOUR))) == [("time", 1200), ("maximum", -200), ("vat", 210)]


def test_a_tax_that_prices_contain_is_noted_and_changes_nothing() -> None:
    terms = tariff(HOURS, tax=[{"key": "vat", "of": ["time"], "percent": 21, "included": True}])
    found = bill(terms, used(HOUR))
    assert (found.total, found.notes[0].kind, found.notes[0].facts["contained"]) == (600, "tax_contained", "104")


def test_insurance_is_charged_to_whoever_chose_it() -> None:
    terms = tariff(
        HOURS,
        {"key": "insurance", "kind": "days", "price": "2.50", "option": "insurance"},
        fee=[{"key": "cover", "of": ["time"], "percent": 10, "least": "1.00", "option": "cover"}],
    )
    assert cost(terms, HOUR) == 600
    assert cost(terms, HOUR, options=frozenset({"insurance"})) == 850
    assert cost(terms, HOUR, options=frozenset({"insurance", "cover"})) == 950


def test_a_fee_may_stand_on_an_earlier_fee_and_keeps_within_its_limits() -> None:
    fees = [
        {"key": "service", "of": ["time"], "percent": 10, "most": "1.00"},
        {"key": "handling", "of": ["time", "service"], "percent": 10},
    ]
    assert lines(bill(tariff(HOURS, fee=fees), used(2 * HOUR)))[1:] == [("service", 100), ("handling", 130)]


def test_the_highest_tier_reached_is_the_discount() -> None:
    tiers = [{"at_least": "1 d", "percent": 10}, {"at_least": "2 d", "percent": 50}]
    terms = tariff(HOURS, discount=[{"key": "long", "of": ["time"], "by": "time", "tier": tiers}])
    assert [cost(terms, timedelta(hours=hours)) for hours in (23, 24, 48)] == [13800, 12960, 14400]


def test_a_plan_lowers_prices_before_the_one_rounding() -> None:
    plans = [{"key": "gold", "percents": {"distance": "33.5"}, "waives": ["time"]}]
    (line,) = bill(tariff(HOURS, KM, plan=plans), used(HOUR, km="10", plan="gold")).lines
    assert (line.key, line.amount, line.facts["plan_percent"]) == ("distance", 266, "33.5")


def test_a_minimum_charge_covers_the_first_time_of_all_its_states_together() -> None:
    first = {"key": "first", "kind": "fixed", "price": "2.00", "covers": "30 min", "covers_of": ["driving", "parked"]}
    states = [HOURS | {"key": key, "states": [key]} for key in ("driving", "parked")]
    found = bill(
        tariff(first, *states, states=["driving", "parked"]),
        used(("driving", 20 * MINUTE), ("parked", 20 * MINUTE), ("driving", 20 * MINUTE)),
    )
    assert lines(found) == [("first", 200), ("driving", 200), ("parked", 100)]


def test_the_cheapest_packages_are_found_and_mixed() -> None:
    packages = [
        {"key": "three-hours", "price": "15.00", "time": "3 h", "of": ["time"], "quantities": {"distance": "20"}},
        {"key": "a-day", "price": "40.00", "time": "24 h", "of": ["time"], "quantities": {"distance": "100"}},
    ]
    terms = tariff(HOURS, KM, package=packages)
    assert lines(bill(terms, used(2 * HOUR, km="5"))) == [("time", 1200), ("distance", 200)]
    assert lines(bill(terms, used(3 * HOUR, km="20"))) == [("three-hours", 1500)]
    assert lines(bill(terms, used(27 * HOUR, km="120"))) == [("three-hours", 1500), ("a-day", 4000)]
    assert lines(bill(terms, used(6 * HOUR, km="50"))) == [("three-hours", 3000), ("distance", 400)]


def test_a_night_package_covers_only_the_night() -> None:
    terms = tariff(
        HOURS,
        band=[{"key": "night", "from": "22:00", "until": "06:00"}],
        package=[{"key": "night-out", "price": "10.00", "time": "8 h", "of": ["time"], "band": "night"}],
    )
    # 08:00 on Monday plus 12 hours is 20:00: two hours before the night, eight in it, one after it.
    found = bill(terms, used(11 * HOUR, start=MONDAY + 12 * HOUR))
    assert lines(found) == [("night-out", 1000), ("time", 1800)]
