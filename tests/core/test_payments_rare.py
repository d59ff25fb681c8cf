"""What happens rarely is done right all the same: twice the same transfer, money nobody was due, holds without an end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.errors import InvalidInput, Refused
from marketplace.ledger.models import LedgerTransaction
from marketplace.notifications.models import Notification
from marketplace.payments import limits, nothing, service
from marketplace.payments.apply import apply
from marketplace.payments.facts import (
    AccountFacts,
    ChargeFacts,
    DisputeFacts,
    Ended,
    FeeFacts,
    Held,
    MovementFacts,
    PageFacts,
    Processing,
    Succeeded,
    TransferFacts,
    Unfinished,
)
from marketplace.payments.models import Payout, PayoutAccount, SavedMethod
from marketplace.payments.offline import orders, reversing
from marketplace.payments.outcome import Fate
from marketplace.payments.payout_models import PayoutPart
from marketplace.payments.transfers import run_transfer
from marketplace.settings.service import set_value
from marketplace.testing.bank import Bank
from marketplace.testing.clients import page_text, refresh
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from marketplace.testing.people import Auth
from marketplace.users.models import User
from tests.core.dispute_world import Disputes
from tests.core.method_world import HOLD, NOW, MethodWorld
from tests.core.offline_world import OfflineWorld, without_a_provider

DONE = Succeeded()


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories) -> Disputes:
    """Give a marketplace with a bank and one operator, who reads the alarms."""
    made = Disputes(app, sandbox, factories)
    factories.operator()
    return made


def told(kind: str, user_id: int | None = None) -> list[str]:
    """Give what was told of a kind: the alarm's words, or where it leads."""
    refresh()
    wanted = select(Notification).where(Notification.kind == kind).order_by(Notification.id)
    rows = db.session.scalars(wanted if user_id is None else wanted.where(Notification.user_id == user_id)).all()
    return [str(row.params.get("what", row.url)) for row in rows]


def last_booked() -> str:
    """Give the key of what was booked last."""
    refresh()
    return str(db.session.scalars(select(LedgerTransaction.key).order_by(LedgerTransaction.id.desc()).limit(1)).one())


def test_a_second_transfer_of_the_same_earnings_is_booked_owed_and_shown(world: Disputes) -> None:
    world.onboard(world.owner)
    payment = world.settled(5000)
    world.fault("transfers.create", "lost_before")
    service.pay_out(world.owner.id, "EUR")
    world.work()
    (first,) = world.attempts(payment, "transfer")
    nothing.nothing_happened(first.id, nothing.NOT_FOUND)  # and yet it was made, as will turn out
    run_transfer(db.session.scalars(select(PayoutPart.id)).one())
    refresh()
    assert [one.state for one in world.attempts(payment, "transfer")] == ["closed", "succeeded"]
    late = TransferFacts("tr_late", first.key, DONE, 4750, "EUR", first.params["account"])
    assert apply(late).fate is Fate.APPLIED
    assert [one.state for one in world.attempts(payment, "transfer")] == ["surplus", "succeeded"]
    assert (world.owed(), world.earned(), last_booked()) == (4750, 0, "tr_late:transferred")
    assert told("payment_alarm") == [f"transfer was made twice (payment {payment.id}, transfer tr_late)"]
    assert [part.ref for part in world.parts()] != ["tr_late"]


def test_a_chargeback_of_money_that_nobody_was_due_takes_it_and_not_the_payee(world: Disputes) -> None:
    payment = world.charged_late("pi_late")
    assert (world.attempts(payment)[0].state, world.held(payment)) == ("surplus", 5000)
    none = FeeFacts(0, "EUR")
    took = (MovementFacts("txn_1", -3000, none),)
    case = DisputeFacts("du_1", "", "pi_late", 3000, "EUR", "needs_response", movements=took)
    assert apply(case).fate is Fate.APPLIED
    assert (world.held(payment), world.lost(), world.owed()) == (2000, 0, 0)
    assert (world.fresh(payment).disputed_minor, world.case("du_1").withdrawn_minor) == (0, 3000)
    assert world.case("du_1").said == "", "no agreement has anything to do with it"
    more = DisputeFacts("du_2", "", "pi_late", 5000, "EUR", "lost", movements=(MovementFacts("txn_2", -5000, none),))
    apply(more)
    assert (world.held(payment), world.lost(), world.owed()) == (0, 3000, 0)


