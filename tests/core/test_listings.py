"""Listings: drafted, changed, published, closed, opened again and removed, each by those who may."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from marketplace.admin.models import AuditEntry
from marketplace.database import db
from marketplace.errors import Conflict, Forbidden, InvalidInput, NotFound, Refused
from marketplace.listings import service, text
from marketplace.listings.models import Listing
from marketplace.money import Money
from marketplace.notifications.models import Notification
from marketplace.settings import service as settings
from marketplace.testing.clients import MarketplaceClient, refresh
from marketplace.testing.factories import Factories
from marketplace.testing.people import Auth

TEXT = "A cordless drill with two batteries, good as new."


class Elements(HTMLParser):
    """The elements, attributes and links of a piece of HTML, as a browser would find them."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember an element."""
        self.tags.add(tag)
        self.attributes |= {(tag, name) for name, _ in attrs}
        self.addresses += [value or "" for name, value in attrs if name == "href"]


def drafted(factories: Factories, **facts: Any) -> Listing:
    """Make a draft through the service, complete enough to be published."""
    owner = facts.pop("owner", None) or factories.user()
    return service.create_draft(
        "notice", owner=owner, **{"title": "Cordless drill", "body_md": TEXT, "place": "Jordaan", **facts}
    )


def test_a_draft_keeps_what_was_said_and_what_follows_from_it(app: Flask, factories: Factories) -> None:
    listing = drafted(factories, title="  Groene Tuin: één bank! ", price=Money(1250, "EUR"), price_unit="day")
    assert (listing.state, listing.title, listing.slug) == ("draft", "Groene Tuin: één bank!", "groene-tuin-een-bank")
    assert listing.place == "Jordaan, Amsterdam"
    assert (listing.price_minor, listing.price_unit, listing.currency) == (1250, "day", "EUR")
    assert listing.summary == TEXT
    assert listing.body_html == f"<p>{TEXT}</p>\n"


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"title": "ab"}, "title"),
        ({"title": "x" * 121}, "title"),
        ({"body_md": "x" * 20_001}, "body_md"),
        ({"category": "weapons"}, "category"),
        ({"place": "Xyzzyville"}, "place"),
        ({"lat": 91.0, "lon": 4.0}, "place"),
        ({"lat": float("nan"), "lon": 4.0}, "place"),
        ({"lat": 52.0}, "place"),
        ({"price": Money(-1, "EUR")}, "price"),
        ({"price": Money(100, "USD")}, "price"),
        ({"price": Money(100, "EUR"), "price_unit": "fortnight"}, "price_unit"),
        ({"summary": "x" * 201}, "summary"),
    ],
)
def test_facts_that_can_not_be_right_are_refused_beside_their_field(
    app: Flask, factories: Factories, facts: dict[str, Any], field: str
) -> None:
    owner = factories.user()
    with pytest.raises(InvalidInput) as refused:
        drafted(factories, owner=owner, **facts)
    assert set(refused.value.errors) == {field}
    assert db.session.scalars(select(Listing)).all() == []


def test_an_ambiguous_place_is_the_one_nearest_to_the_site(app: Flask, factories: Factories) -> None:
    assert drafted(factories, place="Centrum").place == "Centrum, Amsterdam"
    assert drafted(factories, place="centrum utrecht").place == "Centrum, Utrecht"


def test_publishing_names_everything_that_is_missing(app: Flask, factories: Factories) -> None:
    owner = factories.user(email_confirmed_at=None)
    listing = service.create_draft("notice", owner=owner, title="Drill")
    with pytest.raises(service.NotReady) as refused:
        service.publish(listing.id, actor=owner)
    assert len(refused.value.problems) == 3
    assert db.session.get(Listing, listing.id, populate_existing=True).state == "draft"


def test_a_listing_goes_through_its_life_and_keeps_its_first_date(app: Flask, factories: Factories) -> None:
    listing = drafted(factories)
    owner = db.session.get(service.User, listing.owner_id)
    published = service.publish(listing.id, actor=owner).published_at
    assert published is not None
    with pytest.raises(Refused):
        service.publish(listing.id, actor=owner)
    assert service.close(listing.id, actor=owner).state == "closed"
    with pytest.raises(Refused):
        service.close(listing.id, actor=owner)
    again = service.reopen(listing.id, actor=owner)
    assert (again.state, again.published_at) == ("published", published)


def test_only_the_owner_changes_and_strangers_learn_nothing_of_a_draft(app: Flask, factories: Factories) -> None:
    draft, public = drafted(factories), factories.listing()
    stranger, operator = factories.user(), factories.operator()
    for act in (service.publish, service.close, service.update):
        with pytest.raises(NotFound):
            act(draft.id, actor=stranger)
    with pytest.raises(Forbidden):
        service.update(public.id, actor=stranger, title="Mine now")
    with pytest.raises(Forbidden):
        service.update(public.id, actor=operator, title="Ours now")
    with pytest.raises(NotFound):
        service.visible(draft.id, stranger)
    assert service.visible(draft.id, operator).id == draft.id


