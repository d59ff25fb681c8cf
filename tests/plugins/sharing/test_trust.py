"""What members rely on, through the pages: reviews that wait for each other, and accounts that stay while something is out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from marketplace.agreements.models import Agreement
from marketplace.testing.bank import Bank
from marketplace.testing.clients import MarketplaceClient, client_of, page_text
from marketplace.testing.factories import Factories
from marketplace.testing.people import Auth
from marketplace.users.models import User
from tests.plugins.sharing.meal_world import Cooking
from tests.plugins.sharing.test_loan_money import Banked
from tests.plugins.sharing.use_world import UseWorld, number_of


@pytest.fixture
def cooking(app: Flask, factories: Factories, frozen: Any) -> Cooking:
    """Give a lender who cooks, too, a borrower, and no bank."""
    return Cooking(app, factories, frozen)


def entered(world: Any, user: User) -> MarketplaceClient:
    """Give the browser of a member who is logged in."""
    client = client_of(world.app)
    Auth(client, world.factories).login(user)
    return client


def closed(cooking: Cooking) -> Agreement:
    """Give a loan that is over."""
    agreement = cooking.out(cooking.item())
    cooking.later(days=1)
    cooking.back(agreement)
    return cooking.move(agreement, "close")


def test_a_review_of_a_loan_is_hidden_from_everybody_until_both_have_written(cooking: Cooking) -> None:
    agreement = closed(cooking)
    here, said, answered = f"/agreements/{agreement.id}", "The fourth rung creaks", "Back before the rain"
    ben, lena = entered(cooking, cooking.borrower), entered(cooking, cooking.lender)
    guest = client_of(cooking.app)
    public = (f"/items/{agreement.listing_id}-a-ladder", f"/members/{agreement.owner_id}")
    ben.post(f"{here}/review", data={"stars": "5", "body": "Lena explains well", "item_stars": "3", "item_body": said})
    for client, path in ((lena, here), *((guest, path) for path in public)):
        page = client.get(path)
        assert (page.status_code, said in page.text, "explains well" in page.text) == (200, False, False), path
    assert lena.post(f"{here}/review", data={"stars": "5", "body": answered}).status_code == 302
    assert said in lena.get(here).text
    assert answered in ben.get(here).text
    assert said in guest.get(public[0]).text
    assert "explains well" in guest.get(public[1]).text
    ben.post(f"{here}/review", data={"stars": "1", "body": "Second thoughts"})
    assert "Second thoughts" not in lena.get(here).text


def test_a_review_of_a_loan_appears_when_the_time_is_over_and_none_is_accepted_after(cooking: Cooking) -> None:
    agreement = closed(cooking)
    here = f"/agreements/{agreement.id}"
    ben, lena = entered(cooking, cooking.borrower), entered(cooking, cooking.lender)
    ben.post(f"{here}/review", data={"stars": "2", "body": "It was late", "item_stars": "4", "item_body": "Solid"})
    cooking.later(days=13)
    assert "It was late" not in lena.get(here).text
    cooking.later(days=1, minutes=10)
    assert "It was late" in lena.get(here).text
    lena.post(f"{here}/review", data={"stars": "1", "body": "Revenge"})
    assert "Revenge" not in ben.get(here).text


def try_to_close(client: MarketplaceClient, factories: Factories) -> str:
    """Send the form that closes the account; gives what the page says."""
    answer = client.post("/account/close", data={"password": factories.password, "sure": "y"})
    assert answer.status_code == 409, "the account is closed"
    return answer.text


def test_an_account_is_not_closed_while_something_is_out_and_the_page_lists_what(cooking: Cooking) -> None:
    borrowed = cooking.out(cooking.item(), cooking.window(days=20))
    ordered = cooking.order(cooking.meal())
    for user in (cooking.borrower, cooking.lender):
        page = try_to_close(entered(cooking, user), cooking.factories)
        for agreement in (borrowed, ordered):
            assert f'href="/agreements/{agreement.id}"' in page
        assert "A ladder" in page
        assert "Lentil stew" in page


def test_an_account_is_not_closed_during_a_use_nor_before_its_bill_is_paid(
    app: Flask, sandbox: Bank, factories: Factories, frozen: Any
) -> None:
    world = UseWorld(app, factories, frozen, sandbox)
    member = world.member()
    using = world.start(member)
    client = entered(world, world.by_id(number_of(member)))
    assert f'href="/agreements/{number_of(using)}"' in try_to_close(client, factories)
    world.frozen.forward(minutes=10)
    world.move(using, "end", km="1005")
    assert f'href="/agreements/{number_of(using)}"' in try_to_close(client, factories)
    for _time in range(3):
        world.work()
    assert world.fresh(using).state == "paid"
    answer = client.post("/account/close", data={"password": factories.password, "sure": "y"})
    assert (answer.status_code, client.get("/account").status_code) == (200, 302), page_text(answer)


def test_an_account_is_not_closed_while_a_deposit_is_held(
    app: Flask, sandbox: Bank, factories: Factories, frozen: Any
) -> None:
    banked = Banked(app, sandbox, factories, frozen)
    agreement = banked.rented(banked.item(deposit_kind="held", deposit_minor=100_00))
    banked.to(banked.loan(agreement).starts_at + timedelta(hours=1))
    assert banked.loan(agreement).deposit_state == "held"
    page = try_to_close(entered(banked, banked.borrower), factories)
    assert f'href="/agreements/{agreement.id}"' in page
    assert "not finished" in page_text(entered(banked, banked.borrower).get("/account/close"))
