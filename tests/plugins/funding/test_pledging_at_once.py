"""Many pledges at the same moment: for the last reward, around the deadline, and against their own cards."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest

from marketplace import clock
from marketplace.agreements import service as agreements
from marketplace.agreements.models import Agreement
from marketplace.agreements.service import Actor
from marketplace.database import db
from marketplace.errors import Refused
from marketplace.jobs.worker import drain
from marketplace.lifecycle import Role
from marketplace.payments import service as payments
from plugins.funding import totals
from plugins.funding.models import Reward
from tests.plugins.funding.conftest import START


@pytest.mark.parametrize("with_card", [True, False])
def test_a_hundred_concurrent_pledges_for_ten_units_give_exactly_ten(stage, app, with_card):
    campaign_id = stage.live(goal=1_000_00)
    reward_id = stage.reward(campaign_id, 10_00, stock=10)
    backers = [stage.cardless() for _ in range(100)]
    if not with_card:
        backers = [(user, None) for user, _method in backers]
    db.session.remove()
    outcomes: list[str] = []
    start = threading.Barrier(20)

    def some(mine: list[Any]) -> None:
        start.wait()
        for backer in mine:
            with app.app_context():
                try:
                    stage.pledge(campaign_id, 10_00, backer, reward_id=reward_id, arrived=stage.frozen.instant)
                    outcomes.append("taken")
                except Refused as error:
                    outcomes.append(error.code)
                db.session.remove()

    threads = [threading.Thread(target=some, args=(backers[n::20],)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["sold_out"] * 90 + ["taken"] * 10
    reward = db.session.get(Reward, reward_id, populate_existing=True)
    assert (reward.taken, stage.campaign(campaign_id).backers) == (10, 10 if with_card else 0)
    assert totals.drift() == []


@pytest.mark.parametrize("with_card", [True, False])
def test_the_last_reward_is_one_pledge_of_whoever_pressed_often(stage, app, with_card):
    campaign_id = stage.live(goal=1_000_00)
    reward_id = stage.reward(campaign_id, 10_00, stock=1)
    user, method = stage.cardless()
    backer = (user, method if with_card else None)
    db.session.remove()
    found: list[Any] = []
    start = threading.Barrier(4)

    def press() -> None:
        with app.app_context():
            start.wait()
            sent = {"reward_id": reward_id, "arrived": stage.frozen.instant, "nonce": "same"}
            try:
                found.append(stage.pledge(campaign_id, 10_00, backer, **sent).id)
            except Refused as error:
                found.append(error.code)
            db.session.remove()

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1, found
    assert db.session.get(Reward, reward_id, populate_existing=True).taken == 1


def test_cancelling_while_the_card_comes_in_never_deadlocks(stage, app):
    campaign_id = stage.live(goal=1_000_00)
    reward_id = stage.reward(campaign_id, 10_00, stock=50)
    waiting = []
    for _ in range(12):
        user, method = stage.cardless()
        agreement = stage.pledge(campaign_id, 10_00, (user, None), reward_id=reward_id)
        waiting.append((agreement.id, user.id, payments.payments_of(agreement)[0].id, method))
    db.session.remove()
    outcomes: list[str] = []

    def act(what: str, each: Any) -> None:
        agreement_id, user_id, payment_id, method = each
        with app.app_context(), clock.frozen(START):
            try:
                if what == "cancel":
                    agreements.transition(agreement_id, "cancel", Actor(user_id, Role.MEMBER))
                else:
                    payments.use_saved_method(payments.get(payment_id), method)
                outcomes.append("done")
            except Refused:
                outcomes.append("refused")
            db.session.remove()

    threads = [threading.Thread(target=act, args=(what, each)) for each in waiting for what in ("cancel", "save")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 24
    assert totals.drift() == []
    states = {db.session.get(Agreement, each[0]).state for each in waiting}
    assert states == {"cancelled"}
    assert stage.campaign(campaign_id).pledged_minor == 0
    assert db.session.get(Reward, reward_id, populate_existing=True).taken == 0


def test_fifty_writers_around_the_deadline_are_judged_by_their_arrival(stage, app):
    campaign_id = stage.live(goal=10_00, days=1)
    deadline = stage.campaign(campaign_id).ends
    backers = [stage.cardless() for _ in range(50)]
    db.session.remove()
    stage.frozen.at(deadline + timedelta(seconds=2))
    outcomes: dict[int, str] = {}
    start = threading.Barrier(25)

    def some(numbers: list[int]) -> None:
        start.wait()
        for number in numbers:
            arrived = deadline + timedelta(milliseconds=100 * (number - 25))
            with app.app_context(), clock.frozen(deadline + timedelta(seconds=2)):
                try:
                    stage.pledge(campaign_id, 1_00, backers[number], arrived=arrived)
                    outcomes[number] = "counted"
                except Refused as error:
                    outcomes[number] = error.code
                db.session.remove()

    threads = [threading.Thread(target=some, args=([n, n + 25],)) for n in range(25)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == {n: "counted" if n < 25 else "campaign_ended" for n in range(50)}
    assert stage.campaign(campaign_id).pledged_minor == 25_00
    drain(app)
    assert totals.drift() == []