def test_of_two_people_who_change_the_same_version_the_second_is_told(app: Flask, factories: Factories) -> None:
    listing = drafted(factories)
    owner = db.session.get(service.User, listing.owner_id)
    seen = listing.version

    def change(title: str) -> str:
        with app.app_context():
            try:
                service.update(listing.id, actor=db.session.get(service.User, owner.id), version=seen, title=title)
            except Conflict:
                return "conflict"
            return "saved"

    with ThreadPoolExecutor(6) as pool:
        outcomes = sorted(pool.map(change, [f"Drill number {number}" for number in range(6)]))
    assert outcomes == ["conflict"] * 5 + ["saved"]
    refresh()
    assert db.session.get(Listing, listing.id, populate_existing=True).version == seen + 1


def test_an_operator_removes_with_a_reason_that_the_owner_reads_and_the_trail_keeps(
    app: Flask, factories: Factories
) -> None:
    listing, operator = factories.listing(), factories.operator()
    with pytest.raises(Refused):
        service.remove(listing.id, actor=operator, reason="  ")
    with pytest.raises(Forbidden):
        service.remove(listing.id, actor=factories.user(), reason="I dislike it")
    assert service.remove(listing.id, actor=operator, reason="Stolen goods").state == "removed"
    entry = db.session.scalars(select(AuditEntry)).one()
    assert (entry.actor_id, entry.action, entry.subject_id) == (operator.id, "listing.removed", str(listing.id))
    told = db.session.scalars(select(Notification)).one()
    assert (told.user_id, told.params["reason"]) == (listing.owner_id, "Stolen goods")
    owner = db.session.get(service.User, listing.owner_id)
    with pytest.raises(Forbidden):
        service.reopen(listing.id, actor=owner)


def test_nobody_has_more_open_listings_than_the_site_allows(app: Flask, factories: Factories) -> None:
    owner = factories.user()
    settings.set_value("listings.most_open", 2, None)
    drafted(factories, owner=owner)
    drafted(factories, owner=owner)
    with pytest.raises(Refused) as refused:
        drafted(factories, owner=owner)
    assert refused.value.code == "quota"


def test_a_kind_that_is_off_is_not_drafted_and_its_pages_say_so(
    make_app: Callable[..., Flask], client: MarketplaceClient, factories: Factories
) -> None:
    listing = factories.listing(kind="ghost", title="A ghost")
    page = client.get(f"/listings/{listing.id}-{listing.slug}")
    assert page.status_code == 404
    assert "Not offered here at the moment" in page.text
    assert "A ghost" not in client.get("/discover").text
    with pytest.raises(Refused):
        service.create_draft("ghost", owner=factories.user(), title="Another ghost")


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[a](javascript:alert(1))",
        "[a](  JaVaScRiPt:alert(1))",
        "[a](data:text/html;base64,PHNjcmlwdD4=)",
        "<a href='vbscript:x'>x</a>",
        "![x](https://evil.example/track.png)",
        "<svg/onload=alert(1)>",
        "`<script>`\n\n    <script>alert(1)</script>",
        "<iframe src=//evil.example></iframe>",
        '[x](https://a.example" onmouseover="alert(1))',
    ],
)
def test_no_text_becomes_a_program(client: MarketplaceClient, factories: Factories, hostile: str) -> None:
    listing = drafted(factories, body_md=f"{hostile}\n\nSome more text to be long enough.")
    owner = db.session.get(service.User, listing.owner_id)
    service.publish(listing.id, actor=owner)
    seen = Elements()
    seen.feed(listing.body_html)
    assert seen.tags <= text.TAGS
    assert seen.attributes <= {("a", "href"), ("a", "rel")}
    assert all(address.startswith(("https://", "http://", "mailto:")) for address in seen.addresses)
    shown = client.get(f"/listings/{listing.id}-{listing.slug}").text
    assert listing.body_html in shown


def test_links_in_texts_give_no_trust_away(app: Flask, factories: Factories) -> None:
    listing = drafted(factories, body_md="See [this](https://example.org) and **that**, both are here.\n\n# Big")
    assert 'rel="nofollow ugc noopener"' in listing.body_html
    assert "<h3>Big</h3>" in listing.body_html


def test_foreign_and_absent_listings_look_the_same(auth: Auth, client: MarketplaceClient, factories: Factories) -> None:
    draft = drafted(factories)
    auth.member()
    for path in ("", "/edit", "/pictures", "/report"):
        foreign, absent = client.get(f"/listings/{draft.id}{path}"), client.get(f"/listings/999999{path}")
        assert (foreign.status_code, absent.status_code) == (404, 404)
    assert client.post(f"/listings/{draft.id}/publish").status_code == 404
    assert client.get("/listings/99999999999999999999999").status_code == 404
