"""The life of a loan over the API: hand-over and return with photos, more time, claims, and what strangers get."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from PIL import Image

from marketplace.agreements.models import Agreement
from marketplace.testing.factories import Factories
from marketplace.users.models import User
from tests.core.api_caller import ALL, Caller, assert_problem
from tests.plugins.sharing.loan_world import Lending

SCOPES = (*ALL, "loans:read", "loans:write")
REASON = "A rung is broken."


def euros(whole: int) -> dict[str, Any]:
    return {"minor": whole * 100, "currency": "EUR"}


@pytest.fixture
def lending(app: Flask, factories: Factories, frozen: Any) -> Lending:
    """Give a lender, a borrower, and no bank."""
    return Lending(app, factories, frozen)


@pytest.fixture
def photo() -> bytes:
    """Give a small JPEG."""
    data = io.BytesIO()
    Image.new("RGB", (40, 30), "green").save(data, "JPEG")
    return data.getvalue()


def caller(lending: Lending, user: User, *more: str) -> Caller:
    return Caller(lending.app, user, (*SCOPES, *more))


def callers(lending: Lending) -> tuple[Caller, Caller, Caller]:
    """Give a program of the borrower, of the lender, and of a stranger."""
    return tuple(caller(lending, one) for one in (lending.borrower, lending.lender, lending.factories.user()))  # type: ignore[return-value]


def upload(one: Caller, path: str, data: bytes, kind: str = "image/jpeg", **more: Any) -> Any:
    return one.post(path, data=data, headers={"Content-Type": kind}, **more)


def begun(lending: Lending, **facts: Any) -> Agreement:
    """Give a loan on the morning that it begins."""
    agreement = lending.agreed(lending.item(units=2, **facts), count=2)
    lending.to(lending.loan(agreement).starts_at)
    return agreement


def test_going_out_and_coming_back_with_counter_values_over_the_api(lending: Lending, photo: bytes) -> None:
    agreement = begun(lending)
    ben, lena, stranger = callers(lending)
    path = f"/sharing/loans/{agreement.id}/hand-overs"
    body = {"kind": "out", "condition": "Fine", "readings": {"km": "1250.50"}}
    made = lena.post(path, body, key="out")
    assert (made.status_code, made.json["words"][0]["readings"]) == (201, {"km": "1250.5"}), made.text
    assert lena.post(path, body, key="out").json == made.json
    assert ben.get(f"/sharing/loans/{agreement.id}").json["state"] == "active"
    said = ben.post(path, {**body, "condition": "A scratch"}, key="other").json
    assert [(word["role"], word["condition"]) for word in said["words"]] == [("owner", "Fine"), ("member", "A scratch")]
    assert_problem(ben.post(f"/sharing/hand-overs/{said['id']}/agree"), 409, "not_now")
    added = upload(ben, f"/sharing/hand-overs/{said['id']}/photos", photo, key="photo")
    assert added.status_code == 201, added.text
    assert upload(ben, f"/sharing/hand-overs/{said['id']}/photos", photo, key="photo").json == added.json
    settled = lena.post(f"/sharing/hand-overs/{said['id']}/agree").json
    assert (settled["closed_by"], settled["words"][1]["photos"]) == ("agreed", [added.json])
    assert_problem(upload(ben, f"/sharing/hand-overs/{said['id']}/photos", photo), 409, "not_now")
    seen = lena.get(added.json["url"], buffered=True)
    assert (seen.status_code, seen.content_type, seen.headers["Cache-Control"]) == (
        200,
        "image/webp",
        "private, no-store",
    )
    things = [one["id"] for one in ben.get(path).json["things"]]
    part = lena.post(path, {"kind": "in", "things": things[:1]}, key="part")
    assert (part.status_code, lending.state(agreement)) == (201, "active"), part.text
    lena.post(path, {"kind": "in", "things": things}, key="rest")
    assert lending.state(agreement) == "returned"
    assert all(one["back_at"] for one in ben.get(path).json["things"])
    for answer in (
        stranger.get(path), stranger.post(path, body, key="s"), stranger.post(f"/sharing/hand-overs/{said['id']}/agree"),
        stranger.get(added.json["url"]), upload(stranger, f"/sharing/hand-overs/{said['id']}/photos", photo),
        ben.get("/sharing/loans/999/hand-overs"), ben.get("/sharing/loans/photos/999"),
    ):  # fmt: skip
        assert_problem(answer, 404, "not_found")


def test_bad_words_about_a_hand_over_are_told_at_their_field(lending: Lending, photo: bytes) -> None:
    agreement = begun(lending)
    ben, lena, _stranger = callers(lending)
    path = f"/sharing/loans/{agreement.id}/hand-overs"
    for number, (body, status, word) in enumerate(
        (
            ({"kind": "sideways"}, 422, "kind"),
            ({"kind": "out", "readings": {"km": "many"}}, 422, "readings"),
            ({"kind": "out", "readings": {"km": 12.5}}, 422, "readings.km"),
            ({"kind": "out", "things": [987654]}, 422, "things"),
        )
    ):
        answer = lena.post(path, body, key=f"bad-{number}")
        assert (answer.status_code, any(name.startswith(word.split(".")[0]) for name in answer.json["errors"])) == (
            status,
            True,
        )
    assert_problem(lena.post(path, {"kind": "in"}, key="early"), 409, "not_now")
    assert lena.post(path, {"kind": "out"}).status_code == 400  # the key is missing
    made = lena.post(path, {"kind": "out"}, key="out").json
    here = f"/sharing/hand-overs/{made['id']}/photos"
    assert_problem(upload(lena, here, b"no picture", key="broken"), 409, "not_a_picture")
    assert upload(lena, here, photo, "text/plain").status_code == 415
    assert_problem(upload(ben, here, photo), 409, "not_now")
    for _time in range(6):
        assert upload(lena, here, photo).status_code == 201
    assert_problem(upload(lena, here, photo), 409, "too_many")


def test_more_time_is_asked_granted_and_refused_over_the_api(lending: Lending) -> None:
    agreement = lending.out(lending.item())
    ben, lena, stranger = callers(lending)
    path, end = f"/sharing/loans/{agreement.id}/more-time", lending.loan(agreement).ends_at + timedelta(days=1)
    body = {"ends_at": end.isoformat()}
    asked = ben.post(path, body, key="more")
    assert (asked.status_code, asked.json["wanted_end"] is not None) == (200, True), asked.text
    assert_problem(ben.post(f"{path}/answer", {"grant": True}), 409, "not_now")
    refused = lena.post(f"{path}/answer", {"grant": False}).json
    assert (refused["wanted_end"], refused["ends_at"]) == (None, agreement.terms["ends_at"].replace("+00:00", "Z"))
    ben.post(path, body, key="again")
    granted = lena.post(f"{path}/answer", {"grant": True}).json
    assert granted["ends_at"] == end.isoformat().replace("+00:00", "Z")
    short = ben.post(path, {"ends_at": lending.loan(agreement).starts_at.isoformat()}, key="short")
    assert (short.status_code, list(short.json["errors"])) == (422, ["ends_at"])
    for answer in (stranger.post(path, body, key="s"), stranger.post(f"{path}/answer", {"grant": True})):
        assert_problem(answer, 404, "not_found")


def test_more_time_that_somebody_else_has_booked_names_the_changeover(lending: Lending) -> None:
    item = lending.item()
    agreement = lending.out(item)
    loan = lending.loan(agreement)
    after = lending.window(1 + 2 + 1, 1)
    lending.agreed(item, after, by=lending.factories.user())
    ben, lena, _stranger = callers(lending)
    path = f"/sharing/loans/{agreement.id}/more-time"
    ben.post(path, {"ends_at": (loan.ends_at + timedelta(days=2)).isoformat()}, key="more")
    refused = lena.post(f"{path}/answer", {"grant": True})
    assert_problem(refused, 409, refused.json["code"])
    assert refused.json["alternatives"], refused.text
    assert ben.get(f"/sharing/loans/{agreement.id}").json["ends_at"] == agreement.terms["ends_at"].replace(
        "+00:00", "Z"
    )


def test_a_claim_is_made_countered_and_agreed_over_the_api(lending: Lending, photo: bytes) -> None:
    agreement = lending.back(lending.out(lending.item(deposit_kind="promised", deposit_minor=50_00)))
    ben, lena, stranger = callers(lending)
    path = f"/sharing/loans/{agreement.id}/claims"
    body = {"kind": "damage", "amount": euros(40), "note": REASON}
    made = lena.post(path, body, key="claim")
    assert (made.status_code, made.json["turn"], made.json["asked"]) == (201, "member", euros(40)), made.text
    here = made.headers["Location"]
    assert lena.post(path, body, key="claim").json == made.json
    assert upload(lena, f"{here}/photos", photo, key="photo").status_code == 201
    assert_problem(upload(ben, f"{here}/photos", photo), 409, "not_now")
    offer = {"amount": euros(10), "note": "It was old."}
    assert_problem(lena.post(f"{here}/offers", offer, key="not-mine"), 409, "not_your_turn")
    offered = ben.post(f"{here}/offers", offer, key="offer").json
    assert (offered["turn"], offered["offered"], len(offered["photos"])) == ("owner", euros(10), 1)
    high = lena.post(f"{here}/offers", {"amount": euros(400), "note": REASON}, key="high")
    assert (high.status_code, list(high.json["errors"])) == (422, ["amount"])
    other = lena.post(f"{here}/offers", {"amount": {"minor": 2000, "currency": "USD"}, "note": REASON}, key="usd")
    assert (other.status_code, list(other.json["errors"])) == (422, ["amount.currency"])
    agreed = lena.post(f"{here}/agree").json
    assert (agreed["state"], agreed["agreed"], [word["act"] for word in agreed["words"]]) == (
        "agreed", euros(10), ["asked", "offered", "agreed"],
    )  # fmt: skip
    assert ben.get(path).json["data"] == [ben.get(here).json]
    for answer in (
        stranger.get(path), stranger.get(here), stranger.post(path, body, key="s"), stranger.post(f"{here}/agree"),
        stranger.post(f"{here}/offers", offer, key="s2"), stranger.post(f"{here}/withdraw"),
        upload(stranger, f"{here}/photos", photo), ben.get("/sharing/claims/999"),
    ):  # fmt: skip
        assert_problem(answer, 404, "not_found")


def test_a_claim_is_withdrawn_by_the_lender_or_decided_by_an_operator(lending: Lending) -> None:
    agreement = lending.back(lending.out(lending.item(deposit_kind="promised", deposit_minor=50_00)))
    ben, lena, _stranger = callers(lending)
    path = f"/sharing/loans/{agreement.id}/claims"
    first, second = (
        lena.post(path, {"kind": "cleaning", "amount": euros(8), "note": REASON}, key=key).headers["Location"]
        for key in "ab"
    )
    assert_problem(ben.post(f"{first}/withdraw"), 409, "not_now")
    assert lena.post(f"{first}/withdraw").json["state"] == "withdrawn"
    operator = lending.factories.operator()
    ruling = {"amount": euros(3), "note": "Half of it was there before."}
    assert_problem(caller(lending, operator).post(f"{second}/offers", ruling, key="plain"), 404, "not_found")
    ruled = caller(lending, operator, "operator:act").post(f"{second}/offers", ruling, key="rule")
    assert (ruled.status_code, ruled.json["agreed"], ruled.json["turn"]) == (200, euros(3), "nobody"), ruled.text
    assert lending.state(agreement) == "closed"
