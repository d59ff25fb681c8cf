"""What stands between a member and the money: debts, reserves, refusals, and what may be asked for once more, in exact words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import delete, select, update

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.errors import Conflict, InvalidInput, NotFound, Refused
from marketplace.jobs.models import Job
from marketplace.money import Money
from marketplace.payments import (
    attempts,
    debts,
    disputes,
    holding,
    payees,
    payout_accounts,
    replays,
    reserve,
    reversals,
    service,
    standing,
)
from marketplace.payments.apply import apply
from marketplace.payments.burden_models import MemberDebt, ReserveHold
from marketplace.payments.facts import BankPayoutFacts, RefundFacts, Succeeded
from marketplace.payments.inbox_models import WRONG_MODE
from marketplace.payments.models import GatewayEvent, Payment, PaymentAttempt, Refund
from marketplace.payments.outcome import Fate
from marketplace.payments.payout_models import BankPayout, PayoutPart
from marketplace.payments.standing import Standing
from marketplace.payments.transfers import run_transfer
from marketplace.testing.bank import Bank
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from tests.core.dispute_world import Disputes
from tests.core.payment_world import VISA, eur

START = datetime.fromisoformat("2027-03-01T09:00:00+00:00")


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories, frozen: FrozenClock) -> Disputes:
    """Give a marketplace with a bank and an owner with an account, on a morning in March."""
    frozen.at(START)
    made = Disputes(app, sandbox, factories)
    made.onboard(made.owner)
    return made


def refused(act: Callable[[], object]) -> tuple[str, str, str]:
    """Let something be refused: the sentence, the code and the field."""
    refresh()
    with pytest.raises((Refused, NotFound, Conflict)) as caught:
        act()
    refresh()
    return str(caught.value.message), caught.value.code, caught.value.field or ""


def test_a_member_is_shown_what_is_owed_and_set_aside_and_since_when(world: Disputes, frozen: FrozenClock) -> None:
    other, operator = world.factories.user().id, world.factories.operator().id
    world.reserve_of("10", 30)
    assert standing.standing_of(world.owner.id) == []
    first = world.settled(5000, 0)
    frozen.forward(days=1)
    second = world.settled(3000, 0)
    aside = Standing("set_aside", eur(800), START + timedelta(days=30))
    assert standing.standing_of(world.owner.id) == [aside]
    with transaction():
        owed = debts.owe(first, 700)
        frozen.forward(days=1)
        debts.owe(second, 200)
        db.session.execute(update(ReserveHold).where(ReserveHold.payment_id == second.id).values(left_minor=0))
        usd = {"user_id": world.owner.id, "currency": "USD", "created_at": START, "updated_at": START}
        db.session.add(MemberDebt(payment_id=first.id, amount_minor=90, **usd))
        done = MemberDebt(payment_id=first.id, amount_minor=90, cleared_minor=60, written_off_minor=30, **usd)
        done.currency = "CHF"
        db.session.add(done)
    refresh()
    found = standing.standing_of(world.owner.id)
    assert {(one.kind, one.amount, one.at) for one in found} == {
        ("owed", eur(900), START + timedelta(days=1)), ("owed", Money(90, "USD"), START),
        ("set_aside", eur(500), START + timedelta(days=30)),
    }  # fmt: skip
    assert (len(found), standing.standing_of(other)) == (3, [])
    assert [one.id for one in debts.open_debts(world.owner.id, "EUR")] == [owed.id, owed.id + 1]
    for amount in (eur(701), eur(0), eur(-1), Money(5, "USD")):
        for act in (debts.repay, debts.write_off):
            assert refused(lambda act=act, amount=amount: act(owed.id, amount, operator, "x")) == (  # type: ignore[misc]
                "That much is not owed.", "debt_amount", "amount",
            )  # fmt: skip


def test_pay_outs_that_the_bank_refused_are_shown_until_it_took_one(world: Disputes) -> None:
    account = payout_accounts.account_of(world.owner.id)
    assert account is not None
    assert standing.refused_by_bank(None) == ()
    told = BankPayoutFacts("po_0", account.ref, 100, "EUR", "failed", failure_code="no_account")

    def shown() -> list[str]:
        refresh()
        return [payout.ref for payout in standing.refused_by_bank(payout_accounts.account_of(world.owner.id))]

    for number, state in enumerate(("failed", "paid", "failed", "in_transit", "failed", "unheard_of")):
        outcome = apply(replace(told, ref=f"po_{number}", state=state))
        assert outcome.fate is (Fate.OLD if state == "unheard_of" else Fate.APPLIED)
        assert apply(replace(told, ref=f"po_{number}", state=state)).fate is Fate.OLD
    assert shown() == ["po_4", "po_2"]
    payout = db.session.scalars(select(BankPayout).where(BankPayout.ref == "po_4")).one()
    assert (payout.account_id, payout.gateway, payout.amount, payout.failure_code, payout.told_at, payout.created_at) == (
        account.id, "stripe", eur(100), "no_account", START, START,
    )  # fmt: skip
    apply(replace(told, ref="po_9", state="paid"))
    assert shown() == []
    assert apply(replace(told, account="acct_unknown")).fate is Fate.STRANGE


def test_a_reserve_is_of_the_rule_that_held_then_and_is_freed_on_its_day(world: Disputes, frozen: FrozenClock) -> None:
    operator = world.factories.operator().id
    world.reserve_of("10", 30)
    assert reserve.rule_of(world.owner.id) == reserve.Rule(Decimal(10), 30, own=False)
    for percent, days in (("12.5", 40), ("50", 2)):
        reserve.set_rule(world.owner.id, reserve.Rule(Decimal(percent), days, own=True), operator, "new here")
        refresh()
        assert reserve.rule_of(world.owner.id) == reserve.Rule(Decimal(percent), days, own=True)
    payment = world.settled(5000, 0)
    reserve.set_rule(world.owner.id, None, operator, "known now")
    refresh()
    assert reserve.rule_of(world.owner.id).own is False
    hold = db.session.scalars(select(ReserveHold)).one()
    assert (hold.amount_minor, hold.left_minor, hold.release_at, hold.user_id, hold.payment_id, hold.created_at) == (
        2500, 2500, START + timedelta(days=2), world.owner.id, payment.id, START,
    )  # fmt: skip
    assert (world.fresh(payment).payable_minor, world.fresh(payment).earned_minor) == (2500, 5000)
    frozen.forward(days=2, seconds=-1)
    assert reserve.release_due() == 0
    frozen.forward(seconds=1)
    assert (reserve.release_due(), reserve.release_due()) == (1, 0)
    refresh()
    hold = db.session.scalars(select(ReserveHold)).one()
    assert (hold.left_minor, hold.releases, hold.released_at) == (0, 1, START + timedelta(days=2))
    assert (world.fresh(payment).payable_minor, world.set_aside()) == (5000, 0)
    for percent in ("0", "100"):
        world.reserve_of(percent, 30)
        more = world.settled(1000, 0)
        assert world.fresh(more).payable_minor == (1000 if percent == "0" else 0)


def test_a_transfer_comes_out_of_its_charge_as_far_as_that_bears_it(world: Disputes) -> None:
    payment = world.paid_out(5000, 0)
    with transaction():  # as after a debt that was forgiven: more is earned than the charge brought
        db.session.get_one(Payment, payment.id).payable_minor = 300
        db.session.execute(update(PayoutPart).values(reversed_minor=299))
    refresh()

    def source() -> str:
        service.pay_out(world.owner.id, "EUR")
        refresh()
        part = db.session.scalars(select(PayoutPart).order_by(PayoutPart.id.desc()).limit(1)).one()
        world.fault("transfers.create", "lost_before")
        run_transfer(part.id)
        refresh()
        attempt = db.session.scalars(select(PaymentAttempt).where(PaymentAttempt.part_id == part.id)).one()
        assert (attempt.params["amount_minor"], attempt.params["group"], attempt.params["currency"]) == (
            300, f"agreement-{payment.agreement_id}", "EUR",
        )  # fmt: skip
        with transaction():
            db.session.get_one(PaymentAttempt, attempt.id).state = "closed"
            db.session.get_one(PayoutPart, part.id).state = "withdrawn"
            db.session.execute(update(service.Payout).values(state="cancelled"))
            db.session.get_one(Payment, payment.id).payable_minor = 300
            db.session.execute(update(PayoutPart).where(PayoutPart.state == "sent").values(reversed_minor=300))
        refresh()
        return str(attempt.params["source"])

    assert source() == ""
    assert source() == payment.source_ref


def test_a_refund_of_a_surplus_that_somebody_made_at_the_gateway_is_no_refund_of_the_payment(world: Disputes) -> None:
    payment = world.charged_late("pi_late")
    facts = RefundFacts("re_theirs", "", Succeeded(), 5000, "EUR", "pi_late", moved=True)
    assert apply(facts).fate is Fate.APPLIED
    assert apply(facts).fate is Fate.OLD
    refresh()
    made = db.session.scalars(select(Refund).where(Refund.ref == "re_theirs")).one()
    assert (made.surplus, made.origin, made.state, made.charge_ref) == (True, "gateway", "succeeded", "pi_late")
    assert (world.fresh(payment).refunded_minor, world.held(payment)) == (0, 0)


def test_an_event_is_looked_at_again_unless_it_waits_or_is_of_the_other_mode(
    world: Disputes, frozen: FrozenClock
) -> None:
    world.charged(5000)
    for event in world.events("payment_intent.succeeded", "charge.succeeded", "payment_intent.created"):
        world.post_event(event)
    world.work()
    frozen.forward(hours=1)
    ids = list(db.session.scalars(select(GatewayEvent.id).order_by(GatewayEvent.id)))
    with transaction():
        db.session.execute(update(GatewayEvent).values(state="applied", last_error="old", tries=3, settled_at=START))
        db.session.execute(update(GatewayEvent).where(GatewayEvent.id == ids[1]).values(last_error=WRONG_MODE))
        db.session.execute(delete(Job))
    replays.replay(ids[0], None, "why not")
    found = db.session.get_one(GatewayEvent, ids[0], populate_existing=True)
    assert (found.state, found.tries, found.last_error, found.settled_at, found.quiet, found.waits_since) == (
        "received", 0, None, None, True, clock.now(),
    )  # fmt: skip
    why = ("This event waits already, or belongs to the gateway's other mode.", "not_replayable", "")
    assert refused(lambda: replays.replay(ids[0], None)) == why
    assert refused(lambda: replays.replay(ids[1], None)) == why
    assert replays.replay_all("applied", None, mail=True) == len(ids) - 2
    assert db.session.get_one(GatewayEvent, ids[2], populate_existing=True).quiet is False


def test_what_an_operator_cannot_do_about_a_case_is_said(world: Disputes) -> None:
    operator = world.factories.operator().id
    case = world.case(world.dispute(world.paid_out(5000)))
    assert refused(lambda: disputes.upload(case.id, "nonsense", "x.pdf", b"%PDF-")) == (
        "There is no such evidence.", "not_found", "",
    )  # fmt: skip
    large = b"%PDF-" + bytes(disputes.MOST_BYTES - 4)
    for act, told in (
        (lambda: disputes.upload(case.id, "receipt", "x.pdf", large), {"receipt": "This file is larger than 5 MB."}),
        (lambda: disputes.save(case.id, {"customer_name": "x" * 20_001, "service_date": "x"}, case.version),
         {"customer_name": "Use at most 20,000 characters."}),
    ):  # fmt: skip
        with pytest.raises(InvalidInput) as caught:
            act()
        assert {field: str(why) for field, why in caught.value.errors.items()} == told
    version = disputes.save(case.id, {"customer_name": "x" * 20_000}, case.version).version - 1
    meanwhile = "Meanwhile this chargeback changed. Look at it again; what you wrote is still here."
    assert refused(lambda: disputes.save(case.id, {"customer_name": "y"}, version))[0] == meanwhile
    disputes.save(case.id, {"customer_name": "x" * 20_000}, 0)  # nothing new is no quarrel
    bare = world.case(world.dispute(world.charged(4000)))
    assert refused(lambda: disputes.submit(bare.id, operator)) == (
        "Write or upload something first: the bank looks at it only once.", "no_evidence", "",
    )  # fmt: skip
    disputes.concede(bare.id, operator, "ours")
    over = ("This chargeback can't be answered any more.", "dispute_state", "")
    for again in (
        lambda: disputes.concede(bare.id, operator, ""), lambda: disputes.submit(bare.id, operator),
        lambda: disputes.save(bare.id, {}, 1), lambda: disputes.upload(bare.id, "receipt", "x.pdf", b"%PDF-"),
    ):  # fmt: skip
        assert refused(again) == over
    assert refused(lambda: attempts.locked_attempt(9999))[:2] == ("There is no such attempt.", "not_found")
    (debt,) = debts.open_debts(world.owner.id)
    reversals.take_back(debt.id, operator, "x")
    assert refused(lambda: reversals.take_back(debt.id, operator, "x")) == (
        "Nothing of this payment is left at the member's account.", "nothing_to_reverse", "",
    )  # fmt: skip


def test_an_account_whose_answer_was_lost_is_asked_for_under_the_same_key_for_a_day(
    world: Disputes, frozen: FrozenClock
) -> None:
    member = world.factories.user()
    for fault, state in (("lost_before", "unknown"), ("error_before", "closed"), ("lost_before", "unknown")):
        world.fault("accounts.create", fault)
        assert not isinstance(payees.onboard(member, "http://a.example", "http://b.example"), str)
        refresh()
        found = db.session.scalars(select(PaymentAttempt).where(PaymentAttempt.user_id == member.id)).all()
        assert found[-1].state == state
    assert [one.state for one in found] == ["closed", "unknown"], "the first key was sent twice"
    frozen.forward(hours=23)
    assert isinstance(payees.onboard(member, "http://a.example", "http://b.example"), str)
    refresh()
    states = select(PaymentAttempt.state).where(PaymentAttempt.user_id == member.id).order_by(PaymentAttempt.id)
    assert list(db.session.scalars(states)) == ["closed", "unknown", "succeeded"]


def test_a_release_that_the_bank_did_not_answer_is_asked_for_again(world: Disputes, frozen: FrozenClock) -> None:
    payment = service.request_payment(world.agreement(world.factories.user()), "rent", eur(5000), strategies=("hold",))
    world.save_card(world.payer(payment), VISA, payment)
    service.hold(world.fresh(payment))
    world.work()
    service.release(world.fresh(payment))
    world.fault("payment_intents.cancel", "error_before")
    hold_id = db.session.scalars(select(holding.PaymentHold.id)).one()
    with transaction():
        db.session.execute(delete(Job))
    holding.run_release(hold_id)
    refresh()
    job = db.session.scalars(select(Job).where(Job.kind == "payments.release")).one()
    assert (job.run_at, job.key) == (clock.now() + timedelta(seconds=30), f"payments.release:{hold_id}")
