"""The member's own pages: what waits, what is theirs, profile, password, address, choices, data, public page."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, text

from marketplace import clock
from marketplace.agreements.models import OPEN
from marketplace.database import db, transaction
from marketplace.testing.clients import MarketplaceClient, client_of, page_text
from marketplace.testing.factories import Factories
from marketplace.testing.mailbox import Mailbox
from marketplace.testing.people import Auth
from marketplace.testing.statements import Statements
from marketplace.users import profile
from marketplace.users.models import User
from tests.core.account_loans import Lend, loan
from tests.core.test_users_login import is_member, log_in
from tests.core.test_users_registration import link_in

__all__ = ["loan"]

PAGES = (
    "/account", "/account/listings", "/account/agreements", "/account/agreements?role=owner", "/account/profile",
    "/account/password", "/account/email", "/account/sessions", "/account/notifications", "/account/data",
    "/account/close",
)  # fmt: skip
NEW = "een heel ander wachtwoord"


def again(user: User) -> User:
    return db.session.scalars(select(User).where(User.id == user.id).execution_options(populate_existing=True)).one()


@pytest.mark.parametrize("address", PAGES)
def test_every_page_is_for_members_and_kept_out_of_caches(client: MarketplaceClient, auth: Auth, address: str) -> None:
    assert client.get(address).location.startswith("/login?next=/account")
    auth.member()
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "address", ["profile", "password", "email", "notifications", "close", "sessions/1/end", "sessions/end-others"]
)
def test_no_page_takes_a_form_without_its_token(client: MarketplaceClient, auth: Auth, address: str) -> None:
    user = auth.member()
    assert client.post(f"/account/{address}", data={"name": "Changed"}, csrf=False).status_code == 400
    assert again(user).name == user.name
    assert client.put(f"/account/{address}").status_code == 405


def test_what_waits_is_one_list_with_the_most_urgent_on_top(
    client: MarketplaceClient, auth: Auth, loan: Lend, factories: Factories
) -> None:
    owner = auth.member(place="", about="")
    factories.listing(owner, state="draft", title="A half-written plan")
    loan(owner, waits_until=clock.now() + timedelta(days=1))
    page = page_text(client.get("/account"))
    assert "4 things wait for you" in page
    spots = [page.index(text) for text in ("Answer the question", "Say where you live", "A half-written plan")]
    assert spots[0] < min(spots[1:])


def test_ended_agreements_are_never_looked_through(app: Flask, factories: Factories) -> None:
    user = factories.user()
    plan = "EXPLAIN QUERY PLAN" if db.engine.dialect.name == "sqlite" else "EXPLAIN"
    for column in ("member_id", "owner_id"):
        asked = f"{plan} SELECT id FROM agreement WHERE {column} = :me AND {OPEN} ORDER BY id DESC LIMIT 25"
        with transaction() as session:
            if plan == "EXPLAIN":
                session.execute(text("SET LOCAL enable_seqscan = off"))
                session.execute(text("SET LOCAL enable_bitmapscan = off"))
            found = " ".join(str(row) for row in session.execute(text(asked), {"me": user.id}))
        assert f"ix_agreement_{column.removesuffix('_id')}_open" in found


def test_when_nothing_waits_the_page_says_so(client: MarketplaceClient, auth: Auth) -> None:
    auth.member(about="I have a drill.")
    assert "Nothing waits for you" in page_text(client.get("/account"))


@pytest.mark.parametrize("address", ["/account", "/account/agreements?role=owner", "/account/listings"])
def test_lists_need_as_many_statements_for_sixty_rows_as_for_one(
    client: MarketplaceClient, auth: Auth, loan: Lend, factories: Factories, statements: Callable[[], Statements],
    address: str,
) -> None:  # fmt: skip
    owner = auth.member()
    listing = factories.listing(owner, title="A cargo bike")
    loan(owner, listing=listing)
    client.get(address)
    with statements() as few:
        client.get(address)
    for _number in range(59):
        loan(owner, listing=listing)
        factories.listing(owner)
    with statements() as many:
        assert client.get(address).status_code == 200
    assert len(many) == len(few) <= 8, repr(many)


@pytest.mark.parametrize("address", ["/account/agreements?role=owner", "/account/listings"])
def test_paging_shows_every_row_once(
    client: MarketplaceClient, auth: Auth, loan: Lend, factories: Factories, address: str
) -> None:
    owner = auth.member()
    for number in range(45):
        listing = factories.listing(owner, title=f"Thing number {number:02}")
        loan(owner, listing=listing)
    found: list[str] = []
    for _page in range(10):
        body = client.get(address).get_data(as_text=True)
        found += [f"{number:02}" for number in range(45) if f"Thing number {number:02}<" in body]
        rest = body.partition('rel="next" href="')[2].partition('"')[0]
        if not rest:
            break
        address = rest.replace("&amp;", "&")
    assert sorted(found) == [f"{number:02}" for number in range(45)]


@pytest.mark.parametrize("mark", ["", "x", "-1", "1.5", "9" * 30, "\u0663", "%00"])
def test_a_page_mark_that_is_none_shows_the_first_page(client: MarketplaceClient, auth: Auth, mark: str) -> None:
    auth.member()
    for address in ("/account/listings", "/account/agreements"):
        assert client.get(f"{address}?before={mark}").status_code == 200


def test_others_see_neither_drafts_nor_agreements_of_a_member(
    client: MarketplaceClient, auth: Auth, loan: Lend, factories: Factories
) -> None:
    owner = factories.user()
    factories.listing(owner, state="draft", title="Nobody sees this")
    loan(owner)
    auth.member()
    for address in ("/account", "/account/listings", "/account/agreements", f"/members/{owner.id}"):
        page = page_text(client.get(address))
        assert "Nobody sees this" not in page
    assert "A cargo bike" not in page_text(client.get("/account/agreements?role=owner"))


def test_a_changed_profile_is_what_others_see(client: MarketplaceClient, auth: Auth) -> None:
    user = auth.member()
    facts = {"name": " Fenna de Wit ", "about": "I have a <drill>.", "place": "Utrecht", "locale": "nl"}
    assert client.post("/account/profile", data=facts).location == "/account/profile"
    changed = again(user)
    assert (changed.name, changed.locale) == ("Fenna de Wit", "nl")
    assert changed.lat == pytest.approx(52.09, abs=0.1)
    body = client_of(client.application).get(f"/members/{user.id}").get_data(as_text=True)
    assert "Fenna de Wit" in body
    assert "I have a &lt;drill&gt;." in body
    assert user.email not in body
    assert str(changed.lat) not in body


def test_moving_forgets_the_coordinates_of_the_former_place(client: MarketplaceClient, auth: Auth) -> None:
    user = auth.member(place="Utrecht", lat=52.0907, lon=5.1214)
    data = {"name": "F", "place": "Nowhere at all", "lat": "52.0907", "lon": "5.1214", "locale": "en"}
    page = client.post("/account/profile", data=data, follow_redirects=True)
    assert "know this place" in page_text(page)
    assert again(user).lat is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": ""}, "Fill this in"),
        ({"name": "x" * 81}, "at most 80"),
        ({"about": "x" * 2001}, "at most 2,000"),
        ({"place": "x" * 81}, "at most 80"),
        ({"lat": "52"}, "both coordinates"),
        ({"lat": "91", "lon": "5"}, "between -90 and 90"),
        ({"lat": "52", "lon": "nan"}, "between -180 and 180"),
        ({"lat": "north", "lon": "5"}, "Write degrees as a number"),
        ({"locale": "xx"}, "Choose one of these"),
    ],
)
def test_a_bad_profile_comes_back_with_a_message(
    client: MarketplaceClient, auth: Auth, changes: dict[str, str], said: str
) -> None:
    user = auth.member()
    answer = client.post("/account/profile", data={"name": "Fenna", "about": "Kept", "locale": "en", **changes})
    assert answer.status_code == 422
    assert said in page_text(answer)
    assert again(user).about == ""


def test_degrees_may_be_written_with_a_comma_and_zero_bytes_do_no_harm(client: MarketplaceClient, auth: Auth) -> None:
    user = auth.member()
    data = {"name": "Fe\0nna", "lat": "52,5", "lon": "5,25", "place": "Here", "locale": "en"}
    assert client.post("/account/profile", data=data).status_code == 302
    assert (again(user).name, again(user).lat, again(user).lon) == ("Fenna", 52.5, 5.25)


def test_a_new_password_ends_every_other_session_and_renews_this_one(
    client: MarketplaceClient, auth: Auth, factories: Factories
) -> None:
    user = auth.member()
    other = auth.client(user)
    stolen = client.get_cookie("session").value  # type: ignore[union-attr]
    answer = client.post("/account/password", data={"present": factories.password, "password": NEW})
    assert answer.location == "/account/profile"
    assert is_member(client)
    assert not is_member(other)
    thief = client_of(client.application)
    thief.set_cookie("session", stolen)
    assert not is_member(thief)
    assert log_in(thief, user.email, factories.password).status_code == 422
    assert log_in(thief, user.email, NEW).status_code == 302


def test_a_new_password_needs_the_present_one_and_strength(
    client: MarketplaceClient, auth: Auth, factories: Factories
) -> None:
    user = auth.member()
    wrong = client.post("/account/password", data={"present": "not this one", "password": NEW})
    assert wrong.status_code == 422
    assert "not your present password" in page_text(wrong)
    weak = client.post("/account/password", data={"present": factories.password, "password": "password123"})
    assert weak.status_code == 422
    assert again(user).password_hash == user.password_hash
    for _try in range(5):
        client.post("/account/password", data={"present": "not this one", "password": NEW})
    assert client.post("/account/password", data={"present": "x", "password": NEW}).status_code == 429


def test_a_forgotten_password_is_replaced_by_a_link_that_works_once(
    client: MarketplaceClient, auth: Auth, mailbox: Mailbox, factories: Factories
) -> None:
    user = factories.user()
    elsewhere = auth.client(user)
    known = client.post("/forgot", data={"email": user.email})
    unknown = client.post("/forgot", data={"email": "nobody@example.org"})
    assert page_text(known).replace(user.email, "nobody@example.org") == page_text(unknown)
    mailbox.deliver()
    (message,) = mailbox.messages
    link = link_in(message)
    assert user.email in page_text(client.get(link))
    assert client.post(link, data={"password": "short"}).status_code == 422
    assert client.post(link, data={"password": NEW}, csrf=False).status_code == 400
    assert client.post(link, data={"password": NEW}).location == "/login"
    assert not is_member(elsewhere)
    assert client.post(link, data={"password": "yet another password"}).status_code == 410
    assert log_in(client, user.email, NEW).status_code == 302


def test_a_reset_opens_an_account_that_guesses_had_shut(
    client: MarketplaceClient, mailbox: Mailbox, factories: Factories
) -> None:
    user = factories.user()
    for _try in range(6):
        log_in(client, user.email, "not this one, sorry")
    assert log_in(client, user.email, factories.password).status_code == 429
    client.post("/forgot", data={"email": user.email})
    mailbox.deliver()
    client.post(link_in(mailbox.messages[-1]), data={"password": NEW})
    assert log_in(client, user.email, NEW).status_code == 302


def test_a_blocked_or_closed_account_gets_no_link(
    client: MarketplaceClient, mailbox: Mailbox, factories: Factories
) -> None:
    for state in ("blocked", "closed"):
        client.post("/forgot", data={"email": factories.user(state=state).email})
    assert not mailbox.deliver()


def test_a_new_address_counts_once_it_is_confirmed(
    client: MarketplaceClient, auth: Auth, mailbox: Mailbox, factories: Factories
) -> None:
    user = auth.member(email="old@example.org")
    wrong = client.post("/account/email", data={"email": "new@example.org", "password": "not this one"})
    assert wrong.status_code == 422
    assert 'value="new@example.org"' in wrong.get_data(as_text=True)
    client.post("/account/email", data={"email": "New@Example.org", "password": factories.password})
    assert again(user).email == "old@example.org"
    mailbox.deliver()
    link = link_in(mailbox.to("new@example.org")[0])
    assert "new@example.org" in page_text(client.get(link))
    assert again(user).email == "old@example.org"
    assert client.post(link).location == "/account/profile"
    assert again(user).email == "new@example.org"
    mailbox.deliver()
    assert "new@example.org" in Mailbox.text(mailbox.to("old@example.org")[0])
    assert client.post(link).status_code == 410


def test_an_address_of_another_member_is_neither_taken_nor_betrayed(
    client: MarketplaceClient, auth: Auth, mailbox: Mailbox, factories: Factories
) -> None:
    other = factories.user(name="Somebody else")
    user = auth.member()
    taken = client.post("/account/email", data={"email": other.email, "password": factories.password})
    assert taken.location == "/account/profile"
    mailbox.deliver()
    assert "already have an account" in mailbox.to(other.email)[0]["Subject"]
    client.post("/account/email", data={"email": "free@example.org", "password": factories.password})
    mailbox.deliver()
    link = link_in(mailbox.to("free@example.org")[0])
    factories.user(email="free@example.org")
    assert client.post(link).status_code == 410
    assert again(user).email == user.email


def test_choices_about_mail_are_kept(client: MarketplaceClient, auth: Auth) -> None:
    user = auth.member()
    assert client.get("/account/notifications").get_data(as_text=True).count("checked") == 5
    client.post("/account/notifications", data={"groups": ["messages", "payments"]})
    assert set(again(user).mail_choices.split(",")) == {"agreements", "listings", "community"}
    assert client.post("/account/notifications", data={"groups": ["nonsense"]}).status_code == 422
    client.post("/account/notifications", data={"csrf_token": client.csrf_token()})
    assert len(again(user).mail_choices.split(",")) == 5


def test_the_download_holds_everything_and_no_secret(
    client: MarketplaceClient, auth: Auth, loan: Lend, factories: Factories
) -> None:
    user = auth.member(about="I have a drill.")
    other = factories.user(about="Not mine")
    made = loan(other, user)
    factories.listing(user, title="My own thing")
    answer = client.get("/account/data")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="my-data-{user.id}.json"'
    data = json.loads(answer.data)
    assert data["account"]["email"] == user.email
    assert data["account"]["created_at"].endswith("+00:00")
    assert [row["id"] for row in data["agreements"]] == [made.id]
    assert data["listings"][0]["title"] == "My own thing"
    assert "plugins" in data
    for secret in (user.password_hash, "token_hash", "Not mine", other.email):
        assert secret not in answer.get_data(as_text=True)


def test_a_member_page_shows_what_is_offered_now(client: MarketplaceClient, factories: Factories) -> None:
    owner = factories.user(name="Fenna de Wit", place="Jordaan, Amsterdam")
    for number in range(14):
        factories.listing(owner, title=f"Thing number {number:02}")
    factories.listing(owner, state="closed", title="No longer there")
    page = client.get(f"/members/{owner.id}")
    text = page_text(page)
    assert "Fenna de Wit" in text
    assert "Jordaan, Amsterdam" in text
    assert "Thing number 13" in text
    assert "Thing number 01" not in text
    assert "No longer there" not in text
    following = page.get_data(as_text=True).partition('rel="next" href="')[2].partition('"')[0]
    assert "Thing number 01" in page_text(client.get(following))


def test_blocked_closed_and_unknown_members_have_no_page(client: MarketplaceClient, factories: Factories) -> None:
    for number in (factories.user(state="blocked").id, factories.user(state="closed").id, 999999, 10**30):
        assert client.get(f"/members/{number}").status_code == 404


def test_a_profile_changed_in_two_places_keeps_the_last(app: Flask, factories: Factories) -> None:
    user = factories.user()
    with app.test_request_context():
        for name in ("First", "Second"):
            profile.update(user.id, profile.Profile(name, "", "", None, None, "en"))
    assert again(user).name == "Second"
    with transaction() as session:
        assert session.get_one(User, user.id).name == "Second"
