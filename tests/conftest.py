"""What holds for every test of the project: no network, no test skipped in silence."""

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def stay_on_this_machine(no_network: None) -> Iterator[None]:
    """Refuse every connection beyond loopback."""
    return no_network


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail a run in which a test was skipped: what was not run was not tested."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if exitstatus == pytest.ExitCode.OK and reporter is not None and reporter.stats.get("skipped"):
        reporter.write_line("A test was skipped, so the run fails.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
