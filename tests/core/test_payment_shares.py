"""Earnings of one payment that several members share: each paid out by itself, all to the cent."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from marketplace.database import db
from marketplace.errors import Refused
from marketplace.ledger import accounts
from marketplace.money import Money
from marketplace.payments import reads, service, shares
from marketplace.payments.models import Payment
from marketplace.users.models import User
from tests.core.dispute_world import Disputes
from tests.core.payment_world import eur


@pytest.fixture
def world(app: Any, sandbox: Any, factories: Any) -> Disputes:
    return Disputes(app, sandbox, factories)


def _shared(world: Disputes, *parts: int, minor: int = 5000, fee: int = 250) -> tuple[Payment, list[int]]:
    members = [world.factories.user().id for _part in parts]
    payment = world.charged(minor)
    service.settle(payment, eur(fee), {member: eur(part) for member, part in zip(members, parts, strict=True)})
    return world.fresh(payment), members


def _payable(world: Disputes, user_id: int) -> int:
    return world.standing(accounts.member_payable(user_id, "EUR"))


def test_each_gets_a_transfer_of_its_own_and_the_payee_the_rest(world: Disputes) -> None:
    payment, members = _shared(world, 1333, 1, 0)
    assert [_payable(world, one) for one in members] == [1333, 1, 0]
    assert (world.earned(), world.standing(accounts.platform_fees("EUR"))) == (3416, 250)
    assert (world.held(payment), payment.earned_minor) == (0, 3416)
    assert [(row.payee_id, row.amount_minor) for row in shares.of(payment.id)] == [(members[0], 1333), (members[1], 1)]
    world.prove()


def test_dividing_again_changes_nothing(world: Disputes) -> None:
    payment, members = _shared(world, 1000)
    service.settle(payment, eur(0), {members[0]: eur(4000)})
    assert (_payable(world, members[0]), len(shares.of(payment.id))) == (1000, 1)
    with pytest.raises(Refused):
        service.after_fees(payment, eur(250))


def test_what_is_left_after_the_fees_is_said_before(world: Disputes) -> None:
    payment = world.charged(5000)
    assert service.after_fees(payment, eur(250)) == eur(4750)
    other = world.factories.user()
    service.settle(payment, eur(250), {other.id: eur(4750)})
    assert (world.earned(), _payable(world, other.id)) == (0, 4750)
    world.prove()


@pytest.mark.parametrize("part", [Money(4751, "EUR"), Money(-1, "EUR"), Money(100, "USD")])
def test_more_than_there_is_cannot_be_shared(world: Disputes, part: Money) -> None:
    payment, other = world.charged(5000), world.factories.user()
    with pytest.raises(ValueError, match="share"):
        service.settle(payment, eur(250), {other.id: part})
    assert (world.held(payment), world.fresh(payment).settled_at) == (5000, None)


def test_shares_are_paid_out_like_any_earnings_out_of_the_same_charge(world: Disputes) -> None:
    payment, members = _shared(world, 2000, 1500)
    for member in (world.owner.id, *members):
        world.onboard(db.session.get_one(User, member))
        service.pay_out(member, "EUR")
    world.work()
    transfers = list(world.stripe.transfers.list({"limit": 10}).auto_paging_iter())
    assert sorted(one.amount for one in transfers) == [1250, 1500, 2000]
    assert {one.source_transaction for one in transfers} == {payment.source_ref}
    assert [_payable(world, one) for one in (world.owner.id, *members)] == [0, 0, 0]
    world.prove()


def test_a_part_of_every_share_is_set_aside(world: Disputes) -> None:
    world.reserve_of("10")
    _payment, members = _shared(world, 2000)
    assert (_payable(world, members[0]), world.earned(), world.set_aside()) == (1800, 2475, 275)
    world.prove()


def test_a_share_is_nobodys_debt_and_can_t_be_refunded(world: Disputes) -> None:
    payment, members = _shared(world, 2000)
    share = db.session.scalars(select(Payment).where(Payment.payee_id == members[0])).one()
    assert [one.id for one in service.payments_of(_agreement(payment))] == [payment.id]
    assert [row.id for row in reads.payments_of_member(members[0])[0]] == [share.id]
    assert share.id not in [row.id for row in reads.payments_of_member(world.owner.id)[0]]
    with pytest.raises(Refused):
        service.refund(share, eur(100))


def _agreement(payment: Payment) -> Any:
    from marketplace.agreements.models import Agreement

    return db.session.get_one(Agreement, payment.agreement_id)
