"""Sets of things of several owners: booked as a whole when all is free, and paid to each owner, to the cent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from marketplace import clock
from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.errors import InvalidInput, NotFound, Refused
from marketplace.ledger import accounts
from marketplace.money import Money
from marketplace.payments import service as payments
from marketplace.testing.bank import Bank
from marketplace.testing.clients import client_of, page_text, refresh
from marketplace.testing.factories import Factories
from marketplace.testing.people import log_in
from marketplace.testing.statements import Statements
from marketplace.users import todo
from marketplace.users.models import User
from plugins.sharing.item import bundle_asks, bundles, units
from plugins.sharing.item import items as item_rules
from plugins.sharing.item.item_models import Item
from plugins.sharing.loan import handovers
from plugins.sharing.slot import answers, calendars
from plugins.sharing.slot.free_items import free_items
from plugins.sharing.slot.refusals import SlotTaken
from plugins.sharing.slot.windows import Window
from tests.plugins.sharing.test_loan_money import Banked


class Sets(Banked):
    """A lender whose set has things of two others."""

    def __init__(self, app: Flask, bank: Bank, factories: Factories, frozen: Any) -> None:
        """Make the set: 10 euros a day, 30 and 25 per cent of it for the others."""
        super().__init__(app, bank, factories, frozen)
        self.owners = [factories.user(name="Ann").id, factories.user(name="Bob").id]
        self.parts = [self.thing(owner) for owner in self.owners]
        self.set = self.item(price=True, instant=True)
        for part, percent in zip(self.parts, (30, 25), strict=True):
            bundles.add(self.set, self.lender, part, percent)

    def thing(self, owner: int, **facts: Any) -> int:
        """Make somebody's published thing."""
        listing = self.factories.listing(db.session.get_one(User, owner), kind="item", title="A tent")
        with self.factories_session() as session:
            session.add(Item(listing_id=listing.id, zone="Europe/Amsterdam", currency="EUR", **facts))
            session.flush()
            units.add(listing.id, "The tent")
        return listing.id

    @staticmethod
    def factories_session() -> Any:
        """Open a transaction."""
        from marketplace.database import transaction

        return transaction()

    def agree(self, *which: int) -> None:
        """Let owners agree, all unless told otherwise."""
        for number in which or range(len(self.parts)):
            bundles.answer(self.set, self.parts[number], db.session.get_one(User, self.owners[number]), agree=True)

    def payable(self, user_id: int) -> int:
        """Give what the books owe a member."""
        return self.world.standing(accounts.member_payable(user_id, "EUR"))


@pytest.fixture
def sets(app: Flask, sandbox: Bank, factories: Factories, frozen: Any) -> Sets:
    return Sets(app, sandbox, factories, frozen)


@given(st.integers(0, 10**7), st.lists(st.integers(0, 20), min_size=1, max_size=5))
def test_what_a_set_earns_is_divided_to_the_cent(minor: int, percents: list[int]) -> None:
    parts = {str(number): percent for number, percent in enumerate(percents, 2)}
    parts["1"] = 100 - sum(percents)
    others = bundles.divide(Money(minor, "EUR"), parts, 1)
    own = minor - sum(part.minor for part in others.values())
    assert 1 not in others
    assert abs(own * 100 - minor * parts["1"]) < 100
    assert all(abs(part.minor * 100 - minor * parts[str(owner)]) < 100 for owner, part in others.items())


def test_a_set_can_be_had_once_every_owner_has_agreed(sets: Sets) -> None:
    window = sets.window()
    sets.agree(0)
    assert answers.answer(sets.set, window).code == "incomplete"
    assert sets.set not in free_items(window)
    sets.agree(1)
    assert answers.answer(sets.set, window).free
    assert sets.set in free_items(window)
    bundles.answer(sets.set, sets.parts[0], db.session.get_one(User, sets.owners[0]), agree=False)
    assert answers.answer(sets.set, window).code == "incomplete"


def test_a_request_for_a_set_waits_under_what_waits_for_me_until_it_is_answered(sets: Sets) -> None:
    ann = db.session.get_one(User, sets.owners[0])
    asked = waiting_sets(sets, ann)
    assert [(one.url, one.due) for one in asked] == [(f"/items/{sets.set}/set", clock.now() + timedelta(days=14))]
    client = client_of(sets.app)
    log_in(client, ann)
    assert "may belong to the set “A ladder”" in page_text(client.get("/account"))
    assert "an answer is awaited until" in page_text(client.get(f"/items/{sets.set}/set"))
    assert not waiting_sets(sets, sets.lender), "its maker only waits"
    sets.agree(0)
    assert not waiting_sets(sets, db.session.get_one(User, sets.owners[0]))


