"""Loans with a bank: rent, deposits that are held, renewed, taken in part once and released once, claims, and refunds."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import DBAPIError

from marketplace import clock
from marketplace.agreements.models import Agreement
from marketplace.database import db, transaction
from marketplace.errors import InvalidInput, Refused
from marketplace.money import Money
from marketplace.payments.fees import FeeRule
from marketplace.payments.models import PaymentHold, Refund
from marketplace.settings import service as settings
from marketplace.testing.bank import Bank
from marketplace.testing.clients import client_of, page_text
from marketplace.testing.factories import Factories
from marketplace.testing.people import Auth
from plugins.sharing.loan import claims, extending, foreseeing, handovers, loan_money, loan_terms, loans
from plugins.sharing.price import price_lists
from plugins.sharing.price.simple_tariffs import SimplePrices, document
from plugins.sharing.slot import answers
from tests.core.dispute_world import Disputes
from tests.core.method_world import MethodWorld
from tests.core.payment_world import DECLINES, VISA
from tests.plugins.sharing.loan_world import Lending


class Banked(Lending):
    """Lending, with a bank whose clock goes with ours."""

    def __init__(self, app: Flask, bank: Bank, factories: Factories, frozen: Any) -> None:
        """Open the bank."""
        self.world = MethodWorld(app, bank, factories, frozen)
        super().__init__(app, factories, frozen)

    def to(self, at: Any) -> None:
        """Move both clocks, in steps of a day so that renewals get their turn."""
        while at > clock.now():
            self.world.forward(seconds=min((at - clock.now()).total_seconds(), 86_400))
        self.world.work()

    def give_card(self, agreement: Agreement, purpose: str, number: str = VISA) -> None:
        """Give a card on the bank's own page."""
        self.world.save_card(self.borrower, number, self.paid(agreement, purpose))
        self.work()

    def rented(self, item_id: int, window: Any = None) -> Agreement:
        """Give a loan whose rent is paid and whose deposit is secured."""
        agreement = self.ask(item_id, window)
        if agreement.state == "requested":
            loans.accept(agreement.id, self.as_lender(agreement))
        purpose = "rent" if agreement.amount is not None else "deposit"
        self.give_card(self.fresh(agreement), purpose)
        return self.fresh(agreement)

    def holds(self, agreement: Agreement) -> list[PaymentHold]:
        """Give the holds of the deposit."""
        return list(self.world.holds(self.paid(agreement, "deposit")))

    def captured(self) -> list[tuple[int, int]]:
        """Give what the bank says was held and taken, of each intent that was taken."""
        found = self.world.stripe.payment_intents.list({"limit": 100}).auto_paging_iter()
        return [(one.amount, one.amount_received) for one in found if one.status == "succeeded"]


@pytest.fixture
def banked(app: Flask, sandbox: Bank, factories: Factories, frozen: Any) -> Banked:
    """Give lender, borrower and bank."""
    return Banked(app, sandbox, factories, frozen)


def test_a_rent_is_paid_at_the_booking_and_divided_after_the_return(banked: Banked) -> None:
    item = banked.item(price=True, instant=True)
    agreement = banked.ask(item)
    assert (agreement.state, agreement.amount_minor) == ("paying", 2000)
    assert answers.answer(item, banked.window(), banked.factories.user().id).code == "held"
    banked.give_card(agreement, "rent")
    assert banked.state(agreement) == "agreed"
    assert banked.paid(agreement, "rent").state == "succeeded"
    banked.to(banked.loan(agreement).starts_at)
    handovers.record(agreement.id, banked.as_lender(agreement), "out")
    banked.later(days=1)
    banked.back(agreement)
    assert banked.paid(agreement, "rent").settled_at is None
    banked.later(hours=49)
    assert banked.state(agreement) == "closed"
    assert banked.paid(agreement, "rent").earned_minor == 1800
    assert banked.loan(agreement).settled_at is not None
    banked.world.prove()


def test_a_loans_fee_has_the_tax_where_it_was_when_the_terms_were_agreed_on() -> None:
    for included in (True, False):
        rule = FeeRule("EUR", Decimal(5), owner_pays_provider=True, tax_included=included)
        fees = loan_terms.platform_fee({"fee": rule.freeze()}, Money(20_00, "EUR"))
        assert [(fee.kind, fee.tax_included) for fee in fees] == [("platform", included), ("provider", included)]


