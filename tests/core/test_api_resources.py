"""What the pages can do for a member, the API can: each resource with real requests on both databases."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest

from marketplace import clock
from marketplace.agreements import service as agreements
from marketplace.agreements.service import Actor
from marketplace.database import db, transaction
from marketplace.jobs.worker import drain
from marketplace.lifecycle import Role
from marketplace.money import Money
from marketplace.notifications.service import notify
from marketplace.payments.models import SavedMethod
from marketplace.users.models import User
from tests.core.api_caller import Caller, assert_problem

DRAFT = {
    "kind": "notice", "title": "Cordless drill", "body_md": "A drill for the *street*. " * 5, "place": "Utrecht",
    "category": "tools", "price": {"minor": 1250, "currency": "EUR"}, "price_unit": "day",
}  # fmt: skip


@pytest.fixture
def user(factories: Any) -> User:
    """Give a member."""
    return factories.user(name="Fenna")


@pytest.fixture
def me(app: Any, user: User) -> Caller:
    """Give the member's program."""
    return Caller(app, user)


def all_of(caller: Caller, path: str) -> list[int]:
    """Follow the pages of a list to its end and give every id."""
    found = []
    while path:
        page = caller.get(path).json
        found += [each["id"] for each in page["data"]]
        path = page["next"]
    return found


def test_a_listing_goes_its_whole_way(app: Any, me: Caller) -> None:
    made = me.post("/listings", DRAFT)
    assert made.status_code == 201, made.text
    path = made.headers["Location"]
    assert made.json["price"] == {"minor": 1250, "currency": "EUR"}
    assert_problem(Caller(app).get(path), 404, "not_found")
    assert me.post(f"{path}/publish").json["state"] == "published"
    assert "<em>street</em>" in Caller(app).get(path).json["body_html"]
    changed = me.patch(path, {"price": None, "title": "Hammer drill"}).json
    assert (changed["price"], changed["price_unit"], changed["title"]) == (None, None, "Hammer drill")
    assert me.post(f"{path}/close").json["state"] == "closed"
    assert me.post(f"{path}/reopen").json["state"] == "published"
    assert Caller(app).get("/search?q=hammer").json["data"][0]["title"] == "Hammer drill"
    assert Caller(app).get("/search?q=spoon").json["data"] == []


def test_exact_coordinates_and_addresses_never_leave(app: Any, factories: Any, me: Caller) -> None:
    path = me.post("/listings", {**DRAFT, "lat": 52.0907374, "lon": 5.1214201}).headers["Location"]
    me.post(f"{path}/publish")
    member = me.get("/me").json
    for address in (
        path,
        "/listings",
        "/listings?sort=near&place=Utrecht",
        f"/members/{member['id']}",
        f"{path}/pictures",
    ):
        text = Caller(app).get(address).text
        assert "52.0907374" not in text
        assert "5.1214201" not in text
        assert member["email"] not in text
    near = Caller(app).get(path).json["near"]
    assert (near["lat"], near["lon"]) != (52.0907374, 5.1214201)
    own = {key for line in me.get("/me/listings").json["data"] for key in line}
    assert not own & {"lat", "lon"}


def test_24_listings_cost_four_statements_at_most(app: Any, factories: Any, me: Caller, statements: Any) -> None:
    owner = factories.user()
    for _turn in range(30):
        factories.listing(owner)
    assert me.get("/me").status_code == 200
    for path in ("/listings", "/listings?category=other&sort=near&radius=5&place=Utrecht"):
        with statements() as seen:
            assert len(me.get(path).json["data"]) == 24
        assert len(seen) <= 4, seen


def test_paging_visits_each_listing_once_in_every_order(app: Any, factories: Any) -> None:
    owner, nobody = factories.user(), Caller(app)
    made = {factories.listing(owner, price_minor=turn % 3 * 100, price_unit="once").id for turn in range(11)}
    for order in ("new", "near&place=Utrecht", "price", "ending"):
        found = all_of(nobody, f"/listings?limit=4&sort={order}")
        assert sorted(found) == sorted(made), order
    assert len(nobody.get("/listings?limit=1").json["data"]) == 1
    assert nobody.get("/listings?limit=100").json["next"] is None


def test_paging_over_the_own_listings_visits_drafts_too(factories: Any, me: Caller, user: User) -> None:
    made = [factories.listing(user, state=state).id for state in ("draft", "published", "closed") for _turn in range(2)]
    factories.listing()
    assert all_of(me, "/me/listings?limit=4") == sorted(made, reverse=True)


