"""Registering and confirming, and that neither tells who is a member."""

import re
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from marketplace.database import db
from marketplace.errors import InvalidInput
from marketplace.testing.clients import MarketplaceClient, client_of, page_text
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from marketplace.testing.mailbox import Mailbox
from marketplace.users import accounts, throttle
from marketplace.users.accounts import NewMember
from marketplace.users.models import User
from tests.core.test_users_login import is_member, log_in

FENNA = {"name": "Fenna de Wit", "email": "fenna@example.org", "password": "een fiets in de tuin", "locale": "en"}


def register(client: MarketplaceClient, **changes: str) -> TestResponse:
    return client.post("/register", data={**FENNA, **changes})


def link_in(message: EmailMessage) -> str:
    found = re.search(r"http://127\.0\.0\.1:8000(/\S+)", Mailbox.text(message))
    assert found, Mailbox.text(message)
    return found[1]


def newest_link(mailbox: Mailbox, address: str = FENNA["email"]) -> str:
    mailbox.deliver()
    return link_in(mailbox.to(address)[-1])


def fenna() -> User:
    return db.session.scalars(select(User).where(User.email == FENNA["email"])).one()


def test_registering_confirming_and_being_in(client: MarketplaceClient, mailbox: Mailbox) -> None:
    sent = register(client)
    assert sent.location == "/register/sent"
    assert FENNA["email"] in page_text(client.get(sent.location))
    assert not is_member(client)
    link = newest_link(mailbox)
    assert mailbox.messages[-1]["Subject"] == "Confirm your address at Buurtdeel"
    asked = client.get(link)
    assert "Fenna de Wit" in page_text(asked)
    assert fenna().email_confirmed_at is None, "a mail program that looks at links ahead must not confirm"
    answer = client.post(link)
    assert answer.location == "/account"
    assert is_member(client)
    assert fenna().email_confirmed_at is not None


def test_whoever_chose_another_language_than_the_visit_is_welcomed_in_it(
    client: MarketplaceClient, mailbox: Mailbox
) -> None:
    sent = register(client, locale="nl")
    assert "Kijk in je mail" in page_text(client.get(sent.location)), "also before anybody is logged in"
    client.post(newest_link(mailbox))
    assert "Je adres is bevestigd" in page_text(client.get("/account"))


def test_another_browser_that_confirms_still_needs_the_password(client: MarketplaceClient, mailbox: Mailbox) -> None:
    register(client)
    phone = client_of(client.application)
    assert phone.post(newest_link(mailbox)).location == "/login"
    assert not is_member(phone)
    assert log_in(phone, FENNA["email"], FENNA["password"]).location == "/account"


def test_a_link_confirms_once(client: MarketplaceClient, mailbox: Mailbox) -> None:
    register(client)
    link = newest_link(mailbox)
    other = client_of(client.application)
    other.post(link)
    for answer in (client.get(link), client.post(link)):
        assert answer.status_code == 410
        assert "used before" in page_text(answer)
    assert not is_member(client)


def test_a_link_is_too_old_after_three_days(client: MarketplaceClient, mailbox: Mailbox, frozen: FrozenClock) -> None:
    frozen.at("2026-11-21T12:00:00")
    register(client)
    link = newest_link(mailbox)
    frozen.forward(days=3, seconds=1)
    assert "too old" in page_text(client.get(link))
    assert fenna().email_confirmed_at is None


@pytest.mark.parametrize("mangle", ["rubbish", "", ".", "a.b", "%00", "é", "x" * 4000])
def test_a_forged_link_is_refused_in_words(client: MarketplaceClient, mangle: str) -> None:
    for page in ("/confirm/", "/reset/", "/new-email/"):
        if mangle:
            answer = client.get(page + mangle)
            assert answer.status_code == 410
            assert "not complete" in page_text(answer)


def test_a_link_for_one_thing_does_not_work_for_another(client: MarketplaceClient, mailbox: Mailbox) -> None:
    register(client)
    token = newest_link(mailbox).rpartition("/")[2]
    assert client.get(f"/reset/{token}").status_code == 410
    assert client.get(f"/new-email/{token}").status_code == 410
    assert client.get(f"/confirm/{token[:-3]}").status_code == 410


def test_an_address_that_has_an_account_gets_the_same_page_and_another_mail(
    client: MarketplaceClient, factories: Factories, mailbox: Mailbox
) -> None:
    owner = factories.user(email=FENNA["email"], name="The owner", locale="en")
    fresh = client_of(client.application)
    known, unknown = register(client), register(fresh, email="new@example.org")
    assert (known.status_code, known.location) == (unknown.status_code, unknown.location)
    pages = [page_text(who.get("/register/sent")) for who in (client, fresh)]
    assert pages[0].replace(FENNA["email"], "new@example.org") == pages[1]
    mailbox.deliver()
    (message,) = mailbox.to(owner.email)
    assert "already have an account" in message["Subject"]
    assert "The owner" in Mailbox.text(message)
    assert "Fenna" not in Mailbox.text(message)
    assert db.session.scalar(select(func.count()).select_from(User)) == 2


