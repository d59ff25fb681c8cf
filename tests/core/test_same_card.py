"""A card that is saved twice is one card: offered once, with its newest date, and charged as it was saved last."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from flask import Flask
from sqlalchemy import select, update

from marketplace.database import db, transaction
from marketplace.payments import methods, service
from marketplace.payments.models import PaymentAttempt, SavedMethod
from marketplace.testing.bank import Bank
from marketplace.testing.clients import client_of, page_text, refresh
from marketplace.testing.factories import Factories
from marketplace.testing.people import Auth
from marketplace.users.models import User
from tests.core.method_world import HOLD, MASTERCARD, RETURNS, START, VISA, MethodWorld
from tests.core.test_dunning import stop

ASKS = "4000002760003184"
IBAN = "NL39RABO0300065264"


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories, frozen: Any) -> MethodWorld:
    """Give a marketplace and a bank with one clock."""
    return MethodWorld(app, sandbox, factories, frozen)


def typed(world: MethodWorld, user: User, number: str = VISA, expiry: str = "11/34") -> None:
    """Type a card on the bank's page."""
    url = methods.begin_setup(user, None, RETURNS)
    assert isinstance(url, str), url
    given = {"number": number, "expiry": expiry, "cvc": "123", "name": "Petra", "email": "petra@example.org"}
    requests.post(url, given, allow_redirects=False, timeout=10)
    methods.look_at_setup(user.id, None)
    refresh()


def rows(user: User) -> list[SavedMethod]:
    refresh()
    return list(db.session.scalars(select(SavedMethod).where(SavedMethod.user_id == user.id).order_by(SavedMethod.id)))


def tried_by(payment: Any) -> list[str]:
    """Give by which methods a payment was tried, the oldest first."""
    refresh()
    found = select(PaymentAttempt).where(
        PaymentAttempt.payment_id == payment.id, PaymentAttempt.kind.in_(("charge", "hold"))
    )
    return [one.params["method"] for one in db.session.scalars(found.order_by(PaymentAttempt.id))]


def test_a_card_that_is_saved_twice_is_offered_once_with_its_newest_date(world: MethodWorld) -> None:
    user = world.factories.user()
    for expiry in ("06/28", "11/34"):
        typed(world, user, expiry=expiry)
    typed(world, user, MASTERCARD)
    other, card = service.methods_of(user.id)
    assert [one.brand for one in (other, card)] == ["mastercard", "visa"]
    assert (card.exp_month, card.exp_year) == (11, 2034)
    assert len(rows(user)) == 3
    client = client_of(world.app)
    Auth(client, world.factories).login(user)
    assert page_text(client.get("/account/payments")).count("ending in 4242") == 1


def test_the_same_card_of_two_members_is_offered_to_each(world: MethodWorld) -> None:
    for user in (world.factories.user(), world.factories.user()):
        typed(world, user)
        assert [one.user_id for one in service.methods_of(user.id)] == [user.id]


def test_a_payment_due_on_the_older_is_charged_by_the_card_as_it_was_saved_last(world: MethodWorld) -> None:
    payment = world.on_card()
    typed(world, world.payer(payment))
    old, new = rows(world.payer(payment))
    assert world.fresh(payment).method_id == old.id
    service.charge(payment)
    world.work()
    assert world.fresh(payment).state == "succeeded"
    assert tried_by(payment) == [new.ref]


def test_a_payment_due_after_the_older_has_expired_is_paid_all_the_same(world: MethodWorld) -> None:
    user = world.factories.user()
    typed(world, user, expiry="03/27")
    payment = world.ask(payer=user)
    service.use_saved_method(payment, service.methods_of(user.id)[0])
    typed(world, user, expiry="11/34")
    world.forward(days=40)
    service.charge(payment)
    world.work()
    assert world.fresh(payment).state == "succeeded"


def test_an_amount_is_held_on_the_card_as_it_was_saved_last(world: MethodWorld) -> None:
    payment = world.on_card(HOLD)
    typed(world, world.payer(payment))
    service.hold(payment, None)
    world.work()
    assert world.fresh(payment).state == "held"
    assert tried_by(payment) == [rows(world.payer(payment))[1].ref]


