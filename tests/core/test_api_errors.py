"""Whatever a program sends, it gets a problem that says what was wrong, and nothing is half done."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from marketplace import clock
from marketplace.api_v1 import tokens
from marketplace.database import db, transaction
from marketplace.listings import service as listings
from marketplace.listings.models import Listing
from marketplace.users import moderation
from tests.core.api_caller import Caller, assert_problem

DRAFT = {"kind": "notice", "title": "Cordless drill", "body_md": "A drill for the street. " * 5, "place": "Utrecht"}


@pytest.fixture
def me(app: Any, factories: Any) -> Caller:
    """Give a member's program that may do everything."""
    return Caller(app, factories.user())


def count_of_listings() -> int:
    return db.session.scalar(select(func.count()).select_from(Listing)) or 0


def test_an_unknown_route_is_a_problem(me: Caller) -> None:
    assert_problem(me.get("/nothing-here"), 404, "not_found")


def test_a_wrong_method_is_a_problem_that_names_the_right_ones(me: Caller) -> None:
    answer = me.send("DELETE", "/listings")
    assert_problem(answer, 405, "method_not_allowed")
    assert {"GET", "POST"} <= {name.strip() for name in answer.headers["Allow"].split(",")}


def test_broken_json_is_a_problem(me: Caller) -> None:
    for text in (b"{", b"", b"\xff", b'{"a": "\xc3"}', b"[" * 100_000, b'{"title":' + b"[" * 100_000):
        answer = me.post("/listings", data=text, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 422), (text[:20], answer.text)
        assert answer.content_type == "application/problem+json"
    assert_problem(me.post("/listings", data=b"{", headers={"Content-Type": "application/json"}), 400, "invalid_json")
    assert count_of_listings() == 0


