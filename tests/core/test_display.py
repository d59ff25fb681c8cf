"""Amounts, dates, distances and names read the way people in the site's languages write them."""

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import g

from marketplace import clock, display

NOON = datetime(2026, 12, 11, 12, 0, tzinfo=UTC)


@pytest.fixture
def database(worker_databases):
    """Nothing here touches a table, so one database is enough."""
    return worker_databases("sqlite")


@pytest.fixture
def speaking(app):
    """Open a request in a language: `with speaking("nl"):`."""

    def request(code: str):
        return app.test_request_context(f"/?lang={code}")

    return request


@pytest.mark.parametrize(
    ("language", "minor", "currency", "text"),
    [
        ("en", 1800, "EUR", "€18"),
        ("en", 1850, "EUR", "€18.50"),
        ("nl", 1800, "EUR", "€\u00a018"),
        ("nl", 123456700, "EUR", "€\u00a01.234.567"),
        ("nl", -1890, "EUR", "€\u00a0-18,90"),
        ("en", 500, "JPY", "JP¥500"),
        ("en", 0, "EUR", "€0"),
    ],
)
def test_amounts_follow_the_language_and_drop_needless_zeros(speaking, language, minor, currency, text) -> None:
    with speaking(language):
        assert display.money(minor, currency) == text


def test_amounts_on_bills_keep_their_cents(speaking) -> None:
    with speaking("nl"):
        assert display.money(1800, "EUR", exact=True) == "€\u00a018,00"


def test_times_are_shown_in_the_zone_of_the_site(speaking) -> None:
    with speaking("en"):
        assert display.datetime_text(NOON) == "11 Dec 2026, 13:00"
        assert display.date(datetime(2026, 12, 11, 23, 30, tzinfo=UTC)) == "12 December 2026"


def test_dutch_pages_show_dutch_months(speaking) -> None:
    with speaking("nl"):
        assert display.date(NOON) == "11 december 2026"


def test_a_day_without_time_stays_that_day(speaking) -> None:
    with speaking("en"):
        assert display.date(date(2026, 12, 11)) == "11 December 2026"


def test_nothing_is_written_for_what_is_not_known(speaking) -> None:
    with speaking("en"):
        assert [display.date(None), display.datetime_text(None), display.relative(None), display.days_left(None)] == [
            ""
        ] * 4
        assert [display.distance(None), display.number(None), display.time_tag(None)] == [""] * 3


@pytest.mark.parametrize(
    ("ahead", "text"),
    [
        (timedelta(days=11, hours=3), "11 days left"),
        (timedelta(days=1), "1 day left"),
        (timedelta(hours=23), "23 hours left"),
        (timedelta(minutes=5), "5 minutes left"),
        (timedelta(seconds=10), "1 minute left"),
        (timedelta(0), "Ended"),
    ],
)
def test_time_left_is_told_in_its_largest_unit(speaking, ahead: timedelta, text: str) -> None:
    with clock.frozen(NOON), speaking("en"):
        assert display.days_left(NOON + ahead) == text


def test_a_time_element_carries_the_instant(speaking) -> None:
    with clock.frozen(NOON), speaking("en"):
        tag = display.time_tag(NOON - timedelta(days=3), "relative")
        assert tag == '<time datetime="2026-12-08T12:00:00Z" title="8 Dec 2026, 13:00">3 days ago</time>'


@pytest.mark.parametrize(
    ("metres", "text"),
    [(12, "50 m"), (449, "450 m"), (980, "1 km"), (1440, "1.4 km"), (9940, "9.9 km"), (14800, "15 km")],
)
def test_distances_are_as_vague_as_people_say_them(speaking, metres: float, text: str) -> None:
    with speaking("en"):
        assert display.distance(metres).replace("\u00a0", " ") == text


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Fenna de Wit", "FW"),
        ("sanne", "S"),
        ("Ruben Visser", "RV"),
        ("", "?"),
        (None, "?"),
        ("(Zoë) Özil", "Ö"),
        ("李 明", "李明"),
    ],
)
def test_initials_stand_for_a_person(name: str | None, letters: str) -> None:
    assert display.initials(name) == letters


def test_the_language_is_chosen_once_for_a_request(speaking) -> None:
    with speaking("nl"):
        assert display.locale_code() == "nl"
        assert str(g._flask_babel.babel_locale) == "nl"


def test_attributes_are_escaped_and_left_out_when_empty() -> None:
    written = display.attributes({"class_": "a", "aria_label": '"x"', "hidden": True, "title": None, "open": False})
    assert written == ' class="a" aria-label="&#34;x&#34;" hidden'
