"""Circles: members, invitations, what is to be done, its moments and places."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from marketplace.api import BigIntId, UtcDateTime

revision = "0009_circles"
down_revision = "0008_pools"

TABLES = (
    "sharing_circle_place", "sharing_circle_moment", "sharing_circle_task", "sharing_circle_invitation",
    "sharing_circle_member", "sharing_circle",
)  # fmt: skip


def _ref(table: str, column: str, target: str, **more: Any) -> sa.Column[Any]:
    return sa.Column(column, BigIntId, sa.ForeignKey(target, name=f"fk_{table}_{column}"), **more)


def _partial(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def _people() -> None:
    op.create_table(
        "sharing_circle",
        sa.Column("id", BigIntId, primary_key=True),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("about", sa.Text, nullable=False, server_default=""),
        sa.Column("place", sa.String(80), nullable=False),
        sa.Column("zone", sa.String(40), nullable=False),
        sa.Column("call_hours", sa.Integer, nullable=False, server_default="48"),
        sa.Column("link_token", sa.String(43), nullable=False),
        sa.Column("link_joins", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("closed_at", UtcDateTime),
        sa.CheckConstraint("call_hours BETWEEN 1 AND 336", name="call_hours"),
        sa.UniqueConstraint("link_token", name="uq_sharing_circle_link_token"),
    )
    op.create_table(
        "sharing_circle_member",
        sa.Column("id", BigIntId, primary_key=True),
        _ref("sharing_circle_member", "circle_id", "sharing_circle.id", nullable=False),
        _ref("sharing_circle_member", "member_id", "user.id", nullable=False),
        sa.Column("role", sa.String(6), nullable=False, server_default="member"),
        sa.Column("state", sa.String(7), nullable=False),
        sa.Column("feed_token", sa.String(43)),
        sa.Column("since", UtcDateTime, nullable=False),
        sa.CheckConstraint("role IN ('keeper', 'member')", name="role"),
        sa.CheckConstraint("state IN ('asked', 'in', 'left', 'removed')", name="state"),
        sa.CheckConstraint("state = 'in' OR (role = 'member' AND feed_token IS NULL)", name="only_inside"),
        sa.UniqueConstraint("circle_id", "member_id", name="uq_sharing_circle_member_circle_id_member_id"),
        sa.UniqueConstraint("feed_token", name="uq_sharing_circle_member_feed_token"),
    )
    op.create_index("ix_sharing_circle_member_member", "sharing_circle_member", ["member_id", "circle_id"])
    op.create_table(
        "sharing_circle_invitation",
        sa.Column("id", BigIntId, primary_key=True),
        _ref("sharing_circle_invitation", "circle_id", "sharing_circle.id", nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("token", sa.String(43), nullable=False),
        _ref("sharing_circle_invitation", "invited_by_id", "user.id", nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("used_at", UtcDateTime),
        sa.UniqueConstraint("token", name="uq_sharing_circle_invitation_token"),
    )
    _partial(
        "uq_sharing_circle_invitation_open", "sharing_circle_invitation", ["circle_id", "email"], "used_at IS NULL",
        unique=True,
    )  # fmt: skip


def _calendar() -> None:
    op.create_table(
        "sharing_circle_task",
        sa.Column("id", BigIntId, primary_key=True),
        _ref("sharing_circle_task", "circle_id", "sharing_circle.id", nullable=False),
        sa.Column("title", sa.String(120), nullable=False),
        sa.Column("note", sa.Text, nullable=False, server_default=""),
        sa.Column("first_day", sa.Date, nullable=False),
        sa.Column("from_minute", sa.Integer, nullable=False),
        sa.Column("to_minute", sa.Integer, nullable=False),
        sa.Column("weekly", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("until_day", sa.Date),
        sa.Column("filled_until", sa.Date, nullable=False),
        sa.Column("people", sa.Integer, nullable=False),
        _ref("sharing_circle_task", "made_by_id", "user.id", nullable=False),
        sa.Column("ended_at", UtcDateTime),
        sa.CheckConstraint("0 <= from_minute AND from_minute < to_minute AND to_minute <= 1440", name="minutes"),
        sa.CheckConstraint("people BETWEEN 1 AND 20", name="people"),
    )
    op.create_index("ix_sharing_circle_task_circle_id", "sharing_circle_task", ["circle_id"])
    _partial("ix_sharing_circle_task_filled", "sharing_circle_task", ["filled_until"], "weekly AND ended_at IS NULL")
    op.create_table(
        "sharing_circle_moment",
        sa.Column("id", BigIntId, primary_key=True),
        _ref("sharing_circle_moment", "circle_id", "sharing_circle.id", nullable=False),
        _ref("sharing_circle_moment", "task_id", "sharing_circle_task.id", nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("starts_at", UtcDateTime, nullable=False),
        sa.Column("ends_at", UtcDateTime, nullable=False),
        sa.Column("cancelled_at", UtcDateTime),
        sa.Column("call_at", UtcDateTime),
        _ref("sharing_circle_moment", "listing_id", "listing.id"),
        sa.CheckConstraint("starts_at < ends_at", name="times"),
        sa.UniqueConstraint("task_id", "day", name="uq_sharing_circle_moment_task_id_day"),
        sa.UniqueConstraint("listing_id", name="uq_sharing_circle_moment_listing_id"),
    )
    op.create_index("ix_sharing_circle_moment_calendar", "sharing_circle_moment", ["circle_id", "starts_at"])
    _partial("ix_sharing_circle_moment_call", "sharing_circle_moment", ["call_at"], "call_at IS NOT NULL")
    op.create_table(
        "sharing_circle_place",
        sa.Column("id", BigIntId, primary_key=True),
        _ref("sharing_circle_place", "moment_id", "sharing_circle_moment.id", nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        _ref("sharing_circle_place", "helper_id", "user.id"),
        _ref("sharing_circle_place", "offered_to_id", "user.id"),
        sa.Column("remind_at", UtcDateTime),
        _ref("sharing_circle_place", "help_place_id", "sharing_help_place.id"),
        sa.CheckConstraint("number BETWEEN 1 AND 20", name="number"),
        sa.CheckConstraint("helper_id IS NOT NULL OR (offered_to_id IS NULL AND remind_at IS NULL)", name="somebody"),
        sa.CheckConstraint("offered_to_id <> helper_id", name="to_another"),
        sa.UniqueConstraint("moment_id", "number", name="uq_sharing_circle_place_moment_id_number"),
        sa.UniqueConstraint("moment_id", "helper_id", name="uq_sharing_circle_place_moment_id_helper_id"),
        sa.UniqueConstraint("help_place_id", name="uq_sharing_circle_place_help_place_id"),
    )
    op.create_index("ix_sharing_circle_place_helper", "sharing_circle_place", ["helper_id", "moment_id"])
    _partial("ix_sharing_circle_place_remind", "sharing_circle_place", ["remind_at"], "remind_at IS NOT NULL")


def upgrade() -> None:
    """Make the tables, and let help say that its places stand."""
    op.add_column("sharing_help", sa.Column("fixed", sa.Boolean, nullable=False, server_default=sa.false()))
    _people()
    _calendar()


def downgrade() -> None:
    """Remove them."""
    for table in TABLES:
        op.drop_table(table)
    op.drop_column("sharing_help", "fixed")
