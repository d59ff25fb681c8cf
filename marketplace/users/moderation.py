"""What operators do with members: block, unblock, and make operators; always with a reason and on record."""

from __future__ import annotations

from flask_babel import gettext as _

from marketplace.admin import audit
from marketplace.database import db, transaction
from marketplace.errors import InvalidInput, NotFound, Refused
from marketplace.notifications.service import send_mail
from marketplace.runtime import announce
from marketplace.users import sessions
from marketplace.users.models import User

LONGEST_REASON = 500


def block(user_id: int, *, actor_id: int | None, reason: str) -> User:
    """Shut a member out: log-ins and sessions end at once, listings and agreements stay; the member reads the reason.

    Raises InvalidInput without a reason, Refused for oneself and for accounts that are not active, NotFound.
    """
    reason = _checked(reason)
    with transaction() as session:
        user = _other(user_id, actor_id)
        if user.state != "active":
            raise Refused(_("Only an active account can be blocked."), code="not_active")
        user.state, user.blocked_reason = "blocked", reason
        sessions.end_all(user.id)
        audit.record(actor_id, "user.blocked", "user", user.id, reason, {})
        send_mail(user.email, "account_blocked", {"person": user.name, "reason": reason}, user.locale, user.id)
        session.flush()
        announce("user_changed", user=user, change="blocked")
    return user


def unblock(user_id: int, *, actor_id: int | None, reason: str) -> User:
    """Let a blocked member in again; raises InvalidInput without a reason, Refused for others than blocked ones, NotFound."""
    reason = _checked(reason)
    with transaction() as session:
        user = _other(user_id, actor_id)
        if user.state != "blocked":
            raise Refused(_("This account is not blocked."), code="not_blocked")
        user.state, user.blocked_reason = "active", ""
        audit.record(actor_id, "user.unblocked", "user", user.id, reason, {})
        session.flush()
        announce("user_changed", user=user, change="unblocked")
    return user


def set_role(user_id: int, role: str, *, actor_id: int | None, reason: str) -> User:
    """Make a member an operator ("operator") or an operator a member ("member").

    Nobody changes the own role, so there is always an operator left. Raises InvalidInput without a reason, Refused, NotFound.
    """
    reason = _checked(reason)
    with transaction() as session:
        user = _other(user_id, actor_id)
        if role not in ("member", "operator") or user.state != "active":
            raise Refused(_("Only an active account can be given this role."), code="not_active")
        if user.role != role:
            audit.record(actor_id, "user.role", "user", user.id, reason, {"from": user.role, "to": role})
            user.role = role
            session.flush()
            announce("user_changed", user=user, change="role")
    return user


def _other(user_id: int, actor_id: int | None) -> User:
    if user_id == actor_id:
        raise Refused(_("You can't do this with your own account."), code="own_account")
    user = db.session.get(User, user_id, with_for_update=True, populate_existing=True)
    if user is None:
        raise NotFound(_("There is no such member."))
    return user


def _checked(reason: str) -> str:
    reason = reason.strip()
    if not reason:
        raise InvalidInput({"reason": _("Say why; the member and the record get to read it.")})
    if len(reason) > LONGEST_REASON:
        raise InvalidInput({"reason": _("Use at most %(count)s characters.", count=LONGEST_REASON)})
    return reason
