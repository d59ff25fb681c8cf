"""The pages of loans, through HTTP: ask, answer, hand over, return, claim; a rent with a deposit; and who may see what."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import select

from marketplace import clock
from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.storage import storage
from marketplace.testing.bank import Bank
from marketplace.testing.clients import MarketplaceClient, client_of, page_text, refresh
from marketplace.testing.factories import Factories
from marketplace.testing.people import Auth
from marketplace.users import closing
from plugins.sharing.loan import claims, handovers, later_photos, loan_members, loans
from plugins.sharing.loan.booking_models import Claim, Evidence
from plugins.sharing.loan.loan_forms import wish_query
from tests.plugins.sharing.loan_world import Lending
from tests.plugins.sharing.test_loan_money import Banked

ZONE = "Europe/Amsterdam"


@pytest.fixture
def lending(app: Flask, factories: Factories, frozen: Any) -> Lending:
    """Give a lender, a borrower, and no bank."""
    return Lending(app, factories, frozen)


def logged_in(lending: Lending, who: str) -> MarketplaceClient:
    """Give a client of one of the two."""
    client = client_of(lending.app)
    Auth(client, lending.factories).login(getattr(lending, who))
    return client


def photo() -> tuple[io.BytesIO, str]:
    """Draw a photo that says where it was taken."""
    drawn, exif = io.BytesIO(), Image.Exif()
    exif[0x010E] = "at home"
    Image.new("RGB", (320, 240), "teal").save(drawn, "JPEG", exif=exif)
    drawn.seek(0)
    return drawn, "dent.jpg"


def nonce_of(page: str) -> str:
    """Read the form's nonce."""
    found = re.search(r'name="nonce"[^>]*value="([^"]+)"', page)
    assert found
    return found.group(1)


def book(client: MarketplaceClient, item: int, window: Any) -> Any:
    """Look at the price, and book."""
    query = wish_query(window, ZONE)
    page = client.get(f"/items/{item}/book", query_string=query)
    assert page.status_code == 200, page_text(page)
    return client.post(
        f"/items/{item}/book",
        query_string=query,
        data={"nonce": nonce_of(page.get_data(as_text=True)), "note": "Hello"},
    )


@pytest.mark.parametrize("count", ["-1", "0", "2", "99999999999999999999", "many"])
def test_a_count_that_nobody_can_have_is_refused_beside_its_field_also_where_there_is_one(
    lending: Lending, count: str
) -> None:
    item, ben = lending.item(), logged_in(lending, "borrower")
    query = {**wish_query(lending.window(), ZONE), "count": count}
    for answer in (
        ben.get(f"/items/{item}/book", query_string=query),
        ben.post(f"/items/{item}/book", query_string=query, data={"nonce": "n"}),
    ):
        assert (answer.status_code, 'id="count-error"' in answer.text) == (422, True), page_text(answer)
        assert f'value="{count}"' in answer.text, "what was typed stays"
    assert db.session.scalars(select(Agreement.id)).all() == []
    assert ben.get(f"/items/{item}/book", query_string={**query, "count": "1"}).status_code == 200


