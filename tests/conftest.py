"""What holds for every test of the project: no network, no test skipped in silence."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from marketplace.testing import judged
from marketplace.testing.fixtures import RUN

# How long it takes to draw an example says how busy the machine is, and nothing about what is tested.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture(autouse=True)
def stay_on_this_machine(no_network: None) -> Iterator[None]:
    """Refuse every connection beyond loopback."""
    return no_network


@pytest.fixture(autouse=True)
def speak_as_stripe_does(as_described: None) -> None:
    """Compare every request, reply and event of every payment sandbox with Stripe's description of its API."""


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail a run in which a test was skipped: what was not run was not tested; also one that broke Stripe's description."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if exitstatus == pytest.ExitCode.OK and reporter is not None and reporter.stats.get("skipped"):
        reporter.write_line("A test was skipped, so the run fails.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if exitstatus == pytest.ExitCode.OK and reporter is not None and not judged.summary(Path(os.environ[RUN]))[1]:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
