"""A payment is seen as it is once its row is held, whatever was being written when somebody asked for it."""

from __future__ import annotations

import threading

import pytest
from flask import Flask
from sqlalchemy import select, text

from marketplace.agreements.models import Agreement
from marketplace.database import db, is_sqlite, transaction
from marketplace.errors import NotFound
from marketplace.payments.attempts import locked, open_attempt, overtaken
from marketplace.payments.models import Payment
from marketplace.payments.orders import ChargeOrder
from marketplace.payments.records import attempt_of_key, marked, named, reread
from marketplace.testing.bank import Bank
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from tests.core.payment_world import World


@pytest.fixture
def payment(app: Flask, sandbox: Bank, factories: Factories) -> Payment:
    """Give a payment that nobody has chosen a card for."""
    return World(app, sandbox, factories).payment(2500)


@pytest.mark.parametrize("held_by", ["agreement", "payment"])
def test_who_waited_for_a_payment_sees_what_the_other_one_wrote(app: Flask, payment: Payment, held_by: str) -> None:
    number, agreement_id = payment.id, payment.agreement_id
    db.session.remove()
    begun, seen = threading.Event(), []

    def wait_for_it() -> None:
        with app.app_context():
            db.session.execute(select(Payment.id))  # what was read before the wait must not be what counts
            begun.set()
            with transaction():
                seen.append(locked(number).tries)
            db.session.remove()

    other = threading.Thread(target=wait_for_it)
    with transaction() as session:
        row = Agreement.id == agreement_id if held_by == "agreement" else Payment.id == number
        table = Agreement if held_by == "agreement" else Payment
        session.execute(select(table.id).where(row).with_for_update())
        other.start()
        assert begun.wait(30)
        other.join(0.3)
        assert other.is_alive(), "it did not wait"
        session.execute(text("UPDATE payment SET tries = 7 WHERE id = :id"), {"id": number})
    other.join(30)
    assert seen == [7]


def test_a_payment_is_locked_after_its_agreement_and_both_until_the_end(app: Flask, payment: Payment) -> None:
    if is_sqlite():  # one writer at a time: there is no row to wait for
        with transaction():
            assert locked(payment.id) is locked(payment.id)
        return
    free = "SELECT id FROM {} WHERE id = :id FOR UPDATE SKIP LOCKED"
    with transaction():
        locked(payment.id)
        with db.engine.connect() as another:
            for table, row in (("agreement", payment.agreement_id), ("payment", payment.id)):
                assert another.execute(text(free.format(table)), {"id": row}).all() == [], table


def test_a_payment_that_does_not_exist_is_not_found(app: Flask, payment: Payment) -> None:
    with transaction(), pytest.raises(NotFound):
        locked(payment.id + 1)


def test_what_is_written_of_an_attempt_is_what_everybody_reads(app: Flask, payment: Payment) -> None:
    order = ChargeOrder(2500, "EUR", "cus_1", "pm_1", "A charge", "group")
    with transaction():
        attempt = open_attempt("charge", order, user_id=payment.payer_id, payment_id=payment.id)
        key, begun_at = attempt.key, attempt.updated_at
        named(attempt, "pi_1")
        marked(attempt, "declined", "no_funds", begun_at)
        assert not db.session.dirty, "nothing is left to be written"
        assert overtaken(payment.id, attempt) is False
    refresh()
    found = attempt_of_key(key, "stripe")
    assert found is not None
    assert (found.ref, found.state, found.error_code, found.params) == ("pi_1", "declined", "no_funds", attempt.params)
    assert attempt_of_key(key, "another") is None


def test_an_attempt_is_overtaken_by_another_live_one(app: Flask, payment: Payment) -> None:
    order = ChargeOrder(2500, "EUR", "cus_1", "pm_1", "A charge", "group")
    with transaction():
        first = open_attempt("charge", order, user_id=payment.payer_id, payment_id=payment.id)
        marked(first, "declined", "no_funds", first.updated_at)
        second = open_attempt("charge", order, user_id=payment.payer_id, payment_id=payment.id)
        assert overtaken(payment.id, first)
        assert not overtaken(payment.id, second)
        db.session.execute(text("UPDATE payment_attempt SET state = 'closed' WHERE id = :id"), {"id": second.id})
        reread(second)
        assert second.state == "closed"
        assert not overtaken(payment.id, first)
