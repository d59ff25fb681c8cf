"""Background jobs: written with their cause, claimed once, tried again, given up, and never lost."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import IntegrityError

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.jobs import control, queue, service
from marketplace.jobs.errors import GiveUp, TryLater, UnknownJob
from marketplace.jobs.models import Job
from marketplace.jobs.worker import MOST_DEATHS, Worker, drain
from marketplace.runtime import runtime
from marketplace.testing.frozen_clock import FrozenClock
from tests.core.job_kinds import Register, fresh, only_made_up

NOON = "2026-05-01T12:00:00"


@pytest.fixture
def register(app: Flask) -> Register:
    """Let a test make up kinds of job."""
    return only_made_up(app)


def test_a_job_runs_with_its_payload_and_is_done(app: Flask, register: Register) -> None:
    ran: list[dict[str, Any]] = []
    register("note", ran.append)
    job_id = service.enqueue("note", {"number": 7, "name": "Zoë"})
    assert drain(app) == 1
    assert ran == [{"number": 7, "name": "Zoë"}]
    assert fresh(job_id).state == "done"
    assert fresh(job_id).finished_at is not None
    assert drain(app) == 0


def test_a_job_of_a_transaction_that_rolls_back_never_was(app: Flask, register: Register) -> None:
    ran: list[dict[str, Any]] = []
    register("note", ran.append)

    def fail() -> None:
        with transaction():
            service.enqueue("note", {})
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        fail()
    assert drain(app) == 0
    assert ran == []


def test_an_unknown_kind_is_refused_when_it_is_asked_for(app: Flask, register: Register) -> None:
    with pytest.raises(UnknownJob, match="'nothing'"):
        service.enqueue("nothing", {})
    with pytest.raises(UnknownJob):
        service.enqueue_many("nothing", [{}])


def test_a_job_waits_for_its_time(app: Flask, register: Register, frozen: FrozenClock) -> None:
    ran: list[Any] = []
    register("note", ran.append)
    frozen.at(NOON)
    service.enqueue("note", {}, run_at=clock.now() + timedelta(hours=2))
    assert drain(app) == 0
    frozen.forward(hours=2)
    assert drain(app) == 1


def test_higher_priority_goes_first_and_then_who_waited_longer(
    app: Flask, register: Register, frozen: FrozenClock
) -> None:
    ran: list[Any] = []
    register("note", lambda payload: ran.append(payload["n"]))
    frozen.at(NOON)
    at = clock.now()
    service.enqueue("note", {"n": "late"}, run_at=at - timedelta(seconds=1))
    service.enqueue("note", {"n": "early"}, run_at=at - timedelta(seconds=9))
    service.enqueue("note", {"n": "urgent"}, priority=50)
    service.enqueue("note", {"n": "whenever"}, run_at=at - timedelta(days=1), priority=-1)
    assert drain(app) == 4
    assert ran == ["urgent", "early", "late", "whenever"]


def test_many_jobs_are_written_by_one_statement(app: Flask, register: Register, statements: Callable[[], Any]) -> None:
    ran: list[Any] = []
    register("note", ran.append)
    with statements() as seen:
        assert service.enqueue_many("note", ({"n": number} for number in range(50))) == 50
    assert len(seen) == 1
    assert service.enqueue_many("note", []) == 0
    assert drain(app) == 50
    assert [payload["n"] for payload in ran] == list(range(50))


def test_a_key_makes_one_job_of_two_while_the_first_waits(app: Flask, register: Register, frozen: FrozenClock) -> None:
    ran: list[Any] = []
    register("note", ran.append)
    frozen.at(NOON)
    first = service.enqueue("note", {"n": 1}, key="close:1", run_at=clock.now() + timedelta(hours=1))
    assert service.enqueue("note", {"n": 2}, key="close:1", run_at=clock.now() + timedelta(hours=9)) == first
    assert fresh(first).run_at == clock.now() + timedelta(hours=1)
    assert service.enqueue("note", {"n": 3}, key="close:1") == first, "the earlier time wins"
    assert service.enqueue("note", {"n": 4}, key="close:2") != first
    assert drain(app) == 2
    assert [payload["n"] for payload in ran] == [1, 4]
    assert service.enqueue("note", {"n": 5}, key="close:1") != first, "the first is finished"


def test_the_database_refuses_two_unfinished_jobs_of_one_key(app: Flask, register: Register) -> None:
    at = clock.now()
    rows = [{"kind": "note", "payload": {}, "key": "k", "run_at": at, "created_at": at}] * 2
    with pytest.raises(IntegrityError), transaction() as session:
        session.execute(insert(Job), rows)


def test_a_ring_during_a_run_makes_it_run_once_more_with_the_newest_payload(app: Flask, register: Register) -> None:
    ran: list[Any] = []

    def handler(payload: dict[str, Any]) -> None:
        ran.append(payload["n"])
        if len(ran) == 1:
            service.enqueue("note", {"n": 2}, key="object:1")
            service.enqueue("note", {"n": 3}, key="object:1")

    register("note", handler)
    service.enqueue("note", {"n": 1}, key="object:1")
    drain(app)
    assert ran == [1, 3]
    assert db.session.scalars(select(Job.state)).all() == ["done"]


def test_a_ring_during_a_run_that_fails_brings_the_job_back_at_once(app: Flask, register: Register) -> None:
    ran: list[Any] = []

    def handler(payload: dict[str, Any]) -> None:
        ran.append(payload["n"])
        if len(ran) == 1:
            service.enqueue("note", {"n": 2}, key="object:1")
            raise GiveUp("no use")

    register("note", handler)
    service.enqueue("note", {"n": 1}, key="object:1")
    drain(app)
    assert ran == [1, 2]


def test_a_waiting_job_can_be_taken_back(app: Flask, register: Register) -> None:
    ran: list[Any] = []
    register("note", ran.append)
    service.enqueue("note", {}, key="reminder:1")
    assert service.cancel("reminder:1") is True
    assert service.cancel("reminder:1") is False
    assert drain(app) == 0


def test_a_failed_job_comes_back_after_a_growing_while_and_dies_at_last(
    app: Flask, register: Register, frozen: FrozenClock
) -> None:
    def broken(_payload: dict[str, Any]) -> None:
        raise ValueError("the bank is shut")

    register("note", broken, max_attempts=3)
    frozen.at(NOON)
    job_id = service.enqueue("note", {})
    waits = []
    for attempt in (1, 2):
        assert drain(app) == 1
        assert drain(app) == 0, "not at once"
        job = fresh(job_id)
        assert (job.state, job.attempts) == ("queued", attempt)
        assert "the bank is shut" in job.last_error
        waits.append((job.run_at - clock.now()).total_seconds())
        frozen.at(job.run_at)
    assert 0.75 <= waits[0] <= 1.25
    assert 3.0 <= waits[1] <= 5.0
    drain(app)
    assert fresh(job_id).state == "dead"
    assert control.overview().dead == 1


def test_the_wait_after_a_failure_never_exceeds_an_hour() -> None:
    waits = [queue.delay(attempt).total_seconds() for attempt in range(1, 40)]
    assert max(waits) <= 3600
    assert waits[0] < 2
    assert min(waits[8:]) > 2000
    assert len({queue.delay(5) for _try in range(10)}) > 1, "jittered"


def test_giving_up_makes_a_dead_letter_at_once(app: Flask, register: Register) -> None:
    def hopeless(_payload: dict[str, Any]) -> None:
        raise GiveUp("no such address")

    register("note", hopeless)
    job_id = service.enqueue("note", {})
    drain(app)
    job = fresh(job_id)
    assert (job.state, job.attempts, job.last_error) == ("dead", 1, "no such address")


def test_trying_later_does_not_count_as_a_failure(app: Flask, register: Register, frozen: FrozenClock) -> None:
    def later(_payload: dict[str, Any]) -> None:
        raise TryLater(timedelta(minutes=5), "in use")

    register("note", later, max_attempts=1)
    frozen.at(NOON)
    job_id = service.enqueue("note", {})
    drain(app)
    job = fresh(job_id)
    assert (job.state, job.attempts, job.run_at) == ("queued", 0, clock.now() + timedelta(minutes=5))


def test_one_failing_job_does_not_touch_the_others_of_its_batch(app: Flask, register: Register) -> None:
    ran: list[int] = []

    def handler(payload: dict[str, Any]) -> None:
        with transaction() as session:
            session.execute(update(Job).where(Job.id == -1).values(priority=0))
            if payload["n"] == 3:
                raise ValueError("three")
        ran.append(payload["n"])

    register("note", handler)
    service.enqueue_many("note", [{"n": number} for number in range(6)])
    assert drain(app) == 6
    assert ran == [0, 1, 2, 4, 5]
    assert sorted(db.session.scalars(select(Job.state))) == ["done"] * 5 + ["queued"]


def test_a_handler_that_leaves_a_transaction_open_harms_nobody(app: Flask, register: Register) -> None:
    def careless(_payload: dict[str, Any]) -> None:
        db.session.add(Job(kind="x", payload={}, run_at=clock.now(), created_at=clock.now()))
        db.session.flush()

    register("note", careless)
    service.enqueue("note", {})
    drain(app)
    assert db.session.scalars(select(Job.kind)).all() == ["note"]


def test_a_job_whose_plugin_is_off_waits_and_loses_nothing(app: Flask, register: Register, frozen: FrozenClock) -> None:
    ran: list[Any] = []
    register("note", ran.append)
    frozen.at(NOON)
    job_id = service.enqueue("note", {})
    here = runtime(app)
    kinds = here.registry.jobs
    here.registry = dataclasses.replace(here.registry, jobs={})
    drain(app)
    assert (fresh(job_id).state, fresh(job_id).attempts) == ("queued", 0)
    here.registry = dataclasses.replace(here.registry, jobs=kinds)
    frozen.forward(hours=1)
    drain(app)
    assert fresh(job_id).state == "done"
    assert len(ran) == 1


def test_a_dead_workers_jobs_are_taken_up_when_their_lease_has_run_out(
    app: Flask, register: Register, frozen: FrozenClock
) -> None:
    ran: list[Any] = []
    register("note", ran.append)
    frozen.at(NOON)
    job_id = service.enqueue("note", {})
    assert [job.id for job in queue.claim("a worker that dies", 5)] == [job_id]
    assert drain(app) == 0, "it is leased"
    frozen.forward(seconds=queue.LEASE.total_seconds() + 1)
    assert drain(app) == 1
    done = fresh(job_id)
    assert (done.state, done.attempts, done.deaths) == ("done", 1, 1), "a death is no failure of the job"


def test_a_job_that_kills_its_workers_dies_in_the_end(app: Flask, register: Register, frozen: FrozenClock) -> None:
    ran: list[Any] = []
    register("note", ran.append, max_attempts=2)
    frozen.at(NOON)
    job_id = service.enqueue("note", {})
    for _death in range(MOST_DEATHS):
        assert fresh(job_id).state == "queued"
        assert queue.claim("a worker that dies", 5)
        frozen.forward(seconds=queue.LEASE.total_seconds() + 1)
        Worker(app).run_pending(0)
    assert fresh(job_id).state == "dead"
    assert fresh(job_id).last_error == queue.ABANDONED
    assert ran == []


def test_a_prolonged_lease_is_kept_and_a_lost_one_changes_nothing(
    app: Flask, register: Register, frozen: FrozenClock
) -> None:
    register("note", lambda _payload: None)
    frozen.at(NOON)
    job_id = service.enqueue("note", {})
    queue.claim("slow", 1)
    frozen.forward(seconds=50)
    assert queue.prolong([job_id], "slow") == {job_id}
    frozen.forward(seconds=50)
    assert queue.abandoned() == []
    assert queue.seize(job_id, "slow", "quick") is False, "it lives"
    frozen.forward(seconds=50)
    assert queue.seize(job_id, "slow", "quick") is True
    assert queue.finish([job_id], "slow") == set()
    assert fresh(job_id).lease == "quick"


def test_two_workers_never_run_the_same_job(app: Flask, register: Register) -> None:
    ran: list[int] = []
    register("note", lambda payload: ran.append(payload["n"]))
    service.enqueue_many("note", [{"n": number} for number in range(120)])
    workers = [Worker(app, batch=5) for _number in range(4)]
    threads = [threading.Thread(target=worker.run_pending) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    drain(app)
    assert sorted(ran) == list(range(120))
    assert set(db.session.scalars(select(Job.attempts))) == {1}


def test_a_running_worker_hears_of_new_jobs_and_stops_when_told(app: Flask, register: Register) -> None:
    ran = threading.Event()
    register("note", lambda _payload: ran.set())
    worker = Worker(app)
    thread = threading.Thread(target=worker.run, kwargs={"idle_seconds": 30})
    thread.start()
    service.enqueue("note", {})
    assert ran.wait(10)
    worker.stop()
    thread.join(10)
    assert not thread.is_alive()


def test_a_worker_that_is_told_to_stop_gives_back_what_it_has_not_begun(app: Flask, register: Register) -> None:
    worker = Worker(app)
    ran: list[Any] = []

    def handler(payload: dict[str, Any]) -> None:
        ran.append(payload["n"])
        worker.stop()

    register("note", handler)
    service.enqueue_many("note", [{"n": number} for number in range(3)])
    assert worker.run_pending() == 1
    rows = db.session.execute(select(Job.state, Job.attempts).order_by(Job.id)).all()
    assert rows == [("done", 1), ("queued", 0), ("queued", 0)]


def test_an_idle_look_for_work_costs_three_probes_at_most(
    app: Flask, register: Register, statements: Callable[[], Any]
) -> None:
    with statements() as seen:
        assert queue.claim("idle", 20) == []
    assert len(seen) <= 3


@pytest.mark.parametrize(
    "change",
    [
        "state = 'lost'",
        "priority = 7",
        "state = 'running'",
        "lease = 'somebody'",
        "state = 'running', lease = 'somebody'",
    ],
)
def test_the_database_refuses_a_job_that_makes_no_sense(app: Flask, register: Register, change: str) -> None:
    register("note", lambda _payload: None)
    service.enqueue("note", {})
    with pytest.raises(IntegrityError), transaction() as session:
        session.execute(text(f"UPDATE job SET {change}"))
