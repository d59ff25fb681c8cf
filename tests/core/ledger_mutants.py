"""Mutants of the ledger's schema: each guard taken away, and what can be weakened made weaker, on each database.

A mutant is the DDL that makes it (PostgreSQL) or the whole schema with one thing changed (SQLite, where constraints can't
be altered). Removals are found in the database itself, so a guard that is added is a mutant at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import CheckConstraint, text
from sqlalchemy.orm import Session

from marketplace.ledger.models import LedgerAccount, LedgerPart, LedgerTransaction, LedgerTransfer
from marketplace.migrations.ledger_sql import POSTING_FACTS

TABLES = (LedgerAccount.__table__, LedgerPart.__table__, LedgerTransaction.__table__, LedgerTransfer.__table__)
NAMES = tuple(table.name for table in TABLES)
SUMS = ("posted_debit", "posted_credit", "pending_debit", "pending_credit", "last_transfer_id")
TARGETS = ("uq_ledger_account_id_currency", "uq_ledger_txn_id_lines")
"""Unique constraints on which a foreign key rests, which therefore can't be taken away alone."""


@dataclass(frozen=True)
class Mutant:
    """DDL that makes it; with `behind`, the DDL of another one that must go first, because it stands before this guard."""

    ddl: list[str] = field(default_factory=list)
    behind: list[str] | None = None


WEAKER_CHECKS = {
    "ck_ledger_account_no_overdraft": (
        ("END >= 0", "END >= -1"), (" - pending_credit", ""), (" - pending_debit", ""),
        ("('asset', 'expense')", "('asset', 'expense', 'liability')"), ("NOT guard", "guard IS NOT NULL"),
    ),
    "ck_ledger_account_currency": ((" AND currency = upper(currency)", ""), ("length(currency) = 3 AND ", "")),
    "ck_ledger_account_kind": (("'equity'", "'equity', 'money'"),),
    "ck_ledger_account_owner_type": (("'agreement'", "'agreement', 'club'"),),
    "ck_ledger_account_owner": (("(owner_type = 'platform')", "(owner_type <> 'platform')"),),
    "ck_ledger_txn_lines": (("> 0", ">= 0"),),
    "ck_ledger_txn_key": (("> 0", ">= 0"),),
    "ck_ledger_transfer_amount": (("amount > 0", "amount >= 0"), ("<= 1000000000000000", "<= 1000000000000001")),
    "ck_ledger_transfer_line": (("line >= 1", "line >= 0"), ("line <= lines", "line <= lines + 1")),
    "ck_ledger_transfer_pending": (("IN ('post', 'void')", "IN ('post')"), (") = (", ") <= (")),
    "ck_ledger_transfer_expiry": (("= 'pending'", "<> 'void'"),),
}  # fmt: skip
WEAKER_FITS = (
    ("p.phase <> 'pending' OR ", ""),
    ("t.debit_account_id <> p.debit_account_id\n", "(1 = 0)\n"),
    ("OR t.credit_account_id <> p.credit_account_id", ""),
    ("OR t.amount > p.amount", ""),
    ("OR (t.phase = 'void' AND t.amount <> p.amount)", ""),
)
WEAKER_POSTGRESQL = {
    "ledger_apply": (
        *WEAKER_FITS,
        ("IN ('posted', 'post')", "IN ('posted')"),
        ("ELSE -p.amount", "ELSE 0"),
        ("WHEN 'pending' THEN t.amount", "WHEN 'pending' THEN 0"),
        ("greatest(last_transfer_id, due.id)", "last_transfer_id"),
        ("greatest(kept.last_transfer_id, excluded.last_transfer_id)", "kept.last_transfer_id"),
        ("max(moved.id)", "min(moved.id)"),
        (" AND NOT a.guard", ""),
        ("AND (guard OR due.pending <> 0)", "AND guard"),
        ("CASE WHEN guard AND id = due.debit", "CASE WHEN id = due.debit"),
        ("CASE WHEN guard AND id = due.credit", "CASE WHEN id = due.credit"),
        ("ORDER BY t.txn_id, t.line", "ORDER BY t.line DESC"),
        *((f"{name} + CASE", f"{name} + 1 + CASE") for name in SUMS[:4]),
        *((f"kept.{name} +", f"kept.{name} + 1 +") for name in SUMS[:2]),
    ),
    "ledger_post": (
        ("ON CONFLICT (key) DO NOTHING ", ""),
        *((f"account.{fact}", f"wanted->{place}") for place, fact in enumerate(POSTING_FACTS) if place),
        ("ORDER BY line\n", "ORDER BY line DESC\n"),
    ),
}
WEAKER_SQLITE = {
    "ledger_account_new": (
        ("id = new.id OR code = new.code", "0"),
        *((f"new.{name} <> 0 OR ", "") for name in SUMS[:2]),
        ("new.pending_debit <> 0 OR ", ""),
        ("new.pending_credit <> 0\n            OR ", ""),
        ("OR new.last_transfer_id <> 0", ""),
    ),
    "ledger_txn_new": (("id = new.id OR ", ""), (" OR key = new.key", ""), ("reverses_id = new.reverses_id", "0")),
    "ledger_transfer_new": (("line = new.line", "0"),),
    "ledger_transfer_resolves": (("pending_id = new.pending_id;", "0;"), *WEAKER_FITS),
    "ledger_transfer_apply": (
        ("<> 2", "<> 2 AND 0"),
        ("IN ('posted', 'post')", "IN ('posted')"),
        ("WHEN 'pending' THEN new.amount", "WHEN 'pending' THEN 0"),
        ("ELSE -(SELECT", "ELSE -0 * (SELECT"),
        *((f"{name} = {name} +", f"{name} = {name} + 1 +") for name in SUMS[:4]),
    ),
    "ledger_account_sums": (("t.id > old.last_transfer_id", "1"), ("old.id IN (t.debit_account_id, t.credit_account_id)", "1")),
    "ledger_posting_new": (
        ("changes() = 0", "0"),
        *(
            (f"{side}.{fact} {'IS' if fact == 'owner_id' else '='} new.{side}_{fact}", "1")
            for side in ("debit", "credit")
            for fact in POSTING_FACTS
        ),
    ),
}  # fmt: skip