def test_a_slot_whose_payer_does_not_finish_is_free_again(banked: Banked) -> None:
    item = banked.item(price=True, instant=True)
    agreement = banked.ask(item)
    banked.later(minutes=29)
    other = banked.factories.user().id
    assert not answers.answer(item, banked.window(), other).free
    banked.later(minutes=6)
    assert banked.state(agreement) == "lapsed"
    assert answers.answer(item, banked.window(), other).free
    assert banked.paid(agreement, "rent").state == "cancelled"


def test_a_payment_that_comes_too_late_goes_back(banked: Banked) -> None:
    item = banked.item(price=True, instant=True)
    agreement = banked.ask(item)
    payment = banked.paid(agreement, "rent")
    url = banked.world.page(payment)
    banked.frozen.forward(minutes=40)
    banked.world.at_own_bank(url)
    for _time in range(3):
        banked.later(minutes=5)
    assert banked.state(agreement) == "lapsed"
    assert [row.amount_minor for row in db.session.query(Refund)] == [2000]
    banked.world.prove()


def test_of_a_deposit_of_100_a_damage_of_35_takes_35_and_releases_65_once_each(banked: Banked) -> None:
    item = banked.item(deposit_kind="held", deposit_minor=100_00, replacement_minor=500_00)
    agreement = banked.rented(item)
    assert banked.state(agreement) == "agreed"
    banked.to(banked.loan(agreement).starts_at)
    assert banked.loan(agreement).deposit_state == "held"
    handovers.record(agreement.id, banked.as_lender(agreement), "out")
    banked.later(days=1)
    banked.back(agreement)
    claim = banked.claim(agreement, 35_00)
    assert banked.state(agreement) == "claimed"
    claims.agree(claim.id, banked.as_borrower(agreement))
    assert banked.state(agreement) == "closed"
    for _time in range(2):
        for event in banked.world.events():
            assert banked.world.post_event(event) == 200
        banked.work()
        banked.later(hours=1)
    loan = banked.loan(agreement)
    assert (loan.deposit_state, loan.deposit_take_minor) == ("captured", 35_00)
    assert banked.captured() == [(100_00, 35_00)]
    payment = banked.paid(agreement, "deposit")
    assert (payment.state, payment.amount_minor, payment.earned_minor) == ("succeeded", 35_00, 35_00)
    assert banked.world.pending(payment) == 0
    assert db.session.query(Refund).count() == 0
    assert loan.settled_at is not None
    banked.world.prove()


def test_a_deposit_ends_once_whatever_is_written(banked: Banked) -> None:
    agreement = banked.rented(banked.item(deposit_kind="held", deposit_minor=100_00))
    banked.to(banked.loan(agreement).starts_at)
    handovers.record(agreement.id, banked.as_lender(agreement), "out")
    banked.later(hours=1)
    banked.back(agreement)
    banked.move(agreement, "close")
    banked.work()
    assert banked.loan(agreement).deposit_state == "released"
    assert banked.captured() == []
    assert [hold.state for hold in banked.holds(agreement)] == ["released"]
    assert banked.told(banked.borrower, "deposit_released") == 1
    with pytest.raises(DBAPIError), transaction():
        banked.loan(agreement).deposit_state = "held"


def test_a_hold_that_would_lapse_within_the_loan_is_renewed(banked: Banked) -> None:
    agreement = banked.rented(banked.item(deposit_kind="held", deposit_minor=100_00), banked.window(days=10))
    banked.to(banked.loan(agreement).starts_at)
    handovers.record(agreement.id, banked.as_lender(agreement), "out")
    banked.later(days=9)
    assert banked.loan(agreement).deposit_state == "held"
    assert [hold.state for hold in banked.holds(agreement)][-1] == "held"
    assert len(banked.holds(agreement)) >= 2
    assert banked.holds(agreement)[-1].ends_at > clock.now()


def test_the_lender_is_told_before_the_hand_over_that_a_hold_can_not_last(banked: Banked) -> None:
    settings.set_value("payments.longest_hold_days", 8, banked.factories.operator().id)
    agreement = banked.rented(banked.item(deposit_kind="held", deposit_minor=100_00), banked.window(days=10))
    assert banked.loan(agreement).deposit_state == "uncovered"
    assert banked.told(banked.lender, "deposit_uncovered") == 1
    assert banked.state(agreement) == "agreed"


