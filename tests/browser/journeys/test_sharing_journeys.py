"""Whole ways through sharing in a real browser: asked and lent, rented with damage, used and billed."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from flask import Flask
from playwright.sync_api import Page

from marketplace import clock
from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.testing.bank import Bank
from marketplace.testing.browser import press
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from plugins.sharing.loan.loan_forms import wish_query
from tests.browser.sharing_walk import Walker, photo, walker
from tests.browser.walking import BOTH_WAYS
from tests.core.payment_world import VISA
from tests.plugins.sharing.request_world import Asking
from tests.plugins.sharing.test_loan_money import Banked
from tests.plugins.sharing.use_world import UseWorld, number_of

ZONE = "Europe/Amsterdam"
ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def reviewed(one: Walker, other: Walker, here: str, words: tuple[str, str]) -> None:
    """Let both write; neither reads the other's words before."""
    for who, stars, said in ((one, "5", words[0]), (other, "4", words[1])):
        who.goes(here)
        assert words[0] not in who.page.inner_text("main")
        who.press("Write a review", "link")
        for box in who.page.locator(f"main input[type=radio][value='{stars}']").all():
            box.check(force=True)
        who.write(body=said)
        who.looks(f"review-{stars}")
        press(who.page.locator("main form .button-primary"))
        who.sees(said)
    for who in (one, other):
        who.goes(here)
        who.looks("reviewed", *words)


def ask_and_choose(ada: Walker, lena: Walker) -> str:
    """Ask for a ladder, let it be offered, and choose; gives the loan's address."""
    day = clock.now().date().isoformat()
    ada.goes("/requests/new")
    ada.write(title="A ladder of four metres", body_md="To clean the gutter.", place="Utrecht", address="Domplein 1")
    ada.write(starts_on=day, ends_on=day, starts_time="12:00", ends_time="18:00")
    ada.page.locator("main [name=category]").select_option("tools")
    ada.looks("a1-ask")
    ada.press("Ask")
    ada.looks("a2-asked", "Nobody has answered yet")
    request = ada.page.url
    lena.goes(request)
    lena.write(words="Four metres and a half. Ring twice.", address="Oudegracht 7")
    lena.looks("a3-answer", "A ladder of four metres")
    lena.press("Send my answer")
    lena.looks("a4-answered", "Waits for the asker")
    ada.goes(request)
    ada.looks("a5-choose", "Lena Lender")
    ada.press("Choose this one")
    ada.looks("a6-agreed", "Pick it up", "Oudegracht 7")
    return ada.page.url


def lend_and_bring_back(ada: Walker, lena: Walker, here: str, frozen: FrozenClock) -> None:
    """Hand it over with a photo, bring it back with one, and agree on both."""
    frozen.forward(hours=2)
    lena.goes(here)
    lena.looks("a7-lender", "Hand it over")
    lena.does()
    lena.page.set_input_files("input[name=photos]", photo())
    lena.write(condition="Clean, all rungs fast")
    lena.looks("a8-hand-over")
    lena.press("It is handed over")
    lena.looks("a9-handed-over", "Clean, all rungs fast")
    ada.goes(here)
    ada.does()
    ada.looks("a10-agree", "Do you agree?")
    ada.press("Yes, that is right")
    ada.looks("a11-out", "Both agree", "Bring it back in time")
    frozen.forward(hours=3)
    ada.does()
    ada.page.set_input_files("input[name=photos]", photo("olive"))
    ada.looks("a12-return", "How it went out")
    ada.press("I brought it back")
    ada.sees("Brought back", "The lender looks at it")
    lena.goes(here)
    lena.does()
    lena.looks("a13-return-seen", "Do you agree?")
    lena.press("Yes, that is right")


@ON_SQLITE
def test_asked_answered_lent_brought_back_and_reviewed(
    app: Flask, factories: Factories, frozen: FrozenClock, make_page: Callable[..., Page]
) -> None:
    asking = Asking(app, factories, frozen)
    ada = walker(make_page, asking, asking.asker, width=390, height=844)
    lena = walker(make_page, asking, asking.lender, width=390, height=844)
    here = ask_and_choose(ada, lena)
    lend_and_bring_back(ada, lena, here, frozen)
    lena.looks("a14-returned", "Look at it, and finish or claim")
    lena.press("All in order: finish", "link")
    press(lena.page.locator("main form .button-primary"))
    reviewed(ada, lena, here, ("She explained how to stand it.", "Back before the rain."))
    asking.refresh()
    assert [agreement.state for agreement in db.session.query(Agreement)] == ["closed"]


