"""A circle and who belongs to it: starting one, joining, keeping, leaving, closing; each use case is one transaction."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select

from marketplace.api import (
    Forbidden,
    InvalidInput,
    NotFound,
    Refused,
    User,
    clock,
    db,
    places,
    runtime,
    settings,
    transaction,
)
from plugins.sharing.circle import circle_news, leaving
from plugins.sharing.circle.circle_models import ASKED, IN, KEEPER, LEFT, MEMBER, REMOVED, Circle, CircleMember

TOKEN_BYTES = 24
MOST_OWN = 20
"""The largest number of circles that one member keeps or belongs to."""


@dataclass(frozen=True, slots=True)
class About:
    """What is said of a circle; `call_hours` before a moment everybody is told that somebody is missing."""

    name: str
    place: str
    about: str = ""
    call_hours: int = 48
    link_joins: bool = False


def start(user: User, about: About) -> Circle:
    """Start a circle, of which the member becomes the first keeper. Raises InvalidInput, Refused, Forbidden."""
    if not user.is_active:
        raise Forbidden(_("Your account can't do this at the moment."))
    place = _checked(about)
    with transaction() as session:
        _refuse_too_many_own(user)
        now = clock.now()
        circle = Circle(
            name=about.name.strip(), about=about.about.strip(), place=place, zone=runtime().settings.timezone,
            call_hours=about.call_hours, link_joins=about.link_joins, link_token=secrets.token_urlsafe(TOKEN_BYTES),
            created_at=now,
        )  # fmt: skip
        session.add(circle)
        session.flush()
        session.add(CircleMember(circle_id=circle.id, member_id=user.id, role=KEEPER, state=IN, since=now))
        session.flush()
    return circle


def _checked(about: About) -> str:
    """Give the place as the site names it; raises InvalidInput."""
    faults, found = {}, places.find(about.place.strip())
    if not 2 <= len(about.name.strip()) <= 80:
        faults["name"] = _("A name has 2 to 80 characters.")
    if found is None:
        faults["place"] = _("We don't know this place. Write the name of a town or a neighbourhood.")
    if not 1 <= about.call_hours <= 336:
        faults["call_hours"] = _("Choose a number between %(least)s and %(most)s.", least=1, most=336)
    if len(about.about) > 2000:
        faults["about"] = _("At most 2000 characters.")
    if faults or found is None:
        raise InvalidInput(faults)
    return str(found.label)


def _refuse_too_many_own(user: User) -> None:
    counted = select(func.count()).where(CircleMember.member_id == user.id, CircleMember.state == IN)
    if (db.session.scalar(counted) or 0) >= MOST_OWN:
        raise Refused(_("You belong to %(most)s circles, which is the limit.", most=MOST_OWN), code="too_many")


def change(circle_id: int, user: User, about: About) -> Circle:
    """Change what is said of a circle. Raises InvalidInput, NotFound, Forbidden."""
    place = _checked(about)
    with transaction() as session:
        circle = locked(circle_id)
        require_keeper(circle, user)
        circle.name, circle.about, circle.place = about.name.strip(), about.about.strip(), place
        circle.call_hours, circle.link_joins = about.call_hours, about.link_joins
        session.flush()
    return circle


def renew_link(circle_id: int, user: User) -> None:
    """Give the invitation link another secret: the old one leads nowhere from now on."""
    with transaction():
        circle = locked(circle_id)
        require_keeper(circle, user)
        circle.link_token = secrets.token_urlsafe(TOKEN_BYTES)


def locked(circle_id: int) -> Circle:
    """Lock an open circle; everything that changes who belongs to it does this first. Raises NotFound."""
    statement = select(Circle).where(Circle.id == circle_id, Circle.closed_at.is_(None)).with_for_update(key_share=True)
    circle = db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()
    if circle is None:
        raise nothing_here()
    return circle


def nothing_here() -> NotFound:
    """Give what everybody outside a circle gets, whatever they ask for."""
    return NotFound(_("This page does not exist, or is not for you."))


def membership(circle_id: int, user_id: int) -> CircleMember | None:
    """Give a member's row in a circle, whatever its state."""
    found = select(CircleMember).where(CircleMember.circle_id == circle_id, CircleMember.member_id == user_id)
    return db.session.scalars(found.execution_options(populate_existing=True)).one_or_none()


def require_member(circle: Circle, user: Any) -> CircleMember:
    """Give the row of somebody who belongs to the circle; raises NotFound to everybody else, operators too."""
    row = membership(circle.id, user.id) if user.is_authenticated else None
    if row is None or row.state != IN:
        raise nothing_here()
    return row


def require_keeper(circle: Circle, user: Any) -> CircleMember:
    """Give the row of a keeper; raises Forbidden to other members, NotFound to everybody else."""
    row = require_member(circle, user)
    if row.role != KEEPER:
        raise Forbidden(_("Only keepers of the circle can do this."))
    return row


