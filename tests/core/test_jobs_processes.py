"""Workers as real processes: killed in the middle of a job, told to stop, and run by hand."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import func, select

from marketplace.admin import audit
from marketplace.admin.models import AuditEntry
from marketplace.config import Settings
from marketplace.database import db
from marketplace.hooks.types import JobKind
from marketplace.jobs import queue, service
from marketplace.jobs.errors import GiveUp
from marketplace.jobs.models import Job
from marketplace.jobs.worker import drain
from marketplace.notifications.service import send_mail
from marketplace.runtime import runtime
from marketplace.testing.frozen_clock import FrozenClock
from marketplace.testing.mailbox import Mailbox

WORKER = """
import sys, time
from dataclasses import replace
from pathlib import Path
from marketplace.admin import audit
from marketplace.app import create_app
from marketplace.config import Settings
from marketplace.hooks.types import JobKind
from marketplace.jobs.worker import Worker
from marketplace.runtime import runtime

folder = Path(sys.argv[1])

def handler(payload):
    audit.record(None, "job.ran", "number", payload["n"])
    if payload["n"] == 30:
        (folder / "in the middle").touch()
        time.sleep(60)

app = create_app(Settings.from_env())
here = runtime(app)
here.registry = replace(here.registry, jobs={"count": JobKind("count", handler)})
Worker(app).run()
"""


@contextmanager
def process(settings: Settings, *command: str) -> Iterator[subprocess.Popen[str]]:
    """Run a program with these settings, and see to it that it ends."""
    facts = {
        "ENVIRONMENT": "test",
        "DATABASE_URL": settings.database_url,
        "INSTANCE_DIR": str(settings.instance_dir),
        "SECRET_KEY": settings.secret_key,
        "STRIPE_API_KEY": "sk_test_marketplace",
        "MAIL_URL": settings.mail_url,
        "PLUGINS": "",
    }
    environment = {**os.environ, **{f"MARKETPLACE_{name}": value for name, value in facts.items()}}
    child = subprocess.Popen(
        [sys.executable, *command], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield child
    finally:
        if child.poll() is None:
            child.kill()
        child.communicate()


def wait_for(what: Callable[[], Any], child: subprocess.Popen[str], seconds: float = 30) -> None:
    """Wait until something is so; fails with the process's words when it ends before."""
    deadline = time.monotonic() + seconds
    while not what():
        assert child.poll() is None, child.communicate()[0]
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)


def with_kind(app: Flask, handler: Callable[[dict[str, Any]], None]) -> None:
    here = runtime(app)
    here.registry = replace(here.registry, jobs={"count": JobKind("count", handler)})


def test_a_worker_killed_in_the_middle_of_a_job_loses_none(
    app: Flask, make_settings: Callable[..., Settings], frozen: FrozenClock, tmp_path: Path
) -> None:
    with_kind(app, lambda payload: audit.record(None, "job.ran", "number", payload["n"]) and None)
    service.enqueue_many("count", [{"n": number} for number in range(50)])
    program = tmp_path / "worker.py"
    program.write_text(WORKER)
    with process(make_settings(), str(program), str(tmp_path)) as child:
        wait_for((tmp_path / "in the middle").exists, child)
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert drain(app) == 10, "of the fifty, two batches are leased or done"
    frozen.forward(seconds=queue.LEASE.total_seconds() + 1)
    assert drain(app) >= 10
    db.session.rollback()
    assert set(db.session.scalars(select(Job.state))) == {"done"}
    runs = dict(db.session.execute(select(AuditEntry.subject_id, func.count()).group_by(AuditEntry.subject_id)).all())
    assert set(runs) == {str(number) for number in range(50)}
    assert runs["30"] == 2, "the one it died in"
    assert max(runs.values()) == 2
    assert all(runs[str(number)] == 1 for number in range(20)), "what was written down is not repeated"


