"""The closing run as a real process, killed again and again: nobody is charged twice, nobody is missed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.jobs.models import Job
from marketplace.ledger import service as ledger
from marketplace.ledger.models import LedgerTransaction
from marketplace.payments.models import Payment
from marketplace.runtime import runtime
from plugins.funding import totals

WORKER = """
from datetime import timedelta
from marketplace.app import create_app
from marketplace.config import Settings
from marketplace.jobs import queue
from marketplace.jobs.worker import Worker

queue.LEASE = timedelta(seconds=1)  # nobody wants to wait a minute after each kill
app = create_app(Settings.from_env())
print("ready", flush=True)
Worker(app).run(idle_seconds=0.1)
"""
BACKERS = 12
LAST_KILL = 8


def start_worker() -> subprocess.Popen[str]:
    settings = runtime().settings
    facts = {
        "ENVIRONMENT": "test", "DATABASE_URL": settings.database_url, "INSTANCE_DIR": str(settings.instance_dir),
        "SECRET_KEY": settings.secret_key, "MAIL_URL": settings.mail_url, "STRIPE_API_KEY": settings.stripe_api_key,
        "STRIPE_API_BASE": settings.stripe_api_base, "STRIPE_WEBHOOK_SECRETS": ",".join(settings.stripe_webhook_secrets),
    }  # fmt: skip
    environment = {**os.environ, **{f"MARKETPLACE_{name}": value for name, value in facts.items()}}
    child = subprocess.Popen(
        [sys.executable, "-c", WORKER], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


def what_is_left() -> str:
    """Tell what the worker has still to do, for the message of a failure."""
    jobs = db.session.execute(
        select(Job.kind, Job.state, Job.attempts, Job.run_at, Job.last_error).where(Job.state != "done")
    )
    states = db.session.execute(select(Agreement.state, func.count()).group_by(Agreement.state))
    return f"at {datetime.now(UTC)}: {[tuple(row) for row in states]} {[tuple(map(str, row)) for row in jobs]}"


def is_settled(campaign_id: int) -> bool:
    db.session.rollback()
    left = select(func.count()).where(Agreement.listing_id == campaign_id, Agreement.state != "collected")
    return db.session.scalar(left) == 0


def test_a_closing_run_that_is_killed_again_and_again_charges_everybody_once(funded_stage: Any) -> None:
    stage = funded_stage
    stage.frozen.at(datetime.now(UTC) - timedelta(days=3))
    campaign_id = stage.live(goal=10_00, days=1)
    for _ in range(BACKERS):
        stage.pledge(campaign_id, 10_00, stage.backer())
    stage.frozen.release()
    db.session.remove()
    dice, kills = random.Random(4), 0
    while not is_settled(campaign_id):
        child = start_worker()
        if kills < LAST_KILL:
            time.sleep(dice.uniform(0.02, 0.5))
            kills += 1
        else:
            until = time.monotonic() + 60
            while not is_settled(campaign_id):
                assert time.monotonic() < until, what_is_left()
                time.sleep(0.1)
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
    assert kills >= 3
    stage.work()
    charges = [charge for charge in stage.stripe.v1.charges.list({"limit": 100}).auto_paging_iter() if charge.paid]
    assert len(charges) == BACKERS
    assert sum(charge.amount for charge in charges) == stage.campaign(campaign_id).collected_minor == BACKERS * 10_00
    booked = select(func.count()).select_from(LedgerTransaction)
    assert db.session.scalar(booked) == 3 * BACKERS  # the charge, the provider's fee, and the settlement of each
    assert db.session.scalar(select(func.sum(Payment.earned_minor))) == BACKERS * 9_50
    assert list(ledger.audit()) == []
    assert totals.drift() == []
