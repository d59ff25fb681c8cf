"""Portions of meals: never oversold, ordered in time, picked up or not, and what operators allow them to cost."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from marketplace import clock
from marketplace.agreements.models import Agreement
from marketplace.database import db, transaction
from marketplace.errors import DomainError, InvalidInput, NotFound, Refused
from marketplace.lifecycle import InvalidTransition
from marketplace.listings import service as listings
from marketplace.payments.models import Refund
from marketplace.settings import service as settings
from marketplace.testing.bank import Bank
from marketplace.testing.clients import client_of, page_text
from marketplace.testing.factories import PASSWORD, Factories
from marketplace.testing.people import log_in
from marketplace.users import closing
from plugins.sharing.meal import meals, order_money, orders
from plugins.sharing.meal.meal_models import Meal, Order
from plugins.sharing.request import request_members
from tests.core.method_world import MethodWorld
from tests.core.payment_world import VISA
from tests.plugins.sharing.meal_world import Cooking


@pytest.fixture
def cooking(app: Flask, factories: Factories, frozen: Any) -> Cooking:
    """Give a cook and somebody hungry, and no bank."""
    return Cooking(app, factories, frozen)


def test_a_free_order_goes_its_whole_way_without_a_payment_step(cooking: Cooking) -> None:
    listing = cooking.meal()
    agreement = cooking.order(listing, 2)
    assert (agreement.state, agreement.amount, cooking.row(listing).taken) == ("agreed", None, 2)
    assert (cooking.told(cooking.lender, "order_placed"), cooking.told(cooking.borrower, "order_confirmed")) == (1, 1)
    cooking.later(hours=24, minutes=12)
    assert cooking.told(cooking.borrower, "order_soon") == 1
    assert db.session.get_one(type(listing), listing.id).state == "closed"
    cooking.later(minutes=50)
    assert cooking.move(agreement, "pick_up", cooking.as_borrower(agreement)).state == "picked_up"
    cooking.later(hours=25)
    assert cooking.state(agreement) == "completed"
    assert cooking.side(agreement).settled_at is not None
    assert cooking.row(listing).taken == 2


def test_portions_are_never_oversold(cooking: Cooking) -> None:
    listing = cooking.meal(3)
    cooking.order(listing, 2)
    with pytest.raises(Refused, match="Only 1 portion is left"):
        cooking.order(listing, 2)
    cooking.order(listing, 1)
    with pytest.raises(Refused, match="All portions are taken"):
        cooking.order(listing)
    counted = db.session.scalar(select(func.count()).select_from(Order))
    assert (cooking.row(listing).taken, counted) == (3, 2)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE sharing_meal SET taken = portions + 1",
        "UPDATE sharing_meal SET taken = -1",
        "UPDATE sharing_meal SET portions = 0",
        "UPDATE sharing_meal SET pickup_until = pickup_from",
        "UPDATE sharing_order SET count = 0",
    ],
)
def test_the_database_itself_refuses_what_can_not_be(cooking: Cooking, statement: str) -> None:
    cooking.order(cooking.meal())
    with pytest.raises(IntegrityError), transaction():
        db.session.execute(text(statement))


def test_of_many_at_once_exactly_as_many_get_one_as_there_are(cooking: Cooking) -> None:
    number, eaters = cooking.meal(5).id, [cooking.factories.user().id for _each in range(12)]
    db.session.remove()
    got: list[bool] = []

    def hungry(member_id: int) -> None:
        with cooking.app.app_context():
            try:
                orders.place(number, member_id, 1, "once")
                got.append(True)
            except DomainError:
                got.append(False)

    threads = [threading.Thread(target=hungry, args=(member_id,)) for member_id in eaters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sum(got), len(got)) == (5, 12)
    assert db.session.get_one(Meal, number).taken == 5


def test_an_order_sent_twice_is_one(cooking: Cooking) -> None:
    listing = cooking.meal()
    assert cooking.order(listing, nonce="n").id == cooking.order(listing, nonce="n").id
    assert cooking.row(listing).taken == 1


def test_orders_end_at_the_order_by_time_and_so_does_cancelling(cooking: Cooking) -> None:
    listing = cooking.meal()
    kept, given_back = cooking.order(listing), cooking.order(listing, by=cooking.factories.user())
    cooking.move(given_back, "cancel", cooking.as_borrower(given_back))
    assert cooking.row(listing).taken == 1
    assert cooking.told(cooking.lender, "order_cancelled") == 1
    cooking.frozen.forward(hours=24)
    with pytest.raises(Refused):
        cooking.move(kept, "cancel", cooking.as_borrower(kept))
    db.session.rollback()
    with pytest.raises(Refused):
        cooking.order(listing)


def test_no_show_and_nobody_there_wait_for_their_time(cooking: Cooking) -> None:
    listing = cooking.meal()
    first, second = cooking.order(listing), cooking.order(listing)
    for agreement, move, actor in (
        (first, "no_show", cooking.as_lender(first)),
        (second, "not_there", cooking.as_borrower(second)),
        (second, "pick_up", cooking.as_borrower(second)),
    ):
        with pytest.raises(Refused):
            cooking.move(agreement, move, actor)
        db.session.rollback()
    cooking.frozen.forward(hours=26)
    assert cooking.move(first, "no_show").state == "no_show"
    assert cooking.move(second, "not_there", cooking.as_borrower(second)).state == "not_given"
    assert cooking.row(listing).taken == 1
    with pytest.raises(InvalidTransition):
        cooking.move(first, "pick_up")


def test_an_order_of_which_nobody_says_anything_counts_as_picked_up(cooking: Cooking) -> None:
    agreement = cooking.order(cooking.meal())
    cooking.later(hours=51)
    assert cooking.state(agreement) == "completed"


def test_operators_set_a_ceiling_or_forbid_prices(cooking: Cooking) -> None:
    operator = cooking.factories.operator().id
    with pytest.raises(InvalidInput) as refused:
        cooking.meal(price=1501)
    assert "at most" in refused.value.errors["price"]
    dear = cooking.meal(price=900)
    settings.set_value("sharing.meal_ceiling", 800, operator, "cheaper")
    with pytest.raises(Refused):
        cooking.order(dear)
    settings.set_value("sharing.meals_free", True, operator, "neighbours")
    with pytest.raises(InvalidInput):
        cooking.meal(price=500)
    assert cooking.order(cooking.meal()).state == "agreed"
    settings.set_value("sharing.meals_free", False, operator, "")
    settings.set_value("sharing.meal_ceiling", 0, operator, "")
    assert meals.price_fault(50_000) is None


def test_a_price_is_never_dropped_in_silence_when_prices_are_forbidden_meanwhile(cooking: Cooking) -> None:
    cook, dear = visitor(cooking, cooking.lender), cooking.meal(price=900)
    settings.set_value("sharing.meals_free", True, cooking.factories.operator().id, "neighbours")
    assert 'name="price"' not in cook.get("/meals/new").text
    typed = cook.post("/meals/new", data={**filled_in(), "price": "4"})
    assert (typed.status_code, "Here portions are given away free" in page_text(typed)) == (422, True)
    assert 'value="4"' in typed.text
    assert cook.post("/meals/new", data=filled_in()).status_code == 303
    here = f"/meals/{dear.id}-{dear.slug}"
    assert "Nobody can order this at its price any more" in page_text(cook.get(here))
    assert "at its price" not in page_text(visitor(cooking, cooking.borrower).get(here))


def test_a_meal_is_refused_with_a_word_at_each_field(cooking: Cooking) -> None:
    now = clock.now()
    for facts, field in (
        ({"portions": 0}, "portions"), ({"portions": 101}, "portions"), ({"price": -1}, "price"), ({"price": 1}, "price"),
        ({"order_by": now}, "order_by_time"), ({"order_by": now + timedelta(hours=27)}, "order_by_time"),
        ({"pickup_until": now + timedelta(hours=25)}, "pickup_until"),
        ({"pickup_until": now + timedelta(hours=38)}, "pickup_until"), ({"allergens": ("love",)}, "allergens"),
        ({"address": " "}, "address"),
        ({"pickup_from": now - timedelta(hours=25), "pickup_until": now - timedelta(hours=24)}, "day"),
        ({"pickup_from": now - timedelta(minutes=9), "pickup_until": now}, "pickup_until"),
    ):  # fmt: skip
        with pytest.raises(InvalidInput) as refused:
            cooking.meal(**facts)
        assert field in refused.value.errors
    with pytest.raises(Refused):
        cooking.order(cooking.meal(), by=cooking.lender)
    with pytest.raises(NotFound):
        orders.place(404, cooking.borrower.id, 1, "n")


def test_removed_by_an_operator_every_order_is_called_off(cooking: Cooking) -> None:
    listing = cooking.meal()
    agreement = cooking.order(listing, 3)
    listings.remove(listing.id, actor=cooking.factories.operator(), reason="Unsafe")
    assert (cooking.state(agreement), cooking.row(listing).taken) == ("cancelled", 0)
    assert cooking.told(cooking.borrower, "order_called_off") == 1


def test_what_members_gave_is_exported_and_addresses_are_forgotten(cooking: Cooking) -> None:
    listing = cooking.meal()
    agreement = cooking.order(listing)
    assert request_members.export(cooking.lender)["meals"][0]["address"] == "Oudegracht 7"
    assert request_members.export(cooking.borrower)["orders"] == [
        {"title": "Lentil stew", "agreement_id": agreement.id, "count": 1}
    ]
    cooking.later(hours=60)
    closing.close(cooking.lender, PASSWORD, address=None)
    assert cooking.row(listing).address == ""


def test_a_paid_order_is_held_paid_and_settled_after_the_pick_up(
    app: Flask, sandbox: Bank, factories: Factories, frozen: Any
) -> None:
    world = MethodWorld(app, sandbox, factories, frozen)
    cooking = Cooking(app, factories, frozen)
    listing = cooking.meal(4, price=500)
    agreement = cooking.order(listing, 2)
    assert (agreement.state, agreement.amount_minor, cooking.row(listing).taken) == ("ordered", 1000, 2)
    world.save_card(cooking.borrower, VISA, cooking.paid(agreement, "order"))
    cooking.work()
    assert cooking.state(agreement) == "agreed"
    world.forward(hours=25, minutes=10)
    cooking.move(agreement, "pick_up")
    world.forward(hours=25)
    assert cooking.state(agreement) == "completed"
    assert cooking.paid(agreement, "order").earned_minor == 900
    assert cooking.side(agreement).settled_at is not None
    world.prove()


def test_portions_that_nobody_pays_for_are_free_again_and_cancelled_ones_are_refunded(
    app: Flask, sandbox: Bank, factories: Factories, frozen: Any
) -> None:
    world = MethodWorld(app, sandbox, factories, frozen)
    cooking = Cooking(app, factories, frozen)
    listing = cooking.meal(4, price=500)
    unpaid, paid = cooking.order(listing, 2), cooking.order(listing, 1)
    world.save_card(cooking.borrower, VISA, cooking.paid(paid, "order"))
    cooking.work()
    world.forward(minutes=36)
    assert (cooking.state(unpaid), cooking.state(paid), cooking.row(listing).taken) == ("lapsed", "agreed", 1)
    assert order_money.foresee(paid, "cancel", "member") == "You get back all that you paid: €5.00."
    assert order_money.foresee(paid, "no_show", "owner") == "Nothing goes back: the €5.00 that was paid is kept."
    cooking.move(paid, "call_off")
    cooking.work()
    assert [row.amount_minor for row in db.session.query(Refund)] == [500]
    assert cooking.row(listing).taken == 0
    world.prove()


def visitor(cooking: Cooking, user: Any = None) -> Any:
    client = client_of(cooking.app)
    if user is not None:
        log_in(client, user)
    return client


def filled_in() -> dict[str, Any]:
    """Give what a cook types into the form."""
    day = (clock.now() + timedelta(days=2)).date().isoformat()
    return {
        "title": "Lentil stew", "body_md": "With spinach and a slice of bread.", "category": "other", "portions": "3",
        "place": "Utrecht", "address": "Oudegracht 7", "price": "", "day": day, "pickup_from": "17:00",
        "pickup_until": "18:00", "order_by_day": day, "order_by_time": "12:00", "allergens": ["gluten"], "named": "y",
    }  # fmt: skip


def test_the_pages_from_the_offer_to_the_order(cooking: Cooking) -> None:
    cook, eater, guest = visitor(cooking, cooking.lender), visitor(cooking, cooking.borrower), visitor(cooking)
    assert "Offer portions" in page_text(cook.get("/meals/new"))
    facts = filled_in()
    for wrong, says in (
        ({"named": ""}, "Somebody may be allergic"), ({"portions": "many"}, "not a whole number"),
        ({"pickup_until": "16:00"}, "The end must be after the start"), ({"price": "99"}, "at most"),
        ({"order_by_time": "19:00"}, "Orders must end before"), ({"body_md": "Soup"}, "Tell a little more"),
    ):  # fmt: skip
        answer = cook.post("/meals/new", data={**facts, **wrong})
        assert (answer.status_code, says in page_text(answer)) == (422, True), page_text(answer)
        assert 'value="Oudegracht 7"' in answer.text
    sent = cook.post("/meals/new", data=facts)
    assert sent.status_code == 303, page_text(sent)
    here = sent.location
    number = int(here.split("/meals/")[1].split("-")[0])
    for client in (guest, eater):
        seen = client.get(here)
        assert ("3 portions left" in page_text(seen), "Gluten" in page_text(seen), "Oudegracht" in seen.text) == (
            True, True, False,
        )  # fmt: skip
    assert eater.post(f"/meals/{number}/order", data={"nonce": "n", "count": "7"}).status_code == 422
    placed = eater.post(f"/meals/{number}/order", data={"nonce": "n", "count": "2"})
    assert "/agreements/" in placed.location
    agreed = page_text(eater.get(placed.location))
    assert ("Oudegracht 7" in agreed, "It counts" in agreed) == (True, False)
    assert "Ben Borrower" in page_text(cook.get(here))
    assert "Ben Borrower" not in page_text(guest.get(here))
    assert "1 portion left" in page_text(guest.get(here))
    assert "portion left" in page_text(guest.get("/discover?kind=meal"))
    few = {**facts, "portions": "1", "version": ""}
    assert cook.post(f"/meals/{number}/edit", data=few).status_code == 422
    assert cook.post(f"/meals/{number}/edit", data={**facts, "portions": "5"}).status_code == 303
    assert eater.get(f"/meals/{number}/edit").status_code == 404
    assert eater.post(f"/meals/{number}/end").status_code == 404
    assert cook.post(f"/meals/{number}/end").status_code == 303
    assert "No more orders" in page_text(guest.get(here))
    assert db.session.scalar(select(Agreement.state).where(Agreement.kind == "order")) == "agreed"
