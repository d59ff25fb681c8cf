"""What goes back of a payment whose earnings several share: each gives a part in proportion, nobody more than was received."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from marketplace.database import db, transaction
from marketplace.ledger import accounts
from marketplace.ledger.audit import audit
from marketplace.notifications.models import Notification
from marketplace.payments import giving_back, service, shares
from marketplace.payments.apply import apply
from marketplace.payments.attempts import locked
from marketplace.payments.facts import DisputeFacts, MovementFacts
from marketplace.payments.models import Payment, Refund
from marketplace.payments.provider import provider
from marketplace.payments.refunds import run_refund
from marketplace.payments.reserve import release_due
from marketplace.payments.share_models import RefundShare
from marketplace.testing.frozen_clock import FrozenClock
from marketplace.users.models import User
from tests.core.dispute_world import Disputes
from tests.core.payment_world import FAILING_REFUND, eur


@pytest.fixture
def world(app: Any, sandbox: Any, factories: Any) -> Disputes:
    return Disputes(app, sandbox, factories)


class Shared:
    """A payment of which a fee and parts of others were taken; the payee has the rest."""

    def __init__(self, world: Disputes, *parts: int, minor: int = 5000, fee: int = 250, **card: str) -> None:
        self.world = world
        self.members = [world.factories.user().id for _part in parts]
        payment = world.charged(minor, **card)
        service.settle(payment, eur(fee), {one: eur(part) for one, part in zip(self.members, parts, strict=True)})
        self.payment = world.fresh(payment)

    def refund(self, minor: int, **facts: Any) -> None:
        service.refund(self.payment, eur(minor), **facts)
        self.world.work()

    def payable(self) -> list[int]:
        """Give what is there for the payee and for each who shares."""
        return [self._standing(accounts.member_payable(one, "EUR")) for one in self._all()]

    def owed(self) -> list[int]:
        return [self._standing(accounts.member_receivable(one, "EUR")) for one in self._all()]

    def parts(self) -> list[Payment]:
        ids = [row.id for row in shares.of(self.payment.id)]
        return [db.session.get_one(Payment, one, populate_existing=True) for one in ids]

    def pay_out(self) -> None:
        for one in self._all():
            self.world.onboard(db.session.get_one(User, one))
            service.pay_out(one, "EUR")
        self.world.work()

    def told(self, kind: str) -> list[tuple[int, int]]:
        rows = db.session.execute(
            select(Notification.user_id, Notification.params).where(Notification.kind == kind).order_by(Notification.id)
        )
        return [(user_id, params["amount"]["$money"][0]) for user_id, params in rows]

    def _all(self) -> list[int]:
        return [self.payment.payee_id, *self.members]

    def _standing(self, account: Any) -> int:
        return self.world.standing(account)


def test_each_gives_a_part_in_proportion_and_the_platform_its_fee(world: Disputes) -> None:
    shared = Shared(world, 2000, 1000)
    shared.refund(1000)
    assert shared.payable() == [1750 - 350, 2000 - 400, 1000 - 200]
    assert (world.standing(accounts.platform_fees("EUR")), world.held(shared.payment)) == (200, 0)
    assert [(one.refunded_minor, one.earned_minor) for one in shared.parts()] == [(400, 1600), (200, 800)]
    world.prove()


def test_the_worked_case_of_a_refund_and_a_chargeback_of_the_rest(world: Disputes) -> None:
    shared = Shared(world, 2000, 1000)
    shared.refund(2000)
    assert shared.payable() == [1750 - 700, 2000 - 800, 1000 - 400]
    world.dispute(shared.payment, amount=3000)
    assert [(one.refunded_minor, one.disputed_minor) for one in shared.parts()] == [(800, 1200), (400, 600)]
    assert (shared.payable(), shared.owed()) == ([0, 0, 0], [150, 0, 0])
    world.prove()


def test_odd_cents_go_to_the_largest_remainders(world: Disputes) -> None:
    shared = Shared(world, 10, 10, 10, minor=101, fee=0)
    shared.refund(15)  # 10.54, and three times 1.49
    assert shared.payable() == [71 - 11, 10 - 2, 10 - 1, 10 - 1]
    world.prove()


def test_a_full_refund_takes_all_back_and_nothing_more(world: Disputes) -> None:
    shared = Shared(world, 1333, 1, 999)
    shared.refund(5000)
    assert (shared.payable(), shared.owed(), world.held(shared.payment)) == ([0, 0, 0, 0], [0, 0, 0, 0], 0)
    world.prove()


@pytest.mark.parametrize("seed", range(4))
def test_refunds_one_after_another_never_take_more_than_was_given(world: Disputes, seed: int) -> None:
    chance = Random(seed)
    minor = chance.randint(50, 5000)
    fee = chance.randint(0, minor // 5)
    own, *others = eur(minor - fee).split([chance.randint(0, 9) for _one in range(chance.randint(1, 4))] + [1])
    shared = Shared(world, *(part.minor for part in others), minor=minor, fee=fee)
    received, steps = [own.minor, *(part.minor for part in others if part)], 0
    while left := world.fresh(shared.payment).kept.minor:
        shared.refund(min(left, chance.randint(1, max(1, minor // 3))))
        steps += 1
        now = [shared.payable()[0], *(one.kept.minor for one in shared.parts())]
        given = [was - have for was, have in zip(received, now, strict=True)]
        assert min(now) >= 0
        for part, was in zip(given, received, strict=True):  # to a cent for each step, as each is rounded
            assert abs(part * sum(received) - sum(given) * was) <= steps * sum(received)
        world.prove()
    assert sum(shared.payable()) == 0 == world.standing(accounts.platform_fees("EUR"))


def test_what_the_platform_keeps_of_its_fee_is_borne_by_the_payee_alone(world: Disputes) -> None:
    shared = Shared(world, 2000, 1000)
    shared.refund(5000, fee_back=False)
    assert (shared.payable(), shared.owed()) == ([0, 0, 0], [250, 0, 0])
    world.prove()


def test_after_the_pay_out_each_ones_own_account_gives_its_part(world: Disputes) -> None:
    shared = Shared(world, 2000, 1000)
    shared.pay_out()
    service.refund(shared.payment, eur(1000))
    waiting = db.session.scalars(select(Refund)).one()
    assert (waiting.state, waiting.missing_minor) == ("waiting", 950)
    world.work()
    assert sorted(part.reversed_minor for part in world.parts()) == [200, 350, 400]
    assert (shared.payable(), shared.owed()) == ([0, 0, 0], [0, 0, 0])
    assert db.session.scalars(select(Refund).execution_options(populate_existing=True)).one().state == "succeeded"
    world.prove()


def test_who_has_nothing_left_owes_the_part_and_the_others_do_not(world: Disputes) -> None:
    shared = Shared(world, 2000, 1000)
    member = db.session.get_one(User, shared.members[0])
    world.onboard(member)
    service.pay_out(member.id, "EUR")
    world.work()
    world.bank.sandbox.clock.advance(10 * 86_400)  # the account pays all out to the bank
    world.bank.deliver()
    shared.refund(1000)
    assert (shared.payable(), shared.owed()) == ([1400, 0, 800], [0, 400, 0])
    world.prove()


def test_a_second_run_of_the_job_changes_nothing(world: Disputes) -> None:
    shared = Shared(world, 2000)
    shared.refund(1000)
    before = (shared.payable(), [one.refunded_minor for one in shared.parts()], world.count("refunds"))
    run_refund(db.session.scalars(select(Refund.id)).one())
    world.work()
    assert (shared.payable(), [one.refunded_minor for one in shared.parts()], world.count("refunds")) == before
    world.prove()


def test_a_refund_made_at_the_gateway_is_divided_too(world: Disputes) -> None:
    shared = Shared(world, 2000, 1000)
    world.stripe.refunds.create({"charge": shared.payment.source_ref or "", "amount": 1000})
    world.hear()
    assert shared.payable() == [1400, 1600, 800]
    world.prove()


def test_a_refund_that_fails_gives_each_their_part_back(world: Disputes) -> None:
    shared = Shared(world, 2000, 1000, card=FAILING_REFUND)
    shared.refund(1000)
    world.bank.sandbox.clock.advance(60)
    world.bank.deliver()
    world.hear()
    assert db.session.scalars(select(Refund)).one().state == "failed"
    assert (shared.payable(), world.standing(accounts.platform_fees("EUR"))) == ([1750, 2000, 1000], 250)
    assert [(one.refunded_minor, one.earned_minor) for one in shared.parts()] == [(0, 2000), (0, 1000)]
    assert [amount for _user, amount in shared.told("payment_share_again")] == [400, 200]
    world.dispute(shared.payment, amount=950)  # by what each received, as if nothing had been asked before
    assert shared.payable() == [1750 - 350, 2000 - 400, 1000 - 200]
    shared.world.prove()


def test_a_chargeback_is_borne_by_all_and_its_fee_by_the_payee(world: Disputes) -> None:
    shared = Shared(world, 2000, 1000)
    ref = world.dispute(shared.payment)
    assert (shared.payable(), shared.owed()) == ([0, 0, 0], [250, 0, 0])
    assert [one.disputed_minor for one in shared.parts()] == [2000, 1000]
    world.prove()
    world.decide(ref, won=True)
    assert (shared.payable(), shared.owed()) == ([1750, 2000, 1000], [0, 0, 0])
    assert [one.disputed_minor for one in shared.parts()] == [0, 0]
    world.prove()


def test_a_chargeback_after_a_refund_takes_what_each_has_left(world: Disputes) -> None:
    shared = Shared(world, 2000, 1000)
    shared.refund(1000)
    ref = world.dispute(shared.payment, amount=4000)
    assert (shared.payable(), shared.owed()) == ([0, 0, 0], [200, 0, 0])
    assert [(one.refunded_minor, one.disputed_minor) for one in shared.parts()] == [(400, 1600), (200, 800)]
    world.prove()
    world.decide(ref, won=True)
    assert (shared.payable(), shared.owed()) == ([1400, 1600, 800], [0, 0, 0])
    world.prove()


def test_the_second_chargeback_is_divided_by_what_the_first_has_left(world: Disputes) -> None:
    shared = Shared(world, 2000, 1000)
    world.dispute(shared.payment, amount=950)
    world.dispute(shared.payment, amount=1900)
    assert shared.payable() == [1750 - 350 - 700, 2000 - 400 - 800, 1000 - 200 - 400]
    world.prove()


def test_of_a_chargeback_in_part_each_bears_a_part_for_good(world: Disputes) -> None:
    shared = Shared(world, 2000, 1000)
    world.decide(world.dispute(shared.payment, amount=950), won=False)
    assert (shared.payable(), shared.owed()) == ([1400, 1600, 800], [0, 0, 0])
    world.prove()


def test_what_a_bank_gives_back_in_part_goes_to_each_in_proportion(world: Disputes) -> None:
    shared = Shared(world, 2000, 1000)
    answer = provider().read_case(world.dispute(shared.payment, amount=1900))
    assert isinstance(answer, tuple)
    (taken,) = (one for one in answer if isinstance(one, DisputeFacts))
    assert shared.payable() == [1750 - 700, 2000 - 800, 1000 - 400]
    for number, (minor, there) in enumerate((
        (950, [1750 - 350, 2000 - 400, 1000 - 200]), (949, [1750, 2000 - 1, 1000]), (1, [1750, 2000, 1000]),
    )):  # fmt: skip
        back = MovementFacts(f"txn_back_{number}", minor, replace(taken.movements[0].fee, amount_minor=0))
        apply(replace(taken, state="won", movements=(*taken.movements, back)))
        assert shared.payable() == there
        assert [one.disputed_minor for one in shared.parts()] == [2000 - there[1], 1000 - there[2]]
    assert audit() == []
    assert sum(minor for _user, minor in shared.told("payment_share_again")) == 1200


def test_what_a_bank_asks_about_stays_with_each_in_proportion(world: Disputes) -> None:
    shared = Shared(world, 2000, 1000)
    ref = world.dispute(shared.payment, inquiry="true", amount=950)
    assert [one.inquired_minor for one in shared.parts()] == [400, 200]
    shared.pay_out()
    assert shared.payable() == [350, 400, 200]
    world.decide(ref, won=True)
    assert (shared.payable(), [one.inquired_minor for one in shared.parts()]) == ([0, 0, 0], [0, 0])
    world.prove()


def test_a_share_that_is_settled_while_a_bank_asks_waits_for_the_answer(world: Disputes) -> None:
    payment, member = world.charged(5000), world.factories.user()
    world.dispute(payment, inquiry="true")
    service.settle(payment, eur(250), {member.id: eur(4750)})
    share = db.session.get_one(Payment, shares.of(payment.id)[0].id)
    assert (share.inquired_minor, service.pay_out(member.id, "EUR")) == (4750, None)


def test_what_is_set_aside_of_a_share_stays_while_a_bank_asks(world: Disputes, frozen: FrozenClock) -> None:
    world.reserve_of("10", 30)
    shared = Shared(world, 2000)
    world.dispute(shared.payment, inquiry="true", amount=100)
    frozen.forward(days=31)
    assert release_due() == 0
    other = Shared(world, 1000)
    frozen.forward(days=31)
    assert release_due() == 2
    assert other.payable()[1] == 1000


def test_those_who_share_are_told_what_goes_back(world: Disputes) -> None:
    shared = Shared(world, 2000, 1)
    shared.refund(1000)
    assert shared.told("payment_share_back") == [(shared.members[0], 400)]
    world.prove()


def test_who_shares_sees_what_went_back_and_when(world: Disputes, client: Any, auth: Any) -> None:
    shared = Shared(world, 2000)
    shared.refund(1000)
    world.dispute(shared.payment, amount=950)
    share = shared.parts()[0]
    auth.login(db.session.get_one(User, shared.members[0]))
    page = client.get("/account/payments").text
    assert "€4.00 of it went back to the payer." in page
    assert "The payer’s bank took €4.00 of it back." in page
    receipt = client.get(f"/pay/{share.id}").text
    assert "€4.00" in receipt
    assert "returned" in receipt
    assert f"/agreements/{share.agreement_id}" not in receipt  # it is between the payer and who shares
    assert client.get(f"/pay/{shared.payment.id}").status_code == 404


def test_operators_see_who_bears_how_much_and_refund_no_share(world: Disputes, client: Any, auth: Any) -> None:
    shared = Shared(world, 2000)
    world.dispute(shared.payment, amount=950)
    member = db.session.get_one(User, shared.members[0])
    auth.login(world.factories.operator())
    assert member.name in client.get("/operator/disputes/1").text
    assert "/refund" in client.get(f"/operator/payments/{shared.payment.id}").text
    assert "/refund" not in client.get(f"/operator/payments/{shared.parts()[0].id}").text


def test_a_share_never_gives_more_than_it_was_not_even_by_mistake(world: Disputes) -> None:
    from sqlalchemy.exc import IntegrityError

    shared = Shared(world, 2000)
    with pytest.raises(IntegrityError), transaction():
        locked(shared.parts()[0].id).refunded_minor = 2001
    shared.refund(1000)
    row = db.session.scalars(select(RefundShare)).first()
    assert row is not None
    with pytest.raises(IntegrityError), transaction():
        row.missing_minor = row.amount_minor + 1


def test_a_payment_that_nobody_shares_is_the_payees_alone(world: Disputes) -> None:
    payment = world.settled()
    with transaction():
        assert giving_back.divided(locked(payment.id), 700) == [(locked(payment.id), 700)]
        assert giving_back.divided(locked(payment.id), 0) == []
    service.refund(payment, eur(1000))
    assert db.session.scalars(select(RefundShare)).all() == []
