"""Circles: who belongs to one, what is to be done, and that no place is promised twice."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.errors import DomainError, Forbidden, InvalidInput, NotFound, Refused
from marketplace.settings import service as settings
from marketplace.testing.factories import PASSWORD, Factories
from marketplace.users import closing
from plugins.sharing.circle import circle_members, circle_news, circles, invitations, moments, turns
from plugins.sharing.circle.circle_models import IN, KEEPER, MEMBER, CircleMember
from tests.plugins.sharing.circle_world import Around


@pytest.fixture
def around(app: Flask, factories: Factories, frozen: Any) -> Around:
    """Give a circle with a keeper and a member."""
    return Around(app, factories, frozen)


def test_a_link_lets_ask_and_a_keeper_says_yes_or_no(around: Around) -> None:
    token, stranger = around.circle.link_token, around.other
    assert invitations.join(token, stranger).state == "asked"
    assert invitations.join(token, stranger).state == "asked"
    assert around.told(around.lender, "circle_asked") >= 1
    with pytest.raises(NotFound):
        circles.of_member(around.circle.id, stranger)
    with pytest.raises(Forbidden):
        circles.answer_asker(around.circle.id, stranger.id, around.borrower, welcome=True)
    circles.answer_asker(around.circle.id, stranger.id, around.lender, welcome=True)
    assert circles.of_member(around.circle.id, stranger)[1].state == "in"
    assert around.told(stranger, "circle_welcome") == 1
    refused = around.factories.user()
    invitations.join(token, refused)
    circles.answer_asker(around.circle.id, refused.id, around.lender, welcome=False)
    with pytest.raises(NotFound):
        circles.of_member(around.circle.id, refused)
    circles.renew_link(around.circle.id, around.lender)
    with pytest.raises(NotFound):
        invitations.join(token, refused)


def test_a_link_may_let_in_at_once_but_never_who_was_removed(around: Around) -> None:
    circles.change(around.circle.id, around.lender, circles.About("Around Oma", "Utrecht", link_joins=True))
    assert invitations.join(around.circle.link_token, around.other).state == "in"
    circles.remove(around.circle.id, around.other.id, around.lender)
    with pytest.raises(Refused, match="by mail"):
        invitations.join(around.circle.link_token, around.other)
    again = invitations.invite(around.circle.id, around.lender, "otto@example.org")
    assert invitations.join(again.token, around.other).state == "in"
    counted = select(func.count()).select_from(CircleMember).where(CircleMember.member_id == around.other.id)
    assert db.session.scalar(counted) == 1


def test_an_invitation_by_mail_is_good_once_and_for_two_weeks(around: Around, mailbox: Any) -> None:
    row = invitations.invite(around.circle.id, around.lender, "New@example.org")
    around.work()
    mail = next(each for each in mailbox.messages if "new@example.org" in str(each["To"]).lower())
    assert ("Around Oma Riet" in str(mail["Subject"]), row.token in mail.get_content()) == (True, True)
    newer = invitations.invite(around.circle.id, around.lender, "new@example.org")
    with pytest.raises(NotFound):
        invitations.find(row.token)
    assert invitations.join(newer.token, around.other).state == "in"
    with pytest.raises(NotFound):
        invitations.join(newer.token, around.factories.user())
    late = invitations.invite(around.circle.id, around.lender, "late@example.org")
    around.frozen.forward(days=15)
    with pytest.raises(NotFound):
        invitations.find(late.token)
    for wrong in ("", "nobody", "a b@example.org", "x@y", "a@b.c\nBcc: all@example.org"):
        with pytest.raises(InvalidInput):
            invitations.invite(around.circle.id, around.lender, wrong)
    with pytest.raises(Forbidden):
        invitations.invite(around.circle.id, around.borrower, "friend@example.org")
    kept = invitations.invite(around.circle.id, around.lender, "kept@example.org")
    invitations.take_back(around.circle.id, kept.id, around.lender)
    assert invitations.open_of(around.circle.id) == []


def test_a_circle_always_has_a_keeper(around: Around) -> None:
    number = around.circle.id
    with pytest.raises(Refused, match="needs a keeper"):
        circles.leave(number, around.lender)
    with pytest.raises(Refused, match="needs a keeper"):
        circles.set_role(number, around.lender.id, around.lender, MEMBER)
    circles.set_role(number, around.borrower.id, around.lender, KEEPER)
    circles.leave(number, around.lender)
    with pytest.raises(NotFound):
        circles.of_member(number, around.lender)
    with pytest.raises(Refused):
        circles.remove(number, around.borrower.id, around.borrower)
    settings.set_value("sharing.circle_members", 2, around.factories.operator().id, "small ones")
    around.member()
    with pytest.raises(Refused, match="limit"):
        around.member()


def test_a_weekly_task_is_written_on_with_its_exceptions_and_keeps_its_hour(around: Around) -> None:
    first = around.plan(weekly=True)
    assert len(first) == 10
    hours = {f"{clock.local(each.starts_at, 'Europe/Amsterdam'):%H:%M}" for each in first}
    assert (hours, len({each.starts_at.hour for each in first})) == ({"10:00"}, 2)
    moments.cancel(around.circle.id, first[2].id, around.lender)
    for _week in range(3):
        around.later(days=7)
    later = around.moments(first[0].task_id)
    assert (len(later) > len(first), later[2].cancelled_at is not None) == (True, True)
    assert len({each.day for each in later}) == len(later)
    moments.end(around.circle.id, first[0].task_id, around.lender)
    assert all(each.cancelled_at for each in around.moments(first[0].task_id) if each.starts_at > clock.now())
    around.later(days=30)
    assert len(around.moments(first[0].task_id)) == len(later)
    bounded = around.plan(weekly=True, until=clock.now().date() + timedelta(days=20))
    assert len(bounded) == 3


def test_a_moment_that_the_clocks_swallow_is_left_out(around: Around) -> None:
    plan = moments.Plan("Night watch", date(2027, 3, 21), 130, 150, weekly=True, until=date(2027, 4, 4))
    found = around.moments(moments.add(around.circle.id, around.lender, plan).id)
    assert found[0].starts_at == datetime(2027, 3, 21, 1, 10, tzinfo=UTC)
    assert all(each.starts_at < each.ends_at for each in found)


def test_planning_is_refused_with_a_word_at_each_field(around: Around) -> None:
    today = clock.now().date()
    for facts, field in (
        ({"title": "ab"}, "title"), ({"note": "x" * 2001}, "note"), ({"to_minute": 600}, "until"), ({"people": 0}, "people"),
        ({"day": today - timedelta(days=1)}, "day"), ({"day": today + timedelta(days=400)}, "day"),
        ({"weekly": True, "until": today}, "until_day"),
    ):  # fmt: skip
        said = {"title": "Tea", "day": today + timedelta(days=2), "from_minute": 600, "to_minute": 660, **facts}
        with pytest.raises(InvalidInput) as refused:
            moments.add(around.circle.id, around.lender, moments.Plan(**said))
        assert field in refused.value.errors
    for about in (
        circles.About("x", "Utrecht"),
        circles.About("Oma", "Nowhereville"),
        circles.About("Oma", "Utrecht", "", 0),
    ):
        with pytest.raises(InvalidInput):
            circles.start(around.lender, about)


def test_signing_up_giving_back_and_handing_over(around: Around) -> None:
    number, moment = around.circle.id, around.plan(2)[0]
    helper, third = around.borrower, around.member(name="Tara Third")
    assert turns.sign_up(number, moment.id, helper).id == turns.sign_up(number, moment.id, helper).id
    turns.sign_up(number, moment.id, around.lender)
    with pytest.raises(Refused, match="faster"):
        turns.sign_up(number, moment.id, third)
    with pytest.raises(NotFound):
        turns.sign_up(number, moment.id, around.other)
    with pytest.raises(NotFound):
        turns.offer(number, moment.id, helper, around.other.id)
    turns.offer(number, moment.id, helper, third.id)
    assert (around.told(third, "circle_offered"), around.coming(moment)) == (1, [helper.id, around.lender.id])
    place = around.seen(moment).offered(third.id)
    assert place is not None
    with pytest.raises(Refused):
        turns.answer(number, moment.id, place.place_id, around.lender, takes=True)
    turns.answer(number, moment.id, place.place_id, third, takes=True)
    assert (around.coming(moment), around.told(helper, "circle_taken_over")) == ([third.id, around.lender.id], 1)
    turns.offer(number, moment.id, third, helper.id)
    turns.answer(number, moment.id, place.place_id, helper, takes=False)
    assert (around.coming(moment)[0], around.told(third, "circle_not_taken_over")) == (third.id, 1)
    turns.withdraw(number, moment.id, third)
    with pytest.raises(Refused):
        turns.withdraw(number, moment.id, third)
    assert around.coming(moment) == [None, around.lender.id]


def test_who_comes_is_reminded_and_who_is_missing_is_announced(around: Around) -> None:
    taken, empty = around.plan(days=5)[0], around.plan(days=5, title="A walk")[0]
    turns.sign_up(around.circle.id, taken.id, around.borrower)
    around.later(days=2)
    assert around.told(around.borrower, "circle_missing") == 0
    around.later(days=1, hours=2)
    assert (around.told(around.borrower, "circle_missing"), around.told(around.lender, "circle_missing")) == (1, 1)
    around.later(days=1)
    assert around.told(around.borrower, "circle_soon") == 1
    turns.withdraw(around.circle.id, taken.id, around.borrower)
    turns.sign_up(around.circle.id, empty.id, around.borrower)
    around.later(hours=1)
    assert around.told(around.lender, "circle_missing") == 2
    around.later(hours=20)
    assert around.told(around.borrower, "circle_soon") == 2


def test_leaving_frees_what_was_taken_on(around: Around) -> None:
    moment, past = around.plan(days=2)[0], around.plan(days=1)[0]
    for each in (moment, past):
        turns.sign_up(around.circle.id, each.id, around.borrower)
    around.later(days=1, hours=12)
    circles.leave(around.circle.id, around.borrower)
    assert (around.coming(moment), around.coming(past)) == ([None], [around.borrower.id])
    around.later(minutes=11)
    assert around.told(around.lender, "circle_missing") == 1
    assert circle_news.inside(around.circle.id) == [around.lender.id]


def test_a_closed_circle_cancels_everything_and_opens_to_nobody(around: Around) -> None:
    moment, token = around.plan()[0], around.circle.link_token
    turns.sign_up(around.circle.id, moment.id, around.borrower)
    with pytest.raises(Forbidden):
        circles.close(around.circle.id, around.borrower)
    circles.close(around.circle.id, around.lender)
    assert (around.told(around.borrower, "circle_cancelled"), around.told(around.borrower, "circle_closed")) == (1, 1)
    for act in (
        lambda: invitations.find(token),
        lambda: moments.add(around.circle.id, around.lender, moments.Plan("Tea", date(2027, 4, 1), 600, 660)),
        lambda: turns.sign_up(around.circle.id, moment.id, around.borrower),
    ):
        with pytest.raises(NotFound):
            act()
    assert around.seen(moment).cancelled


def test_only_keepers_and_who_planned_it_cancel(around: Around) -> None:
    mine, theirs = around.plan(by=around.borrower)[0], around.plan()[0]
    with pytest.raises(Forbidden):
        moments.cancel(around.circle.id, theirs.id, around.borrower)
    moments.cancel(around.circle.id, mine.id, around.borrower)
    with pytest.raises(Refused):
        moments.cancel(around.circle.id, mine.id, around.lender)
    with pytest.raises(NotFound):
        moments.cancel(around.circle.id, 404, around.lender)


def test_of_many_at_once_exactly_as_many_get_a_place_as_there_are(around: Around) -> None:
    people = [around.member() for _each in range(8)]
    number, moment = around.circle.id, around.plan(3)[0]
    db.session.expunge_all()
    db.session.remove()
    got: list[bool] = []

    def willing(user: Any) -> None:
        with around.app.app_context():
            try:
                turns.sign_up(number, moment.id, user)
                got.append(True)
            except DomainError:
                got.append(False)

    threads = [threading.Thread(target=willing, args=(user,)) for user in people * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    held = around.coming(moment)
    assert (len(got), len(set(held)), None in held, sum(got) >= 3) == (16, 3, False, True)


@pytest.mark.parametrize(
    "statement",
    [
        'UPDATE sharing_circle_place SET helper_id = (SELECT min(id) FROM "user")',
        "UPDATE sharing_circle_place SET number = 1",
        "UPDATE sharing_circle_place SET offered_to_id = helper_id WHERE number = 1",
        "UPDATE sharing_circle_place SET helper_id = NULL WHERE number = 1",
        "UPDATE sharing_circle_member SET member_id = (SELECT min(member_id) FROM sharing_circle_member)",
        "UPDATE sharing_circle_member SET state = 'left'",
        "UPDATE sharing_circle_moment SET ends_at = starts_at",
        "UPDATE sharing_circle_moment SET day = '2027-04-01'",
        "UPDATE sharing_circle_task SET to_minute = from_minute",
    ],
)
def test_the_database_itself_refuses_what_can_not_be(around: Around, statement: str) -> None:
    moment = around.plan(2, weekly=True)[0]
    turns.sign_up(around.circle.id, moment.id, around.borrower)
    with pytest.raises(IntegrityError), transaction():
        db.session.execute(text(statement))


def test_closing_an_account_hands_the_circle_on_or_closes_it(around: Around) -> None:
    moment = around.plan()[0]
    turns.sign_up(around.circle.id, moment.id, around.lender)
    for name in ("one", "two", "three"):
        invitations.invite(around.circle.id, around.lender, f"{name}@example.org")
    invitations.join(invitations.open_of(around.circle.id)[0].token, around.other)
    circles.leave(around.circle.id, around.other)
    kept = circle_members.export(around.lender)
    assert (kept["circles"][0]["role"], kept["circle_turns"][0]["title"]) == ("keeper", "Shopping")
    closing.close(around.lender, PASSWORD, address=None)
    assert circles.of_member(around.circle.id, around.borrower)[1].role == "keeper"
    assert (around.coming(moment), invitations.open_of(around.circle.id)) == ([None], [])
    closing.close(around.borrower, PASSWORD, address=None)
    assert around.circle.closed_at is not None
    assert db.session.scalar(select(func.count()).select_from(CircleMember).where(CircleMember.state == IN)) == 0
