"""The chart of accounts: the codes and facts under which money was booked for years must not change by accident."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from marketplace.ledger import accounts
from marketplace.ledger.accounts import AccountSpec

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "money.md"
ROW = re.compile(r"\| [^|]+ \| `([a-z_:0-9]+:EUR)` \| (\w+) \| (yes)? ?\|")

CHART: dict[Callable[[], AccountSpec], AccountSpec] = {
    lambda: accounts.provider_clearing("stripe", "EUR"): AccountSpec(
        "provider:stripe:clearing:EUR", "EUR", "asset", "provider_clearing"
    ),
    lambda: accounts.provider_exchange("stripe", "EUR"): AccountSpec(
        "provider:stripe:exchange:EUR", "EUR", "equity", "provider_exchange"
    ),
    lambda: accounts.provider_fees("EUR"): AccountSpec("provider:fees:EUR", "EUR", "expense", "provider_fees"),
    lambda: accounts.platform_fees("EUR"): AccountSpec("platform:fees:EUR", "EUR", "income", "platform_fees"),
    lambda: accounts.matching_funds("EUR"): AccountSpec(
        "platform:matching_funds:EUR", "EUR", "liability", "matching_funds", guard=True
    ),
    lambda: accounts.write_offs("EUR"): AccountSpec("platform:write_offs:EUR", "EUR", "expense", "write_offs"),
    lambda: accounts.platform_bank("EUR"): AccountSpec("platform:bank:EUR", "EUR", "asset", "platform_bank"),
    lambda: accounts.platform_cash("EUR"): AccountSpec("platform:cash:EUR", "EUR", "asset", "platform_cash"),
    lambda: accounts.cash_with_members("EUR"): AccountSpec(
        "platform:cash_with_members:EUR", "EUR", "asset", "cash_with_members"
    ),
    lambda: accounts.tax_payable("EUR"): AccountSpec("platform:tax:EUR", "EUR", "liability", "tax_payable"),
    lambda: accounts.member_payable(2, "EUR"): AccountSpec(
        "member:2:payable:EUR", "EUR", "liability", "payable", "member", 2, guard=True
    ),
    lambda: accounts.member_receivable(2, "EUR"): AccountSpec(
        "member:2:receivable:EUR", "EUR", "asset", "receivable", "member", 2, guard=True
    ),
    lambda: accounts.member_reserve(2, "EUR"): AccountSpec(
        "member:2:reserve:EUR", "EUR", "liability", "reserve", "member", 2, guard=True
    ),
    lambda: accounts.agreement_held(7, "EUR"): AccountSpec(
        "agreement:7:held:EUR", "EUR", "liability", "held", "agreement", 7, guard=True
    ),
}


@pytest.mark.parametrize("opened", CHART, ids=[spec.role for spec in CHART.values()])
def test_an_account_keeps_its_code_kind_owner_and_guard(opened: Callable[[], AccountSpec]) -> None:
    assert opened() == CHART[opened]


def test_every_account_of_the_chart_is_here() -> None:
    functions = inspect.getmembers(accounts, inspect.isfunction)
    made = {name for name, thing in functions if thing.__module__ == accounts.__name__ and "mutmut" not in name}
    assert len(CHART) == len(made), made


def test_the_document_lists_every_account_as_it_is() -> None:
    written = {
        code: (kind, guarded == "yes") for code, kind, guarded in ROW.findall(DOCUMENT.read_text(encoding="utf-8"))
    }
    assert written == {spec.code: (spec.kind, spec.guard) for spec in (opened() for opened in CHART)}


def test_assets_and_expenses_grow_by_debits_and_nothing_else_does() -> None:
    grows = {spec.kind: spec.grows_by_debit for spec in CHART.values()}
    assert grows == {"asset": True, "expense": True, "income": False, "liability": False, "equity": False}
