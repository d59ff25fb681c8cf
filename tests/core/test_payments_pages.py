"""The pages on which a member pays, and finds cards, receipts and pay-outs."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from flask import Flask

from marketplace import clock
from marketplace.database import NetworkInsideTransaction, transaction
from marketplace.payments import links, service
from marketplace.payments.gateway import gateway
from marketplace.payments.models import Payment
from marketplace.testing.bank import Bank
from marketplace.testing.clients import MarketplaceClient, page_text
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from marketplace.testing.people import Auth
from tests.core.payment_world import ASKS_ALWAYS, DECLINES, IBAN, VISA, World, eur

MASTERCARD = "5555555555554444"


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories) -> World:
    """Give a marketplace with a bank."""
    return World(app, sandbox, factories)


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def test_a_payer_saves_a_card_and_comes_back_to_the_agreement(
    world: World, auth: Auth, client: MarketplaceClient
) -> None:
    payer = auth.member()
    payment = world.payment(5000, payer)
    page = client.get(f"/pay/{payment.id}")
    assert page.status_code == 200
    assert "50.00" in page_text(page)
    answer = client.post(f"/pay/{payment.id}", data={"method": "new"})
    assert answer.status_code == 303
    assert answer.location.startswith(world.bank.url)
    back = world.fill_in(answer.location, VISA)
    answer = client.get(_path(back))
    assert (answer.status_code, answer.location) == (303, f"/agreements/{payment.agreement_id}")
    assert world.fresh(payment).state == "ready"
    page = client.get(f"/pay/{payment.id}")
    assert "Visa ending in 4242" in page_text(page)
    assert page.headers["Cache-Control"] == "no-store"


def test_a_saved_card_is_chosen_without_leaving_the_site(world: World, auth: Auth, client: MarketplaceClient) -> None:
    payer = auth.member()
    world.payment(5000, payer, card=VISA)
    second = world.payment(2000, payer)
    method = world.method_of(payer.id)
    answer = client.post(f"/pay/{second.id}", data={"method": str(method.id)})
    assert (answer.status_code, answer.location) == (303, f"/agreements/{second.agreement_id}")
    assert world.fresh(second).state == "ready"


@pytest.mark.parametrize("data", [{}, {"method": "999999"}, {"method": "x" * 5000}])
def test_a_choice_that_was_not_offered_shows_the_form_again(
    world: World, auth: Auth, client: MarketplaceClient, data: dict[str, str]
) -> None:
    payment = world.payment(5000, auth.member())
    with world.app.app_context():
        answer = client.post(f"/pay/{payment.id}", data=data or {"method": ""})
    assert answer.status_code == 422
    assert world.fresh(payment).state == "method_needed"


def test_turning_back_from_the_banks_page_changes_nothing(world: World, auth: Auth, client: MarketplaceClient) -> None:
    payment = world.payment(5000, auth.member())
    client.post(f"/pay/{payment.id}", data={"method": "new"})
    answer = client.get(f"/pay/{payment.id}/return")
    assert (answer.status_code, answer.location) == (303, f"/pay/{payment.id}")
    assert world.fresh(payment).state == "method_needed"


def test_when_the_bank_is_out_of_reach_the_page_says_so_and_keeps_the_choice(
    world: World, auth: Auth, client: MarketplaceClient
) -> None:
    payment = world.payment(5000, auth.member())
    world.fault("customers.create", "lost_before")
    answer = client.post(f"/pay/{payment.id}", data={"method": "new"})
    assert answer.status_code == 503
    world.fault("checkout.sessions.create", "error_before")
    answer = client.post(f"/pay/{payment.id}", data={"method": "new"})
    assert answer.status_code == 503
    assert "try again" in page_text(answer)
    assert client.post(f"/pay/{payment.id}", data={"method": "new"}).status_code == 303


def test_the_mailed_link_lets_the_payer_answer_the_bank_without_logging_in(world: World) -> None:
    payment = world.charged(card=ASKS_ALWAYS)
    path = links.recovery_path(payment)
    page = world.client.get(path)
    assert page.status_code == 200
    assert "Go to my bank" in page_text(page)
    answer = world.client.post(f"/pay/{payment.id}/recover", data={"token": path.split("token=")[1]})
    assert answer.status_code == 303
    back = world.approve(answer.location)
    page = world.client.get(_path(back))
    assert "Receipt" in page_text(page)
    assert world.fresh(payment).state == "succeeded"
    world.prove()


def test_a_link_opens_its_own_payment_only_and_not_for_ever(world: World, frozen: FrozenClock) -> None:
    first, second = world.charged(card=ASKS_ALWAYS), world.payment(5000)
    token = links.recovery_path(first).split("token=")[1]
    assert world.client.get(f"/pay/{second.id}/recover?token={token}").status_code == 404
    assert world.client.get(f"/pay/{first.id}/recover?token={token[:-2]}").status_code == 404
    assert world.client.get(f"/pay/{first.id}/recover").status_code == 404
    frozen.at(clock.now())
    frozen.forward(days=15)
    assert world.client.get(f"/pay/{first.id}/recover?token={token}").status_code == 409


def test_foreign_payments_do_not_exist(world: World, auth: Auth, client: MarketplaceClient) -> None:
    payment = world.payment(5000, card=VISA)
    assert client.get(f"/pay/{payment.id}").status_code == 302  # a guest logs in first
    auth.member()
    for path in (f"/pay/{payment.id}", f"/pay/{payment.id}/return", f"/pay/{payment.id}/recover", "/pay/999999"):
        assert client.get(path).status_code == 404, path
    assert client.post(f"/pay/{payment.id}", data={"method": "new"}).status_code == 404
    card = world.method_of(payment.payer_id)
    assert client.post(f"/account/payments/cards/{card.id}/remove").status_code == 404
    assert world.method_of(payment.payer_id).removed_at is None


def test_the_payee_sees_the_payment_but_not_the_card(world: World, auth: Auth, client: MarketplaceClient) -> None:
    payment = world.charged()
    auth.login(world.owner)
    page = page_text(client.get(f"/pay/{payment.id}"))
    assert "50.00" in page
    assert "4242" not in page
    assert client.post(f"/pay/{payment.id}", data={"method": "new"}).status_code == 403


def test_an_operator_sees_a_payment_and_can_not_pay_it(world: World, auth: Auth, client: MarketplaceClient) -> None:
    payment = world.payment(5000, card=VISA)
    auth.operator()
    assert client.get(f"/pay/{payment.id}").status_code == 200
    assert client.post(f"/pay/{payment.id}", data={"method": "new"}).status_code == 403


def test_a_declined_payer_reads_why_and_what_to_do(world: World, auth: Auth, client: MarketplaceClient) -> None:
    payer = auth.member()
    payment = world.payment(5000, payer, card=DECLINES)
    service.charge(payment)
    world.work()
    page = client.get(f"/pay/{payment.id}")
    assert "Your bank refused: Visa ending in 0341" in page_text(page)
    assert 'value="new" checked' in page.text
    world.save_card(payer, VISA)
    assert f'value="{world.method_of(payer.id).id}" checked' in client.get(f"/pay/{payment.id}").text, (
        "not the refused one"
    )


def test_a_payee_reads_what_is_kept_for_now_received_or_shared_out(
    world: World, auth: Auth, client: MarketplaceClient
) -> None:
    kept, own, shared = (world.charged() for _number in range(3))
    service.settle(own, fee=eur(250))
    service.settle(shared, fee=eur(250), others={world.factories.user().id: eur(3000)})
    world.fresh(kept)
    auth.login(world.owner)
    page = page_text(client.get("/account/payments"))
    assert (page.count("Paid, and kept here for now"), page.count("Received"), page.count("Shared out")) == (1, 1, 1)
    assert "Your part: €17.50." in page


def test_the_account_page_lists_payments_cards_and_pay_outs(
    world: World, auth: Auth, client: MarketplaceClient, statements: Any
) -> None:
    payer = auth.member()
    for _number in range(3):
        world.payment(5000, payer, card=VISA)
    with statements() as few:
        page = page_text(client.get("/account/payments"))
    assert page.count("50.00") == 3
    assert "Visa ending in 4242" in page
    for _number in range(5):
        world.payment(5000, payer)
    with statements() as many:
        client.get("/account/payments")
    assert len(many) == len(few), many


def test_many_payments_are_shown_in_pages(world: World, auth: Auth, client: MarketplaceClient) -> None:
    payer = auth.member()
    made = [world.payment(1000 + number, payer).id for number in range(23)]
    page = client.get("/account/payments").get_data(as_text=True)
    assert f"/pay/{made[-1]}" in page
    assert f"before={made[3]}" in page
    assert f'"/pay/{made[0]}"' in client.get(f"/account/payments?before={made[3]}").get_data(as_text=True)
    assert client.get("/account/payments?before=nonsense").status_code == 200


def test_a_card_is_saved_and_removed_on_the_account_page(world: World, auth: Auth, client: MarketplaceClient) -> None:
    member = auth.member()
    answer = client.post("/account/payments/cards")
    back = world.fill_in(answer.location, VISA)
    client.get(_path(back))
    method = world.method_of(member.id)
    assert "4242" in page_text(client.get("/account/payments"))
    assert client.post(f"/account/payments/cards/{method.id}/remove").status_code == 303
    assert world.method_of(member.id).removed_at is not None
    assert world.stripe.payment_methods.retrieve(method.ref).customer is None
    assert "4242" not in page_text(client.get("/account/payments"))


def test_an_owner_answers_the_banks_questions_and_is_paid(world: World, auth: Auth, client: MarketplaceClient) -> None:
    service.settle(world.charged(5000), fee=eur(250))
    service.pay_out(world.owner.id, "EUR")
    auth.login(world.owner)
    answer = client.post("/account/payments/payouts")
    assert answer.status_code == 303
    page = requests.post(
        answer.location, {"business_type": "individual", "iban": IBAN}, allow_redirects=False, timeout=10
    )
    client.get(_path(page.headers["Location"]))
    world.work()
    text = page_text(client.get("/account/payments"))
    assert "Your account is ready" in text
    assert "47.50" in text
    world.prove()


def test_a_lost_answer_opens_no_second_account(world: World, auth: Auth, client: MarketplaceClient) -> None:
    auth.login(world.owner)
    world.fault("accounts.create", "lost")
    assert "can't be reached" in page_text(client.post("/account/payments/payouts", follow_redirects=True))
    assert client.post("/account/payments/payouts").location.startswith(world.bank.url)
    assert world.count("accounts") == 1


def test_without_payments_the_pages_say_so(make_app: Any, sandbox: Bank) -> None:
    from marketplace.testing.clients import client_of
    from marketplace.testing.people import log_in

    app = make_app(payments=False)
    with app.app_context():
        client = client_of(app)
        log_in(client, Factories().user())
        assert "works without payments" in page_text(client.get("/pay/1"))
        assert "works without payments" in page_text(client.get("/account/payments"))
        assert "works without payments" in page_text(client.post("/account/payments/cards"))


def test_no_gateway_call_happens_inside_a_transaction(world: World) -> None:
    with pytest.raises(NetworkInsideTransaction), transaction():
        gateway().read_charge("pi_1")


def test_every_page_of_a_payment_renders_in_each_state(world: World, auth: Auth, client: MarketplaceClient) -> None:
    payer = auth.member()
    payment = world.payment(5000, payer, card=VISA)
    states = ("method_needed", "ready", "charging", "action_required", "succeeded", "declined", "cancelled")
    for state in states:
        with transaction() as session:
            session.get_one(Payment, payment.id).state = state
        assert client.get(f"/pay/{payment.id}").status_code == 200, state
        assert client.get("/account/payments").status_code == 200, state


def test_who_comes_back_while_the_bank_does_not_answer_is_told_neither_yes_nor_no(
    world: World, auth: Auth, client: MarketplaceClient
) -> None:
    payment = world.payment(5000, auth.member())
    for number, state in (
        (VISA, "method_needed"),
        (MASTERCARD, "ready"),
    ):  # the second time another card is to replace it
        assert world.fresh(payment).state == state
        back = _path(world.fill_in(client.post(f"/pay/{payment.id}", data={"method": "new"}).location, number))
        chosen = world.fresh(payment).method_id
        world.fault("checkout.sessions.retrieve", "error_before")
        told = page_text(client.get(client.get(back).location))
        assert "answer has not reached us yet" in told
        assert "Nothing was" not in told
        assert "is saved" not in told
        assert world.fresh(payment).method_id == chosen
        answer = client.get(back)
        assert answer.location == f"/agreements/{payment.agreement_id}"
        assert "is saved" in page_text(client.get(answer.location))
        assert world.fresh(payment).method_id != chosen


def test_who_types_a_barred_card_again_reads_that_it_is_barred(
    world: World, auth: Auth, client: MarketplaceClient
) -> None:
    payer = auth.member()
    world.payment(2000, payer, card=VISA)
    with transaction():
        world.method_of(payer.id).barred_at = clock.now()
    payment = world.payment(5000, payer)
    back = _path(world.fill_in(client.post(f"/pay/{payment.id}", data={"method": "new"}).location, VISA))
    told = page_text(client.get(client.get(back).location))
    assert "its bank has barred it" in told
    assert "is saved" not in told
    assert world.fresh(payment).state == "method_needed"
