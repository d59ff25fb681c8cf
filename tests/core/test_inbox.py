"""The inbox at work: looks that fail, replays, and catching up on what never came."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import func, select, text, update

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.errors import NotFound, Refused
from marketplace.jobs.models import Job
from marketplace.ledger.models import LedgerTransaction
from marketplace.notifications.models import Notification
from marketplace.notifications.service import MAIL_JOB
from marketplace.payments import backfill, inbox, replays, service
from marketplace.payments.gateway import ObjectRef, gateway
from marketplace.payments.models import GatewayEvent
from marketplace.testing.bank import Bank
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from tests.core.payment_world import ASKS_ALWAYS, VISA, World


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories) -> World:
    """Give a marketplace with a bank."""
    return World(app, sandbox, factories)


def _states() -> dict[str, int]:
    refresh()
    rows = db.session.execute(select(GatewayEvent.state, func.count()).group_by(GatewayEvent.state)).all()
    return {str(row[0]): int(row[1]) for row in rows}


def _count(model: Any, *where: Any) -> int:
    refresh()
    return db.session.scalar(select(func.count()).select_from(model).where(*where)) or 0


def _mails() -> int:
    """Count the mails that were ever asked for."""
    return _count(Job, Job.kind == MAIL_JOB)


def _missed(world: World, card: str = VISA) -> Any:
    """Charge a card; neither the answer nor any event reaches us."""
    payment = world.payment(5000, card=card)
    world.fault("payment_intents.create", "lost")
    service.charge(payment)
    world.work()
    _forget_recovery()
    assert world.fresh(payment).state == "charging"
    return payment


def _forget_recovery() -> None:
    """Take away the look that would find a lost charge: it is not what is tested here."""
    with transaction():
        db.session.execute(text("DELETE FROM job WHERE kind = 'payments.recover'"))


def _month() -> Any:
    return clock.now() - timedelta(days=30)


def test_a_ring_while_somebody_looks_makes_one_more_look(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    payment = world.payment(5000, card=ASKS_ALWAYS)
    service.charge(payment)
    world.work()
    early = world.events("payment_intent.payment_failed")[0]
    here = gateway()
    read, looks = here.read, []

    def look_and_hear(subject: ObjectRef) -> Any:
        looks.append(subject)
        answer = read(subject)  # the answer of before ...
        if len(looks) == 1:  # ... is overtaken while it is on its way
            asked = here.confirm_charge(subject.ref, world.method_of(payment.payer_id).ref, "http://x.example")
            world.approve(asked.result.url)  # type: ignore[union-attr]
            for event in world.events("payment_intent.succeeded"):
                assert world.post_event(event) == 200
        return answer

    monkeypatch.setattr(here, "read", look_and_hear)
    assert world.post_event(early) == 200
    world.work()
    assert len(looks) == 2
    assert _states() == {"applied": 2}
    assert world.fresh(payment).state == "succeeded"
    world.prove()


def test_ten_events_about_one_object_are_one_look(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _missed(world)
    event = world.events("payment_intent.succeeded")[0]
    here = gateway()
    read, looks = here.read, []
    monkeypatch.setattr(here, "read", lambda subject: (looks.append(subject), read(subject))[1])
    for number in range(10):
        assert world.post_event({**event, "id": f"evt_copy_{number}"}) == 200
    world.work()
    assert len(looks) == 1
    assert _states() == {"applied": 10}


def test_a_look_that_breaks_comes_back_twelve_times_and_is_dead_then(
    world: World, frozen: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.factories.operator()
    _missed(world)
    event = world.events("payment_intent.succeeded")[0]
    real = inbox.apply

    def broken(_facts: Any) -> Any:
        raise KeyError("of our own making")

    monkeypatch.setattr(inbox, "apply", broken)
    assert world.post_event(event) == 200
    pauses, looks = [], 0
    while _states() == {"received": 1}:
        before = clock.now()
        world.work()
        looks += 1
        due = db.session.scalar(select(Job.run_at).where(Job.kind == inbox.JOB, Job.state == "queued"))
        if due is None:
            break
        pauses.append((due - before).total_seconds())
        frozen.at(due)
    assert looks == inbox.TRIES == 12
    assert pauses[0] < 2
    assert pauses == sorted(pauses[:6]) + pauses[6:]
    assert max(pauses) <= 3600
    assert len({round(pause, 3) for pause in pauses[-4:]}) > 1, "jitter"
    row = db.session.scalars(select(GatewayEvent)).one()
    assert (row.state, row.tries, row.last_error) == ("dead", 12, "KeyError while looking")
    assert _count(Notification, Notification.kind == "payment_alarm") == 1
    monkeypatch.setattr(inbox, "apply", real)
    replays.replay(row.id, None)
    world.work()
    assert _states() == {"applied": 1}
    world.prove()


def test_a_gateway_that_is_away_for_hours_kills_no_event(world: World, frozen: FrozenClock) -> None:
    payment = _missed(world)
    world.post_event(world.events("payment_intent.succeeded")[0])
    world.fault("payment_intents.*", "error_before", times=16)
    start = clock.now()
    while clock.now() - start < timedelta(hours=12):
        world.work()
        frozen.forward(minutes=76)
    assert _states() == {"received": 1}
    while clock.now() - start < timedelta(hours=23):
        world.work()
        frozen.forward(minutes=76)
    assert _states() == {"applied": 1}
    assert world.fresh(payment).state == "succeeded"


def test_of_two_events_only_the_one_that_waited_a_day_is_given_up(world: World, frozen: FrozenClock) -> None:
    world.stripe.payment_intents.create({"amount": 1000, "currency": "eur"})
    event = world.events("payment_intent.created")[0]
    world.post_event(event)
    with transaction():
        db.session.execute(update(GatewayEvent).values(tries=11, waits_since=clock.now() - timedelta(days=2)))
    world.post_event({**event, "id": "evt_younger"})
    world.work()
    assert _states() == {"dead": 1, "received": 1}
    assert db.session.scalar(select(GatewayEvent.event_id).where(GatewayEvent.state == "received")) == "evt_younger"


@pytest.mark.parametrize("mail", [False, True])
def test_a_replay_mails_nobody_unless_asked(world: World, mail: bool) -> None:
    payment = _missed(world, ASKS_ALWAYS)
    event = world.events("payment_intent.payment_failed")[0]
    world.post_event(event)
    with transaction():
        db.session.execute(update(GatewayEvent).values(state="parked"))
        db.session.execute(text("DELETE FROM job WHERE kind = 'payments.process_event'"))
    before = _mails()
    replays.replay(db.session.scalars(select(GatewayEvent.id)).one(), None, mail=mail)
    world.work()
    assert world.fresh(payment).state == "action_required"
    assert _count(Notification, Notification.kind == "payment_action_required") == 1, "the line in the list is written"
    assert _mails() == before + mail


def test_what_a_quiet_look_asks_for_later_mails_nobody_either(world: World, frozen: FrozenClock) -> None:
    payment = _missed(world)
    service.cancel_payment(payment)
    _forget_recovery()
    world.factories.operator()
    before = _mails()
    backfill.backfill(_month())
    for _round in range(3):  # the charge without a debt is booked, and a job sends it back
        world.work()
        frozen.forward(minutes=11)
    assert world.at_bank() <= 0
    assert _count(Notification, Notification.kind == "payment_alarm") >= 1
    assert _mails() == before


def test_an_event_that_comes_by_itself_makes_the_look_loud_again(world: World) -> None:
    _missed(world, ASKS_ALWAYS)
    event = world.events("payment_intent.payment_failed")[0]
    before = _mails()
    backfill.backfill(_month())
    assert world.post_event({**event, "id": "evt_by_itself"}) == 200
    world.work()
    assert _mails() == before + 1


def test_a_backfill_finds_what_never_came_and_a_second_one_does_nothing(world: World) -> None:
    payment = _missed(world)
    listed = len(world.events())
    ways: list[float] = []
    caught = backfill.backfill(_month(), progress=ways.append)
    assert (caught.seen, caught.added) == (listed, listed)
    assert ways == sorted(ways)
    assert ways[-1] == 1
    world.work()
    assert world.fresh(payment).state == "succeeded"
    booked = _count(LedgerTransaction)
    again = backfill.backfill(_month())
    assert (again.seen, again.added) == (listed, 0)
    assert world.work() == 0
    assert _count(LedgerTransaction) == booked
    world.prove()


def test_a_backfill_walks_every_page_of_the_list(world: World) -> None:
    for number in range(130):
        world.stripe.customers.create({"name": f"Customer {number}"})
    caught = backfill.backfill(_month())
    assert caught.seen == caught.added >= 130
    world.work()
    assert set(_states()) == {"ignored"}


def test_a_backfill_goes_back_no_further_than_asked(world: World) -> None:
    _missed(world)
    assert backfill.backfill(clock.now() + timedelta(minutes=1)).seen == 0
    assert _states() == {}


def test_a_backfill_reads_the_lists_of_connected_accounts(world: World) -> None:
    world.onboard(world.owner)
    caught = backfill.backfill(_month())
    assert caught.accounts == 1
    world.work()
    rows = db.session.execute(select(GatewayEvent.object_type, GatewayEvent.account)).all()
    assert ("account", _account()) in {tuple(row) for row in rows}
    assert backfill.backfill(_month(), accounts=False).accounts == 0


def _account() -> str:
    return str(db.session.scalar(text("SELECT ref FROM payout_account")))


def test_a_backfill_that_is_interrupted_keeps_what_it_has_and_goes_on_next_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "PAUSES", (0.0,))
    for number in range(130):
        world.stripe.customers.create({"name": f"Customer {number}"})
    here = gateway()
    listed, pages = here.list_events, []

    def falters(*arguments: Any) -> Any:
        pages.append(arguments)
        if len(pages) == 2:
            world.fault("events.list", "error_before", times=9)
        return listed(*arguments)

    monkeypatch.setattr(here, "list_events", falters)
    with pytest.raises(backfill.Interrupted):
        backfill.backfill(_month())
    kept = _count(GatewayEvent)
    assert kept == 100
    world.bank.sandbox.faults.clear()
    monkeypatch.setattr(here, "list_events", listed)
    assert backfill.backfill(_month()).added >= 30


class TestCommands:
    """`flask payments inbox` and `flask payments backfill`."""

    def test_backfill_tells_what_was_missing(self, world: World, runner: FlaskCliRunner) -> None:
        _missed(world)
        shown = runner.invoke(args=["payments", "backfill", "--since", "3d"])
        assert shown.exit_code == 0, shown.output
        assert "0 events seen" not in shown.output
        assert "were missing and wait for the worker" in shown.output
        again = runner.invoke(args=["payments", "backfill", "--since", "2020-01-01T08:00"])
        assert ", 0 were missing" in again.output

    def test_backfill_refuses_what_is_no_time(self, world: World, runner: FlaskCliRunner) -> None:
        shown = runner.invoke(args=["payments", "backfill", "--since", "yesterday"])
        assert shown.exit_code == 2
        assert "neither a date" in shown.output

    def test_list_show_and_replay(self, world: World, runner: FlaskCliRunner) -> None:
        _missed(world)
        event = world.events("payment_intent.succeeded")[0]
        world.post_event(event)
        listed = runner.invoke(args=["payments", "inbox", "list", "--state", "received"]).output
        assert "oldest waiting: " in listed
        assert event["data"]["object"]["id"] in listed
        with transaction():
            db.session.execute(update(GatewayEvent).values(state="dead"))
        shown = runner.invoke(args=["payments", "inbox", "show", event["id"]]).output
        assert "dead" in shown
        assert json.dumps(event["id"]) in shown
        told = runner.invoke(args=["payments", "inbox", "replay", event["id"], "--reason", "it is known now"]).output
        assert f"event {event['id']} is looked at again" in told
        world.work()
        assert _states() == {"applied": 1}
        assert "nothing waits" in runner.invoke(args=["payments", "inbox", "list"]).output

    def test_replay_of_all_dead_ones_leaves_those_of_the_other_mode(self, world: World, runner: FlaskCliRunner) -> None:
        _missed(world)
        event = world.events("payment_intent.succeeded")[0]
        world.post_event(event)
        world.post_event({**event, "id": "evt_live", "livemode": True})
        with transaction():
            db.session.execute(update(GatewayEvent).values(state="dead"))
        told = runner.invoke(args=["payments", "inbox", "replay", "--state", "dead"]).output
        assert told == "1 events are looked at again\n"
        with pytest.raises(Refused):
            replays.replay(db.session.scalars(select(GatewayEvent.id).where(GatewayEvent.livemode)).one(), None)

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (["show", "evt_nothing"], "there is no event"),
            (["replay", "99999999999999999999"], "there is no event"),
            (["replay"], "give either"),
            (["replay", "1", "--state", "dead"], "give either"),
        ],
    )
    def test_what_does_not_exist_is_said(
        self, world: World, runner: FlaskCliRunner, arguments: list[str], told: str
    ) -> None:
        shown = runner.invoke(args=["payments", "inbox", *arguments])
        assert shown.exit_code != 0
        assert told in shown.output
        with pytest.raises(NotFound):
            replays.replay(12345, None)


def test_backfill_without_payments_says_so(make_app: Callable[..., Flask]) -> None:
    shown = make_app(payments=False).test_cli_runner().invoke(args=["payments", "backfill"])
    assert shown.exit_code == 1
    assert "switched off" in shown.output
