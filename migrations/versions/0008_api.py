"""Tokens of the API, and what was answered under an idempotency key."""

import sqlalchemy as sa
from alembic import op

from marketplace.database import BigIntId, Json, UtcDateTime

revision = "0008_api"
down_revision = "0007_notifications"


def upgrade() -> None:
    """Make the tables of `api_v1`."""
    op.create_table(
        "api_token",
        sa.Column("id", BigIntId, primary_key=True),
        sa.Column("user_id", BigIntId, sa.ForeignKey("user.id", name="fk_api_token_user_id"), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("last_used_at", UtcDateTime),
        sa.Column("expires_at", UtcDateTime),
        sa.Column("revoked_at", UtcDateTime),
        sa.UniqueConstraint("token_hash", name="uq_api_token_token_hash"),
    )
    op.create_index("ix_api_token_user", "api_token", ["user_id", "id"])
    op.create_table(
        "idempotency_record",
        sa.Column("id", BigIntId, primary_key=True),
        sa.Column("user_id", BigIntId, sa.ForeignKey("user.id", name="fk_idempotency_record_user_id"), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("headers", Json),
        sa.Column("body", sa.Text),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.CheckConstraint("state IN ('in_progress', 'done')", name="state"),
        sa.CheckConstraint("(state = 'done') = (status IS NOT NULL)", name="answered"),
        sa.UniqueConstraint("user_id", "key", name="uq_idempotency_record_user_id_key"),
    )
    op.create_index("ix_idempotency_record_expires", "idempotency_record", ["expires_at"])


def downgrade() -> None:
    """Remove them."""
    op.drop_table("idempotency_record")
    op.drop_table("api_token")
