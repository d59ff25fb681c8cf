"""Notifications, messages, settings, and the audit trail, to which rows can only be added."""

import sqlalchemy as sa
from alembic import op

from marketplace.database import BigIntId, Json, UtcDateTime

revision = "0007_notifications"
down_revision = "0006_jobs"

SQLITE = (
    """CREATE TRIGGER audit_entry_no_update BEFORE UPDATE ON audit_entry
       BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END""",
    """CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON audit_entry
       BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END""",
)
POSTGRESQL = (
    """CREATE TRIGGER audit_entry_append_only BEFORE UPDATE OR DELETE ON audit_entry
       FOR EACH ROW EXECUTE FUNCTION append_only()""",
    """CREATE TRIGGER audit_entry_no_truncate BEFORE TRUNCATE ON audit_entry
       FOR EACH STATEMENT EXECUTE FUNCTION append_only()""",
)
TABLES = (
    "audit_entry", "setting_value", "member_block", "message_report", "message", "thread_participant", "thread",
    "notification",
)  # fmt: skip


def upgrade() -> None:
    """Make the tables of `notifications`, `messages`, `settings` and `admin`."""
    make_notifications()
    make_threads()
    make_messages()
    make_settings_and_audit()
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)


def reference(table: str, column: str, to: str, *, nullable: bool = False, primary_key: bool = False) -> sa.Column:
    """Make a foreign key column to another table's id."""
    key = sa.ForeignKey(f"{to}.id", name=f"fk_{table}_{column}")
    return sa.Column(column, BigIntId, key, nullable=nullable, primary_key=primary_key)


def make_notifications() -> None:
    """Make the in-app list."""
    op.create_table(
        "notification",
        sa.Column("id", BigIntId, primary_key=True),
        reference("notification", "user_id", "user"),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("params", Json, nullable=False),
        sa.Column("url", sa.String(500), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("read_at", UtcDateTime),
    )
    op.create_index("ix_notification_user", "notification", ["user_id", "id"])
    partial_index("ix_notification_unread", "notification", ["user_id", "url"], "read_at IS NULL")


def make_threads() -> None:
    """Make conversations, and who takes part in them."""
    op.create_table(
        "thread",
        sa.Column("id", BigIntId, primary_key=True),
        sa.Column("key", sa.String(80), nullable=False),
        sa.Column("subject", sa.String(120), nullable=False),
        reference("thread", "listing_id", "listing", nullable=True),
        reference("thread", "agreement_id", "agreement", nullable=True),
        sa.Column("last_message_id", BigIntId, nullable=False, server_default="0"),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.UniqueConstraint("key", name="uq_thread_key"),
    )
    op.create_index("ix_thread_listing_id", "thread", ["listing_id"])
    op.create_index("ix_thread_agreement_id", "thread", ["agreement_id"])
    op.create_table(
        "thread_participant",
        reference("thread_participant", "thread_id", "thread", primary_key=True),
        reference("thread_participant", "user_id", "user", primary_key=True),
        sa.Column("unread", sa.Integer, nullable=False, server_default="0"),
        sa.Column("last_message_id", BigIntId, nullable=False, server_default="0"),
        sa.Column("read_at", UtcDateTime),
        sa.CheckConstraint("unread >= 0", name="unread"),
    )
    op.create_index("ix_thread_participant_inbox", "thread_participant", ["user_id", "last_message_id"])
    partial_index("ix_thread_participant_unread", "thread_participant", ["user_id"], "unread > 0")


def make_messages() -> None:
    """Make messages, reports of them, and who blocked whom."""
    op.create_table(
        "message",
        sa.Column("id", BigIntId, primary_key=True),
        reference("message", "thread_id", "thread"),
        reference("message", "sender_id", "user"),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("state", sa.String(8), nullable=False, server_default="sent"),
        sa.Column("form_key", sa.String(64), nullable=False),
        sa.Column("sent_at", UtcDateTime, nullable=False),
        sa.CheckConstraint("length(body) BETWEEN 1 AND 4000", name="body"),
        sa.CheckConstraint("state IN ('sent', 'removed')", name="state"),
        sa.UniqueConstraint("sender_id", "form_key", name="uq_message_sender_id_form_key"),
    )
    op.create_index("ix_message_thread", "message", ["thread_id", "id"])
    op.create_table(
        "message_report",
        sa.Column("id", BigIntId, primary_key=True),
        reference("message_report", "message_id", "message"),
        reference("message_report", "reporter_id", "user"),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("state", sa.String(12), nullable=False, server_default="open"),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.CheckConstraint("state IN ('open', 'removed', 'dismissed')", name="state"),
        sa.UniqueConstraint("message_id", "reporter_id", name="uq_message_report_message_id_reporter_id"),
    )
    op.create_index("ix_message_report_state", "message_report", ["state", "id"])
    op.create_table(
        "member_block",
        reference("member_block", "blocker_id", "user", primary_key=True),
        reference("member_block", "blocked_id", "user", primary_key=True),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.CheckConstraint("blocker_id <> blocked_id", name="two_members"),
    )


def make_settings_and_audit() -> None:
    """Make what operators set, and the trail of what they did."""
    op.create_table(
        "setting_value",
        sa.Column("key", sa.String(80), primary_key=True),
        sa.Column("value", Json, nullable=False),
        sa.Column("version", sa.Integer, nullable=False, server_default="1"),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        reference("setting_value", "updated_by", "user", nullable=True),
    )
    op.create_table(
        "audit_entry",
        sa.Column("id", BigIntId, primary_key=True),
        sa.Column("at", UtcDateTime, nullable=False),
        reference("audit_entry", "actor_id", "user", nullable=True),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("subject_type", sa.String(32), nullable=False),
        sa.Column("subject_id", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text, nullable=False, server_default=""),
        sa.Column("data", Json, nullable=False),
    )
    op.create_index("ix_audit_entry_subject", "audit_entry", ["subject_type", "subject_id", "id"])
    op.create_index("ix_audit_entry_actor", "audit_entry", ["actor_id", "id"])
    op.create_index("ix_audit_entry_action", "audit_entry", ["action", "id"])


def partial_index(name: str, table: str, columns: list[str], where: str) -> None:
    """Index only what is unread, so that counting it stays cheap for a member with a long past."""
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def downgrade() -> None:
    """Remove them."""
    for table in TABLES:
        op.drop_table(table)
