"""The API of circles with real requests, and what operators are told of help and circles that went wrong."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, update

from marketplace import clock
from marketplace.agreements.models import Agreement
from marketplace.database import transaction
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from plugins.sharing import health
from plugins.sharing.circle import turns
from plugins.sharing.circle.circle_models import CircleMember, CircleMoment, CircleTask
from plugins.sharing.help.help_models import HelpPlace
from tests.core.api_caller import ALL, Caller, assert_problem
from tests.plugins.sharing.circle_world import Around

SCOPES = (*ALL, "circles:read", "circles:write")


@pytest.fixture
def around(app: Flask, factories: Factories, frozen: Any) -> Around:
    """Give a circle with a keeper and a member."""
    return Around(app, factories, frozen)


def test_planning_and_signing_up_over_the_api(around: Around) -> None:
    me, one, stranger = (Caller(around.app, each, SCOPES) for each in (around.lender, around.borrower, around.other))
    number = me.get("/sharing/circles").json["data"][0]["id"]
    day = (clock.now() + timedelta(days=3)).date().isoformat()
    body = {"title": "Shopping", "day": day, "from_minute": 600, "to_minute": 660, "note": "On the fridge."}
    made = me.post(f"/sharing/circles/{number}/tasks", body, key="t")
    assert (made.status_code, made.json["title"]) == (201, "Shopping"), made.text
    assert me.post(f"/sharing/circles/{number}/tasks", body, key="t").json == made.json
    short = me.post(f"/sharing/circles/{number}/tasks", {**body, "to_minute": 600}, key="u")
    assert (short.status_code, "to_minute" in short.text) == (422, True)
    found = one.get(f"/sharing/circles/{number}/moments").json
    assert (found["zone"], len(found["data"]), found["data"][0]["state"]) == ("Europe/Amsterdam", 1, "missing")
    turn = f"/sharing/circles/{number}/moments/{found['data'][0]['id']}/turn"
    for _time in range(2):
        assert one.send("PUT", turn).json["coming"][0]["member_id"] == around.borrower.id
    assert_problem(me.send("PUT", turn), 409, "taken")
    assert one.send("DELETE", turn).json["missing"] == 1
    assert_problem(one.send("DELETE", turn), 409, "not_yours")
    assert stranger.get("/sharing/circles").json["data"] == []
    for answer in (
        stranger.get(f"/sharing/circles/{number}/moments"), stranger.send("PUT", turn), stranger.send("DELETE", turn),
        stranger.post(f"/sharing/circles/{number}/tasks", body, key="s"), one.send("PUT", turn.replace("moments/", "moments/9")),
    ):  # fmt: skip
        assert_problem(answer, 404, "not_found")
    late = one.get(f"/sharing/circles/{number}/moments?start=1999-01-01")
    assert late.json["data"] == []


def told() -> list[str]:
    """Give what the health check says."""
    refresh()
    found = health.problems()
    assert all(problem.hint for problem in found)
    return [problem.message for problem in found]


def write(statement: Any) -> None:
    """Change rows behind the program's back."""
    with transaction() as session:
        session.execute(statement.execution_options(synchronize_session=False))


def test_operators_are_told_what_is_out_of_step(around: Around) -> None:
    agreement = around.chosen(around.help())
    moment = around.plan(weekly=True)[0]
    turns.sign_up(around.circle.id, moment.id, around.borrower)
    assert told() == []
    write(update(CircleMember).where(CircleMember.member_id == around.borrower.id).values(state="left"))
    write(update(CircleTask).values(filled_until=clock.now().date()))
    write(update(CircleMoment).where(CircleMoment.id == moment.id).values(call_at=clock.now() - timedelta(hours=2)))
    assert [text.split(" ", 1)[1] for text in told()] == [
        "moments of circles were not announced or reminded of in time", "weekly tasks of circles are not written on",
        "places of circles are kept by people who do not belong to them",
    ]  # fmt: skip
    around.work()
    write(update(CircleMember).values(state="in"))
    write(update(Agreement).where(Agreement.id == agreement.id).values(phase="cancelled"))
    assert [text.split(" ", 1)[1] for text in told()] == ["places of help are kept by agreements that came to nothing"]
    write(update(Agreement).where(Agreement.id == agreement.id).values(phase="agreed"))
    write(delete(HelpPlace).where(HelpPlace.agreement_id == agreement.id))
    around.frozen.forward(hours=52)
    assert "1 help agreements stand and have no place" in told()
    assert "1 listings of help are over and still published" in told()