def put_up(lena: Walker) -> str:
    """Put a ladder up for rent, with a deposit that is held on a card; gives its page."""
    lena.goes("/items/new")
    lena.write(title="A long ladder", body_md="Four metres and a half. " * 5, place="Utrecht", address="Oudegracht 7")
    lena.page.locator("main [name=category]").select_option("tools")
    lena.page.locator("main [name=arrangement][value=rent]").check()
    lena.write(price="10")
    lena.page.set_input_files("main [name=pictures]", photo("peru"))
    lena.looks("b0-new")
    press(lena.page.locator("main form .button-primary").first)
    lena.looks("b0-draft", "A long ladder")
    manage = re.search(r"/items/\d+", lena.page.url)
    assert manage is not None
    lena.goes(f"{manage[0]}/rules")
    lena.page.locator("main [name=deposit_kind][value=held]").check()
    lena.write(deposit_minor="100", replacement_minor="300")
    lena.looks("b0-rules")
    lena.press("Save")
    lena.goes(f"{manage[0]}/manage")
    lena.press("Publish now")
    lena.looks("b0-published", "A long ladder")
    return manage[0]


def agreed_and_paid(banked: Banked, ben: Walker, lena: Walker) -> str:
    """Look at it, ask, say yes, and pay on the bank's page; gives the loan's address."""
    item = put_up(lena)
    banked.work()
    ben.goes(f"{item}-a-long-ladder")
    ben.looks("b1-item", "A long ladder", "€10")
    ben.goes(f"{item}/book?{urlencode(wish_query(banked.window(), ZONE))}")
    ben.looks("b2-price", "€20.00", "€100.00")
    ben.press("Ask the lender")
    ben.looks("b3-asked", "The lender answers")
    here = ben.page.url
    lena.goes(here)
    lena.looks("b4-lender", "Accept or decline the request")
    lena.press("Accept")
    lena.looks("b5-accepted", "The borrower pays")
    ben.goes(here)
    ben.looks("b6-pay", "Pay to keep it")
    ben.does()
    ben.looks("b7-payment", "€20.00", "The amount is charged at once.")
    ben.press("Continue")
    ben.pays(VISA)
    banked.work()
    banked.world.bank.deliver()
    banked.work()
    ben.goes(here)
    ben.looks("b8-paid", "Pick it up", "€100.00")
    return here


def handed_over(ben: Walker, lena: Walker, here: str) -> None:
    """Hand it over, as new."""
    for who in (lena, ben):
        who.enter(here)  # days have passed
    lena.looks("b9-to-hand-over", "Hand it over", "Held")
    lena.does()
    lena.page.set_input_files("input[name=photos]", photo())
    lena.write(condition="As new")
    lena.press("It is handed over")
    lena.sees("As new")
    ben.goes(here)
    ben.does()
    ben.press("Yes, that is right")
    ben.looks("b10-out", "Both agree", "Bring it back in time")


@BOTH_WAYS
def test_rented_with_a_deposit_damaged_settled_and_paid_out(
    app: Flask, sandbox: Bank, factories: Factories, frozen: FrozenClock, make_page: Callable[..., Page], javascript: bool
) -> None:  # fmt: skip
    banked = Banked(app, sandbox, factories, frozen)
    width = 1280 if javascript else 390
    ben = walker(make_page, banked, banked.borrower, width=width, javascript=javascript)
    lena = walker(make_page, banked, banked.lender, width=width, javascript=javascript)
    here = agreed_and_paid(banked, ben, lena)
    agreement = db.session.query(Agreement).one()
    banked.to(banked.loan(agreement).starts_at)
    assert banked.loan(agreement).deposit_state == "held"
    handed_over(ben, lena, here)
    banked.later(days=1)
    for who in (lena, ben):
        who.enter(here)
    settled(ben, lena, here)
    banked.work()
    sandbox.deliver()
    banked.later(hours=1)
    assert sorted(banked.captured()) == [(2000, 2000), (100_00, 35_00)]
    assert banked.loan(agreement).deposit_state == "captured"
    assert sum(hold.amount_minor for hold in banked.holds(agreement)) == 100_00
    ben.goes(here)
    ben.looks("b16-closed", "€35.00 of €100.00 was taken, the rest is free again")
    paid_out(banked, lena)
    banked.world.prove()


