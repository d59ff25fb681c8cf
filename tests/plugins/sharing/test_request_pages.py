"""The pages of asking first: on a phone, without JavaScript, what bad input gets, who sees what, and paying for an answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from marketplace import clock
from marketplace.settings import service as settings
from marketplace.testing.bank import Bank
from marketplace.testing.clients import client_of, page_text
from marketplace.testing.factories import Factories
from marketplace.testing.people import log_in
from marketplace.users.models import User
from plugins.sharing.loan import extending
from tests.core.method_world import MethodWorld
from tests.core.payment_world import VISA
from tests.plugins.sharing.request_world import Asking


@pytest.fixture
def asking(app: Flask, factories: Factories, frozen: Any) -> Asking:
    """Give an asker and neighbours, and no bank."""
    return Asking(app, factories, frozen)


def visitor(asking: Asking, user: User | None = None) -> Any:
    client = client_of(asking.app)
    if user is not None:
        log_in(client, user)
    return client


def filled(**changes: str) -> dict[str, str]:
    day = (clock.now() + timedelta(days=3)).date().isoformat()
    facts = {
        "title": "A tent for four", "body_md": "For a week-end in the woods with the children.", "category": "other",
        "place": "Utrecht", "starts_on": day, "starts_time": "10:00", "ends_on": day, "ends_time": "18:00", "radius": "5",
        "address": "Domplein 1",
    }  # fmt: skip
    return {**facts, **changes}


def test_from_the_question_to_the_loan(asking: Asking) -> None:
    asker, one, two = asking.asker, asking.neighbour(1, name="Nina Near"), asking.neighbour(1, name="Otto Other")
    me, nina, otto = visitor(asking, asker), visitor(asking, one), visitor(asking, two)
    assert "Ask your neighbours" in page_text(me.get("/requests/new"))
    sent = me.post("/requests/new", data=filled())
    assert sent.status_code == 303, page_text(sent)
    here = sent.location
    assert "Nobody has answered yet" in page_text(me.get(here))
    for client in (nina, otto):
        assert "Can you help?" in page_text(client.get(here))
    number = here.split("/requests/")[1].split("-")[0]
    bad = nina.post(f"/requests/{number}/answer", data={"words": "", "fee": "a lot", "address": "Oudegracht 7"})
    assert (bad.status_code, 'value="Oudegracht 7"' in bad.text, 'value="a lot"' in bad.text) == (422, True, True)
    for client in (nina, otto):
        said = client.post(f"/requests/{number}/answer", data={"words": "Mine is yours.", "address": "Oudegracht 7"})
        assert said.status_code == 303, page_text(said)
    assert "Waits for the asker" in page_text(nina.get(here))
    seen = page_text(me.get(here))
    assert ("Nina Near" in seen, "Otto Other" in seen, "Oudegracht 7" in seen) == (True, True, False)
    action = me.get(here).text.split('action="')
    choose = next(part.split('"')[0] for part in action if "/choose" in part.split('"')[0])
    assert otto.post(choose).status_code == 404
    chosen = me.post(choose)
    assert "/agreements/" in chosen.location
    agreed = page_text(me.get(chosen.location))
    assert ("Oudegracht 7" in agreed, "It began with a request" in agreed) == (True, True)
    assert "Domplein 1" in page_text(nina.get(chosen.location))
    assert otto.get(chosen.location).status_code == 404


def test_bad_input_gives_the_form_back_with_what_was_typed(asking: Asking) -> None:
    me = visitor(asking, asking.asker)
    day = (clock.now() + timedelta(days=3)).date().isoformat()
    for changes, says in (
        ({"title": ""}, "Give it a title"),
        ({"body_md": "Short"}, "Tell a little more"),
        ({"place": "Nowhereville"}, "We don't know this place"),
        ({"ends_on": "2027-02-01"}, "The end must be after the start"),
        ({"starts_on": "2027-02-01"}, "half an hour"),
        ({"starts_on": "rubbish"}, "This is not a date"),
        ({"radius": "7000"}, "Choose one of these"),
        ({"starts_on": day, "ends_on": "2029-01-01"}, "at most 90 days"),
    ):
        answer = me.post("/requests/new", data=filled(**changes))
        assert (answer.status_code, says in page_text(answer)) == (422, True), page_text(answer)
        assert 'value="Domplein 1"' in answer.text


def test_addresses_and_answers_are_for_those_whom_they_concern(asking: Asking) -> None:
    one, listing = asking.neighbour(1, name="Nina Near"), asking.request(address="Domplein 1")
    asking.answer(listing, one, words="In my shed, code 1234.", address="Oudegracht 7")
    here = f"/requests/{listing.id}-{listing.slug}"
    for user in (None, asking.lender, asking.factories.operator()):
        seen = visitor(asking, user).get(here).text
        assert [word in seen for word in ("Domplein", "Oudegracht", "1234", "Nina Near")] == [False] * 4
        assert str(listing.lat) not in seen
    assert "Domplein" not in visitor(asking, one).get(here).text
    guest = visitor(asking)
    assert guest.get("/requests/new").status_code in (302, 401)
    assert guest.post(f"/requests/{listing.id}/answer", data={"words": "x"}).status_code in (302, 401)
    for path in (f"/requests/{listing.id}/edit",):
        assert visitor(asking, one).get(path).status_code == 404
    assert visitor(asking, one).post(f"/requests/{listing.id}/end").status_code == 404


def test_the_asker_edits_and_ends(asking: Asking) -> None:
    listing = asking.request()
    me = visitor(asking, asking.asker)
    assert "were told" in page_text(me.get(f"/requests/{listing.id}/edit"))
    facts = {
        "title": "A good trimmer",
        "body_md": "For the hedge behind the house.",
        "category": "tools",
        "place": "Utrecht",
    }
    assert me.post(f"/requests/{listing.id}/edit", data={**facts, "address": "Domplein 2"}).status_code == 303
    assert asking.row(listing).address == "Domplein 2"
    stale = me.post(f"/requests/{listing.id}/edit", data={**facts, "version": "1"})
    assert stale.status_code == 422
    assert me.post(f"/requests/{listing.id}/end").status_code == 303
    assert asking.row(listing).state == "ended"
    assert me.get(f"/requests/{listing.id}-whatever").status_code == 301


def test_nobody_answering_leads_to_buying_together_only_where_a_kind_pools_money(asking: Asking, make_app: Any) -> None:
    listing = asking.request()
    for _day in range(3):
        asking.later(days=1, minutes=6)
    me = visitor(asking, asking.asker)
    page = me.get(f"/requests/{listing.id}-{listing.slug}")
    assert "Buy it together" in page_text(page)
    link = next(part.split('"')[0] for part in page.text.split('href="') if "/campaigns/new" in part.split('"')[0])
    form = me.get(link.replace("&amp;", "&"))
    assert ('value="A hedge trimmer"' in form.text, 'value="Utrecht"' in form.text) == (True, True)
    alone = make_app(plugins=("sharing",))
    with alone.test_request_context():
        from plugins.sharing.request import request_reads

        assert request_reads.together(listing) == []


def test_who_had_answers_and_took_none_is_not_told_that_nobody_has_one(asking: Asking) -> None:
    listing = asking.request()
    asking.answer(listing, asking.neighbour(1))
    asking.later(days=4, minutes=6)
    assert asking.row(listing).state == "ended"
    assert "Buy it together" not in page_text(
        visitor(asking, asking.asker).get(f"/requests/{listing.id}-{listing.slug}")
    )


def test_a_list_shows_requests_with_their_day_and_answers(asking: Asking) -> None:
    listing = asking.request()
    asking.answer(listing, asking.neighbour(1))
    guest = visitor(asking)
    assert guest.get("/requests").location.endswith("kind=request")
    found = page_text(guest.get("/discover?kind=request"))
    assert ("A hedge trimmer" in found, "wanted from" in found, "answer" in found) == (True, True, True), found
    details = guest.get(f"/api/v1/listings/{listing.id}").json
    assert str(details).count("Domplein") == 0


def test_an_answer_for_a_fee_is_paid_before_the_loan_is_agreed(
    app: Flask, sandbox: Bank, factories: Factories, frozen: Any
) -> None:
    world = MethodWorld(app, sandbox, factories, frozen)
    asking = Asking(app, factories, frozen)
    one, two, listing = asking.neighbour(1), asking.neighbour(1), asking.request()
    paid, other = asking.answer(listing, one, fee_minor=500), asking.answer(listing, two)
    agreement = asking.choose(paid)
    assert (agreement.state, agreement.amount_minor) == ("paying", 500)
    assert (asking.row(listing).state, asking.answer_state(other)) == ("chosen", "offered")
    world.save_card(world.payer(asking.paid(agreement, "rent")), VISA, asking.paid(agreement, "rent"))
    asking.work()
    assert asking.state(agreement) == "agreed"
    assert (asking.row(listing).state, asking.answer_state(other)) == ("settled", "released")
    me = visitor(asking, asking.asker)
    shown = page_text(me.get(f"/agreements/{agreement.id}"))
    assert "Contribution" in shown
    assert "The rent €5.00" in shown, "what a payment is for stands beside it"
    loan = asking.loan(agreement)
    later = loan.ends_at + timedelta(hours=3)
    local = clock.local(later, agreement.terms["zone"])
    wish = {"ends_on": local.date().isoformat(), "ends_time": local.strftime("%H:%M")}
    assert me.post(f"/loans/{agreement.id}/more-time", data=wish).status_code == 303
    extending.grant(agreement.id, asking.as_lender(agreement))
    assert (asking.loan(agreement).ends_at, asking.fresh(agreement).amount_minor) == (later, 500), "time had no price"


def test_a_fee_that_is_not_allowed_any_more_is_shown_and_refused_until_it_is_taken_away(
    app: Flask, sandbox: Bank, factories: Factories, frozen: Any
) -> None:
    asking = Asking(app, factories, frozen)
    one, listing = asking.neighbour(1), asking.request()
    asking.answer(listing, one, fee_minor=500)
    settings.set_value("sharing.requests_free", True, factories.operator().id, "neighbours")
    nina, other = visitor(asking, one), visitor(asking, asking.neighbour(1))
    here, path = f"/requests/{listing.id}-{listing.slug}", f"/requests/{listing.id}/answer"
    assert ('name="fee"' in nina.get(here).text, 'name="fee"' in other.get(here).text) == (True, False)
    said = {"words": "Mine is yours.", "fee": "5", "item": "0", "address": "Oudegracht 7"}
    for client in (nina, other):
        refused = client.post(path, data=said)
        assert refused.status_code == 422
        assert "Here things are lent free" in page_text(refused)
        assert 'value="5"' in refused.text
    assert nina.post(path, data={**said, "fee": ""}).status_code == 303
    assert 'name="fee"' not in nina.get(here).text


def test_an_answer_that_nobody_pays_for_falls_back_and_the_others_still_stand(
    app: Flask, sandbox: Bank, factories: Factories, frozen: Any
) -> None:
    MethodWorld(app, sandbox, factories, frozen)
    asking = Asking(app, factories, frozen)
    one, two, listing = asking.neighbour(1), asking.neighbour(1), asking.request()
    paid, other = asking.answer(listing, one, fee_minor=500), asking.answer(listing, two)
    agreement = asking.choose(paid)
    asking.later(hours=25)
    assert asking.state(agreement) == "lapsed"
    assert (asking.row(listing).state, asking.answer_state(paid)) == ("open", "failed")
    assert asking.choose(other).state == "agreed"