def weaker_checks() -> Iterator[tuple[str, str, str, str]]:
    """List table, constraint, its text and a weaker text."""
    for table in TABLES:
        for constraint in table.constraints:
            if isinstance(constraint, CheckConstraint):
                strong = str(constraint.sqltext)
                for old, new in WEAKER_CHECKS.get(str(constraint.name), ()):
                    assert old in strong, (constraint.name, old)
                    yield table.name, str(constraint.name), strong, strong.replace(old, new)


# --- PostgreSQL


def of_postgresql(session: Session) -> dict[str, Mutant]:
    """Make the mutants of a PostgreSQL database."""
    found = {}
    removals = {name: ddl for name, ddl in session.execute(text(REMOVALS), {"names": list(NAMES)})}  # noqa: C416
    for name, ddl in removals.items():
        found[f"without {name}"] = Mutant([ddl])
    for table, name, _strong, weak in weaker_checks():
        add = f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({weak})"
        found[f"{name}: {weak}"] = Mutant([removals[name], add])
    for function, changes in WEAKER_POSTGRESQL.items():
        source = session.execute(text("SELECT pg_get_functiondef(CAST(:name AS regproc))"), {"name": function}).scalar()
        for old, new in changes:
            assert source is not None
            assert old in source, (function, old)
            found[f"{function}: {old} -> {new}"] = Mutant([source.replace(old, new)])
    return found | _second_nets_of_postgresql(session, found)


REMOVALS = """
SELECT conname, 'ALTER TABLE ' || conrelid::regclass || ' DROP CONSTRAINT ' || conname FROM pg_constraint c
WHERE conrelid::regclass::text = ANY(:names) AND contype IN ('c', 'f', 'u')
  AND NOT EXISTS (SELECT FROM pg_constraint f WHERE c.contype = 'u' AND f.contype = 'f' AND f.conindid = c.conindid)
UNION ALL
SELECT tgname, 'DROP TRIGGER ' || tgname || ' ON ' || tgrelid::regclass FROM pg_trigger
WHERE tgrelid::regclass::text = ANY(:names) AND NOT tgisinternal
UNION ALL
SELECT indexrelid::regclass::text, 'DROP INDEX ' || indexrelid::regclass FROM pg_index
WHERE indisunique AND indpred IS NOT NULL AND indrelid::regclass::text = ANY(:names)
"""


