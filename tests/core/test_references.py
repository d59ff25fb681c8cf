"""Creditor references and account numbers: made so that one wrong digit is seen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.payments.offline.reference import (
    NotAnAccount,
    account_number,
    creditor_reference,
    in_groups,
    read_reference,
)


def test_the_example_of_the_standard_has_its_check_digits():
    assert creditor_reference(539007547034) == "RF18539007547034"


@given(st.integers(1, 10**18))
def test_a_reference_is_read_back_however_it_is_spaced(number):
    reference = creditor_reference(number)
    assert len(reference) <= 25
    assert read_reference(in_groups(reference).lower()) == number


@given(st.integers(1, 10**12), st.data())
def test_one_wrong_digit_is_seen(number, data):
    reference = creditor_reference(number)
    place = data.draw(st.integers(2, len(reference) - 1))
    digit = data.draw(st.sampled_from([sign for sign in "0123456789" if sign != reference[place]]))
    assert read_reference(reference[:place] + digit + reference[place + 1 :]) is None


@given(st.integers(10, 10**12), st.data())
def test_two_digits_that_changed_places_are_seen(number, data):
    reference = creditor_reference(number)
    place = data.draw(st.integers(4, len(reference) - 2))
    swapped = reference[:place] + reference[place + 1] + reference[place] + reference[place + 2 :]
    if swapped != reference:
        assert read_reference(swapped) is None


@pytest.mark.parametrize(
    "text", ["", "RF", "RF18", "hello", "RF18 5390 0754 703A", "RF18\u0665390", "5390 0754 7034", "RF" + "9" * 40]
)
def test_what_is_no_reference_is_none(text):
    assert read_reference(text) is None


def test_a_reference_needs_a_number():
    with pytest.raises(ValueError, match="above zero"):
        creditor_reference(0)


@pytest.mark.parametrize(
    "text", ["NL91 ABNA 0417 1643 00", "be68 5390 0754 7034", "DE89370400440532013000", "GB29 NWBK 6016 1331 9268 19"]
)
def test_account_numbers_of_several_countries_are_taken(text):
    assert account_number(text) == text.replace(" ", "").upper()


@pytest.mark.parametrize(
    "text", ["", "NL91ABNA0417164301", "NL91ABNA041716430", "XX00", "NL91 ABNA 0417 1643 00 0", "4111111111111111"]
)
def test_a_wrong_account_number_is_refused(text):
    with pytest.raises(NotAnAccount):
        account_number(text)