def test_a_saved_card_is_charged_for_what_was_agreed_and_for_no_more(banked: Banked) -> None:
    agreement = banked.rented(banked.item(deposit_kind="card", deposit_minor=50_00, replacement_minor=80_00))
    banked.to(banked.loan(agreement).starts_at)
    handovers.record(agreement.id, banked.as_lender(agreement), "out")
    banked.later(hours=1)
    banked.back(agreement)
    claim = banked.claim(agreement, 70_00)
    claims.agree(claim.id, banked.as_borrower(agreement))
    banked.work()
    assert banked.loan(agreement).deposit_state == "captured"
    assert banked.captured() == [(50_00, 50_00)]
    rest = banked.paid(agreement, "claim")
    assert (rest.amount_minor, rest.state) == (20_00, "method_needed")
    assert banked.told(banked.borrower, "claim_pay") == 1
    client = client_of(banked.app)
    Auth(client, banked.factories).login(banked.borrower)
    assert "All of €50.00 was taken" in page_text(client.get(f"/agreements/{agreement.id}"))


def test_a_silent_borrower_lets_the_claim_stand_and_a_silent_lender_the_offer(banked: Banked) -> None:
    for silent in ("member", "owner"):
        agreement = banked.out(banked.item(deposit_kind="promised", deposit_minor=100_00), banked.soon())
        banked.later(hours=1)
        banked.back(agreement)
        claim = banked.claim(agreement, 60_00)
        if silent == "owner":
            claims.offer(claim.id, banked.as_borrower(agreement), 20_00, "It was worn already")
        banked.later(hours=71)
        assert banked.state(agreement) == "claimed"
        banked.later(hours=2)
        decided = banked.claim_now(claim)
        assert (decided.agreed_minor, decided.decided_by) == (60_00 if silent == "member" else 20_00, "deadline")
        assert banked.state(agreement) == "closed"


def test_claims_are_answered_in_turn_and_stay_within_the_terms(banked: Banked) -> None:
    agreement = banked.out(banked.item(deposit_kind="promised", deposit_minor=100_00))
    borrower, lender = banked.as_borrower(agreement), banked.as_lender(agreement)
    with pytest.raises(InvalidInput, match="at most"):
        banked.claim(agreement, 100_01)
    with pytest.raises(Refused):
        claims.make(agreement.id, borrower, "damage", 10_00, "Not mine")
    claim = banked.claim(agreement, 90_00)
    with pytest.raises(Refused, match="other side"):
        claims.agree(claim.id, lender)
    with pytest.raises(InvalidInput):
        claims.offer(claim.id, borrower, 90_00, "As much")
    claims.offer(claim.id, borrower, 10_00, "A scratch")
    claims.offer(claim.id, lender, 40_00, "Paint is dear")
    claims.offer(claim.id, borrower, 30_00, "Half of it")
    claims.agree(claim.id, lender)
    assert banked.claim_now(claim).agreed_minor == 30_00
    assert [step.act for step in claims.steps_of(claim.id)] == ["asked", "offered", "asked", "offered", "agreed"]
    banked.back(agreement)
    assert banked.state(agreement) == "returned"
    with pytest.raises(DBAPIError), transaction():
        banked.claim_now(claim).agreed_minor = 99_00


def test_cancelling_gives_back_by_the_frozen_dates(banked: Banked) -> None:
    early = banked.rented(banked.item(price=True, instant=True), banked.window(start=5))
    banked.move(early, "cancel", banked.as_borrower(early))
    banked.work()
    assert banked.paid(early, "rent").refunded_minor == 2000
    late = banked.rented(banked.item(price=True, instant=True), banked.window(start=0.5))
    item = loans.open_item(late.listing_id)[0]
    with transaction():
        item.cancellation = "strict"
    banked.move(late, "cancel", banked.as_borrower(late))
    banked.work()
    payment = banked.paid(late, "rent")
    assert (payment.refunded_minor, payment.earned_minor) == (1000, 900)
    assert banked.told(banked.borrower, "refunded") == 2
    banked.world.prove()


