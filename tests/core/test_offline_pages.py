"""Pages and API of payments by hand and of bills: who sees what, what is refused beside its field, and nothing by accident."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime

import pytest
from flask import Flask
from sqlalchemy import select

from marketplace import clock
from marketplace.database import db
from marketplace.errors import InvalidInput
from marketplace.payments import service
from marketplace.payments.billing.models import Bill, BillingDetails
from marketplace.payments.models import OfflineReceipt, Payment
from marketplace.payments.offline import receipts, reversing
from marketplace.payments.offline.reference import in_groups
from marketplace.testing.clients import MarketplaceClient, page_text, refresh
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from marketplace.testing.people import Auth
from marketplace.users.export import everything
from marketplace.users.models import User
from tests.core.api_caller import Caller
from tests.core.offline_world import THEIRS, OfflineWorld, without_a_provider


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Iterator[Flask]:
    """Give an app that talks to no provider at all."""
    with without_a_provider(make_app) as made:
        yield made


@pytest.fixture
def world(app: Flask, factories: Factories) -> OfflineWorld:
    """Give a marketplace without a provider."""
    return OfflineWorld(app, factories)


def payer_of(payment: Payment) -> User:
    return db.session.get_one(User, payment.payer_id)


def form(**facts: str) -> dict[str, str]:
    day = clock.now().date().isoformat()
    return {"nonce": "a-form-of-somebody", "received_on": day, "way": "bank", "amount": "50", **facts}


def test_the_payer_reads_where_to_pay_and_the_other_party_does_not(world: OfflineWorld, auth: Auth) -> None:
    payment = world.payment(5000)
    reference = in_groups(world.request(payment).reference)
    page = auth.client(payer_of(payment)).get(f"/pay/{payment.id}").text
    assert reference in page
    assert "NL91 ABNA 0417 1643 00" in page
    assert reference not in auth.client(world.owner).get(f"/pay/{payment.id}").text
    assert auth.client(world.factories.user()).get(f"/pay/{payment.id}").status_code == 404


def test_without_any_way_to_pay_the_page_says_so(world: OfflineWorld, auth: Auth) -> None:
    payment = service.request_payment(world.agreement(), "pledge", world.seen(5000).amount)
    world.set(**{"offline.account": "", "offline.desk": "", "offline.between_members": "off"})
    page = page_text(auth.client(payer_of(payment)).get(f"/pay/{payment.id}"))
    assert "No way to pay is switched on" in page


def test_pages_of_the_provider_lead_back_where_there_is_none(world: OfflineWorld, auth: Auth) -> None:
    client = auth.client(world.owner)
    for path in ("/account/payments/cards", "/account/payments/payouts"):
        answer = client.post(path)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/account/payments")
    assert "Save a card" not in client.get("/account/payments").text


def test_the_receiver_confirms_cash_in_parts(world: OfflineWorld, auth: Auth) -> None:
    payment = world.payment(5000, "cash_owner")
    owner = auth.client(world.owner)
    assert f"/pay/{payment.id}/received" in owner.get(f"/pay/{payment.id}").text
    assert auth.client(payer_of(payment)).get(f"/pay/{payment.id}/received").status_code == 404
    wrong = owner.post(f"/pay/{payment.id}/received", data=form(amount="nothing"))
    assert (wrong.status_code, 'value="nothing"' in wrong.text) == (422, True)
    for number, amount in enumerate(("20", "30")):
        for _twice in range(2):
            owner.post(f"/pay/{payment.id}/received", data=form(amount=amount, nonce=f"part-number-{number}"))
    assert world.fresh(payment).state == "succeeded"
    assert [row.amount_minor for row in db.session.scalars(select(OfflineReceipt))] == [2000, 3000]


def test_cash_that_has_to_go_back_is_confirmed_on_the_payments_page(world: OfflineWorld, auth: Auth) -> None:
    payment = world.payment(5000, "cash_owner")
    receipts.enter(world.request(payment).id, world.seen(5000), world.owner.id, payee=True)
    refund = service.refund(payment, world.seen(2000).amount)
    world.work()
    address = f"/pay/{payment.id}/handed-back/{refund.id}"
    owner, payer = auth.client(world.owner), auth.client(payer_of(payment))
    assert address in owner.get(f"/pay/{payment.id}").text
    assert address not in payer.get(f"/pay/{payment.id}").text
    assert payer.post(address).status_code == 404
    assert owner.post(address).status_code == 303
    assert world.refunds(payment)[0].state == "succeeded"


def test_today_is_the_sites_day_also_while_it_is_still_yesterday_in_utc(
    world: OfflineWorld, auth: Auth, frozen: FrozenClock
) -> None:
    frozen.at(datetime.fromisoformat("2027-07-01T22:30:00+00:00"))  # the second of July in Amsterdam
    payment = world.payment(5000, "cash_owner")
    request = world.request(payment).id
    with pytest.raises(InvalidInput, match="not come yet"):
        receipts.enter(request, world.seen(5000, on=date(2027, 7, 3)), world.owner.id, payee=True)
    receipts.enter(request, world.seen(5000, on=date(2027, 7, 2)), world.owner.id, payee=True)
    refund = service.refund(payment, world.seen(2000).amount)
    world.work()
    auth.client(world.owner).post(f"/pay/{payment.id}/handed-back/{refund.id}")
    refresh()
    assert world.refunds(payment)[0].state == "succeeded"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [({"amount": "0"}, "least amount"), ({"amount": "1e9"}, "not an amount"), ({"received_on": "2999-01-01"}, "not come yet"),
     ({"received_on": "soon"}, "not a date"), ({"way": "owner"}, "choose one of these"), ({"nonce": ""}, "fill this in")],
)  # fmt: skip
def test_what_an_operator_typed_wrongly_stands_beside_its_field_and_books_nothing(
    world: OfflineWorld, auth: Auth, wrong: dict[str, str], told: str
) -> None:
    payment = world.payment(5000)
    address = f"/operator/incoming/{world.request(payment).id}"
    answer = auth.client(world.anna).post(address, data=form(**wrong))
    assert answer.status_code == 422
    assert told in answer.text.lower()
    assert world.bank() == 0


def test_what_an_operator_enters_is_found_by_reference_name_and_amount(world: OfflineWorld, auth: Auth) -> None:
    payment = world.payment(5075)
    request = world.request(payment)
    operator = auth.client(world.anna)
    for q in (request.reference, in_groups(request.reference).lower(), "Petra", "50,75", "bench"):
        assert f"/operator/incoming/{request.id}" in operator.get("/operator/incoming", query_string={"q": q}).text, q
    for q in ("Quentin", "51", "RF00", "%"):
        assert (
            f"/operator/incoming/{request.id}" not in operator.get("/operator/incoming", query_string={"q": q}).text
        ), q


def test_a_receipt_of_another_request_cannot_be_reached_through_this_one(world: OfflineWorld, auth: Auth) -> None:
    receipt = world.receive(world.payment(60000), 60000)
    other = world.request(world.payment(5000))
    for act in ("confirm", "reject", "reverse"):
        address = f"/operator/incoming/{other.id}/receipts/{receipt.id}/{act}"
        assert auth.client(world.bert).post(address, data={"reason": "why not"}).status_code == 404


def test_the_one_who_entered_it_gets_no_button_and_no_way_around(world: OfflineWorld, auth: Auth) -> None:
    receipt = world.receive(world.payment(60000), 60000)
    address = f"/operator/incoming/{receipt.request_id}/receipts/{receipt.id}/confirm"
    anna, bert = auth.client(world.anna), auth.client(world.bert)
    assert address not in anna.get(f"/operator/incoming/{receipt.request_id}").text
    assert anna.post(address, data={"reason": "me again"}).status_code == 409
    assert world.bank() == 0
    assert bert.post(address, data={"reason": "seen"}).status_code == 302
    assert world.bank() == 60000


def test_a_bank_account_with_a_typing_error_is_refused_and_kept_in_the_form(world: OfflineWorld, auth: Auth) -> None:
    client = auth.client(world.owner)
    answer = client.post("/account/payments/details", data={"account": "BE68 5390 0754 7035", "name": "Olaf"})
    assert (answer.status_code, "BE68 5390 0754 7035" in answer.text, "typing error" in answer.text) == (
        422,
        True,
        True,
    )
    assert db.session.get(BillingDetails, world.owner.id) is None
    assert client.post("/account/payments/details", data={"account": THEIRS}).status_code == 303
    assert "BE68 5390 0754 7034" in client.get("/account/payments/details").text


def test_a_changed_bank_account_is_told_by_mail(world: OfflineWorld, auth: Auth, mailbox: object) -> None:
    world.tell_account(world.owner)
    world.tell_account(world.owner, "NL91ABNA0417164300")
    world.tell_account(world.owner, "NL91ABNA0417164300")
    page = page_text(auth.client(world.owner).get("/notifications"))
    assert page.count("The bank account that we pay you on is now") == 2


def test_a_bill_is_seen_by_its_member_and_by_operators_only(world: OfflineWorld, auth: Auth) -> None:
    payment = world.payment(5000)
    world.receive(payment, 5000)
    bill = db.session.scalars(select(Bill)).one()
    assert bill.code in auth.client(payer_of(payment)).get(f"/account/bills/{bill.id}").text
    assert bill.code in auth.client(world.anna).get(f"/account/bills/{bill.id}").text
    assert auth.client(world.owner).get(f"/account/bills/{bill.id}").status_code == 404
    assert bill.code not in auth.client(world.owner).get("/account/bills").text


def test_a_bill_leads_to_what_it_corrects_and_to_what_corrects_it_and_to_no_other(
    world: OfflineWorld, auth: Auth
) -> None:
    payment = world.payment(5000)
    receipt = world.receive(payment, 5000)
    world.receive(world.payment(5000), 5000)
    reversing.reverse(receipt.id, world.bert.id, "not ours")
    world.work()
    reader = auth.client(payer_of(payment))
    wanted = select(Bill.id).order_by(Bill.id)
    first, other, credit = db.session.scalars(wanted).all()

    def leads_to(bill: int) -> set[int]:
        found = re.findall(r'href="/account/bills/(\d+)"', reader.get(f"/account/bills/{bill}").text)
        return {int(number) for number in found} - {bill}

    assert (leads_to(first), leads_to(credit)) == ({credit}, {first})
    assert auth.client(world.anna).get(f"/account/bills/{other}").status_code == 200


def test_bills_are_found_by_number_and_given_as_csv(world: OfflineWorld, client: MarketplaceClient, auth: Auth) -> None:
    for _payment in range(3):
        world.receive(world.payment(5000), 5000)
    operator, year = auth.client(world.anna), clock.now().year
    page = operator.get("/operator/bills", query_string={"q": f"R{year}-00002"}).text
    assert (f"R{year}-00002" in page, f"R{year}-00003" in page) == (True, False)
    lines = operator.get("/operator/bills.csv").text.splitlines()
    assert len(lines) == 4
    assert lines[1].split(",")[0] == f"R{year}-00001"
    assert operator.get("/operator/bills.csv?year=1999").text.count("\n") == 1
    assert operator.get("/operator/bills.csv?year=nonsense").status_code == 200


def test_a_program_chooses_to_pay_by_hand_reads_where_and_gets_the_receipt(world: OfflineWorld, app: Flask) -> None:
    payment = service.request_payment(world.agreement(), "pledge", world.seen(5000).amount)
    payer = Caller(app, payer_of(payment))
    assert payer.send("GET", f"/payments/{payment.id}/instructions").status_code == 404
    chosen = payer.send("PUT", f"/payments/{payment.id}/by-hand", {"kind": "bank_transfer"})
    assert (chosen.status_code, chosen.json["state"]) == (200, "ready")
    assert payer.send("PUT", f"/payments/{payment.id}/by-hand", {"kind": "gold"}).status_code == 422
    service.charge(payment)
    world.work()
    told = payer.send("GET", f"/payments/{payment.id}/instructions").json
    assert (told["account"], told["amount"], told["state"]) == (
        "NL91ABNA0417164300",
        {"minor": 5000, "currency": "EUR"},
        "open",
    )
    assert Caller(app, world.owner).send("GET", f"/payments/{payment.id}/instructions").status_code == 403
    world.receive(payment, 5000)
    (bill,) = payer.send("GET", "/me/bills").json["data"]
    assert (bill["total"]["minor"], bill["kind"]) == (5000, "receipt")
    details = payer.send("GET", f"/me/bills/{bill['id']}").json
    assert details["lines"][0]["net"]["minor"] == 5000
    assert Caller(app, world.owner).send("GET", f"/me/bills/{bill['id']}").status_code == 404


def test_a_members_own_data_holds_bills_and_details(world: OfflineWorld) -> None:
    payment = world.payment(5000)
    world.receive(payment, 5000)
    world.tell_account(payer_of(payment))
    refresh()
    data = everything(payer_of(payment))
    assert [bill["total_minor"] for bill in data["bills"]] == [5000]
    assert data["billing_details"][0]["account"] == THEIRS
