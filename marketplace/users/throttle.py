"""Slowing down guesses: failed log-ins are counted in the database, per account and per network address."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.database import is_sqlite, transaction
from marketplace.errors import Refused
from marketplace.users.models import LoginFailure

WINDOW = timedelta(hours=1)
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)
FREE_PER_ACCOUNT = 5
FREE_PER_ADDRESS = 30
MAILS_PER_HOUR = 4


class TooManyAttempts(Refused):
    """The next try has to wait; `seconds` says how long."""

    status = 429
    code = "too_many_attempts"

    def __init__(self, seconds: int) -> None:
        """Put the wait into words."""
        self.seconds = seconds
        minutes = -(-seconds // 60)
        wait = ngettext("%(num)s second", "%(num)s seconds", seconds)
        if seconds > 90:
            wait = ngettext("%(num)s minute", "%(num)s minutes", minutes)
        super().__init__(_("Too many tries in a row. Try again in %(wait)s, or reset your password.", wait=wait))


@dataclass(frozen=True, slots=True)
class Attempt:
    """A try that was let through and counts as failed until `succeeded` takes it back."""

    account: str
    ids: tuple[int, ...]


def account_subject(email: str) -> str:
    """Name an account without keeping what was typed: people type passwords into the wrong field."""
    return "account:" + hashlib.sha256(email.strip().lower().encode()).hexdigest()[:40]


def address_subject(address: str | None) -> str:
    """Name a network address; all of an IPv6 /64 is one household or one server."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "address:unknown"
    if parsed.version == 6:
        parsed = ipaddress.ip_network((parsed, 64), strict=False).network_address
    return f"address:{parsed}"


def attempt(email: str, address: str | None) -> Attempt:
    """Count a try before it is made, so that a hundred at once are a hundred; raises TooManyAttempts."""
    subjects = {account_subject(email): FREE_PER_ACCOUNT, address_subject(address): FREE_PER_ADDRESS}
    now = clock.now()
    with transaction() as session:
        _one_at_a_time(session, sorted(subjects))
        for subject, count, newest in _failures(session, list(subjects), now - WINDOW):
            ends = newest + _wait(count - subjects[subject])
            if count >= subjects[subject] and ends > now:
                raise TooManyAttempts(max(1, round((ends - now).total_seconds())))
        rows = [LoginFailure(subject=subject, at=now) for subject in subjects]
        session.add_all(rows)
        session.flush()
        return Attempt(account_subject(email), tuple(row.id for row in rows))


def succeeded(made: Attempt) -> None:
    """Take back a try that turned out right, and forgive the account's earlier ones."""
    with transaction() as session:
        session.execute(delete(LoginFailure).where(LoginFailure.id.in_(made.ids)))
        session.execute(delete(LoginFailure).where(LoginFailure.subject == made.account))


def forgive(email: str) -> None:
    """Forget an account's failures: its owner has just proved to read its mail."""
    with transaction() as session:
        session.execute(delete(LoginFailure).where(LoginFailure.subject == account_subject(email)))


def may_mail(email: str) -> bool:
    """Tell whether one more mail may go to an address that anybody can type in, and count it; a few per hour."""
    subject = "mail:" + account_subject(email).partition(":")[2]
    now = clock.now()
    with transaction() as session:
        _one_at_a_time(session, [subject])
        sent = sum(count for _subject, count, _newest in _failures(session, [subject], now - WINDOW))
        if sent >= MAILS_PER_HOUR:
            return False
        session.add(LoginFailure(subject=subject, at=now))
        return True


def _wait(beyond: int) -> timedelta:
    doublings = min(max(beyond, 0), 10)
    return min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)


def _failures(session: Session, subjects: Sequence[str], since: datetime) -> Sequence[tuple[str, int, datetime]]:
    statement = (
        select(LoginFailure.subject, func.count(), func.max(LoginFailure.at))
        .where(LoginFailure.subject.in_(subjects), LoginFailure.at > since)
        .group_by(LoginFailure.subject)
    )
    return [(subject, count, newest) for subject, count, newest in session.execute(statement)]


def _one_at_a_time(session: Session, subjects: Sequence[str]) -> None:
    """Queue those who count the same subject; SQLite's writing transactions queue by themselves."""
    if is_sqlite():
        return
    for subject in subjects:
        key = int.from_bytes(hashlib.sha256(subject.encode()).digest()[:8], "big", signed=True)
        session.execute(select(func.pg_advisory_xact_lock(key)))
