"""What holds for every tariff and every use: hypothesis makes both."""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from plugins.sharing.tariffs import Circumstances, Reading, Tariff, Use, bill, from_readings, planned
from plugins.sharing.tariffs.billing import assemble, begin_of
from plugins.sharing.tariffs.figures import HOUR
from plugins.sharing.tariffs.zones import Clockwork
from tests.plugins.sharing.tariff_world import tariff

quick = settings(
    max_examples=40,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
)

ZONES = ["UTC", "Europe/Amsterdam", "Asia/Kolkata", "America/New_York"]
prices = st.integers(0, 2000).map(lambda tenths: str(Decimal(tenths) / 1000))
minutes = st.integers(1, 3000)
starts = st.datetimes(datetime(2026, 3, 27), datetime(2026, 10, 27)).map(  # noqa: DTZ001 the zone follows
    lambda shown: shown.replace(tzinfo=ZoneInfo("UTC"), microsecond=0)
)
BANDS = [
    {"key": "night", "from": "22:00", "until": "06:30"},
    {"key": "weekend", "days": ["sat", "sun"]},
]


@st.composite
def timed(draw: st.DrawFn, key: str) -> dict[str, Any]:
    """Make a component of a state's time, with any rule but discounts."""
    part: dict[str, Any] = {"key": key, "kind": "time", "states": [key], "price": draw(prices), "per": "minute"}
    part["step"] = draw(st.sampled_from(["min", "5 min", "quarter", "h"]))
    if draw(st.booleans()):
        part |= {"free": f"{draw(st.integers(1, 90))} min", "free_per": draw(st.sampled_from(["use", "24 h", "day"]))}
    if draw(st.booleans()):
        part |= {"limit": f"{draw(st.integers(1, 12))} h", "limit_per": "24 h"}
    rates = draw(st.sampled_from(["none", "bands", "blocks"]))
    if rates == "bands":
        part["rate"] = [{"key": band["key"], "band": band["key"], "price": draw(prices)} for band in BANDS]
    if rates == "blocks":
        part["rate"] = [
            {"key": "one", "upto": "2 h", "price": draw(prices)},
            {"key": "two", "upto": "9 h", "price": "0"},
        ]
        part["repeats"] = "24 h"
    return part


OF = ["driving", "parked"]
PACKAGES = [
    {"key": "some", "price": "3.00", "time": "2 h", "of": OF, "quantities": {"distance": 10}, "at_most": 3},
    {"key": "many", "price": "9.00", "time": "12 h", "of": OF, "at_most": 2},
    {"key": "dark", "price": "2.00", "time": "6 h", "of": ["driving"], "band": "night", "at_most": 2},
    {"key": "far", "price": "5.00", "quantities": {"distance": 50}, "at_most": 2},
]


