"""Rules of money that only a corner shows: fees that leave little, cards that run out, tries that come back, what is owed."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.errors import Refused
from marketplace.ledger import accounts
from marketplace.ledger.service import TransferSpec, hold, post
from marketplace.money import Money
from marketplace.payments import checkouts, dunning, holding, methods, nothing, open_ends, service
from marketplace.payments.billing.models import FeeLine
from marketplace.payments.bookings import Fee
from marketplace.payments.models import Payment, PaymentAttempt, SavedMethod
from marketplace.payments.open_ends import Balance
from marketplace.settings.service import set_value
from marketplace.testing.bank import Bank
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from marketplace.users.models import User
from tests.core.method_world import HOLD, MASTERCARD, NOW, RETURNS, SAVE, START, MethodWorld, eur
from tests.core.payment_world import ASKS_ALWAYS, DECLINES, VISA


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories, frozen: FrozenClock) -> MethodWorld:
    """Give a marketplace and a bank whose clocks agree."""
    return MethodWorld(app, sandbox, factories, frozen)


def fees_of(payment: Payment) -> list[tuple[str, str, int]]:
    """Give the fees that were taken of a payment, as the payee's invoice will name them."""
    refresh()
    rows = select(FeeLine.label, FeeLine.kind, FeeLine.net_minor).where(FeeLine.payment_id == payment.id)
    return [tuple(row) for row in db.session.execute(rows.order_by(FeeLine.id))]  # type: ignore[misc]


def test_the_providers_fee_is_passed_on_as_far_as_the_fees_before_it_leave_something(world: MethodWorld) -> None:
    costs = total = 0
    for before, after, passed_on, earned in (
        (0, 0, 100, 4900), (4900, 0, 100, 0), (4950, 0, 50, 0), (5000, 0, 0, 0), (0, 4900, 100, 0), (4000, 890, 100, 10),
    ):  # fmt: skip
        payment = world.charged(5000)  # of which the provider took 1.00
        # What the books say, not what the caller believes, is the amount of the provider's fee.
        fees = [Fee("Ours", eur(before)), Fee("Card", eur(7777), "provider"), Fee("More", eur(after))]
        assert service.after_fees(payment, fees) == eur(earned)
        service.settle(payment, fees)
        taken = [("Ours", "platform", before), ("Card", "provider", passed_on), ("More", "platform", after)]
        assert fees_of(payment) == [fee for fee in taken if fee[2]]
        costs, total = costs + 100 - passed_on, total + earned
        assert world.standing(accounts.provider_fees("EUR")) == costs
        assert (world.fresh(payment).earned_minor, world.earned()) == (earned, total)


def test_fees_beside_the_providers_that_take_more_than_there_is_settle_nothing(world: MethodWorld) -> None:
    payment = world.charged(5000)
    with pytest.raises(ValueError, match=r"^fees exceed the .* that is left$"):
        service.settle(payment, [Fee("Card", eur(0), "provider"), Fee("Ours", eur(4901))])
    assert world.fresh(payment).settled_at is None


def test_what_a_member_is_owed_owes_and_has_set_aside_binds_the_member_and_nothing_else_does(
    world: MethodWorld,
) -> None:
    member, other = world.factories.user().id, world.factories.user().id
    bank = accounts.platform_bank
    moves = [
        (bank("EUR"), accounts.member_payable(member, "EUR"), 1250),
        (accounts.member_receivable(member, "EUR"), bank("EUR"), 300),
        (bank("USD"), accounts.member_reserve(member, "USD"), 70),
        (accounts.member_receivable(member, "USD"), bank("USD"), 90),
        (bank("USD"), accounts.member_receivable(member, "USD"), 90),  # paid meanwhile
        (bank("EUR"), accounts.member_payable(other, "EUR"), 4),
        (bank("EUR"), accounts.agreement_held(member, "EUR"), 5),  # an agreement that has the member's number
    ]
    for at, (debit, credit, minor) in enumerate(moves):
        amount = Money(minor, credit.currency)
        post(f"test:{at}", [TransferSpec(debit, credit, amount)], description="made for a test")
    wanted = {Balance(True, eur(1250)), Balance(False, eur(300)), Balance(True, Money(70, "USD"))}
    found = open_ends.balances(member)
    assert (set(found), len(found)) == (wanted, 3)
    assert open_ends.balances(other) == [Balance(True, eur(4))]
    assert open_ends.balances(world.owner.id) == []
    for side, (debit, credit) in enumerate(
        ((bank("CHF"), accounts.member_payable(other, "CHF")), (accounts.member_receivable(other, "GBP"), bank("GBP")))
    ):
        amount = Money(7, debit.currency)
        hold(f"test:pending:{side}", debit, credit, amount, description="on its way")
    under_way = {Balance(True, Money(0, "CHF")), Balance(False, Money(0, "GBP"))}
    assert set(open_ends.balances(other)) == {Balance(True, eur(4)), *under_way}


