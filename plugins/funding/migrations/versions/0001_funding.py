"""Campaigns, rewards, pledges and updates, with the triggers that freeze what backers rely on."""

import sqlalchemy as sa
from alembic import op

from marketplace.api import BigIntId, Json, UtcDateTime

revision = "0001_funding"
down_revision = None

FROZEN = "goal and deadline are frozen at publication"
ENDED = "an ended campaign stays ended"
SQLITE = (
    f"""CREATE TRIGGER funding_campaign_frozen BEFORE UPDATE ON funding_campaign
        WHEN old.state <> 'draft' AND (new.goal_minor <> old.goal_minor OR new.currency <> old.currency
             OR new.closes_at IS NOT old.closes_at OR new.zone <> old.zone OR new.fee_basis_points <> old.fee_basis_points
             OR new.fee_terms IS NOT old.fee_terms OR new.state = 'draft')
        BEGIN SELECT RAISE(ABORT, '{FROZEN}'); END""",
    f"""CREATE TRIGGER funding_campaign_ended BEFORE UPDATE OF state ON funding_campaign
        WHEN old.state IN ('funded', 'failed') AND new.state <> old.state
             OR old.state = 'collecting' AND new.state NOT IN ('collecting', 'funded')
             OR old.state = 'waiting' AND new.state NOT IN ('waiting', 'collecting', 'failed')
        BEGIN SELECT RAISE(ABORT, '{ENDED}'); END""",
    """CREATE TRIGGER funding_reward_sold BEFORE UPDATE ON funding_reward
       WHEN old.taken > 0 AND (new.title <> old.title OR new.description <> old.description
            OR new.amount_minor <> old.amount_minor OR new.campaign_id <> old.campaign_id)
       BEGIN SELECT RAISE(ABORT, 'a reward that has been taken does not change'); END""",
    """CREATE TRIGGER funding_reward_kept BEFORE DELETE ON funding_reward WHEN old.taken > 0
       BEGIN SELECT RAISE(ABORT, 'a reward that has been taken is not deleted'); END""",
)
POSTGRESQL = (
    f"""CREATE FUNCTION funding_campaign_guard() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF old.state <> 'draft' AND (new.goal_minor <> old.goal_minor OR new.currency <> old.currency
             OR new.closes_at IS DISTINCT FROM old.closes_at OR new.zone <> old.zone
             OR new.fee_basis_points <> old.fee_basis_points OR new.fee_terms IS DISTINCT FROM old.fee_terms
             OR new.state = 'draft') THEN
            RAISE EXCEPTION '{FROZEN}' USING ERRCODE = '23514';
          END IF;
          IF (old.state IN ('funded', 'failed') AND new.state <> old.state)
             OR (old.state = 'collecting' AND new.state NOT IN ('collecting', 'funded'))
             OR (old.state = 'waiting' AND new.state NOT IN ('waiting', 'collecting', 'failed')) THEN
            RAISE EXCEPTION '{ENDED}' USING ERRCODE = '23514';
          END IF;
          RETURN new;
        END $$""",
    """CREATE TRIGGER funding_campaign_guard BEFORE UPDATE ON funding_campaign
       FOR EACH ROW EXECUTE FUNCTION funding_campaign_guard()""",
    """CREATE FUNCTION funding_reward_guard() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF old.taken = 0 THEN RETURN CASE TG_OP WHEN 'DELETE' THEN old ELSE new END; END IF;
         IF TG_OP = 'DELETE' THEN
           RAISE EXCEPTION 'a reward that has been taken is not deleted' USING ERRCODE = '23514';
         END IF;
         IF new.title <> old.title OR new.description <> old.description OR new.amount_minor <> old.amount_minor
            OR new.campaign_id <> old.campaign_id THEN
           RAISE EXCEPTION 'a reward that has been taken does not change' USING ERRCODE = '23514';
         END IF;
         RETURN new;
       END $$""",
    """CREATE TRIGGER funding_reward_guard BEFORE UPDATE OR DELETE ON funding_reward
       FOR EACH ROW EXECUTE FUNCTION funding_reward_guard()""",
)


