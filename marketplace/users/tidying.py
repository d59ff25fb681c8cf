"""The job that throws away what is no longer needed: ended sessions, and tries to log in of days ago."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import delete, or_

from marketplace import clock
from marketplace.database import transaction
from marketplace.users.models import LoginFailure, UserSession

FAILURES_KEPT = timedelta(days=2)
SESSIONS_KEPT = timedelta(days=30)


def tidy(_payload: dict[str, Any]) -> None:
    """Delete log-in failures of more than two days and sessions that ended over thirty days ago."""
    now = clock.now()
    with transaction() as session:
        session.execute(delete(LoginFailure).where(LoginFailure.at < now - FAILURES_KEPT))
        old = now - SESSIONS_KEPT
        session.execute(delete(UserSession).where(or_(UserSession.expires_at < old, UserSession.revoked_at < old)))
