"""The journal letter by letter: three forms of the same small books, read in batches, with words that try to break out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError

from marketplace.ledger import accounts, errors, export, service
from marketplace.ledger.transfers import TransferSpec
from marketplace.money import Money
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from tests.core.ledger_books import eur, move
from tests.core.ledger_deals import strike

NASTY = '=He said "no" (1); \\ done\r\n2026-01-01 open X'


@pytest.fixture
def books(factories: Factories, frozen: FrozenClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Book a charge with its fee, a hold that is half taken, a correction, and yen; the batches hold one transaction each."""
    monkeypatch.setattr(export, "BATCH", 1)
    strike(factories)
    clearing, held = accounts.provider_clearing("stripe", "EUR"), accounts.agreement_held(7, "EUR")
    fees = accounts.platform_fees("EUR")
    frozen.at("2026-11-20T12:00:00")
    lines = [move(clearing, held, 5000), move(held, fees, 250)]
    service.post("pi_1:(succeeded)", lines, description=NASTY, agreement_id=7, payment_id=3)
    (hold,) = service.hold("hold", clearing, held, eur(700), description="Hold", agreement_id=8).transfer_ids
    frozen.at("2026-11-21T23:30:00")
    service.post_pending("taken", hold, eur(300), description="Taken")
    service.reverse("pi_1:(succeeded)", "undone", description="Undo")
    yen = TransferSpec(accounts.provider_fees("JPY"), accounts.provider_clearing("stripe", "JPY"), Money(80, "JPY"))
    service.post("yen", [yen], description="Fee")


CSV = """\
transaction,key,at,description,reverses,agreement,payment,line,transfer,phase,resolves,debit,credit,currency,amount
1,pi_1:(succeeded),2026-11-20T12:00:00+00:00,"'=He said ""no"" (1); \\ done\r\n2026-01-01 open X",,7,3,1,1,posted,,\
provider:stripe:clearing:EUR,agreement:7:held:EUR,EUR,50.00
1,pi_1:(succeeded),2026-11-20T12:00:00+00:00,"'=He said ""no"" (1); \\ done\r\n2026-01-01 open X",,7,3,2,2,posted,,\
agreement:7:held:EUR,platform:fees:EUR,EUR,2.50
2,hold,2026-11-20T12:00:00+00:00,Hold,,8,,1,3,pending,,provider:stripe:clearing:EUR,agreement:7:held:EUR,EUR,7.00
3,taken,2026-11-21T23:30:00+00:00,Taken,,8,,1,4,post,3,provider:stripe:clearing:EUR,agreement:7:held:EUR,EUR,3.00
4,undone,2026-11-21T23:30:00+00:00,Undo,1,7,3,1,5,posted,,platform:fees:EUR,agreement:7:held:EUR,EUR,2.50
4,undone,2026-11-21T23:30:00+00:00,Undo,1,7,3,2,6,posted,,agreement:7:held:EUR,provider:stripe:clearing:EUR,EUR,50.00
5,yen,2026-11-21T23:30:00+00:00,Fee,,,,1,7,posted,,provider:fees:JPY,provider:stripe:clearing:JPY,JPY,80
"""

HLEDGER = """\
2026-11-20 * (pi_1: succeeded) =He said "no"  1   \\ done  2026-01-01 open X
    ; agreement:7
    ; payment:3
    assets:provider:stripe:clearing:EUR  EUR 50.00
    liabilities:agreement:7:held:EUR  EUR -50.00
    liabilities:agreement:7:held:EUR  EUR 2.50
    income:platform:fees:EUR  EUR -2.50

2026-11-21 * (taken) Taken
    ; agreement:8
    assets:provider:stripe:clearing:EUR  EUR 3.00
    liabilities:agreement:7:held:EUR  EUR -3.00

2026-11-21 * (undone) Undo
    ; agreement:7
    ; payment:3
    income:platform:fees:EUR  EUR 2.50
    liabilities:agreement:7:held:EUR  EUR -2.50
    liabilities:agreement:7:held:EUR  EUR 50.00
    assets:provider:stripe:clearing:EUR  EUR -50.00

2026-11-21 * (yen) Fee
    expenses:provider:fees:JPY  JPY 80
    assets:provider:stripe:clearing:JPY  JPY -80

"""

