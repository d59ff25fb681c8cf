"""The operator's commands for background work: `flask jobs work`, `list`, `retry` and `kill-switch`."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import AppGroup

from marketplace.errors import DomainError
from marketplace.jobs import control
from marketplace.jobs.models import STATES
from marketplace.jobs.processes import run_forked
from marketplace.jobs.worker import BATCH, Worker

jobs_cli = AppGroup("jobs", help="Run background work, look at it, and try again what failed.")


@jobs_cli.command("work")
@click.option("--once", is_flag=True, help="Run what is due now, then end.")
@click.option("--drain", is_flag=True, help="The same, and what that causes, until nothing is due.")
@click.option("--batch", default=BATCH, show_default=True, help="How many jobs to claim at a time.")
@click.option("--threads", default=1, show_default=True, help="How many workers to run beside each other in a process.")
@click.option(
    "--processes", default=1, show_default=True, help="How many processes to run, each with that many threads."
)
def work_command(once: bool, drain: bool, batch: int, threads: int, processes: int) -> None:
    """Run background work until stopped (SIGTERM or Ctrl-C ends after the job at hand)."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    if once or drain:
        worker = Worker(app, batch=batch)
        with _stopped_by_signals([worker]):
            count = worker.run_pending(batch if once and not drain else None)
        click.echo(f"{count} jobs run")
    elif processes > 1:
        click.echo(f"working in {processes} processes")
        run_forked(processes, lambda: _work(app, batch, threads))
    else:
        _work(app, batch, threads)


def _work(app: Flask, batch: int, threads: int) -> None:
    """Run workers in threads of this process until it is told to stop."""
    workers = [Worker(app, batch=batch) for _number in range(threads)]
    with _stopped_by_signals(workers):
        click.echo(f"working as {workers[0].lease}")
        others = [threading.Thread(target=worker.run) for worker in workers[1:]]
        for other in others:
            other.start()
        workers[0].run()
        for other in others:
            other.join()
        click.echo("stopped")


@contextmanager
def _stopped_by_signals(workers: list[Worker]) -> Iterator[None]:
    """Let SIGTERM and Ctrl-C end the workers after the job at hand."""

    def stop(_signal: int, _frame: Any) -> None:
        for worker in workers:
            worker.stopping.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@jobs_cli.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only jobs in this state.")
@click.option("--kind", help="Only jobs of this kind.")
@click.option("--limit", default=20, show_default=True)
def list_command(state: str | None, kind: str | None, limit: int) -> None:
    """List the newest jobs, the recurring ones, and the length of the queue."""
    seen = control.overview()
    click.echo(
        f"due {seen.due}, scheduled {seen.scheduled}, running {seen.running}, dead {seen.dead}, lag {seen.lag:.0f} s"
    )
    for job in control.recent(state, kind=kind, limit=limit):
        last = job.last_error.strip().splitlines()
        click.echo(
            f"{job.id:>8} {job.state:8} {job.kind:32} tries {job.attempts:<3} {last[-1] if last else ''}".rstrip()
        )
    for row in control.recurring_jobs():
        state_text = "on" if row.enabled else "off"
        click.echo(
            f"   every {row.every_seconds:>6} s {row.kind:32} {state_text:3} next {row.next_run_at:%Y-%m-%d %H:%M:%S} UTC"
        )


@jobs_cli.command("retry")
@click.argument("job", required=False, type=int)
@click.option("--kind", help="Every dead job of this kind.")
@click.option("--reason", default="", help="Why; it goes into the audit trail.")
def retry_command(job: int | None, kind: str | None, reason: str) -> None:
    """Queue a dead job again, or every dead job of one kind."""
    if (job is None) == (kind is None):
        raise click.UsageError("give either the number of a job or --kind")
    try:
        if kind is not None:
            click.echo(f"{control.retry_dead(kind, None, reason)} jobs queued again")
        elif job is not None:
            control.retry(job, None, reason)
            click.echo(f"job {job} is queued again")
    except DomainError as error:
        raise click.ClickException(error.message) from None


@jobs_cli.command("kill-switch")
@click.argument("kind")
@click.argument("position", type=click.Choice(["on", "off"]))
@click.option("--reason", default="", help="Why; it goes into the audit trail.")
def kill_switch_command(kind: str, position: str, reason: str) -> None:
    """Let a recurring job run (on) or keep it from running (off)."""
    try:
        control.switch(kind, position == "on", None, reason)
    except DomainError as error:
        raise click.ClickException(error.message) from None
    click.echo(f"{kind} is {position}")
