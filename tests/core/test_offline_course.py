"""The course of money by hand, in full: what agreements hear, what is written down, and what goes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.errors import Refused
from marketplace.payments import burdens, service
from marketplace.payments.billing.models import FeeLine
from marketplace.payments.models import BankOrder, OfflineReceipt, Payment, PaymentAttempt, Payout, PayoutAccount
from marketplace.payments.offline import asking, details, orders, overdue, payouts, receipts, returns, reversing
from marketplace.payments.payout_models import PayoutPart
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from tests.core.offline_world import OURS, THEIRS, OfflineWorld, eur, without_a_provider

TODAY = date(2027, 3, 10)
START = "2027-03-10T09:00:00"


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Iterator[Flask]:
    """Give an app that talks to no provider at all."""
    with without_a_provider(make_app) as made:
        yield made


@pytest.fixture
def world(app: Flask, factories: Factories, frozen: FrozenClock) -> OfflineWorld:
    """Give a marketplace without a provider, on a morning in March."""
    frozen.at(START)
    return OfflineWorld(app, factories)


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Hear what agreements are told of their payments."""
    found: list[str] = []

    def listen(hook: str, *, payment: Payment, change: str) -> None:
        found.append(f"{hook} {payment.id} {change}")

    for module in (asking, receipts, reversing, returns, overdue, payouts):
        monkeypatch.setattr(module, "announce", listen)
    return found


def everything_of(row: Any, *left_out: str) -> dict[str, Any]:
    """Give what stands in a row."""
    refresh()
    fresh = db.session.get_one(type(row), row.id)
    return {column.key: getattr(fresh, column.key) for column in fresh.__table__.columns if column.key not in left_out}


def refused(act: Callable[[], object]) -> tuple[str, str]:
    """Let something be refused; gives the sentence and the code."""
    refresh()
    with pytest.raises(Refused) as caught:
        act()
    refresh()
    return str(caught.value.message), caught.value.code


def test_agreements_hear_each_change_of_a_payment_by_hand_once(
    world: OfflineWorld, heard: list[str], frozen: FrozenClock
) -> None:
    payment = world.payment(5000)
    world.receive(payment, 2000)
    wrong = world.receive(payment, 3000)
    reversing.reverse(wrong.id, world.bert.id, "not ours")
    world.receive(payment, 3000)
    service.settle(world.fresh(payment))
    world.tell_account(world.owner)
    service.pay_out(world.owner.id, "EUR")
    orders.done(world.orders(BankOrder.payout_id.is_not(None))[0].id, orders.Done(TODAY), world.anna.id)
    other = world.payment(4000)
    world.receive(other, 4100)
    service.refund(world.fresh(other), eur(500))
    world.work()
    for order in world.orders(BankOrder.state == "waiting"):
        orders.done(order.id, orders.Done(TODAY), world.anna.id)
    late = world.payment(3000)
    frozen.at(world.request(late).ends_at)
    for _time in range(2):
        overdue.sweep()
        world.work()
    assert heard == [
        f"payment_changed {payment.id} {change}" for change in ("awaiting", "succeeded", "reverted", "succeeded", "paid_out")
    ] + [f"payment_changed {other.id} {change}" for change in ("awaiting", "succeeded", "refunded")] + [
        f"payment_changed {late.id} {change}" for change in ("awaiting", "overdue")
    ]  # fmt: skip
    assert world.fresh(late).state == "cancelled"