def test_unfinished_payments_bind_both_sides_until_they_are_settled_refunded_or_taken_back(world: MethodWorld) -> None:
    payment = world.charged(5000)
    payer, owner = payment.payer_id, world.owner.id
    everybody = payer, owner, world.factories.user().id

    def bound(**values: object) -> tuple[int, ...]:
        with transaction():
            db.session.execute(update(Payment).where(Payment.id == payment.id).values(**values))
        refresh()
        return tuple(open_ends.unfinished(user) for user in everybody)

    none, both = (0, 0, 0), (1, 1, 0)
    assert bound(settled_at=None) == both
    assert bound(refunded_minor=4000, disputed_minor=999) == both
    assert bound(disputed_minor=1000) == none
    assert bound(refunded_minor=0, disputed_minor=0, settled_at=START) == none
    assert bound(settled_at=None) == both
    for state in ("method_needed", "ready", "charging", "processing", "action_required", "awaiting", "held"):
        assert bound(state=state) == both, state
    for state in ("cancelled", "declined"):
        assert bound(state=state) == none, state


def test_a_card_is_offered_to_the_end_of_its_last_month_and_the_newest_first(world: MethodWorld) -> None:
    user = world.factories.user()
    for number in (VISA, MASTERCARD):
        world.save_card(user, number)
    second, first = service.methods_of(user.id)
    assert (first.brand, second.brand) == ("visa", "mastercard")

    def offered(**values: object) -> bool:
        with transaction():
            db.session.execute(update(SavedMethod).where(SavedMethod.id == first.id).values(**values))
        refresh()
        return [one.id for one in service.methods_of(user.id)] == [second.id, first.id]

    for year, month, good in (
        (2027, 3, True), (2027, 2, False), (2026, 12, False), (2027, 12, True), (2028, 1, True), (None, None, True),
        (2027, None, True), (2026, None, False), (None, 1, True),
    ):  # fmt: skip
        assert offered(exp_year=year, exp_month=month) is good, (year, month)
    assert not offered(exp_year=None, exp_month=None, barred_at=START)
    assert not offered(barred_at=None, removed_at=START)
    assert not offered(removed_at=None, gateway="offline")
    assert service.methods_of(world.owner.id) == []


def test_a_payment_that_is_asked_for_anew_after_it_was_given_up_is_dunned_from_the_start(world: MethodWorld) -> None:
    payment = world.on_card(card=DECLINES)
    service.charge(payment)
    world.work()
    for _day in range(8):
        world.forward(days=1)
    assert (world.dunning(payment).state, service.last_try(world.fresh(payment))) == ("given_up", None)
    tries, mails = world.fresh(payment).tries, world.told("payment_declined")
    world.forward(days=10)
    service.charge(world.fresh(payment))
    world.work()
    row, now = world.dunning(payment), clock.now()
    assert (row.state, row.since, row.last_at, row.next_at, row.advice) == (
        "running", now, now + timedelta(days=7), now + timedelta(hours=48), "later",
    )  # fmt: skip
    assert service.last_try(world.fresh(payment)) == now + timedelta(days=7)
    assert (world.fresh(payment).tries, world.told("payment_declined")) == (tries + 1, mails + 1)
    world.forward(hours=48)
    assert (world.fresh(payment).tries, world.told("payment_declined")) == (tries + 2, mails + 2)
    world.save_card(world.payer(payment), VISA, payment)
    world.work()
    assert (world.fresh(payment).state, world.dunning(payment).state) == ("succeeded", "ended")


def test_a_refusal_that_nobody_asked_to_charge_for_is_not_dunned_but_the_bank_s_question_is_told(
    world: MethodWorld,
) -> None:
    for card, told in ((DECLINES, 0), (ASKS_ALWAYS, 1)):
        payment = world.on_card(HOLD, card=card)
        service.hold(payment)
        with transaction():
            db.session.get_one(Payment, payment.id).due_at = None
        world.work()
        assert db.session.get(dunning.PaymentDunning, payment.id) is None
        assert world.told("payment_action_required") == told
    assert world.told("payment_declined") == 0


def test_an_amount_whose_answer_was_lost_is_found_again_by_whoever_asks_and_held_once(world: MethodWorld) -> None:
    payment = world.on_card(HOLD)
    world.fault("payment_intents.create", "lost")
    service.hold(payment)
    world.work()
    (attempt,) = world.attempts(payment, "hold")
    assert (attempt.state, world.fresh(payment).state) == ("unknown", "charging")
    with transaction():
        db.session.get_one(PaymentAttempt, attempt.id).error_code = "mismatch"
    holding.run_hold(payment.id)
    assert world.attempts(payment, "hold")[0].state == "unknown", "what does not fit waits for somebody"
    with transaction():
        db.session.get_one(PaymentAttempt, attempt.id).error_code = "lost"
    for _time in range(2):
        holding.run_hold(payment.id)
    assert [one.state for one in world.attempts(payment, "hold")] == ["succeeded"]
    assert (world.fresh(payment).state, [row.state for row in world.holds(payment)], world.pending(payment)) == (
        "held", ["held"], 5000,
    )  # fmt: skip
    assert world.intents() == ["requires_capture"]


