"""Money: whole minor units of one currency, nothing lost, nothing mixed, and what people type is understood."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.money import CurrencyMismatch, Money, NotAnAmount, exponent, parse_amount, round_minor

CENTS = st.integers(-(10**12), 10**12)
CURRENCIES = st.sampled_from(["EUR", "USD", "JPY", "KWD"])
WEIGHTS = st.lists(st.integers(0, 10**6), min_size=1, max_size=30).filter(any)


def euros(minor: int) -> Money:
    return Money(minor, "EUR")


@given(CENTS, WEIGHTS)
def test_the_parts_of_a_split_add_up_exactly(minor: int, weights: list[int]) -> None:
    parts = euros(minor).split(weights)
    assert sum(part.minor for part in parts) == minor
    assert len(parts) == len(weights)


@given(CENTS, WEIGHTS)
def test_no_part_of_a_split_is_a_whole_unit_away_from_its_fair_share(minor: int, weights: list[int]) -> None:
    total = sum(weights)
    for part, weight in zip(euros(minor).split(weights), weights, strict=True):
        assert abs(part.minor - Decimal(minor) * weight / total) < 1
        assert weight or not part.minor, "who weighs nothing gets nothing"


@given(CENTS, WEIGHTS)
def test_a_split_of_a_debt_mirrors_the_split_of_a_claim(minor: int, weights: list[int]) -> None:
    assert [-part for part in euros(minor).split(weights)] == euros(-minor).split(weights)


def test_the_odd_cents_go_to_the_largest_remainders_first_come_first() -> None:
    assert [part.minor for part in euros(100).split([1, 1, 1])] == [34, 33, 33]
    assert [part.minor for part in euros(100).split([1, 2, 3])] == [17, 33, 50]


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1], [-1]])
def test_weights_that_divide_nothing_are_refused(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        euros(100).split(weights)


@given(CENTS, CENTS)
def test_adding_and_taking_away_is_exact(a: int, b: int) -> None:
    assert euros(a) + euros(b) - euros(b) == euros(a)
    assert (euros(a) < euros(b)) is (a < b)
    assert (euros(a) <= euros(b)) is (a <= b)


def test_currencies_never_meet() -> None:
    one, other = euros(1), Money(1, "USD")
    for act in (lambda: one + other, lambda: one - other, lambda: one < other, lambda: one <= other):
        with pytest.raises(CurrencyMismatch):
            act()
    assert one != other


@pytest.mark.parametrize("minor", [1.0, "1", True, None, Decimal(1)])
def test_only_whole_numbers_are_money(minor: object) -> None:
    with pytest.raises(TypeError):
        Money(minor, "EUR")  # type: ignore[arg-type]


@pytest.mark.parametrize("currency", ["eur", "EURO", "", "E1R", "EU"])
def test_a_currency_is_three_capital_letters(currency: str) -> None:
    with pytest.raises(ValueError, match="ISO 4217"):
        Money(1, currency)


@pytest.mark.parametrize(
    ("minor", "rate", "taken"),
    [(3333, "5", 167), (50, "5", 3), (10, "5", 1), (9, "5", 0), (1, "50", 1), (-50, "5", -3)],
)
def test_a_percentage_is_rounded_half_up_once(minor: int, rate: str, taken: int) -> None:
    assert euros(minor).percent(Decimal(rate)).minor == taken


def test_a_multiple_is_rounded_half_up_once() -> None:
    assert euros(333).times(3).minor == 999
    assert euros(333).times(Decimal("0.5")).minor == 167
    assert round_minor(Decimal("-0.5")) == -1


def test_each_currency_has_its_places() -> None:
    assert (exponent("EUR"), exponent("JPY"), exponent("KWD")) == (2, 0, 3)
    assert [str(Money(1234, currency)) for currency in ("EUR", "JPY", "KWD")] == ["EUR 12.34", "JPY 1234", "KWD 1.234"]
    assert bool(euros(0)) is False


@given(st.integers(0, 10**11), CURRENCIES)
def test_what_is_written_in_dutch_or_english_is_read_back(minor: int, currency: str) -> None:
    places = exponent(currency)
    plain = f"{Money(minor, currency).decimal():.{places}f}"
    english = f"{Money(minor, currency).decimal():,.{places}f}"
    dutch = english.translate(str.maketrans(",.", ".,"))
    for text in (
        plain,
        plain.replace(".", ","),
        *((english, dutch) if places in (0, 2) or minor >= 10**6 * 1000 else ()),
    ):
        assert parse_amount(text, currency).minor == minor, text


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("12,50", 1250), ("12.5", 1250), ("1.250", 125000), ("1,250", 125000), ("1.250,00", 125000), ("1,250.00", 125000),
        ("1.234.567", 123456700), ("1,234,567.8", 123456780), ("€ 5", 500), ("5 €", 500), ("1 250", 125000),
        ("1\u202f250,5", 125050), ("5,", 500), ("0,01", 1), ("0", 0), ("007", 700),
    ],
)  # fmt: skip
def test_an_amount_is_read_as_people_mean_it(text: str, minor: int) -> None:
    assert parse_amount(text, "EUR").minor == minor


@pytest.mark.parametrize(
    "text",
    ["", " ", "abc", "-5", "+5", "1e5", "12,345,6", "1.25.0", "1.234,567", "1,2345", "0.250", "01.250", ",50", "1,,5", "5..", "٣",
     "½", "1_000", "0x10", "9" * 16, "5 EUR", "1.250.00", "NaN", "Infinity"],
)  # fmt: skip
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(NotAnAmount):
        parse_amount(text, "EUR")


def test_a_mark_is_read_by_the_places_of_the_currency() -> None:
    assert parse_amount("1.250", "KWD").minor == 1250
    assert parse_amount("1.250", "JPY").minor == 1250
    with pytest.raises(NotAnAmount):
        parse_amount("12,50", "JPY")


@given(st.text(max_size=20))
def test_no_text_whatever_breaks_the_reader(text: str) -> None:
    try:
        assert parse_amount(text, "EUR").minor >= 0
    except NotAnAmount:
        assert True
