"""The audit finds what triggers could not prevent; the commands print it, and write the journal out."""

import csv
import io
from collections.abc import Iterable

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import text

from marketplace.database import db, is_sqlite, transaction
from marketplace.ledger import audit, export, service
from marketplace.ledger.cli import ledger_cli
from marketplace.ledger.reading import snapshot
from marketplace.ledger.transfers import TransferSpec
from marketplace.money import Money
from marketplace.testing.factories import Factories
from tests.core.ledger_attacks import txn
from tests.core.ledger_books import CLEARING, FEES, HELD, OWNER, book, eur, move, proven, rows
from tests.core.ledger_deals import strike

OTHER_REVERSAL = """
UPDATE ledger_txn SET reverses_id = (SELECT id FROM ledger_txn WHERE key = 'b') WHERE key = 'a:undone'
"""


def fill() -> None:
    book(move(CLEARING, OWNER, 5000), move(OWNER, FEES, 250), key="a")
    service.reverse("a", "a:undone", description="Undo")
    book(move(CLEARING, OWNER, 900), key="b")
    (hold,) = service.hold("hold", CLEARING, HELD, eur(700), description="Hold").transfer_ids
    service.post_pending("taken", hold, eur(300), description="Taken")


def damage(*statements: str) -> None:
    """Change rows as only the owner of the tables could, past every guard."""
    with transaction() as session:
        if is_sqlite():
            session.execute(text("PRAGMA ignore_check_constraints = ON"))
            names = session.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
            for name in names:
                session.execute(text(f"DROP TRIGGER {name}"))
        else:
            for table in ("ledger_account", "ledger_part", "ledger_txn", "ledger_transfer"):
                session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        for statement in statements:
            session.execute(text(statement))
        if not is_sqlite():
            for table in ("ledger_account", "ledger_part", "ledger_txn", "ledger_transfer"):
                session.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))


def test_sound_books_have_no_findings(app: Flask) -> None:
    fill()
    heard: list[tuple[int, int]] = []
    assert service.audit(lambda done, total: heard.append((done, total))) == []
    assert (heard[0], heard[-1]) == ((0, 7), (7, 7))
    assert rows("ledger_drift") == []


def test_empty_books_have_no_findings(app: Flask) -> None:
    assert proven()


@pytest.mark.parametrize(
    ("codes", "statements"),
    [
        ({"balance", "unbalanced"}, ["UPDATE ledger_account SET posted_credit = posted_credit + 1 WHERE role = 'payable'"]),
        ({"balance"}, ["UPDATE ledger_account SET pending_debit = 1 WHERE role = 'platform_fees'"]),
        ({"newest"}, ["UPDATE ledger_account SET last_transfer_id = 1 WHERE role = 'payable'"]),
        ({"fingerprint", "balance"}, ["UPDATE ledger_transfer SET amount = 901 WHERE amount = 900"]),
        ({"fingerprint"}, ["UPDATE ledger_txn SET payment_id = 4 WHERE key = 'b'"]),
        ({"fingerprint", "reversal"}, [OTHER_REVERSAL]),
        ({"fingerprint", "hold", "balance"}, ["UPDATE ledger_transfer SET amount = 701 WHERE phase = 'post'"]),
        ({"fingerprint", "hold", "balance"}, ["UPDATE ledger_transfer SET phase = 'posted' WHERE phase = 'pending'"]),
        ({"lines"}, [txn()]),
        (
            {"overdraft"},
            [
                "UPDATE ledger_account SET guard = (1 = 1), kind = 'asset' WHERE role = 'platform_fees'",
                "UPDATE ledger_account SET guard = (1 = 1), kind = 'liability' WHERE role = 'provider_clearing'",
            ],
        ),
    ],
)  # fmt: skip
def test_damage_is_found(app: Flask, codes: set[str], statements: list[str]) -> None:
    fill()
    if "overdraft" in codes and not is_sqlite():
        statements = ["ALTER TABLE ledger_account DROP CONSTRAINT ck_ledger_account_no_overdraft", *statements]
        with db.engine.connect() as connection:  # rolled back at the end, so that the next test finds the constraint
            for statement in ("ALTER TABLE ledger_account DISABLE TRIGGER USER", *statements):
                connection.execute(text(statement))
            found = {finding.code for finding in audit.audit_of(connection)}
    else:
        damage(*statements)
        found = {finding.code for finding in service.audit()}
    assert found == codes