def test_another_content_type_is_a_problem(me: Caller) -> None:
    answer = me.post("/listings", data=b"title=x", headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert_problem(answer, 415, "unsupported_media_type")


def test_an_oversized_body_is_a_problem(me: Caller) -> None:
    answer = me.post("/listings", {**DRAFT, "body_md": "x" * 300_000})
    assert answer.status_code == 413
    assert answer.json["status"] == 413
    assert answer.content_type == "application/problem+json"
    assert count_of_listings() == 0


def test_every_faulty_field_is_named_at_once(me: Caller) -> None:
    answer = me.post("/listings", {**DRAFT, "title": 5, "price": {"minor": "12", "currency": "EUR"}, "colour": "red"})
    found = assert_problem(answer, 422, "invalid_input")
    assert set(found["errors"]) == {"title", "price.minor", "colour"}


def test_a_missing_field_is_named(me: Caller) -> None:
    assert assert_problem(me.post("/listings", {"kind": "notice"}), 422, "invalid_input")["errors"].keys() == {"title"}


def test_rules_of_the_use_case_name_their_field_too(me: Caller) -> None:
    found = assert_problem(me.post("/listings", {**DRAFT, "category": "nonsense"}), 422, "invalid_input")
    assert found["errors"].keys() == {"category"}
    found = assert_problem(
        me.post("/listings", {**DRAFT, "price": {"minor": 5, "currency": "USD"}}), 422, "invalid_input"
    )
    assert found["errors"].keys() == {"price"}
    assert count_of_listings() == 0


def test_unknown_and_wrong_arguments_of_an_address_are_named(me: Caller) -> None:
    found = assert_problem(me.get("/listings?limit=101&colour=red&sort=funny"), 422, "invalid_input")
    assert set(found["errors"]) == {"limit", "colour", "sort"}
    assert_problem(me.get("/listings?place=Atlantis"), 422, "invalid_input")
    assert_problem(me.get("/listings?cursor=bm9uc2Vuc2U"), 422, "invalid_input")
    assert_problem(me.get("/agreements?cursor=!!"), 422, "invalid_input")


def test_zero_characters_and_huge_numbers_are_no_errors_of_ours(me: Caller) -> None:
    assert_problem(me.post("/listings", {**DRAFT, "title": "a\0bcd"}), 422, "invalid_input")
    assert_problem(me.get("/listings?q=%00"), 422, "invalid_input")
    assert me.get(f"/listings/{2**63}").status_code == 404
    assert me.get(f"/agreements/{2**63 - 1}").status_code == 404
    assert me.get("/listings/0").status_code == 404


def test_without_a_token_the_answer_tells_to_send_one(app: Any, factories: Any, auth: Any, client: Any) -> None:
    nobody = Caller(app)
    answer = nobody.get("/me")
    assert_problem(answer, 401, "unauthorized")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    auth.member()
    assert client.get("/account").status_code == 200
    assert client.get("/api/v1/me").status_code == 401, "a session's cookie is no token"
    assert client.post("/api/v1/listings", json=DRAFT).status_code == 401


def test_tokens_that_are_none_or_ended_are_refused(app: Any, factories: Any, frozen: Any) -> None:
    frozen.at("2026-03-01T12:00:00")
    user = factories.user()
    for secret in ("nonsense", "mkt_" + "x" * 43):
        nobody = Caller(app)
        nobody.secret = secret
        answer = nobody.get("/listings")
        assert_problem(answer, 401, "invalid_token")
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    short = Caller(app, user, lives=clock.now() + timedelta(days=1))
    assert short.get("/me").status_code == 200
    frozen.forward(days=1)
    assert_problem(short.get("/me"), 401, "invalid_token")
    revoked = Caller(app, user)
    tokens.revoke(user.id, tokens.of(user.id)[0].id)
    assert_problem(revoked.get("/me"), 401, "invalid_token")


def test_a_blocked_member_s_token_is_worth_nothing(app: Any, factories: Any) -> None:
    user, operator = factories.user(), factories.operator()
    me = Caller(app, user)
    moderation.block(user.id, actor_id=operator.id, reason="Spam")
    assert_problem(me.get("/me"), 401, "invalid_token")


def test_a_token_does_only_what_its_scopes_say(app: Any, factories: Any) -> None:
    reader = Caller(app, factories.user(), ("listings:read",))
    answer = reader.post("/listings", DRAFT)
    assert_problem(answer, 403, "insufficient_scope")
    assert 'scope="listings:write"' in answer.headers["WWW-Authenticate"]
    assert_problem(reader.get("/me"), 403, "insufficient_scope")
    assert reader.get("/me/listings").status_code == 200
    assert count_of_listings() == 0


def test_an_operator_s_token_is_an_ordinary_member_s_unless_its_scope_says_more(app: Any, factories: Any) -> None:
    operator, listing = factories.operator(), factories.listing(state="draft")
    plain, powerful = Caller(app, operator), Caller(app, operator, ("listings:read", "operator:act", "profile:read"))
    assert_problem(plain.get(f"/listings/{listing.id}"), 404, "not_found")
    assert plain.get("/me").json["role"] == "member"
    assert powerful.get(f"/listings/{listing.id}").status_code == 200
    assert powerful.get("/me").json["role"] == "operator"
    member = Caller(app, factories.user(), ("operator:act",))
    assert_problem(member.post(f"/listings/{factories.listing().id}/removal", {"reason": "because"}), 403, "forbidden")


def test_what_is_another_member_s_does_not_exist(app: Any, factories: Any, me: Caller) -> None:
    draft = factories.listing(state="draft")
    assert_problem(me.get(f"/listings/{draft.id}"), 404, "not_found")
    assert_problem(me.patch(f"/listings/{draft.id}", {"title": "Mine now"}), 404, "not_found")
    assert_problem(me.post(f"/listings/{draft.id}/publish"), 404, "not_found")
    assert_problem(me.get(f"/listings/{draft.id}/pictures"), 404, "not_found")
    shown = factories.listing()
    assert_problem(me.patch(f"/listings/{shown.id}", {"title": "Mine now"}), 403, "forbidden")


def test_what_is_missing_before_publication_is_listed(me: Caller) -> None:
    made = me.post("/listings", {"kind": "notice", "title": "Cordless drill"})
    found = assert_problem(me.post(f"/listings/{made.json['id']}/publish"), 409, "not_ready")
    assert len(found["problems"]) == 2


def test_a_stale_version_changes_nothing(app: Any, me: Caller) -> None:
    made = me.post("/listings", DRAFT)
    path, etag = f"/listings/{made.json['id']}", made.headers["ETag"]
    assert me.patch(path, {"title": "First change"}, headers={"If-Match": etag}).status_code == 200
    assert_problem(me.patch(path, {"title": "Second change"}, headers={"If-Match": etag}), 412, "precondition_failed")
    assert_problem(me.patch(path, {"title": "Second change", "version": 1}), 409, "conflict")
    assert_problem(me.patch(path, {"title": "x" * 9}, headers={"If-Match": '"junk"'}), 412, "precondition_failed")
    assert me.get(path).json["title"] == "First change"


def test_who_has_the_answer_already_gets_none(me: Caller) -> None:
    path = f"/listings/{me.post('/listings', DRAFT).json['id']}"
    first = me.get(path)
    again = me.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    me.patch(path, {"title": "Another drill"})
    assert me.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_an_error_of_ours_has_a_reference_and_no_traceback(app: Any, me: Caller, monkeypatch: Any) -> None:
    def broken(*_args: Any, **_facts: Any) -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(listings, "create_draft", broken)
    answer = me.post("/listings", DRAFT, key="k")
    found = assert_problem(answer, 500, "internal_error")
    assert len(found["reference"]) == 9
    assert "secret of the house" not in answer.text
    monkeypatch.undo()
    assert me.post("/listings", DRAFT, key="k").status_code == 201, "nothing happened, so the key is free"


def test_who_asks_too_often_is_told_to_wait(make_app: Any, factories: Any) -> None:
    user = factories.user()
    eager = make_app(environment="demo")
    try:
        with eager.app_context():
            nobody = Caller(eager)
            nobody.secret = "mkt_" + "y" * 43
            answers = [nobody.get("/listings") for _turn in range(32)]
            assert {answer.status_code for answer in answers} == {401, 429}
            assert_problem(answers[-1], 429, "too_many_requests")
            assert answers[-1].headers["Retry-After"] == "60"
            assert Caller(eager, user).get("/me").status_code == 200, "a token is counted by itself"
            db.session.remove()
    finally:
        eager.config["RATELIMIT_ENABLED"] = False


def test_the_same_key_does_the_work_once_and_another_body_is_refused(app: Any, me: Caller) -> None:
    first = me.post("/listings", DRAFT, key="one")
    again = me.post("/listings", DRAFT, key="one")
    assert (first.status_code, again.status_code, again.data) == (201, 201, first.data)
    assert (again.headers["Idempotent-Replayed"], again.headers["Location"]) == ("true", first.headers["Location"])
    assert "Idempotent-Replayed" not in first.headers
    assert_problem(me.post("/listings", {**DRAFT, "title": "Another"}, key="one"), 422, "idempotency_key_reused")
    assert_problem(me.post("/listings", DRAFT, key="with blanks in it"), 400, "idempotency_key_invalid")
    assert count_of_listings() == 1


def test_keys_of_two_members_are_two_keys(app: Any, factories: Any, me: Caller) -> None:
    other = Caller(app, factories.user())
    assert me.post("/listings", DRAFT, key="one").status_code == 201
    assert other.post("/listings", DRAFT, key="one").json["owner"]["id"] != me.get("/me").json["id"]
    assert count_of_listings() == 2


def test_a_refusal_leaves_the_key_free(me: Caller) -> None:
    assert me.post("/listings", {**DRAFT, "category": "nonsense"}, key="one").status_code == 422
    assert me.post("/listings", DRAFT, key="one").status_code == 201


def test_a_key_is_forgotten_after_a_day(app: Any, me: Caller, frozen: Any) -> None:
    from marketplace.api_v1 import idempotency

    frozen.at(clock.now())
    first = me.post("/listings", DRAFT, key="one")
    frozen.forward(hours=25)
    second = me.post("/listings", {**DRAFT, "title": "Another drill"}, key="one")
    assert (second.status_code, second.json["id"] != first.json["id"]) == (201, True)
    frozen.forward(hours=25)
    idempotency.tidy({})
    assert db.session.scalar(select(func.count()).select_from(idempotency.IdempotencyRecord)) == 0


def test_a_request_under_way_is_told_to_come_back_and_one_that_was_cut_off_is_done_again(
    app: Any, factories: Any
) -> None:
    from marketplace.api_v1.idempotency import Claim, take
    from marketplace.api_v1.problems import ApiProblem

    user, at = factories.user(), clock.now()
    claim = Claim(user.id, "one", "f" * 64)
    with transaction():
        assert take(claim) is None
    with pytest.raises(ApiProblem) as refused, transaction():
        take(claim)
    assert (refused.value.status, refused.value.code) == (409, "in_progress")
    with clock.frozen(at + timedelta(minutes=3)), transaction():
        assert take(claim) is None
