"""Renting on a site that takes no payments: the price is agreed on here and settled between the two."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from marketplace.database import db
from marketplace.testing.clients import page_text
from marketplace.testing.factories import Factories
from plugins.sharing.loan import handovers, loans
from plugins.sharing.loan.loan_forms import wish_query
from tests.plugins.sharing.loan_world import Lending
from tests.plugins.sharing.test_loan_pages import ZONE, logged_in

SETTLED = "This site takes no payments: you settle the price between the two of you."


@pytest.fixture
def lending(make_app: Callable[..., Flask], frozen: Any) -> Iterator[Lending]:
    """Give a lender and a borrower on a site without payments."""
    app = make_app(payments=False)
    with app.app_context():
        yield Lending(app, Factories(), frozen)
        db.session.remove()


@pytest.mark.parametrize("instant", [False, True])
def test_a_rent_is_agreed_on_without_a_payment_and_ends_like_any_loan(lending: Lending, instant: bool) -> None:
    agreement = lending.agreed(lending.item(price=True, instant=instant))
    assert (agreement.state, agreement.amount_minor) == ("agreed", 2000)
    lending.to(lending.loan(agreement).starts_at)
    handovers.record(agreement.id, lending.as_lender(agreement), "out")
    lending.later(days=2)
    lending.back(agreement)
    lending.later(hours=49)
    assert lending.state(agreement) == "closed"
    assert lending.loan(agreement).settled_at is not None


def test_both_pages_say_who_settles_the_price(lending: Lending) -> None:
    item, window = lending.item(price=True), lending.window()
    client = logged_in(lending, "borrower")
    page = page_text(client.get(f"/items/{item}/book", query_string=wish_query(window, ZONE)))
    assert SETTLED in page
    assert "You pay once the lender has said yes" not in page
    agreement = loans.request(item, window, lending.borrower.id, "rent", "one")
    shown = page_text(client.get(f"/agreements/{agreement.id}"))
    assert SETTLED in shown
    assert "€20.00" in shown