def test_a_free_loan_from_the_wish_to_the_claim(lending: Lending) -> None:
    item = lending.item(replacement_minor=200_00, deposit_kind="promised", deposit_minor=50_00)
    ben, lena = logged_in(lending, "borrower"), logged_in(lending, "lender")
    book(ben, item, lending.window())
    agreement_id = db.session.scalars(select(Agreement.id)).one()
    here = f"/agreements/{agreement_id}"
    assert "Accept or decline the request" in page_text(lena.get(here))
    assert lena.post(f"{here}/accept").status_code == 302
    agreement = db.session.get_one(Agreement, agreement_id)
    lending.to(lending.loan(agreement).starts_at)
    assert "Pick it up" in page_text(ben.get(here))
    page = page_text(lena.get(f"/loans/{agreement_id}/out"))
    assert "It is handed over" in page
    out = lena.post(
        f"/loans/{agreement_id}/out", data={"condition": "Fine", "meter-km": "12,5", "photos": photo()},
        content_type="multipart/form-data",
    )  # fmt: skip
    assert out.status_code == 303, page_text(out)
    assert "Do you agree?" in page_text(ben.get(f"/loans/{agreement_id}/out"))
    assert ben.post(f"/loans/{agreement_id}/out/agree").status_code == 303
    assert "Both agree" in page_text(ben.get(here))
    lending.later(days=1)
    ben.post(f"/loans/{agreement_id}/in", data={"condition": "As it was"})
    assert "Look at the return and agree" in page_text(lena.get(here))
    assert "12.5" in page_text(lena.get(f"/loans/{agreement_id}/in"))
    lena.post(f"/loans/{agreement_id}/in/agree")
    assert lending.state(agreement) == "returned"
    made = lena.post(
        f"/loans/{agreement_id}/claim", data={"kind": "damage", "amount": "40", "note": "A rung is broken"}
    )
    assert made.status_code == 303, page_text(made)
    claim_id = db.session.scalars(select(Claim.id)).one()
    assert made.headers["Location"].endswith(f"/loans/claims/{claim_id}")
    assert "Your answer is awaited" in page_text(ben.get(f"/loans/claims/{claim_id}"))
    ben.post(f"/loans/claims/{claim_id}/offer", data={"amount": "10", "note": "It was old"})
    lena.post(f"/loans/claims/{claim_id}/agree")
    assert lending.state(agreement) == "closed"
    assert "Settled at" in page_text(ben.get(f"/loans/claims/{claim_id}"))
    assert "Finished" in page_text(ben.get("/sharing/loans"))
    assert "Finished" in page_text(lena.get("/sharing/loans?role=owner"))


def test_the_history_of_a_loan_booked_at_once_has_no_wait_for_an_answer(lending: Lending) -> None:
    at_once, asked = lending.ask(lending.item(instant=True)), lending.ask(lending.item())
    ben = logged_in(lending, "borrower")
    (made,) = history_of(ben, at_once)
    assert "Agreed" in made
    assert "You" in made, "it is the deed of who booked it, not the site's"
    assert "Waiting for the lender" in history_of(ben, asked)[0]
    loans.accept(asked.id, lending.as_lender(asked))
    assert ["Agreed" in step for step in history_of(ben, asked)] == [False, True]


def test_photos_of_a_claim_stand_with_the_step_they_belong_to(lending: Lending) -> None:
    agreement = lending.out(lending.item(deposit_kind="promised", deposit_minor=50_00))
    lending.later(hours=1)
    agreement = lending.back(agreement)
    drawn = photo()[0].getvalue()
    made = claims.make(agreement.id, lending.as_lender(agreement), "damage", 40_00, "A rung is broken", [drawn])
    lending.later(hours=1)
    claims.offer(made.id, lending.as_borrower(agreement), 10_00, "It was old")
    lending.later(hours=1)
    claims.offer(made.id, lending.as_lender(agreement), 30_00, "See here")
    later_photos.of_claim(made.id, lending.as_lender(agreement), drawn)
    page = logged_in(lending, "borrower").get(f"/loans/claims/{made.id}").get_data(as_text=True)
    steps = page.partition('id="said"')[2].partition("</ol>")[0].split("<li")[1:]
    assert [step.count("<img") for step in steps] == [1, 0, 1]
    assert page.count("<img") == 2, "nowhere else"


def history_of(client: MarketplaceClient, agreement: Agreement) -> list[str]:
    """Read what has happened so far, step by step."""
    page = client.get(f"/agreements/{agreement.id}").get_data(as_text=True)
    told = page.partition('id="history"')[2].partition("</section>")[0]
    return [step for step in re.findall(r"<li class=.*?</li>", told, re.DOTALL) if "to come" not in step]


def test_what_is_taken_is_422_with_alternatives_to_click(lending: Lending) -> None:
    item = lending.item()
    lending.agreed(item)
    ben = logged_in(lending, "borrower")
    page = ben.get(f"/items/{item}/book", query_string=wish_query(lending.window(), ZONE))
    assert page.status_code == 422
    links = re.findall(rf'href="(/items/{item}/book\?[^"]+)"', page.get_data(as_text=True))
    assert links
    assert "It is free" in page_text(ben.get(links[0].replace("&amp;", "&")))