def waiting_sets(sets: Sets, user: User) -> list[Any]:
    """Give what waits for a member about sets."""
    with sets.app.test_request_context():
        return [one for one in todo.items(user) if "set" in str(one.text)]


def test_an_owner_who_is_silent_for_two_weeks_has_declined_and_the_maker_is_told_once(sets: Sets) -> None:
    sets.agree(0)
    found = []
    for days in (13, 2, 0):
        sets.frozen.forward(days=days)
        bundle_asks.lapse({})
        refresh()
        found.append(sorted(row.state for row in bundles.rows_of(sets.set)))
    assert found == [["agreed", "asked"], ["agreed", "declined"], ["agreed", "declined"]]
    assert sets.told(sets.lender, "bundle_declined") == 1
    bundles.add(sets.set, sets.lender, sets.parts[1], 25)
    sets.agree(1)
    sets.frozen.forward(days=20)
    bundle_asks.lapse({})
    refresh()
    assert {row.state for row in bundles.rows_of(sets.set)} == {"agreed"}, "what was agreed does not lapse"


def test_everything_is_taken_at_once_and_a_part_that_is_taken_closes_the_set(sets: Sets) -> None:
    sets.agree()
    sets.rented(sets.set)
    for item in (sets.set, *sets.parts):
        assert answers.answer(item, sets.window()).code == "taken"
    later = sets.window(start=10)
    sets.agreed(sets.parts[1], later, by=sets.factories.user(), arrangement="borrow")
    found = answers.answer(sets.set, later)
    assert (found.code, sets.set in free_items(later)) == ("part", False)
    assert "A tent" in (found.reason or "")
    assert all(answers.answer(sets.set, other).free for other in found.alternatives)
    day = clock.local(later.starts_at, "Europe/Amsterdam").date()
    assert [one.state for one in calendars.calendar(sets.set, day, day + timedelta(days=2))] == ["partly", "busy"]
    with pytest.raises(SlotTaken):
        sets.ask(sets.set, later)


def test_a_set_names_the_nearest_time_at_which_all_of_it_is_free(sets: Sets) -> None:
    sets.agree()
    later = sets.window(start=10)
    for part, days in ((0, (0, 3)), (1, (-4, 0)), (1, (3, 5))):
        busy = Window(later.starts_at + timedelta(days=days[0]), later.starts_at + timedelta(days=days[1], hours=1))
        sets.agreed(sets.parts[part], busy, by=sets.factories.user(), arrangement="borrow")
    near = Window(later.starts_at + timedelta(days=5, hours=1), later.ends_at + timedelta(days=5, hours=1))
    with Statements(db.engine) as few:
        found = answers.answer(sets.set, later)
    assert (found.code, found.alternatives[0]) == ("part", near)
    assert all(answers.answer(sets.set, other).free for other in found.alternatives)
    with pytest.raises(SlotTaken) as refused:
        sets.ask(sets.set, later)
    assert refused.value.alternatives == found.alternatives
    sets.rented(sets.set, near)
    with Statements(db.engine) as many:
        again = answers.answer(sets.set, later)
    assert len(again.alternatives) == len(found.alternatives)
    assert near not in again.alternatives
    assert len(many) == len(few), "as many statements, however much is in the way"


def _returned(sets: Sets) -> Agreement:
    """Rent the set, hand it out, take it back, and divide the rent."""
    sets.agree()
    agreement = sets.rented(sets.set)
    assert (agreement.state, agreement.amount_minor) == ("agreed", 2000)
    sets.to(sets.loan(agreement).starts_at)
    handovers.record(agreement.id, sets.as_lender(agreement), "out", condition="Fine")
    sets.later(days=1)
    sets.back(agreement)
    sets.later(days=4)
    assert sets.state(agreement) == "closed"
    return agreement


