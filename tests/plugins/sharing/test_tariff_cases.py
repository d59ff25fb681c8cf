"""The published tariffs, each from its data file alone, to the cent; examples are tests of their tariff."""

import tomllib
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from plugins.sharing.tariffs import TariffInvalid, bill, planned, read, read_toml
from plugins.sharing.tariffs.use import Circumstances
from tests.plugins.sharing.tariff_world import DATA, FILES, MONDAY, stored

# tariff, plan, parts, registers, what each component costs after discounts in plans and caps, total
CASES: list[tuple[str, str, list[tuple[str, int]], dict[str, str], dict[str, int], int]] = [
    ("greenwheels", "", [("x", 180)], {"km": "30"}, {"start": 100, "time": 1080, "distance": 1200}, 2380),
    ("greenwheels", "plan-25", [("x", 180)], {"km": "30"}, {"time": 756, "distance": 840}, 1596),
    ("greenwheels", "", [("x", 1440)], {"km": "100"}, {"start": 100, "time": 3600, "distance": 4000}, 7700),
    ("car2go", "", [("driving", 20)], {"km": "8"}, {"driving": 580}, 580),
    ("car2go", "", [("driving", 60)], {"km": "30"}, {"driving": 1490}, 1490),
    ("car2go", "", [("driving", 300)], {"km": "90"}, {"driving": 5900, "distance": 1160}, 7060),
    ("quicar", "", [("driving", 12)], {}, {"first-30-minutes": 600}, 600),
    ("quicar", "", [("driving", 30), ("parked", 60), ("driving", 10)], {},
     {"first-30-minutes": 600, "parked": 600, "driving": 200}, 1400),
    ("snappcar", "", [("x", 270)], {"km": "130"}, {"days": 2000, "distance": 450, "renters-fee": 100}, 2550),
    ("snappcar", "", [("x", 5760)], {"km": "900"}, {"days": 13600, "distance": 1500, "renters-fee": 680}, 15780),
    ("blocks", "", [("x", 560)], {}, {"hours": 3200}, 3200),
    ("sauna", "", [("x", 100)], {"kwh": "4.23"}, {"access": 250, "energy": 181, "time": 50}, 481),
]  # fmt: skip


@pytest.mark.parametrize(("name", "plan", "parts", "registers", "nets", "total"), CASES)
def test_a_published_example_comes_out_to_the_cent(
    name: str, plan: str, parts: list[tuple[str, int]], registers: dict[str, str], nets: dict[str, int], total: int
) -> None:
    spent = [(state, timedelta(minutes=minutes)) for state, minutes in parts]
    amounts = {register: Decimal(value) for register, value in registers.items()}
    found = bill(stored(name), planned(MONDAY, spent, amounts, about=Circumstances(plan=plan)))
    assert {key: amount for key, amount in found.nets.items() if amount} == nets
    assert found.total == total == sum(line.amount for line in found.lines)


@pytest.mark.parametrize("name", FILES)
def test_a_stored_tariff_has_worked_examples_and_they_hold(name: str) -> None:
    terms = stored(name)
    assert len(terms.examples) >= 2
    assert terms.check() == ()


def test_the_lines_of_a_block_tariff_say_how_many_hours_at_which_price() -> None:
    first, second = bill(stored("blocks"), planned(MONDAY, [("x", timedelta(minutes=560))])).lines
    assert (first.key, first.facts["charged"], first.facts["price"]) == ("hours.hours-1-6", "21600", "400")
    assert (second.key, second.facts["charged"], second.facts["price"]) == ("hours.hours-7-11", "14400", "200")


def test_prepaid_credits_may_pay_exactly_what_the_tariff_marks() -> None:
    found = bill(stored("blocks"), planned(MONDAY, [("x", timedelta(hours=9))]))
    assert found.credits == found.total == 3000
    assert bill(stored("sauna"), planned(MONDAY, [("x", timedelta(hours=1))])).credits == 0


def test_what_was_included_is_noted_without_an_amount() -> None:
    found = bill(stored("car2go"), planned(MONDAY, [("driving", timedelta(minutes=20))], {"km": Decimal(8)}))
    (note,) = found.notes
    assert (note.key, note.amount, note.facts["used"], note.facts["free"]) == ("distance", 0, "8", "8")


def test_a_reservation_that_was_never_driven_costs_nothing() -> None:
    found = bill(stored("car2go"), planned(MONDAY, [("reserved", timedelta(minutes=15))]))
    assert (found.total, found.lines) == (0, ())
    assert found.notes[0].facts == {"used": "900", "lapses_after": "900"}


def test_hours_and_days_count_from_the_first_drive_and_not_from_the_reservation() -> None:
    reserved, drive = ("reserved", timedelta(minutes=15)), ("driving", timedelta(minutes=60))
    assert bill(stored("car2go"), planned(MONDAY, [reserved, drive])).total == 1490


def altered(name: str, **changes: Any) -> dict[str, Any]:
    """Give the tables of a stored tariff with the first component changed."""
    data = tomllib.loads((DATA / f"{name}.toml").read_text(), parse_float=Decimal)
    data["component"][0] |= changes
    return data


def test_a_price_that_changes_is_told_line_by_line_by_its_examples() -> None:
    terms = read(altered("sauna", price="3.00"), strict=False)
    told = [str(difference) for difference in terms.check()]
    assert told[0] == (
        "example[1] (4.23 kWh, 100 minutes).lines[1]: says access 250 minor units, the tariff gives access 300 minor units"
    )
    assert told[1].startswith("example[1] (4.23 kWh, 100 minutes).total: says 481")


def test_a_tariff_whose_examples_do_not_hold_is_refused() -> None:
    with pytest.raises(TariffInvalid, match=r"example\[1\].*lines\[1\]"):
        read(altered("sauna", price="3.00"))


def test_an_example_of_a_state_without_a_price_is_a_difference() -> None:
    text = (DATA / "quicar.toml").read_text().replace('use = ["driving 12 min"]', 'use = ["flying 12 min"]')
    with pytest.raises(TariffInvalid, match="'flying' has no price in this tariff"):
        read_toml(text)