def test_a_wish_that_makes_no_sense_is_422_and_says_where(lending: Lending) -> None:
    item = lending.item(price=True, cancellation="moderate", late_fee_minor_per_day=500)
    ben = logged_in(lending, "borrower")
    query = wish_query(lending.window(start=3), ZONE)
    backwards = {**query, "ends_on": "2027-03-01"}
    page = ben.get(f"/items/{item}/book", query_string=backwards)
    assert (page.status_code, "The end must be after the start" in page_text(page)) == (422, True)
    assert ben.get(f"/items/{item}/book", query_string={"starts_on": "soon"}).status_code == 422
    offer = page_text(ben.get(f"/items/{item}/book", query_string=query))
    assert "€20.00" in offer
    assert "you get 50% back. After that you get nothing back." in offer
    assert "€5.00 for each started day" in offer


def test_a_guest_sees_the_price_and_logs_in_to_book(lending: Lending, client: MarketplaceClient) -> None:
    item = lending.item()
    query = wish_query(lending.window(), ZONE)
    assert "Log in to go on" in page_text(client.get(f"/items/{item}/book", query_string=query))
    assert "login" in client.post(f"/items/{item}/book", query_string=query).headers["Location"]


def test_photos_hold_no_word_of_the_camera_and_are_for_the_parties_only(lending: Lending) -> None:
    agreement = lending.agreed(lending.item())
    lending.to(lending.loan(agreement).starts_at)
    lena, ben = logged_in(lending, "lender"), logged_in(lending, "borrower")
    lena.post(f"/loans/{agreement.id}/out", data={"photos": photo()}, content_type="multipart/form-data")
    refresh()
    row = db.session.scalars(select(Evidence)).one()
    shown = ben.get(f"/loans/photos/{row.id}")
    assert shown.mimetype == "image/webp"
    assert b"at home" not in shown.data
    assert "no-store" in shown.headers["Cache-Control"]
    shown.close()
    stranger = client_of(lending.app)
    Auth(stranger, lending.factories).member()
    for address in (f"/loans/photos/{row.id}", f"/loans/{agreement.id}/in", f"/loans/{agreement.id}/claim"):
        assert stranger.get(address).status_code == 404
    assert stranger.get(f"/media/{row.key}").status_code == 404
    bad = lena.post(
        f"/loans/{agreement.id}/out",
        data={"photos": (io.BytesIO(b"no picture"), "x.jpg")},
        content_type="multipart/form-data",
    )
    assert bad.status_code in (303, 422)


def test_things_come_back_by_their_check_boxes(lending: Lending) -> None:
    agreement = lending.out(lending.item(units=3), count=3)
    lena = logged_in(lending, "lender")
    lending.later(hours=5)
    first, second, last = [one.id for one in lending.things(agreement)]
    lena.post(f"/loans/{agreement.id}/in", data={"things": [str(first), str(second)]})
    assert [bool(one.back_at) for one in lending.things(agreement)] == [True, True, False]
    assert lending.state(agreement) == "active"
    lena.post(f"/loans/{agreement.id}/in", data={"things": [str(last)]})
    assert lending.state(agreement) == "returned"


def test_more_time_is_asked_for_and_given(lending: Lending) -> None:
    agreement = lending.out(lending.item())
    ben, lena = logged_in(lending, "borrower"), logged_in(lending, "lender")
    assert (
        ben.post(f"/loans/{agreement.id}/more-time", data={"ends_on": "2027-03-01", "ends_time": "09:00"}).status_code
        == 422
    )
    ben.post(f"/loans/{agreement.id}/more-time", data={"ends_on": "2027-03-06", "ends_time": "10:00"})
    assert "More time is asked for" in page_text(lena.get(f"/agreements/{agreement.id}"))
    lena.post(f"/loans/{agreement.id}/more-time/grant")
    assert lending.loan(agreement).ends_at.isoformat() == "2027-03-06T09:00:00+00:00"


