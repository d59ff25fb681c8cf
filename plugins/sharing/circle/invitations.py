"""Ways into a circle: the link that keepers hand on, and invitations by mail; each use case is one transaction."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import timedelta

from flask_babel import gettext as _
from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from marketplace.api import Conflict, InvalidInput, Refused, User, clock, db, notifications, runtime, transaction
from plugins.sharing.circle import circle_news, circles
from plugins.sharing.circle.circle_models import (
    ASKED,
    IN,
    REMOVED,
    Circle,
    CircleInvitation,
    CircleMember,
)

GOOD_FOR = timedelta(days=14)
MOST_OPEN = 50
ADDRESS = re.compile(r"[^@\s<>\"',;]+@[^@\s<>\"',;]+\.[^@\s<>\"',;]+")


@dataclass(frozen=True, slots=True)
class Way:
    """Where a secret address leads: to which circle, and whether one joins by it at once."""

    circle: Circle
    joins: bool
    invitation: CircleInvitation | None = None


def invite(circle_id: int, user: User, email: str) -> CircleInvitation:
    """Invite somebody by mail; invited again, the former invitation is replaced. Raises InvalidInput, Refused, NotFound."""
    email = email.strip()
    if len(email) > 254 or not ADDRESS.fullmatch(email):
        raise InvalidInput({"email": _("This is no e-mail address.")})
    try:
        with transaction() as session:
            circle = circles.locked(circle_id)
            circles.require_keeper(circle, user)
            open_ones = select(CircleInvitation).where(
                CircleInvitation.circle_id == circle_id, CircleInvitation.used_at.is_(None)
            )
            rows = session.scalars(open_ones).all()
            former = [row for row in rows if row.email.lower() == email.lower() or row.expires_at <= clock.now()]
            if len(rows) - len(former) >= MOST_OPEN:
                raise Refused(_("There are enough invitations under way. Wait for their answers."), code="too_many")
            for row in former:
                session.delete(row)
            session.flush()
            row = _write(circle, user, email)
    except IntegrityError as error:  # sent twice at the same moment
        raise Conflict(_("This invitation is under way already.")) from error
    return row


def _write(circle: Circle, user: User, email: str) -> CircleInvitation:
    now, token = clock.now(), secrets.token_urlsafe(circles.TOKEN_BYTES)
    row = CircleInvitation(
        circle_id=circle.id, email=email, token=token, invited_by_id=user.id, created_at=now, expires_at=now + GOOD_FOR
    )
    db.session.add(row)
    db.session.flush()
    facts = {
        "person": user.name, "circle": circle.name, "days": GOOD_FOR.days,
        "join_url": f"{runtime().settings.base_url.rstrip('/')}{path(token)}",
    }  # fmt: skip
    notifications.send_mail(email, "circle_invitation", facts, user.locale)
    return row


def path(token: str) -> str:
    """Give the address of a way in, also where no page is being made."""
    return f"/circles/join/{token}"


def take_back(circle_id: int, invitation_id: int, user: User) -> None:
    """Take an invitation back that nobody has used. Raises NotFound, Forbidden."""
    with transaction() as session:
        circles.require_keeper(circles.locked(circle_id), user)
        open_one = delete(CircleInvitation).where(
            CircleInvitation.id == invitation_id,
            CircleInvitation.circle_id == circle_id,
            CircleInvitation.used_at.is_(None),
        )
        session.execute(open_one)


def find(token: str) -> Way:
    """Tell where a secret address leads; raises NotFound for one that is wrong, used or too old."""
    circle = db.session.scalar(select(Circle).where(Circle.link_token == token, Circle.closed_at.is_(None)))
    if circle is not None:
        return Way(circle, circle.link_joins)
    found = db.session.execute(
        select(CircleInvitation, Circle)
        .join(Circle, Circle.id == CircleInvitation.circle_id)
        .where(CircleInvitation.token == token, CircleInvitation.used_at.is_(None), Circle.closed_at.is_(None))
        .where(CircleInvitation.expires_at > clock.now())
    ).one_or_none()
    if found is None:
        raise circles.nothing_here()
    return Way(found[1], True, found[0])


def join(token: str, user: User) -> CircleMember:
    """Join by a secret address, or ask to; who was removed comes in by mail only. Raises Refused, NotFound."""
    with transaction():
        way = find(token)
        circle = circles.locked(way.circle.id)
        way = find(token)  # again: it may have been used or renewed before we had the lock
        row = circles.membership(circle.id, user.id)
        if row is not None and row.state == IN:
            return row
        if way.invitation is None and row is not None and row.state == REMOVED:
            raise Refused(_("Ask a keeper of the circle to invite you by mail."), code="removed")
        if way.invitation is not None:
            way.invitation.used_at = clock.now()
        row = circles.admit(circle, user, IN if way.joins else ASKED)
        keepers = circle_news.inside(circle.id, keepers=True, but=[user.id])
        kind = "circle_joined" if way.joins else "circle_asked"
        circle_news.tell(circle, keepers, kind, url=f"/circles/{circle.id}/people", person=user.name)
    return row


def open_of(circle_id: int) -> list[CircleInvitation]:
    """List the invitations that wait for an answer."""
    found = select(CircleInvitation).where(
        CircleInvitation.circle_id == circle_id, CircleInvitation.used_at.is_(None),
        CircleInvitation.expires_at > clock.now(),
    )  # fmt: skip
    return list(db.session.scalars(found.order_by(CircleInvitation.id)))


def asking(circle_id: int) -> int:
    """Count those who ask to join."""
    counted = select(func.count()).where(CircleMember.circle_id == circle_id, CircleMember.state == ASKED)
    return db.session.scalar(counted) or 0
