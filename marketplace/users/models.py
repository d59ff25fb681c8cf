"""A member's account, the browser sessions it is logged in with, and failed log-ins."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.database import Base, BigIntId, UtcDateTime


class User(Base):
    """One account per person. A closed account stays as a nameless row, because agreements and books refer to it."""

    __tablename__ = "user"
    __table_args__ = (
        CheckConstraint("role IN ('member', 'operator')", name="role"),
        CheckConstraint("state IN ('active', 'blocked', 'closed')", name="state"),
        CheckConstraint("email = lower(email)", name="email_lower"),
        Index("ix_user_state_id", "state", "id"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    email_confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    password_hash: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(80))
    about: Mapped[str] = mapped_column(Text, default="", server_default="")
    place: Mapped[str] = mapped_column(String(80), default="", server_default="")
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    locale: Mapped[str] = mapped_column(String(8), default="en", server_default="en")
    role: Mapped[str] = mapped_column(String(16), default="member", server_default="member")
    state: Mapped[str] = mapped_column(String(16), default="active", server_default="active")
    mail_choices: Mapped[str] = mapped_column(Text, default="", server_default="")
    """Groups (`NotificationKind.group`) that the member does not want by mail, separated by commas."""
    blocked_reason: Mapped[str] = mapped_column(String(500), default="", server_default="")
    """Why an operator blocked the account, in words that the member gets to read."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    # What flask-login asks of a user; the session's token is set by the loader.
    is_authenticated: ClassVar[bool] = True
    is_anonymous: ClassVar[bool] = False
    session_token: ClassVar[str | None] = None
    session_id: ClassVar[int | None] = None

    @property
    def is_active(self) -> bool:
        """Tell whether the account may log in."""
        return self.state == "active"

    @property
    def is_operator(self) -> bool:
        """Tell whether the member runs the place."""
        return self.role == "operator"

    def came_by(self, token: str, session_id: int) -> None:
        """Note by which browser session the member is here; nothing that is stored with the account."""
        vars(self).update(session_token=token, session_id=session_id)

    def get_id(self) -> str | None:
        """Give the browser session's token: the cookie names a session, not a person, so that it can be ended."""
        return self.session_token

    def __eq__(self, other: Any) -> bool:
        """Two rows of one id are the same member."""
        return isinstance(other, User) and other.id == self.id

    def __hash__(self) -> int:
        """Hash as the id does."""
        return hash(("user", self.id))


class UserSession(Base):
    """One browser in which a member is logged in; only a hash of its token is kept."""

    __tablename__ = "user_session"

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    remembered: Mapped[bool] = mapped_column(default=False, server_default=false())
    user_agent: Mapped[str] = mapped_column(String(200), default="", server_default="")
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class LoginFailure(Base):
    """A failed log-in, counted per network address and per account to slow down guessing; see `throttle`."""

    __tablename__ = "login_failure"
    __table_args__ = (Index("ix_login_failure_subject_at", "subject", "at"),)

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    subject: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