def test_a_try_that_waits_for_its_payer_is_not_begun_anew_because_the_card_was_saved_again(world: MethodWorld) -> None:
    payment = world.on_card(card="4000002500003155")
    with transaction():
        db.session.execute(update(SavedMethod).values(fingerprint="one card"))
    service.charge(payment)
    world.work()
    before = tried_by(payment)
    typed(world, world.payer(payment))
    with transaction():
        db.session.execute(update(SavedMethod).values(fingerprint="one card"))
    service.charge(payment)
    world.work()
    assert tried_by(payment) == before


def test_a_card_that_is_removed_goes_as_often_as_it_was_saved(world: MethodWorld) -> None:
    user = world.factories.user()
    typed(world, user)
    typed(world, user)
    typed(world, user, MASTERCARD)
    assert methods.remove_method(user.id, service.methods_of(user.id)[1].id)
    assert [one.brand for one in service.methods_of(user.id)] == ["mastercard"]
    assert [one.removed_at is None for one in rows(user)] == [False, False, True]
    left = world.stripe.payment_methods.list({"customer": world.stripe.customers.list().data[0].id}).data
    assert [one.card.brand for one in left if one.card] == ["mastercard"]


def test_a_card_that_its_bank_bars_is_not_offered_as_it_was_saved_before(world: MethodWorld) -> None:
    user = world.factories.user()
    typed(world, user)
    typed(world, user)
    with transaction():
        db.session.execute(update(SavedMethod).where(SavedMethod.id == rows(user)[1].id).values(barred_at=START))
    refresh()
    assert service.methods_of(user.id) == []


def test_a_barred_card_that_is_typed_again_is_barred_and_not_charged(world: MethodWorld) -> None:
    payment = world.on_card()
    user = world.payer(payment)
    stop(world, payment, "stolen_card")
    service.charge(payment)
    world.work()
    barred = rows(user)[0]
    assert barred.barred_at is not None
    for _time in range(2):
        world.save_card(user, VISA, payment)
        world.work()
    assert [one.barred_at for one in rows(user)] == [barred.barred_at] * 3
    assert (service.methods_of(user.id), tried_by(payment)) == ([], [barred.ref])
    assert world.fresh(payment).state == "declined"
    world.save_card(user, MASTERCARD, payment)
    world.work()
    assert world.fresh(payment).state == "succeeded"
    assert [one.brand for one in service.methods_of(user.id)] == ["mastercard"]


def test_a_barred_card_stays_barred_when_it_is_removed_and_typed_again(world: MethodWorld) -> None:
    user = world.factories.user()
    typed(world, user)
    bar(user)
    assert methods.remove_method(user.id, rows(user)[0].id)
    typed(world, user, expiry="12/35")
    assert service.methods_of(user.id) == []
    other = world.factories.user()
    typed(world, other)
    assert len(service.methods_of(other.id)) == 1, "another member's card is looked at by their own bank's word"


def bar(user: User) -> None:
    """Let the bank bar all cards of a member."""
    with transaction():
        db.session.execute(update(SavedMethod).where(SavedMethod.user_id == user.id).values(barred_at=START))
    refresh()


def test_cards_saved_before_there_were_fingerprints_stand_for_themselves(world: MethodWorld) -> None:
    user = world.factories.user()
    typed(world, user)
    typed(world, user)
    with transaction():
        db.session.execute(update(SavedMethod).values(fingerprint=""))
    refresh()
    assert len(service.methods_of(user.id)) == 2


def test_a_bank_account_that_is_given_twice_is_offered_once(world: MethodWorld) -> None:
    payment = world.on_debit(IBAN)
    user = world.payer(payment)
    url = methods.begin_setup(user, None, RETURNS, "sepa_debit")
    assert isinstance(url, str), url
    requests.post(url, {"quick": IBAN}, allow_redirects=False, timeout=10)
    methods.look_at_setup(user.id, None)
    refresh()
    assert len(rows(user)) == 2
    assert [one.kind for one in service.methods_of(user.id)] == ["sepa_debit"]
