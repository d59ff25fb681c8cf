"""Works sealed bills out again from what is stored, to prove that they are what the readings and the tariff give."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from sqlalchemy import func, select

from marketplace.api import db
from plugins.sharing.use import metering
from plugins.sharing.use.metering import COLUMNS, About
from plugins.sharing.use.use_models import Reading, UseBill, UseSession

BATCH = 200


@dataclass(slots=True)
class Outcome:
    """What a run found: `different` are the numbers of bills whose bytes differ; `digest` is over all bills as rated anew."""

    bills: int = 0
    readings: int = 0
    different: list[str] = field(default_factory=list)
    digest: str = ""
    seconds: float = 0.0


def run(progress: Callable[[int, int], None] = lambda done, total: None) -> Outcome:
    """Rate every bill again, the oldest first, a batch at a time; writes nothing."""
    began, outcome, sum_of_all, last = perf_counter(), Outcome(), hashlib.sha256(), 0
    total = db.session.scalar(select(func.count()).select_from(UseBill).where(UseBill.kind == "bill")) or 0
    while batch := _batch(last):
        readings = _readings([row.session_id for row in batch])
        for row in batch:
            mine = [one for one in readings[row.session_id] if one.id <= row.upto_reading]
            document = metering.rate(row, mine, About.thaw(row.about)).canonical()
            sum_of_all.update(document)
            outcome.readings += len(mine)
            if document != row.document.encode("ascii"):
                outcome.different.append(f"{row.series}{row.year}-{row.number:05d}")
        outcome.bills += len(batch)
        last = batch[-1].id
        progress(outcome.bills, total)
    outcome.digest, outcome.seconds = sum_of_all.hexdigest(), perf_counter() - began
    return outcome


def _batch(after: int) -> Sequence[Any]:
    """Give bills with what they were made from."""
    return db.session.execute(
        select(
            UseBill.id, UseBill.session_id, UseBill.series, UseBill.year, UseBill.number, UseBill.about, UseBill.upto_reading,
            UseBill.document, UseSession.tariff_id, UseSession.reserved_at, UseSession.started_at, UseSession.ended_at,
        )
        .join(UseSession, UseSession.agreement_id == UseBill.session_id)
        .where(UseBill.kind == "bill", UseBill.id > after)
        .order_by(UseBill.id)
        .limit(BATCH)
    ).all()  # fmt: skip


def _readings(session_ids: list[int]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in db.session.execute(select(*COLUMNS).where(Reading.session_id.in_(session_ids)).order_by(Reading.id)):
        found[row.session_id].append(row)
    return found