def test_what_a_won_case_brought_back_of_money_that_nobody_was_due_can_be_asked_for_again(world: Disputes) -> None:
    payment = world.charged_late("pi_late")
    none = FeeFacts(0, "EUR")
    took, came = MovementFacts("txn_1", -3000, none), MovementFacts("txn_2", 3000, none)
    apply(DisputeFacts("du_1", "", "pi_late", 3000, "EUR", "needs_response", movements=(took,)))
    assert world.held(payment) == 2000
    apply(DisputeFacts("du_1", "", "pi_late", 3000, "EUR", "won", movements=(took, came)))
    assert world.held(payment) == 5000
    apply(DisputeFacts("du_2", "", "pi_late", 4500, "EUR", "lost", movements=(MovementFacts("txn_3", -4500, none),)))
    assert (world.held(payment), world.lost(), world.owed()) == (500, 0, 0)


@pytest.mark.parametrize("state", ["waiting_account", "sending"])
def test_a_member_whose_money_waits_is_told_what_the_provider_asks_though_it_never_paid(
    world: Disputes, state: str
) -> None:
    world.onboard(world.owner)
    ref = db.session.scalars(select(PayoutAccount.ref)).one()
    asking = AccountFacts(ref, "", False, False, False, requirements=("individual.id_number",))
    with transaction():
        db.session.execute(update(PayoutAccount).values(transfers_enabled=False))
    apply(asking)
    assert told("payment_account_due", world.owner.id) == [], "while nothing waits, questions are the provider's page"
    world.settled(5000)
    service.pay_out(world.owner.id, "EUR")
    refresh()
    with transaction():
        account_id = db.session.scalars(select(PayoutAccount.id)).one()
        db.session.execute(update(Payout).values(state=state, account_id=account_id))
    refresh()
    apply(asking)
    assert told("payment_account_due", world.owner.id) == [], "the same questions again are no news"
    apply(AccountFacts(ref, "", False, False, False, requirements=("individual.id_number", "iban")))
    apply(AccountFacts(ref, "", False, False, False, disabled_reason="under_review"))
    apply(AccountFacts(ref, "", False, False, False))
    assert told("payment_account_due", world.owner.id) == ["/account/payments"] * 2
    other = world.factories.user()
    with transaction():
        db.session.execute(update(Payout).values(user_id=other.id))
    refresh()
    apply(asking)
    assert len(told("payment_account_due")) == 2, "what waits for somebody else is no reason"


@pytest.fixture
def cards(app: Flask, sandbox: Bank, factories: Factories, frozen: FrozenClock) -> MethodWorld:
    """Give a marketplace whose clock is the bank's."""
    return MethodWorld(app, sandbox, factories, frozen)


@pytest.mark.parametrize(
    ("kind", "brand", "days"),
    [("card", "visa", 4.75), ("card", "amex", 7), ("sepa_debit", "", 1), ("voucher", "", 1)],
)
def test_a_hold_whose_end_the_bank_does_not_name_lasts_as_long_as_such_cards_do(
    cards: MethodWorld, kind: str, brand: str, days: float
) -> None:
    payment = cards.on_card(HOLD)
    cards.fault("payment_intents.create", "lost_before")
    service.hold(payment)
    cards.work()
    with transaction():
        db.session.execute(update(SavedMethod).values(kind=kind, brand=brand))
    (attempt,) = cards.attempts(payment, "hold")
    assert apply(ChargeFacts("pi_x", attempt.key, Held(None), 5000, "EUR")).fate is Fate.APPLIED
    (row,) = cards.holds(payment)
    assert (row.state, row.ends_at) == ("held", clock.now() + timedelta(days=days))
    named = clock.now() + timedelta(days=2)
    assert apply(ChargeFacts("pi_x", attempt.key, Held(named), 5000, "EUR")).fate is Fate.OLD


