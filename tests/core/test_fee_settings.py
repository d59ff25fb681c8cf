"""The fee that operators set is the fee that is taken and the one that people read, also in another currency."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask_babel import force_locale

from marketplace.errors import InvalidInput
from marketplace.money import Money
from marketplace.payments import limits
from marketplace.payments.fee_settings import fee_in_words, fee_rule, tax_rule
from marketplace.payments.fee_specs import fee_settings
from marketplace.payments.fees import FeeRule
from marketplace.settings import service as settings

PREFIX = "funding.fee"


def setting(**values: object) -> None:
    """Set the parts of a fee as an operator does."""
    for part, value in values.items():
        settings.set_value(f"{PREFIX}_{part}", str(value), None)


def test_each_part_of_the_rule_is_the_operators(app: Flask) -> None:
    setting(percent="7.5", fixed="0.25", minimum="0.50", maximum="9", owner_pays_provider="on", on_total="on")
    assert fee_rule(PREFIX) == rule(
        "7.5", fixed=25, minimum=50, maximum=900, owner_pays_provider=True, on_total=True, tax_included=True
    )
    setting(percent="5", fixed="0", minimum="0", maximum="0", owner_pays_provider="", on_total="")
    assert fee_rule(PREFIX) == rule("5", owner_pays_provider=False, on_total=False, tax_included=True)
    assert fee_rule(PREFIX, "EUR") == fee_rule(PREFIX)


def test_amounts_in_the_sites_currency_do_not_count_in_another(app: Flask) -> None:
    setting(percent="7.5", fixed="0.25", minimum="0.50", maximum="9")
    assert fee_rule(PREFIX, "USD") == FeeRule("USD", Decimal("7.5"), 0, 0, None, tax_included=True)


def test_a_highest_fee_below_the_lowest_is_the_lowest(app: Flask) -> None:
    setting(minimum="2", maximum="1")
    assert (fee_rule(PREFIX).minimum, fee_rule(PREFIX).maximum) == (200, 200)


def rule(percent: str = "0", **parts: Any) -> FeeRule:
    """Make a rule in euros."""
    return FeeRule("EUR", Decimal(percent), **parts)


@pytest.mark.parametrize(
    ("taken", "words"),
    [
        (rule(), "The platform takes no fee."),
        (rule(owner_pays_provider=True), "The platform keeps the payment provider's fee, and nothing else."),
        (rule("5"), "The platform keeps 5% of each payment."),
        (rule("2.50"), "The platform keeps 2.5% of each payment."),
        (rule("5", on_total=True), "The platform keeps 5% of the total."),
        (rule("5", fixed=25), "The platform keeps 5% of each payment plus €0.25."),
        (rule("5", fixed=25, on_total=True), "The platform keeps 5% of the total plus €0.25."),
        (rule(fixed=25), "The platform keeps €0.25 per payment."),
        (rule(minimum=50), "The platform keeps at least €0.50."),
        (
            rule("5", minimum=50, maximum=900, owner_pays_provider=True),
            "The platform keeps 5% of each payment, at least €0.50, at most €9.00, and the payment provider's fee.",
        ),
    ],
)
def test_a_fee_is_said_in_a_sentence(app: Flask, taken: FeeRule, words: str) -> None:
    with app.test_request_context():
        assert fee_in_words(taken) == words


def test_the_sentence_tells_whether_the_tax_is_in_it(app: Flask) -> None:
    settings.set_value("bills.tax_name", "VAT", None)
    settings.set_value("bills.tax_rate", "21", None)
    with app.test_request_context():
        settings.set_value("bills.tax_included", "on", None)
        assert fee_in_words(rule("5")) == "The platform keeps 5% of each payment. VAT 21 % is included."
        settings.set_value("bills.tax_included", "", None)
        assert fee_in_words(rule("5")) == "The platform keeps 5% of each payment. VAT 21 % is added."
    assert (tax_rule().rate, tax_rule().name, tax_rule().included) == (Decimal(21), "VAT 21 %", False)


def test_without_a_rate_the_tax_has_no_name(app: Flask) -> None:
    settings.set_value("bills.tax_name", "VAT", None)
    settings.set_value("bills.tax_rate", "0", None)
    assert (tax_rule().rate, tax_rule().name) == (Decimal(0), "")


OWN = "Not for payments in another currency than the site's."
FORM = [
    ("x_percent", "decimal", "3", 0, 50, "Platform fee in per cent",
     "Frozen into what is published or agreed; later changes only touch what comes later."),
    ("x_fixed", "money", 0, 0, None, "Platform fee: fixed part", f"Added to the percentage of each payment. {OWN}"),
    ("x_minimum", "money", 0, 0, None, "Platform fee: at least", f"Taken when percentage and fixed part come to less. {OWN}"),
    ("x_maximum", "money", 0, 0, None, "Platform fee: at most", f"0 means no upper limit. {OWN}"),
    ("x_on_total", "bool", False, None, None, "Take the fee once on the total",
     "Otherwise it is taken, and rounded, once for each payment."),
    ("x_owner_pays_provider", "bool", False, None, None, "The owner bears the payment provider's fee",
     "Otherwise the platform bears it. What is not known when a payment is settled stays with the platform."),
]  # fmt: skip
"""What operators fill in: the name, the kind, the first value, the bounds, and what stands beside it."""


def test_operators_fill_in_each_part_within_its_bounds(app: Flask) -> None:
    with app.test_request_context():
        shown = [
            (one.key, one.type, one.default, one.minimum, one.maximum, str(one.label), str(one.help))
            for one in fee_settings("x", "Fees", "3")
        ]
    assert shown == FORM
    assert {one.group for one in fee_settings("x", "Fees")} == {"Fees"}
    assert fee_settings("x", "Fees")[0].default == "0"


def test_amounts_that_no_bank_takes_are_refused_with_the_bound(app: Flask) -> None:
    limits.check(Money(50, "EUR"))
    limits.check(Money(99_999_999, "EUR"))
    for minor, sentence in (
        (49, "The least amount that can be paid is €0.50."),
        (100_000_000, "The most that can be paid at once is €999,999.99."),
    ):
        with pytest.raises(InvalidInput) as caught:
            limits.check(Money(minor, "EUR"))
        assert {field: str(why) for field, why in caught.value.errors.items()} == {"amount": sentence}
    with app.test_request_context(), force_locale("nl"), pytest.raises(InvalidInput) as caught:
        limits.check(Money(100_000_000, "EUR"))
    assert "€\u00a0999.999,99" in str(caught.value.errors["amount"])
