"""What the pages of uses say when money runs out or somebody else pays, and which thing they lead to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.notifications.models import Notification
from marketplace.testing.clients import client_of, page_text
from marketplace.testing.factories import Factories
from marketplace.testing.people import log_in
from plugins.sharing.item import item_reads
from plugins.sharing.slot import occupancy
from plugins.sharing.slot.windows import Window
from plugins.sharing.use import credits, standing
from tests.plugins.sharing.use_world import MINUTES, UseWorld, number_of

NOT_PAID = "Whoever pays for you has not paid the bill yet."


@pytest.fixture
def world(make_app: Any, frozen: Any) -> Any:
    """Give a site without payments."""
    app: Flask = make_app(payments=False)
    with app.app_context():
        yield UseWorld(app, Factories(), frozen)
        db.session.remove()


def visitor(world: UseWorld, user: Any) -> Any:
    client = client_of(world.app)
    log_in(client, world.by_id(number_of(user)))
    return client


def told(user: Any) -> list[str]:
    rows = select(Notification.kind).where(Notification.user_id == number_of(user))
    return [kind.removeprefix("sharing.") for kind in db.session.scalars(rows)]


def test_the_item_leads_to_a_unit_that_is_there_and_not_to_one_that_is_overdue(world: UseWorld) -> None:
    other, item_id = world.add_unit(), number_of(world.listing)
    world.start(world.member())
    world.frozen.forward(days=3)
    assert item_reads.unit_to_use(item_id) == other.code, (
        "nobody promised the first one for now, and it is out all the same"
    )


def test_who_set_no_limit_reads_that_the_credit_is_used_up(world: UseWorld) -> None:
    listing = world.item({**MINUTES, "credits": ["driving", "parked"]})
    unit, member = world.add_unit(listing), world.member()
    credits.give(world.by_id(number_of(world.owner)), number_of(member), 5_00, listing)
    agreement = world.start(member, unit=unit)
    me, path = visitor(world, member), f"/uses/{agreement.id}"
    world.work(minutes=20)
    page = page_text(me.get(path))
    assert "The prepaid credit of €5.00 is used up." in page
    assert "The limit of" not in page
    assert "use_credit_used" in told(member)
    assert "use_limit" not in told(member)
    world.move(agreement, "end", km="1001")
    assert "You can go on" not in page_text(me.get(path)), "it has ended"


def test_who_set_a_limit_reads_of_the_limit(world: UseWorld) -> None:
    member = world.member()
    agreement = world.start(member, limit_minor=5_00)
    world.work(minutes=20)
    assert "The limit of €5.00 is reached." in page_text(visitor(world, member).get(f"/uses/{agreement.id}"))
    assert "use_limit" in told(member)


def test_only_who_pays_is_asked_to_pay(world: UseWorld) -> None:
    holder, user = world.member(), world.member()
    asked = standing.ask_in(world.by_id(number_of(holder)), world.by_id(number_of(user)).email)
    standing.accept(world.by_id(number_of(user)), asked.id)
    agreement = world.use(user, 10, 5, holder_id=number_of(holder))
    world.work(days=31)
    assert world.fresh(agreement).state == "unpaid"
    his, hers = visitor(world, holder), visitor(world, user)
    assert "Pay now" in his.get(f"/uses/{agreement.id}").text
    for path in (f"/uses/{agreement.id}", f"/agreements/{agreement.id}"):
        page = hers.get(path).text
        assert NOT_PAID in page
        assert "Pay now" not in page, "who was only asked in finds nothing to pay behind it"


def test_who_is_asked_in_is_told_once(world: UseWorld) -> None:
    holder, user = world.by_id(number_of(world.member())), world.member()
    email = world.by_id(number_of(user)).email
    standing.ask_in(holder, email)
    standing.ask_in(holder, email)
    assert told(user) == ["asked_in"]
    assert holder.name in page_text(visitor(world, user).get("/notifications"))


def test_a_wrong_address_stays_in_the_field(world: UseWorld) -> None:
    member = world.member()
    holder = visitor(world, member)
    said_of = {
        "nobody@example.org": "Nobody here has this address.", "": "Fill this in.",
        world.by_id(number_of(member)).email: "This is your own address.",
    }  # fmt: skip
    for typed, said in said_of.items():
        page = holder.post("/uses/people", data={"email": typed})
        assert (page.status_code, f'value="{typed}"' in page.text) == (422, True)
        assert said in page_text(page)


def test_credit_for_nobody_is_refused_beside_the_field(world: UseWorld) -> None:
    owner, path = visitor(world, world.owner), f"/items/{number_of(world.listing)}/credit"
    page = owner.post(path, data={"member": "nobody@example.org", "amount": "5", "note": "Thanks"})
    assert page.status_code == 422
    assert "There is no such member." in page_text(page)
    for kept in ("nobody@example.org", "5", "Thanks"):
        assert f'value="{kept}"' in page.text
    wrong = owner.post(path, data={"member": "", "amount": "a lot"})
    assert (wrong.status_code, 'value="a lot"' in wrong.text) == (422, True)


def test_a_bill_that_credit_paid_in_part_says_what_is_left_to_pay(world: UseWorld) -> None:
    listing = world.item({**MINUTES, "credits": ["driving", "parked"]})
    unit, member = world.add_unit(listing), world.member()
    credits.give(world.by_id(number_of(world.owner)), number_of(member), 5_00, listing)
    first = world.use(member, 10, 5, unit=unit)
    page = page_text(visitor(world, member).get(f"/uses/{first.id}/bill"))
    assert "Together €4.00 Prepaid credit -€3.00 Left after the credit €1.00" in page.replace("−", "-")
    assert "use_billed_credit" in told(member)
    assert "use_billed_owner_credit" in told(world.owner)
    texts = page_text(visitor(world, member).get("/notifications"))
    assert "Prepaid credit paid €3 of it, €1 is left to pay." in texts
    assert "use_billed_owner" not in told(world.owner)
    world.use(world.member(), 10, 0, unit=unit)
    assert "use_billed_owner" in told(world.owner), "without credit it is said as before"


def test_an_owner_is_not_told_to_be_paid_directly_what_credit_has_paid(world: UseWorld) -> None:
    listing = world.item({**MINUTES, "credits": ["driving", "parked"]})
    unit, member = world.add_unit(listing), world.member()
    credits.give(world.by_id(number_of(world.owner)), number_of(member), 5_00, listing)
    agreement = world.use(member, 10, 0, unit=unit)
    assert [kind for kind in told(world.owner) if "billed" in kind] == ["use_billed_owner_paid"]
    assert world.fresh(agreement).state == "paid"
    page = page_text(visitor(world, member).get(f"/uses/{agreement.id}/bill"))
    assert "Left after the credit €0.00" in page


def test_a_reservation_that_lapsed_has_no_meter(world: UseWorld) -> None:
    member = world.member()
    agreement = world.reserve(member)
    me, path = visitor(world, member), f"/uses/{agreement.id}"
    assert "Reserved, it costs nothing yet" in page_text(me.get(path))
    world.work(hours=3)
    assert world.fresh(agreement).state == "lapsed"
    page = page_text(me.get(path))
    assert "It was never started, so it costs nothing." in page
    assert "€0.00" not in page
    assert " min" not in page.partition("What was agreed")[0].partition("It was never started")[0]


def test_the_label_of_a_unit_that_is_booked_says_so_before_anybody_presses_start(world: UseWorld) -> None:
    me, path, item = visitor(world, world.member()), f"/s/{world.unit.code}", number_of(world.listing)
    booker = number_of(world.member())
    assert "Start now" in page_text(me.get(path))
    with transaction():
        slot = Window(clock.now(), clock.now() + timedelta(hours=2))
        occupancy.book(item, slot, booker, None, number_of(world.unit), by_owner=True)
    other = world.add_unit()
    page = page_text(me.get(path))
    assert "It is booked at this time." in page
    assert "Start now" not in page
    assert "Reserve it first" not in page
    assert "It is booked at this time." in page_text(client_of(world.app).get(path))
    assert "Start now" in page_text(me.get(f"/s/{other.code}")), "the other one is free"
    world.frozen.forward(hours=2)
    assert "Start now" in page_text(me.get(path))
