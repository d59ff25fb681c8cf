"""Webhooks to other systems: endpoints, messages, deliveries and the log of tries."""

import sqlalchemy as sa
from alembic import op

from marketplace.database import BigIntId, Json, UtcDateTime

revision = "0013_outgoing"
down_revision = "0012_methods"


def upgrade() -> None:
    """Make the tables of `marketplace.outgoing`."""
    op.create_table(
        "outgoing_endpoint",
        sa.Column("id", BigIntId, primary_key=True),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("url", sa.String(500), nullable=False),
        sa.Column("types", Json, nullable=False),
        sa.Column("state", sa.String(8), nullable=False, server_default="active"),
        sa.Column("secret", sa.String(100), nullable=False),
        sa.Column("old_secret", sa.String(100)),
        sa.Column("old_secret_until", UtcDateTime),
        sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
        sa.Column("failing_since", UtcDateTime),
        sa.Column("not_before", UtcDateTime),
        sa.Column("created_by", BigIntId, sa.ForeignKey("user.id", name="fk_outgoing_endpoint_created_by")),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.CheckConstraint("state IN ('active', 'paused', 'disabled', 'removed')", name="state"),
        sa.CheckConstraint("(old_secret IS NULL) = (old_secret_until IS NULL)", name="old_secret"),
        sa.CheckConstraint("(failures = 0) = (failing_since IS NULL)", name="failing"),
    )
    op.create_table(
        "outgoing_message",
        sa.Column("id", BigIntId, primary_key=True),
        sa.Column("uid", sa.String(64), nullable=False),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.UniqueConstraint("uid", name="uq_outgoing_message_uid"),
    )
    op.create_index("ix_outgoing_message_created", "outgoing_message", ["created_at"])
    _deliveries()


def _deliveries() -> None:
    message = sa.ForeignKey("outgoing_message.id", name="fk_outgoing_delivery_message_id", ondelete="CASCADE")
    endpoint = sa.ForeignKey("outgoing_endpoint.id", name="fk_outgoing_delivery_endpoint_id")
    op.create_table(
        "outgoing_delivery",
        sa.Column("id", BigIntId, primary_key=True),
        sa.Column("message_id", BigIntId, message, nullable=False),
        sa.Column("endpoint_id", BigIntId, endpoint, nullable=False),
        sa.Column("state", sa.String(16), nullable=False, server_default="waiting"),
        sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
        sa.Column("due_at", UtcDateTime),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("settled_at", UtcDateTime),
        sa.CheckConstraint("state IN ('waiting', 'delivered', 'failed', 'stopped')", name="state"),
        sa.CheckConstraint("(state = 'waiting') = (settled_at IS NULL)", name="settled"),
        sa.UniqueConstraint("message_id", "endpoint_id", name="uq_outgoing_delivery_message_id_endpoint_id"),
    )
    op.create_index("ix_outgoing_delivery_endpoint", "outgoing_delivery", ["endpoint_id", "id"])
    waiting = sa.text("state = 'waiting'")
    op.create_index(
        "ix_outgoing_delivery_waiting", "outgoing_delivery", ["created_at"],
        sqlite_where=waiting, postgresql_where=waiting,
    )  # fmt: skip
    delivery = sa.ForeignKey("outgoing_delivery.id", name="fk_outgoing_try_delivery_id", ondelete="CASCADE")
    op.create_table(
        "outgoing_try",
        sa.Column("id", BigIntId, primary_key=True),
        sa.Column("delivery_id", BigIntId, delivery, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("error", sa.String(200), nullable=False, server_default=""),
        sa.Column("excerpt", sa.String(500), nullable=False, server_default=""),
        sa.Column("took_ms", sa.Integer, nullable=False),
    )
    op.create_index("ix_outgoing_try_delivery", "outgoing_try", ["delivery_id", "id"])


def downgrade() -> None:
    """Remove them."""
    for table in ("outgoing_try", "outgoing_delivery", "outgoing_message", "outgoing_endpoint"):
        op.drop_table(table)
