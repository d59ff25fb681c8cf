"""Cash that one member takes straight from another: what is typed wrongly finds its way out again, by pages that members have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import select

from marketplace import clock
from marketplace.admin.models import AuditEntry
from marketplace.database import db, transaction
from marketplace.errors import InvalidInput, Refused
from marketplace.ledger import accounts
from marketplace.payments import debts, service
from marketplace.payments.models import BankOrder, OfflineReceipt, Payment
from marketplace.payments.offline import orders, receipts, returns, reversing
from marketplace.testing.clients import page_text
from marketplace.testing.factories import Factories
from marketplace.testing.people import Auth
from marketplace.users.models import User
from tests.core.offline_world import THEIRS, OfflineWorld, eur, without_a_provider

WAITING = BankOrder.state == "waiting"


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Iterator[Flask]:
    """Give an app that talks to no provider at all."""
    with without_a_provider(make_app) as made:
        yield made


@pytest.fixture
def world(app: Flask, factories: Factories) -> OfflineWorld:
    """Give a marketplace without a provider."""
    return OfflineWorld(app, factories)


def taken(world: OfflineWorld, payment: Payment, minor: int) -> OfflineReceipt:
    return receipts.enter(world.request(payment).id, world.seen(minor), world.owner.id, payee=True)


def test_a_mistaken_receipt_of_cash_is_reversed_with_the_fee_owed_for_it_until_that_is_paid(
    world: OfflineWorld,
) -> None:
    payment = world.payment(5000, "cash_owner")
    receivable = accounts.member_receivable(world.owner.id, "EUR")
    for _time in range(2):
        wrong = taken(world, payment, 90000)
        service.settle(world.fresh(payment), fee=eur(250))
        assert (world.standing(receivable), len(world.orders(WAITING))) == (250, 1)
        reversing.reverse(wrong.id, world.anna.id, "typed for somebody else")
        assert (world.standing(receivable), world.held(payment), world.orders(WAITING)) == (0, 0, [])
        assert (world.fresh(payment).state, world.request(payment).missing) == ("awaiting", eur(5000))
        assert debts.open_debts(world.owner.id) == []
        world.prove()
    right = taken(world, payment, 5000)
    service.settle(world.fresh(payment), fee=eur(250))
    debts.repay(debts.open_debts(world.owner.id)[0].id, eur(100), world.anna.id, "paid at the desk")
    with pytest.raises(Refused, match="paid meanwhile"):
        reversing.reverse(right.id, world.anna.id, "too late")
    assert (world.standing(receivable), world.fresh(payment).state) == (150, "succeeded")
    world.prove()


@pytest.mark.parametrize("by_operator", [False, True])
def test_too_much_cash_above_the_limit_is_handed_back_on_the_receivers_word_or_booked_by_an_operator(
    world: OfflineWorld, auth: Auth, by_operator: bool
) -> None:
    payment = world.payment(1000, "cash_owner")
    taken(world, payment, 1000500)
    (refund,), (order,) = world.refunds(payment), world.orders()
    assert (order.amount_minor, order.way) == (999500, "owner")
    owner, operator = auth.client(world.owner), auth.client(world.anna)
    handed, done = f"/pay/{payment.id}/handed-back/{refund.id}", f"/operator/bank-orders/{order.id}/done"
    assert handed in owner.get(f"/pay/{payment.id}").text
    assert done in operator.get(f"/operator/bank-orders/{order.id}").text
    payer = auth.client(db.session.get_one(User, payment.payer_id))
    page = page_text(payer.get(f"/pay/{payment.id}"))
    assert "Goes back to the payer" in page
    assert "€9,995.00" in page
    if by_operator:
        operator.post(done, data={"done_on": clock.today("Europe/Amsterdam").isoformat(), "note": "said on the phone"})
    else:
        owner.post(handed)
    assert (world.refunds(payment)[0].state, world.held(payment)) == ("succeeded", 1000)
    assert handed not in owner.get(f"/pay/{payment.id}").text
    world.prove()


def test_what_an_older_release_put_before_two_pairs_of_eyes_can_still_be_handed_back(
    world: OfflineWorld, auth: Auth
) -> None:
    payment, at = world.payment(90000, "cash_owner"), clock.now()
    taken(world, payment, 90000)
    refund = service.refund(payment, eur(80000), "not delivered")
    with transaction() as session:
        order = BankOrder(
            refund_id=refund.id, user_id=payment.payer_id, way="owner", amount_minor=80000, currency="EUR",
            state="waiting", two_eyes=True, created_at=at, updated_at=at,
        )  # fmt: skip
        session.add(order)
    world.work()
    operator, owner = auth.client(world.anna), auth.client(world.owner)
    prepare = f"/operator/bank-orders/{order.id}/prepare"
    assert prepare in operator.get(f"/operator/bank-orders/{order.id}").text
    operator.post(prepare)
    handed = f"/pay/{payment.id}/handed-back/{refund.id}"
    assert handed in owner.get(f"/pay/{payment.id}").text
    owner.post(handed)
    assert world.refunds(payment)[0].state == "succeeded"


def test_who_enters_more_cash_than_is_missing_is_asked_whether_it_was_that_much(
    world: OfflineWorld, auth: Auth
) -> None:
    payment = world.payment(1000, "cash_owner")
    owner, address = auth.client(world.owner), f"/pay/{payment.id}/received"
    typed = {
        "nonce": "a-form-of-an-owner", "received_on": clock.today("Europe/Amsterdam").isoformat(), "amount": "10.005",
    }  # fmt: skip
    answer = owner.post(address, data=typed)
    assert answer.status_code == 422
    assert "You entered €10,005.00, and €10.00 is missing." in page_text(answer)
    assert 'name="so_much"' in answer.text
    assert 'value="10.005"' in answer.text
    assert world.request(payment).received_minor == 0
    assert owner.post(address, data={**typed, "amount": "12", "so_much": "y"}).status_code == 303
    assert world.request(payment).received_minor == 1200
    assert 'name="so_much"' not in owner.get(f"/pay/{world.payment(1000, 'cash_owner').id}/received").text


def test_a_receipt_has_a_day_and_an_amount_that_can_be(world: OfflineWorld) -> None:
    payment = world.payment(5000)
    with pytest.raises(InvalidInput) as error:
        world.receive(payment, 100_000_000, on=date(1990, 1, 1))
    assert error.value.errors == {
        "amount": "The most that can be booked at once is €999,999.99.",
        "received_on": "This day is more than a year before the payment was asked for.",
    }
    world.receive(payment, 5000, on=world.request(payment).created_at.date().replace(day=1))
    assert world.bank() == 5000


def test_a_list_for_the_bank_names_the_member_where_no_holder_was_told(world: OfflineWorld) -> None:
    payment = world.payment(5000)
    world.receive(payment, 6000, payer_account=THEIRS)
    assert orders.export(world.anna.id).splitlines()[1].split(",")[1] == "Petra Payer"


def test_the_reason_of_the_second_operator_stays_in_the_audit_log(world: OfflineWorld, auth: Auth) -> None:
    receipt = world.receive(world.payment(60000), 60000)
    address = f"/operator/incoming/{receipt.request_id}/receipts/{receipt.id}/confirm"
    auth.client(world.bert).post(address, data={"reason": "seen on the statement of today"})
    logged = select(AuditEntry.reason).where(AuditEntry.action == "receipt.confirmed")
    assert db.session.scalars(logged).all() == ["seen on the statement of today"]


def test_the_word_of_the_receiver_counts_for_his_own_cash_alone(world: OfflineWorld) -> None:
    payment = world.payment(90000)
    receipts.confirm(world.receive(payment, 150000).id, world.bert.id)
    (refund,), (order,) = world.refunds(payment), world.orders()
    assert (order.way, order.two_eyes) == ("bank", True)
    with pytest.raises(Refused, match="above the limit"):
        orders.done(order.id, orders.Done(clock.now().date()), world.anna.id)
    with pytest.raises(Exception, match="no such refund"):
        returns.returned_by_payee(refund.id, world.owner.id, clock.now().date())
