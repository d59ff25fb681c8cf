"""What members read of a tariff: no condition of a price stays unsaid."""

import pytest
from flask import Flask
from flask_babel import force_locale

from plugins.sharing.price import price_words
from plugins.sharing.price.simple_tariffs import SimplePrices
from plugins.sharing.price.simple_tariffs import document as simple
from plugins.sharing.tariffs import Tariff, read
from tests.plugins.sharing.tariff_world import HOURS, KM, stored, tariff


def told(app: Flask, terms: Tariff, language: str = "en") -> dict[str, str]:
    with app.test_request_context(), force_locale(language):
        return {row.label: row.detail.replace("\xa0", " ") for row in price_words.price_rows(terms)}


@pytest.mark.parametrize(
    ("name", "label", "words"),
    [
        ("greenwheels", "Time", "€3.60 / hour, per started quarter of an hour, at most 10 h charged per 24 h"),
        ("car2go", "Distance", "€0.29 / km, 50 km included"),
        ("car2go", "Maximum per day", "at most €59.00 per 24 h for driving, parked"),
        ("car2go", "Driving", "€0.29 / minute"),
        ("charging-post", "Standing", "€0.15 / minute, while full, per started 5 min, 30 min included"),
        ("quicar", "First 30 minutes", "€6.00, covers 30 min"),
        ("quicar", "Refuelling", "10 min free each time"),
        ("snappcar", "Days", "€40.00 / day, under 5 h charged as 12 h"),
        ("snappcar", "Distance", "€0.15 / km, 200 km included for each charged day"),
        ("snappcar", "Renter's fee", "5% of days"),
        (
            "blocks",
            "Hours",
            "€4.00 / hour up to 6 h, €2.00 / hour up to 11 h, €0.00 / hour up to 1 day, anew every 24 h",
        ),
        (
            "charging-post",
            "Energy",
            "€0.385 / kWh, Weekend (Sa, Su): €0.29, Night (23:00–07:00): €0.245, 5 kWh included per billing period",
        ),
        ("cargo-bike", "Half a day", "€8.00 for 5 h"),
        ("guest-room", "Nights", "€50.00 / night, Weekend (Fr, Sa): €65.00, at least 1 night charged"),
        ("guest-room", "Service", "6% of cleaning, nights, at least €5.00, at most €60.00"),
    ],
)  # fmt: skip
def test_each_condition_of_a_price_is_said(app: Flask, name: str, label: str, words: str) -> None:
    assert told(app, stored(name))[label] == words


def test_what_is_included_each_day_of_a_lenders_form_is_said_so(app: Flask) -> None:
    asked = SimplePrices(hour=1800, day=6000, per_unit=29, unit="km", free_units=50, step="minute")
    with app.test_request_context():
        terms = read(simple(asked, "EUR", "Splitter"))
        examples = price_words.examples(terms)
    found = told(app, terms)
    assert found["Distance"] == "€0.29 / km, 50 km included per 24 h"
    assert found["Day"] == "€60.00 for 1 day"
    assert [(one.name, one.use) for one in examples][:2] == [("", "1 h, 70 km"), ("", "3 h, 70 km")]


def test_a_name_that_somebody_wrote_stays(app: Flask) -> None:
    example = {"name": "An evening", "use": ["2 h"], "lines": [["time", "12.00"]], "total": "12.00"}
    with app.test_request_context():
        (one,) = price_words.examples(tariff(HOURS, KM, example=[example]))
    assert (one.name, one.use) == ("An evening", "2 h")


def test_blocks_are_named_by_their_hours_in_each_language(app: Flask) -> None:
    with app.test_request_context(), force_locale("nl"):
        labels = [row.label for row in price_words.examples(stored("blocks"))[0].rows]
    assert labels == ["Uren (1–6)", "Uren (7–11)"]
