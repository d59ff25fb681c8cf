"""The audit trail: written with what it tells, and never changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from marketplace.admin import audit
from marketplace.database import transaction
from marketplace.testing.databases import TestDatabase
from marketplace.testing.factories import Factories


def test_an_entry_says_who_did_what_to_what_and_why(app: Flask, factories: Factories) -> None:
    operator = factories.operator()
    audit.record(operator.id, "listing.removed", "listing", 12, "not allowed here", {"title": "Flat"})
    (entry,) = audit.entries()
    assert (entry.actor, entry.actor_id, entry.action) == ("Olga Operator", operator.id, "listing.removed")
    assert (entry.subject_type, entry.subject_id, entry.reason) == ("listing", "12", "not allowed here")
    assert entry.data == {"title": "Flat"}


def test_an_entry_goes_with_the_transaction_that_it_tells_of(app: Flask) -> None:
    def fail() -> None:
        with transaction():
            audit.record(None, "job.retried", "job", 1)
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        fail()
    assert audit.entries() == []


@pytest.mark.parametrize("change", ["UPDATE audit_entry SET reason = 'another'", "DELETE FROM audit_entry"])
def test_the_database_refuses_to_change_the_trail(app: Flask, change: str) -> None:
    audit.record(None, "job.retried", "job", 1, "true")
    with pytest.raises(DBAPIError, match="append-only"), transaction() as session:
        session.execute(text(change))
    assert audit.entries()[0].reason == "true"


def test_postgresql_refuses_to_truncate_the_trail(app: Flask, database: TestDatabase) -> None:
    audit.record(None, "job.retried", "job", 1)
    statement = "TRUNCATE audit_entry" if database.dialect == "postgresql" else "DELETE FROM audit_entry WHERE 1=1"
    with pytest.raises(DBAPIError, match="append-only"), transaction() as session:
        session.execute(text(statement))


def test_the_trail_is_filtered_and_paged_by_one_statement(
    app: Flask, factories: Factories, statements: Callable[[], Any]
) -> None:
    operator = factories.operator()
    for number in range(6):
        audit.record(operator.id if number % 2 else None, "job.retried", "job", number % 3)
    with statements() as seen:
        first = audit.entries(limit=4)
        rest = audit.entries(before=first[-1].id)
    assert len(seen) == 2
    assert [len(first), len(rest)] == [4, 2]
    assert [entry.id for entry in (*first, *rest)] == [6, 5, 4, 3, 2, 1]
    assert len(audit.entries(subject=("job", 1))) == 2
    assert len(audit.entries(actor_id=operator.id)) == 3
    assert audit.entries(action="setting.changed") == []
    assert audit.entries(actor_id=operator.id)[0].actor == "Olga Operator"
    assert audit.entries()[-1].actor is None
