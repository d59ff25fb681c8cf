"""What is refused is refused in a sentence, with a code for programs, beside its field, and leaves everything as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import requests
from flask import Flask

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.errors import InvalidInput, NotFound, Refused
from marketplace.money import Money
from marketplace.payments import charging, checkouts, debts, disputes, links, replays, reversals, service
from marketplace.payments.models import Payment
from marketplace.payments.offline import methods as by_hand
from marketplace.payments.offline import orders, receipts, returns, reversing
from marketplace.payments.offline.orders import Done
from marketplace.payments.reconciliation import findings
from marketplace.testing.bank import Bank
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from tests.core.ledger_books import everything
from tests.core.method_world import HOLD, NOW, RETURNS, SAVE, MethodWorld
from tests.core.offline_world import OfflineWorld, without_a_provider
from tests.core.payment_world import eur

Act = Callable[[], object]
Refusal = tuple[str, str, str]
"""The sentence, the code, and the field, "" where there is none."""


def refused(act: Act) -> Refusal:
    """Let something be refused, and give how; the books stay as they were."""
    refresh()
    before = everything()
    with pytest.raises((Refused, NotFound)) as caught:
        act()
    refresh()
    assert everything() == before
    return str(caught.value.message), caught.value.code, caught.value.field or ""


def invalid(act: Act) -> dict[str, str]:
    """Let something be refused beside its fields."""
    refresh()
    with pytest.raises(InvalidInput) as caught:
        act()
    refresh()
    return {field: str(why) for field, why in caught.value.errors.items()}


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories, frozen: FrozenClock) -> MethodWorld:
    """Give a marketplace with a bank."""
    return MethodWorld(app, sandbox, factories, frozen)


CANCELLED = ("This payment was cancelled.", "payment_state", "")
UNCHANGEABLE = ("This payment can't be changed any more.", "payment_state", "")
CARDLESS = ("Nobody chose a way to pay this yet.", "method_needed", "")
NO_CARD = ("There is no such saved card.", "not_found", "method")


def cancelled(world: MethodWorld) -> Payment:
    payment = world.on_card(SAVE)
    service.cancel_payment(payment)
    return world.fresh(payment)


def test_a_payment_that_was_cancelled_is_neither_charged_nor_held_nor_changed(world: MethodWorld) -> None:
    payment = cancelled(world)
    method = world.method_of(payment.payer_id)
    assert refused(lambda: service.charge(payment)) == CANCELLED
    assert refused(lambda: service.hold(payment)) == CANCELLED
    assert refused(lambda: service.change_amount(payment, eur(100))) == UNCHANGEABLE
    assert refused(lambda: service.use_saved_method(payment, method)) == UNCHANGEABLE
    assert service.cancel_payment(payment).state == "cancelled", "cancelling again is nothing"


def test_a_page_to_pay_at_once_is_opened_only_for_what_is_still_to_be_paid(world: MethodWorld) -> None:
    for answer in ("yes", "later"):
        payment = world.ask(NOW)
        world.at_own_bank(world.page(payment), answer)
        charging.look_at_payment(payment.id)
        again = refused(lambda asked=payment: checkouts.begin_page(world.payer(asked), asked, "ideal", RETURNS))
        assert again == UNCHANGEABLE


def test_where_payments_are_off_nobody_is_asked(make_app: Callable[..., Flask], factories: Factories) -> None:
    site = make_app(payments=False)
    with site.app_context():
        wanted = ("This site works without payments.", "payments_off", "")
        assert refused(lambda: service.request_payment(None, "rent", eur(500))) == wanted  # type: ignore[arg-type]


def test_without_a_card_nothing_is_charged_or_held(world: MethodWorld) -> None:
    assert refused(lambda: service.charge(world.ask(SAVE))) == CARDLESS
    assert refused(lambda: service.hold(world.ask(HOLD))) == CARDLESS


def test_what_is_held_is_taken_and_not_charged_beside_it(world: MethodWorld) -> None:
    payment = world.on_hold()
    why = ("An amount is held for this payment: take that.", "payment_held", "")
    assert refused(lambda: service.charge(payment)) == why
    assert invalid(lambda: service.capture(payment, eur(5001))) == {"amount": "At most what is held can be taken."}
    assert invalid(lambda: service.capture(payment, eur(0))) == {"amount": "At most what is held can be taken."}
    assert invalid(lambda: service.capture(payment, Money(10, "USD"))) == {
        "amount": "At most what is held can be taken."
    }
    service.capture(payment, eur(1000))
    why = ("Another amount is being taken already.", "being_captured", "amount")
    assert refused(lambda: service.capture(payment, eur(1001))) == why
    service.capture(payment, eur(1000))
    assert refused(lambda: service.cancel_payment(payment)) == (
        "This is being charged at the moment.", "being_captured", "",
    )  # fmt: skip


@pytest.mark.parametrize("state", ["held", "charging", "processing", "succeeded"])
def test_what_is_held_or_under_way_is_not_held_again(world: MethodWorld, state: str) -> None:
    payment = world.on_hold()
    with transaction():
        db.session.get_one(Payment, payment.id).state = state
    refresh()
    before = payment.due_at, payment.hold_until, payment.updated_at
    service.hold(payment, clock.now() + timedelta(days=400))
    payment = world.fresh(payment)
    assert (payment.due_at, payment.hold_until, payment.updated_at) == before


def test_only_a_card_that_may_be_held_is_held(world: MethodWorld) -> None:
    payment = world.on_card(SAVE)
    assert refused(lambda: service.hold(payment)) == ("This can't be held on that card.", "method_unfit", "")
    assert refused(lambda: service.capture(payment)) == ("Nothing is held for this payment.", "nothing_held", "")
    long = ("This card can't hold an amount that long.", "hold_too_short", "method")
    payment = world.on_card(HOLD)
    assert refused(lambda: service.hold(payment, clock.now() + timedelta(days=400))) == long
    payment = world.on_hold(until=timedelta(days=3))
    assert refused(lambda: service.prolong_hold(payment, clock.now() + timedelta(days=400))) == long


def test_what_was_paid_is_not_cancelled_and_only_what_was_paid_is_given_back(world: MethodWorld) -> None:
    payment = world.charged(5000)
    assert refused(lambda: service.cancel_payment(payment)) == (
        "This was paid already; it can be refunded.", "payment_state", "",
    )  # fmt: skip
    strange = ("This is not an amount that can be refunded.", "refund_amount", "amount")
    assert refused(lambda: service.refund(payment, eur(0))) == strange
    assert refused(lambda: service.refund(payment, eur(-1))) == strange
    assert refused(lambda: service.refund(payment, Money(5, "USD"))) == strange
    gone = ("That much is not left to be refunded.", "refund_amount", "amount")
    assert refused(lambda: service.refund(payment, eur(5001))) == gone
    service.refund(payment, eur(1))
    assert refused(lambda: service.refund(payment, eur(5000))) == gone
    assert refused(lambda: service.refund(world.on_card(SAVE), eur(1))) == (
        "This was not paid, so nothing can be refunded.", "payment_state", "",
    )  # fmt: skip


def test_only_what_was_charged_is_divided_and_only_once(world: MethodWorld) -> None:
    early = ("This was not paid yet.", "payment_state", "")
    assert refused(lambda: service.settle(world.on_card(SAVE), fee=eur(1))) == early
    payment = world.charged(5000)
    assert service.after_fees(payment, fee=eur(250)) == eur(4750)
    service.settle(payment, fee=eur(250))
    assert refused(lambda: service.after_fees(payment)) == ("This is divided already.", "payment_state", "")
    assert service.settle(payment, fee=eur(1)).earned_minor == 4750


def test_what_a_bank_disputes_is_not_divided(world: MethodWorld) -> None:
    payment = world.charged(5000)
    requests.post(f"{world.bank.url}/_sandbox/dispute", {"charge": payment.source_ref}, timeout=10)
    for event in world.events("charge.dispute.created"):
        world.post_event(event)
    world.work()
    assert refused(lambda: service.settle(payment, fee=eur(1))) == (
        "The payer's bank disputes this payment; it is divided once that is decided.", "disputed", "",
    )  # fmt: skip


def test_a_method_of_somebody_else_or_of_another_kind_pays_nothing(world: MethodWorld) -> None:
    payment, other = world.ask(SAVE), world.on_card(SAVE)
    theirs = world.method_of(other.payer_id)
    assert refused(lambda: service.use_saved_method(payment, theirs)) == NO_CARD
    assert refused(lambda: service.use_saved_method(payment, 999)) == NO_CARD
    only_now = world.ask(NOW, payer=world.payer(other))
    assert refused(lambda: service.use_saved_method(only_now, theirs)) == (
        "This can't be paid that way. Choose another way to pay.", "method_unfit", "method",
    )  # fmt: skip


def test_what_is_in_another_currency_is_a_mistake_of_the_program(world: MethodWorld) -> None:
    payment = world.ask(SAVE)
    with pytest.raises(ValueError, match=f"^payment {payment.id} is in EUR, not USD$"):
        service.change_amount(payment, Money(5000, "USD"))
    charged = world.charged(5000)
    with pytest.raises(ValueError, match=r"^fees exceed the .* that is left$"):
        service.settle(charged, fee=eur(5001))
    other = world.factories.user()
    for wrong in (eur(-1), Money(5, "USD")):
        with pytest.raises(ValueError, match=f"^shares of payment {charged.id} are amounts above zero in EUR$"):
            service.settle(charged, (), {other.id: wrong})
    with pytest.raises(ValueError, match=f"^the shares of payment {charged.id} exceed the .* that is left for them$"):
        service.settle(charged, (), {other.id: eur(5001)})


def test_what_does_not_exist_is_not_found(world: MethodWorld) -> None:
    unknown: dict[str, Act] = {
        "There is no such payment.": lambda: service.get(99),
        "There is no such debt.": lambda: debts.get(99),
        "There is no such event.": lambda: replays.replay(99, None),
        "There is no such chargeback.": lambda: disputes.get(99),
        "There is no such difference.": lambda: findings.get(99),
        "There is no such receipt.": lambda: receipts.confirm(99, 1),
        "There is no such payment request.": lambda: receipts.enter(99, None, 1),  # type: ignore[arg-type]
        "There is no such task.": lambda: orders.done(99, Done(clock.now().date()), 1),
        "There is no such refund.": lambda: returns.returned_by_payee(99, 1, clock.now().date()),
    }
    for sentence, act in unknown.items():
        assert refused(act)[:2] == (sentence, "not_found")
    assert refused(lambda: findings.settle(99, 1, "x"))[0] == "There is no such difference."
    assert refused(lambda: reversals.take_back(99, 1, "x"))[0] == "There is no such debt."
    assert refused(lambda: debts.repay(99, eur(1), 1, "x"))[0] == "There is no such debt."
    assert invalid(lambda: findings.settle(99, 1, " ")) == {"reason": "Say why it may stay."}


def test_a_link_opens_one_payment_and_not_for_ever(world: MethodWorld) -> None:
    payment, other = world.on_card(SAVE), world.on_card(SAVE)
    path = service.recovery_path(payment)
    assert path.startswith(f"/pay/{payment.id}/recover?token=")
    token = path.partition("token=")[2]
    assert links.check(payment.id, token) == payment.payer_id
    hidden = ("This page does not exist, or is not for you.", "not_found", "")
    assert refused(lambda: links.check(other.id, token)) == hidden
    assert refused(lambda: links.check(payment.id, token[:-2])) == hidden
    world.frozen.forward(days=13, hours=23)
    assert links.check(payment.id, token) == payment.payer_id
    world.frozen.forward(hours=2)
    assert refused(lambda: links.check(payment.id, token)) == (
        "This link is too old. Log in and open the payment in your account.", "link_expired", "",
    )  # fmt: skip


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

    def test_a_receipt_is_decided_once_and_by_two_above_the_limit(self, hands: OfflineWorld) -> None:
        receipt = hands.receive(hands.payment(60000), 60000)
        assert refused(lambda: receipts.confirm(receipt.id, hands.anna.id)) == (
            "Another operator has to confirm this; you entered it.", "two_eyes", "",
        )  # fmt: skip
        assert refused(lambda: reversing.reverse(receipt.id, hands.bert.id, "wrong")) == (
            "Only what was confirmed can be reversed.", "receipt_state", "",
        )  # fmt: skip
        receipts.confirm(receipt.id, hands.bert.id)
        decided = ("This was decided already.", "receipt_state", "")
        assert refused(lambda: receipts.confirm(receipt.id, hands.bert.id)) == decided
        assert refused(lambda: receipts.reject(receipt.id, hands.bert.id, "wrong")) == decided

    def test_what_cannot_have_come_in_is_named_beside_its_field(self, hands: OfflineWorld) -> None:
        request = hands.request(hands.payment(5000))
        tomorrow = clock.today("Europe/Amsterdam") + timedelta(days=1)
        odd = hands.seen(0, on=tomorrow, way="owner")
        assert invalid(lambda: receipts.enter(request.id, odd, hands.anna.id)) == {
            "amount": "Enter an amount of EUR.",
            "received_on": "This day has not come yet.",
            "way": "Money for this payment does not come in like that.",
        }

    def test_an_order_is_carried_out_once_and_by_two_above_the_limit(self, hands: OfflineWorld) -> None:
        hands.receive(hands.payment(5000), 5200)
        (order,) = hands.orders()
        tomorrow = clock.today("Europe/Amsterdam") + timedelta(days=1)
        assert refused(lambda: orders.done(order.id, Done(tomorrow), hands.anna.id)) == (
            "This day has not come yet.", "date", "done_on",
        )  # fmt: skip
        assert invalid(lambda: orders.fill_in(order.id, "", "", "owner", 1)) == {"way": "Choose one of these."}
        assert invalid(lambda: orders.fill_in(order.id, "NL00X", "", "bank", 1)) == {
            "account": "This is not an account number (IBAN); is there a typing error?"
        }
        orders.done(order.id, Done(clock.now().date()), hands.anna.id)
        again = ("This was done already, or withdrawn.", "order_state", "")
        assert refused(lambda: orders.done(order.id, Done(clock.now().date()), hands.anna.id)) == again
        assert refused(lambda: orders.prepare(order.id, hands.anna.id)) == (
            "This was prepared already.", "order_state", "",
        )  # fmt: skip
        assert refused(lambda: orders.fill_in(order.id, "", "", "desk", 1)) == (
            "This can't be changed any more.", "order_state", "",
        )  # fmt: skip

    def test_above_the_limit_one_prepares_and_another_sends(self, hands: OfflineWorld) -> None:
        payment = hands.payment(60000)
        receipts.confirm(hands.receive(payment, 60000).id, hands.bert.id)
        service.refund(payment, eur(60000))
        hands.work()
        (order,) = hands.orders()
        today = Done(clock.now().date())
        two = ("This is above the limit: one operator puts it on a list, and another one confirms it.", "two_eyes", "")
        assert refused(lambda: orders.done(order.id, today, hands.anna.id)) == two
        orders.prepare(order.id, hands.anna.id)
        assert refused(lambda: orders.done(order.id, today, hands.anna.id)) == two
        assert orders.done(order.id, today, hands.bert.id).done_by == hands.bert.id

    def test_a_receipt_whose_money_went_on_stands(self, hands: OfflineWorld) -> None:
        payment = hands.payment(5000)
        receipt = hands.receive(payment, 5000)
        service.refund(hands.fresh(payment), eur(100))
        assert refused(lambda: reversing.reverse(receipt.id, hands.bert.id, "wrong")) == (
            "This money was refunded or paid out meanwhile, so the receipt stands. Ask the receiver to pay it back.",
            "payment_state", "",
        )  # fmt: skip
        late = hands.payment(5000)
        receipt = hands.receive(late, 5200)
        orders.done(hands.orders()[-1].id, Done(clock.now().date()), hands.anna.id)
        assert refused(lambda: reversing.reverse(receipt.id, hands.bert.id, "wrong")) == (
            "This money was sent back already.", "order_state", "",
        )  # fmt: skip

    def test_a_way_that_is_not_offered_or_not_fit_cannot_be_chosen(self, hands: OfflineWorld) -> None:
        payment = hands.chosen(5000)
        assert refused(lambda: by_hand.choose(payment, "card")) == (
            "This way to pay is not offered.",
            "method",
            "method",
        )
        held = service.request_payment(hands.agreement(), "rent", eur(5000), strategies=(HOLD,))
        assert refused(lambda: by_hand.choose(held, "bank_transfer")) == (
            "This can't be paid that way. Choose another way to pay.", "method_unfit", "method",
        )  # fmt: skip

    def test_what_is_offered_is_said_with_what_choosing_it_means(self, hands: OfflineWorld) -> None:
        hands.set(**{"offline.days": "10"})
        assert [(one.kind, one.help) for one in by_hand.offered()] == [
            (
                "bank_transfer",
                "When it is time to pay we mail you the account number and a reference. You have at most 10 days.",
            ),
            ("cash_desk", "Library, Tuesdays"),
            ("cash_owner", "When it is time to pay you hand over the money, and the receiver confirms it here."),
        ]
        hands.set(**{"offline.account": "", "offline.desk": "", "offline.between_members": ""})
        assert by_hand.offered() == []

    def test_once_a_part_came_in_the_rest_comes_in_the_same_way(self, hands: OfflineWorld) -> None:
        payment = hands.payment(5000)
        hands.receive(payment, 100)
        assert refused(lambda: by_hand.choose(hands.fresh(payment), "cash_desk")) == (
            "A part of this came in already. Pay the rest in the same way.", "payment_state", "",
        )  # fmt: skip

    def test_cash_that_the_receiver_has_is_shared_out_by_the_receiver(self, hands: OfflineWorld) -> None:
        payment = hands.payment(5000, "cash_owner")
        receipts.enter(hands.request(payment).id, hands.seen(5000), hands.owner.id, payee=True)
        assert refused(lambda: service.settle(hands.fresh(payment), (), {hands.anna.id: eur(5)})) == (
            "What was paid in cash to its receiver can't be shared out here.", "paid_in_cash", "",
        )  # fmt: skip
