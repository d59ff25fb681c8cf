"""Recurring jobs, and what an operator sees of jobs and may do with them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from marketplace import clock
from marketplace.admin import audit
from marketplace.database import db
from marketplace.errors import Conflict, NotFound, Refused
from marketplace.jobs import control, service
from marketplace.jobs.errors import GiveUp
from marketplace.jobs.models import Recurring
from marketplace.jobs.worker import Worker, drain
from marketplace.testing.frozen_clock import FrozenClock
from tests.core.job_kinds import Register, fresh, only_made_up

NOON = "2026-05-01T12:00:00"


@pytest.fixture
def register(app: Flask) -> Register:
    """Let a test make up kinds of job."""
    return only_made_up(app)


class TestRecurring:
    """Jobs that come back by the clock."""

    def test_a_recurring_job_runs_at_once_and_then_every_interval(
        self, app: Flask, register: Register, frozen: FrozenClock
    ) -> None:
        ran: list[Any] = []
        register("sweep", ran.append, every=timedelta(minutes=10))
        frozen.at(NOON)
        drain(app)
        drain(app)
        assert len(ran) == 1
        frozen.forward(minutes=9)
        drain(app)
        assert len(ran) == 1
        frozen.forward(minutes=1)
        drain(app)
        assert len(ran) == 2

    def test_missed_runs_are_not_made_up_for(self, app: Flask, register: Register, frozen: FrozenClock) -> None:
        ran: list[Any] = []
        register("sweep", ran.append, every=timedelta(minutes=10))
        frozen.at(NOON)
        drain(app)
        frozen.forward(hours=5, minutes=3)
        drain(app)
        drain(app)
        assert len(ran) == 2
        row = db.session.scalars(select(Recurring)).one()
        assert row.next_run_at == clock.now() + timedelta(minutes=7), "still on the grid"

    def test_the_kill_switch_stops_it_and_takes_back_the_run_that_waits(
        self, app: Flask, register: Register, frozen: FrozenClock
    ) -> None:
        ran: list[Any] = []
        register("sweep", ran.append, every=timedelta(minutes=10))
        frozen.at(NOON)
        Worker(app).run_pending(0)
        control.switch("sweep", False, None, "it mails too much")
        frozen.forward(hours=1)
        drain(app)
        assert ran == []
        control.switch("sweep", True, None)
        drain(app)
        assert len(ran) == 1
        assert [entry.action for entry in audit.entries()] == ["job.switched_on", "job.switched_off"]

    def test_a_changed_interval_is_taken_over(self, app: Flask, register: Register) -> None:
        register("sweep", lambda _payload: None, every=timedelta(minutes=10))
        drain(app)
        register("sweep", lambda _payload: None, every=timedelta(minutes=20))
        drain(app)
        assert db.session.scalars(select(Recurring.every_seconds)).all() == [1200]

    def test_four_workers_at_once_ask_for_it_once(self, app: Flask, register: Register) -> None:
        ran: list[Any] = []
        register("sweep", ran.append, every=timedelta(hours=1))
        threads = [threading.Thread(target=drain, args=(app,)) for _number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(ran) == 1

    def test_only_a_recurring_job_can_be_asked_for_by_hand(self, app: Flask, register: Register) -> None:
        register("note", lambda _payload: None)
        register("sweep", lambda _payload: None, every=timedelta(hours=1))
        assert control.run_now("sweep", None) > 0
        with pytest.raises(NotFound):
            control.run_now("note", None)
        with pytest.raises(NotFound):
            control.switch("note", False, None)

    def test_a_job_that_is_switched_off_does_not_run_by_hand_either(self, app: Flask, register: Register) -> None:
        ran: list[Any] = []
        register("sweep", ran.append, every=timedelta(hours=1))
        drain(app)
        control.switch("sweep", False, None)
        with pytest.raises(Refused, match="sweep is off"):
            control.run_now("sweep", None)
        drain(app)
        assert len(ran) == 1
        control.switch("sweep", True, None)
        assert control.run_now("sweep", None) > 0


class TestOperators:
    """What an operator may do."""

    def test_a_dead_job_is_tried_again_with_all_its_attempts(self, app: Flask, register: Register) -> None:
        healthy: list[bool] = []

        def handler(_payload: dict[str, Any]) -> None:
            if not healthy:
                raise GiveUp("broken")

        register("note", handler)
        job_id = service.enqueue("note", {})
        drain(app)
        healthy.append(True)
        control.retry(job_id, None, "the bank is open again")
        assert fresh(job_id).attempts == 0
        drain(app)
        assert fresh(job_id).state == "done"
        assert audit.entries()[0].reason == "the bank is open again"
        with pytest.raises(Refused):
            control.retry(job_id, None)
        with pytest.raises(NotFound):
            control.retry(job_id + 1, None)

    def test_a_dead_job_stays_dead_while_another_of_its_key_waits(self, app: Flask, register: Register) -> None:
        def hopeless(_payload: dict[str, Any]) -> None:
            raise GiveUp("broken")

        register("note", hopeless)
        first = service.enqueue("note", {}, key="k")
        drain(app)
        service.enqueue("note", {}, key="k")
        with pytest.raises(Conflict):
            control.retry(first, None)
        assert control.retry_dead("note", None) == 0

    def test_every_dead_job_of_a_kind_is_tried_again(self, app: Flask, register: Register) -> None:
        def hopeless(_payload: dict[str, Any]) -> None:
            raise GiveUp("broken")

        register("note", hopeless)
        service.enqueue_many("note", [{}, {}, {}])
        drain(app)
        assert control.retry_dead("note", None) == 3
        assert control.overview().due == 3

    def test_the_overview_counts_by_one_statement(
        self, app: Flask, register: Register, frozen: FrozenClock, statements: Callable[[], Any]
    ) -> None:
        register("note", lambda _payload: None)
        frozen.at(NOON)
        service.enqueue_many("note", [{}, {}])
        service.enqueue("note", {}, run_at=clock.now() + timedelta(days=1))
        frozen.forward(seconds=30)
        with statements() as seen:
            figures = control.overview()
        assert len(seen) == 1
        assert (figures.due, figures.scheduled, figures.running, figures.dead, figures.lag) == (2, 1, 0, 0, 30.0)

    def test_the_list_is_paged_by_key(self, app: Flask, register: Register) -> None:
        register("note", lambda _payload: None)
        service.enqueue_many("note", [{}] * 5)
        first = control.recent(limit=3)
        rest = control.recent("queued", kind="note", before=first[-1].id, limit=3)
        assert [line.id for line in (*first, *rest)] == sorted((line.id for line in (*first, *rest)), reverse=True)
        assert len(rest) == 2
        assert control.one(first[0].id).kind == "note"
        with pytest.raises(NotFound):
            control.one(99)

    def test_done_jobs_are_forgotten_after_a_week_and_dead_ones_kept(
        self, app: Flask, register: Register, frozen: FrozenClock
    ) -> None:
        def handler(payload: dict[str, Any]) -> None:
            if payload.get("dead"):
                raise GiveUp("broken")

        register("note", handler)
        frozen.at(NOON)
        service.enqueue_many("note", [{}, {"dead": True}])
        drain(app)
        frozen.forward(days=6)
        control.prune({})
        assert len(control.recent()) == 2
        frozen.forward(days=2)
        control.prune({})
        assert [line.state for line in control.recent()] == ["dead"]
