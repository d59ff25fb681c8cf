"""What each who shares a payment gives back for a refund of it."""

import sqlalchemy as sa
from alembic import op

from marketplace.database import BigIntId

revision = "0017_refund_shares"
down_revision = "0016_payment_shares"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "refund_share",
        sa.Column("refund_id", BigIntId, sa.ForeignKey("refund.id", name="fk_refund_share_refund_id"), primary_key=True,
                  autoincrement=False),
        sa.Column("payment_id", BigIntId, sa.ForeignKey("payment.id", name="fk_refund_share_payment_id"),
                  primary_key=True, autoincrement=False),
        sa.Column("amount_minor", BigIntId, nullable=False),
        sa.Column("missing_minor", BigIntId, nullable=False),
        sa.CheckConstraint("amount_minor > 0", name="amount"),
        sa.CheckConstraint("missing_minor >= 0 AND missing_minor <= amount_minor", name="missing"),
    )  # fmt: skip
    op.create_index("ix_refund_share_payment", "refund_share", ["payment_id"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("refund_share")