def of_member(circle_id: int, user: Any) -> tuple[Circle, CircleMember]:
    """Give a circle, closed ones too, to one who belongs to it; raises NotFound to everybody else."""
    circle = db.session.get(Circle, circle_id)
    if circle is None:
        raise nothing_here()
    return circle, require_member(circle, user)


def admit(circle: Circle, user: User, state: str) -> CircleMember:
    """Let somebody in (state `IN`), or note that they ask (`ASKED`); the caller has locked the circle.

    Who belongs already stays as they are. Raises Refused when the circle is full.
    """
    row = membership(circle.id, user.id)
    if row is not None and row.state in (IN, state):
        return row
    if state == IN:
        _refuse_full(circle.id)
    if row is None:
        row = CircleMember(circle_id=circle.id, member_id=user.id, since=clock.now(), state=state)
        db.session.add(row)
    row.state, row.role, row.since = state, MEMBER, clock.now()
    db.session.flush()
    return row


def _refuse_full(circle_id: int) -> None:
    most = int(settings.get("sharing.circle_members"))
    counted = select(func.count()).where(CircleMember.circle_id == circle_id, CircleMember.state == IN)
    if (db.session.scalar(counted) or 0) >= most:
        raise Refused(_("This circle has %(most)s members, which is the limit.", most=most), code="full")


def answer_asker(circle_id: int, member_id: int, user: User, *, welcome: bool) -> None:
    """Let in who asked to join, or not. Raises NotFound, Forbidden, Refused."""
    with transaction():
        circle = locked(circle_id)
        require_keeper(circle, user)
        row = membership(circle_id, member_id)
        if row is None or row.state != ASKED:
            raise Refused(_("Somebody answered this meanwhile."), code="answered")
        if welcome:
            _refuse_full(circle_id)
        row.state, row.since = (IN, clock.now()) if welcome else (LEFT, row.since)
        db.session.flush()
        if welcome:
            circle_news.tell(circle, [member_id], "circle_welcome")


def set_role(circle_id: int, member_id: int, user: User, role: str) -> None:
    """Make a member a keeper, or a keeper a member; one keeper remains. Raises NotFound, Forbidden, Refused."""
    with transaction():
        circle = locked(circle_id)
        require_keeper(circle, user)
        row = membership(circle_id, member_id)
        if row is None or row.state != IN or role not in (KEEPER, MEMBER):
            raise nothing_here()
        if role == MEMBER:
            _keep_one(circle_id, member_id)
        if row.role != role:
            row.role = role
            db.session.flush()
            if role == KEEPER:
                circle_news.tell(circle, [member_id], "circle_keeper", person=user.name)


def _keep_one(circle_id: int, but: int) -> None:
    others = select(CircleMember.id).where(
        CircleMember.circle_id == circle_id, CircleMember.state == IN, CircleMember.role == KEEPER,
        CircleMember.member_id != but,
    )  # fmt: skip
    if db.session.scalar(others.limit(1)) is None:
        raise Refused(
            _("A circle needs a keeper. Make somebody else one first, or close the circle."), code="last_keeper"
        )


def leave(circle_id: int, user: User) -> None:
    """Leave a circle; what one had taken on is free again, and the others are told. Raises Refused, NotFound."""
    with transaction():
        circle = locked(circle_id)
        row = require_member(circle, user)
        if row.role == KEEPER:
            _keep_one(circle_id, user.id)
        leaving.go(circle, row, LEFT)


def remove(circle_id: int, member_id: int, user: User) -> None:
    """Take somebody out of a circle, who then comes in again only by an invitation. Raises Forbidden, NotFound, Refused."""
    with transaction():
        circle = locked(circle_id)
        require_keeper(circle, user)
        row = membership(circle_id, member_id)
        if row is None or row.state != IN:
            raise nothing_here()
        if member_id == user.id:
            raise Refused(_("Leave the circle instead."), code="oneself")
        leaving.go(circle, row, REMOVED)
        circle_news.tell(circle, [member_id], "circle_removed", url="/circles")


def move(circle_id: int, member_id: int, user: User, act: str) -> None:
    """Do what a keeper does with somebody: welcome or refuse who asks, make a keeper or member, or remove.

    Raises NotFound, Forbidden, Refused.
    """
    if act in ("welcome", "refuse"):
        answer_asker(circle_id, member_id, user, welcome=act == "welcome")
    elif act == "remove":
        remove(circle_id, member_id, user)
    else:
        set_role(circle_id, member_id, user, act)


def close(circle_id: int, user: User) -> None:
    """Close a circle for good: nothing is to be done any more, links and feeds lead nowhere; its members can still read it."""
    with transaction():
        circle = locked(circle_id)
        require_keeper(circle, user)
        leaving.shut(circle, but=user.id)
