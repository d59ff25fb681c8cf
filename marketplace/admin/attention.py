"""What the overview shows: a few figures and what waits for an operator, each by one statement of bounded cost."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import Select, func, select
from sqlalchemy.sql.elements import ColumnElement

from marketplace import doctor
from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.display import number
from marketplace.hooks.types import HealthProblem, TodoItem
from marketplace.jobs.models import DEAD, Job
from marketplace.lifecycle import ENDED
from marketplace.listings.models import Listing, ListingReport
from marketplace.messages.models import MessageReport
from marketplace.payments.dispute_models import ANSWERABLE, Dispute
from marketplace.payments.models import BankOrder, GatewayEvent, OfflineReceipt, PaymentAttempt, Payout, Refund
from marketplace.payments.reconciliation.models import Difference
from marketplace.runtime import runtime
from marketplace.users.models import User

MOST = 10_000
"""Counting stops here: nobody acts differently on a larger figure, and the page must stay cheap."""

FRESH_SECONDS = 60.0
HEALTH = "operator_health"


def capped(ids: Select[*tuple[Any, ...]]) -> ColumnElement[int]:
    """Count rows, but not beyond MOST + 1."""
    return select(func.count()).select_from(ids.limit(MOST + 1).subquery()).scalar_subquery()


def shown(count: int) -> str:
    """Write a capped figure."""
    return f"{number(MOST)}+" if count > MOST else number(count)


@dataclass(frozen=True, slots=True)
class Figures:
    """Sizes of the place, capped at MOST + 1."""

    members: int
    listings: int
    agreements: int


def figures() -> Figures:
    """Count members, listings and open agreements by one statement."""
    row = db.session.execute(
        select(
            capped(select(User.id).where(User.state == "active")),
            capped(select(Listing.id).where(Listing.state == "published")),
            capped(select(Agreement.id).where(Agreement.phase.not_in(ENDED))),
        )
    ).one()
    return Figures(*row)


def waiting() -> list[TodoItem]:
    """List what waits for an operator, the most urgent first, by one statement over indexed states."""
    counts = db.session.execute(
        select(
            capped(select(GatewayEvent.id).where(GatewayEvent.state.in_(("parked", "dead")))),
            capped(select(PaymentAttempt.id).where(PaymentAttempt.state == "unknown")),
            capped(select(Refund.id).where(Refund.state == "failed")),
            capped(select(Job.id).where(Job.state == DEAD)),
            capped(select(ListingReport.id).where(ListingReport.state == "open")),
            capped(select(MessageReport.id).where(MessageReport.state == "open")),
            capped(select(Payout.id).where(Payout.state == "waiting_account")),
            capped(select(OfflineReceipt.id).where(OfflineReceipt.state == "entered")),
            capped(select(BankOrder.id).where(BankOrder.state.in_(("waiting", "exported")))),
            capped(select(Dispute.id).where(Dispute.state.in_(ANSWERABLE), Dispute.answer == "")),
            capped(select(Difference.id).where(Difference.state == "open")),
        )
    ).one()
    parked, unknown, failed, dead, listings, messages, payouts, receipts, to_send, disputes, differ = counts
    items = [
        _item(disputes, _("Chargebacks that want an answer"), "gavel", "disputes"),
        _item(differ, _("Differences between books and provider"), "scale", "differences", state="open"),
        _item(parked, _("Events of the payment provider that do not fit"), "webhook", "gateway_events", state="parked"),
        _item(unknown, _("Payments with an unknown outcome"), "circle-help", "payments", kind="unknown"),
        _item(failed, _("Refunds that could not be returned"), "undo-2", "payments", kind="failed_refund"),
        _item(dead, _("Jobs that failed for good"), "server", "jobs", state="dead"),
        _item(listings, _("Reports about listings"), "flag", "reports"),
        _item(messages, _("Reports about messages"), "message-square", "message_reports"),
        _item(receipts, _("Money that a second operator has to confirm"), "landmark", "incoming", kind="entered"),
        _item(to_send, _("Refunds and pay-outs to send by hand"), "send", "bank_orders"),
        _item(payouts, _("Pay-outs that wait for a member's account"), "landmark", "payouts", state="waiting_account"),
    ]
    return [item for item in items if item is not None]


def _item(count: int, text: str, icon: str, endpoint: str, **query: Any) -> TodoItem | None:
    if not count:
        return None
    return TodoItem(f"{text}: {shown(count)}", url_for(f"operator.{endpoint}", **query), icon=icon)


def health(*, again: bool = False) -> list[HealthProblem]:
    """Give what the doctor finds, errors first; looked for anew once a minute per process, or when asked."""
    here = runtime().parts
    known = here.get(HEALTH)
    if known is None or again or time.monotonic() - known[0] >= FRESH_SECONDS:
        found = sorted(doctor.problems(), key=lambda one: one.level)
        known = here[HEALTH] = (time.monotonic(), found)
    return list(known[1])


def lag_text(seconds: float) -> str:
    """Say how long the longest-waiting job has waited."""
    if seconds < 1:
        return _("none")
    if seconds < 120:
        return _("%(count)s s", count=number(round(seconds)))
    if seconds < 7200:
        return _("%(count)s min", count=number(round(seconds / 60)))
    return _("%(count)s h", count=number(round(seconds / 3600)))
