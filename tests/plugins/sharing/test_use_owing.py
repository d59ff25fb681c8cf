"""What is to be paid for uses stands where its payer looks: to do, on My uses, on each use, on its bill and its agreement."""

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
from plugins.sharing.use import collecting, owing, standing
from tests.core.payment_world import DECLINES
from tests.plugins.sharing.use_world import UseWorld, number_of


@pytest.fixture
def world(sandbox: Any, app: Flask, frozen: Any) -> UseWorld:
    return UseWorld(app, Factories(), frozen, sandbox)


def visitor(world: UseWorld, user: Any) -> Any:
    client = client_of(world.app)
    log_in(client, world.by_id(number_of(user)))
    return client


def pages_of(agreement: Agreement) -> tuple[str, ...]:
    number = number_of(agreement)
    return f"/uses/{number}", f"/uses/{number}/bill", f"/agreements/{number}"


def test_a_declined_payment_waits_for_its_payer_wherever_they_look(world: UseWorld) -> None:
    member = world.member(DECLINES)
    agreement = world.use(member, 10, 5)
    world.work()
    (payment,) = world.payments(agreement)
    link, me = f'href="/pay/{payment.id}"', visitor(world, member)
    todo = me.get("/account")
    assert (link in todo.text, "€4.00 for what you used was declined" in page_text(todo)) == (True, True)
    for path in ("/uses", *pages_of(agreement)):
        shown = me.get(path)
        assert (link in shown.text, "Declined by the bank" in page_text(shown)) == (True, True), path
        assert "Pay now" in page_text(shown), path
    owner = visitor(world, world.owner)
    assert link not in owner.get("/account").text
    for path in pages_of(agreement)[:2]:
        shown = owner.get(path)
        assert ("Declined by the bank" in page_text(shown), link in shown.text) == (True, False), path
    for _day in range(9):
        world.work(days=1)
    assert world.fresh(agreement).state == "unpaid"
    for path in ("/account", *pages_of(agreement)[:2]):
        assert link not in me.get(path).text, "that payment is over"
    for path in ("/uses", *pages_of(agreement)[:2]):
        assert "Pay now" in page_text(me.get(path)), path


def test_each_use_of_one_payment_leads_to_it_and_it_is_to_be_done_once(world: UseWorld) -> None:
    world.set("sharing.charge_each_use", False)
    member = world.member(DECLINES)
    uses = [world.use(member, 10, 5), world.use(member, 20, 0)]
    me = visitor(world, member)
    for path in ("/uses", *pages_of(uses[0]), *pages_of(uses[1])):
        assert "Due on 16 March 2026" in page_text(me.get(path)), path
    assert "€10.00 Due on 16 March 2026 For 2 uses together." in page_text(me.get("/uses"))
    assert "€4.00 Due on 16 March 2026" in page_text(me.get(pages_of(uses[0])[1]))
    world.frozen.at("2026-03-16T06:30:00+00:00")
    world.work()
    world.work()
    (payment,) = world.payments(uses[1])
    link = f'href="/pay/{payment.id}"'
    assert me.get("/account").text.count(link) == 1
    for path in ("/uses", *pages_of(uses[0]), *pages_of(uses[1])):
        shown = me.get(path)
        assert (link in shown.text, "For 2 uses together." in page_text(shown)) == (True, True), path


def test_whoever_pays_for_others_has_it_to_do_and_the_others_do_not(world: UseWorld) -> None:
    holder, user = world.member(DECLINES), world.member(card="")
    standing.accept(user, standing.ask_in(world.by_id(number_of(holder)), user.email).id)
    agreement = world.use(user, 10, 5, holder_id=number_of(holder))
    world.work()
    (payment,) = world.payments(agreement)
    link, payer, other = f'href="/pay/{payment.id}"', visitor(world, holder), visitor(world, user)
    assert link in payer.get("/account").text
    assert link in payer.get("/uses").text
    for path in ("/account", "/uses", *pages_of(agreement)[:2]):
        shown = other.get(path)
        assert (link in shown.text, "Declined" in page_text(shown)) == (False, False), path
    for _day in range(9):
        world.work(days=1)
    assert "Pay €4.00 for what you used" in page_text(payer.get("/account"))
    assert "Pay €4.00" not in page_text(other.get("/account"))


def test_what_is_too_little_to_be_charged_says_that_it_waits(world: UseWorld) -> None:
    member = world.member()
    agreement = world.use(member, 1, 0)
    world.work()
    me = visitor(world, member)
    for path in ("/uses", *pages_of(agreement)):
        assert "together with the next uses" in page_text(me.get(path)), path
    world.use(member, 10, 0)
    world.work()
    assert owing.of_payer(number_of(member)) == []
    assert "To be paid" not in me.get("/uses").text


def test_more_uses_cost_the_pages_no_more_statements(world: UseWorld) -> None:
    world.set("sharing.charge_each_use", False)
    member = world.member()
    me, counts = visitor(world, member), []
    agreement = world.use(member, 10, 5)
    for _more in range(2):
        found = []
        for path in ("/account", "/uses", *pages_of(agreement)):
            me.get(path)
            with Statements(db.engine) as seen:
                assert me.get(path).status_code == 200
            found.append(len(seen))
        counts.append(found)
        world.use(member, 10, 5)
        world.use(member, 10, 5)
    assert counts[0] == counts[1]


def test_without_payments_nothing_is_said_to_be_charged(make_app: Any, frozen: Any) -> None:
    app: Flask = make_app(payments=False)
    with app.app_context():
        world = UseWorld(app, Factories(), frozen)
        member = world.member()
        agreement = world.use(member, 10, 5)
        me = visitor(world, member)
        assert collecting.due_of(number_of(agreement))[0].state == "open"
        for path in ("/account", "/uses", *pages_of(agreement)):
            assert 'aria-label="To be paid"' not in me.get(path).text, path
        db.session.remove()