def test_a_picture_is_uploaded_described_moved_and_removed(app: Any, me: Caller) -> None:
    from PIL import Image

    path = me.post("/listings", DRAFT).headers["Location"]
    file = BytesIO()
    Image.new("RGB", (40, 30), "red").save(file, "PNG")
    sent = {"data": file.getvalue(), "headers": {"Content-Type": "image/png"}}
    first = me.post(f"{path}/pictures?alt=A+drill", **sent, key="one")
    assert (first.status_code, first.json["state"], first.json["alt"]) == (201, "uploaded", "A drill"), first.text
    assert me.post(f"{path}/pictures?alt=A+drill", **sent, key="one").json["id"] == first.json["id"]
    second = me.post(f"{path}/pictures", **sent).json
    moved = me.patch(f"/pictures/{second['id']}", {"position": 0, "alt": "Another"}).json
    assert (moved["position"], moved["alt"]) == (0, "Another")
    drain(app)
    listed = me.get(f"{path}/pictures").json["data"]
    assert [each["id"] for each in listed] == [second["id"], first.json["id"]]
    assert all(each["url"].endswith(".webp") for each in listed)
    assert me.send("DELETE", f"/pictures/{second['id']}").status_code == 204
    assert len(me.get(path).json["pictures"]) == 1
    assert_problem(
        me.post(f"{path}/pictures", data=b"x", headers={"Content-Type": "text/plain"}), 415, "unsupported_media_type"
    )
    text = me.post(f"{path}/pictures", data=b"no picture", headers={"Content-Type": "image/png"})
    assert_problem(text, 409, "not_a_picture")
    assert me.post(f"{path}/pictures", data=b"x" * 11_000_000, headers={"Content-Type": "image/png"}).status_code == 413


def test_the_own_profile_is_read_and_changed(me: Caller, user: User) -> None:
    changed = me.patch("/me", {"about": "I repair bikes", "mail_groups": ["messages"], "locale": "nl"}).json
    assert (changed["about"], changed["mail_groups"], changed["locale"]) == ("I repair bikes", ["messages"], "nl")
    assert me.get("/me").json["name"] == "Fenna"
    assert me.get(f"/members/{user.id}").json["about"] == "I repair bikes"
    assert "email" not in me.get(f"/members/{user.id}").json
    assert me.get("/me/todo").status_code == 200
    assert me.get("/me/export").status_code == 200
    assert me.get("/members/999").status_code == 404


def test_texts_are_in_the_member_s_language_and_a_cookie_changes_nothing(app: Any, factories: Any) -> None:
    dutch = Caller(app, factories.user(locale="nl"))
    assert dutch.get("/me").json["locale"] == "nl"
    nobody = Caller(app)
    nobody.client.set_cookie("session", "broken.cookie.value")
    assert nobody.get("/listings").status_code == 200


def test_members_write_to_each_other(app: Any, factories: Any, me: Caller) -> None:
    listing = factories.listing()
    owner = Caller(app, db.session.get(User, listing.owner_id))
    first = me.post(f"/listings/{listing.id}/messages", {"body": "Is it free?"}, key="one")
    assert first.status_code == 201, first.text
    thread = first.json["thread_id"]
    assert me.post(f"/listings/{listing.id}/messages", {"body": "Is it free?"}, key="one").json == first.json
    inbox = owner.get("/threads").json["data"]
    assert [(line["id"], line["unread"], line["own"]) for line in inbox] == [(thread, 1, False)]
    for number in range(4):
        assert owner.post(f"/threads/{thread}/messages", {"body": f"Answer {number}"}).status_code == 201
    assert owner.post(f"/threads/{thread}/read").status_code == 204
    assert owner.get("/me").json["unread"]["threads"] == 0
    assert len(all_of(me, f"/threads/{thread}/messages?limit=2")) == 5
    assert_problem(Caller(app, factories.user()).get(f"/threads/{thread}/messages"), 404, "not_found")
    assert_problem(owner.post(f"/listings/{listing.id}/messages", {"body": "Hello me"}), 409, "own_listing")
    assert owner.send("PUT", f"/me/blocks/{me.get('/me').json['id']}").status_code == 204
    assert_problem(me.post(f"/threads/{thread}/messages", {"body": "Hello?"}), 409, "blocked")
    assert owner.send("DELETE", f"/me/blocks/{me.get('/me').json['id']}").status_code == 204
    assert owner.post(f"/messages/{first.json['id']}/reports", {"reason": "Rude"}).status_code == 204
    assert me.post(f"/messages/{first.json['id']}/reports", {"reason": "Mine"}).status_code == 404
    assert me.post(f"/listings/{listing.id}/reports", {"reason": "wrong", "note": "Not a drill"}).status_code == 204