def test_what_a_transaction_is_for_is_a_part_of_what_was_posted(app: Flask, factories: Factories) -> None:
    strike(factories)
    named = {"agreement_id": 8, "payment_id": 4}
    service.post("deal", [move(CLEARING, OWNER, 500)], description="Charge", **named)
    assert service.audit() == []
    damage("UPDATE ledger_txn SET agreement_id = 7 WHERE key = 'deal'")
    assert [finding.code for finding in service.audit()] == ["fingerprint"]
    damage("UPDATE ledger_txn SET agreement_id = 8, payment_id = 3 WHERE key = 'deal'")
    assert [finding.code for finding in service.audit()] == ["fingerprint"]
    damage("UPDATE ledger_txn SET agreement_id = 8, payment_id = 4 WHERE key = 'deal'")
    assert service.audit() == []


def test_batches_of_any_size_find_the_same(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    fill()
    for size in (1, 2, 3):
        monkeypatch.setattr(audit, "BATCH", size)
        monkeypatch.setattr(export, "BATCH", size)
        assert service.audit() == []
        with snapshot() as connection:
            exported = [line.transfer_id for line in export.journal(connection)]
        assert exported == [row[0] for row in rows("ledger_transfer")]


def invoke(app: Flask, *arguments: str) -> Result:
    db.session.remove()
    app.cli.add_command(ledger_cli)
    return app.test_cli_runner().invoke(args=["ledger", *arguments])


def test_the_audit_command_says_that_the_books_balance(app: Flask) -> None:
    fill()
    result = invoke(app, "audit")
    assert (result.exit_code, result.stdout) == (0, "The books balance.\n")


def test_the_audit_command_fails_and_names_what_is_wrong(app: Flask) -> None:
    fill()
    damage("UPDATE ledger_account SET posted_credit = posted_credit + 1 WHERE role = 'payable'")
    result = invoke(app, "audit")
    assert result.exit_code == 1
    assert f"balance: {OWNER.code}: kept [5250, 6151, 0, 0], counted [5250, 6150, 0, 0]" in result.stdout
    assert "2 findings" in result.stdout


def test_the_journal_is_written_as_csv(app: Flask) -> None:
    fill()
    service.post("yen", [yen(80)], description='=cmd("x"), or "so"')
    lines = list(csv.DictReader(io.StringIO(invoke(app, "export").stdout)))
    assert len(lines) == len(rows("ledger_transfer"))
    assert [lines[0][name] for name in ("key", "line", "debit", "credit", "currency", "amount", "phase")] == [
        "a", "1", CLEARING.code, OWNER.code, "EUR", "50.00", "posted",
    ]  # fmt: skip
    assert (lines[-1]["amount"], lines[-1]["description"]) == ("80", '\'=cmd("x"), or "so"')


def yen(amount: int) -> TransferSpec:
    from marketplace.ledger.accounts import platform_bank, platform_fees

    return TransferSpec(platform_bank("JPY"), platform_fees("JPY"), Money(amount, "JPY"))


def test_the_journal_is_written_for_hledger_and_adds_up_to_the_balances(app: Flask, tmp_path: object) -> None:
    fill()
    service.post("yen", [yen(80)], description="Fee (in; brackets)")
    journal = f"{tmp_path}/journal"
    assert invoke(app, "export", "--format", "hledger", "--output", journal).exit_code == 0
    with open(journal, encoding="utf-8") as file:
        lines = file.read().splitlines()
    assert "(a) Test" in lines[0]
    assert any(line.endswith("* (yen) Fee  in  brackets") for line in lines)
    assert totals(lines) == {
        f"assets:{CLEARING.code}": "EUR 12.00", f"liabilities:{OWNER.code}": "EUR -9.00", f"income:{FEES.code}": "EUR 0.00",
        f"liabilities:{HELD.code}": "EUR -3.00", "assets:platform:bank:JPY": "JPY 80", "income:platform:fees:JPY": "JPY -80",
    }  # fmt: skip


def totals(lines: Iterable[str]) -> dict[str, str]:
    """Add up the postings of an hledger journal per account."""
    from decimal import Decimal

    sums: dict[tuple[str, str], Decimal] = {}
    for line in lines:
        if line.startswith("    ") and ";" not in line:
            name, amount = line.strip().split("  ")
            currency, number = amount.split()
            sums[name, currency] = sums.get((name, currency), Decimal()) + Decimal(number)
    return {name: f"{currency} {total}" for (name, currency), total in sums.items()}