def test_another_card_takes_the_place_of_one_whose_bank_asks_before_a_hold(world: MethodWorld) -> None:
    payment = world.on_card(HOLD, card=ASKS_ALWAYS)
    service.hold(payment)
    world.work()
    holding.run_hold(payment.id)
    assert [one.state for one in world.attempts(payment, "hold")] == ["needs_payer"], "the same card is not asked again"
    world.save_card(world.payer(payment), VISA, payment)
    world.work()
    assert [one.state for one in world.attempts(payment, "hold")] == ["closed", "succeeded"]
    assert [row.state for row in world.holds(payment)] == ["released", "held"]
    assert (world.pending(payment), world.intents()) == (5000, ["canceled", "requires_capture"])


def test_pauses_grow_by_the_tries_of_the_same_debt_alone(world: MethodWorld) -> None:
    charged = [world.charged(5000), world.charged(4000)]
    owner: User = world.owner
    world.onboard(owner)
    for payment in charged:
        service.settle(payment)
    world.fault("transfers.create", "lost_before", times=4)
    service.pay_out(owner.id, "EUR")
    world.work()
    first, second = (world.attempts(payment, "transfer")[-1].id for payment in charged)
    for attempt, pauses in ((first, 120), (second, 120)):
        nothing.nothing_happened(attempt, "refused_for_a_test")
        (job,) = [job for job in world.jobs("payments.transfer") if job.run_at > clock.now() + timedelta(seconds=60)][
            -1:
        ]
        assert (job.run_at - clock.now()).total_seconds() == pauses
    waits = [nothing._pause("refused", closed).total_seconds() for closed in (0, 1, 2, 5, 6, 7)]
    assert waits == [60, 120, 240, 1920, 3600, 3600]
    assert [nothing._pause(nothing.NOT_FOUND, closed).total_seconds() for closed in (0, 1, 2)] == [5, 5, 240]


def test_a_page_that_cannot_be_closed_keeps_every_other_page_shut(world: MethodWorld) -> None:
    payment = world.ask(SAVE, NOW)
    world.page(payment)
    with transaction():
        db.session.get_one(Payment, payment.id).amount_minor = 4000  # the page asks for another amount now
    refresh()
    world.fault("checkout.sessions.expire", "error_before", times=2)
    with pytest.raises(Refused) as caught:
        checkouts.begin_page(world.payer(payment), world.fresh(payment), "ideal", RETURNS)
    assert (str(caught.value.message), caught.value.code) == ("This is being paid at the moment.", "payment_state")
    assert len(world.attempts(payment)) == 1
    url = checkouts.begin_page(world.payer(payment), world.fresh(payment), "ideal", RETURNS)
    assert isinstance(url, str)
    assert [one.state for one in world.attempts(payment)] == ["closed", "needs_payer"]
    assert world.attempts(payment)[1].params["amount_minor"] == 4000


def test_a_page_to_save_a_card_is_closed_a_day_and_an_hour_later(world: MethodWorld) -> None:
    user = world.factories.user()
    assert isinstance(methods.begin_setup(user, None, RETURNS), str)
    (job,) = world.jobs("payments.expire_setup")
    attempt = db.session.scalars(select(PaymentAttempt).where(PaymentAttempt.kind == "setup")).one()
    assert (job.run_at, job.payload, job.key) == (
        START + timedelta(hours=25), {"attempt": attempt.id}, f"payments.expire_setup:{attempt.id}",
    )  # fmt: skip
    methods.expire_setup(attempt.id)
    refresh()
    ended = db.session.get_one(PaymentAttempt, attempt.id)
    assert (ended.state, ended.error_code) == ("closed", "expired")
    world.fault("checkout.sessions.create", "lost_before")
    assert not isinstance(methods.begin_setup(user, None, RETURNS), str)
    refresh()
    lost = db.session.scalars(select(PaymentAttempt).order_by(PaymentAttempt.id.desc()).limit(1)).one()
    assert (lost.state, lost.error_code) == ("unknown", "lost")
    for ahead, state in ((timedelta(hours=25) - timedelta(seconds=1), "unknown"), (timedelta(hours=25), "closed")):
        world.frozen.at(datetime.fromisoformat(str(START)) + ahead)
        methods.expire_setup(lost.id)
        refresh()
        assert db.session.get_one(PaymentAttempt, lost.id).state == state


def test_days_of_patience_are_read_when_a_case_is_opened(world: MethodWorld) -> None:
    set_value("payments.last_try_days", 3, None)
    payment = world.on_card(card=DECLINES)
    service.charge(payment)
    world.work()
    set_value("payments.last_try_days", 20, None)
    assert world.dunning(payment).last_at == START + timedelta(days=3)
    for _day in range(4):
        world.forward(days=1)
    assert world.dunning(payment).state == "given_up"