def test_notifications_are_listed_and_marked_as_read(me: Caller, user: User) -> None:
    with transaction():
        for _turn in range(3):
            params = {"title": "A drill", "reason": "Weapons"}
            notify(user.id, "listing_removed", params=params, url="/listings/1-drill", mail=False)
    found = all_of(me, "/notifications?limit=2")
    assert len(found) == 3
    assert me.post(f"/notifications/{found[0]}/read").status_code == 204
    assert [each["unread"] for each in me.get("/notifications").json["data"]] == [False, True, True]
    assert me.post("/notifications/read").status_code == 204
    assert me.get("/me").json["unread"]["notifications"] == 0
    assert me.post("/notifications/999/read").status_code == 404


def test_an_operator_removes_a_listing_with_a_reason(app: Any, factories: Any) -> None:
    listing = factories.listing()
    operator = Caller(app, factories.operator(), ("operator:act",))
    assert_problem(operator.post(f"/listings/{listing.id}/removal", {}), 422, "invalid_input")
    gone = operator.post(f"/listings/{listing.id}/removal", {"reason": "Weapons"})
    assert (gone.status_code, gone.json["state"]) == (200, "removed")
    assert_problem(Caller(app).get(f"/listings/{listing.id}"), 404, "not_found")


def test_agreements_and_payments_are_listed_by_role(app: Any, factories: Any, me: Caller, user: User) -> None:
    from marketplace.payments import service as payments

    listing = factories.listing(kind="campaign")
    with transaction():
        made = []
        for _turn in range(3):
            actor = Actor(user.id, Role.MEMBER)
            agreement = agreements.create(
                "pledge", listing=listing, member_id=user.id, amount=Money(500, "EUR"), terms={}, actor=actor
            )
            made.append((agreement.id, payments.request_payment(agreement, "pledge", Money(500, "EUR")).id))
    owner = Caller(app, db.session.get(User, listing.owner_id))
    ids = sorted((agreement_id for agreement_id, _payment in made), reverse=True)
    assert all_of(me, "/agreements?limit=2") == ids
    assert all_of(owner, "/agreements?role=owner&limit=2") == ids
    assert all_of(owner, "/agreements") == []
    assert all_of(me, "/payments?limit=2") == sorted((payment for _agreement, payment in made), reverse=True)
    assert {each["role"] for each in owner.get("/payments?role=payee").json["data"]} == {"payee"}
    with transaction() as session:
        card = SavedMethod(
            user_id=user.id, gateway="stripe", ref="pm_1", brand="visa", last4="4242", created_at=clock.now()
        )
        session.add(card)
    assert me.get("/me/methods").json["data"][0]["label"] == "Visa ending in 4242"
    payment = made[0][1]
    assert_problem(owner.send("PUT", f"/payments/{payment}/method", {"method_id": card.id}), 403, "forbidden")
    stranger = Caller(app, factories.user())
    assert_problem(stranger.send("PUT", f"/payments/{payment}/method", {"method_id": card.id}), 404, "not_found")
    assert_problem(stranger.get(f"/agreements/{ids[0]}"), 404, "not_found")
    assert owner.get(f"/agreements/{ids[0]}").json["role"] == "owner"


def test_the_provider_s_page_is_opened_outside_any_transaction(sandbox: Any, app: Any, me: Caller) -> None:
    first = me.post("/me/methods", key="one")
    assert first.status_code == 201, first.text
    assert first.json["url"].startswith("http")
    again = me.post("/me/methods", key="one")
    assert (again.json, again.headers["Idempotent-Replayed"]) == (first.json, "true")
    assert me.post("/me/payout-account").status_code == 201
    assert me.get("/me/payout-account").json["opened"] is True


def test_a_provider_that_can_t_be_reached_is_a_problem_and_leaves_the_key_free(app: Any, me: Caller) -> None:
    answer = me.post("/me/methods", key="one")
    assert_problem(answer, 503, "provider_unreachable")
    assert answer.headers["Retry-After"]
    assert_problem(me.post("/me/methods", key="one"), 503, "provider_unreachable")


def test_without_payments_the_api_says_so(make_app: Any, factories: Any) -> None:
    user = factories.user()
    plain = make_app(payments=False)
    with plain.app_context():
        assert_problem(Caller(plain, user).post("/me/methods"), 409, "payments_off")
        db.session.remove()