def _second_nets_of_postgresql(session: Session, found: dict[str, Mutant]) -> dict[str, Mutant]:
    """Behind these stands the trigger that adds sums up, which finds none for an unknown phase or pending transfer, or one
    that speaks first.
    """
    nullable = [f"ALTER TABLE ledger_account ALTER {name} DROP NOT NULL" for name in SUMS]
    source = session.execute(text("SELECT pg_get_functiondef('ledger_apply'::regproc)")).scalar()
    assert source is not None
    careless = [*nullable, source.replace("t.pending_id IS NOT NULL", "false")]
    return {
        name: Mutant([*before, *found[name].ddl], behind=before)
        for name, before in (
            ("without ck_ledger_transfer_phase", nullable),
            ("without fk_ledger_transfer_pending_id", careless),
            ("without fk_ledger_part_account_id", ["DROP TRIGGER ledger_part_sums ON ledger_part"]),
        )
    }


# --- SQLite


Schema = dict[str, str]


def schema_of(session: Session) -> Schema:
    """Read the DDL of the ledger, and of what its foreign keys name."""
    listed = session.execute(
        text("SELECT name, sql FROM sqlite_master WHERE sql > '' AND (tbl_name LIKE 'ledger_%' OR name = 'agreement')")
    )
    return {row[0]: row[1] for row in listed}


def of_sqlite(schema: Schema) -> dict[str, Mutant]:
    """Make the mutants of a SQLite schema."""
    found: dict[str, Schema] = {}
    for name, ddl in schema.items():
        if ddl.startswith(("CREATE UNIQUE", "CREATE TRIGGER")) and name != "ledger_posting_new":
            found[f"without {name}"] = {other: sql for other, sql in schema.items() if other != name}
    for table in NAMES:
        for constraint in re.findall(r"CONSTRAINT ((?:ck|uq|fk)_\w+)", schema[table]):
            if constraint not in TARGETS:
                found[f"without {constraint}"] = without(schema, table, constraint)
    for table, name, strong, weak in weaker_checks():
        assert strong in schema[table], name
        found[f"{name}: {weak}"] = schema | {table: schema[table].replace(strong, weak)}
    for trigger, changes in WEAKER_SQLITE.items():
        for old, new in changes:
            assert old in schema[trigger], (trigger, old)
            found[f"{trigger}: {old} -> {new}"] = schema | {trigger: schema[trigger].replace(old, new)}
    whole = {name: Mutant(list(ddl.values())) for name, ddl in found.items()}
    return whole | _second_nets_of_sqlite(schema, found)


def without(schema: Schema, table: str, constraint: str) -> Schema:
    """Take a constraint's line out of a table."""
    ddl, taken = re.subn(rf",?\s*\n\tCONSTRAINT {constraint} [^\n]*?(?=,?\s*\n)", "", schema[table])
    assert taken == 1, constraint
    return schema | {table: ddl}


def _second_nets_of_sqlite(schema: Schema, found: dict[str, Schema]) -> dict[str, Mutant]:
    """Behind these stands a trigger that speaks first, or sums that can't be empty."""
    careless = {name: sql for name, sql in schema.items() if name != "ledger_account_sums"}
    nullable = careless | {"ledger_account": schema["ledger_account"].replace("DEFAULT '0' NOT NULL", "DEFAULT '0'")}
    careless |= {"ledger_transfer_apply": schema["ledger_transfer_apply"].replace("<> 2", "<> 2 AND 0")}
    before = {
        "uq_ledger_account_code": found["without ledger_account_new"],
        "uq_ledger_txn_key": found["without ledger_txn_new"],
        "uq_ledger_txn_reverses_id": found["without ledger_txn_new"],
        "uq_ledger_transfer_txn_id_line": found["without ledger_transfer_new"],
        "uq_ledger_transfer_pending_id": found["without ledger_transfer_resolves"],
        "ck_ledger_transfer_two_accounts": careless,
        "ck_ledger_transfer_phase": nullable,
        "fk_ledger_transfer_pending_id": nullable,
        "fk_ledger_part_account_id": found["without ledger_part_none"],
    }
    by_id = careless["ledger_transfer_new"].replace("WHERE id = new.id", "WHERE 0")
    pairs = {
        "ledger_transfer_new: WHERE id = new.id": Mutant(
            list((careless | {"ledger_transfer_new": by_id}).values()), behind=list(careless.values())
        )
    }
    for name, other in before.items():
        table = next((table for table in NAMES if f"CONSTRAINT {name} " in other[table]), "")
        both = without(other, table, name) if table else {key: sql for key, sql in other.items() if key != name}
        pairs[f"without {name}"] = Mutant(list(both.values()), behind=list(other.values()))
    return pairs
