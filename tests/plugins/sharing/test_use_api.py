"""The API of prices, uses and readings, with real requests: good ones, bad ones, forged ones."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from marketplace import clock
from marketplace.database import db
from marketplace.outgoing import signing
from marketplace.testing.clients import client_of
from marketplace.testing.factories import Factories
from plugins.sharing.price import price_lists
from tests.core.api_caller import ALL, Caller, assert_problem
from tests.plugins.sharing.use_world import MINUTES, UseWorld, at, number_of

SCOPES = (*ALL, "uses:read", "uses:write")


@pytest.fixture
def world(make_app: Any, frozen: Any) -> Any:
    """Give a site without payments."""
    app: Flask = make_app(payments=False)
    with app.app_context():
        yield UseWorld(app, Factories(), frozen)
        db.session.remove()


def caller(world: UseWorld, user: Any) -> Caller:
    return Caller(world.app, world.by_id(number_of(user)), SCOPES)


def send(world: UseWorld, device: Any, readings: Any, **changes: Any) -> Any:
    """Send a signed batch as a device does; signed by the code that signs our own calls."""
    body = json.dumps({"device": changes.get("number", number_of(device)), "readings": readings}).encode()
    stamp = changes.get("stamp", int(clock.now().timestamp()))
    headers = signing.headers("msg_1", stamp, changes.get("signed", body), [changes.get("secret", device.secret)])
    headers |= changes.get("headers", {})
    client = client_of(world.app)
    kind = "application/json"
    return client.post("/api/v1/sharing/readings", data=body, headers=headers, content_type=kind, csrf=False)


def reading(minutes: float, km: str, **more: Any) -> dict[str, Any]:
    return {"taken_at": at(minutes).isoformat(), "registers": {"km": km}, **more}


def test_a_use_over_the_api_from_reservation_to_bill(world: UseWorld) -> None:
    me = caller(world, world.member())
    assert_problem(me.post("/sharing/uses", {"code": world.unit.code}), 400, "idempotency_key_missing")
    made = me.post("/sharing/uses", {"code": world.unit.code, "limit": {"minor": 500, "currency": "EUR"}}, key="one")
    assert (made.status_code, made.json["state"], made.json["running"]) == (201, "reserved", None), made.text
    assert (
        me.post("/sharing/uses", {"code": world.unit.code, "limit": {"minor": 500, "currency": "EUR"}}, key="one").json
        == made.json
    )
    path = f"/sharing/uses/{made.json['id']}"
    bad = me.post(f"{path}/moves", {"move": "start"})
    assert assert_problem(bad, 422, "invalid_input")["errors"] == {"registers.km": "Say what it stands at."}
    assert me.post(f"{path}/moves", {"move": "start", "registers": {"km": "1000"}}).json["state"] == "running"
    assert_problem(me.post(f"{path}/moves", {"move": "resume"}), 409, "invalid_transition")
    assert_problem(me.post(f"{path}/moves", {"move": "fly"}), 422, "invalid_input")
    world.frozen.forward(minutes=20)
    now = me.get(path).json
    assert (now["running"]["total_minor"], now["limit_reached"]) == (6_00, True)
    ended = me.post(f"{path}/moves", {"move": "end", "registers": {"km": "1010"}})
    assert ended.json["state"] == "ended", ended.text
    world.work()
    (bill,) = me.get(f"{path}/bills").json["data"]
    assert (bill["total_minor"], bill["code"], [line["amount_minor"] for line in bill["lines"]]) == (
        8_00,
        "U2026-00001",
        [6_00, 2_00],
    )
    (line,) = me.get("/sharing/uses").json["data"]
    assert (line["state"], line["amount"]["minor"]) == ("billed", 8_00)


def test_somebody_elses_use_does_not_exist(world: UseWorld) -> None:
    agreement = world.start(world.member())
    stranger = caller(world, world.member())
    number = number_of(agreement)
    for answer in (
        stranger.get(f"/sharing/uses/{number}"), stranger.get(f"/sharing/uses/{number}/bills"),
        stranger.post(f"/sharing/uses/{number}/moves", {"move": "end"}), stranger.get("/sharing/uses/999"),
    ):  # fmt: skip
        assert_problem(answer, 404, "not_found")
    assert_problem(stranger.post("/sharing/uses", {"code": world.unit.code}, key="x"), 409, "in_use")
    assert_problem(stranger.post("/sharing/uses", {"code": "nothing"}, key="y"), 404, "not_found")
    assert_problem(Caller(world.app).get("/sharing/uses"), 401, "unauthorized")
    reader = Caller(world.app, world.factories.user(), ("uses:read",))
    assert_problem(reader.post("/sharing/uses", {"code": "x"}, key="z"), 403, "insufficient_scope")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "code"),
        ({"code": ""}, "code"),
        ({"code": "x", "start": "yes"}, "start"),
        ({"code": "x", "nonsense": 1}, "nonsense"),
        ({"code": "x", "registers": {"km": 5}}, "registers.km"),
        ({"code": "x", "limit": {"minor": -1, "currency": "EUR"}}, "limit.minor"),
    ],
)  # fmt: skip
def test_a_wish_that_can_not_be_read_is_refused_at_its_field(world: UseWorld, body: Any, field: str) -> None:
    answer = caller(world, world.member()).post("/sharing/uses", body, key="k")
    assert field in assert_problem(answer, 422, "invalid_input")["errors"]


def test_prices_are_read_saved_and_quoted(world: UseWorld) -> None:
    path = f"/sharing/items/{number_of(world.listing)}"
    (now,) = Caller(world.app).get(f"{path}/prices").json["data"]
    assert (now["arrangement"], now["number"], now["document"]["name"]) == ("use", 1, "By the minute")
    owner, stranger = caller(world, world.owner), caller(world, world.member())
    assert_problem(stranger.send("PUT", f"{path}/prices/use", {"document": MINUTES}), 403, "forbidden")
    assert owner.send("PUT", f"{path}/prices/use", {"document": MINUTES}).json["id"] == now["id"]
    wrong = json.loads(json.dumps(MINUTES).replace('"0.30"', '"0.40"'))
    faults = assert_problem(owner.send("PUT", f"{path}/prices/use", {"document": wrong}), 422, "invalid_input")[
        "errors"
    ]
    assert list(faults) == [
        "document.example[1] (Ten minutes, 5 km).lines[1]",
        "document.example[1] (Ten minutes, 5 km).total",
    ]
    floats = json.loads(json.dumps(MINUTES).replace('"0.30"', "0.30"))
    answer = owner.send("PUT", f"{path}/prices/use", {"document": floats})
    assert "document.component[1].price" in assert_problem(answer, 422, "invalid_input")["errors"]
    assert_problem(owner.send("PUT", f"{path}/prices/all", {"document": MINUTES}), 404, "not_found")
    assert_problem(owner.send("PUT", f"{path}/prices/use", {"document": {"name": "a\0b"}}), 422, "invalid_input")
    hour = {"starts_at": at(0).isoformat(), "ends_at": at(60).isoformat(), "quantities": {"km": "12.5"}}
    quoted = Caller(world.app).post(f"{path}/quotes/use", hour)
    assert (quoted.json["total_minor"], quoted.json["currency"]) == (18_00 + 2_50, "EUR"), quoted.text
    for change, field in (({"ends_at": at(0).isoformat()}, "ends_at"), ({"quantities": {"km": "far"}}, "quantities.km"),
                          ({"options": ["gold"]}, "options"), ({"starts_at": "today"}, "starts_at")):  # fmt: skip
        answer = Caller(world.app).post(f"{path}/quotes/use", {**hour, **change})
        assert field in assert_problem(answer, 422, "invalid_input")["errors"]
    assert_problem(Caller(world.app).post(f"{path}/quotes/rent", hour), 409, "no_prices")
    assert_problem(Caller(world.app).get("/sharing/items/999/prices"), 404, "not_found")
    assert price_lists.current(number_of(world.listing), "use") is not None


def test_a_signed_batch_is_stored_once(world: UseWorld) -> None:
    device, agreement = world.device(), world.start(world.member(), limit_minor=5_00)
    world.frozen.forward(minutes=10)
    batch = [reading(2, "1001", number=1), reading(9, "1012", number=2)]
    stored = send(world, device, batch)
    assert stored.status_code == 200, stored.text
    assert (stored.json["new"], stored.json["known"]) == (2, [])
    assert stored.json["uses"] == [
        {"id": number_of(agreement), "state": "running", "total_minor": 3_00 + 12 * 20, "limit_reached": True}
    ]
    again = send(world, device, batch)
    assert (again.json["new"], again.json["known"]) == (0, [0, 1])
    assert len(world.stored(agreement)) == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"secret": signing.new_secret()}, {"stamp": 1}, {"signed": b"something else"}, {"number": 999},
        {"headers": {"webhook-signature": ""}}, {"headers": {"webhook-signature": "v1,é v2,x"}}, {"headers": {"webhook-id": ""}},
        {"headers": {"webhook-timestamp": "soon"}},
    ],
)  # fmt: skip
def test_what_the_device_did_not_sign_just_now_is_refused(world: UseWorld, changes: Any) -> None:
    device, agreement = world.device(), world.start(world.member())
    if "stamp" in changes:
        changes = {"stamp": int(clock.now().timestamp()) - 301}
    if "headers" in changes and "é" in str(changes):
        changes = {"headers": {"webhook-signature": "v1,\xe9 v2,x"}}
    assert_problem(send(world, device, [reading(0, "1001")], **changes), 401, "bad_signature")
    assert len(world.stored(agreement)) == 1


def test_a_device_that_sends_too_often_is_told_to_wait_and_another_is_not(world: UseWorld) -> None:
    first, second = world.device(), world.device()
    world.set("sharing.device_requests_per_minute", 3)
    world.app.config["RATELIMIT_ENABLED"] = True
    try:
        forged = send(world, first, [reading(1, "1001")], signed=b"x")
        answers = [send(world, first, [reading(1, "1001")]) for _turn in range(4)]
        assert [forged.status_code, answers[0].status_code, answers[3].status_code] == [401, 422, 429]
        assert_problem(answers[3], 429, "too_many_requests")
        assert answers[3].headers["Retry-After"] == "60"
        assert answers[3].content_type == "application/problem+json"
        assert send(world, second, [reading(1, "1001")]).status_code == 422, "each is counted by itself"
    finally:
        world.app.config["RATELIMIT_ENABLED"] = False


def test_a_revoked_device_is_heard_no_more(world: UseWorld) -> None:
    from marketplace.database import transaction

    device = world.device()
    world.start(world.member())
    with transaction() as session:
        session.merge(device).revoked_at = clock.now()
    assert_problem(send(world, device, [reading(0, "1001")]), 401, "bad_signature")


def test_each_faulty_reading_of_a_batch_is_named_and_nothing_is_stored(world: UseWorld) -> None:
    device, agreement = world.device(), world.start(world.member())
    world.frozen.forward(minutes=10)
    batch = [reading(1, "1001"), reading(2, "much"), reading(3, "1003", state="flying"), reading(-99, "1")]
    errors = assert_problem(send(world, device, batch), 422, "invalid_input")["errors"]
    assert list(errors) == ["readings[1].registers.km", "readings[2].state", "readings[3].taken_at"]
    assert len(world.stored(agreement)) == 1


@pytest.mark.parametrize(
    ("readings", "named"),
    [
        ([], ["readings"]),
        ("x", ["readings"]),
        ([reading(1, "1001")] * 501, ["readings"]),
        ([{}], ["readings[0].taken_at"]),
        ([reading(1, "1001"), reading(2, "1", nonsense=1)], ["readings[1].nonsense"]),
        ([reading(1, "1001"), {"taken_at": "2026-03-10T09:00:00", "registers": {}}], ["readings[1].taken_at"]),
        ([{"taken_at": 5}, reading(1, "1001"), {"registers": {"km": 7}}], [
            "readings[0].taken_at", "readings[2].taken_at", "readings[2].registers.km",
        ]),
        ([reading(1, "1" * 31)], ["readings[0].registers.km"]),
        ([{**reading(1, "1"), "registers": {"": "1"}}], ["readings[0].registers"]),
        ([5, reading(1, "1"), None], ["readings[0]", "readings[2]"]),
    ],
)  # fmt: skip
def test_readings_of_another_shape_are_named_in_the_same_way(world: UseWorld, readings: Any, named: list[str]) -> None:
    device = world.device()
    errors = assert_problem(send(world, device, readings), 422, "invalid_input")["errors"]
    assert sorted(errors) == sorted(named)


def test_of_very_many_faults_the_first_are_named(world: UseWorld) -> None:
    errors = assert_problem(send(world, world.device(), [{}] * 400), 422, "invalid_input")["errors"]
    assert len(errors) == 100
    assert ("readings[99].taken_at" in errors, "readings[100].taken_at" in errors) == (True, False)


def test_moments_of_readings_are_utc_whatever_zone_they_come_in() -> None:
    assert datetime.fromisoformat("2026-03-10T10:00:00+01:00").astimezone(UTC) == at(0)
