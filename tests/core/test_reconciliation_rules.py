"""Each kind of the provider's own entries is booked by its rule, and each difference named by its cause."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.ledger import service as ledger
from marketplace.ledger.export import journal
from marketplace.ledger.reading import snapshot
from marketplace.payments.reconciliation import books, findings
from marketplace.payments.reconciliation.models import Difference, ProviderEntry
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from tests.core.ledger_books import BANK, CLEARING, COSTS

BANKS, COST, THERE = BANK.code, COSTS.code, CLEARING.code


def entry(kind: str, minor: int, fee: int = 0, **more: Any) -> ProviderEntry:
    """Give an entry of the provider's balance."""
    facts: dict[str, Any] = {"subject": "po_1", "ref": "txn_1", "subject_kind": "payout", "currency": "EUR", **more}
    at = clock.now()
    return ProviderEntry(gateway="stripe", kind=kind, amount_minor=minor, fee_minor=fee, at=at, seen_at=at, **facts)


@pytest.mark.parametrize(
    ("kind", "minor", "fee", "line"),
    [
        ("payout", -3000, 0, ("po_1:paid_out", "Paid to our bank by the provider", BANKS, THERE, 3000)),
        ("payout", -3000, 25, ("po_1:paid_out", "Paid to our bank by the provider", BANKS, THERE, 3025)),
        ("payout_failure", 3000, 0, ("po_1:came_back", "A pay-out to our bank that came back", THERE, BANKS, 3000)),
        ("payout_cancel", 3000, 0, ("po_1:came_back", "A pay-out to our bank that was cancelled", THERE, BANKS, 3000)),
        ("topup", 500, 0, ("po_1:topped_up", "Sent from our bank to the provider", THERE, BANKS, 500)),
        ("topup_reversal", -500, 0, ("po_1:came_back", "A top-up that came back", BANKS, THERE, 500)),
        ("stripe_fee", -70, 0, ("txn_1:fee", "The provider's bill", COST, THERE, 70)),
        ("tax_fee", -15, 0, ("txn_1:fee", "Tax on the provider's bill", COST, THERE, 15)),
    ],
)
def test_what_only_the_balance_tells_is_booked_once_by_its_rule(
    app: Flask, kind: str, minor: int, fee: int, line: tuple[object, ...]
) -> None:
    for _time in range(2):
        with transaction():
            assert books.book(entry(kind, minor, fee))
    refresh()
    with snapshot() as connection:
        rows = [(one.key, one.description, one.debit, one.credit, one.amount) for one in journal(connection)]
    assert rows == [line]


@pytest.mark.parametrize(("kind", "minor", "fee"), [("charge", 500, 0), ("adjustment", -5, 0), ("payout", -25, -25)])
def test_what_has_no_rule_or_moves_nothing_is_not_booked(app: Flask, kind: str, minor: int, fee: int) -> None:
    with transaction():
        assert not books.book(entry(kind, minor, fee))
    refresh()
    assert ledger.totals() == []


@dataclass
class Sides:
    """What the two sides say of an object."""

    subject: str
    theirs: int
    ours: int
    currency: str = "EUR"


def differing() -> list[tuple[str, str, str, int, int, str]]:
    """Give the differences with their states and causes."""
    refresh()
    rows = db.session.scalars(select(Difference).order_by(Difference.id))
    return [(row.subject, row.state, row.kind, row.theirs_minor, row.ours_minor, row.why) for row in rows]


@pytest.mark.parametrize(
    ("kind", "fee", "sides", "found"),
    [
        ("charge", 30, Sides("pi_1", 970, 1000), ("amount", "fee_not_booked")),
        ("charge", 0, Sides("pi_1", 970, 1000), ("amount", "")),
        ("charge", 0, Sides("pi_1", 1000, 0), ("unknown_here", "not_asked_by_us")),
        ("payment", 0, Sides("pi_1", 1000, 0), ("unknown_here", "not_asked_by_us")),
        ("refund", 0, Sides("pi_1", -1000, 0), ("unknown_here", "refunded_elsewhere")),
        ("payment_refund", 0, Sides("pi_1", -1000, 0), ("unknown_here", "refunded_elsewhere")),
        ("adjustment", 0, Sides("pi_1", -1000, 0), ("unknown_here", "")),
        ("charge", 0, Sides("pi_2", 0, 1000), ("unknown_there", "other_account")),
    ],
)
def test_a_difference_is_named_by_its_kind_and_its_cause(
    app: Flask, kind: str, fee: int, sides: Sides, found: tuple[str, str]
) -> None:
    with transaction() as session:
        session.add(entry(kind, 1000, fee, subject="pi_1"))
    assert findings.write("stripe", [sides], entries_known={"pi_1"}) == 1
    assert differing() == [(sides.subject, "open", found[0], sides.theirs, sides.ours, found[1])]


def test_a_difference_stays_until_it_is_mended_or_settled_and_comes_back_with_other_figures(
    app: Flask, factories: Factories
) -> None:
    operator = factories.operator().id
    one, two = Sides("pi_1", 900, 1000), Sides("pi_2", 5, 7)
    assert findings.write("stripe", [one, two], entries_known={"pi_1", "pi_2"}) == 2
    assert findings.write("stripe", [one, two], entries_known={"pi_1", "pi_2"}) == 2
    assert findings.open_subjects("stripe") == {"pi_1", "pi_2"}
    assert findings.open_subjects("other") == set()
    first = db.session.scalars(select(Difference.id).where(Difference.subject == "pi_1")).one()
    settled = findings.settle(first, operator, "  agreed by phone  ")
    assert (settled.state, settled.reason, settled.actor_id) == ("settled", "agreed by phone", operator)
    assert findings.write("stripe", [one], entries_known={"pi_1"}) == 0
    assert [row[:2] for row in differing()] == [("pi_1", "settled"), ("pi_2", "gone")]
    assert findings.write("stripe", [Sides("pi_1", 800, 1000)], entries_known={"pi_1"}) == 1
    assert [(row[0], row[1], row[3]) for row in differing()] == [
        ("pi_1", "gone", 900), ("pi_2", "gone", 5), ("pi_1", "open", 800),
    ]  # fmt: skip
    assert findings.get(first).reason == "agreed by phone"


def test_the_totals_have_a_difference_of_their_own_for_each_currency(app: Flask) -> None:
    findings.write_balance("stripe", {"EUR": (5, 7), "USD": (1, 2)})
    findings.write("stripe", [], entries_known=set())
    assert findings.open_subjects("stripe") == set()
    findings.write_balance("stripe", {"EUR": (5, 8)})
    assert differing() == [("balance", "open", "balance", 5, 8, ""), ("balance", "gone", "balance", 1, 2, "")]


def test_what_moved_is_counted_from_the_very_first_booking_and_young_ones_wait(app: Flask) -> None:
    now = clock.now()
    assert books.moved_since("stripe", 0, now + timedelta(hours=1)) == (set(), 0)
    with transaction():
        assert books.book(entry("topup", 500))
    refresh()
    _moved, newest = books.moved_since("stripe", 0, now)
    assert newest > 0
    assert books.moved_since("stripe", 0, now - timedelta(seconds=1)) == (set(), newest)
    assert books.moved_since("stripe", 0, now + timedelta(hours=1)) == ({"po_1"}, newest)
    assert books.moved_since("stripe", newest, now + timedelta(hours=1)) == (set(), newest)
    assert books.moved_since("other", 0, now + timedelta(hours=1)) == (set(), newest)