def test_registering_does_not_change_an_account(client: MarketplaceClient, factories: Factories) -> None:
    owner = factories.user(email=FENNA["email"], name="The owner")
    register(client)
    assert not is_member(client)
    assert log_in(client, owner.email, FENNA["password"]).status_code == 422
    assert log_in(client, owner.email, factories.password).status_code == 302
    assert fenna().name == "The owner"


def test_nobody_can_occupy_the_address_of_somebody_else(client: MarketplaceClient, mailbox: Mailbox) -> None:
    thief = client_of(client.application)
    register(thief, name="A thief", password="the thief knows this one")
    register(client)
    mailbox.deliver()
    thiefs, mine = (link_in(message) for message in mailbox.to(FENNA["email"]))
    assert client.get(thiefs).status_code == 410
    client.post(mine)
    assert is_member(client)
    assert fenna().name == "Fenna de Wit"
    assert log_in(thief, FENNA["email"], "the thief knows this one").status_code == 422


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"email": "no address"}, "not an e-mail address"),
        ({"email": "a@b"}, "not an e-mail address"),
        ({"email": "x" * 250 + "@example.org"}, "too long"),
        ({"email": ""}, "Fill this in"),
        ({"name": "   "}, "Fill this in"),
        ({"name": "x" * 81}, "at most 80"),
        ({"password": "short"}, "at least 10"),
        ({"password": "Fenna de Wit"}, "Your name or e-mail"),
        ({"password": "password123"}, "list of guesses"),
        ({"locale": "xx"}, "Choose one of these"),
    ],
)
def test_bad_input_comes_back_with_a_message_and_what_was_typed(
    client: MarketplaceClient, changes: dict[str, str], said: str
) -> None:
    answer = register(client, **changes)
    assert answer.status_code == 422
    assert said in page_text(answer)
    typed = {**FENNA, **changes}
    body = answer.get_data(as_text=True)
    for name in ("name", "email"):
        if typed[name].strip():
            assert f'value="{typed[name]}"' in body
    assert not db.session.scalar(select(func.count()).select_from(User))


def test_all_faults_are_told_at_once(client: MarketplaceClient) -> None:
    page = page_text(register(client, name="", email="no address", password="short"))
    assert "3 things need another look" in page


def test_a_form_without_its_token_registers_nobody(client: MarketplaceClient) -> None:
    assert client.post("/register", data=FENNA, csrf=False).status_code == 400
    assert not db.session.scalar(select(func.count()).select_from(User))


def test_addresses_are_one_whatever_their_capitals(app: Flask) -> None:
    with app.test_request_context():
        first = accounts.create(NewMember("Fenna", " Fenna@Example.ORG ", FENNA["password"], "nl"), confirmed=True)
        assert first.email == "fenna@example.org"
        with pytest.raises(InvalidInput):
            accounts.create(NewMember("Fenna", "FENNA@example.org", FENNA["password"], "nl"))


def test_ten_registrations_of_one_address_at_once_make_one_account(app: Flask) -> None:
    def once(number: int) -> bool:
        with app.test_request_context():
            try:
                return accounts.register(NewMember(f"F {number}", FENNA["email"], FENNA["password"], "en")) is not None
            finally:
                db.session.remove()

    with ThreadPoolExecutor(5) as pool:
        made = list(pool.map(once, range(10)))
    assert made.count(True) == 1
    assert db.session.scalar(select(func.count()).select_from(User)) == 1


def test_the_mail_can_be_sent_again_a_few_times_an_hour(
    client: MarketplaceClient, factories: Factories, mailbox: Mailbox
) -> None:
    register(client)
    confirmed = factories.user()
    for _try in range(8):
        answer = client.post("/confirm", data={"email": FENNA["email"]})
        assert answer.status_code == 200
        assert page_text(answer) == page_text(client.post("/confirm", data={"email": FENNA["email"]}))
    client.post("/confirm", data={"email": confirmed.email})
    client.post("/confirm", data={"email": "nobody@example.org"})
    mailbox.deliver()
    assert len(mailbox.to(FENNA["email"])) == 1 + throttle.MAILS_PER_HOUR
    assert not mailbox.to(confirmed.email)
    assert not mailbox.to("nobody@example.org")


def test_where_the_site_does_not_want_confirmed_addresses_registering_logs_in(make_app, mailbox: Mailbox) -> None:  # type: ignore[no-untyped-def]
    open_app = make_app(require_confirmed_mail=False)
    client = client_of(open_app)
    assert register(client).location == "/account"
    page = page_text(client.get("/account"))
    assert "Confirm your e-mail address" in page


def test_the_way_goes_on_where_it_began(client: MarketplaceClient, mailbox: Mailbox) -> None:
    client.post("/register?next=/campaigns/3-a-garden", data=FENNA)
    assert client.post(newest_link(mailbox)).location == "/campaigns/3-a-garden"


def test_a_member_has_no_use_for_the_form(client: MarketplaceClient, auth) -> None:  # type: ignore[no-untyped-def]
    auth.member()
    assert client.get("/register").location == "/account"


def test_the_mail_is_written_in_the_chosen_language_and_pages_hold_no_cache(client: MarketplaceClient) -> None:
    register(client, locale="nl")
    assert fenna().locale == "nl"
    assert client.get("/register").headers["Cache-Control"] == "no-store"
