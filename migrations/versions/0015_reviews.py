"""Reviews of finished agreements, unseen until both sides wrote or their time is over."""

import sqlalchemy as sa
from alembic import op

from marketplace.database import BigIntId, UtcDateTime

revision = "0015_reviews"
down_revision = "0014_reconciliation"

UNSEEN = "revealed_at IS NULL"
LATE = "the time to write a review is over"
FROZEN = "a review stays as it was written"
CHANGED = " OR ".join(
    f"new.{name} IS DISTINCT FROM old.{name}"
    for name in ("agreement_id", "author_id", "about", "user_id", "listing_id", "stars", "body", "written_at")
)
AGAIN = (
    "(old.revealed_at IS NOT NULL AND new.revealed_at IS DISTINCT FROM old.revealed_at)"
    " OR (old.replied_at IS NOT NULL AND (new.replied_at IS DISTINCT FROM old.replied_at"
    " OR new.reply IS DISTINCT FROM old.reply))"
)
OPEN = """EXISTS (SELECT 1 FROM review_window w WHERE w.agreement_id = new.agreement_id AND w.revealed_at IS NULL
    AND new.written_at < w.closes_at)"""
REOPENED = "old.revealed_at IS NOT NULL OR new.closes_at <> old.closes_at OR new.opens_at <> old.opens_at"
SQLITE = (
    f"""CREATE TRIGGER review_in_time BEFORE INSERT ON review WHEN NOT {OPEN}
        BEGIN SELECT RAISE(ABORT, '{LATE}'); END""",
    f"""CREATE TRIGGER review_frozen BEFORE UPDATE ON review WHEN {CHANGED} OR {AGAIN}
        BEGIN SELECT RAISE(ABORT, '{FROZEN}'); END""",
    f"""CREATE TRIGGER review_kept BEFORE DELETE ON review BEGIN SELECT RAISE(ABORT, '{FROZEN}'); END""",
    f"""CREATE TRIGGER review_window_over BEFORE UPDATE ON review_window WHEN {REOPENED}
        BEGIN SELECT RAISE(ABORT, '{LATE}'); END""",
)
POSTGRESQL = (
    f"""CREATE FUNCTION review_guard() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF TG_OP = 'DELETE' THEN RAISE EXCEPTION '{FROZEN}' USING ERRCODE = '23514'; END IF;
          IF TG_OP = 'INSERT' THEN
            IF NOT {OPEN} THEN RAISE EXCEPTION '{LATE}' USING ERRCODE = '23514'; END IF;
          ELSIF {CHANGED} OR {AGAIN} THEN
            RAISE EXCEPTION '{FROZEN}' USING ERRCODE = '23514';
          END IF;
          RETURN new;
        END $$""",
    """CREATE TRIGGER review_guard BEFORE INSERT OR UPDATE OR DELETE ON review
       FOR EACH ROW EXECUTE FUNCTION review_guard()""",
    f"""CREATE FUNCTION review_window_guard() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF {REOPENED} THEN RAISE EXCEPTION '{LATE}' USING ERRCODE = '23514'; END IF;
          RETURN new;
        END $$""",
    """CREATE TRIGGER review_window_guard BEFORE UPDATE ON review_window
       FOR EACH ROW EXECUTE FUNCTION review_window_guard()""",
)


def upgrade() -> None:
    """Make the three tables and what keeps them honest."""
    op.create_table(
        "review_window",
        sa.Column("agreement_id", BigIntId, sa.ForeignKey("agreement.id", name="fk_review_window_agreement_id"),
                  primary_key=True, autoincrement=False),
        sa.Column("opens_at", UtcDateTime, nullable=False),
        sa.Column("closes_at", UtcDateTime, nullable=False),
        sa.Column("revealed_at", UtcDateTime),
        sa.CheckConstraint("closes_at > opens_at", name="days"),
    )  # fmt: skip
    op.create_index("ix_review_window_unseen", "review_window", ["closes_at"],
                    sqlite_where=sa.text(UNSEEN), postgresql_where=sa.text(UNSEEN))  # fmt: skip
    _reviews()
    op.create_table(
        "rating",
        sa.Column("about", sa.String(8), primary_key=True),
        sa.Column("subject_id", BigIntId, primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("stars", sa.Integer, nullable=False),
        sa.CheckConstraint("number >= 0 AND stars BETWEEN number AND 5 * number", name="stars"),
    )
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in SQLITE if sqlite else POSTGRESQL:
        # Debian's and Ubuntu's older SQLite know only the shorter spelling.
        op.execute(statement.replace("IS DISTINCT FROM", "IS NOT") if sqlite else statement)


def _reviews() -> None:
    op.create_table(
        "review",
        sa.Column("id", BigIntId, primary_key=True),
        sa.Column("agreement_id", BigIntId, sa.ForeignKey("review_window.agreement_id", name="fk_review_agreement_id"),
                  nullable=False),
        sa.Column("author_id", BigIntId, sa.ForeignKey("user.id", name="fk_review_author_id"), nullable=False),
        sa.Column("about", sa.String(8), nullable=False),
        sa.Column("user_id", BigIntId, sa.ForeignKey("user.id", name="fk_review_user_id")),
        sa.Column("listing_id", BigIntId, sa.ForeignKey("listing.id", name="fk_review_listing_id")),
        sa.Column("stars", sa.Integer, nullable=False),
        sa.Column("body", sa.Text, nullable=False, server_default=""),
        sa.Column("written_at", UtcDateTime, nullable=False),
        sa.Column("revealed_at", UtcDateTime),
        sa.Column("reply", sa.Text, nullable=False, server_default=""),
        sa.Column("replied_at", UtcDateTime),
        sa.Column("hidden", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.UniqueConstraint("agreement_id", "author_id", "about", name="uq_review_agreement_id_author_id_about"),
        sa.CheckConstraint("stars BETWEEN 1 AND 5", name="stars"),
        sa.CheckConstraint(
            "(about = 'person' AND user_id IS NOT NULL AND listing_id IS NULL)"
            " OR (about = 'item' AND listing_id IS NOT NULL AND user_id IS NULL)",
            name="about",
        ),
        sa.CheckConstraint("user_id IS NULL OR user_id <> author_id", name="not_oneself"),
        sa.CheckConstraint("revealed_at IS NOT NULL OR replied_at IS NULL", name="reply"),
    )  # fmt: skip
    op.create_index("ix_review_user", "review", ["user_id", "revealed_at", "id"])
    op.create_index("ix_review_listing", "review", ["listing_id", "revealed_at", "id"])
    op.create_index("ix_review_author", "review", ["author_id", "id"])


def downgrade() -> None:
    """Drop them again, triggers and all."""
    for table in ("rating", "review", "review_window"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION review_guard()")
        op.execute("DROP FUNCTION review_window_guard()")
