"""Help between neighbours: places are never given twice, both say that it is done, and nothing costs anything."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.errors import DomainError, InvalidInput, NotFound, Refused
from marketplace.lifecycle import InvalidTransition
from marketplace.listings import service as listings
from marketplace.listings.models import Listing
from marketplace.money import Money
from marketplace.payments import service as payments
from marketplace.settings import service as settings
from marketplace.testing.factories import PASSWORD, Factories
from marketplace.users import closing
from plugins.sharing.help import help_answers, help_listings, help_members, help_sweep, thanks
from plugins.sharing.help.help_hooks import OFFERED
from plugins.sharing.slot.windows import Window
from tests.plugins.sharing.help_world import Helping


@pytest.fixture
def helping(app: Flask, factories: Factories, frozen: Any) -> Helping:
    """Give somebody who asks and somebody who helps, and no bank."""
    return Helping(app, factories, frozen)


def test_help_goes_its_whole_way_on_thanks_alone(helping: Helping) -> None:
    asker, helper = helping.lender, helping.borrower
    agreement = helping.answer(helping.help())
    assert (agreement.state, agreement.amount, helping.told(asker, "help_answered")) == ("answered", None, 1)
    helping.move(agreement, "choose")
    assert helping.told(helper, "help_chosen") == 1
    helping.later(hours=25)
    assert (helping.told(helper, "help_soon"), helping.told(asker, "help_soon")) == (1, 1)
    helping.later(hours=24)
    helping.move(agreement, "member_done", helping.as_borrower(agreement))
    assert helping.told(asker, "help_said_done") == 1
    assert helping.move(agreement, "owner_agrees").state == "completed"
    assert helping.told(asker, "help_done") == 1
    thanks.give(agreement.id, asker, "The dog sleeps like a log.")
    assert thanks.give(agreement.id, asker, "Sent twice").words == "The dog sleeps like a log."
    assert (thanks.count_for(helper.id), helping.told(helper, "help_thanked")) == (1, 1)
    assert payments.payments_of(agreement) == []


def test_for_an_offer_it_is_the_other_side_that_is_helped(helping: Helping) -> None:
    agreement = helping.chosen(helping.help(kind=OFFERED))
    helping.frozen.forward(hours=49)
    helping.move(agreement, "owner_done")
    helping.move(agreement, "member_agrees", helping.as_borrower(agreement))
    with pytest.raises(NotFound):
        thanks.give(agreement.id, helping.lender, "Thanks to myself")
    thanks.give(agreement.id, helping.borrower, "Thank you!")
    assert (thanks.count_for(helping.lender.id), thanks.count_for(helping.borrower.id)) == (1, 0)


def test_who_answers_first_has_the_place_where_that_was_said(helping: Helping) -> None:
    listing = helping.help(first_come=True)
    assert helping.answer(listing).state == "agreed"
    with pytest.raises(Refused, match="enough people"):
        helping.answer(listing, helping.other)


def test_the_others_are_thanked_once_there_are_enough(helping: Helping) -> None:
    listing = helping.help(2)
    first, second, third = (helping.answer(listing, helping.factories.user()) for _each in range(3))
    helping.move(first, "choose")
    helping.work()
    assert [helping.state(each) for each in (second, third)] == ["answered", "answered"]
    helping.move(second, "choose")
    helping.work()
    assert helping.state(third) == "released"
    assert helping.holders(listing) == [first.id, second.id]


def test_what_is_called_off_frees_the_place(helping: Helping) -> None:
    listing = helping.help()
    agreement = helping.chosen(listing)
    helping.move(agreement, "call_off", helping.as_borrower(agreement))
    assert (helping.holders(listing), helping.told(helping.lender, "help_called_off")) == ([None], 1)
    again = helping.chosen(listing, helping.borrower)
    assert (again.id != agreement.id, helping.holders(listing)) == (True, [again.id])


def test_silence_ends_every_wait(helping: Helping) -> None:
    unanswered, silent = helping.answer(helping.help()), helping.chosen(helping.help())
    said, disputed = helping.chosen(helping.help()), helping.chosen(helping.help())
    helping.later(hours=49)
    helping.move(said, "owner_done")
    helping.move(disputed, "owner_done")
    assert helping.move(disputed, "not_done", helping.as_borrower(disputed)).state == "not_done"
    assert helping.state(unanswered) == "lapsed"
    helping.later(days=3, hours=1)
    assert (helping.state(said), helping.state(silent)) == ("completed", "agreed")
    helping.later(days=5)
    assert helping.state(silent) == "faded"
    with pytest.raises(Refused):
        thanks.give(silent.id, helping.lender, "For nothing")


def test_nobody_can_say_that_it_is_done_alone_or_too_early(helping: Helping) -> None:
    agreement = helping.chosen(helping.help())
    with pytest.raises(Refused, match="not begun"):
        helping.move(agreement, "owner_done")
    db.session.rollback()
    helping.frozen.forward(hours=49)
    helping.move(agreement, "owner_done")
    with pytest.raises(InvalidTransition):
        helping.move(agreement, "owner_agrees")


def test_answered_twice_is_one_answer_and_a_stranger_can_not_choose(helping: Helping) -> None:
    listing = helping.help()
    first = helping.answer(listing)
    assert helping.answer(listing).id == first.id
    with pytest.raises(NotFound):
        helping.move(first, "choose", helping.actor(first, helping.other))
    with pytest.raises(Refused):
        helping.answer(listing, helping.lender)


def test_of_many_at_once_exactly_as_many_get_a_place_as_there_are(helping: Helping) -> None:
    number, people = helping.help(3, first_come=True).id, [helping.factories.user() for _each in range(10)]
    db.session.expunge_all()
    db.session.remove()
    got: list[bool] = []

    def willing(user: Any) -> None:
        with helping.app.app_context():
            try:
                got.append(help_answers.answer(number, user, "Me!").state == "agreed")
            except DomainError:
                got.append(False)

    threads = [threading.Thread(target=willing, args=(user,)) for user in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    held = helping.holders(db.session.get_one(Listing, number))
    assert (sum(got), len(got), len(set(held) - {None})) == (3, 10, 3)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE sharing_help_place SET agreement_id = (SELECT min(id) FROM agreement)",
        "UPDATE sharing_help_place SET number = 1",
        "UPDATE sharing_help_place SET number = 21 WHERE number = 2",
        "UPDATE sharing_help SET ends_at = starts_at",
        "UPDATE sharing_help_answer SET member_id = (SELECT min(member_id) FROM sharing_help_answer)",
        "UPDATE sharing_help_thanks SET from_id = to_id",
    ],
)
def test_the_database_itself_refuses_what_can_not_be(helping: Helping, statement: str) -> None:
    listing = helping.help(2)
    agreement = helping.chosen(listing)
    helping.answer(listing, helping.other)
    done = helping.chosen(helping.help())
    helping.frozen.forward(hours=49)
    helping.move(done, "owner_done")
    helping.move(done, "member_agrees", helping.as_borrower(agreement))
    thanks.give(done.id, helping.lender, "Thanks")
    with pytest.raises(IntegrityError), transaction():
        db.session.execute(text(statement))


def test_a_weekly_moment_keeps_its_hour_when_the_clocks_change(helping: Helping) -> None:
    first = Window(datetime(2027, 3, 23, 11, 30, tzinfo=UTC), datetime(2027, 3, 23, 12, 30, tzinfo=UTC))
    said = {"title": "A walk", "body_md": "Every Tuesday around the pond.", "category": "help", "place": "Utrecht"}
    when = help_listings.When(first, date(2027, 4, 8))
    listing = help_listings.publish(OFFERED, helping.lender, facts=said, when=when)
    row = helping.row(listing)
    local = [clock.local(moment.starts_at, row.zone) for moment in help_listings.moments(row)]
    assert [f"{each:%d.%m. %H:%M}" for each in local] == ["23.03. 12:30", "30.03. 12:30", "06.04. 12:30"]
    assert row.last_at == datetime(2027, 4, 6, 11, 30, tzinfo=UTC)


def test_help_is_refused_with_a_word_at_each_field(helping: Helping) -> None:
    for facts, field in (
        ({"hours": 0}, "day"), ({"hours": 24 * 400}, "day"), ({"people": 0}, "people"), ({"people": 21}, "people"),
        ({"weeks": 40}, "until_day"),
    ):  # fmt: skip
        with pytest.raises(InvalidInput) as refused:
            helping.help(**facts)
        assert field in refused.value.errors
    settings.set_value("sharing.help_weeks", 52, helping.factories.operator().id, "whole years")
    assert helping.row(helping.help(weeks=40)).weekly
    listing = helping.help()
    with pytest.raises(InvalidInput):
        helping.answer(listing, words=" ")


def test_nobody_can_put_a_price_on_help(helping: Helping) -> None:
    listing = helping.help()
    with pytest.raises(Refused, match="costs nothing"):
        listings.update(listing.id, actor=helping.lender, price=Money(500, "EUR"))
    assert db.session.get_one(Listing, listing.id, populate_existing=True).price_minor is None
    with transaction(), pytest.raises(Refused):
        listings.create_draft(OFFERED, owner=helping.lender, title="A walk", price=Money(500, "EUR"))


def test_help_works_where_no_money_moves(make_app: Any, frozen: Any) -> None:
    app = make_app(payments=False)
    with app.app_context():
        helping = Helping(app, Factories(), frozen)
        assert not payments.payments_enabled()
        assert helping.chosen(helping.help()).state == "agreed"


def test_how_many_it_is_for_may_grow_and_shrink_to_those_who_are_there(helping: Helping) -> None:
    listing = helping.help(2)
    agreement = helping.chosen(listing)
    facts = {"title": listing.title, "body_md": listing.body_md, "category": "help", "place": "Utrecht"}

    def change(people: int) -> None:
        help_listings.change(
            listing.id, helping.lender, version=None, facts=facts, people=people, address="Elsewhere 2"
        )

    change(4)
    assert helping.holders(listing) == [agreement.id, None, None, None]
    change(1)
    assert helping.holders(listing) == [agreement.id]
    with pytest.raises(InvalidInput):
        change(0)
    assert helping.row(listing).address == "Elsewhere 2"


def test_taken_off_the_site_everything_is_called_off_and_closed_by_itself_what_is_agreed_stands(
    helping: Helping,
) -> None:
    listing, kept = helping.help(2), helping.help()
    agreed, waiting, standing = helping.chosen(listing), helping.answer(listing, helping.other), helping.chosen(kept)
    listings.remove(listing.id, actor=helping.factories.operator(), reason="Unsafe")
    listings.close(kept.id, actor=helping.lender)
    helping.work()
    assert [helping.state(each) for each in (agreed, waiting, standing)] == ["called_off", "released", "agreed"]
    assert helping.told(helping.borrower, "help_called_off") == 1


def test_what_is_over_is_closed_by_itself(helping: Helping) -> None:
    once, weekly = helping.help(), helping.help(weeks=2)
    helping.later(hours=51)
    states = [db.session.get_one(Listing, each.id, populate_existing=True).state for each in (once, weekly)]
    assert states == ["closed", "published"]
    with pytest.raises(Refused):
        helping.answer(once)
    assert helping.answer(weekly).state == "answered"
    help_sweep.release({"listing": 404})


def test_what_members_gave_is_exported_and_forgotten_with_the_account(helping: Helping) -> None:
    agreement = helping.chosen(helping.help())
    helping.frozen.forward(hours=49)
    helping.move(agreement, "owner_done")
    helping.move(agreement, "member_agrees", helping.as_borrower(agreement))
    thanks.give(agreement.id, helping.lender, "Wonderful")
    assert help_members.export(helping.borrower)["help_answers"][0]["words"] == "I like dogs."
    assert help_members.export(helping.lender)["help"][0]["address"] == "Domplein 1"
    assert help_members.export(helping.borrower)["thanks"][0]["to_me"] in (True, 1)
    closing.close(helping.lender, PASSWORD, address=None)
    said = thanks.of(agreement.id)
    assert (said is not None and said.words, thanks.count_for(helping.borrower.id)) == ("", 1)
    assert helping.row(db.session.get_one(Listing, agreement.listing_id)).address == ""


def test_neighbours_are_told_once_of_help_that_is_asked_near_them(helping: Helping) -> None:
    near, far = helping.factories.user(place="Utrecht"), helping.factories.user(place="Groningen")
    helping.help()
    helping.help(kind=OFFERED)
    for _time in range(2):
        helping.work()
    assert [helping.told(each, "help_near") for each in (near, far, helping.lender)] == [1, 0, 0]
    settings.set_value("sharing.help_near_km", 0, helping.factories.operator().id, "quiet")
    helping.help()
    helping.work()
    assert helping.told(near, "help_near") == 1


def test_a_moment_that_nobody_can_keep_is_reminded_once(helping: Helping) -> None:
    agreement = helping.chosen(helping.help(hours=30))
    for _hours in range(3):
        helping.later(hours=7)
    assert helping.told(helping.borrower, "help_soon") == 1
    assert agreement.waits_until is not None
    assert agreement.waits_until > clock.now() + timedelta(days=7)
