"""The pages of purchases through HTTP: the offer, asking, keeping what one has at home, lists, and who sees the address."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from marketplace.agreements.models import Agreement
from marketplace.database import db, transaction
from marketplace.testing.clients import MarketplaceClient, client_of, page_text, refresh
from marketplace.testing.factories import Factories
from marketplace.testing.people import Auth
from marketplace.users.models import User
from plugins.sharing import health
from plugins.sharing.buy import buy_members, buy_sweep, purchases
from plugins.sharing.item.item_models import Unit
from plugins.sharing.loan import scanned
from tests.plugins.sharing.buy_world import Selling


@pytest.fixture
def selling(make_app: Any, frozen: Any) -> Any:
    """Give an owner with things for sale on a site that takes no payments."""
    app: Flask = make_app(payments=False)
    with app.app_context():
        yield Selling(app, Factories(), frozen)


def entered(selling: Selling, user: User) -> MarketplaceClient:
    """Give the browser of a member who is logged in."""
    client = client_of(selling.app)
    Auth(client, selling.factories).login(user)
    return client


def send(client: MarketplaceClient, item: int, **more: Any) -> Any:
    """Look at the offer, and press the button."""
    page = client.get(f"/items/{item}/buy")
    assert page.status_code == 200, page_text(page)
    found = re.search(r'name="nonce"[^>]*value="([^"]+)"', page.text)
    assert found, page_text(page)
    return client.post(f"/items/{item}/buy", data={"nonce": found.group(1), "note": "For my cherries.", **more})


def item_page(client: MarketplaceClient, item: int) -> str:
    """Read an item's page."""
    return page_text(client.get(f"/items/{item}-a-ladder"))


def test_a_thing_is_bought_over_the_pages(selling: Selling) -> None:
    item = selling.sold_item()
    ben, lena, guest = entered(selling, selling.borrower), entered(selling, selling.lender), client_of(selling.app)
    assert "Buy it for €80" in item_page(ben, item)
    assert "Others can buy it for €80" in item_page(lena, item)
    assert "Log in to go on" in page_text(guest.get(f"/items/{item}/buy"))
    assert guest.post(f"/items/{item}/buy").status_code == 302
    assert "This is your own item" in page_text(lena.get(f"/items/{item}/buy"))
    here = send(ben, item).headers["Location"]
    asked = page_text(ben.get(here))
    assert "For my cherries." in asked
    assert "Kerkstraat 3" not in asked
    assert "Accept or decline the request" in page_text(lena.get(here))
    assert lena.post(f"{here}/accept").status_code == 302
    assert "Kerkstraat 3" in page_text(ben.get(here))
    assert "settle the €80.00 between you" in page_text(ben.get(here))
    assert "It has been sold." in item_page(entered(selling, selling.factories.user()), item)
    assert lena.post(f"{here}/hand_over").status_code == 302
    assert "(optional)" not in page_text(ben.get(f"{here}/report"))
    refused = ben.post(f"{here}/report", data={"note": " "})
    assert (refused.status_code, "Say what is wrong with it" in page_text(refused)) == (422, True)
    assert f'action="{here}/have_it"' not in refused.text, "beside the field, not on the agreement's page"
    assert ben.post(f"{here}/have_it").status_code == 302
    assert "Kerkstraat 3" not in page_text(ben.get(here)), "nobody needs it any more"
    sold = item_page(guest, item)
    assert "It has been sold." in sold
    assert "Buy it for" not in sold


def test_both_find_their_purchases_among_what_they_borrow_and_lend(selling: Selling) -> None:
    agreement = selling.bought(selling.sold_item())
    mine = page_text(entered(selling, selling.borrower).get("/sharing/loans"))
    theirs = page_text(entered(selling, selling.lender).get("/sharing/loans?role=owner"))
    assert ("Bought" in mine, "To be picked up" in mine, "Sold" in theirs) == (True, True, True)
    assert f"/agreements/{agreement.id}" in entered(selling, selling.lender).get("/account/agreements?role=owner").text


def test_a_running_loan_says_that_it_can_be_kept_and_for_how_much(selling: Selling) -> None:
    item = selling.sold_item(instant=True)
    loan = selling.out(item)
    ben, lena = entered(selling, selling.borrower), entered(selling, selling.lender)
    assert "Keep it: buy it for €80" in page_text(ben.get(f"/agreements/{loan.id}"))
    assert "Keep it" not in page_text(lena.get(f"/agreements/{loan.id}"))
    assert "You have it at home" in page_text(ben.get(f"/items/{item}/buy"))
    here = send(ben, item).headers["Location"]
    assert "Sold" in page_text(ben.get(here))
    assert "Keep it" not in page_text(ben.get(f"/agreements/{loan.id}"))
    assert selling.state(loan) == "returned"


