"""Chargebacks, refunds and pay-outs of one owner at the same time: nobody waits for ever, and every cent is booked once."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from marketplace.database import db
from marketplace.payments import service
from marketplace.payments.apply import apply
from marketplace.payments.facts import Facts
from marketplace.payments.models import Payment
from marketplace.payments.provider import provider
from marketplace.testing.bank import Bank
from marketplace.testing.factories import Factories
from tests.core.dispute_world import Disputes
from tests.core.payment_world import eur


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories) -> Disputes:
    """Give a marketplace whose bank takes money back."""
    return Disputes(app, sandbox, factories)


def _at_once(app: Flask, acts: list[Callable[[], object]]) -> list[BaseException]:
    """Run each act in a thread of its own, all beginning together; a deadlock that the database ended is tried again."""
    start, failed = threading.Barrier(len(acts)), []

    def run(act: Callable[[], object]) -> None:
        with app.app_context():
            start.wait()
            for _try in range(3):
                try:
                    act()
                    return
                except OperationalError:
                    db.session.rollback()
                except BaseException as error:
                    failed.append(error)
                    return
                finally:
                    db.session.remove()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "two transactions wait for each other"
    return failed


def _case(ref: str) -> list[Facts]:
    answer = provider().read_case(ref)
    assert isinstance(answer, tuple)
    return list(answer)


def test_cases_of_one_owner_share_the_reserve_and_a_pay_out_runs_meanwhile(app: Flask, world: Disputes) -> None:
    world.reserve_of("20")
    world.onboard(world.owner)
    paid = [world.paid_out(2000, 100) for _number in range(4)]
    ready = [world.settled(1500, 0) for _number in range(4)]
    refs = [world.dispute(payment, hear=False) for payment in (*paid, *ready[:2])]
    cases = {ref: _case(ref) for ref in refs}

    def hear(ref: str) -> Callable[[], object]:
        return lambda: [apply(facts) for facts in cases[ref]]

    def pay_out() -> object:
        return service.pay_out(world.owner.id, "EUR")

    def refund() -> object:
        return service.refund(ready[3], eur(300))

    assert _at_once(app, [*map(hear, refs), *map(hear, refs), pay_out, refund]) == []
    world.work()
    service.pay_out(world.owner.id, "EUR")
    world.hear()
    assert sum(1 for ref in refs if len(world.movements(ref)) == 1) == len(refs)
    world.prove()
    for ref in refs:
        world.act("dispute/settle", dispute=ref, won="true")
    cases = {ref: _case(ref) for ref in refs}
    assert _at_once(app, [*map(hear, refs), *map(hear, refs), pay_out]) == []
    world.hear()
    assert (world.owed(), world.lost()) == (0, 0)
    world.prove()


def test_those_who_share_many_payments_give_back_at_the_same_moment(
    app: Flask, world: Disputes, factories: Factories
) -> None:
    world.reserve_of("20")
    members = [factories.user() for _number in range(3)]
    shared = []
    for number in range(6):
        payment = world.charged(3000)
        others = {members[(number + turn) % 3].id: eur(500 + turn) for turn in range(3)}
        service.settle(payment, eur(150), others)
        shared.append(world.fresh(payment))
    for member in (world.owner, *members[:2]):
        world.onboard(member)
    refs = [world.dispute(payment, hear=False, amount=2000) for payment in shared[:3]]
    cases = {ref: _case(ref) for ref in refs}

    def hear(ref: str) -> Callable[[], object]:
        return lambda: [apply(facts) for facts in cases[ref]]

    def refund(payment: Payment) -> Callable[[], object]:
        return lambda: service.refund(payment, eur(1500))

    def pay_out(user_id: int) -> Callable[[], object]:
        return lambda: service.pay_out(user_id, "EUR")

    payees = [pay_out(member.id) for member in (world.owner, *members)]
    assert _at_once(app, [*map(hear, refs), *map(hear, refs), *map(refund, shared[3:]), *payees]) == []
    world.work()
    world.hear()
    assert [len(world.movements(ref)) for ref in refs] == [1, 1, 1]
    world.prove()
    for ref in refs:
        world.act("dispute/settle", dispute=ref, won="true")
    cases = {ref: _case(ref) for ref in refs}
    assert _at_once(app, [*map(hear, refs), *map(hear, refs), *payees]) == []
    world.hear()
    assert [world.fresh(payment).disputed_minor for payment in shared[:3]] == [0, 0, 0]
    world.prove()
