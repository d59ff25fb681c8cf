"""Browser sessions: the cookie holds a random token, the database its hash, so that any of them can be ended."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select, update

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.kept import known
from marketplace.prepared import Prepared
from marketplace.users.models import User, UserSession

REMEMBERED = timedelta(days=30)
BRIEF = timedelta(hours=24)
RENEWED_EVERY = timedelta(minutes=10)
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
MOST_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Device:
    """One line of the sessions page."""

    id: int
    user_agent: str
    created_at: datetime
    last_seen_at: datetime


# Who is asking is found out at every request of a member, so this statement is spelled once.
_USER = tuple(column.key for column in User.__table__.columns)
_BY_TOKEN = Prepared(
    select(UserSession.id.label("session_id"), UserSession.last_seen_at, *User.__table__.columns)
    .join(UserSession, UserSession.user_id == User.id)
    .where(
        UserSession.token_hash == bindparam("hash"),
        UserSession.revoked_at.is_(None),
        UserSession.expires_at > bindparam("now"),
        User.state == "active",
    )
)


def token_hash(token: str) -> str:
    """Hash a session token; it is random and long, so a plain SHA-256 can't be reversed."""
    return hashlib.sha256(token.encode()).hexdigest()


def lifetime(remembered: bool) -> timedelta:
    """Tell how long a session lives after it was last renewed."""
    return REMEMBERED if remembered else BRIEF


def start(user: User, *, remembered: bool, user_agent: str) -> str:
    """Begin a session for a member who proved who they are, and give its token; only the cookie will know it."""
    token = secrets.token_urlsafe(32)
    now = clock.now()
    with transaction() as session:
        row = UserSession(
            user_id=user.id,
            token_hash=token_hash(token),
            created_at=now,
            last_seen_at=now,
            expires_at=now + lifetime(remembered),
            remembered=remembered,
            user_agent=user_agent[:200],
        )
        session.add(row)
    user.came_by(token, row.id)
    return token


def load(token: object) -> tuple[User, bool] | None:
    """Give the member whose session this is, and whether the session is due for renewal; one statement, None for a guest."""
    if not isinstance(token, str) or not TOKEN.fullmatch(token):
        return None
    now = clock.now()
    found = _BY_TOKEN.one(hash=token_hash(token), now=now)
    if found is None:
        return None
    session_id, seen, *columns = found
    user = known(User, dict(zip(_USER, columns, strict=True)))
    user.came_by(token, session_id)
    return user, seen <= now - RENEWED_EVERY


def renew(session_id: int) -> None:
    """Note that a session was used just now and let it live on; several requests at once write once."""
    now = clock.now()
    mine = (
        UserSession.id == session_id,
        UserSession.revoked_at.is_(None),
        UserSession.last_seen_at <= now - RENEWED_EVERY,
    )
    with transaction() as session:
        for remembered in (True, False):
            session.execute(
                update(UserSession)
                .where(*mine, UserSession.remembered.is_(remembered))
                .values(last_seen_at=now, expires_at=now + lifetime(remembered))
            )


def devices(user: User) -> Sequence[Device]:
    """List where a member is logged in, the most recently used first."""
    statement = (
        select(UserSession.id, UserSession.user_agent, UserSession.created_at, UserSession.last_seen_at)
        .where(
            UserSession.user_id == user.id,
            UserSession.revoked_at.is_(None),
            UserSession.expires_at > clock.now(),
        )
        .order_by(UserSession.last_seen_at.desc(), UserSession.id.desc())
        .limit(MOST_SHOWN)
    )
    return [Device(*row) for row in db.session.execute(statement)]


def is_remembered(session_id: int | None) -> bool:
    """Tell whether a session was asked to outlive the browser."""
    return bool(db.session.scalar(select(UserSession.remembered).where(UserSession.id == session_id)))


def end(user: User, session_id: int) -> bool:
    """End one of a member's own sessions; False when the member has no such session."""
    statement = update(UserSession).where(
        UserSession.id == session_id, UserSession.user_id == user.id, UserSession.revoked_at.is_(None)
    )
    with transaction() as session:
        ended = session.execute(statement.values(revoked_at=clock.now()).returning(UserSession.id)).all()
    return bool(ended)


def end_all(user_id: int, *, but: int | None = None) -> int:
    """End a member's sessions, except the one with the id `but`; gives how many ended."""
    statement = update(UserSession).where(UserSession.user_id == user_id, UserSession.revoked_at.is_(None))
    if but is not None:
        statement = statement.where(UserSession.id != but)
    with transaction() as session:
        ended = session.execute(statement.values(revoked_at=clock.now()).returning(UserSession.id)).all()
    return len(ended)


# First match wins: Edge and Opera call themselves Chrome, and Chrome calls itself Safari.
BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


def describe(user_agent: str) -> tuple[str, str]:
    """Name browser and system of a user agent's text, as far as it tells; empty where it does not."""
    browser = next((name for mark, name in BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in SYSTEMS if mark in user_agent), "")
    return browser, system