@st.composite
def caps(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Make no cap, one of an hour, or that and one of a day."""
    shared = {"of": OF, "from": draw(st.sampled_from(["start", "zone"]))}
    hour = {"key": "hour-cap", "amount": f"{draw(st.integers(0, 9))}.50", "per": "h"}
    found = [shared | hour, {"key": "day-cap", "amount": "12.34", "per": "day"} | shared]
    return found[: draw(st.integers(0, 2))]


@st.composite
def tariffs(draw: st.DrawFn, packages: bool = False) -> Tariff:
    """Make a tariff without discounts."""
    first = {"key": "first", "kind": "fixed", "price": draw(prices), "covers": "20 min", "covers_of": OF}
    km = {"key": "distance", "kind": "quantity", "register": "km", "price": draw(prices)}
    km |= {"free": draw(st.integers(0, 40)), "step": draw(st.sampled_from(["0.1", "1", "2.5"]))}
    nights = {"key": "nights", "kind": "nights", "price": draw(prices)}
    more: dict[str, Any] = {"cap": draw(caps()), "package": PACKAGES if packages else []}
    more["fee"] = [{"key": "fee", "of": ["first", *OF], "percent": draw(st.integers(0, 20))}]
    maximum = draw(st.sampled_from(["20.00", "500.00", None]))
    taxed = ["first", "distance", *OF]
    if maximum:
        more["maximum"] = maximum
        taxed += ["nights", "fee", *(str(package["key"]) for package in more["package"])]
    more["tax"] = [{"key": "vat", "of": taxed, "percent": 21, "included": draw(st.booleans())}]
    parts = [first, draw(timed("driving")), draw(timed("parked")), km, nights]
    return tariff(*parts, states=OF, band=BANDS, **more)


@st.composite
def uses(draw: st.DrawFn) -> tuple[datetime, str, list[tuple[str, int]], int]:
    """Make a start, a zone, minutes per state and tenths of km."""
    states = st.tuples(st.sampled_from(["driving", "parked"]), minutes)
    return (
        draw(starts),
        draw(st.sampled_from(ZONES)),
        draw(st.lists(states, min_size=1, max_size=4)),
        draw(st.integers(0, 2000)),
    )


def plan(case: tuple[datetime, str, list[tuple[str, int]], int], more: int = 0, further: int = 0) -> Use:
    """Plan a use, perhaps with more minutes at its end and more tenths of km."""
    start, zone, parts, tenths = case
    spent = [(state, timedelta(minutes=lasts)) for state, lasts in parts]
    spent[-1] = (spent[-1][0], spent[-1][1] + timedelta(minutes=more))
    km = {"km": Decimal(tenths + further) / 10}
    return planned(start, spent, km, about=Circumstances(zone))


@quick
@given(tariffs(), uses())
def test_the_total_is_the_sum_of_the_lines_and_of_the_nets(terms: Tariff, case: Any) -> None:
    found = bill(terms, plan(case))
    assert found.total == sum(line.amount for line in found.lines) == sum(found.nets.values())
    assert all(isinstance(line.amount, int) and line.amount for line in found.lines)
    assert found.total >= 0
    assert min(found.nets.values()) >= 0


@quick
@given(tariffs(), uses(), st.integers(0, 3000), st.integers(0, 500))
def test_more_use_never_costs_less_where_there_is_no_discount(
    terms: Tariff, case: Any, more: int, further: int
) -> None:
    assert bill(terms, plan(case)).total <= bill(terms, plan(case, more, further)).total


@quick
@given(tariffs(), uses())
def test_no_window_costs_more_than_its_cap(terms: Tariff, case: Any) -> None:
    found, use = bill(terms, plan(case)), plan(case)
    net = found.nets["driving"] + found.nets["parked"]
    for cap in terms.caps:
        assert cap.window is not None
        # Counted by the clock, a use may lie in one or two windows more than its length fills.
        extra = 0 if cap.window.origin == "start" else 2 + (cap.window.length > HOUR)
        assert net <= cap.amount * (-(-(use.end - use.start) // cap.window.length) + extra)
    untaxed = sum(line.amount for line in found.lines if line.kind != "tax")
    assert terms.maximum is None or untaxed <= terms.maximum


@quick
@given(tariffs(), uses(), st.randoms(use_true_random=False))
def test_the_quote_is_the_bill_when_the_use_is_as_quoted(terms: Tariff, case: Any, chance: Any) -> None:
    start, zone, parts, tenths = case
    quote = bill(terms, plan(case))
    readings = [Reading(start, parts[0][0], {"km": Decimal(100)})]
    at, stand = start, Decimal(100) + Decimal(tenths) / 10
    for number, (state, lasts) in enumerate(parts):
        # The device reports in between too; its register moves in the first state, as in the quote.
        between = at + timedelta(minutes=lasts) * (chance.random() / 2 + 0.25)
        readings.append(Reading(between, state, {"km": stand} if number else {}))
        at += timedelta(minutes=lasts)
        following = parts[number + 1][0] if number + 1 < len(parts) else ""
        readings.append(Reading(at, following, {"km": stand}))
    unlike = {row.at: row for row in readings}
    rows = [*unlike.values(), *chance.choices(list(unlike.values()), k=3)]
    chance.shuffle(rows)
    found = bill(terms, from_readings(rows, Circumstances(zone)))
    assert found.canonical() == quote.canonical()


@settings(quick, max_examples=20)
@given(tariffs(packages=True), uses())
def test_the_combination_found_is_the_cheapest_of_all(terms: Tariff, case: Any) -> None:
    use = plan(case)
    found = bill(terms, use).total
    clock = Clockwork(use.zone, begin_of(terms, use), use.end, terms.bands)
    totals = {}
    for counts in product(*(range(package.at_most + 1) for package in terms.packages)):
        chosen = {package.key: count for package, count in zip(terms.packages, counts, strict=True)}
        totals[counts] = assemble(terms, use, chosen, clock).total
    assert found == min(totals.values())
    assert all(found <= total for counts, total in totals.items() if sum(counts) <= 1)


@settings(quick, max_examples=20)
@given(tariffs(packages=True), uses(), st.integers(0, 1000))
def test_more_use_never_costs_less_with_packages_either(terms: Tariff, case: Any, more: int) -> None:
    assert bill(terms, plan(case)).total <= bill(terms, plan(case, more)).total


@quick
@given(tariffs(), uses())
def test_the_same_use_gives_the_same_bytes(terms: Tariff, case: Any) -> None:
    assert bill(terms, plan(case)).canonical() == bill(terms, plan(case)).canonical()
