"""Bookings and loans: units that go out and come back, hand-overs, claims; what was said or decided is never changed."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from marketplace.api import BigIntId, Json, UtcDateTime

revision = "0003_bookings"
down_revision = "0002_tariffs"

TABLES = (
    "sharing_evidence", "sharing_claim_step", "sharing_claim", "sharing_proposal", "sharing_hand_over", "sharing_loan_unit",
    "sharing_loan",
)  # fmt: skip
DEPOSIT_STATES = (
    "none", "promised", "wanted", "saved", "asked", "held", "uncovered", "refused", "ending", "let_go", "taking", "captured",
    "released",
)  # fmt: skip
APPENDED = ("sharing_proposal", "sharing_claim_step")
ONCE = "a deposit ends once"
DECIDED = "a claim is decided once"
SQLITE = (
    f"""CREATE TRIGGER sharing_loan_once BEFORE UPDATE ON sharing_loan
        WHEN (old.deposit_state IN ('captured', 'released') AND new.deposit_state <> old.deposit_state)
             OR (old.deposit_take_minor IS NOT NULL AND new.deposit_take_minor IS NOT old.deposit_take_minor)
             OR (old.settled_at IS NOT NULL AND new.settled_at IS NOT old.settled_at)
        BEGIN SELECT RAISE(ABORT, '{ONCE}'); END""",
    f"""CREATE TRIGGER sharing_claim_decided BEFORE UPDATE ON sharing_claim
        WHEN old.state <> 'open' AND (new.state <> old.state OR new.agreed_minor IS NOT old.agreed_minor
             OR new.asked_minor <> old.asked_minor OR new.offered_minor IS NOT old.offered_minor)
        BEGIN SELECT RAISE(ABORT, '{DECIDED}'); END""",
    *(
        f"""CREATE TRIGGER {table}_{act} BEFORE {act} ON {table} BEGIN SELECT RAISE(ABORT, 'rows are only added'); END"""
        for table in APPENDED
        for act in ("update", "delete")
    ),
)
POSTGRESQL = (
    f"""CREATE FUNCTION sharing_loan_guard() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF (old.deposit_state IN ('captured', 'released') AND new.deposit_state <> old.deposit_state)
             OR (old.deposit_take_minor IS NOT NULL AND new.deposit_take_minor IS DISTINCT FROM old.deposit_take_minor)
             OR (old.settled_at IS NOT NULL AND new.settled_at IS DISTINCT FROM old.settled_at) THEN
            RAISE EXCEPTION '{ONCE}' USING ERRCODE = '23514';
          END IF;
          RETURN new;
        END $$""",
    """CREATE TRIGGER sharing_loan_once BEFORE UPDATE ON sharing_loan
       FOR EACH ROW EXECUTE FUNCTION sharing_loan_guard()""",
    f"""CREATE FUNCTION sharing_claim_guard() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF old.state <> 'open' AND (new.state <> old.state OR new.agreed_minor IS DISTINCT FROM old.agreed_minor
             OR new.asked_minor <> old.asked_minor OR new.offered_minor IS DISTINCT FROM old.offered_minor) THEN
            RAISE EXCEPTION '{DECIDED}' USING ERRCODE = '23514';
          END IF;
          RETURN new;
        END $$""",
    """CREATE TRIGGER sharing_claim_decided BEFORE UPDATE ON sharing_claim
       FOR EACH ROW EXECUTE FUNCTION sharing_claim_guard()""",
    """CREATE FUNCTION sharing_appended_guard() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN RAISE EXCEPTION 'rows are only added' USING ERRCODE = '23514'; END $$""",
    *(
        f"""CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION sharing_appended_guard()"""
        for table in APPENDED
    ),
)


def _ref(table: str, column: str, target: str, **more: Any) -> sa.Column[Any]:
    return sa.Column(column, BigIntId, sa.ForeignKey(target, name=f"fk_{table}_{column}"), **more)


def _partial(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def _loan() -> None:
    op.create_table(
        "sharing_loan",
        _ref("sharing_loan", "agreement_id", "agreement.id", primary_key=True, autoincrement=False),
        _ref("sharing_loan", "item_id", "sharing_item.listing_id", nullable=False),
        _ref("sharing_loan", "member_id", "user.id", nullable=False),
        sa.Column("arrangement", sa.String(8), nullable=False),
        sa.Column("starts_at", UtcDateTime, nullable=False),
        sa.Column("ends_at", UtcDateTime, nullable=False),
        sa.Column("nonce", sa.String(64), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        _ref("sharing_loan", "payment_id", "payment.id"),
        sa.Column("deposit_kind", sa.String(8), nullable=False, server_default="none"),
        sa.Column("deposit_minor", BigIntId, nullable=False, server_default="0"),
        sa.Column("deposit_state", sa.String(12), nullable=False, server_default="none"),
        _ref("sharing_loan", "deposit_payment_id", "payment.id"),
        sa.Column("deposit_take_minor", BigIntId),
        sa.Column("wanted_end", UtcDateTime),
        sa.Column("handed_out_at", UtcDateTime),
        sa.Column("returned_at", UtcDateTime),
        sa.Column("settled_at", UtcDateTime),
        sa.Column("told_start", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("told_end", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("warned", sa.Integer, nullable=False, server_default="0"),
        sa.CheckConstraint("arrangement IN ('borrow', 'rent')", name="arrangement"),
        sa.CheckConstraint("deposit_minor >= 0 AND (deposit_kind <> 'none' OR deposit_minor = 0)", name="deposit"),
        sa.CheckConstraint("deposit_kind IN ('none', 'promised', 'card', 'held')", name="deposit_kind"),
        sa.CheckConstraint(f"deposit_state IN {DEPOSIT_STATES}", name="deposit_state"),
        sa.CheckConstraint("ends_at > starts_at", name="forwards"),
        sa.CheckConstraint(
            "deposit_take_minor IS NULL OR (deposit_take_minor >= 0 AND deposit_take_minor <= deposit_minor)", name="take"
        ),
        sa.CheckConstraint("wanted_end IS NULL OR wanted_end > ends_at", name="wanted_end"),
        sa.UniqueConstraint("deposit_payment_id", name="uq_sharing_loan_deposit_payment_id"),
        sa.UniqueConstraint("member_id", "nonce", name="uq_sharing_loan_member_id_nonce"),
        sa.UniqueConstraint("payment_id", name="uq_sharing_loan_payment_id"),
    )  # fmt: skip
    op.create_index("ix_sharing_loan_item", "sharing_loan", ["item_id", "starts_at"])
    _partial("ix_sharing_loan_unsettled", "sharing_loan", ["agreement_id"], "settled_at IS NULL")


def _loan_unit() -> None:
    op.create_table(
        "sharing_loan_unit",
        sa.Column("id", BigIntId, primary_key=True),
        _ref("sharing_loan_unit", "agreement_id", "sharing_loan.agreement_id", nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        _ref("sharing_loan_unit", "item_id", "sharing_item.listing_id", nullable=False),
        _ref("sharing_loan_unit", "unit_id", "sharing_unit.id"),
        sa.Column("occupancy_id", BigIntId),
        sa.Column("out_at", UtcDateTime),
        sa.Column("back_at", UtcDateTime),
        sa.CheckConstraint("back_at IS NULL OR out_at IS NOT NULL", name="out_before_back"),
        sa.UniqueConstraint("agreement_id", "place", name="uq_sharing_loan_unit_agreement_id_place"),
    )  # fmt: skip
    op.create_index("ix_sharing_loan_unit_occupancy", "sharing_loan_unit", ["occupancy_id"])
    op.create_index("ix_sharing_loan_unit_unit", "sharing_loan_unit", ["unit_id"])


def _hand_over() -> None:
    op.create_table(
        "sharing_hand_over",
        sa.Column("id", BigIntId, primary_key=True),
        _ref("sharing_hand_over", "agreement_id", "sharing_loan.agreement_id", nullable=False),
        sa.Column("kind", sa.String(4), nullable=False),
        sa.Column("opened_at", UtcDateTime, nullable=False),
        sa.Column("closes_at", UtcDateTime, nullable=False),
        sa.Column("closed_at", UtcDateTime),
        sa.Column("closed_by", sa.String(8)),
        sa.CheckConstraint("(closed_at IS NULL) = (closed_by IS NULL)", name="closed"),
        sa.CheckConstraint("closed_by IN ('agreed', 'deadline')", name="closed_by"),
        sa.CheckConstraint("kind IN ('out', 'in')", name="kind"),
    )  # fmt: skip
    _partial("ix_sharing_hand_over_closes", "sharing_hand_over", ["closes_at"], "closed_at IS NULL")
    _partial(
        "uq_sharing_hand_over_open", "sharing_hand_over", ["agreement_id", "kind"], "closed_at IS NULL", unique=True
    )


def _proposal() -> None:
    op.create_table(
        "sharing_proposal",
        sa.Column("id", BigIntId, primary_key=True),
        _ref("sharing_proposal", "hand_over_id", "sharing_hand_over.id", nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        _ref("sharing_proposal", "by_id", "user.id", nullable=False),
        sa.Column("role", sa.String(8), nullable=False),
        sa.Column("condition", sa.Text, nullable=False, server_default=""),
        sa.Column("readings", Json, nullable=False),
        sa.Column("units", Json, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.CheckConstraint("role IN ('member', 'owner')", name="role"),
        sa.UniqueConstraint("hand_over_id", "number", name="uq_sharing_proposal_hand_over_id_number"),
    )  # fmt: skip


def _claim() -> None:
    op.create_table(
        "sharing_claim",
        sa.Column("id", BigIntId, primary_key=True),
        _ref("sharing_claim", "agreement_id", "sharing_loan.agreement_id", nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("state", sa.String(10), nullable=False, server_default="open"),
        sa.Column("turn", sa.String(8), nullable=False, server_default="member"),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("asked_minor", BigIntId, nullable=False),
        sa.Column("offered_minor", BigIntId),
        sa.Column("agreed_minor", BigIntId),
        sa.Column("deadline", UtcDateTime, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("decided_at", UtcDateTime),
        sa.Column("decided_by", sa.String(8)),
        _ref("sharing_claim", "payment_id", "payment.id"),
        sa.CheckConstraint("(state = 'agreed') = (agreed_minor IS NOT NULL)", name="agreed"),
        sa.CheckConstraint("asked_minor > 0 AND offered_minor >= 0 AND agreed_minor >= 0", name="amounts"),
        sa.CheckConstraint("kind IN ('damage', 'lost', 'late', 'cleaning')", name="kind"),
        sa.CheckConstraint("turn <> 'owner' OR offered_minor IS NOT NULL", name="offer"),
        sa.CheckConstraint("state IN ('open', 'agreed', 'withdrawn')", name="state"),
        sa.CheckConstraint("turn IN ('member', 'owner', 'nobody')", name="turn"),
        sa.CheckConstraint("(state = 'open') = (turn <> 'nobody')", name="whose_turn"),
        sa.UniqueConstraint("payment_id", name="uq_sharing_claim_payment_id"),
    )  # fmt: skip
    _partial("ix_sharing_claim_deadline", "sharing_claim", ["deadline"], "state = 'open'")
    op.create_index("ix_sharing_claim_loan", "sharing_claim", ["agreement_id", "id"])
    _partial("uq_sharing_claim_late", "sharing_claim", ["agreement_id"], "kind = 'late'", unique=True)


def _claim_step() -> None:
    op.create_table(
        "sharing_claim_step",
        sa.Column("id", BigIntId, primary_key=True),
        _ref("sharing_claim_step", "claim_id", "sharing_claim.id", nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("act", sa.String(10), nullable=False),
        sa.Column("role", sa.String(8), nullable=False),
        _ref("sharing_claim_step", "by_id", "user.id"),
        sa.Column("amount_minor", BigIntId),
        sa.Column("note", sa.Text, nullable=False, server_default=""),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.UniqueConstraint("claim_id", "number", name="uq_sharing_claim_step_claim_id_number"),
    )  # fmt: skip


def _evidence() -> None:
    op.create_table(
        "sharing_evidence",
        sa.Column("id", BigIntId, primary_key=True),
        _ref("sharing_evidence", "agreement_id", "sharing_loan.agreement_id", nullable=False),
        _ref("sharing_evidence", "proposal_id", "sharing_proposal.id"),
        _ref("sharing_evidence", "claim_id", "sharing_claim.id"),
        sa.Column("key", sa.String(80), nullable=False),
        _ref("sharing_evidence", "by_id", "user.id", nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.CheckConstraint("(proposal_id IS NULL) <> (claim_id IS NULL)", name="of_one"),
        sa.UniqueConstraint("key", name="uq_sharing_evidence_key"),
    )  # fmt: skip
    op.create_index("ix_sharing_evidence_claim", "sharing_evidence", ["claim_id"])
    op.create_index("ix_sharing_evidence_proposal", "sharing_evidence", ["proposal_id"])


def upgrade() -> None:
    """Make the tables and the triggers."""
    for make in (_loan, _loan_unit, _hand_over, _proposal, _claim, _claim_step, _evidence):
        make()
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    """Remove them."""
    for table in TABLES:
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        for name in ("loan", "claim", "appended"):
            op.execute(f"DROP FUNCTION sharing_{name}_guard()")