def test_of_a_refund_after_the_division_maker_and_owners_give_their_parts(sets: Sets) -> None:
    agreement = _returned(sets)
    (rent,) = (one for one in payments.payments_of(agreement) if one.purpose == "rent")
    everybody = (sets.lender.id, *sets.owners)
    payments.refund(rent, Money(500, "EUR"))  # a quarter
    sets.work()
    assert [sets.payable(owner) for owner in everybody] == [810 - 203, 540 - 135, 450 - 112]
    sets.world.prove()
    payments.refund(rent, Money(1500, "EUR"))  # and all that is left
    sets.work()
    assert [sets.payable(owner) for owner in everybody] == [0, 0, 0]
    sets.world.prove()


def test_the_rent_is_divided_by_the_agreed_parts_with_one_transfer_each(sets: Sets) -> None:
    agreement = _returned(sets)
    assert agreement.terms["parts"] == {
        str(sets.lender.id): 45, str(sets.owners[0]): 30, str(sets.owners[1]): 25
    }  # fmt: skip
    assert len(sets.things(agreement)) == 3
    assert [row.item_id for row in sets.things(agreement)] == sorted([sets.set, *sets.parts])
    # 20.00 less 10 % are 18.00: 8.10, 5.40 and 4.50
    assert [sets.payable(owner) for owner in (sets.lender.id, *sets.owners)] == [810, 540, 450]
    sets.world.prove()
    for owner in sets.owners:
        sets.world.onboard(db.session.get_one(User, owner))
    sets.work()
    assert [sets.payable(owner) for owner in sets.owners] == [0, 0]
    assert sorted(one.amount for one in sets.world.stripe.transfers.list({"limit": 9}).auto_paging_iter()) == [450, 540]
    sets.world.prove()


def test_other_parts_need_the_owners_word_again_and_are_never_more_than_all(sets: Sets) -> None:
    sets.agree()
    bundles.add(sets.set, sets.lender, sets.parts[0], 40)
    assert answers.answer(sets.set, sets.window()).code == "incomplete"
    with pytest.raises(InvalidInput):
        bundles.add(sets.set, sets.lender, sets.parts[0], 76)
    with pytest.raises(NotFound):
        bundles.answer(sets.set, sets.parts[0], sets.lender, agree=True)
    bundles.remove(sets.set, sets.lender, sets.parts[0])
    assert answers.answer(sets.set, sets.window()).free
    bundles.remove(sets.set, sets.lender, sets.parts[1])
    assert db.session.get_one(Item, sets.set).is_bundle is False


def test_a_set_is_no_part_of_a_set_and_is_not_paid_by_use(sets: Sets) -> None:
    other = sets.item()
    with pytest.raises(Refused):
        bundles.add(other, sets.lender, sets.set, 10)
    with pytest.raises(Refused):
        bundles.add(sets.parts[0], db.session.get_one(User, sets.owners[0]), other, 10)
    with pytest.raises(InvalidInput):
        item_rules.set_rules(sets.set, sets.lender, {"arrangements": ["rent", "use"]})


def test_the_slot_of_a_thing_of_ones_own_belongs_at_once(sets: Sets) -> None:
    own = sets.item()
    assert bundles.add(sets.set, sets.lender, own, 0).state == "agreed"
    sets.agree()
    window = Window(sets.window().starts_at, sets.window().ends_at)
    assert answers.answer(sets.set, window).free


def test_the_page_of_a_set_is_for_its_maker_and_the_owners(sets: Sets, client: Any, auth: Any) -> None:
    address = f"/items/{sets.set}/set"
    auth.login(sets.borrower)
    assert client.get(address).status_code == 404
    auth.login(db.session.get_one(User, sets.owners[0]))
    assert "30% of the price" in client.get(address).text
    assert client.post(f"{address}/{sets.parts[0]}/agree").status_code == 303
    assert client.post(f"{address}/{sets.parts[1]}/remove").status_code == 404
    auth.login(sets.lender)
    assert "agreed" in client.get(address).text
    more = sets.thing(sets.owners[0])
    assert client.post(address, data={"item": f"http://x/items/{more}-a-tent", "percent": "10"}).status_code == 303
    assert client.post(address, data={"item": "nothing", "percent": "10"}).status_code == 422
    own = sets.item()
    assert client.post(address, data={"item": str(own), "percent": ""}).status_code == 303, (
        "nothing is needed for one's own"
    )
    assert client.post(f"{address}/{more}/remove").status_code == 303
    shown = client.get(f"/items/{sets.set}-a-ladder").text
    assert "What belongs to the set" in shown
    assert shown.count("not to be had at the moment") == 1, "Bob has not agreed"
