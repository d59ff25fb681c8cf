"""The API of campaigns and pledges, with real requests."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select

from marketplace import clock
from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.testing.clients import client_of
from plugins.funding import totals
from plugins.funding.models import Pledge
from tests.core.api_caller import Caller, assert_problem

MOST_STATEMENTS = 18
"""Of an API pledge with a reward and a saved card: one for the token, 27 of the pledge itself, two for the key."""

STORY = "We plant a garden behind the library. " * 5
CAMPAIGN = {
    "title": "A garden", "summary": "Vegetables for all", "body_md": STORY, "category": "garden", "place": "Utrecht",
    "goal": {"minor": 100_00, "currency": "EUR"}, "days": 30,
}  # fmt: skip


def euros(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "EUR"}


def pledges_in_the_books() -> int:
    return db.session.scalar(select(func.count()).select_from(Pledge)) or 0


def test_an_owner_makes_and_publishes_a_campaign_with_a_reward(stage: Any) -> None:
    owner = Caller(stage.app, stage.owner)
    made = owner.post("/campaigns", CAMPAIGN, key="one")
    assert made.status_code == 201, made.text
    path = f"/campaigns/{made.json['id']}"
    reward = owner.post(f"{path}/rewards", {"title": "Beans", "amount": euros(10_00), "stock": 3})
    assert (reward.status_code, reward.json["left"]) == (201, 3), reward.text
    changed = owner.patch(f"/rewards/{reward.json['id']}", {"stock": 5, "delivery": "2026-09-01"})
    assert (changed.json["left"], changed.json["delivery"], changed.json["title"]) == (5, "2026-09-01", "Beans")
    assert_problem(Caller(stage.app).get(path), 404, "not_found")
    other = owner.patch(path, {"goal": euros(200_00), "version": made.json["version"]})
    assert other.json["goal"] == euros(200_00)
    live = owner.post(f"{path}/publish")
    assert (live.status_code, live.json["state"]) == (200, "live"), live.text
    assert_problem(owner.patch(path, {"goal": euros(5_00)}), 409, "frozen")
    seen = Caller(stage.app).get(path).json
    assert (seen["pledged"], seen["rewards"][0]["left"], seen["mine"]) == (euros(0), 5, None)
    assert owner.post(f"{path}/updates", {"title": "Started", "body_md": "Thank *you*"}).status_code == 201
    assert "<em>you</em>" in Caller(stage.app).get(f"{path}/updates").json["data"][0]["body_html"]
    assert owner.send("DELETE", f"/rewards/{reward.json['id']}").status_code == 204
    assert Caller(stage.app).get("/campaigns").json["data"][0]["id"] == made.json["id"]
    assert Caller(stage.app).get("/listings?kind=campaign").json["data"][0]["progress"] == 0


def test_a_pledge_is_placed_changed_and_cancelled(stage: Any) -> None:
    campaign_id, (user, method) = stage.live(), stage.cardless()
    me, path = Caller(stage.app, user), f"/campaigns/{campaign_id}/pledges"
    assert_problem(me.post(path, {"amount": euros(25_00)}), 400, "idempotency_key_missing")
    made = me.post(path, {"amount": euros(25_00), "method_id": method}, key="one")
    assert (made.status_code, made.json["state"], made.json["pay_url"]) == (201, "pledged", None), made.text
    assert stage.campaign(campaign_id).pledged_minor == 25_00
    own = me.get(made.headers["Location"])
    assert own.json == made.json
    changed = me.patch(
        f"/pledges/{made.json['id']}", {"amount": euros(40_00)}, headers={"If-Match": own.headers["ETag"]}
    )
    assert changed.json["amount"] == euros(40_00)
    stale = me.patch(f"/pledges/{made.json['id']}", {"amount": euros(1_00)}, headers={"If-Match": own.headers["ETag"]})
    assert_problem(stale, 412, "precondition_failed")
    assert me.get(f"/campaigns/{campaign_id}").json["mine"]["amount"] == euros(40_00)
    agreement = me.get(f"/agreements/{made.json['id']}").json
    assert [move["name"] for move in agreement["possible"]] == ["cancel"]
    gone = me.post(f"/agreements/{made.json['id']}/transitions", {"name": "cancel"}, key="two")
    assert (gone.status_code, gone.json["state"], gone.json["possible"]) == (200, "cancelled", [])
    assert [each["transition"] for each in gone.json["history"]] == ["created", "confirm", "amended", "cancel"]
    again = me.post(f"/agreements/{made.json['id']}/transitions", {"name": "cancel"}, key="two")
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
    late = me.post(f"/agreements/{made.json['id']}/transitions", {"name": "cancel"})
    assert_problem(late, 409, "invalid_transition")
    assert (stage.campaign(campaign_id).pledged_minor, totals.drift()) == (0, [])


def test_a_pledge_without_a_card_tells_where_to_save_one(stage: Any) -> None:
    campaign_id, user = stage.live(), stage.factories.user()
    made = Caller(stage.app, user).post(f"/campaigns/{campaign_id}/pledges", {"amount": euros(25_00)}, key="one").json
    assert (made["state"], made["pay_url"].endswith(f"/pay/{made['payment_id']}")) == ("unconfirmed", True)
    assert Caller(stage.app, user).get(f"/payments/{made['payment_id']}").json["pay_url"] == made["pay_url"]


def test_what_can_t_be_pledged_is_refused_and_leaves_nothing(stage: Any) -> None:
    campaign_id, user = stage.live(), stage.factories.user()
    reward = stage.reward(campaign_id, 10_00, 0)
    me, path = Caller(stage.app, user), f"/campaigns/{campaign_id}/pledges"
    found = assert_problem(me.post(path, {"amount": euros(10)}, key="1"), 422, "invalid_input")
    assert found["errors"].keys() == {"amount"}
    assert_problem(me.post(path, {"amount": euros(20_00), "reward_id": reward}, key="2"), 409, "sold_out")
    assert_problem(me.post(path, {"amount": euros(20_00), "reward_id": 999}, key="3"), 422, "invalid_input")
    assert_problem(me.post(path, {"amount": {"minor": 20_00, "currency": "USD"}}, key="4"), 422, "invalid_input")
    foreign = stage.cardless()[1]
    assert me.post(path, {"amount": euros(20_00), "method_id": foreign}, key="5").status_code == 404
    owner = Caller(stage.app, stage.owner)
    assert_problem(owner.post(path, {"amount": euros(20_00)}, key="6"), 409, "own_listing")
    assert pledges_in_the_books() == 0
    stage.frozen.at(stage.campaign(campaign_id).ends + timedelta(seconds=1))
    assert_problem(me.post(path, {"amount": euros(20_00)}, key="7"), 409, "campaign_ended")


def test_another_member_s_pledge_does_not_exist(stage: Any) -> None:
    pledge = stage.pledge(stage.live(), 25_00)
    stranger = Caller(stage.app, stage.factories.user())
    for path in (f"/pledges/{pledge.id}", f"/agreements/{pledge.id}", f"/payments/{stage.side(pledge.id).payment_id}"):
        assert_problem(stranger.get(path), 404, "not_found")
    assert_problem(stranger.patch(f"/pledges/{pledge.id}", {"amount": euros(1_00)}), 404, "not_found")
    move = stranger.post(f"/agreements/{pledge.id}/transitions", {"name": "cancel"})
    assert_problem(move, 404, "not_found")
    assert_problem(stranger.post(f"/agreements/{pledge.id}/messages", {"body": "Hello"}), 404, "not_found")


def test_backers_are_for_the_owner(stage: Any) -> None:
    campaign_id = stage.live()
    stage.pledge(campaign_id, 25_00)
    found = Caller(stage.app, stage.owner).get(f"/campaigns/{campaign_id}/backers").json["data"]
    assert [each["amount"] for each in found] == [euros(25_00)]
    assert_problem(Caller(stage.app, stage.factories.user()).get(f"/campaigns/{campaign_id}/backers"), 403, "forbidden")


def test_eight_requests_of_one_key_at_once_are_one_pledge(stage: Any) -> None:
    campaign_id, (user, method) = stage.live(), stage.cardless()
    me = Caller(stage.app, user)
    answers = at_once(
        me, 8, campaign_id, lambda _number: {"key": "same", "body": {"amount": euros(25_00), "method_id": method}}
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.data for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    campaign = stage.campaign(campaign_id)
    assert (pledges_in_the_books(), campaign.backers, campaign.pledged_minor) == (1, 1, 25_00)
    assert totals.drift() == []


def test_eight_requests_of_eight_keys_at_once_are_one_pledge_and_seven_refusals(stage: Any) -> None:
    campaign_id, (user, method) = stage.live(), stage.cardless()
    me = Caller(stage.app, user)
    answers = at_once(
        me, 8, campaign_id, lambda number: {"key": f"k{number}", "body": {"amount": euros(25_00), "method_id": method}}
    )
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7], [answer.text for answer in answers]
    assert (pledges_in_the_books(), stage.campaign(campaign_id).backers) == (1, 1)


def at_once(me: Caller, count: int, campaign_id: int, made: Any) -> list[Any]:
    """Send `count` pledges in threads that start together."""
    app, gate, answers, at = me.client.application, threading.Barrier(count), [], clock.now()
    db.session.remove()

    def send(number: int) -> None:
        facts = made(number)
        mine = Caller(app)
        mine.secret, mine.client = me.secret, client_of(app)
        gate.wait()
        with clock.frozen(at):
            answers.append(mine.post(f"/campaigns/{campaign_id}/pledges", facts["body"], key=facts["key"]))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_a_pledge_is_one_transaction_of_a_known_number_of_statements(stage: Any, statements: Any) -> None:
    campaign_id, (user, method) = stage.live(), stage.cardless()
    me = Caller(stage.app, user)
    assert me.get("/me").status_code == 200
    reward = stage.reward(campaign_id, 10_00, 5)
    began: list[str] = []
    committed: list[Any] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("BEGIN IMMEDIATE"):
            began.append(statement)

    def writes(connection: Any) -> None:
        if connection.get_execution_options().get("marketplace_immediate"):
            committed.append(connection)

    event.listen(db.engine, "before_cursor_execute", note)
    event.listen(db.engine, "commit", writes)
    try:
        with statements() as seen:
            body = {"amount": euros(25_00), "reward_id": reward, "method_id": method}
            answer = me.post(f"/campaigns/{campaign_id}/pledges", body, key="one")
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
        event.remove(db.engine, "commit", writes)
    assert answer.status_code == 201, answer.text
    assert len(committed) == 1
    assert len(began) == (1 if db.engine.dialect.name == "sqlite" else 0)
    assert len(seen) <= MOST_STATEMENTS, seen


def test_a_campaign_costs_the_same_with_many_pledges(stage: Any, statements: Any) -> None:
    campaign_id = stage.live()
    me = Caller(stage.app, stage.factories.user())
    me.get("/me")
    counts = []
    for _turn in range(2):
        with statements() as seen:
            assert me.get(f"/campaigns/{campaign_id}").status_code == 200
        counts.append(len(seen))
        for _backer in range(5):
            stage.pledge(campaign_id, 5_00)
    assert counts == [4, 4]


def test_paging_over_campaigns_visits_each_once(stage: Any) -> None:
    made = {stage.live() for _turn in range(7)}
    nobody, path, seen = Caller(stage.app), "/campaigns?limit=3", []
    while path:
        page = nobody.get(path).json
        assert len(page["data"]) <= 3
        seen += [each["id"] for each in page["data"]]
        path = page["next"]
    assert sorted(seen) == sorted(made)


def test_own_pledges_are_paged(stage: Any) -> None:
    user, method = stage.cardless()
    made = {stage.pledge(stage.live(), 5_00, (user, method)).id for _turn in range(4)}
    me, path, seen = Caller(stage.app, user), "/pledges?limit=3", []
    while path:
        page = me.get(path).json
        seen += [each["id"] for each in page["data"]]
        path = page["next"]
    assert set(seen) == made
    assert len(seen) == 4
    assert db.session.scalar(select(func.count()).select_from(Agreement)) == 4


@pytest.mark.parametrize("plugins", [(), ("funding",)])
def test_operations_come_and_go_with_the_plugin(make_app: Any, plugins: tuple[str, ...]) -> None:
    app = make_app(plugins=plugins)
    document = app.test_client().get("/api/v1/openapi.json").json
    assert ("/api/v1/campaigns/{campaign_id}/pledges" in document["paths"]) == bool(plugins)
    assert ("pledges:write" in document["components"]["securitySchemes"]["token"]["description"]) == bool(plugins)
    assert app.test_client().get("/api/v1/campaigns").status_code == (200 if plugins else 404)