def _campaigns() -> None:
    op.create_table(
        "funding_campaign",
        sa.Column(
            "listing_id",
            BigIntId,
            sa.ForeignKey("listing.id", name="fk_funding_campaign_listing_id"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("state", sa.String(16), nullable=False, server_default="draft"),
        sa.Column("goal_minor", BigIntId, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("days", sa.Integer, nullable=False),
        sa.Column("zone", sa.String(40), nullable=False),
        sa.Column("closes_at", UtcDateTime),
        sa.Column("fee_basis_points", sa.Integer, nullable=False, server_default="0"),
        sa.Column("fee_terms", Json),
        sa.Column("risks", sa.Text, nullable=False, server_default=""),
        sa.Column("pledged_minor", BigIntId, nullable=False, server_default="0"),
        sa.Column("backers", sa.Integer, nullable=False, server_default="0"),
        sa.Column("collected_minor", BigIntId, nullable=False, server_default="0"),
        sa.Column("dropped_minor", BigIntId, nullable=False, server_default="0"),
        sa.Column("disputed_minor", BigIntId, nullable=False, server_default="0"),
        sa.Column("fees_minor", BigIntId, nullable=False, server_default="0"),
        sa.Column("closed_at", UtcDateTime),
        sa.Column("finished_at", UtcDateTime),
        sa.CheckConstraint("state IN ('draft', 'live', 'waiting', 'collecting', 'funded', 'failed')", name="state"),
        sa.CheckConstraint("goal_minor > 0", name="goal"),
        sa.CheckConstraint("pledged_minor >= 0 AND backers >= 0", name="totals"),
        sa.CheckConstraint("state = 'draft' OR closes_at IS NOT NULL", name="deadline"),
    )
    op.create_index("ix_funding_campaign_due", "funding_campaign", ["state", "closes_at"])
    op.create_table(
        "funding_reward",
        sa.Column("id", BigIntId, primary_key=True),
        sa.Column(
            "campaign_id",
            BigIntId,
            sa.ForeignKey("funding_campaign.listing_id", name="fk_funding_reward_campaign_id"),
            nullable=False,
        ),
        sa.Column("title", sa.String(80), nullable=False),
        sa.Column("description", sa.Text, nullable=False, server_default=""),
        sa.Column("amount_minor", BigIntId, nullable=False),
        sa.Column("stock", sa.Integer),
        sa.Column("taken", sa.Integer, nullable=False, server_default="0"),
        sa.Column("delivery", sa.Date),
        sa.Column("withdrawn", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.CheckConstraint("amount_minor > 0", name="amount"),
        sa.CheckConstraint("stock IS NULL OR stock >= 0", name="stock"),
        sa.CheckConstraint("taken >= 0 AND (stock IS NULL OR taken <= stock)", name="never_oversold"),
    )
    op.create_index("ix_funding_reward_campaign", "funding_reward", ["campaign_id", "amount_minor", "id"])


def _pledges() -> None:
    op.create_table(
        "funding_pledge",
        sa.Column(
            "agreement_id",
            BigIntId,
            sa.ForeignKey("agreement.id", name="fk_funding_pledge_agreement_id"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column(
            "campaign_id",
            BigIntId,
            sa.ForeignKey("funding_campaign.listing_id", name="fk_funding_pledge_campaign_id"),
            nullable=False,
        ),
        sa.Column("member_id", BigIntId, sa.ForeignKey("user.id", name="fk_funding_pledge_member_id"), nullable=False),
        sa.Column("reward_id", BigIntId, sa.ForeignKey("funding_reward.id", name="fk_funding_pledge_reward_id")),
        sa.Column(
            "payment_id", BigIntId, sa.ForeignKey("payment.id", name="fk_funding_pledge_payment_id"), nullable=False
        ),
        sa.Column("amount_minor", BigIntId, nullable=False),
        sa.Column("nonce", sa.String(64), nullable=False),
        sa.Column("counted", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("holds_stock", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("standing", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("fee_minor", BigIntId, nullable=False, server_default="0"),
        sa.Column("disputed_minor", BigIntId, nullable=False, server_default="0"),
        sa.Column("disputed_from", sa.String(16)),
        sa.UniqueConstraint("payment_id", name="uq_funding_pledge_payment_id"),
        sa.UniqueConstraint("member_id", "nonce", name="uq_funding_pledge_member_id_nonce"),
        sa.CheckConstraint("amount_minor > 0", name="amount"),
    )
    op.create_index(
        "uq_funding_pledge_standing",
        "funding_pledge",
        ["campaign_id", "member_id"],
        unique=True,
        sqlite_where=sa.text("standing"),
        postgresql_where=sa.text("standing"),
    )
    op.create_index("ix_funding_pledge_campaign", "funding_pledge", ["campaign_id", "agreement_id"])
    op.create_table(
        "funding_update",
        sa.Column("id", BigIntId, primary_key=True),
        sa.Column(
            "campaign_id",
            BigIntId,
            sa.ForeignKey("funding_campaign.listing_id", name="fk_funding_update_campaign_id"),
            nullable=False,
        ),
        sa.Column("title", sa.String(120), nullable=False),
        sa.Column("body_md", sa.Text, nullable=False),
        sa.Column("body_html", sa.Text, nullable=False),
        sa.Column("told_to", BigIntId, nullable=False, server_default="0"),
        sa.Column("posted_at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_funding_update_campaign", "funding_update", ["campaign_id", "id"])


def upgrade() -> None:
    """Make the plugin's tables and triggers."""
    _campaigns()
    _pledges()
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    """Remove them."""
    for table in ("funding_update", "funding_pledge", "funding_reward", "funding_campaign"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION funding_campaign_guard()")
        op.execute("DROP FUNCTION funding_reward_guard()")