def test_a_receipt_an_order_and_a_refund_keep_who_did_what_when(world: OfflineWorld) -> None:
    payment = world.payment(5000)
    now = clock.now()
    seen = {"payer_account": THEIRS, "note": "  seen on paper  ", "nonce": "a-nonce-of-mine"}
    receipt = world.receive(payment, 5200, **seen)
    request = world.request(payment)
    assert everything_of(receipt, "id") == {
        "request_id": request.id, "way": "bank", "amount_minor": 5200, "currency": "EUR", "received_on": TODAY,
        "payer_account": THEIRS, "note": "seen on paper", "nonce": "a-nonce-of-mine", "two_eyes": False,
        "state": "confirmed", "entered_by": world.anna.id, "entered_at": now, "confirmed_by": world.anna.id,
        "confirmed_at": now, "ended_by": None, "ended_at": None, "why": "",
    }  # fmt: skip
    (refund,), (order,) = world.refunds(payment), world.orders()
    assert everything_of(refund, "id", "error_code", "fee_back", "bearer", "missing_minor", "actor_id", "origin") == {
        "payment_id": payment.id, "gateway": "offline", "ref": None, "charge_ref": f"offline_{request.id}",
        "amount_minor": 200, "currency": "EUR", "surplus": True, "state": "waiting", "booked": False,
        "reason": "more was paid than was asked for", "created_at": now, "updated_at": now,
    }  # fmt: skip
    waiting = {
        "refund_id": refund.id, "payout_id": None, "user_id": payment.payer_id, "way": "bank", "account": THEIRS,
        "holder": "", "amount_minor": 200, "currency": "EUR", "state": "waiting", "two_eyes": False, "note": "",
        "exported_by": None, "exported_at": None, "done_by": None, "done_on": None, "created_at": now, "updated_at": now,
    }  # fmt: skip
    assert everything_of(order, "id") == waiting
    assert returns.order_for(refund).id == order.id, "asked for twice it is one task"
    orders.fill_in(order.id, " NL91 ABNA 0417 1643 00 ", " P. Payer ", "bank", world.anna.id)
    orders.export(world.anna.id)
    orders.done(order.id, orders.Done(TODAY, "batch 7"), world.bert.id)
    assert everything_of(order, "id") == {
        **waiting, "account": OURS, "holder": "P. Payer", "state": "done", "exported_by": world.anna.id,
        "exported_at": now, "done_by": world.bert.id, "done_on": TODAY, "note": "batch 7",
    }  # fmt: skip
    refund = world.refunds(payment)[0]
    assert (refund.state, refund.booked, refund.ref) == ("succeeded", True, f"order_{order.id}")


def test_where_an_order_goes_may_be_left_open_and_is_then_at_the_desk_or_asked_for(world: OfflineWorld) -> None:
    world.receive(world.payment(5000), 5200)
    (order,) = world.orders()
    orders.fill_in(order.id, "  ", "", "desk", world.anna.id)
    found = everything_of(order)
    assert (found["account"], found["holder"], found["way"], found["state"]) == ("", "", "desk", "waiting")


def test_each_of_several_receipts_that_were_too_much_is_taken_back_with_its_own_task(world: OfflineWorld) -> None:
    payment = world.payment(5000)
    world.receive(payment, 5000)
    small, big = world.receive(payment, 300), world.receive(payment, 500)
    reversing.reverse(big.id, world.bert.id, "x")
    assert [(order.amount_minor, order.state) for order in world.orders()] == [(300, "waiting"), (500, "withdrawn")]
    reversing.reverse(small.id, world.bert.id, "x")
    assert [refund.state for refund in world.refunds(payment)] == ["failed", "failed"]
    assert (world.fresh(payment).state, world.held(payment), world.bank()) == ("succeeded", 5000, 5000)


def test_more_than_one_receipts_worth_that_goes_back_in_one_sum_is_not_torn_apart(world: OfflineWorld) -> None:
    payment = world.payment(5000)
    part = world.receive(payment, 2000)
    service.cancel_payment(world.fresh(payment))
    more = world.receive(payment, 1000)
    assert [order.amount_minor for order in world.orders()] == [2000, 1000]
    half = receipts.enter(world.request(payment).id, world.seen(500), world.anna.id)
    reversing.reverse(half.id, world.bert.id, "x")
    reversing.reverse(more.id, world.bert.id, "x")
    assert [order.state for order in world.orders()] == ["waiting", "withdrawn", "withdrawn"]
    reversing.reverse(part.id, world.bert.id, "x")
    assert {order.state for order in world.orders()} == {"withdrawn"}
    assert (world.held(payment), world.bank()) == (0, 0)
    torn = world.payment(5000)
    pieces = [world.receive(torn, minor) for minor in (700, 800)]
    service.cancel_payment(world.fresh(torn))
    assert refused(lambda: reversing.reverse(pieces[0].id, world.bert.id, "x")) == (
        "This money is to be sent back together with other money; do that first.", "order_state",
    )  # fmt: skip
    world.prove()