def test_the_page_says_why_it_can_not_be_bought_and_when_it_can(selling: Selling) -> None:
    item, other = selling.sold_item(), selling.factories.user()
    selling.agreed(item, by=other)
    ben = entered(selling, selling.borrower)
    page = ben.get(f"/items/{item}/buy")
    assert page.status_code == 200
    assert "it can be bought after that" in page_text(page)
    assert 'name="nonce"' not in page.text
    assert "it can be bought after that" in item_page(ben, item)


def test_of_two_who_look_the_second_reads_that_it_is_gone(selling: Selling) -> None:
    item, other = selling.sold_item(instant=True), selling.factories.user()
    ben = entered(selling, selling.borrower)
    nonce = re.search(r'name="nonce"[^>]*value="([^"]+)"', ben.get(f"/items/{item}/buy").text)
    assert nonce
    selling.buy(item, by=other)
    answer = ben.post(f"/items/{item}/buy", data={"nonce": nonce.group(1), "note": "Mine?"})
    assert (answer.status_code, "It has been sold." in page_text(answer)) == (409, True)


def test_a_form_with_nothing_in_it_comes_back(selling: Selling) -> None:
    item = selling.sold_item()
    ben = entered(selling, selling.borrower)
    assert ben.post(f"/items/{item}/buy", data={}).status_code == 422
    assert send(ben, item, note="x" * 1001).status_code == 422
    assert ben.get(f"/items/{selling.item()}/buy").status_code == 409
    assert ben.get("/items/9999/buy").status_code == 404


def test_an_owner_lays_down_the_price_and_reads_it_back(selling: Selling) -> None:
    item = selling.item()
    lena = entered(selling, selling.lender)
    kept = {
        "arrangements": ["borrow", "buy"], "who": "everybody", "min_minutes": "60", "max_minutes": "", "notice_minutes": "0",
        "horizon_days": "", "buffer_before_minutes": "0", "buffer_after_minutes": "0",
        "start_days": [str(1 << number) for number in range(7)],
        "deposit_kind": "none", "cancellation": "flexible",
    }  # fmt: skip
    refused = lena.post(f"/items/{item}/rules", data={**kept, "buy_minor": ""})
    assert (refused.status_code, "Say what it costs to buy it." in page_text(refused)) == (422, True)
    sent = {**kept, "buy_minor": "80", "buy_rent_percent": "50", "buy_rent_days": "90"}
    assert lena.post(f"/items/{item}/rules", data=sent).status_code == 303
    row = selling.row(item)
    assert (row.buy_minor, row.buy_rent_percent, row.buy_rent_days) == (8000, 50, 90)
    page = page_text(lena.get(f"/items/{item}/manage"))
    assert "€80.00, less 50% of the rent that the buyer paid in the last 90 days" in page
    assert (
        lena.post(f"/items/{item}/rules", data={**sent, "buy_rent_percent": "", "buy_rent_days": ""}).status_code == 303
    )
    assert selling.row(item).buy_rent_percent == 0


def test_a_thing_is_put_up_for_sale_on_one_page(selling: Selling) -> None:
    lena = entered(selling, selling.lender)
    facts = {
        "title": "A wardrobe",
        "category": "home",
        "body_md": "Two metres, oak.",
        "place": "Utrecht",
        "arrangement": "buy",
    }
    assert lena.post("/items/new", data=facts).status_code == 422
    made = lena.post("/items/new", data={**facts, "price": "45"})
    assert made.status_code == 303, page_text(made)
    page = page_text(lena.get(made.headers["Location"]))
    assert "€45" in page


def test_the_owner_sees_who_buys_it_and_no_end(selling: Selling) -> None:
    item = selling.sold_item()
    selling.bought(item)
    lena = entered(selling, selling.lender)
    page = page_text(lena.get(f"/items/{item}/manage"))
    assert "buys it" in page
    assert "3000" not in page
    assert "3000" not in page_text(lena.get(f"/items/{item}/hours"))


def test_the_label_on_what_is_bought_leads_its_two_sides_to_the_purchase(selling: Selling) -> None:
    agreement = selling.bought(selling.sold_item())
    unit = db.session.get_one(Unit, selling.side(agreement).unit_id)
    with selling.app.test_request_context():
        assert scanned.hand_over_page(unit, selling.borrower) == f"/agreements/{agreement.id}"
        assert scanned.hand_over_page(unit, selling.factories.user()) is None


def test_the_offer_costs_the_same_however_much_there_is(selling: Selling, statements: Any) -> None:
    item = selling.sold_item(4, buy_rent_percent=50, buy_rent_days=90)
    ben = entered(selling, selling.borrower)

    def cost(path: str) -> int:
        ben.get(path)
        with statements() as seen:
            ben.get(path)
        return len(seen)

    paths = (f"/items/{item}/buy", f"/items/{item}-a-ladder", "/sharing/loans")
    before = [cost(path) for path in paths]
    for number in range(3):
        selling.bought(item, by=selling.factories.user())
        selling.agreed(item, selling.window(40 + 3 * number))
    selling.bought(item)
    after = [cost(path) for path in paths]
    assert after[1:] <= before[1:], (before, after)
    assert before[0] <= 8, before


