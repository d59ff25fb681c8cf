"""Every kind of job of the core and of the bundled plugins may run twice: the second run changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

import pytest
from flask import Flask

from marketplace.database import db
from marketplace.runtime import runtime
from marketplace.testing.bank import Bank
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from tests.core.job_scenes import SCENES, Props, Scene
from tests.core.job_twice import Twice

SWEEPS = {
    "payments.reconcile",
    "payments.watch",
    "payments.sweep",
    "payments.mind",
    "payments.overdue_sweep",
    "funding.sweep",
    "sharing.collect_sweep",
    "sharing.look_for_calendars",
    "jobs.prune",
}
"""Those that only ask for other jobs, or only look: that they ran is enough."""


def test_every_kind_of_job_has_a_scene_and_every_scene_is_about_kinds_that_exist(app: Flask) -> None:
    entered = list(chain.from_iterable(SCENES.values()))
    assert len(entered) == len(set(entered)), "a kind is entered once"
    assert set(entered) == set(runtime(app).registry.jobs), "enter it in tests/core/job_scenes.py"


@pytest.mark.parametrize("play", list(SCENES), ids=lambda play: play.__name__)
def test_a_second_run_changes_nothing(
    play: Scene, make_app: Callable[..., Flask], sandbox: Bank, frozen: FrozenClock
) -> None:
    app = make_app(outgoing_networks=("127.0.0.0/8",))
    with app.app_context():
        twice = Twice(app, sandbox)
        play(Props(app, sandbox, Factories(), frozen))
        db.session.remove()
    assert not twice.differences, "\n".join(twice.differences[:5])
    idle = set(SCENES[play]) - twice.did - SWEEPS
    assert not idle, "these had nothing to do, so nothing was tested"
    assert set(SCENES[play]) <= twice.ran
