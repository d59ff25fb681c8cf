"""Asking first, without a bank: who hears of it, answers, the choice, thanks, rounds that reach farther, and the end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.errors import InvalidInput, NotFound, Refused
from marketplace.listings import service as listings
from marketplace.notifications.models import Notification
from marketplace.settings import service as settings
from marketplace.testing.factories import PASSWORD, Factories
from marketplace.users import closing
from plugins.sharing.item.item_models import Item, Unit
from plugins.sharing.loan import loans
from plugins.sharing.request import request_answers, request_members, request_rounds, requests
from plugins.sharing.slot.refusals import SlotTaken
from plugins.sharing.slot.windows import Window
from tests.plugins.sharing.request_world import Asking


@pytest.fixture
def asking(app: Flask, factories: Factories, frozen: Any) -> Asking:
    """Give an asker and neighbours, and no bank."""
    return Asking(app, factories, frozen)


def test_members_within_the_radius_are_told_and_nobody_else(asking: Asking) -> None:
    near, far = asking.neighbour(1), asking.neighbour(6)
    blocked = asking.neighbour(1, state="blocked")
    nowhere = asking.factories.user(place="")
    by_name = asking.factories.user(place="Utrecht")
    asking.request(km=3)
    asking.work()
    told = [asking.told(one, "request_near") for one in (near, far, blocked, nowhere, by_name, asking.asker)]
    assert told == [1, 0, 0, 0, 1, 0]


def test_what_members_are_told_says_nothing_of_where_anybody_is(asking: Asking) -> None:
    near = asking.neighbour(1)
    asking.request(address="Domplein 1")
    asking.work()
    row = db.session.scalars(select(Notification).where(Notification.user_id == near.id)).one()
    assert set(row.params) == {"title", "start"}
    assert "Domplein" not in str(row.params)


def test_who_hears_of_it_depends_on_public_points_alone(asking: Asking) -> None:
    cell = asking.neighbour(1)
    seen = request_rounds.public_place(cell)
    assert seen is not None
    assert seen != (cell.lat, cell.lon)
    listing = asking.request()
    row = asking.row(listing)
    with transaction():
        listing = db.session.get_one(type(listing), listing.id)
        before = request_rounds._hears(cell, listing, row)
        listing.lat, listing.lon = 48.0, 2.0
        assert request_rounds._hears(cell, listing, row) == before


def test_the_walk_goes_over_all_members_in_batches_and_tells_each_once(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_rounds, "MEMBERS", 3)
    members = [asking.neighbour(1) for _number in range(8)]
    listing = asking.request()
    asking.work()
    request_rounds.ask_around({"request": listing.id})
    assert [asking.told(one, "request_near") for one in members] == [1] * 8
    assert asking.row(listing).told_after is None


def test_an_answer_in_words_becomes_a_loan_and_the_others_are_thanked(asking: Asking) -> None:
    one, two = asking.neighbour(1), asking.neighbour(1.5)
    listing = asking.request(address="Domplein 1")
    chosen, other = asking.answer(listing, one, address="Oudegracht 7"), asking.answer(listing, two)
    assert asking.told(asking.asker, "request_answered") == 2
    agreement = asking.choose(chosen)
    assert (agreement.kind, agreement.state, agreement.amount) == ("loan", "agreed", None)
    assert (agreement.owner_id, agreement.member_id) == (one.id, asking.asker.id)
    assert (asking.answer_state(chosen), asking.answer_state(other)) == ("chosen", "released")
    assert asking.row(listing).state == "settled"
    assert asking.listing_state(listing) == "closed"
    assert [asking.told(each, "answer_chosen") for each in (one, two)] == [1, 0]
    assert [asking.told(each, "answer_released") for each in (one, two)] == [0, 1]
    unit = db.session.scalars(select(Unit).where(Unit.item_id == agreement.listing_id)).one()
    assert unit.place == "Oudegracht 7"
    assert tuple(request_answers.of_loan(agreement.id)) == (listing.id, "A hedge trimmer", "Domplein 1", "Oudegracht 7")
    assert request_answers.choose(chosen.id, asking.asker).id == agreement.id


def test_the_item_made_of_words_is_found_by_nobody(asking: Asking) -> None:
    listing = asking.request()
    agreement = asking.choose(asking.answer(listing, asking.neighbour(1)))
    item = db.session.get_one(Item, agreement.listing_id)
    with pytest.raises(Refused):
        loans.open_item(item.listing_id)


def test_an_answer_with_an_item_books_that_item(asking: Asking) -> None:
    item = asking.item()
    listing = asking.request()
    agreement = asking.choose(asking.answer(listing, asking.lender, item_id=item))
    row = asking.row(listing)
    assert agreement.listing_id == item
    with pytest.raises(SlotTaken):
        asking.ask(item, Window(row.starts_at, row.ends_at))


def test_an_item_that_is_not_free_then_cannot_be_offered_or_chosen(asking: Asking) -> None:
    item, listing = asking.item(), asking.request()
    row = asking.row(listing)
    answer = asking.answer(listing, asking.lender, item_id=item)
    asking.agreed(item, Window(row.starts_at, row.ends_at))
    with pytest.raises(SlotTaken):
        asking.choose(answer)
    assert asking.row(listing).state == "open"
    assert asking.answer_state(answer) == "offered"
    with pytest.raises(SlotTaken):
        asking.answer(listing, asking.lender, item_id=item)
    with pytest.raises(NotFound):
        asking.answer(listing, asking.neighbour(1), item_id=item)


def test_a_second_answer_of_a_member_replaces_the_first(asking: Asking) -> None:
    one, listing = asking.neighbour(1), asking.request()
    first = asking.answer(listing, one)
    second = asking.answer(listing, one, words="I have a better one.")
    assert first.id == second.id
    assert asking.told(asking.asker, "request_answered") == 1
    request_answers.withdraw(second.id, one)
    with pytest.raises(Refused):
        request_answers.withdraw(second.id, one)
    with pytest.raises(Refused):
        asking.choose(second)
    assert asking.answer(listing, one).id != first.id


def test_only_its_owner_chooses_and_nobody_answers_oneself(asking: Asking) -> None:
    one, listing = asking.neighbour(1), asking.request()
    answer = asking.answer(listing, one)
    for stranger in (one, asking.lender):
        with pytest.raises(NotFound):
            request_answers.choose(answer.id, stranger)
    with pytest.raises(NotFound):
        request_answers.withdraw(answer.id, asking.asker)
    with pytest.raises(Refused):
        asking.answer(listing, asking.asker)
    with pytest.raises(InvalidInput):
        asking.answer(listing, one, words="  ")
    with pytest.raises(InvalidInput):
        asking.answer(listing, one, fee_minor=-1)


def test_an_unanswered_request_widens_twice_and_then_offers_to_buy_together(asking: Asking) -> None:
    far, farther = asking.neighbour(3), asking.neighbour(7)
    listing = asking.request(km=2, days=4)
    asking.work()
    assert (asking.told(far, "request_near"), asking.told(farther, "request_near")) == (0, 0)
    asking.later(days=1, minutes=6)
    assert (asking.told(far, "request_near"), asking.told(farther, "request_near")) == (1, 0)
    assert asking.row(listing).radius_m == 4000
    asking.later(days=1)
    assert (asking.told(far, "request_near"), asking.told(farther, "request_near")) == (1, 1)
    assert asking.told(asking.asker, "request_wider") == 2
    asking.later(days=1)
    assert asking.told(asking.asker, "request_unanswered") == 1
    assert asking.row(listing).radius_m == 8000
    asking.later(days=1)
    assert asking.row(listing).state == "ended"
    assert asking.told(asking.asker, "request_over") == 1
    assert asking.listing_state(listing) == "closed"
    assert asking.row(listing).next_at is None


def test_answers_that_wait_are_remembered_and_released_at_the_end(asking: Asking) -> None:
    one, listing = asking.neighbour(1), asking.request(days=4)
    answer = asking.answer(listing, one)
    asking.later(days=1, minutes=6)
    assert asking.told(asking.asker, "request_choose") == 1
    assert asking.row(listing).radius_m == 2000
    asking.later(days=4)
    assert asking.answer_state(answer) == "released"
    assert asking.told(one, "answer_released") == 1
    with pytest.raises(Refused):
        asking.choose(answer)


def test_a_request_for_soon_takes_its_steps_in_hours(asking: Asking) -> None:
    listing = asking.request(days=4 / 24)
    asking.later(hours=1, minutes=6)
    assert asking.row(listing).step == 1
    asking.later(hours=3)
    assert asking.row(listing).state == "ended"


def test_a_loan_that_is_called_off_opens_the_request_again(asking: Asking) -> None:
    one, two, listing = asking.neighbour(1), asking.neighbour(1), asking.request()
    answer = asking.answer(listing, one)
    agreement = asking.choose(answer)
    asking.move(agreement, "call_off")
    assert asking.answer_state(answer) == "failed"
    assert asking.row(listing).state == "open"
    assert asking.listing_state(listing) == "published"
    assert asking.told(asking.asker, "request_again") == 1
    assert asking.choose(asking.answer(listing, two)).state == "agreed"


def test_a_loan_called_off_at_the_last_moment_ends_the_request(asking: Asking) -> None:
    listing = asking.request()
    agreement = asking.choose(asking.answer(listing, asking.neighbour(1)))
    asking.to(asking.row(listing).starts_at - timedelta(minutes=5))
    asking.move(agreement, "call_off")
    assert asking.row(listing).state == "ended"
    assert asking.listing_state(listing) == "closed"


def test_taken_back_everybody_is_thanked_and_it_can_be_opened_again(asking: Asking) -> None:
    one, listing = asking.neighbour(1), asking.request()
    asking.answer(listing, one)
    listings.close(listing.id, actor=asking.asker)
    assert (asking.row(listing).state, asking.told(one, "answer_released")) == ("ended", 1)
    with pytest.raises(Refused):
        asking.answer(listing, one)
    listings.reopen(listing.id, actor=asking.asker)
    assert (asking.row(listing).state, asking.row(listing).step) == ("open", 0)
    asking.choose(asking.answer(listing, one))
    with pytest.raises(Refused):
        listings.reopen(listing.id, actor=asking.asker)


def test_removed_by_an_operator_it_ends(asking: Asking) -> None:
    one, listing = asking.neighbour(1), asking.request()
    answer = asking.answer(listing, one)
    listings.remove(listing.id, actor=asking.factories.operator(), reason="Spam")
    assert (asking.row(listing).state, asking.answer_state(answer)) == ("ended", "released")


def test_a_request_needs_a_time_that_can_still_be_met(asking: Asking) -> None:
    now = clock.now()
    for start, end, km in ((0.1, 3, 2), (24, 24 + 91 * 24, 2), (24 * 400, 24 * 401, 2), (24, 48, 0), (24, 48, 51)):
        with pytest.raises(InvalidInput):
            requests.ask(
                asking.asker, facts={"title": "A tent"}, radius_m=km * 1000,
                window=Window(now + timedelta(hours=start), now + timedelta(hours=end)),
            )  # fmt: skip
    listing = asking.request()
    asking.later(days=3, hours=23, minutes=45)
    listings.close(listing.id, actor=asking.asker)
    with pytest.raises(Refused):
        listings.reopen(listing.id, actor=asking.asker)


def test_with_the_account_requests_end_and_addresses_are_forgotten(asking: Asking) -> None:
    one, listing = asking.neighbour(1), asking.request(address="Domplein 1")
    answer = asking.answer(listing, one, address="Oudegracht 7")
    assert request_members.export(one)["answers"][0]["address"] == "Oudegracht 7"
    closing.close(one, PASSWORD, address=None)
    assert asking.answer_state(answer) == "withdrawn"
    assert request_members.export(one)["answers"][0]["address"] == ""
    other = asking.answer(listing, asking.neighbour(1))
    closing.close(asking.asker, PASSWORD, address=None)
    assert (asking.row(listing).state, asking.row(listing).address) == ("ended", "")
    assert asking.answer_state(other) == "released"


def test_the_database_refuses_two_chosen_answers_and_two_standing_ones(asking: Asking) -> None:
    one, two, listing = asking.neighbour(1), asking.neighbour(1), asking.request()
    first, second = asking.answer(listing, one), asking.answer(listing, two)
    agreement = asking.choose(first)
    for statement, values in (
        ("UPDATE sharing_answer SET state = 'chosen', agreement_id = :a WHERE id = :n", {"a": None, "n": second.id}),
        ("UPDATE sharing_answer SET state = 'offered', member_id = :m WHERE id = :n", {"m": one.id, "n": second.id}),
        ("UPDATE sharing_answer SET agreement_id = :a WHERE id = :n", {"a": agreement.id, "n": second.id}),
        ("UPDATE sharing_request SET next_at = opened_at WHERE listing_id = :n", {"n": listing.id}),
    ):
        with pytest.raises(IntegrityError), transaction():
            db.session.execute(text(statement), values)


def test_operators_may_have_everything_lent_free(asking: Asking) -> None:
    listing, one = asking.request(), asking.neighbour(1)
    settings.set_value("sharing.requests_free", True, asking.factories.operator().id, "neighbours")
    with pytest.raises(InvalidInput) as refused:
        asking.answer(listing, one, fee_minor=500)
    assert "lent free" in refused.value.errors["fee"]
    assert asking.choose(asking.answer(listing, one)).state == "agreed"
