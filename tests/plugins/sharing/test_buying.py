"""Buying a thing that is lent: who can have it and when, what is kept for ever, and how it changes hands; without a bank."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from marketplace import clock
from marketplace.agreements.models import Agreement
from marketplace.database import db, transaction
from marketplace.errors import DomainError, InvalidInput, Refused
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from plugins.sharing.buy import purchases
from plugins.sharing.item import items, units
from plugins.sharing.item.item_models import Unit
from plugins.sharing.loan import loans
from plugins.sharing.slot import feeds, occupancy
from plugins.sharing.slot.answers import answer
from plugins.sharing.slot.for_ever import FOREVER, NotToBeHad
from plugins.sharing.slot.refusals import SlotTaken
from tests.plugins.sharing.buy_world import Selling


@pytest.fixture
def selling(make_app: Any, frozen: Any) -> Any:
    """Give an owner with a thing for sale on a site that takes no payments."""
    app: Flask = make_app(payments=False)
    with app.app_context():
        yield Selling(app, Factories(), frozen)


def refused(act: Any) -> DomainError:
    """Give the refusal that an act meets."""
    with pytest.raises(DomainError) as found:
        act()
    db.session.rollback()
    return found.value


def test_a_thing_is_asked_for_agreed_picked_up_and_sold_without_payments(selling: Selling) -> None:
    item = selling.sold_item()
    agreement = selling.buy(item, note="For my cherries.")
    assert (agreement.state, agreement.amount_minor) == ("requested", 8000)
    assert selling.told(selling.lender, "buy_requested") == 1
    assert selling.kept(item) == [], "a request keeps nothing"
    agreement = selling.bought(item)
    assert (agreement.state, selling.side(agreement).place) == ("agreed", "Kerkstraat 3")
    assert [(row.kind, row.ends_at) for row in selling.kept(item)] == [("booking", FOREVER)]
    selling.later(days=1)
    assert selling.move(agreement, "hand_over").state == "handed_over"
    assert selling.told(selling.borrower, "buy_handed_over") == 1
    selling.later(hours=49)
    assert selling.state(agreement) == "completed"
    assert (selling.units(item), selling.listing(item).state) == ([False], "closed")
    assert (selling.told(selling.borrower, "buy_completed"), selling.told(selling.lender, "buy_completed_owner")) == (
        1,
        1,
    )
    assert selling.side(agreement).settled_at is not None
    unit = db.session.scalars(select(Unit).where(Unit.item_id == item)).one()
    assert [note.text for note in units.log_of(unit.id)] == ["Sold."]


def test_the_buyers_own_word_finishes_it_at_once(selling: Selling) -> None:
    item = selling.sold_item()
    agreement = selling.bought(item)
    assert selling.move(agreement, "have_it", selling.as_borrower(agreement)).state == "completed"
    assert selling.units(item) == [False]


def test_what_is_booked_at_once_is_bought_at_once(selling: Selling) -> None:
    item = selling.sold_item(instant=True)
    assert selling.buy(item).state == "agreed"


def test_one_who_has_something_overdue_has_to_ask(selling: Selling) -> None:
    item, other = selling.sold_item(instant=True), selling.item()
    loan = selling.out(other)
    selling.frozen.at(selling.loan(loan).ends_at + timedelta(hours=2))
    assert selling.buy(item).state == "requested"


def test_sent_twice_or_asked_again_while_it_waits_it_is_one_purchase(selling: Selling) -> None:
    item = selling.sold_item(2)
    first = selling.buy(item, nonce="n").id
    assert (selling.buy(item, nonce="n").id, selling.buy(item).id) == (first, first)
    agreed = selling.bought(item)
    assert agreed.id == first
    assert selling.buy(item, nonce="n").id == first
    assert selling.buy(item).id != first, "there are two of them"


def test_nobody_buys_what_is_their_own_or_what_is_not_for_sale(selling: Selling) -> None:
    item = selling.sold_item()
    assert refused(lambda: selling.buy(item, by=selling.lender)).code == "own_listing"
    assert refused(lambda: selling.buy(selling.item())).code == "not_for_sale"


def test_who_may_not_have_it_may_not_buy_it(selling: Selling) -> None:
    item = selling.sold_item(who="known")
    assert refused(lambda: selling.buy(item)).code == "not_known"


def test_what_somebody_else_has_booked_is_sold_after_that_and_the_refusal_says_when(selling: Selling) -> None:
    item = selling.sold_item()
    selling.agreed(item, by=selling.factories.user())
    why = refused(lambda: selling.buy(item))
    assert isinstance(why, NotToBeHad)
    assert (why.code, why.until) == ("booked", selling.window().ends_at)
    assert "it can be bought after that" in why.message
    selling.frozen.at(selling.window().ends_at)
    loan = db.session.scalars(select(Agreement).where(Agreement.kind == "loan")).one()
    assert selling.state(loan) == "agreed", "nobody fetched it"
    assert selling.buy(item).state == "requested"


def test_what_somebody_else_has_at_home_or_the_owner_keeps_is_not_sold(selling: Selling) -> None:
    item, kept = selling.sold_item(), selling.sold_item()
    loan = selling.out(item, by=selling.factories.user())
    assert refused(lambda: selling.buy(item)).code == "out"
    selling.frozen.at(selling.loan(loan).ends_at + timedelta(days=2))
    assert refused(lambda: selling.buy(item)).code == "out", "overdue is out too"
    unit = db.session.scalars(select(Unit.id).where(Unit.item_id == kept)).one()
    with transaction():
        occupancy.block(unit, selling.soon(), "repair")
    assert refused(lambda: selling.buy(kept)).code == "kept"


def test_of_several_units_the_first_that_can_be_had_is_taken(selling: Selling) -> None:
    item = selling.sold_item(3, instant=True)
    selling.agreed(item, by=selling.factories.user())
    taken = selling.side(selling.buy(item))
    ids = list(db.session.scalars(select(Unit.id).where(Unit.item_id == item).order_by(Unit.id)))
    assert taken.unit_id == ids[1]
    assert selling.side(selling.buy(item, by=selling.factories.user())).unit_id == ids[2]
    assert refused(lambda: selling.buy(item, by=selling.factories.user())).code == "booked"


def test_what_is_bought_can_not_be_booked_for_any_time_nor_bought_again(selling: Selling) -> None:
    item = selling.sold_item()
    asked, other = selling.ask(item, selling.window(20)), selling.factories.user()
    selling.bought(item, by=other)
    assert not answer(item, selling.window(300), other.id).free
    with pytest.raises(SlotTaken):
        selling.ask(item, selling.window(170))
    db.session.rollback()
    with pytest.raises(SlotTaken):
        loans.accept(asked.id, selling.as_lender(asked))
    db.session.rollback()
    assert refused(lambda: selling.buy(item)).code == "sold"


def test_of_two_who_asked_the_second_can_not_be_accepted_and_is_thanked_once_it_is_sold(selling: Selling) -> None:
    item = selling.sold_item()
    first, second = selling.buy(item), selling.buy(item, by=selling.factories.user())
    loan = selling.ask(item, selling.window(20), by=selling.factories.user())
    purchases.accept(first.id, selling.as_lender(first))
    assert refused(lambda: purchases.accept(second.id, selling.as_lender(second))).code == "sold"
    assert selling.state(second) == "requested", "the first may still not be picked up"
    selling.move(first, "have_it", selling.as_borrower(first))
    selling.later(minutes=6)
    assert (selling.state(second), selling.state(loan)) == ("released", "declined")
    assert selling.told(db.session.get_one(type(selling.lender), second.member_id), "buy_released") == 1


def test_what_is_asked_for_lapses_after_two_days_of_silence(selling: Selling) -> None:
    agreement = selling.buy(selling.sold_item())
    selling.later(hours=47)
    assert selling.state(agreement) == "requested"
    selling.later(hours=2)
    assert selling.state(agreement) == "lapsed"
    assert selling.told(selling.borrower, "buy_lapsed") == 1


def test_what_nobody_picks_up_is_called_off_after_two_weeks_with_a_reminder_before(selling: Selling) -> None:
    item = selling.sold_item()
    agreement = selling.bought(item)
    selling.later(days=11, hours=1)
    selling.later(minutes=6)
    assert selling.told(selling.borrower, "buy_soon") == 1
    selling.later(days=3)
    assert selling.state(agreement) == "not_fetched"
    assert (selling.kept(item), selling.units(item)) == ([], [True])
    assert answer(item, selling.soon(), selling.borrower.id).free


@pytest.mark.parametrize(("move", "side"), [("cancel", "member"), ("call_off", "owner")])
def test_before_the_hand_over_both_can_call_it_off_and_it_can_be_had_again(
    selling: Selling, move: str, side: str
) -> None:
    item = selling.sold_item()
    agreement = selling.bought(item)
    actor = selling.as_borrower(agreement) if side == "member" else selling.as_lender(agreement)
    assert selling.move(agreement, move, actor).state == "cancelled"
    assert selling.kept(item) == []
    assert selling.buy(item, by=selling.factories.user()).state == "requested"


def test_a_problem_that_the_owner_does_not_answer_undoes_the_sale(selling: Selling) -> None:
    item = selling.sold_item()
    agreement = selling.bought(item)
    selling.move(agreement, "hand_over")
    buyer = selling.as_borrower(agreement)
    with pytest.raises(Refused, match="Say what is wrong"):
        selling.move(agreement, "report", buyer)
    db.session.rollback()
    purchases.agreements.transition(agreement.id, "report", buyer, note="A rung is missing.")
    assert selling.told(selling.lender, "buy_problem") == 1
    selling.later(hours=71)
    assert selling.state(agreement) == "disputed"
    selling.later(hours=2)
    assert selling.state(agreement) == "undone"
    assert (selling.kept(item), selling.units(item), selling.listing(item).state) == ([], [True], "published")


@pytest.mark.parametrize(("move", "ends"), [("for_the_buyer", "undone"), ("for_the_seller", "completed")])
def test_where_the_two_do_not_agree_an_operator_decides(selling: Selling, move: str, ends: str) -> None:
    item = selling.sold_item()
    agreement = selling.bought(item)
    selling.move(agreement, "hand_over")
    go = purchases.agreements.transition
    go(agreement.id, "report", selling.as_borrower(agreement), note="A rung is missing.")
    go(agreement.id, "contest", selling.as_lender(agreement), note="It never had that rung.")
    operator = purchases.agreements.actor_for(selling.factories.operator(), selling.fresh(agreement))
    assert selling.move(agreement, move, operator).state == ends
    assert selling.units(item) == [ends == "undone"]


def test_without_a_decision_each_gets_back_what_was_theirs(selling: Selling) -> None:
    agreement = selling.bought(selling.sold_item())
    selling.move(agreement, "hand_over")
    go = purchases.agreements.transition
    go(agreement.id, "report", selling.as_borrower(agreement), note="A rung is missing.")
    go(agreement.id, "contest", selling.as_lender(agreement), note="It never had that rung.")
    selling.later(days=15)
    assert selling.state(agreement) == "undone"


def test_whoever_has_it_at_home_keeps_it_and_the_loan_ends_without_a_late_fee(selling: Selling) -> None:
    item = selling.sold_item(late_fee_minor_per_day=500)
    loan = selling.out(item)
    agreement = selling.buy(item)
    assert selling.state(agreement) == "requested"
    purchases.accept(agreement.id, selling.as_lender(agreement))
    assert (selling.state(agreement), selling.state(loan)) == ("completed", "returned")
    selling.later(days=3)
    assert selling.state(loan) == "closed"
    assert db.session.scalar(text("SELECT count(*) FROM sharing_claim")) == 0
    assert (selling.units(item), selling.listing(item).state) == ([False], "closed")


def test_of_several_units_the_one_at_home_is_kept_and_the_item_stays_on_offer(selling: Selling) -> None:
    item = selling.sold_item(2)
    other = selling.out(item, by=selling.factories.user())
    loan = selling.out(item)
    agreement = selling.buy(item)
    purchases.accept(agreement.id, selling.as_lender(agreement))
    assert (selling.state(agreement), selling.state(loan), selling.state(other)) == ("completed", "returned", "active")
    assert selling.side(agreement).unit_id == selling.things(loan)[0].unit_id
    assert (selling.units(item), selling.listing(item).state) == ([True, False], "published")


def test_a_loan_still_to_come_of_what_is_kept_is_called_off(selling: Selling) -> None:
    item = selling.sold_item()
    now, later = selling.out(item), selling.agreed(item, selling.window(30))
    agreement = selling.buy(item)
    purchases.accept(agreement.id, selling.as_lender(agreement))
    assert (selling.state(agreement), selling.state(now), selling.state(later)) == (
        "completed",
        "returned",
        "cancelled",
    )


def test_one_s_own_loan_to_come_is_no_obstacle_and_the_purchase_begins_at_its_end(selling: Selling) -> None:
    item = selling.sold_item(buffer_after_minutes=60)
    loan = selling.agreed(item)
    agreement = selling.bought(item)
    assert agreement.state == "agreed"
    begins = selling.loan(loan).ends_at + timedelta(hours=1)
    assert selling.side(agreement).begins_at == begins
    assert agreement.waits_until == begins + timedelta(days=14)
    with pytest.raises(SlotTaken):
        selling.move(agreement, "hand_over")
    db.session.rollback()
    selling.move(loan, "cancel", selling.as_borrower(loan))
    assert selling.move(agreement, "hand_over").state == "handed_over"
    assert selling.side(agreement).begins_at == clock.now()


def test_a_unit_that_was_sold_is_not_offered_again(selling: Selling) -> None:
    item = selling.sold_item(2)
    side = selling.side(selling.sold(item))
    facts = {"label": "Nr 1", "place": "", "replacement_minor": None, "active": True}
    why = refused(lambda: items.change_unit(item, selling.lender, side.unit_id or 0, **facts))
    assert why.code == "sold"
    items.change_unit(item, selling.lender, side.unit_id or 0, **{**facts, "active": False})
    assert selling.units(item) == [False, True]


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ({"arrangements": ["borrow", "buy"], "buy_minor": None}, "buy_minor"),
        ({"buy_rent_percent": 50, "buy_rent_days": 0}, "buy_rent_days"),
        ({"buy_rent_percent": 101, "buy_rent_days": 5}, "buy_rent_percent"),
    ],
)
def test_a_price_and_the_days_of_rent_that_count_are_asked_for(
    selling: Selling, rules: dict[str, Any], field: str
) -> None:
    item = selling.item()
    with pytest.raises(InvalidInput) as found:
        items.set_rules(item, selling.lender, rules)
    assert list(found.value.errors) == [field]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE sharing_item SET buy_minor = 0",
        "UPDATE sharing_item SET buy_minor = NULL",
        "UPDATE sharing_item SET buy_rent_percent = 101, buy_rent_days = 3",
        "UPDATE sharing_item SET buy_rent_percent = 10",
        "UPDATE sharing_purchase SET unit_id = NULL",
        "INSERT INTO sharing_purchase (agreement_id, item_id, member_id, nonce, currency, unit_id, begins_at, completed_at)"
        " SELECT (SELECT min(id) FROM agreement), item_id, member_id, 'x', 'EUR', unit_id, begins_at, completed_at"
        " FROM sharing_purchase WHERE completed_at IS NOT NULL",
    ],
)
def test_the_database_itself_refuses_what_can_not_be(selling: Selling, statement: str) -> None:
    selling.ask(selling.item())
    item = selling.sold_item()
    selling.sold(item)
    with pytest.raises(IntegrityError), transaction():
        db.session.execute(text(statement))


def test_an_item_that_is_only_sold_shows_its_price_in_lists(selling: Selling) -> None:
    facts = {"title": "A wardrobe", "category": "home", "body_md": "Two metres high, oak.", "place": "Utrecht"}
    listing = items.create(selling.lender, facts=facts, arrangement="buy", price_minor=4500, address="Kerkstraat 3")
    assert (listing.price_minor, listing.price_unit) == (4500, "once")
    items.set_rules(listing.id, selling.lender, {"buy_minor": 4000})
    assert selling.listing(listing.id).price_minor == 4000
    assert db.session.scalar(select(func.count()).select_from(Unit).where(Unit.item_id == listing.id)) == 1
    refresh()


def test_a_unit_that_was_sold_is_no_event_of_its_owners_calendar_any_more(selling: Selling) -> None:
    item = selling.sold_item(2)
    with transaction():
        token = feeds.token_of(item)
    agreement = selling.bought(item)
    assert b"VEVENT" in feeds.feed(token), "it waits for its buyer"
    selling.move(agreement, "have_it", selling.as_borrower(agreement))
    assert b"VEVENT" not in feeds.feed(token)
    occupancy.book(item, selling.soon(), selling.factories.user().id, None)
    assert feeds.feed(token).count(b"BEGIN:VEVENT") == 1, "the other one is lent as before"