BEANCOUNT = """\
2026-11-20 open Assets:Provider:Stripe:Clearing:EUR  EUR
  code: "provider:stripe:clearing:EUR"
2026-11-20 open Liabilities:Agreement:7:Held:EUR  EUR
  code: "agreement:7:held:EUR"
2026-11-20 open Income:Platform:Fees:EUR  EUR
  code: "platform:fees:EUR"
2026-11-21 open Expenses:Provider:Fees:JPY  JPY
  code: "provider:fees:JPY"
2026-11-21 open Assets:Provider:Stripe:Clearing:JPY  JPY
  code: "provider:stripe:clearing:JPY"

2026-11-20 * "=He said \\"no\\" (1); \\\\ done 2026-01-01 open X"
  key: "pi_1:(succeeded)"
  agreement: 7
  payment: 3
  Assets:Provider:Stripe:Clearing:EUR  50.00 EUR
  Liabilities:Agreement:7:Held:EUR  -50.00 EUR
  Liabilities:Agreement:7:Held:EUR  2.50 EUR
  Income:Platform:Fees:EUR  -2.50 EUR

2026-11-21 * "Taken"
  key: "taken"
  agreement: 8
  Assets:Provider:Stripe:Clearing:EUR  3.00 EUR
  Liabilities:Agreement:7:Held:EUR  -3.00 EUR

2026-11-21 * "Undo"
  key: "undone"
  agreement: 7
  payment: 3
  Income:Platform:Fees:EUR  2.50 EUR
  Liabilities:Agreement:7:Held:EUR  -2.50 EUR
  Liabilities:Agreement:7:Held:EUR  50.00 EUR
  Assets:Provider:Stripe:Clearing:EUR  -50.00 EUR

2026-11-21 * "Fee"
  key: "yen"
  Expenses:Provider:Fees:JPY  80 JPY
  Assets:Provider:Stripe:Clearing:JPY  -80 JPY

2026-11-22 balance Assets:Provider:Stripe:Clearing:EUR  3.00 ~ 0 EUR
2026-11-22 balance Liabilities:Agreement:7:Held:EUR  -3.00 ~ 0 EUR
2026-11-22 balance Income:Platform:Fees:EUR  0.00 ~ 0 EUR
2026-11-22 balance Expenses:Provider:Fees:JPY  80 ~ 0 JPY
2026-11-22 balance Assets:Provider:Stripe:Clearing:JPY  -80 ~ 0 JPY
"""


@pytest.mark.parametrize(
    ("form", "expected"),
    [(export.as_csv, CSV), (export.as_hledger, HLEDGER), (export.as_beancount, BEANCOUNT)],
    ids=["csv", "hledger", "beancount"],
)
@pytest.mark.usefixtures("books")
def test_the_journal_is_written_letter_by_letter(form: Callable[[], Iterator[str]], expected: str) -> None:
    assert in_order("".join(form())) == in_order(expected)


def in_order(text: str) -> list[str]:
    """Sort the lines that are about accounts: which of two new accounts comes first is the database's affair."""
    parts = text.split("\n\n")
    return ["\n".join(sorted(part.split("\n"))) if " open " in part or " balance " in part else part for part in parts]


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_begins_like_a_formula(first: str) -> None:
    assert export._inert(f"{first}1+1") == f"'{first}1+1"
    assert export._inert(f"1{first}1") == f"1{first}1"


def test_a_code_with_other_letters_becomes_a_name_for_beancount() -> None:
    assert export._bean("asset", "provider:é_x:EUR") == "Assets:Provider:--x:EUR"


REFUSALS = {
    "CHECK constraint failed: no_overdraft": (errors.Overdraft, "There is not enough money in the account for this."),
    "ledger: pending_mismatch": (errors.PendingMismatch, "This does not fit the amount that was held."),
    "fk_ledger_transfer_pending_id": (errors.PendingMismatch, "This does not fit the amount that was held."),
    "ledger: pending_resolved": (
        errors.PendingResolved, "The amount that was held has already been taken or released."
    ),
    "uq_ledger_transfer_pending_id": (
        errors.PendingResolved, "The amount that was held has already been taken or released."
    ),
    "ledger: reversed_already": (errors.ReversedAlready, "This has already been reversed."),
    "uq_ledger_txn_reverses_id": (errors.ReversedAlready, "This has already been reversed."),
}  # fmt: skip


@pytest.mark.parametrize("said", REFUSALS)
def test_what_the_database_refuses_is_told_in_a_sentence(said: str, app: Flask) -> None:
    kind, sentence = REFUSALS[said]
    told = errors.refusal(IntegrityError("INSERT", {}, Exception(f"violates {said} here")))
    assert (type(told), told and told.message) == (kind, sentence)


def test_another_breach_of_the_database_is_no_refusal_of_the_ledger() -> None:
    assert errors.refusal(IntegrityError("INSERT", {}, Exception("uq_user_email"))) is None
