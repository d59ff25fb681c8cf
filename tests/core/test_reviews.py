"""Reviews: only of what was finished, by both sides, unseen until both wrote or the time is over, and never afterwards."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from marketplace import clock
from marketplace.agreements import service as agreements
from marketplace.agreements.models import Agreement
from marketplace.agreements.service import Actor
from marketplace.database import db, transaction
from marketplace.errors import Forbidden, InvalidInput, NotFound, Refused
from marketplace.jobs.worker import drain
from marketplace.lifecycle import Role
from marketplace.notifications.models import Notification
from marketplace.reviews import ratings, reads, service
from marketplace.reviews.models import Review
from marketplace.reviews.service import Words
from marketplace.settings import service as settings
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from marketplace.testing.people import Auth
from marketplace.users.models import User
from tests.core.account_loans import Lend, loan, offer_loans
from tests.core.api_caller import Caller, assert_problem

__all__ = ["loan"]


@pytest.fixture(autouse=True)
def reviewed_loans(app: Flask, loan: Lend) -> None:
    """Let loans be reviewed, persons and things."""
    offer_loans(app, reviewed=frozenset({"person", "item"}))


@pytest.fixture
def done(loan: Lend) -> Agreement:
    """Give a loan that was asked, lent and given back."""
    return finish(loan())


def finish(agreement: Agreement) -> Agreement:
    agreements.transition(agreement.id, "lend", Actor(agreement.owner_id, Role.OWNER))
    agreements.transition(agreement.id, "give_back", Actor(agreement.member_id, Role.MEMBER))
    refresh()
    return db.session.get_one(Agreement, agreement.id)


def seen_by(user_id: int, agreement: Agreement) -> list[tuple[str, int, str]]:
    refresh()
    viewer = db.session.get_one(User, user_id)
    panel = reads.panel(db.session.get_one(Agreement, agreement.id), viewer)
    assert panel is not None
    return sorted((row.about, row.stars, row.body) for row in panel.shown)


def told(user_id: int) -> list[str]:
    wanted = select(Notification.kind).where(Notification.user_id == user_id, Notification.kind.like("reviews.%"))
    return list(db.session.scalars(wanted.order_by(Notification.id)))


def test_a_review_stays_hidden_until_the_other_side_has_written_then_both_appear(done: Agreement) -> None:
    owner, member = done.owner_id, done.member_id
    service.write(done.id, member, Words(5, "So kind"), Words(4, "A little rusty"))
    assert seen_by(owner, done) == []
    assert seen_by(member, done) == [("item", 4, "A little rusty"), ("person", 5, "So kind")]
    assert reads.about_member(owner, db.session.get_one(User, owner))[0] == []
    service.write(done.id, owner, Words(3, "Came late"))
    both = [("item", 4, "A little rusty"), ("person", 3, "Came late"), ("person", 5, "So kind")]
    assert seen_by(owner, done) == seen_by(member, done) == both
    assert told(owner) == ["reviews.asked", "reviews.written", "reviews.shown"]
    assert told(member) == ["reviews.asked", "reviews.shown"]


def test_after_the_window_what_was_written_appears_and_nothing_more_is_accepted(
    app: Flask, done: Agreement, frozen: FrozenClock
) -> None:
    service.write(done.id, done.member_id, Words(2, "Not there"), Words(5))
    frozen.at(clock.now() + timedelta(days=14))
    with pytest.raises(Refused):
        service.write(done.id, done.owner_id, Words(1, "Revenge"))
    drain(app)
    assert ("person", 2, "Not there") in seen_by(done.owner_id, done)
    drain(app)
    service.reveal_due()
    with pytest.raises(Refused):
        service.write(done.id, done.owner_id, Words(1, "Revenge"))
    assert told(done.member_id).count("reviews.shown") == 1
    assert ratings.drift() == []


def test_the_database_itself_refuses_late_changed_and_removed_reviews(done: Agreement) -> None:
    service.write(done.id, done.member_id, Words(5, "Fine"), Words(5))
    service.write(done.id, done.owner_id, Words(5, "Fine, too"))
    late = (
        "INSERT INTO review (agreement_id, author_id, about, user_id, stars, body, written_at)"
        " SELECT agreement_id, user_id, about, author_id, 1, 'late', written_at FROM review"
    )
    for statement in (late, "UPDATE review SET stars = 1", "UPDATE review SET body = ''", "DELETE FROM review",
                      "UPDATE review_window SET revealed_at = NULL"):  # fmt: skip
        with pytest.raises(DBAPIError), transaction():
            db.session.execute(text(statement))


def test_nobody_writes_before_the_end_twice_or_about_others(loan: Lend, factories: Factories) -> None:
    running = loan()
    with pytest.raises(NotFound):
        service.write(running.id, running.member_id, Words(5))
    done = finish(running)
    with pytest.raises(NotFound):
        service.write(done.id, factories.user().id, Words(5))
    with pytest.raises(InvalidInput):
        service.write(done.id, done.member_id, Words(6))
    service.write(done.id, done.member_id, Words(5), Words(5))
    with pytest.raises(Refused):
        service.write(done.id, done.member_id, Words(1))
    refused = loan()
    agreements.transition(refused.id, "refuse", Actor(refused.owner_id, Role.OWNER))
    with pytest.raises(NotFound):
        service.write(refused.id, refused.member_id, Words(1))


def test_the_owner_judges_no_thing_of_their_own(done: Agreement) -> None:
    service.write(done.id, done.owner_id, Words(5), Words(5, "My bike is great"))
    service.write(done.id, done.member_id, Words(4), Words(3))
    assert reads.stars_of_listing(done.listing_id).number == 1


def test_an_average_is_shown_only_from_the_least_number_and_equals_the_reviews(
    loan: Lend, factories: Factories, done: Agreement
) -> None:
    owner = db.session.get_one(User, done.owner_id)
    assert settings.get("reviews.least") == 3
    for number, stars in enumerate((5, 4, 4), start=1):
        agreement = done if number == 1 else finish(loan(owner=owner))
        service.write(agreement.id, agreement.member_id, Words(stars), Words(stars))
        service.write(agreement.id, owner.id, Words(5))
        found = reads.stars_of_member(owner.id)
        assert found.number == number
        assert found.average == (None if number < 3 else pytest.approx(13 / 3))
    assert ratings.drift() == []


def test_who_was_reviewed_answers_once(done: Agreement, factories: Factories) -> None:
    service.write(done.id, done.member_id, Words(2, "Rusty"), Words(2))
    about_owner = db.session.scalars(select(Review.id).where(Review.about == "person")).one()
    with pytest.raises(NotFound):
        service.reply(about_owner, done.owner_id, "It was new")
    service.write(done.id, done.owner_id, Words(5))
    with pytest.raises(NotFound):
        service.reply(about_owner, done.member_id, "Me again")
    service.reply(about_owner, done.owner_id, "It is oiled now")
    with pytest.raises(Refused):
        service.reply(about_owner, done.owner_id, "And another thing")
    assert told(done.member_id)[-1] == "reviews.replied"


def test_an_operator_hides_a_review_with_a_reason_and_the_average_follows(
    done: Agreement, factories: Factories
) -> None:
    service.write(done.id, done.member_id, Words(1, "Rude words"), Words(5))
    service.write(done.id, done.owner_id, Words(5))
    bad = db.session.scalars(select(Review.id).where(Review.stars == 1)).one()
    boss = factories.operator()
    with pytest.raises(Forbidden):
        service.hide(bad, db.session.get_one(User, done.owner_id), "I dislike it")
    with pytest.raises(InvalidInput):
        service.hide(bad, boss, " ")
    for _twice in range(2):
        service.hide(bad, boss, "Insults")
        assert reads.stars_of_member(done.owner_id).number == 0
    assert ("person", 1, "Rude words") not in seen_by(done.owner_id, done)
    service.hide(bad, boss, "A mistake", hidden=False)
    assert reads.stars_of_member(done.owner_id).number == 1
    assert ratings.drift() == []


def test_a_review_is_written_answered_and_read_through_pages(done: Agreement, client: FlaskClient, auth: Auth) -> None:
    member = db.session.get_one(User, done.member_id)
    address = f"/agreements/{done.id}/review"
    auth.login(member)
    bad = client.post(address, data={"body": "Words without stars"})
    assert bad.status_code == 422
    assert "Words without stars" in bad.text
    assert client.post(address, data={"stars": "5", "body": "So kind", "item_stars": "4"}).status_code == 302
    assert "So kind" in client.get(f"/agreements/{done.id}").text
    auth.login(db.session.get_one(User, done.owner_id))
    assert "So kind" not in client.get(f"/agreements/{done.id}").text
    assert client.post(address, data={"stars": "4", "body": "On time"}).status_code == 302
    both = client.get(f"/agreements/{done.id}").text
    assert "So kind" in both
    assert "both reviews are shown now" in both
    review = db.session.scalars(select(Review.id).where(Review.body == "So kind")).one()
    assert client.post(f"/reviews/{review}/reply", data={"reply": "With pleasure"}).status_code == 302
    profile = client.get(f"/members/{done.owner_id}").text
    assert "So kind" in profile
    assert "With pleasure" in profile
    assert client.get(f"/operator/reviews/{review}/hide").status_code == 404


def test_a_program_writes_reads_and_answers_reviews(app: Flask, done: Agreement) -> None:
    owner, member = (Caller(app, db.session.get_one(User, one)) for one in (done.owner_id, done.member_id))
    address = f"/agreements/{done.id}/reviews"
    assert_problem(member.post(address, {"stars": 0}), 422, "invalid_input")
    written = member.post(address, {"stars": 5, "body": "So kind", "item_stars": 4}, key="once")
    assert written.status_code == 201
    assert member.post(address, {"stars": 5, "body": "So kind", "item_stars": 4}, key="once").json == written.json
    assert_problem(member.post(address, {"stars": 1}), 409, "review_written")
    assert owner.get(address).json["data"] == []
    assert owner.get(address).json["may_write"] is True
    assert owner.post(address, {"stars": 3}).status_code == 201
    (about,) = Caller(app).get(f"/members/{done.owner_id}/reviews").json["data"]
    assert (about["stars"], about["body"]) == (5, "So kind")
    assert owner.post(f"/reviews/{about['id']}/reply", {"reply": "Thanks"}).json["reply"] == "Thanks"
    (thing,) = Caller(app).get(f"/listings/{done.listing_id}/reviews").json["data"]
    assert (thing["about"], thing["stars"]) == ("item", 4)
    stranger = Caller(app, Factories().user(email="stranger@example.org"))
    assert_problem(stranger.get(address), 404, "not_found")
    assert_problem(stranger.post(f"/reviews/{about['id']}/reply", {"reply": "Me"}), 404, "not_found")
