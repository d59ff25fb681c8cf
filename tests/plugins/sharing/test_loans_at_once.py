"""Two people at the same moment: of two yeses to one slot one counts, and a form sent twice at once is one loan."""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from marketplace import clock
from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.errors import DomainError
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from plugins.sharing.item.item_models import Occupancy
from plugins.sharing.loan import loans
from plugins.sharing.loan.booking_models import Loan
from tests.plugins.sharing.loan_world import Lending


@pytest.fixture
def lending(app: Flask, factories: Factories, frozen: Any) -> Lending:
    """Give a lender, a borrower, and no bank."""
    return Lending(app, factories, frozen)


def at_once(lending: Lending, *acts: Callable[[], Any]) -> list[Any]:
    """Do things at the same moment, each in a thread with a session of its own; gives results and refusals."""
    start, found = Barrier(len(acts)), []

    def run(act: Callable[[], Any]) -> None:
        with clock.frozen(lending.frozen.instant), lending.app.app_context():
            start.wait(5)
            try:
                found.append(act())
            except DomainError as error:
                found.append(error)
            finally:
                db.session.remove()

    threads = [Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    refresh()
    return found


def test_of_two_yeses_to_one_slot_one_counts(lending: Lending) -> None:
    item = lending.item()
    asked = [lending.ask(item), lending.ask(item, by=lending.factories.user())]
    work = [(agreement.id, lending.as_lender(agreement)) for agreement in asked]
    refresh()
    found = at_once(lending, *(lambda one=one: loans.accept(*one).state for one in work))
    assert sum(one == "agreed" for one in found) == 1
    assert [type(one).__name__ for one in found if one != "agreed"] == ["SlotTaken"]
    states = sorted(db.session.scalars(select(Agreement.state)))
    assert states == ["agreed", "requested"]
    assert db.session.scalar(select(func.count()).select_from(Occupancy)) == 1


def test_a_form_that_is_sent_twice_at_once_is_one_loan(lending: Lending) -> None:
    item, window, borrower = lending.item(instant=True), lending.window(), lending.borrower.id
    refresh()
    found = at_once(
        lending, *(lambda: loans.request(item, window, borrower, "borrow", "same").id for _time in range(3))
    )
    assert len(set(found)) == 1, found
    assert db.session.scalar(select(func.count()).select_from(Loan)) == 1
