"""The tables of circles: who belongs to one, who is invited, what is to be done, and who does it when."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.api import Base, BigIntId, UtcDateTime, partial_index

MOST_PEOPLE = 20
KEEPER, MEMBER = "keeper", "member"
ASKED, IN, LEFT, REMOVED = "asked", "in", "left", "removed"


class Circle(Base):
    """People around a person. What happens in it only its members see.

    `link_token` is the secret in the address that keepers hand on; who has it asks to join, or with `link_joins` joins at once.
    A moment for which somebody is missing is told to everybody `call_hours` before it begins. `place` is a town or a
    neighbourhood: all that neighbours ever learn.
    """

    __tablename__ = "sharing_circle"
    __table_args__ = (CheckConstraint("call_hours BETWEEN 1 AND 336", name="call_hours"),)

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    about: Mapped[str] = mapped_column(Text, default="", server_default="")
    place: Mapped[str] = mapped_column(String(80))
    zone: Mapped[str] = mapped_column(String(40))
    call_hours: Mapped[int] = mapped_column(default=48, server_default="48")
    link_token: Mapped[str] = mapped_column(String(43), unique=True)
    link_joins: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CircleMember(Base):
    """A member's one row in a circle, whatever becomes of it. `feed_token` is the secret of their calendar feed."""

    __tablename__ = "sharing_circle_member"
    __table_args__ = (
        UniqueConstraint("circle_id", "member_id"),
        CheckConstraint("role IN ('keeper', 'member')", name="role"),
        CheckConstraint("state IN ('asked', 'in', 'left', 'removed')", name="state"),
        CheckConstraint("state = 'in' OR (role = 'member' AND feed_token IS NULL)", name="only_inside"),
        Index("ix_sharing_circle_member_member", "member_id", "circle_id"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    circle_id: Mapped[int] = mapped_column(ForeignKey("sharing_circle.id"))
    member_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    role: Mapped[str] = mapped_column(String(6), default=MEMBER, server_default=MEMBER)
    state: Mapped[str] = mapped_column(String(7))
    feed_token: Mapped[str | None] = mapped_column(String(43), unique=True)
    since: Mapped[datetime] = mapped_column(UtcDateTime)


class CircleInvitation(Base):
    """An invitation by mail, good once; an address has one that is open at most."""

    __tablename__ = "sharing_circle_invitation"
    __table_args__ = (
        partial_index("uq_sharing_circle_invitation_open", "circle_id", "email", unique=True, where="used_at IS NULL"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    circle_id: Mapped[int] = mapped_column(ForeignKey("sharing_circle.id"))
    email: Mapped[str] = mapped_column(String(254))
    token: Mapped[str] = mapped_column(String(43), unique=True)
    invited_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CircleTask(Base):
    """What is to be done, once or every week: on `first_day` from `from_minute` until `to_minute` of the circle's clocks.

    A weekly one has moments until `until_day` (None: until it is ended); they are written down until `filled_until`.
    """

    __tablename__ = "sharing_circle_task"
    __table_args__ = (
        CheckConstraint("0 <= from_minute AND from_minute < to_minute AND to_minute <= 1440", name="minutes"),
        CheckConstraint(f"people BETWEEN 1 AND {MOST_PEOPLE}", name="people"),
        partial_index("ix_sharing_circle_task_filled", "filled_until", where="weekly AND ended_at IS NULL"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    circle_id: Mapped[int] = mapped_column(ForeignKey("sharing_circle.id"), index=True)
    title: Mapped[str] = mapped_column(String(120))
    note: Mapped[str] = mapped_column(Text, default="", server_default="")
    first_day: Mapped[date] = mapped_column(Date)
    from_minute: Mapped[int]
    to_minute: Mapped[int]
    weekly: Mapped[bool] = mapped_column(default=False, server_default=false())
    until_day: Mapped[date | None] = mapped_column(Date)
    filled_until: Mapped[date] = mapped_column(Date)
    people: Mapped[int]
    made_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CircleMoment(Base):
    """One time at which something is to be done (UTC); `cancelled_at` makes it an exception of its weekly task.

    At `call_at` everybody is told if somebody is missing; None once that was done. `listing_id` is the help that was asked
    of the neighbours for it.
    """

    __tablename__ = "sharing_circle_moment"
    __table_args__ = (
        UniqueConstraint("task_id", "day"),
        CheckConstraint("starts_at < ends_at", name="times"),
        Index("ix_sharing_circle_moment_calendar", "circle_id", "starts_at"),
        partial_index("ix_sharing_circle_moment_call", "call_at", where="call_at IS NOT NULL"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    circle_id: Mapped[int] = mapped_column(ForeignKey("sharing_circle.id"))
    task_id: Mapped[int] = mapped_column(ForeignKey("sharing_circle_task.id"))
    day: Mapped[date] = mapped_column(Date)
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    call_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    listing_id: Mapped[int | None] = mapped_column(ForeignKey("listing.id"), unique=True)


class CirclePlace(Base):
    """A place for one person at a moment; there are as many rows as people are needed, so it can't be promised twice.

    `helper_id` is who comes: a member, or a neighbour through `help_place_id`. `offered_to_id` is the member to whom the
    helper would like to hand it over. At `remind_at` the helper is reminded; None once that was done.
    """

    __tablename__ = "sharing_circle_place"
    __table_args__ = (
        UniqueConstraint("moment_id", "number"),
        UniqueConstraint("moment_id", "helper_id"),
        CheckConstraint(f"number BETWEEN 1 AND {MOST_PEOPLE}", name="number"),
        CheckConstraint("helper_id IS NOT NULL OR (offered_to_id IS NULL AND remind_at IS NULL)", name="somebody"),
        CheckConstraint("offered_to_id <> helper_id", name="to_another"),
        Index("ix_sharing_circle_place_helper", "helper_id", "moment_id"),
        partial_index("ix_sharing_circle_place_remind", "remind_at", where="remind_at IS NOT NULL"),
    )

    id: Mapped[int] = mapped_column(BigIntId, primary_key=True)
    moment_id: Mapped[int] = mapped_column(ForeignKey("sharing_circle_moment.id"))
    number: Mapped[int]
    helper_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    offered_to_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    remind_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    help_place_id: Mapped[int | None] = mapped_column(ForeignKey("sharing_help_place.id"), unique=True)
