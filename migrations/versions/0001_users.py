"""Users, their sessions, and failed log-ins."""

import sqlalchemy as sa
from alembic import op

from marketplace.database import BigIntId, UtcDateTime

revision = "0001_users"
down_revision = None


def upgrade() -> None:
    """Make the tables of `marketplace.users`."""
    op.create_table(
        "user",
        sa.Column("id", BigIntId, primary_key=True),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("email_confirmed_at", UtcDateTime),
        sa.Column("password_hash", sa.String(200), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("about", sa.Text, nullable=False, server_default=""),
        sa.Column("place", sa.String(80), nullable=False, server_default=""),
        sa.Column("lat", sa.Float),
        sa.Column("lon", sa.Float),
        sa.Column("locale", sa.String(8), nullable=False, server_default="en"),
        sa.Column("role", sa.String(16), nullable=False, server_default="member"),
        sa.Column("state", sa.String(16), nullable=False, server_default="active"),
        sa.Column("mail_choices", sa.Text, nullable=False, server_default=""),
        sa.Column("blocked_reason", sa.String(500), nullable=False, server_default=""),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("closed_at", UtcDateTime),
        sa.UniqueConstraint("email", name="uq_user_email"),
        sa.CheckConstraint("role IN ('member', 'operator')", name="role"),
        sa.CheckConstraint("state IN ('active', 'blocked', 'closed')", name="state"),
        sa.CheckConstraint("email = lower(email)", name="email_lower"),
    )
    op.create_index("ix_user_state_id", "user", ["state", "id"])
    op.create_table(
        "user_session",
        sa.Column("id", BigIntId, primary_key=True),
        sa.Column("user_id", BigIntId, sa.ForeignKey("user.id", name="fk_user_session_user_id"), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("last_seen_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("remembered", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("user_agent", sa.String(200), nullable=False, server_default=""),
        sa.Column("revoked_at", UtcDateTime),
        sa.UniqueConstraint("token_hash", name="uq_user_session_token_hash"),
    )
    op.create_index("ix_user_session_user_id", "user_session", ["user_id"])
    op.create_table(
        "login_failure",
        sa.Column("id", BigIntId, primary_key=True),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_login_failure_subject_at", "login_failure", ["subject", "at"])
    op.create_index("ix_login_failure_at", "login_failure", ["at"])


def downgrade() -> None:
    """Remove them."""
    for table in ("login_failure", "user_session", "user"):
        op.drop_table(table)