def settled(ben: Walker, lena: Walker, here: str) -> None:
    """Bring it back broken: a claim of 60 is answered by 35, and that is agreed."""
    lena.does()
    lena.write(condition="A rung is broken")
    lena.page.set_input_files("input[name=photos]", photo("maroon"))
    lena.looks("b11-return", "How it went out")
    lena.press("It is back")
    lena.press("Make a claim", "link")
    lena.write(amount="60", note="The third rung is broken")
    lena.page.set_input_files("input[name=photos]", photo("maroon"))
    lena.looks("b12-claim", "Make a claim")
    lena.press("Send the claim")
    ben.goes(here)
    ben.looks("b13-claimed", "Answer a claim")
    ben.does()
    ben.looks("b14-answer", "€60.00", "The third rung is broken")
    ben.write(amount="35", note="It was loose before")
    ben.press("Offer this")
    lena.goes(here)
    lena.does()
    lena.looks("b15-offer", "€35.00", "It was loose before")
    lena.press("Agree to €35.00")
    lena.sees("Settled at €35.00")


def paid_out(banked: Banked, lena: Walker) -> None:
    """Let the lender open an account with the bank, and see the money arrive: rent less the fee, and the damage."""
    lena.enter("/account/payments")
    lena.looks("b17-payouts", "€53.00")
    press(lena.page.locator("main form[action$=payouts] button"))
    lena.page.locator("[name=business_type]").first.check()
    lena.page.locator("[name=iban]").fill("NL91ABNA0417164300")
    press(lena.page.locator("form button").first)
    lena.looks("b18-account-opened")
    for _day in range(3):
        banked.later(days=1)
    lena.enter("/account/payments")
    lena.looks("b19-paid-out", "€53.00", "Sent")


def used(mila: Walker, label: str, frozen: FrozenClock) -> None:
    """Reserve, start, pause, go on and end, each time by the label."""
    mila.goes(label)
    mila.looks("c2-label", "What it costs")
    mila.press("Reserve it first")
    mila.looks("c3-reserved", "lapses by itself")
    frozen.forward(minutes=5)
    mila.goes(label)
    mila.write(r_km="1000")
    mila.press("Start")
    mila.sees("In use")
    frozen.forward(minutes=12)
    mila.goes(label)
    mila.looks("c4-running", "€3.60")
    mila.press("Pause")
    mila.sees("Paused")
    frozen.forward(minutes=30)
    mila.goes(label)
    mila.looks("c5-paused", "€6.60")
    mila.press("Go on")
    mila.sees("In use")
    frozen.forward(minutes=8)
    mila.goes(label)
    mila.write(r_km="1014")
    mila.press("End")
    mila.looks("c6-ended", "It has ended")


@BOTH_WAYS
def test_reserved_started_by_its_label_paused_ended_and_the_bill_paid(
    app: Flask, sandbox: Bank, factories: Factories, frozen: FrozenClock, make_page: Callable[..., Page], javascript: bool
) -> None:  # fmt: skip
    world = UseWorld(app, factories, frozen, sandbox)
    member = world.by_id(number_of(world.member()))
    mila = walker(make_page, world, member, width=390, height=844, javascript=javascript)
    mila.goes(f"/items/{number_of(world.listing)}-a-small-car")
    mila.looks("c1-item", "A small car")
    used(mila, f"/s/{world.unit.code}", frozen)
    for _time in range(3):
        world.work()
        sandbox.deliver()
    mila.goes("/uses")
    mila.looks("c7-uses", "€11.80")
    mila.press("A small car", "link")
    mila.looks("c8-use", "€11.80")
    mila.press("See the bill", "link")
    mila.looks("c9-bill", "€11.80", "Paid")
    mila.goes("/account/payments")
    mila.looks("c10-payments", "€11.80")
    assert [payment.state for payment in world.payments(db.session.query(Agreement).one())] == ["succeeded"]
    world.money.prove()
