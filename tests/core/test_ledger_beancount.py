"""Beancount, which is not ours, reads the exported journal: it balances, and the kept balances are what it adds up to."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from marketplace import clock
from marketplace.ledger import service
from marketplace.testing.frozen_clock import FrozenClock
from tests.core.ledger_books import BANK, CLEARING, COSTS, FEES, HELD, LOSSES, OWNER, RESERVE, book, eur, move
from tests.core.test_ledger_audit import damage, invoke, yen

CHECK = Path(sys.executable).with_name("bean-check")


def checked(journal: Path) -> tuple[int, str]:
    """Run `bean-check`; give its exit code and what it says."""
    done = subprocess.run([CHECK, "--no-cache", journal], capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout + done.stderr


def fill(frozen: FrozenClock) -> None:
    """Book over three days, in two currencies, with holds, a reversal, and words that try to end their line."""
    frozen.at("2026-11-20T12:00:00")
    book(move(CLEARING, HELD, 5000), move(COSTS, CLEARING, 100), key='a "quoted" key\\')
    frozen.forward(days=1)
    service.post(
        "settle", [move(HELD, OWNER, 4750), move(HELD, FEES, 250)], description='He said "no" \\ \n2026-01-01 open X'
    )
    (hold,) = service.hold("hold", OWNER, RESERVE, eur(700), description="Hold").transfer_ids
    service.post_pending("taken", hold, eur(300), description="Taken")
    service.hold("open", OWNER, RESERVE, eur(50), description="Still open", expires_at=clock.now() + timedelta(days=3))
    frozen.forward(days=1)
    service.post("yen", [yen(80)], description="Fee; in yen")
    book(move(BANK, CLEARING, 20), move(LOSSES, CLEARING, 5), key="b")
    service.reverse("b", "b:undone", description="Undo")


@contextmanager
def written(app: Flask, folder: Path) -> Iterator[Path]:
    journal = folder / "journal.beancount"
    assert invoke(app, "export", "--format", "beancount", "--output", str(journal)).exit_code == 0
    yield journal


def test_beancount_finds_nothing_wrong_with_the_exported_journal(
    app: Flask, frozen: FrozenClock, tmp_path: Path
) -> None:
    fill(frozen)
    with written(app, tmp_path) as journal:
        assert checked(journal) == (0, "")
        text = journal.read_text()
    assert "2026-11-21 balance" not in text
    assert "2026-11-23 balance Liabilities:Member:2:Payable:EUR  -44.50 ~ 0 EUR" in text
    assert "2026-11-23 balance Assets:Platform:Bank:JPY  80 ~ 0 JPY" in text
    assert text.count(" * ") == 6


def test_beancount_finds_a_kept_balance_that_is_wrong(app: Flask, frozen: FrozenClock, tmp_path: Path) -> None:
    fill(frozen)
    damage("UPDATE ledger_account SET posted_credit = posted_credit + 1 WHERE role = 'payable'")
    with written(app, tmp_path) as journal:
        code, said = checked(journal)
    assert code == 1
    assert (
        "Balance failed for 'Liabilities:Member:2:Payable:EUR': expected -44.51 EUR != accumulated -44.50 EUR" in said
    )


def test_the_journal_of_empty_books_is_empty_and_right(app: Flask, tmp_path: Path) -> None:
    with written(app, tmp_path) as journal:
        assert checked(journal) == (0, "")


@pytest.mark.parametrize("form", ["csv", "hledger"])
def test_the_other_forms_survive_the_same_words(app: Flask, frozen: FrozenClock, form: str) -> None:
    fill(frozen)
    assert invoke(app, "export", "--format", form).exit_code == 0
