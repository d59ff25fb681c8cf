"""What an operator should repair: totals that drifted, and campaigns that nobody closed."""

from __future__ import annotations

from sqlalchemy import func, select

from marketplace.api import HealthProblem, db
from plugins.funding import settlement, totals
from plugins.funding.models import Campaign


def problems() -> list[HealthProblem]:
    """Compare every campaign's kept totals with its pledges, and look for campaigns that should have closed."""
    found = [
        HealthProblem("error", f"campaign {drift.campaign_id}: total {drift.kept_minor}, counted {drift.counted_minor}")
        for drift in totals.drift()
    ]
    late = db.session.scalar(select(func.count()).select_from(Campaign).where(*settlement.overdue()))
    if late:
        found.append(HealthProblem("warning", f"{late} campaigns are past their deadline", "Is the worker running?"))
    return found