def test_who_gives_it_back_reads_where_to(selling: Selling) -> None:
    agreement = selling.bought(selling.sold_item())
    here, ben = f"/agreements/{agreement.id}", entered(selling, selling.borrower)
    selling.move(agreement, "hand_over")
    assert "Where it goes back to" not in page_text(ben.get(here))
    purchases.agreements.transition(agreement.id, "report", selling.as_borrower(agreement), note="A rung is missing.")
    selling.move(agreement, "take_back")
    page = page_text(ben.get(here))
    assert "Where it goes back to Kerkstraat 3" in " ".join(page.split())


def test_what_came_to_nothing_is_not_headed_as_agreed(selling: Selling) -> None:
    ben = entered(selling, selling.borrower)
    asked, agreed = selling.buy(selling.sold_item()), selling.bought(selling.sold_item())
    for agreement, heading in ((asked, "What was asked for"), (agreed, "What had been agreed")):
        selling.move(agreement, "cancel", selling.as_borrower(agreement))
        page = page_text(ben.get(f"/agreements/{agreement.id}"))
        assert heading in page
        assert "What was agreed" not in page
        assert "It came to nothing." in page


def test_operators_see_what_waits_and_where_they_decide(selling: Selling) -> None:
    agreement = selling.bought(selling.sold_item())
    selling.move(agreement, "hand_over")
    go = purchases.agreements.transition
    go(agreement.id, "report", selling.as_borrower(agreement), note="A rung is missing.")
    go(agreement.id, "contest", selling.as_lender(agreement), note="It never had that rung.")
    olga = entered(selling, selling.factories.operator())
    page = olga.get("/operator/sharing/purchases")
    assert ("Decide" in page_text(page), f"/agreements/{agreement.id}" in page.text) == (True, True)
    here = f"/agreements/{agreement.id}"
    assert "A rung is missing." in page_text(olga.get(here))
    assert olga.post(f"{here}/for_the_buyer", data={"note": "I saw the pictures."}).status_code == 302
    assert selling.state(agreement) == "undone"


def stand(agreement: Agreement, phase: str, state: str) -> None:
    """Set phase and state past all that sees to them."""
    row = select(Agreement).where(Agreement.id == agreement.id).execution_options(populate_existing=True)
    with transaction():
        found = db.session.scalars(row).one()
        found.phase, found.state = phase, state


def test_what_went_wrong_is_said_to_operators(selling: Selling) -> None:
    item = selling.sold_item()
    agreement = selling.bought(item)
    assert health.problems() == []
    stand(agreement, "cancelled", "cancelled")
    assert any("kept for ever by purchases that came to nothing" in one.message for one in health.problems())
    with transaction():
        db.session.execute(text("DELETE FROM sharing_occupancy"))
    stand(agreement, "agreed", "agreed")
    assert any("keep no unit" in one.message for one in health.problems())
    stand(agreement, "active", "contested")
    selling.frozen.forward(days=8)
    assert any("wait for an operator" in one.message for one in health.problems())


def test_a_member_is_given_what_is_kept_about_purchases_and_an_address_goes_with_the_account(selling: Selling) -> None:
    agreement = selling.sold(selling.sold_item())
    for user in (selling.borrower, selling.lender):
        rows = buy_members.export(user)["purchases"]
        assert [(row["title"], row["state"], row["amount_minor"]) for row in rows] == [("A ladder", "completed", 8000)]
    with transaction():
        buy_members.erase(selling.borrower)
    assert selling.side(agreement).place == "Kerkstraat 3"
    with transaction():
        buy_members.erase(selling.lender)
    assert selling.side(agreement).place == ""


def test_the_job_that_minds_purchases_runs_twice_and_changes_nothing(selling: Selling) -> None:
    item = selling.sold_item()
    asked, agreement = selling.buy(item, by=selling.factories.user()), selling.bought(item)
    selling.frozen.forward(days=1)
    selling.move(agreement, "have_it", selling.as_borrower(agreement))
    for _time in range(2):
        buy_sweep.sweep({})
        refresh()
    assert selling.state(asked) == "released"
    assert selling.told(db.session.get_one(User, asked.member_id), "buy_released") == 1


def test_the_rent_that_counts_is_the_buyers_for_whoever_reads_it(selling: Selling) -> None:
    item = selling.sold_item(rented=True, buy_rent_percent=50, buy_rent_days=90)
    said = "€80.00, less 50% of the rent that the buyer paid in the last 90 days"
    assert said in page_text(entered(selling, selling.lender).get(f"/items/{item}/manage"))
    assert said in item_page(entered(selling, selling.borrower), item)
