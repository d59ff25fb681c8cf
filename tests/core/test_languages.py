"""Every page speaks the language that its reader chose, as a whole, and choosing leads nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from flask_babel import force_locale
from markupsafe import escape

from marketplace import clock
from marketplace.database import db
from marketplace.listings.models import Listing
from marketplace.locale import COOKIE, catalogue_folders
from marketplace.notifications import mail as mails
from marketplace.notifications.kinds import GROUPS
from marketplace.templating import template_folder
from marketplace.testing.clients import MarketplaceClient, page_text
from marketplace.testing.factories import Factories
from marketplace.testing.people import Auth
from marketplace.users.models import User
from tests.core.english_left import Texts, english_left, forms, known

NOON = datetime(2026, 5, 11, 10, 30, tzinfo=UTC)
FOR_EVERYBODY = (
    "/",
    "/discover",
    "/discover?q=zaag&free=1&radius=5&place=Utrecht",
    "/login",
    "/register",
    "/forgot",
    "/nowhere",
)
FOR_MEMBERS = (
    "/account", "/account/listings", "/account/agreements", "/account/agreements?role=owner", "/account/profile",
    "/account/password", "/account/email", "/account/sessions", "/account/notifications", "/account/tokens",
    "/account/payments", "/account/close", "/messages", "/notifications", "/listings/new", "/listings/new/notice",
)  # fmt: skip
FOR_OPERATORS = (
    "/operator", "/operator/search?q=a", "/operator/members", "/operator/listings", "/operator/reports",
    "/operator/reports/messages", "/operator/agreements", "/operator/payments", "/operator/payouts", "/operator/gateway",
    "/operator/ledger", "/operator/jobs", "/operator/jobs/recurring", "/operator/plugins",
    "/operator/settings", "/operator/audit",
)  # fmt: skip


def language_of(client: MarketplaceClient, address: str = "/", **request: Any) -> str:
    """Ask for a page and tell in which language it says it is."""
    page = client.get(address, **request).get_data(as_text=True)
    return page.partition('<html lang="')[2].partition('"')[0]


@pytest.mark.parametrize(
    ("wish", "language"),
    [
        ("nl", "nl"),
        ("nl-BE,fr;q=0.5", "nl"),
        ("fr, nl;q=0.3, en;q=0.2", "nl"),
        ("en-GB", "en"),
        ("tlh", "en"),
        ("", "en"),
    ],
)
def test_a_guest_reads_what_the_browser_wishes_for(client: MarketplaceClient, wish: str, language: str) -> None:
    assert language_of(client, headers={"Accept-Language": wish}) == language


def test_a_guest_s_choice_goes_before_the_browser_s_and_stays(client: MarketplaceClient) -> None:
    answer = client.get("/language/nl?next=/discover")
    assert answer.location == "/discover"
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert language_of(client, headers={"Accept-Language": "en"}) == "nl"
    client.get("/language/en")
    assert language_of(client, headers={"Accept-Language": "nl"}) == "en"


def test_an_address_can_ask_for_a_language_for_once(client: MarketplaceClient) -> None:
    client.set_cookie(COOKIE, "en")
    assert language_of(client, "/?lang=nl") == "nl"
    assert language_of(client, "/") == "en"


@pytest.mark.parametrize("code", ["xx", "nl_NL", "..", "%00", "en;q=1"])
def test_a_language_that_the_site_does_not_speak_changes_nothing(client: MarketplaceClient, code: str) -> None:
    assert "Set-Cookie" not in client.get(f"/language/{code}").headers
    client.set_cookie(COOKIE, code)
    assert language_of(client, f"/?lang={code}") == "en"


def test_a_member_s_choice_goes_before_that_of_the_device(client: MarketplaceClient, auth: Auth) -> None:
    auth.member(locale="nl")
    client.set_cookie(COOKIE, "en")
    assert language_of(client, headers={"Accept-Language": "en"}) == "nl"


def test_a_member_chooses_with_one_press_and_it_is_kept_in_the_account(client: MarketplaceClient, auth: Auth) -> None:
    user = auth.member(locale="nl")
    assert 'action="/account/language/en"' in client.get("/discover").get_data(as_text=True)
    answer = client.post("/account/language/en", data={"next": "/discover?q=saw&lang=nl"})
    assert (answer.status_code, answer.location) == (302, "/discover?q=saw")
    assert language_of(client) == "en"
    assert db.session.get_one(User, user.id, populate_existing=True).locale == "en"
    client.post("/account/language/xx")
    assert db.session.get_one(User, user.id, populate_existing=True).locale == "en"


def test_nobody_else_can_press_it_for_a_member(client: MarketplaceClient, auth: Auth) -> None:
    user = auth.member(locale="nl")
    assert client.post("/account/language/en", csrf=False).status_code == 400
    assert client.get("/account/language/en").status_code == 405
    assert db.session.get_one(User, user.id, populate_existing=True).locale == "nl"


ELSEWHERE = (
    "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "/\n/evil.example",
    "/\r\nSet-Cookie: a=b", "javascript:alert(1)", " //evil.example", "evil.example", "", "/" + "a" * 5000,
)  # fmt: skip


@pytest.mark.parametrize("target", ELSEWHERE)
def test_choosing_a_language_leads_to_no_other_site(client: MarketplaceClient, auth: Auth, target: str) -> None:
    assert client.get("/language/nl", query_string={"next": target}).location == "/"
    auth.member()
    assert client.post("/account/language/nl", data={"next": target}).location == "/"


def test_choosing_a_language_leads_back_to_the_page_as_it_was(client: MarketplaceClient) -> None:
    asked = "/discover?q=caf%C3%A9+%26+co&free=1&lang=en&place="
    answer = client.get("/language/nl", query_string={"next": asked})
    assert answer.location == "/discover?q=caf%C3%A9+%26+co&free=1&place="


@pytest.fixture
def listing(factories: Factories) -> Listing:
    """Give a listing of somebody, with a price."""
    owner = factories.user(name="Fenna de Wit", about="Leen gerust.")
    return factories.listing(
        owner, title="Zaag", summary="Scherp", price_minor=1250, price_unit="day", category="tools"
    )


def address_of(listing: Listing) -> str:
    return f"/listings/{listing.id}-{listing.slug}"


def read(client: MarketplaceClient, addresses: Sequence[str]) -> dict[str, str]:
    """Get the pages; each has to say that it is Dutch."""
    pages = {address: client.get(address, headers={"Accept-Language": "nl"}) for address in addresses}
    assert {
        address: answer.status_code for address, answer in pages.items() if answer.status_code not in (200, 404)
    } == {}
    texts = {address: answer.get_data(as_text=True) for address, answer in pages.items()}
    assert [address for address, text in texts.items() if '<html lang="nl"' not in text] == []
    return texts


def left_on(client: MarketplaceClient, addresses: Sequence[str]) -> dict[str, list[str]]:
    """Give the English texts by page."""
    return {address: found for address, text in read(client, addresses).items() if (found := english_left(text))}


def test_no_page_for_everybody_has_english_left_in_dutch(client: MarketplaceClient, listing: Listing) -> None:
    assert left_on(client, [*FOR_EVERYBODY, address_of(listing), f"/members/{listing.owner_id}"]) == {}


def test_no_page_of_a_member_has_english_left(
    client: MarketplaceClient, auth: Auth, factories: Factories, listing: Listing
) -> None:
    factories.listing(auth.member(locale="nl", about="", place=""), state="draft", title="Ladder")
    assert left_on(client, [*FOR_MEMBERS, address_of(listing), f"/listings/{listing.id}/report"]) == {}


def test_no_page_of_operators_has_english_left(client: MarketplaceClient, auth: Auth, listing: Listing) -> None:
    auth.operator(locale="nl")
    about = [f"/operator/listings/{listing.id}", f"/operator/members/{listing.owner_id}"]
    assert left_on(client, [*FOR_OPERATORS, *about]) == {}
    proof = client.post("/operator/ledger/audit").get_data(as_text=True)
    assert "De boeken kloppen" in proof
    assert english_left(proof) == []


def test_a_wrong_form_is_answered_in_dutch_too(client: MarketplaceClient, auth: Auth) -> None:
    auth.member(locale="nl")
    answer = client.post("/account/profile", data={"name": "", "lat": "x", "locale": "xx"})
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert english_left(page) == []
    assert "Vul dit in." in page
    assert "Not a valid" not in page


FACTS = {
    "person": "Fenna", "reason": "Zo gaat dat niet.", "login_url": "/login", "reset_url": "/reset", "confirm_url": "/confirm",
    "days": 3, "hours": 1, "email": "fenna@example.org", "sender": "Ruben", "subject": "Zaag", "body": "Mag ik hem lenen?",
}  # fmt: skip


@pytest.mark.parametrize("template", sorted(path.stem for path in (template_folder() / "email").glob("*.txt")))
@pytest.mark.usefixtures("app")
def test_no_mail_has_english_left(template: str) -> None:
    kind = template if "." in template or template == "notification" else None
    mail = mails.compose(
        {"template": template, "params": FACTS, "kind": "messages.received" if kind else None},
        mails.Reader("fenna@example.org", "nl", "Fenna"),
    )
    lines = [mail.subject, *mail.body.splitlines()]
    assert len(lines) > 2
    assert english_left("".join(f"<p>{escape(line)}</p>" for line in lines)) == []


def test_the_search_for_english_finds_it(client: MarketplaceClient) -> None:
    found = english_left(client.get("/", headers={"Accept-Language": "en"}).get_data(as_text=True))
    assert {"Log in", "Search", "How it works", "Discover"} <= set(found)
    assert english_left('<img alt="Save"><p>Within  5 km</p><script>Save</script><b>Zaag</b>') == [
        "Save",
        "Within 5 km",
    ]
    assert Texts("<p>a<template>b</template>c</p>").found == ["a", "c"]
    assert forms("one") == ("one",)
    assert known("nl") is known("nl")


def test_dates_and_amounts_are_written_the_dutch_way(
    client: MarketplaceClient, listing: Listing, factories: Factories, frozen: Any
) -> None:
    frozen.at(NOON)
    dear = factories.listing(title="Huis", price_minor=1234567_00, price_unit="once", published_at=clock.now())
    pages = {code: page_text(client.get(address_of(dear), headers={"Accept-Language": code})) for code in ("nl", "en")}
    assert "€ 1.234.567" in pages["nl"]
    assert "11 mei 2026" in pages["nl"]
    assert "€1,234,567" in pages["en"]
    assert "11 May 2026" in pages["en"]
    price = page_text(client.get(address_of(listing) + "?lang=nl"))
    assert "€ 12,50 per dag" in price


def test_an_amount_that_was_refused_is_named_the_dutch_way(client: MarketplaceClient, auth: Auth) -> None:
    auth.member(locale="nl")
    page = page_text(client.post("/listings/new/notice", data={"title": "Boot", "price": "veel"}))
    assert "Dit is geen bedrag. Schrijf het als 25 of 25,50." in page


@pytest.mark.usefixtures("app")
def test_texts_of_a_module_wait_for_their_reader() -> None:
    label = GROUPS["messages"][0]
    said = []
    for code in ("nl", "en"):
        with force_locale(code):
            said.append(str(label))
    assert said == ["Berichten", "Messages"]


def test_plugins_bring_their_own_words_and_change_none_of_the_core_s() -> None:
    class Bare:
        """A plugin without a file, as tests have."""

    assert catalogue_folders([Bare]) == "translations"
    assert catalogue_folders([pytest]) == "translations"
