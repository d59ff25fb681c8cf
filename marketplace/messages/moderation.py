"""Not wanting to hear from somebody, and telling an operator about a message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased

from marketplace import clock
from marketplace.admin import audit
from marketplace.database import db, is_sqlite, transaction
from marketplace.errors import InvalidInput, NotFound, Refused
from marketplace.messages.models import MemberBlock, Message, MessageReport, Participant
from marketplace.users.models import User

LONGEST_REASON = 1000
PAGE = 50


def block(blocker_id: int, blocked_id: int) -> None:
    """Take no messages from a member any more; doing it twice is doing it once. Raises Refused for oneself."""
    if blocker_id == blocked_id:
        raise Refused(_("You can't block yourself."), code="yourself")
    dialect = sqlite if is_sqlite() else postgresql
    row = {"blocker_id": blocker_id, "blocked_id": blocked_id, "created_at": clock.now()}
    with transaction() as session:
        session.execute(dialect.insert(MemberBlock).values(row).on_conflict_do_nothing())


def unblock(blocker_id: int, blocked_id: int) -> None:
    """Take messages again."""
    with transaction() as session:
        pair = (MemberBlock.blocker_id == blocker_id, MemberBlock.blocked_id == blocked_id)
        session.execute(delete(MemberBlock).where(*pair))


def report(message_id: int, reporter_id: int, reason: str) -> None:
    """Tell the operators about a message that one got; telling twice keeps the first.

    Raises NotFound to strangers and for one's own messages, InvalidInput without a reason.
    """
    text = reason.strip()
    if not text or len(text) > LONGEST_REASON:
        raise InvalidInput({"reason": _("Say in a few words what is wrong with it.")})
    with transaction() as session:
        statement = (
            select(Message.id)
            .join(Participant, Participant.thread_id == Message.thread_id)
            .where(Message.id == message_id, Participant.user_id == reporter_id, Message.sender_id != reporter_id)
        )
        if session.scalar(statement) is None:
            raise NotFound(_("This page does not exist, or is not for you."))
        dialect = sqlite if is_sqlite() else postgresql
        row = {"message_id": message_id, "reporter_id": reporter_id, "reason": text, "created_at": clock.now()}
        session.execute(dialect.insert(MessageReport).values(row).on_conflict_do_nothing())


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One open report as an operator's queue shows it; `at` is UTC."""

    id: int
    message_id: int
    thread_id: int
    sender_id: int
    sender: str
    body: str
    reporter_id: int
    reporter: str
    reason: str
    at: datetime


def open_reports(*, before: int | None = None, limit: int = PAGE) -> Sequence[ReportLine]:
    """List what waits for an operator, newest first, by one statement."""
    sender, reporter = aliased(User), aliased(User)
    statement = (
        select(
            MessageReport.id,
            Message.id,
            Message.thread_id,
            sender.id,
            sender.name,
            Message.body,
            reporter.id,
            reporter.name,
            MessageReport.reason,
            MessageReport.created_at,
        )
        .select_from(MessageReport)
        .join(Message, Message.id == MessageReport.message_id)
        .join(sender, sender.id == Message.sender_id)
        .join(reporter, reporter.id == MessageReport.reporter_id)
        .where(MessageReport.state == "open")
        .order_by(MessageReport.id.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(MessageReport.id < before)
    return [ReportLine(*tuple(row)) for row in db.session.execute(statement)]


def settle(report_id: int, operator_id: int, *, remove: bool, reason: str) -> None:
    """Remove a reported message or dismiss the report, with a reason for the audit trail; raises NotFound, Refused."""
    with transaction() as session:
        found = session.get(MessageReport, report_id, with_for_update=True)
        if found is None:
            raise NotFound(_("There is no such report."))
        if found.state != "open":
            raise Refused(_("This report is settled already."), code="settled")
        found.state = "removed" if remove else "dismissed"
        if remove:
            session.execute(update(Message).where(Message.id == found.message_id).values(state="removed"))
        action = "message.removed" if remove else "message.report_dismissed"
        audit.record(operator_id, action, "message", found.message_id, reason, {"report": report_id})