def test_the_agreements_page_costs_the_same_however_often_it_went_back_and_forth(
    lending: Lending, statements: Any
) -> None:
    agreement = lending.out(lending.item(units=3), count=3)
    ben = logged_in(lending, "borrower")
    borrower, lender = lending.as_borrower(agreement), lending.as_lender(agreement)
    first, second, last = [one.id for one in lending.things(agreement)]

    def cost() -> int:
        ben.get(f"/agreements/{agreement.id}")
        with statements() as seen:
            ben.get(f"/agreements/{agreement.id}")
        return len(seen)

    handovers.record(agreement.id, borrower, "out", condition="A dent")
    handovers.record(agreement.id, lender, "in", things=[first])
    lending.claim(agreement, 500)
    before = cost()
    for _time in range(3):
        handovers.record(agreement.id, borrower, "out", condition="Two dents")
        handovers.record(agreement.id, lender, "out", condition="No dent")
        handovers.record(agreement.id, lender, "in", things=[second])
        lending.claim(agreement, 600)
    assert last
    assert cost() <= before


def test_a_rent_with_a_deposit_is_paid_on_the_banks_page_and_damage_is_taken_from_it(
    app: Flask, sandbox: Bank, factories: Factories, frozen: Any
) -> None:
    banked = Banked(app, sandbox, factories, frozen)
    item = banked.item(price=True, instant=True, deposit_kind="held", deposit_minor=100_00, replacement_minor=300_00)
    ben = logged_in(banked, "borrower")
    answer = book(ben, item, banked.window())
    agreement = db.session.scalars(select(Agreement)).one()
    rent = banked.paid(agreement, "rent")
    assert answer.headers["Location"].endswith(f"/pay/{rent.id}")
    assert ben.get(f"/pay/{rent.id}").status_code == 200
    banked.give_card(agreement, "rent")
    assert banked.state(agreement) == "agreed"
    assert banked.loan(agreement).deposit_state in ("saved", "asked", "held")
    banked.to(banked.loan(agreement).starts_at)
    assert banked.loan(agreement).deposit_state == "held"
    lena = logged_in(banked, "lender")
    lena.post(f"/loans/{agreement.id}/out", data={"condition": "Fine"})
    banked.later(days=1)
    lena.post(f"/loans/{agreement.id}/in", data={"condition": "Broken"})
    lena.post(f"/loans/{agreement.id}/claim", data={"kind": "damage", "amount": "35", "note": "Broken"})
    claim_id = db.session.scalars(select(Claim.id)).one()
    ben.post(f"/loans/claims/{claim_id}/agree")
    banked.work()
    assert banked.loan(agreement).deposit_state == "captured"
    assert sorted(banked.captured()) == [(2000, 2000), (100_00, 35_00)]
    assert clock.now() > banked.loan(agreement).starts_at
    banked.world.prove()


def test_a_member_gets_what_loans_keep_and_photos_go_with_the_account(lending: Lending) -> None:
    agreement = lending.agreed(lending.item())
    lending.to(lending.loan(agreement).starts_at)
    lena = logged_in(lending, "lender")
    lena.post(f"/loans/{agreement.id}/out", data={"photos": photo()}, content_type="multipart/form-data")
    lending.later(hours=3)
    lending.back(agreement)
    lending.move(agreement, "close")
    kept = loan_members.export(lending.lender)
    assert [row["title"] for row in kept["loans"]] == ["A ladder"]
    assert len(kept["hand_overs"]) == 2
    key = db.session.scalars(select(Evidence.key)).one()
    assert storage().exists(key)
    with lending.app.test_request_context():
        closing.close(lending.lender, lending.factories.password, address=None)
    assert not storage().exists(key)


@pytest.mark.parametrize(("kind", "secured"), [("none", False), ("promised", False), ("card", True), ("held", True)])
def test_only_a_deposit_on_a_card_is_said_to_be_secured_by_it(
    app: Flask, frozen: Any, kind: str, secured: bool
) -> None:
    lending = Lending(app, Factories(), frozen)
    item = lending.item(price=True, instant=True, deposit_kind=kind, deposit_minor=50_00 if kind != "none" else 0)
    shown = logged_in(lending, "borrower").get(f"/items/{item}/book", query_string=wish_query(lending.window(), ZONE))
    assert "On the next page you choose how to pay." in page_text(shown)
    assert ("secures the deposit too" in page_text(shown)) is secured
