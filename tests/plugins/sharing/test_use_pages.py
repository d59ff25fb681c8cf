"""The pages of uses: from a scanned label to the bill, on a phone, without JavaScript, and what bad input gets."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.testing.clients import client_of, page_text
from marketplace.testing.factories import Factories
from marketplace.testing.people import log_in
from marketplace.testing.statements import Statements
from plugins.sharing.use import collecting, correcting, credits, use_bills
from tests.plugins.sharing.use_world import MINUTES, UseWorld, number_of


@pytest.fixture
def world(make_app: Any, frozen: Any) -> Any:
    """Give a site without payments."""
    app: Flask = make_app(payments=False)
    with app.app_context():
        yield UseWorld(app, Factories(), frozen)
        db.session.remove()


def visitor(world: UseWorld, user: Any = None) -> Any:
    client = client_of(world.app)
    if user is not None:
        log_in(client, world.by_id(number_of(user)))
    return client


def test_from_a_scanned_label_to_the_bill(world: UseWorld) -> None:
    member = world.member()
    guest, me = visitor(world), visitor(world, member)
    code = f"/s/{world.unit.code}"
    assert "Log in to start" in page_text(guest.get(code))
    assert "Start now" in page_text(me.get(code))
    empty = me.post(code, data={"nonce": "n", "start": "y"})
    assert (empty.status_code, "Say what it stands at" in page_text(empty)) == (422, True)
    wrong = me.post(code, data={"nonce": "n", "start": "y", "r_km": "a lot", "limit": "much"})
    assert (wrong.status_code, 'value="a lot"' in wrong.text, 'value="much"' in wrong.text) == (422, True, True)
    begun = me.post(code, data={"nonce": "n", "start": "y", "r_km": "1000", "limit": "5"})
    assert begun.status_code == 303, page_text(begun)
    assert me.get(code).location == begun.location
    world.frozen.forward(minutes=20)
    assert "6.00" in page_text(me.get(begun.location))
    assert "6.00" in page_text(me.get(f"{begun.location}/meter"))
    assert "limit" in page_text(me.get(f"{begun.location}/meter"))
    assert me.post(begun.location, data={"move": "pause"}).status_code == 303
    assert "Go on" in page_text(me.get(begun.location))
    world.frozen.forward(minutes=5)
    falls = me.post(begun.location, data={"move": "end", "r_km": "900"})
    assert (falls.status_code, "less than what was read before" in page_text(falls)) == (422, True)
    assert me.post(begun.location, data={"move": "fly"}).status_code == 404
    assert me.post(begun.location, data={"move": "end", "r_km": "1010"}).status_code == 303
    world.work()
    bill = page_text(me.get(f"{begun.location}/bill"))
    assert "U2026-00001" in bill
    assert "8.50" in bill
    assert "By the minute" in page_text(me.get(begun.location.replace("/uses/", "/agreements/")))
    assert "8.50" in page_text(me.get("/uses"))


def test_who_ends_a_use_reads_beside_the_button_what_is_billed_at_least(world: UseWorld) -> None:
    member = world.member()
    me = visitor(world, member)
    begun = me.post(f"/s/{world.unit.code}", data={"nonce": "n", "start": "y", "r_km": "1000"})
    world.frozen.forward(minutes=20)
    said = "at least €6.00 is billed, and what the meter has counted since it was last read."
    page = me.get(begun.location)
    assert said in page_text(page)
    assert page.text.index("at-least") < page.text.index('value="end"')
    live = me.get(f"{begun.location}/meter")
    assert said in page_text(live)
    assert live.text.count('id="at-least"') == live.text.count("hx-swap-oob") == 1
    assert "at-least" not in visitor(world, world.owner).get(f"{begun.location}/meter").text
    assert me.post(begun.location, data={"move": "end", "r_km": "1000"}).status_code == 303
    assert "€6.00" in page_text(me.get(begun.location)), "what it came to stands there before the bill does"
    assert "at least" not in page_text(me.get(begun.location))
    world.work()
    assert "€6.00" in page_text(me.get(f"{begun.location}/bill"))
    assert "See the bill" in page_text(me.get(begun.location))


def test_a_figure_that_is_hardly_possible_is_asked_about_and_its_yes_holds_for_it_alone(world: UseWorld) -> None:
    member = world.member()
    me = visitor(world, member)
    here = me.post(f"/s/{world.unit.code}", data={"nonce": "n", "start": "y", "r_km": "1000"}).location
    world.frozen.forward(minutes=20)
    asked = me.post(here, data={"move": "end", "r_km": "99999"})
    said = page_text(asked)
    assert (asked.status_code, 'value="99999"' in asked.text, 'name="sure"' in asked.text) == (422, True, True)
    assert "98,999 km since the start" in said
    assert "would cost €19,805.80" in said
    other = me.post(here, data={"move": "end", "r_km": "88888", "sure": "y", "asked": "km=99999"})
    assert (other.status_code, 'name="sure" value="y" checked' in other.text) == (422, False)
    assert "In use" in page_text(me.get(here))
    assert 'name="sure"' not in me.get(here).text
    yes = me.post(here, data={"move": "end", "r_km": "88888", "sure": "y", "asked": "km=88888"})
    assert yes.status_code == 303
    assert "€17,583.60" in page_text(me.get(here))


def test_a_meter_far_above_ones_own_limit_is_asked_about(world: UseWorld) -> None:
    me = visitor(world, world.member())
    here = me.post(f"/s/{world.unit.code}", data={"nonce": "n", "start": "y", "r_km": "1000", "limit": "5"}).location
    world.frozen.forward(minutes=20)
    asked = me.post(here, data={"move": "pause", "r_km": "1060"})
    assert (asked.status_code, "€18.00; you set a limit of €5.00" in page_text(asked)) == (422, True)
    assert me.post(here, data={"move": "pause", "r_km": "1040"}).status_code == 303


def test_a_use_without_meters_or_with_a_device_ends_at_what_is_shown(world: UseWorld) -> None:
    member = world.member()
    device = world.device()
    me = visitor(world, member)
    begun = me.post(f"/s/{world.unit.code}", data={"nonce": "n", "start": "y"})
    assert (begun.status_code, number_of(device) > 0) == (303, True)
    world.frozen.forward(minutes=20)
    assert "If you end it now, at least €6.00 is billed." in page_text(me.get(begun.location))


def test_a_label_reserves_and_the_reservation_is_started_from_its_page(world: UseWorld) -> None:
    me = visitor(world, world.member())
    begun = me.post(f"/s/{world.unit.code}", data={"nonce": "n", "reserve": "y"})
    assert "lapses by itself" in page_text(me.get(begun.location))
    assert me.post(begun.location, data={"move": "start", "r_km": "10"}).status_code == 303
    assert "In use" in page_text(me.get(begun.location))


def test_what_is_not_for_somebody_does_not_exist(world: UseWorld) -> None:
    agreement = world.use(world.member(), 10, 5)
    stranger, number = visitor(world, world.member()), number_of(agreement)
    reading_id = world.stored(agreement)[-1].id
    for path in ("", "/meter", "/bill"):
        assert stranger.get(f"/uses/{number}{path}").status_code == 404
        assert visitor(world).get(f"/uses/{number}{path}").status_code in (302, 401)
    assert stranger.get(f"/uses/readings/{reading_id}").status_code == 404
    assert stranger.get(f"/items/{number_of(world.listing)}/uses").status_code == 404
    assert stranger.get("/s/nothing").status_code == 404
    assert stranger.get("/uses/999").status_code == 404
    assert stranger.post("/uses/people/999/accept").status_code == 404
    assert stranger.post("/uses/people/999/dance").status_code == 409


def test_an_owner_adds_a_device_and_sees_its_secret_once(world: UseWorld) -> None:
    owner, page = visitor(world, world.owner), f"/items/{number_of(world.listing)}/uses"
    bad = owner.post(page, data={"unit": "99", "name": "", "silence": "-1"})
    assert bad.status_code == 422
    made = owner.post(page, data={"unit": str(number_of(world.unit)), "name": "Meter", "silence": "300"})
    assert (made.status_code, made.location) == (303, page), "so loading the page again adds nothing"
    assert "whsec_" not in visitor(world, world.owner).get(page).text, "only where it was added"
    shown = owner.get(page)
    assert shown.text.count("whsec_") == 1
    assert shown.headers["Cache-Control"] == "no-store"
    assert "whsec_" not in owner.get(page).text
    assert "never heard of" in page_text(owner.get(page))
    device_id = 1
    assert owner.post(f"/items/{number_of(world.listing)}/devices/{device_id}/revoke").status_code == 303
    assert owner.post(f"/items/{number_of(world.listing)}/devices/99/revoke").status_code == 404
    assert "Meter" not in page_text(owner.get(page))


def test_an_owner_corrects_a_reading_and_the_bill_shows_it(world: UseWorld) -> None:
    user = world.member()
    agreement = world.use(user, 10, 50)
    owner, number = visitor(world, world.owner), number_of(agreement)
    reading_id = world.stored(agreement)[-1].id
    page = f"/uses/readings/{reading_id}"
    assert 'value="1050"' in owner.get(page).text
    for data in ({"r_km": "x", "note": "why"}, {"r_km": "1005", "note": ""}, {"r_km": "990", "note": "why"}):
        assert owner.post(page, data=data).status_code == 422
    said = page_text(owner.post(f"{page}?lang=nl", data={"r_km": "990,5", "note": "why"}))
    assert "De meter (km) liep terug, van 1.000 naar 990,5 op 10 mrt 2026, 10:10." in said, said
    assert owner.post(page, data={"r_km": "1005", "note": "Misread"}).status_code == 303
    world.work()
    shown = page_text(owner.get(f"/uses/{number}/bill"))
    assert "Credit note UC2026-00001" in shown
    assert "Corrects U2026-00001" in shown
    assert "Misread" in shown
    counts = use_bills.latest(number)
    assert counts is not None
    assert counts.run == 2
    after = f"€{counts.total_minor // 100}.{counts.total_minor % 100:02}"
    for who, path in ((owner, f"/items/{number_of(world.listing)}/uses"), (visitor(world, user), "/uses")):
        assert after in page_text(who.get(path)), f"{path} says what the bill that counts comes to"
    assert db.session.get_one(Agreement, number).amount_minor == counts.total_minor, (
        "what still runs has the new amount"
    )
    assert correcting is not None


def test_credit_is_given_and_shown(world: UseWorld) -> None:
    member = world.member()
    owner, path = visitor(world, world.owner), f"/items/{number_of(world.listing)}/credit"
    email = world.by_id(number_of(member)).email
    assert owner.post(path, data={"member": email, "amount": "12,50", "note": "Welcome"}).status_code == 303
    assert credits.balance(number_of(member), number_of(world.owner), "EUR") == 12_50
    owner.post(path, data={"member": "nobody@example.org", "amount": "5"})
    owner.post(path, data={"member": email, "amount": "x"})
    assert credits.balance(number_of(member), number_of(world.owner), "EUR") == 12_50
    assert "12.50" in page_text(visitor(world, member).get("/uses"))


def test_two_people_on_one_account(world: UseWorld) -> None:
    holder, user = world.member(), world.member()
    him, her = visitor(world, holder), visitor(world, user)
    email = world.by_id(number_of(user)).email
    assert him.post("/uses/people", data={"email": email}).status_code == 303
    assert him.post("/uses/people", data={"email": "nobody@example.org"}).status_code == 422
    assert "Accept" in page_text(her.get("/uses"))
    assert her.post("/uses/people/1/accept").status_code == 303
    begun = her.post(
        f"/s/{world.unit.code}", data={"nonce": "n", "start": "y", "r_km": "1", "holder": str(number_of(holder))}
    )
    assert begun.status_code == 303, page_text(begun)
    assert him.get(begun.location).status_code == 200, "who pays sees it"
    assert her.post("/uses/people/1/leave").status_code == 303


def test_who_did_not_pay_is_told_so_at_the_label(world: UseWorld) -> None:
    member = world.member()
    agreement = world.use(member, 10, 5)
    world.work(days=31)
    assert world.fresh(agreement).state == "unpaid"
    me = visitor(world, member)
    assert "was not paid yet" in page_text(me.get(f"/s/{world.unit.code}"))
    assert "was not paid yet" in page_text(me.get("/uses"))
    refused = me.post(f"/s/{world.unit.code}", data={"nonce": "n", "start": "y", "r_km": "2000"})
    assert refused.status_code == 422
    assert collecting.due_of(number_of(agreement))[0].state == "failed"


@pytest.mark.parametrize("state", ["running", "billed"])
def test_a_page_of_a_use_costs_a_fixed_number_of_statements(world: UseWorld, state: str) -> None:
    member = world.member()
    agreement = world.use(member, 10, 5) if state == "billed" else world.start(member)
    me = visitor(world, member)
    path = f"/uses/{number_of(agreement)}" + ("/bill" if state == "billed" else "")
    me.get(path)
    with Statements(db.engine) as seen:
        assert me.get(path).status_code == 200
    assert len(seen) <= 16, seen


def test_a_plan_is_joined_from_the_prices_and_its_agreement_says_so(world: UseWorld) -> None:
    from plugins.sharing.price import price_lists

    plan = {"key": "friends", "monthly": "0", "percents": {"driving": "10"}}
    listing_id = number_of(world.item({**MINUTES, "plan": [plan]}))
    me = visitor(world, world.member())
    prices = f"/prices/{price_lists.freeze(listing_id, 'use')}"
    assert "Friends" in page_text(me.get(prices))
    assert me.post(f"/items/{listing_id}/plans/gold").status_code == 404
    joined = me.post(f"/items/{listing_id}/plans/friends")
    agreed = page_text(me.get(joined.location))
    assert "Friends" in agreed
    assert "The next month is charged (still to come)" in agreed
    assert "Ends by itself" not in agreed, "a plan goes on until somebody ends it"
    assert f'href="{prices}"' in me.get(f"/items/{listing_id}-x", follow_redirects=True).text, (
        "the thing leads to its plans"
    )
    assert "You have it" in page_text(me.get(prices))
    assert "Log in" in page_text(visitor(world).get(prices))


def test_the_exact_place_is_for_those_who_reserved(world: UseWorld) -> None:
    from marketplace.database import transaction
    from plugins.sharing.item.item_models import Unit

    with transaction() as session:
        session.get_one(Unit, number_of(world.unit)).place = "Behind number 14"
    me = visitor(world, world.member())
    assert "Behind number 14" not in me.get(f"/s/{world.unit.code}").text
    begun = me.post(f"/s/{world.unit.code}", data={"nonce": "n", "reserve": "y"})
    assert "Behind number 14" in me.get(begun.location).text