def test_a_settlement_is_undone_with_its_fees_unless_its_earnings_were_used(world: OfflineWorld) -> None:
    world.set(**{"bills.tax_rate": "21", "bills.tax_included": "off"})
    payment = world.payment(5000)
    receipt = world.receive(payment, 5000)
    service.settle(world.fresh(payment), fee=eur(1000))
    with transaction():
        db.session.get_one(Payment, payment.id).payable_minor -= 1
    assert refused(lambda: reversing.reverse(receipt.id, world.bert.id, "x")) == (
        "Some of the earnings were kept for something else.", "payment_state",
    )  # fmt: skip
    with transaction():
        db.session.get_one(Payment, payment.id).payable_minor += 1
    reversing.reverse(receipt.id, world.bert.id, "x" * 600)
    refresh()
    lines = db.session.scalars(select(FeeLine).order_by(FeeLine.id)).all()
    assert [(line.net_minor, line.tax_minor, line.cause.partition(":")[0]) for line in lines][1:] == [
        (-lines[0].net_minor, -lines[0].tax_minor, "undone"),
    ]  # fmt: skip
    assert (lines[1].given_back_id, lines[1].label, lines[1].payee_id) == (lines[0].id, lines[0].label, world.owner.id)
    found = db.session.get_one(OfflineReceipt, receipt.id)
    assert (found.state, found.why, found.ended_by, found.ended_at) == (
        "reversed",
        "x" * 500,
        world.bert.id,
        clock.now(),
    )
    payment = world.fresh(payment)
    assert (payment.state, payment.gateway, payment.charged_at, payment.settled_at) == ("awaiting", None, None, None)
    charges = select(PaymentAttempt.state, PaymentAttempt.error_code).where(PaymentAttempt.payment_id == payment.id)
    assert [tuple(row) for row in db.session.execute(charges.order_by(PaymentAttempt.id))] == [
        ("closed", "reversed"), ("needs_payer", "paid_by_hand"),
    ]  # fmt: skip
    assert burdens.held_now(payment) == 0
    world.prove()


def test_a_pay_out_by_hand_is_one_task_for_all_that_was_earned(world: OfflineWorld, frozen: FrozenClock) -> None:
    details.tell(world.owner.id, name="", address="", tax_number="", account=THEIRS, holder=" O. Owner ")
    account = db.session.scalars(select(PayoutAccount)).one()
    assert everything_of(account, "id", "due_by", "gone_at") == {
        "user_id": world.owner.id, "gateway": "offline", "ref": f"member_{world.owner.id}", "transfers_enabled": True,
        "charges_enabled": False, "payouts_enabled": True, "requirements": [], "past_due": False, "disabled_reason": "",
        "created_at": clock.now(), "updated_at": clock.now(),
    }  # fmt: skip
    for minor in (5000, 7000):
        payment = world.payment(minor)
        world.receive(payment, minor)
        service.settle(world.fresh(payment))
    frozen.forward(hours=1)
    now = clock.now()
    payouts.pay_out(world.owner.id, "EUR")
    payouts.pay_out(world.owner.id, "EUR")
    (order,) = world.orders()
    payout = db.session.scalars(select(Payout)).one()
    assert (order.payout_id, order.account, order.holder, order.amount_minor, order.way, order.user_id) == (
        payout.id, THEIRS, "O. Owner", 12000, "bank", world.owner.id,
    )  # fmt: skip
    parts = db.session.scalars(select(PayoutPart).order_by(PayoutPart.id)).all()
    assert [(part.gateway, part.amount_minor, part.currency, part.created_at) for part in parts] == [
        ("offline", 5000, "EUR", now), ("offline", 7000, "EUR", now),
    ]  # fmt: skip
    frozen.forward(days=1)
    orders.done(order.id, orders.Done(TODAY), world.anna.id)
    refresh()
    parts = db.session.scalars(select(PayoutPart).order_by(PayoutPart.id)).all()
    assert [(part.state, part.ref, part.sent_at) for part in parts] == [
        ("sent", f"order_{order.id}:{part.id}", now + timedelta(days=1)) for part in parts
    ]  # fmt: skip
    payout = db.session.scalars(select(Payout)).one()
    assert (payout.state, payout.paid_at, payout.account_id) == ("paid", now + timedelta(days=1), account.id)
    assert (world.bank(), world.payable()) == (0, 0)
    world.prove()