def test_sigterm_ends_the_command_after_the_job_at_hand(
    app: Flask, make_settings: Callable[..., Settings], mailbox: Mailbox
) -> None:
    send_mail("fenna@example.org", "notification", {"text": "Hello"}, "en")
    start = "from marketplace.cli import main; main()"
    with process(make_settings(), "-c", start, "jobs", "work") as child:
        wait_for(lambda: mailbox.messages, child)
        child.send_signal(signal.SIGTERM)
        output, _nothing = child.communicate(timeout=20)
    assert child.returncode == 0, output
    assert "stopped" in output
    assert mailbox.messages[0]["To"] == "fenna@example.org"


class TestCommands:
    """`flask jobs`."""

    @pytest.fixture(autouse=True)
    def kinds(self, app: Flask) -> None:
        """Register a kind that fails for good and nothing else."""

        def hopeless(_payload: dict[str, Any]) -> None:
            raise GiveUp("no such address")

        with_kind(app, hopeless)

    def test_drain_runs_what_is_due_and_list_shows_what_died(self, runner: FlaskCliRunner) -> None:
        service.enqueue("count", {})
        assert runner.invoke(args=["jobs", "work", "--drain"]).output == "1 jobs run\n"
        shown = runner.invoke(args=["jobs", "list", "--state", "dead"]).output
        assert "dead 1" in shown
        assert "no such address" in shown

    def test_once_stops_after_one_batch(self, runner: FlaskCliRunner) -> None:
        service.enqueue_many("count", [{}] * 3)
        assert runner.invoke(args=["jobs", "work", "--once", "--batch", "2"]).output == "2 jobs run\n"

    def test_retry_takes_a_number_or_a_kind(self, runner: FlaskCliRunner) -> None:
        job_id = service.enqueue("count", {})
        runner.invoke(args=["jobs", "work", "--drain"])
        assert "queued again" in runner.invoke(args=["jobs", "retry", str(job_id), "--reason", "fixed"]).output
        refused = runner.invoke(args=["jobs", "retry", str(job_id)])
        assert refused.exit_code == 1
        assert "Only a dead job" in refused.output
        runner.invoke(args=["jobs", "work", "--drain"])
        assert "1 jobs queued again" in runner.invoke(args=["jobs", "retry", "--kind", "count"]).output
        assert runner.invoke(args=["jobs", "retry"]).exit_code == 2

    def test_the_kill_switch_names_a_recurring_job(self, runner: FlaskCliRunner) -> None:
        refused = runner.invoke(args=["jobs", "kill-switch", "count", "off"])
        assert refused.exit_code == 1
        assert "there is no recurring job" in refused.output


def test_several_processes_share_the_work_and_one_that_dies_is_begun_again(
    app: Flask, make_settings: Callable[..., Settings], mailbox: Mailbox
) -> None:
    def mailed() -> int:
        return len(list(mailbox.messages))

    start = "from marketplace.cli import main; main()"
    with process(make_settings(), "-c", start, "jobs", "work", "--processes", "2") as child:
        wait_for(lambda: len(_children(child.pid)) == 2, child)
        first = _children(child.pid)
        send_mail("one@example.org", "notification", {"text": "Hello"}, "en")
        wait_for(lambda: mailed() == 1, child)
        os.kill(min(first), signal.SIGKILL)
        wait_for(lambda: len(_children(child.pid) - first) == 1, child)
        os.kill(max(first), signal.SIGKILL)
        send_mail("two@example.org", "notification", {"text": "Hello"}, "en")
        wait_for(lambda: mailed() == 2, child)
        child.send_signal(signal.SIGTERM)
        output, _nothing = child.communicate(timeout=20)
    assert child.returncode == 0, output
    assert output.count("working as ") >= 3
    assert "worker_process_ended" in output


def _children(parent: int) -> set[int]:
    """Give the ids of a process's children."""
    return {int(number) for number in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()}