def test_news_of_a_page_is_known_by_its_reference_where_it_carries_no_key(cards: MethodWorld) -> None:
    payment = cards.ask(NOW)
    cards.page(payment)
    attempt = cards.attempts(payment)[0]
    cards.frozen.forward(minutes=1)
    page = PageFacts(attempt.page_ref or "", "", Unfinished(), "https://bank.example/p", None)
    assert apply(page).fate is Fate.OLD
    assert cards.attempts(payment)[0].updated_at == clock.now(), "somebody has looked"
    charge = ChargeFacts("pi_7", attempt.key, Processing(), 5000, "EUR")
    assert apply(PageFacts(page.ref, "", Processing(), "", charge)).fate is Fate.APPLIED
    assert (cards.fresh(payment).state, cards.attempts(payment)[0].ref) == ("processing", "pi_7")
    strange = PageFacts("cs_unknown", "", Ended(), "", None)
    assert apply(strange).fate is Fate.STRANGE


def test_agreements_are_made_in_the_sites_currency_and_those_that_operators_add(app: Flask) -> None:
    for text, known in (
        ("", ("EUR",)), ("usd, CHF", ("EUR", "USD", "CHF")), ("CHF,EUR,CHF, ,gbp", ("EUR", "CHF", "GBP")),
    ):  # fmt: skip
        set_value("payments.currencies", text, None)
        assert limits.currencies() == known
    for key, typed, unknown in (("currencies", "CHF, xxq", "XXQ"), ("methods", "card, foo", "foo")):
        with pytest.raises(InvalidInput, match=f"{unknown}[.:]"):
            set_value(f"payments.{key}", typed, None)
    assert limits.currencies() == ("EUR", "CHF", "GBP")


class TestByHand:
    """Where no provider is."""

    @pytest.fixture
    def app(self, make_app: Callable[..., Flask]) -> Iterator[Flask]:
        """Give an app that talks to no provider at all."""
        with without_a_provider(make_app) as made:
            yield made

    @pytest.fixture
    def hands(self, app: Flask, factories: Factories) -> OfflineWorld:
        """Give a marketplace without a provider."""
        return OfflineWorld(app, factories)

    def test_a_way_to_pay_by_hand_is_chosen_on_the_payments_page(self, hands: OfflineWorld, auth: Auth) -> None:
        payment = service.request_payment(hands.agreement(), "pledge", hands.seen(5000).amount)
        payer = auth.client(db.session.get_one(User, payment.payer_id))
        answer = payer.post(f"/pay/{payment.id}", data={"method": "bank_transfer"})
        assert (answer.status_code, answer.location) == (303, f"/agreements/{payment.agreement_id}")
        assert "Thank you. We tell you how to pay when it is time." in page_text(payer.get("/account/payments"))
        payment = hands.fresh(payment)
        assert (payment.state, payment.method_kind) == ("ready", "bank_transfer")
        service.charge(payment)
        hands.work()
        hands.receive(payment, 100)
        refused = payer.post(f"/pay/{payment.id}", data={"method": "cash_desk"})
        assert refused.status_code == 422
        assert "A part of this came in already. Pay the rest in the same way." in page_text(refused)

    def test_what_was_to_be_sent_back_of_a_wrong_receipt_is_withdrawn_unless_it_is_on_its_way(
        self, hands: OfflineWorld
    ) -> None:
        payment = hands.payment(5000)
        hands.receive(payment, 5000)
        extra = hands.receive(payment, 700)
        (order,) = hands.orders()
        assert (order.state, order.amount_minor) == ("waiting", 700)
        reversing.reverse(extra.id, hands.bert.id, "counted twice")
        (order,), (refund,) = hands.orders(), hands.refunds(payment)
        assert (order.state, refund.state, hands.held(payment)) == ("withdrawn", "failed", 5000)
        again = hands.receive(payment, 300)
        orders.fill_in(hands.orders()[-1].id, "NL91ABNA0417164300", "P. Payer", "bank", hands.anna.id)
        orders.export(hands.anna.id)
        with pytest.raises(Refused) as caught:
            reversing.reverse(again.id, hands.bert.id, "counted twice")
        assert (str(caught.value.message), caught.value.code) == (
            "The money is on its way back already.", "order_state",
        )  # fmt: skip
        hands.prove()
