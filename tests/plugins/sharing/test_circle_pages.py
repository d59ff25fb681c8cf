"""The pages of circles: from the invitation to the turn, and that a stranger finds nothing anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from icalendar import Calendar

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.listings.models import Listing
from marketplace.testing.clients import page_text
from marketplace.testing.factories import Factories
from marketplace.users.models import User
from plugins.sharing.circle import circle_feeds, circles, invitations, turns
from tests.plugins.sharing.circle_world import Around


@pytest.fixture
def around(app: Flask, factories: Factories, frozen: Any) -> Around:
    """Give a circle with a keeper and a member."""
    return Around(app, factories, frozen)


def planned(**changes: str) -> dict[str, str]:
    day = (clock.now() + timedelta(days=3)).date().isoformat()
    facts = {
        "title": "Shopping", "note": "The list is on the fridge.", "day": day, "since": "10:00", "until": "11:00",
        "people": "1", "until_day": "",
    }  # fmt: skip
    return {**facts, **changes}


def test_from_starting_a_circle_to_somebody_who_joins_and_comes(around: Around) -> None:
    keeper, guest, new = around.visitor(around.lender), around.visitor(), around.visitor(around.other)
    assert "Start a circle" in page_text(keeper.get("/circles"))
    bad = keeper.post("/circles/new", data={"name": "Around Opa", "place": "Nowhereville", "call_hours": "48"})
    assert (bad.status_code, 'value="Around Opa"' in bad.text) == (422, True)
    made = keeper.post("/circles/new", data={"name": "Around Opa", "place": "Utrecht", "call_hours": "48"})
    assert made.location.endswith("/people")
    people, home = made.location, made.location.removesuffix("/people")
    page = keeper.get(people).text
    link = page.split('id="link-address" value="')[1].split('"')[0]
    path = link[link.index("/circles/join") :]
    assert "Log in" in page_text(guest.get(path))
    assert new.get(home).status_code == 404
    assert "Ask to join" in page_text(new.get(path))
    assert new.post(path).location.endswith("/circles")
    assert "A keeper is asked" in page_text(new.get("/circles"))
    assert "Otto Other" in page_text(keeper.get(people))
    assert keeper.post(f"{people}/{around.other.id}/welcome").status_code == 303
    assert new.get(path).location.endswith(home)
    assert "Nothing is planned" in page_text(new.get(home))
    sent = new.post(f"{home}/plan", data=planned())
    assert sent.status_code == 303, page_text(sent)
    listed = page_text(keeper.get(sent.location))
    assert ("Shopping" in listed, "1 person is missing" in listed) == (True, True)
    join = keeper.get(sent.location).text.split("/join")[0].rpartition('action="')[2]
    assert "The list is on the fridge" in page_text(keeper.get(join))
    assert new.post(f"{join}/join").status_code == 303
    assert ("You come" in page_text(new.get(join)), "Otto Other" in page_text(keeper.get(join))) == (True, True)
    for own in ("/circles", "/account"):
        assert "Next in my circles" in page_text(new.get(own)), page_text(new.get(own))
    assert new.post(f"{join}/hand-over", data={"to": str(around.lender.id)}).status_code == 303
    assert "asks you to come instead" in page_text(keeper.get(join))
    assert new.post(f"{join}/hand-over", data={"to": "0"}).status_code == 303
    take = keeper.get(join).text.split("/take")[0].rpartition('action="')[2]
    assert keeper.post(f"{take}/take").status_code == 303
    assert "You come" in page_text(keeper.get(join))
    assert keeper.post(f"{join}/withdraw").status_code == 303
    assert keeper.post(f"{join}/cancel").status_code == 303
    assert "Cancelled" in page_text(keeper.get(join))


def test_keepers_keep_and_members_do_not(around: Around) -> None:
    keeper, member = around.visitor(around.lender), around.visitor(around.borrower)
    people = f"{around.path}/people"
    assert "Invite somebody" not in page_text(member.get(people))
    assert member.post(people, data={"email": "friend@example.org"}).status_code == 403
    assert [member.get(f"{around.path}/{each}").status_code for each in ("edit", "close", "leave")] == [403, 403, 200]
    assert member.post(f"{people}/{around.lender.id}/remove").status_code == 403
    assert member.post(f"{people}/link").status_code == 403
    assert keeper.post(people, data={"email": "nobody"}).status_code == 422
    assert keeper.post(people, data={"email": "friend@example.org"}).status_code == 303
    shown = keeper.get(people)
    assert "friend@example.org" in shown.text
    assert "friend@example.org" not in member.get(people).text
    row = invitations.open_of(around.circle.id)[0]
    assert keeper.post(f"{around.path}/invitations/{row.id}/remove").status_code == 303
    facts = {"name": "Around Riet", "about": "Two sugars", "place": "Utrecht", "call_hours": "24", "link_joins": "y"}
    assert keeper.post(f"{around.path}/edit", data=facts).status_code == 303
    assert keeper.post(f"{around.path}/edit", data={**facts, "name": ""}).status_code == 422
    assert "Two sugars" in page_text(member.get(around.path))
    assert keeper.post(f"{people}/{around.borrower.id}/keeper").status_code == 303
    assert keeper.post(f"{around.path}/leave").status_code == 303
    assert keeper.get(around.path).status_code == 404
    assert member.post(f"{around.path}/close").status_code == 303
    assert "closed" in page_text(member.get(around.path))
    assert member.get(f"{around.path}/feed").status_code == 404


def addresses(around: Around, moment_id: int) -> Iterator[tuple[str, str]]:
    """Give every address of this circle, with its methods."""
    values = {
        "circle_id": around.circle.id, "moment_id": moment_id, "member_id": around.borrower.id, "invitation_id": 1,
        "place_id": 1, "act": "join",
    }  # fmt: skip
    acts = {"change": "keeper", "end": "leave", "answer": "take", "do": "join"}
    for rule in around.app.url_map.iter_rules():
        if (
            not rule.endpoint.startswith(("sharing_circles.", "sharing_circle_people."))
            or "circle_id" not in rule.arguments
        ):
            continue
        given = {name: values[name] for name in rule.arguments}
        if "act" in given:
            given["act"] = acts[rule.endpoint.partition(".")[2]]
        with around.app.test_request_context():
            path = around.app.url_map.bind("localhost").build(rule.endpoint, given)
        for method in sorted(set(rule.methods or ()) & {"GET", "POST"}):
            yield method, path


def test_a_stranger_finds_nothing_anywhere(around: Around) -> None:
    moment = around.plan()[0]
    turns.sign_up(around.circle.id, moment.id, around.borrower)
    found = list(addresses(around, moment.id))
    assert len(found) >= 18
    for user in (around.other, around.factories.operator()):
        client = around.visitor(user)
        for method, path in found:
            answer = client.open(path, method=method)
            assert answer.status_code == 404, (method, path, answer.status_code)
            assert "Oma Riet" not in answer.text
        for path in (
            "/circles",
            "/",
            "/discover?q=Shopping",
            "/helping",
            "/sitemap.xml",
            f"/members/{around.borrower.id}",
        ):
            assert "Oma Riet" not in client.get(path).text
    guest = around.visitor()
    for method, path in found:
        answer = guest.open(path, method=method)
        assert (answer.status_code in (302, 401), "Oma Riet" in answer.text) == (True, False), (method, path)
    for path in ("/circles/join/x", "/circles/calendar/x.ics", "/circles/404"):
        assert around.visitor(around.other).get(path).status_code == 404
    circles.leave(around.circle.id, around.borrower)
    gone = around.visitor(around.borrower)
    assert gone.get(around.path).status_code == 404


def test_a_feed_says_what_is_planned_and_names_nobody_else(around: Around) -> None:
    mine, theirs, off = (around.plan(days=days)[0] for days in (2, 3, 4))
    turns.sign_up(around.circle.id, mine.id, around.borrower)
    turns.sign_up(around.circle.id, theirs.id, around.lender)
    around.visitor(around.lender).post(f"{around.path}/moments/{off.id}/cancel")
    client, guest = around.visitor(around.borrower), around.visitor()
    address = client.get(f"{around.path}/feed").text.split('id="feed" value="')[1].split('"')[0]
    path = address[address.index("/circles/calendar") :]
    feed = guest.get(path)
    assert (feed.mimetype, feed.headers["Cache-Control"]) == ("text/calendar", "no-store")
    events = Calendar.from_ical(feed.data).walk("VEVENT")
    said = [str(event["SUMMARY"]) for event in events]
    assert said == ["Shopping (you come)", "Shopping (all set)", "Shopping (cancelled)"]
    assert events[0].decoded("DTSTART") == mine.starts_at
    with transaction() as session:
        session.get_one(User, around.borrower.id).locale = "nl"
    said = [str(event["SUMMARY"]) for event in Calendar.from_ical(guest.get(path).data).walk("VEVENT")]
    assert said == ["Shopping (jij komt)", "Shopping (alles geregeld)", "Shopping (geschrapt)"], (
        "in the member's language"
    )
    assert ("Lena" in feed.text, "fridge" in feed.text) == (False, False)
    assert client.post(f"{around.path}/feed").status_code == 303
    assert guest.get(path).status_code == 404
    token = circle_feeds.token_of(around.circle.id, around.borrower)
    circles.remove(around.circle.id, around.borrower.id, around.lender)
    assert guest.get(f"/circles/calendar/{token}.ics").status_code == 404


def test_the_calendar_walks_through_months(around: Around) -> None:
    around.plan(weekly=True)
    client = around.visitor(around.borrower)
    march, april = (
        page_text(client.get(f"{around.path}?month=2027-03")),
        page_text(client.get(f"{around.path}?month=2027-04")),
    )
    assert ("March 2027" in march, "April 2027" in april) == (True, True)
    for odd in ("2027-13", "rubbish", "9999-01", ""):
        assert "March 2027" in page_text(client.get(f"{around.path}?month={odd}"))
    assert "maart 2027" in page_text(client.get(f"{around.path}?lang=nl")).lower()


def test_planning_gives_the_form_back_with_what_was_typed(around: Around) -> None:
    client = around.visitor(around.borrower)
    for changes, says in (
        ({"title": ""}, "Give it a title"), ({"until": "09:00"}, "The end must be after the start"),
        ({"day": "2027-02-01"}, "This moment has passed"), ({"people": "50"}, "Choose a number"),
        ({"weekly": "y", "until_day": "2027-02-01"}, "The end must be after the start"),
    ):  # fmt: skip
        answer = client.post(f"{around.path}/plan", data=planned(**changes))
        assert (answer.status_code, says in page_text(answer)) == (422, True), page_text(answer)
        assert "The list is on the fridge." in answer.text


def test_pages_take_the_same_statements_however_much_there_is(around: Around, statements: Any) -> None:
    client = around.visitor(around.lender)
    around.plan(days=1)
    moment = around.plan(days=2)[0]
    counts: list[list[int]] = []
    for _round in range(2):
        found = []
        for path in (around.path, f"{around.path}/people", f"{around.path}/moments/{moment.id}", "/circles"):
            client.get(path)
            with statements() as seen:
                assert client.get(path).status_code == 200
            found.append(len(seen))
        counts.append(found)
        for number in range(6):
            turns.sign_up(around.circle.id, around.plan(3, days=3 + number)[0].id, around.member())
    assert counts[0] == counts[1], counts
    assert max(counts[0]) <= 12, counts


def test_one_press_asks_the_neighbours_and_tells_them_nothing_of_the_circle(around: Around) -> None:
    moment = around.plan(2)[0]
    keeper, neighbour = around.visitor(around.lender), around.visitor(around.other)
    here = f"{around.path}/moments/{moment.id}"
    assert keeper.post(f"{here}/neighbours").status_code == 303
    assert keeper.post(f"{here}/neighbours").status_code == 303
    listing = db.session.get_one(Listing, around.moments(moment.task_id)[0].listing_id or 0)
    public = neighbour.get(f"/helping/{listing.id}-{listing.slug}")
    assert ("Shopping" in public.text, "Oma Riet" in public.text, "fridge" in public.text) == (True, False, False)
    assert "2 of 2 left" in page_text(public)
    assert "The neighbours are asked" in page_text(keeper.get(here))
    agreement = around.answer(listing, around.other)
    around.move(agreement, "choose")
    assert around.coming(moment) == [around.other.id, None]
    assert "neighbour" in page_text(keeper.get(here))
    assert neighbour.get(here).status_code == 404
    turns.sign_up(around.circle.id, moment.id, around.borrower)
    assert around.coming(moment) == [around.other.id, around.borrower.id]
    assert "1 of 1" not in page_text(neighbour.get(f"/helping/{listing.id}-{listing.slug}"))
    around.move(agreement, "call_off", around.actor(agreement, around.other))
    assert around.coming(moment) == [None, around.borrower.id]
    again = around.chosen(listing, around.other)
    assert around.coming(moment) == [around.other.id, around.borrower.id]
    assert keeper.post(f"{here}/cancel").status_code == 303
    around.work()
    assert around.state(again) == "called_off"
    assert db.session.get_one(Listing, listing.id, populate_existing=True).state == "closed"


def test_a_member_who_comes_takes_the_place_back_from_the_neighbours(around: Around) -> None:
    moment = around.plan()[0]
    keeper = around.visitor(around.lender)
    assert keeper.post(f"{around.path}/moments/{moment.id}/neighbours").status_code == 303
    listing = db.session.get_one(Listing, around.moments(moment.task_id)[0].listing_id or 0)
    waiting = around.answer(listing, around.other)
    turns.sign_up(around.circle.id, moment.id, around.borrower)
    around.work()
    assert (around.coming(moment), around.state(waiting)) == ([around.borrower.id], "released")
    assert db.session.get_one(Listing, listing.id, populate_existing=True).state == "closed"
    facts = {
        "title": "Shopping",
        "body_md": listing.body_md,
        "category": "help",
        "place": "Utrecht",
        "people": "5",
        "address": "",
    }
    other = around.plan(days=6)[0]
    keeper.post(f"{around.path}/moments/{other.id}/neighbours")
    asked = around.moments(other.task_id)[0].listing_id
    assert keeper.post(f"/helping/{asked}/edit", data=facts).status_code == 303
    assert len(around.holders(db.session.get_one(Listing, asked or 0))) == 1
