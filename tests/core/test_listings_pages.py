"""The pages of listings: writing, looking, reporting; and what happens when something is sent wrong."""

from flask import Flask
from sqlalchemy import select

from marketplace.database import db
from marketplace.listings import reports, service
from marketplace.listings.models import Listing, ListingReport
from marketplace.testing.clients import MarketplaceClient, page_text
from marketplace.testing.factories import Factories
from marketplace.testing.people import Auth

NOTICE = {
    "title": "Cordless drill",
    "category": "tools",
    "body_md": "Two batteries, and a box of **sharp** bits.",
    "place": "Jordaan",
    "price": "12,50",
    "price_unit": "day",
}


def only() -> Listing:
    """Return the one listing there is, fresh."""
    return db.session.scalars(select(Listing).execution_options(populate_existing=True)).one()


def test_a_member_writes_looks_and_publishes(auth: Auth, client: MarketplaceClient) -> None:
    auth.member()
    sent = client.post("/listings/new/notice", data=NOTICE)
    assert sent.status_code == 302
    listing = only()
    assert (listing.state, listing.price_minor, listing.price_unit) == ("draft", 1250, "day")
    page = client.get(sent.location)
    assert "This is a draft" in page.text
    assert "noindex" in page.text
    done = client.post(f"/listings/{listing.id}/publish", follow_redirects=True)
    assert "It is published" in done.text
    auth.logout()
    guest = client.get(sent.location)
    assert guest.status_code == 200
    assert "<strong>sharp</strong>" in guest.text
    assert "€12.50" in page_text(guest) or "€12,50" in page_text(guest)


def test_input_that_can_not_be_right_comes_back_with_a_message_beside_its_field(
    auth: Auth, client: MarketplaceClient
) -> None:
    auth.member()
    sent = client.post(
        "/listings/new/notice",
        data={**NOTICE, "title": "", "place": "Xyzzyville", "price": "a lot", "body_md": "<b>kept"},
    )
    assert sent.status_code == 422
    for field in ("title", "price"):
        assert f'id="{field}-error"' in sent.text
    assert "&lt;b&gt;kept" in sent.text
    assert "Xyzzyville" in sent.text
    sent = client.post("/listings/new/notice", data={**NOTICE, "place": "Amsterdm"})
    assert sent.status_code == 422
    assert 'id="place-error"' in sent.text
    assert "Amsterdam" in sent.text
    assert db.session.scalars(select(Listing)).all() == []


def test_a_stale_form_is_told_and_keeps_what_was_written(
    auth: Auth, client: MarketplaceClient, factories: Factories
) -> None:
    owner = auth.member()
    listing = service.create_draft("notice", owner=owner, title="Drill", body_md=NOTICE["body_md"], place="Jordaan")
    form = client.get(f"/listings/{listing.id}/edit")
    assert f'name="version" type="hidden" value="{listing.version}"' in form.text
    stale = {**NOTICE, "version": str(listing.version)}
    assert client.post(f"/listings/{listing.id}/edit", data={**stale, "title": "First"}).status_code == 302
    second = client.post(f"/listings/{listing.id}/edit", data={**stale, "title": "Second thoughts"})
    assert second.status_code == 422
    assert "changed in another window" in second.text
    assert "Second thoughts" in second.text
    assert only().title == "First"
    assert client.post(f"/listings/{listing.id}/edit", data={**stale, "version": "x" * 50}).status_code == 302


def test_a_guest_is_led_to_the_log_in_before_writing(client: MarketplaceClient) -> None:
    answer = client.get("/listings/new/notice")
    assert answer.status_code == 302
    assert "/login" in answer.location


def test_a_form_without_its_token_changes_nothing(auth: Auth, client: MarketplaceClient) -> None:
    auth.member()
    assert client.post("/listings/new/notice", data=NOTICE, csrf=False).status_code == 400
    assert db.session.scalars(select(Listing)).all() == []


def test_a_body_that_is_too_large_is_refused_with_a_page(auth: Auth, client: MarketplaceClient) -> None:
    auth.member()
    sent = client.post("/listings/new/notice", data={**NOTICE, "body_md": "x" * (13 * 1024 * 1024)})
    assert sent.status_code == 413
    assert "too large" in sent.text
    long = client.post("/listings/new/notice", data={**NOTICE, "body_md": "x" * 20_001})
    assert long.status_code == 422
    assert 'id="body_md-error"' in long.text
    assert db.session.scalars(select(Listing)).all() == []


def test_another_slug_leads_to_the_right_address(client: MarketplaceClient, factories: Factories) -> None:
    listing = factories.listing(title="Drill", slug="drill")
    answer = client.get(f"/listings/{listing.id}-something-else")
    assert (answer.status_code, answer.location) == (302, f"/listings/{listing.id}-drill")


def test_a_closed_listing_stays_to_be_read_and_a_removed_one_does_not(
    auth: Auth, client: MarketplaceClient, factories: Factories
) -> None:
    closed, removed = factories.listing(state="closed"), factories.listing(state="removed")
    assert "This is closed" in client.get(f"/listings/{closed.id}-{closed.slug}").text
    assert client.get(f"/listings/{removed.id}-{removed.slug}").status_code == 404
    auth.login(db.session.get(service.User, removed.owner_id))
    assert "An operator removed this" in client.get(f"/listings/{removed.id}-{removed.slug}").text


def test_anybody_reports_and_a_member_does_so_once(auth: Auth, client: MarketplaceClient, factories: Factories) -> None:
    listing, operator = factories.listing(), factories.operator()
    path = f"/listings/{listing.id}/report"
    assert client.post(path, data={"reason": "nonsense"}).status_code == 422
    assert client.post(path, data={"reason": "other", "note": ""}).status_code == 422
    assert client.post(path, data={"reason": "fraud", "note": "guest"}).status_code == 302
    auth.member()
    for note in ("first", "second"):
        assert client.post(path, data={"reason": "unsafe", "note": note}).status_code == 302
    found = reports.open_reports()
    assert [(each.reporter is None, each.reason) for each in found] == [(True, "fraud"), (False, "unsafe")]
    assert "first" in found[1].note
    assert "second" in found[1].note
    reports.handle(found[0].id, actor=operator)
    assert [each.id for each in reports.open_reports()] == [found[1].id]
    assert db.session.get(ListingReport, found[0].id, populate_existing=True).handled_by_id == operator.id


def test_nobody_reports_their_own_listing(auth: Auth, client: MarketplaceClient, factories: Factories) -> None:
    listing = factories.listing(owner=auth.member())
    assert client.get(f"/listings/{listing.id}/report").status_code == 403


def test_the_chooser_offers_every_kind_with_a_page_for_it(app: Flask, client: MarketplaceClient) -> None:
    answer = client.get("/listings/new")
    assert answer.status_code in (200, 302)
    assert "/listings/new/notice" in (answer.text if answer.status_code == 200 else answer.location)


def test_an_operator_removes_on_the_page(auth: Auth, client: MarketplaceClient, factories: Factories) -> None:
    listing = factories.listing()
    auth.member()
    assert client.get(f"/listings/{listing.id}/remove").status_code == 403
    auth.operator()
    assert client.post(f"/listings/{listing.id}/remove", data={"reason": ""}).status_code == 422
    assert client.post(f"/listings/{listing.id}/remove", data={"reason": "Not allowed here"}).status_code == 302
    assert only().state == "removed"
