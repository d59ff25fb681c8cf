"""Shares of a payment that go to others than its payee."""

import sqlalchemy as sa
from alembic import op

from marketplace.database import BigIntId

revision = "0016_payment_shares"
down_revision = "0015_reviews"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "payment_share",
        sa.Column("payment_id", BigIntId, sa.ForeignKey("payment.id", name="fk_payment_share_payment_id"),
                  primary_key=True, autoincrement=False),
        sa.Column("of_id", BigIntId, sa.ForeignKey("payment.id", name="fk_payment_share_of_id"), nullable=False),
        sa.CheckConstraint("payment_id > of_id", name="later"),
    )  # fmt: skip
    op.create_index("ix_payment_share_of", "payment_share", ["of_id"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("payment_share")