def test_the_page_before_cancelling_says_what_comes_back_now_and_that_is_what_comes_back(banked: Banked) -> None:
    loan = banked.rented(banked.item(price=True, instant=True, cancellation="flexible"), banked.window(start=3))
    client = client_of(banked.app)
    Auth(client, banked.factories).login(banked.borrower)
    address = f"/agreements/{loan.id}/cancel"
    early = client.get(address)
    assert "You get back all that you paid: €20.00. That holds until" in page_text(early)
    said = re.search(r'name="figures" value="([^"]+)"', early.get_data(as_text=True))
    assert said is not None
    banked.to(banked.loan(loan).starts_at - timedelta(hours=23))
    stale = client.post(address, data={"figures": said.group(1)})
    assert stale.status_code == 409
    assert "You get back €10.00, and €10.00 is kept. That holds until" in page_text(stale)
    assert banked.state(loan) == "agreed", "nobody confirms other figures than they read"
    now = re.search(r'name="figures" value="([^"]+)"', stale.get_data(as_text=True))
    assert now is not None
    assert client.post(address, data={"figures": now.group(1)}).status_code == 302
    banked.work()
    payment = banked.paid(loan, "rent")
    assert (banked.state(loan), payment.refunded_minor, payment.kept.minor) == ("cancelled", 1000, 1000)


def test_both_sides_read_what_ending_a_loan_means(banked: Banked) -> None:
    item = banked.item(price=True, instant=True, deposit_kind="card", deposit_minor=5000)
    loan = banked.rented(item, banked.window(start=0.5))
    assert foreseeing.foresee(loan, "call_off", "owner").startswith("All that was paid goes back: €20.00.")
    assert foreseeing.foresee(loan, "cancel", "member").endswith("Nothing of the deposit is taken.")
    banked.to(banked.loan(loan).starts_at + timedelta(minutes=31))
    loan = banked.fresh(loan)
    assert foreseeing.foresee(loan, "no_show", "owner").startswith(
        "Nothing goes back: the €20.00 that was paid is kept."
    )
    assert foreseeing.foresee(loan, "cancel", "member").startswith("You get nothing back: the €20.00 that you paid")
    assert foreseeing.foresee(loan, "not_there", "member").startswith("You get back all that you paid: €20.00.")
    unpaid = banked.ask(banked.item(price=True, instant=True), banked.window(start=9))
    assert foreseeing.foresee(unpaid, "cancel", "member").startswith("Nothing has been paid")


def test_a_lender_who_calls_it_off_or_does_not_come_gives_everything_back(banked: Banked) -> None:
    called = banked.rented(banked.item(price=True, instant=True))
    banked.move(called, "call_off")
    stood = banked.rented(banked.item(price=True, instant=True))
    banked.to(banked.loan(stood).starts_at + timedelta(minutes=31))
    banked.move(stood, "not_there", banked.as_borrower(stood))
    banked.work()
    for agreement in (called, stood):
        assert banked.paid(agreement, "rent").refunded_minor == 2000
    banked.world.prove()


def test_more_time_is_charged_to_the_same_card(banked: Banked) -> None:
    agreement = banked.rented(banked.item(price=True, instant=True))
    banked.to(banked.loan(agreement).starts_at)
    handovers.record(agreement.id, banked.as_lender(agreement), "out")
    extending.ask(agreement.id, banked.as_borrower(agreement), banked.loan(agreement).ends_at + timedelta(days=1))
    banked.work()
    added = banked.paid(agreement, "extension")
    assert (added.state, added.amount_minor) == ("succeeded", 1000)
    assert banked.fresh(agreement).amount_minor == 3000


def test_more_time_that_a_bank_refuses_is_paid_another_way_from_the_agreements_page(banked: Banked) -> None:
    agreement = banked.rented(banked.item(price=True, instant=True))
    banked.to(banked.loan(agreement).starts_at)
    handovers.record(agreement.id, banked.as_lender(agreement), "out")
    ben = client_of(banked.world.app)
    Auth(ben, banked.factories).login(banked.borrower)
    here = f"/agreements/{agreement.id}"
    assert "Pay for the time that was added" not in page_text(ben.get(here))
    banked.give_card(agreement, "rent", DECLINES)
    with transaction():
        rent = banked.paid(agreement, "rent")
        rent.method_id = banked.world.method_of(banked.borrower.id).id
    extending.ask(agreement.id, banked.as_borrower(agreement), banked.loan(agreement).ends_at + timedelta(days=1))
    banked.work()
    added = banked.paid(agreement, "extension")
    assert added.state == "declined"
    page = ben.get(here)
    assert "Pay for the time that was added" in page_text(page)
    assert f'href="/pay/{added.id}"' in page.text
    assert "I brought it back" in page_text(page), "that stays possible"
    banked.to(banked.loan(agreement).ends_at + timedelta(hours=2))
    assert "This is overdue: bring it back" in page_text(ben.get(here))
    assert f'href="/pay/{added.id}"' in ben.get(here).text
    banked.give_card(agreement, "extension")
    assert banked.world.fresh(banked.paid(agreement, "extension")).state == "succeeded"
    assert "Pay for the time that was added" not in page_text(ben.get(here))


