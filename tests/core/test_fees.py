"""Fees and taxes as arithmetic: cases 26 (funding) and 13 (sharing), and what must hold for any amount."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.money import CurrencyMismatch, Money
from marketplace.payments.fees import FeeAboveTotal, FeeRule, TaxRule, share_out

FIVE = FeeRule("EUR", Decimal(5))


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def rules(currency: str = "EUR", *, on_total: bool | None = None) -> st.SearchStrategy[FeeRule]:
    """Any rule whose minimum is small against the amounts of these tests."""
    return st.builds(
        lambda percent, fixed, minimum, room, total: FeeRule(
            currency, Decimal(percent) / 100, fixed, minimum, None if room is None else minimum + room,
            on_total=total if on_total is None else on_total,
        ),
        st.integers(0, 5000), st.integers(0, 50), st.integers(0, 80), st.none() | st.integers(0, 5000), st.booleans(),
    )  # fmt: skip


def test_five_per_cent_of_thirty_three_payments_is_more_than_of_their_total():
    each = sum(FIVE.commission(eur(99)).minor for _payment in range(33))
    assert (each, FIVE.commission(eur(33 * 99)).minor) == (165, 163)


def test_a_fee_on_the_total_takes_from_thirty_three_payments_what_one_payment_would_give():
    rule = FeeRule("EUR", Decimal(5), on_total=True)
    so_far, taken = eur(0), eur(0)
    for _payment in range(33):
        taken += rule.next_part(so_far, taken, eur(99))
        so_far += eur(99)
    assert taken == eur(163)


def test_fifteen_per_cent_of_110_yen_is_17():
    assert FeeRule("JPY", Decimal(15)).commission(Money(110, "JPY")) == Money(17, "JPY")


def test_the_commission_is_the_larger_of_percentage_and_minimum():
    rule = FeeRule("EUR", Decimal(10), minimum=100)
    assert [rule.commission(eur(total)).minor for total in (100, 500, 1000, 1005, 5000)] == [100, 100, 100, 101, 500]


def test_a_minimum_above_the_total_is_an_error_that_names_both():
    with pytest.raises(FeeAboveTotal) as error:
        FeeRule("EUR", Decimal(10), minimum=100).commission(eur(99))
    assert (error.value.fee, error.value.total) == (eur(100), eur(99))


def test_a_fixed_part_is_added_before_the_bounds_are_looked_at():
    rule = FeeRule("EUR", Decimal(5), fixed=25, minimum=50, maximum=1000)
    assert [rule.commission(eur(total)).minor for total in (100, 500, 1000, 100_000)] == [50, 50, 75, 1000]


def test_nothing_is_taken_of_nothing():
    assert FeeRule("EUR", Decimal(5), fixed=25, minimum=50).commission(eur(0)) == eur(0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"percent": Decimal(-1)},
        {"percent": Decimal(101)},
        {"percent": Decimal(1), "fixed": -1},
        {"percent": Decimal(1), "minimum": -1},
        {"percent": Decimal(1), "minimum": 10, "maximum": 9},
    ],
)
def test_a_rule_that_contradicts_itself_is_refused(wrong):
    with pytest.raises(ValueError, match="fee"):
        FeeRule("EUR", **wrong)


def test_a_rule_takes_nothing_of_another_currency():
    with pytest.raises(ValueError, match="EUR, not USD"):
        FIVE.commission(Money(100, "USD"))
    with pytest.raises(CurrencyMismatch):
        FeeRule("EUR", Decimal(5), on_total=True).next_part(eur(10), Money(1, "USD"), eur(10))


@given(rules(), st.integers(0, 10**9))
def test_fee_and_rest_make_up_the_total_and_neither_is_negative(rule, total):
    try:
        fee = rule.commission(eur(total))
    except FeeAboveTotal as refused:
        fee, total = refused.total, refused.fee.minor
    assert 0 <= fee.minor <= total
    assert fee.minor <= (total if rule.maximum is None else rule.maximum)


@given(rules(on_total=True), st.lists(st.integers(1, 20_000), min_size=1, max_size=40))
def test_on_the_total_the_fees_follow_the_commission_of_the_total_to_the_cent(rule, amounts):
    so_far, taken = eur(0), eur(0)
    for minor in amounts:
        part = rule.next_part(so_far, taken, eur(minor))
        assert 0 <= part.minor <= minor
        so_far, taken = so_far + eur(minor), taken + part
        assert taken <= so_far
    try:
        assert taken == rule.commission(so_far)
    except FeeAboveTotal:
        assert taken == so_far


@given(rules(on_total=False), st.integers(1, 10**6), st.integers(0, 10**6))
def test_per_payment_what_came_before_makes_no_difference(rule, minor, before):
    try:
        expected = rule.commission(eur(minor))
    except FeeAboveTotal:
        return
    assert rule.next_part(eur(before), eur(0), eur(minor)) == expected


@given(rules())
def test_the_least_amount_leaves_something_and_one_unit_less_leaves_nothing(rule):
    least = rule.least_amount()
    assert rule.commission(least) < least
    if least.minor > 1:
        below = eur(least.minor - 1)
        with suppress(FeeAboveTotal):
            assert rule.commission(below) == below


@given(rules(), st.integers(0, 3000))
def test_the_least_amount_counts_a_tax_on_top_and_every_larger_one_leaves_something_too(rule, rate):
    tax = TaxRule(Decimal(rate) / 100, "btw", included=False)
    least = rule.least_amount(tax.rate)

    def left(minor):
        net, on_top = tax.divide(rule.commission(eur(minor)))
        return minor - net.minor - on_top.minor

    assert min(left(minor) for minor in range(least.minor, least.minor + 300)) >= 1
    if least.minor > 1:
        with suppress(FeeAboveTotal):
            assert left(least.minor - 1) < 1


def test_of_a_least_fee_of_one_euro_with_21_per_cent_on_top_1_22_leaves_a_cent():
    assert FeeRule("EUR", Decimal(0), minimum=100).least_amount(Decimal(21)) == eur(122)


@given(rules(), st.none() | st.booleans())
def test_a_frozen_rule_comes_back_the_same(rule, included):
    rule = replace(rule, tax_included=included)
    assert FeeRule.thaw(rule.freeze()) == rule


def test_a_rule_frozen_before_it_said_where_the_tax_is_does_not_know_it():
    frozen = {name: value for name, value in FIVE.freeze().items() if name != "tax_included"}
    assert FeeRule.thaw(frozen).tax_included is None


@given(st.integers(0, 10**9), st.integers(0, 3000), st.booleans())
def test_tax_and_income_make_up_what_the_payee_bears(fee, rate, included):
    tax_rule = TaxRule(Decimal(rate) / 100, "btw", included)
    net, tax = tax_rule.divide(eur(fee))
    assert min(net.minor, tax.minor) >= 0
    if included:
        assert net + tax == eur(fee)
    else:
        assert net == eur(fee)
    exact = Decimal(net.minor) * tax_rule.rate / 100
    assert abs(Decimal(tax.minor) - exact) <= 1


def test_21_per_cent_in_2_50_is_43_cents_and_on_top_of_it_53():
    assert TaxRule(Decimal(21), "btw 21 %").divide(eur(250)) == (eur(207), eur(43))
    assert TaxRule(Decimal(21), "btw 21 %", included=False).divide(eur(250)) == (eur(250), eur(53))


def test_six_cents_over_three_with_a_minimum_of_five_go_to_one_and_the_winner_rotates():
    rounds = [share_out(eur(6), [1, 1, 1], eur(5), turn) for turn in range(3)]
    assert [[part.minor for part in parts] for parts in rounds] == [[6, 0, 0], [0, 6, 0], [0, 0, 6]]
    assert sum(part.minor for parts in rounds for part in parts) == 18


def test_less_than_the_minimum_is_given_to_nobody_and_kept():
    assert share_out(eur(4), [1, 1, 1], eur(5)) == [eur(0)] * 3
    assert share_out(eur(4), [0, 0], eur(1)) == [eur(0)] * 2


@given(
    st.integers(0, 10_000),
    st.lists(st.integers(0, 50), min_size=1, max_size=8),
    st.integers(0, 500),
    st.integers(0, 20),
)
def test_what_is_shared_out_adds_up_and_no_part_is_below_the_minimum(amount, weights, minimum, turn):
    parts = share_out(eur(amount), weights, eur(minimum), turn)
    given_out = sum(part.minor for part in parts)
    assert given_out == (amount if amount >= minimum and any(weights) else 0)
    assert all(part.minor >= minimum or part.minor == 0 for part in parts)
    assert all(part.minor == 0 for part, weight in zip(parts, weights, strict=True) if weight == 0)


@given(st.integers(5, 9), st.integers(2, 6))
def test_over_as_many_rounds_as_there_are_members_everybody_gets_the_same(amount, members):
    rounds = [share_out(eur(amount), [1] * members, eur(5), turn) for turn in range(members)]
    assert {sum(parts[member].minor for parts in rounds) for member in range(members)} == {amount}
