"""Quiet work: what is only caught up on is written into lists, and mails nobody, however far it leads."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from marketplace.database import db
from marketplace.jobs import service
from marketplace.jobs.errors import TryLater
from marketplace.jobs.models import Job
from marketplace.jobs.quiet import is_quiet, quietly
from marketplace.jobs.worker import drain
from marketplace.notifications.models import Notification
from marketplace.notifications.service import MAIL_JOB, notify, send_mail
from marketplace.runtime import runtime
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from tests.core.job_kinds import Register, fresh, only_made_up


@pytest.fixture
def register(app: Flask) -> Register:
    """Let a test make up kinds of job."""
    return only_made_up(app)


def test_quiet_work_writes_the_line_and_no_mail(app: Flask, factories: Factories) -> None:
    member = factories.user()
    kind = next(name for name, kind in runtime(app).registry.notifications.items() if kind.mail)
    with quietly():
        notify(member.id, kind, params={"amount": "5", "title": "x", "what": "y"}, url="/")
        send_mail("fenna@example.org", "notification", {"text": "Hello"}, "en", member.id)
    assert db.session.scalar(select(func.count()).select_from(Notification)) == 1
    assert db.session.scalars(select(Job.kind)).all() == []
    notify(member.id, kind, params={"amount": "5", "title": "x", "what": "y"}, url="/")
    assert db.session.scalars(select(Job.kind)).all() == [MAIL_JOB]


def test_quiet_is_handed_on_from_job_to_job(app: Flask, register: Register) -> None:
    heard: list[tuple[str, bool]] = []

    def first(_payload: dict[str, Any]) -> None:
        heard.append(("first", is_quiet()))
        service.enqueue("second", {})
        service.enqueue_many("second", [{}])

    register("first", first)
    register("second", lambda _payload: heard.append(("second", is_quiet())))
    with quietly():
        service.enqueue("first", {})
    assert not is_quiet()
    drain(app)
    assert heard == [("first", True), ("second", True), ("second", True)]
    service.enqueue("first", {})
    drain(app)
    assert heard[3:] == [("first", False), ("second", False), ("second", False)]


@pytest.mark.parametrize("loud_first", [True, False])
def test_a_job_that_somebody_else_wants_too_is_not_quiet(app: Flask, register: Register, loud_first: bool) -> None:
    heard: list[bool] = []
    register("look", lambda _payload: heard.append(is_quiet()))
    for loud in (loud_first, not loud_first):
        with quietly(not loud):
            service.enqueue("look", {}, key="look:1")
    drain(app)
    assert heard == [False]


@pytest.mark.parametrize(("asked", "expected"), [((True,), True), ((True, False), False), ((False, True), False)])
def test_a_ring_during_a_run_is_as_quiet_as_those_who_rang(
    app: Flask, register: Register, asked: tuple[bool, ...], expected: bool
) -> None:
    heard: list[bool] = []

    def look(_payload: dict[str, Any]) -> None:
        heard.append(is_quiet())
        if len(heard) == 1:
            for quiet in asked:
                with quietly(quiet):
                    service.enqueue("look", {}, key="look:1")

    register("look", look)
    service.enqueue("look", {}, key="look:1")
    drain(app)
    assert heard == [False, expected]


def test_a_quiet_job_that_is_tried_again_stays_quiet(app: Flask, register: Register, frozen: FrozenClock) -> None:
    heard: list[bool] = []

    def look(_payload: dict[str, Any]) -> None:
        heard.append(is_quiet())
        if len(heard) == 1:
            raise TryLater(timedelta(minutes=1))

    register("look", look)
    with quietly():
        job = service.enqueue("look", {}, key="look:1")
    drain(app)
    frozen.forward(minutes=2)
    drain(app)
    assert heard == [True, True]
    assert fresh(job).state == "done"