def test_more_time_for_which_no_card_was_known_is_charged_once_one_is_given(banked: Banked) -> None:
    agreement = banked.rented(banked.item(price=True, instant=True))
    with transaction():
        rent = banked.paid(agreement, "rent")
        rent.method_id = None
    extending.ask(agreement.id, banked.as_borrower(agreement), banked.loan(agreement).ends_at + timedelta(days=1))
    banked.work()
    assert banked.paid(agreement, "extension").state == "method_needed"
    banked.give_card(agreement, "extension")
    assert banked.world.fresh(banked.paid(agreement, "extension")).state == "succeeded"
    banked.world.prove()


def test_a_rent_that_a_bank_disputes_is_divided_once_that_is_decided(banked: Banked) -> None:
    agreement = banked.rented(banked.item(price=True, instant=True))
    cases = Disputes(banked.app, banked.world.bank, banked.factories)
    ref = cases.dispute(banked.paid(agreement, "rent"))
    banked.to(banked.loan(agreement).starts_at)
    handovers.record(agreement.id, banked.as_lender(agreement), "out")
    banked.later(hours=1)
    banked.back(agreement)
    banked.move(agreement, "close")
    assert banked.paid(agreement, "rent").settled_at is None
    cases.decide(ref, won=True)
    assert banked.paid(agreement, "rent").earned_minor == 1800
    banked.world.prove()


def test_what_the_meter_counted_is_charged_by_the_frozen_price_list_when_both_sides_are_done(banked: Banked) -> None:
    item = banked.item(price=True, instant=True)
    prices = document(SimplePrices(day=1000, per_unit=25), "EUR", "By the day and the kilometre")
    price_lists.save(item, "rent", prices, None)
    agreement = banked.rented(item)
    banked.to(banked.loan(agreement).starts_at)
    handovers.record(agreement.id, banked.as_lender(agreement), "out", readings={"km": "1000"})
    banked.later(days=1)
    handovers.record(agreement.id, banked.as_lender(agreement), "in", readings={"km": "1060"})
    row = banked.hand_over(agreement, "in")
    handovers.record(agreement.id, banked.as_borrower(agreement), "in", readings={"km": "1040"})
    handovers.agree(row.id, banked.as_lender(agreement))
    banked.move(agreement, "close")
    banked.work()
    used = banked.paid(agreement, "loan_use")
    assert (used.amount_minor, used.state, used.earned_minor) == (1000, "succeeded", 900)
    banked.world.prove()


def test_a_rent_paid_at_the_bank_waits_for_the_card_of_the_deposit(banked: Banked) -> None:
    item = banked.item(price=True, instant=True, deposit_kind="held", deposit_minor=100_00)
    agreement = banked.ask(item)
    banked.world.at_own_bank(banked.world.page(banked.paid(agreement, "rent")))
    banked.world.bank.deliver()
    for event in banked.world.events():
        assert banked.world.post_event(event) == 200
    banked.work()
    assert banked.paid(agreement, "rent").state == "succeeded"
    assert banked.state(agreement) == "paying"
    assert loan_money.pay_path(banked.loan(agreement)) == f"/pay/{banked.paid(agreement, 'deposit').id}"
    banked.give_card(agreement, "deposit")
    assert banked.state(agreement) == "agreed"


def test_a_deposit_that_the_bank_will_not_hold_is_told_to_the_lender_before_the_hand_over(banked: Banked) -> None:
    item = banked.item(deposit_kind="held", deposit_minor=100_00)
    agreement = banked.ask(item, banked.window(start=3))
    loans.accept(agreement.id, banked.as_lender(agreement))
    banked.give_card(agreement, "deposit", DECLINES)
    assert banked.state(agreement) == "agreed"
    banked.to(banked.loan(agreement).starts_at - timedelta(hours=1))
    assert banked.loan(agreement).deposit_state == "refused"
    assert banked.told(banked.lender, "deposit_refused") == 1
    banked.give_card(agreement, "deposit")
    banked.later(minutes=6)
    assert banked.loan(agreement).deposit_state == "held"
