"""Background jobs and the clockwork of the recurring ones."""

import sqlalchemy as sa
from alembic import op

from marketplace.database import BigIntId, Json, UtcDateTime

revision = "0006_jobs"
down_revision = "0005_payments"


def upgrade() -> None:
    """Make the tables of `marketplace.jobs`."""
    op.create_table(
        "job",
        sa.Column("id", BigIntId, primary_key=True),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("payload", Json, nullable=False),
        sa.Column("key", sa.String(200)),
        sa.Column("state", sa.String(8), nullable=False, server_default="queued"),
        sa.Column("priority", sa.Integer, nullable=False, server_default="0"),
        sa.Column("run_at", UtcDateTime, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("deaths", sa.Integer, nullable=False, server_default="0"),
        sa.Column("generation", sa.Integer, nullable=False, server_default="1"),
        sa.Column("ran_generation", sa.Integer, nullable=False, server_default="0"),
        sa.Column("lease", sa.String(64)),
        sa.Column("lease_until", UtcDateTime),
        sa.Column("quiet", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("last_error", sa.Text, nullable=False, server_default=""),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("finished_at", UtcDateTime),
        sa.CheckConstraint("state IN ('queued', 'running', 'done', 'dead')", name="state"),
        sa.CheckConstraint("priority IN (-1, 0, 1)", name="priority"),
        sa.CheckConstraint("(state = 'running') = (lease IS NOT NULL)", name="lease"),
        sa.CheckConstraint("(lease IS NULL) = (lease_until IS NULL)", name="lease_until"),
    )
    partial_index("uq_job_key_unfinished", ["key"], "state IN ('queued', 'running')", unique=True)
    partial_index("ix_job_due", ["priority", "run_at", "id"], "state = 'queued'")
    partial_index("ix_job_leased", ["lease_until"], "state = 'running'")
    op.create_index("ix_job_state", "job", ["state", "id"])
    op.create_table(
        "job_recurring",
        sa.Column("kind", sa.String(64), primary_key=True),
        sa.Column("every_seconds", sa.Integer, nullable=False),
        sa.Column("next_run_at", UtcDateTime, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("last_enqueued_at", UtcDateTime),
    )


def partial_index(name: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    """Index only the jobs that are not finished, so that looking for work costs the same after a million jobs."""
    op.create_index(name, "job", columns, unique=unique, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def downgrade() -> None:
    """Remove them."""
    op.drop_table("job_recurring")
    op.drop_table("job")
