"""Kinds of job that a test makes up, in place of the app's own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from flask import Flask
from sqlalchemy import select

from marketplace.database import db
from marketplace.hooks.types import JobKind
from marketplace.jobs.models import Job
from marketplace.runtime import runtime

Register = Callable[..., None]


def only_made_up(app: Flask) -> Register:
    """Take the app's kinds away, so that its recurring jobs stay out; gives `register(name, handler, every=…)`."""
    here = runtime(app)
    here.registry = dataclasses.replace(here.registry, jobs={})

    def register(name: str, handler: Callable[[dict[str, Any]], None], **more: Any) -> None:
        kinds = {**here.registry.jobs, name: JobKind(name, handler, **more)}
        here.registry = dataclasses.replace(here.registry, jobs=kinds)

    return register


def fresh(job_id: int) -> Job:
    """Give a job as it is in the database now."""
    db.session.rollback()
    return db.session.scalars(select(Job).where(Job.id == job_id).execution_options(populate_existing=True)).one()
