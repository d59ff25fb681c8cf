"""A faulty document: every fault at once, each with the name of its field."""

import re
from pathlib import Path
from typing import Any

import pytest

from plugins.sharing.tariffs import TariffInvalid, read, read_json, read_toml
from tests.plugins.sharing.tariff_world import FILES, HOURS, KM, document, stored

BAND = {"key": "night", "from": "22:00", "until": "06:00"}
CAP = {"key": "cap", "amount": "1.00", "of": ["time"], "per": "day"}
PACKAGE = {"key": "pack", "price": "1.00", "time": "1 h", "of": ["time"]}
VAT = {"key": "vat", "of": ["time"], "percent": 21, "included": False}


def told(*components: Any, **more: Any) -> str:
    """Give what is said of a document that can't be read."""
    with pytest.raises(TariffInvalid) as caught:
        read(document(*components, **more))
    return "\n".join(map(str, caught.value.faults))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"price": "abc"}, "component[1].price: 'abc' is not a number"),
        ({"price": 0.1}, "component[1].price: 0.1 is not a number (give it as text"),
        ({"price": "-1"}, "component[1].price: -1 must lie between 0 and 1000000000000"),
        ({"price": "NaN"}, "component[1].price: NaN must lie between"),
        ({"price": "0.000000001"}, "component[1].price: 0.000000001 is more than a million times finer"),
        ({"prise": "1.00"}, "component[1].prise: is no field of this table; did you mean 'price'?"),
        ({"key": "Two Words"}, "component[1].key: 'Two Words' is no key"),
        ({"kind": "speed"}, "component[1].kind: 'speed' is none of days, fixed, nights, quantity, time"),
        ({"per": "fortnight"}, "component[1].per: 'fortnight' is no duration"),
        ({"step": "0 min"}, "component[1].step: must be more than zero"),
        ({"states": ["driving"]}, "component[1].states: 'driving' is no state of this tariff"),
        ({"states": "driving"}, "component[1].states: must be a list of keys"),
        (
            {"free": "1 h", "free_per": "moon"},
            "component[1].free_per: 'moon' is none of use, day, 24 h, period, charged",
        ),
        ({"free": "1 h", "free_per": "charged"}, "component[1].free_by: is missing"),
        ({"free": "1 h", "free_per": "charged", "free_by": "x"}, "component[1].free_by: 'x' must be a component that"),
        ({"limit": "1 h"}, "component[1].limit_per: must be a minute or longer"),
        (
            {"limit": "1 h", "limit_per": "2 h", "limit_from": "zone"},
            "component[1].limit_per: counted in the item's zone",
        ),
        ({"short_under": "5 h"}, "component[1].short_charged: is missing"),
        ({"repeats": "24 h"}, "component[1].repeats: needs blocks"),
        ({"rate": [{"key": "a", "price": "1"}]}, "component[1].rate[1].band: give either band or upto"),
        (
            {"rate": [{"key": "a", "price": "1", "band": "b"}]},
            "component[1].rate[1].band: 'b' is no band of this tariff",
        ),
        ({"rate": {"key": "a"}}, "component[1].rate: must be a list of tables"),
        ({"rate": ["a"]}, "component[1].rate[1]: must be a table"),
    ],
)
def test_a_fault_of_a_component_is_told_with_its_field(change: dict[str, Any], message: str) -> None:
    assert message in told(HOURS | change)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"currency": "euro"}, "currency: 'euro' is no ISO 4217 code such as EUR"),
        ({"format": 2}, "format: must be 1"),
        ({"minimum": "0.005"}, "minimum: 0.005 is finer than the currency's smallest coin"),
        ({"colour": "red"}, "colour: is no field of this table"),
        ({"cap": [CAP | {"of": ["tume"]}]}, "cap[1].of: 'tume' is no component of this tariff"),
        ({"cap": [CAP, CAP]}, "cap[2].key: 'cap' is taken by another part of the bill"),
        ({"cap": [CAP, CAP | {"key": "hour", "per": "h"}]}, "cap[2].per: 'cap' is longer"),
        ({"cap": [CAP | {"of": ["time", "distance"]}, CAP | {"key": "b"}]}, "cap[2].of: must name all of 'cap'"),
        ({"cap": [CAP | {"from": "moon"}]}, "cap[1].from: 'moon' is none of start, zone"),
        ({"band": [BAND | {"from": "25:00"}]}, "band[1].from: '25:00' is no time of the day"),
        ({"band": [BAND | {"days": ["someday"]}]}, "band[1].days: 'someday' is none of mon, tue"),
        ({"band": [BAND, BAND]}, "band: two bands have the same key"),
        ({"package": [PACKAGE | {"of": ["distance"]}]}, "package[1].of: 'distance' is no component of kind time"),
        ({"package": [PACKAGE | {"price": 0}]}, "package[1].price: must be more than zero"),
        ({"package": [{"key": "p", "price": 1}]}, "package[1].time: a package covers a time or quantities"),
        ({"package": [PACKAGE | {"at_most": 5000}]}, "package: 5001 combinations are more than 4096"),
        ({"discount": [{"key": "d", "of": ["time"]}]}, "discount[1].percent: give either percent or tiers"),
        ({"discount": [{"key": "d", "of": ["time"], "percent": 101}]}, "discount[1].percent: 101 is more than 100"),
        ({"fee": [{"key": "f", "of": ["g"], "percent": 1}]}, "fee[1].of: 'g' is no component, package or earlier fee"),
        ({"maximum": "9.00", "tax": [VAT]}, "tax[1].of: with a maximum, an added tax is of everything, also distance"),
        ({"plan": [{"key": "p", "percents": {"x": 5}}]}, "plan[1].percents: 'x' is no component"),
        ({"credits": ["gold"]}, "credits: 'gold' is no component"),
        ({"earned": [{"event": "e", "time": "1 h", "of": ["x"]}]}, "earned[1].of: 'x' is no component of kind time"),
        ({"reservation": {"state": "reserved"}}, "reservation.lapses_after: is missing"),
        ({"example": [{"name": "e", "use": ["3 h"], "total": 1}]}, "example[1].lines: is missing"),
        ({"example": [{"name": "e", "use": [], "lines": [["a", 1]], "total": 1}]}, "example[1].use: must be a list"),
        ({"component": []}, "component: a tariff needs at least one"),
        ({"component": [HOURS] * 51}, "component: has more than 50 entries"),
    ],
)
def test_a_fault_elsewhere_is_told_with_its_field(more: dict[str, Any], message: str) -> None:
    assert message in told(**{"component": [HOURS, KM], **more})


def test_all_faults_are_told_at_once() -> None:
    found = told(HOURS | {"price": "x", "per": "y"}, version="z")
    assert len(found.split("\n")) == 3


def test_text_that_is_neither_toml_nor_json_is_told() -> None:
    with pytest.raises(TariffInvalid, match="document: is no TOML"):
        read_toml("= 3")
    with pytest.raises(TariffInvalid, match="document: is no JSON"):
        read_json("{")
    with pytest.raises(TariffInvalid, match="document: must be a table"):
        read_json("[]")


@pytest.mark.parametrize("name", FILES)
def test_a_tariff_can_not_be_changed_once_read(name: str) -> None:
    with pytest.raises(AttributeError):
        stored(name).components[0].price = 0  # type: ignore[misc, assignment]


def test_the_documented_example_is_a_tariff_whose_examples_hold() -> None:
    text = (Path(__file__).parents[3] / "docs" / "plugins" / "tariffs.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"(?ms)^```toml\n(.*?)^```$", text)
    assert read_toml(example).check() == ()
