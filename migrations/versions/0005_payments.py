"""Payments, attempts, refunds, pay-outs, saved methods and the gateway's inbox, with what may never change in them."""

import sqlalchemy as sa
from alembic import op

from marketplace.database import BigIntId, Json, UtcDateTime

revision = "0005_payments"
down_revision = "0004_ledger"

LIVE = "state IN ('open', 'processing', 'needs_payer', 'unknown', 'succeeded')"
WAITING = "state IN ('waiting_account', 'sending')"
TABLES = (
    "gateway_event", "payment_attempt", "refund", "payment", "payout", "payout_account", "saved_method", "gateway_customer",
)  # fmt: skip

SQLITE = (
    """CREATE TRIGGER payment_amount_frozen BEFORE UPDATE OF amount_minor, currency, agreement_id, payer_id, payee_id ON payment
       WHEN (old.state IN ('charging', 'processing', 'action_required', 'awaiting', 'succeeded', 'cancelled')
             AND (new.amount_minor <> old.amount_minor OR new.currency <> old.currency))
            OR (old.state = 'held' AND (new.amount_minor > old.amount_minor OR new.currency <> old.currency))
            OR new.agreement_id <> old.agreement_id OR new.payer_id <> old.payer_id OR new.payee_id <> old.payee_id
       BEGIN SELECT RAISE(ABORT, 'the amount and parties of a payment are frozen'); END""",
    """CREATE TRIGGER payment_attempt_frozen BEFORE UPDATE ON payment_attempt
       WHEN new.key <> old.key OR new.params <> old.params OR new.kind <> old.kind OR new.gateway <> old.gateway
            OR new.payment_id IS NOT old.payment_id OR new.refund_id IS NOT old.refund_id
            OR (old.ref IS NOT NULL AND new.ref IS NOT old.ref)
            OR (old.page_ref IS NOT NULL AND new.page_ref IS NOT old.page_ref)
       BEGIN SELECT RAISE(ABORT, 'an attempt keeps its key and parameters'); END""",
    """CREATE TRIGGER payment_attempt_no_delete BEFORE DELETE ON payment_attempt
       BEGIN SELECT RAISE(ABORT, 'an attempt is never deleted'); END""",
    """CREATE TRIGGER gateway_event_frozen BEFORE UPDATE OF raw, event_id, gateway, type, object_id ON gateway_event
       BEGIN SELECT RAISE(ABORT, 'an event stays as it was received'); END""",
    """CREATE TRIGGER gateway_event_no_delete BEFORE DELETE ON gateway_event
       BEGIN SELECT RAISE(ABORT, 'an event stays as it was received'); END""",
)
POSTGRESQL = (
    """CREATE FUNCTION payment_guard() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF (old.state IN ('charging', 'processing', 'action_required', 'awaiting', 'succeeded', 'cancelled')
             AND (new.amount_minor <> old.amount_minor OR new.currency <> old.currency))
            OR (old.state = 'held' AND (new.amount_minor > old.amount_minor OR new.currency <> old.currency))
            OR new.agreement_id <> old.agreement_id OR new.payer_id <> old.payer_id OR new.payee_id <> old.payee_id THEN
           RAISE EXCEPTION 'the amount and parties of a payment are frozen' USING ERRCODE = '23514';
         END IF;
         RETURN new;
       END $$""",
    """CREATE TRIGGER payment_guard BEFORE UPDATE ON payment FOR EACH ROW EXECUTE FUNCTION payment_guard()""",
    """CREATE FUNCTION payment_attempt_guard() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF TG_OP = 'DELETE' THEN RAISE EXCEPTION 'an attempt is never deleted' USING ERRCODE = '23514'; END IF;
         IF new.key <> old.key OR new.params <> old.params OR new.kind <> old.kind OR new.gateway <> old.gateway
            OR new.payment_id IS DISTINCT FROM old.payment_id OR new.refund_id IS DISTINCT FROM old.refund_id
            OR (old.ref IS NOT NULL AND new.ref IS DISTINCT FROM old.ref)
            OR (old.page_ref IS NOT NULL AND new.page_ref IS DISTINCT FROM old.page_ref) THEN
           RAISE EXCEPTION 'an attempt keeps its key and parameters' USING ERRCODE = '23514';
         END IF;
         RETURN new;
       END $$""",
    """CREATE TRIGGER payment_attempt_guard BEFORE UPDATE OR DELETE ON payment_attempt
       FOR EACH ROW EXECUTE FUNCTION payment_attempt_guard()""",
    """CREATE FUNCTION gateway_event_guard() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN RAISE EXCEPTION 'an event stays as it was received' USING ERRCODE = '23514'; END $$""",
    """CREATE TRIGGER gateway_event_frozen BEFORE UPDATE OF raw, event_id, gateway, type, object_id ON gateway_event
       FOR EACH ROW EXECUTE FUNCTION gateway_event_guard()""",
    """CREATE TRIGGER gateway_event_no_delete BEFORE DELETE ON gateway_event
       FOR EACH ROW EXECUTE FUNCTION gateway_event_guard()""",
)


def _id() -> sa.Column:
    return sa.Column("id", BigIntId, primary_key=True)


def _link(table: str, column: str, target: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(column, BigIntId, sa.ForeignKey(f"{target}.id", name=f"fk_{table}_{column}"), nullable=nullable)


def _text(name: str, length: int, default: str | None = None, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.String(length), nullable=nullable, server_default=default)


def _amount(name: str = "amount_minor", default: str | None = None) -> sa.Column:
    return sa.Column(name, BigIntId, nullable=False, server_default=default)


def _count(name: str) -> sa.Column:
    return sa.Column(name, sa.Integer, nullable=False, server_default="0")


def _flag(name: str) -> sa.Column:
    return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false())


def _at(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, UtcDateTime, nullable=nullable)


def upgrade() -> None:
    """Make the tables of `marketplace.payments` and the triggers that guard them."""
    _members()
    _payouts()
    _payments()
    _refunds()
    _attempts()
    _events()
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)


def _members() -> None:
    op.create_table(
        "gateway_customer",
        _id(), _link("gateway_customer", "user_id", "user"), _text("gateway", 16), _text("ref", 255), _at("created_at"),
        sa.UniqueConstraint("gateway", "ref", name="uq_gateway_customer_gateway_ref"),
        sa.UniqueConstraint("user_id", "gateway", name="uq_gateway_customer_user_id_gateway"),
    )  # fmt: skip
    op.create_table(
        "saved_method",
        _id(), _link("saved_method", "user_id", "user"), _text("gateway", 16), _text("ref", 255), _text("kind", 32, "card"),
        _text("brand", 32, ""), _text("last4", 4, ""), sa.Column("exp_month", sa.Integer), sa.Column("exp_year", sa.Integer),
        _text("mandate", 255, nullable=True), _at("created_at"), _at("removed_at", nullable=True),
        _at("barred_at", nullable=True),
        sa.UniqueConstraint("gateway", "ref", name="uq_saved_method_gateway_ref"),
    )  # fmt: skip
    op.create_index("ix_saved_method_user", "saved_method", ["user_id", "id"])
    op.create_table(
        "payout_account",
        _id(), _link("payout_account", "user_id", "user"), _text("gateway", 16), _text("ref", 255),
        _flag("transfers_enabled"), _flag("charges_enabled"), _flag("payouts_enabled"),
        sa.Column("requirements", Json, nullable=False), _flag("past_due"), _text("disabled_reason", 64, ""),
        _at("due_by", nullable=True), _at("gone_at", nullable=True), _at("created_at"), _at("updated_at"),
        sa.UniqueConstraint("gateway", "ref", name="uq_payout_account_gateway_ref"),
    )  # fmt: skip
    op.create_index(
        "uq_payout_account_member", "payout_account", ["user_id", "gateway"], unique=True,
        sqlite_where=sa.text("gone_at IS NULL"), postgresql_where=sa.text("gone_at IS NULL"),
    )  # fmt: skip


def _payouts() -> None:
    op.create_table(
        "payout",
        _id(), _link("payout", "user_id", "user"), _link("payout", "account_id", "payout_account", nullable=True),
        _text("gateway", 16), _amount(), _text("currency", 3), _text("state", 16),
        _text("error_code", 64, nullable=True), _at("created_at"), _at("updated_at"), _at("paid_at", nullable=True),
        sa.CheckConstraint("state IN ('waiting_account', 'sending', 'paid', 'cancelled')", name="state"),
        sa.CheckConstraint("amount_minor > 0", name="amount"),
        sa.CheckConstraint("state IN ('waiting_account', 'cancelled') OR account_id IS NOT NULL", name="account"),
    )  # fmt: skip
    op.create_index("ix_payout_user", "payout", ["user_id", "id"])
    op.create_index(
        "uq_payout_live", "payout", ["user_id", "currency", "gateway"], unique=True,
        sqlite_where=sa.text(WAITING), postgresql_where=sa.text(WAITING),
    )  # fmt: skip


def _payments() -> None:
    op.create_table(
        "payment",
        _id(), _link("payment", "agreement_id", "agreement"), _link("payment", "payer_id", "user"),
        _link("payment", "payee_id", "user"), _text("purpose", 32), _text("strategy", 32, "save_and_charge"),
        _text("strategies", 80, "save_and_charge"), _text("method_kind", 32, nullable=True), _amount(),
        _text("currency", 3), _amount("refunded_minor", "0"), _text("state", 16),
        _link("payment", "method_id", "saved_method", nullable=True), _text("decline_code", 64, nullable=True),
        _flag("retryable"), _text("advice", 16, nullable=True), _count("tries"), _at("due_at", nullable=True),
        _at("hold_until", nullable=True),
        _at("charged_at", nullable=True),
        _text("gateway", 16, nullable=True), _text("source_ref", 255, nullable=True),
        _at("settled_at", nullable=True), _amount("earned_minor", "0"), _amount("payable_minor", "0"),
        _amount("disputed_minor", "0"), _amount("inquired_minor", "0"), _at("created_at"), _at("updated_at"),
        sa.CheckConstraint(
            "state IN ('method_needed', 'ready', 'charging', 'processing', 'action_required', 'awaiting', 'held', 'succeeded',"
            " 'declined', 'cancelled')",
            name="state",
        ),
        sa.CheckConstraint("amount_minor > 0", name="amount"),
        sa.CheckConstraint("refunded_minor >= 0 AND refunded_minor <= amount_minor", name="refunded"),
        sa.CheckConstraint("refunded_minor = 0 OR state = 'succeeded'", name="refunded_after_charge"),
        sa.CheckConstraint("settled_at IS NULL OR state = 'succeeded'", name="settled_after_charge"),
        sa.CheckConstraint("abs(earned_minor) <= amount_minor", name="earned"),
        sa.CheckConstraint("payable_minor >= 0 AND disputed_minor >= 0 AND inquired_minor >= 0", name="parts"),
        sa.CheckConstraint("payable_minor = 0 OR settled_at IS NOT NULL", name="payable_after_settlement"),
        sa.CheckConstraint("earned_minor = 0 OR settled_at IS NOT NULL", name="earned_after_settlement"),
        sa.CheckConstraint(
            "state NOT IN ('ready', 'charging', 'awaiting', 'held') OR method_id IS NOT NULL"
            " OR strategy = 'charge_and_refund'",
            name="method",
        ),
        sa.CheckConstraint("payer_id <> payee_id", name="two_parties"),
    )  # fmt: skip
    op.create_index("ix_payment_agreement", "payment", ["agreement_id", "id"])
    op.create_index("ix_payment_payer", "payment", ["payer_id", "id"])
    op.create_index("ix_payment_payee", "payment", ["payee_id", "id"])
    op.create_index(
        "ix_payment_payable", "payment", ["payee_id", "currency"],
        sqlite_where=sa.text("payable_minor > 0"), postgresql_where=sa.text("payable_minor > 0"),
    )  # fmt: skip
    op.create_index("ix_payment_state", "payment", ["state", "updated_at"])


def _refunds() -> None:
    op.create_table(
        "refund",
        _id(), _link("refund", "payment_id", "payment"), _text("gateway", 16), _text("ref", 255, nullable=True),
        _text("charge_ref", 255), _amount(), _text("currency", 3), _flag("surplus"), _text("origin", 16, "marketplace"),
        _text("state", 16), _flag("booked"), _text("reason", 200, ""), _text("fee_back", 16, "pro_rata"),
        _text("bearer", 16, "owner"), _amount("missing_minor", "0"), _link("refund", "actor_id", "user", nullable=True),
        _text("error_code", 64, nullable=True), _at("created_at"), _at("updated_at"),
        sa.CheckConstraint("state IN ('waiting', 'sent', 'succeeded', 'failed')", name="state"),
        sa.CheckConstraint("amount_minor > 0", name="amount"),
        sa.CheckConstraint("origin IN ('marketplace', 'gateway')", name="origin"),
        sa.CheckConstraint("fee_back IN ('pro_rata', 'none')", name="fee_back"),
        sa.CheckConstraint("bearer IN ('owner', 'platform')", name="bearer"),
        sa.CheckConstraint("missing_minor >= 0 AND missing_minor <= amount_minor", name="missing"),
        sa.UniqueConstraint("gateway", "ref", name="uq_refund_gateway_ref"),
    )  # fmt: skip
    op.create_index("ix_refund_payment", "refund", ["payment_id", "id"])


def _attempts() -> None:
    op.create_table(
        "payment_attempt",
        _id(), _link("payment_attempt", "payment_id", "payment", nullable=True),
        _link("payment_attempt", "refund_id", "refund", nullable=True),
        _link("payment_attempt", "user_id", "user"),
        _text("gateway", 16), _text("kind", 16), sa.Column("key", sa.String(64), nullable=False),
        sa.Column("params", Json, nullable=False), _text("state", 16), _text("ref", 255, nullable=True),
        _text("page_ref", 255, nullable=True), _text("error_code", 64, nullable=True), _count("faults"), _at("created_at"),
        _at("updated_at"),
        sa.CheckConstraint(
            "kind IN ('setup', 'charge', 'hold', 'refund', 'transfer', 'onboard', 'reversal', 'evidence', 'concede')",
            name="kind",
        ),
        sa.CheckConstraint(
            "state IN ('open', 'processing', 'needs_payer', 'unknown', 'succeeded', 'surplus', 'declined', 'closed')",
            name="state",
        ),
        sa.CheckConstraint("kind NOT IN ('charge', 'hold', 'transfer') OR payment_id IS NOT NULL", name="has_payment"),
        sa.CheckConstraint("kind <> 'refund' OR refund_id IS NOT NULL", name="has_refund"),
        sa.UniqueConstraint("key", name="uq_payment_attempt_key"),
    )  # fmt: skip
    for kind, column in (("charge", "payment_id"), ("refund", "refund_id")):
        where = sa.text(f"kind = '{kind}' AND {LIVE}")
        op.create_index(
            f"uq_payment_attempt_{kind}", "payment_attempt", [column], unique=True,
            sqlite_where=where, postgresql_where=where,
        )  # fmt: skip
    op.create_index("ix_payment_attempt_payment", "payment_attempt", ["payment_id", "id"])
    op.create_index("ix_payment_attempt_user", "payment_attempt", ["user_id", "kind", "id"])
    op.create_index("ix_payment_attempt_ref", "payment_attempt", ["ref"])
    op.create_index("ix_payment_attempt_page", "payment_attempt", ["page_ref"])
    op.create_index("ix_payment_attempt_state", "payment_attempt", ["state", "updated_at"])


def _events() -> None:
    op.create_table(
        "gateway_event",
        _id(), _text("gateway", 16), _text("event_id", 255), _text("type", 100), _text("object_type", 64),
        _text("object_id", 255), _text("account", 255, ""), sa.Column("livemode", sa.Boolean, nullable=False),
        _text("api_version", 40, ""), sa.Column("raw", sa.LargeBinary, nullable=False), _text("state", 16),
        _count("tries"), _text("last_error", 200, nullable=True), _flag("quiet"), _at("received_at"), _at("waits_since"),
        _at("settled_at", nullable=True),
        sa.CheckConstraint("state IN ('received', 'applied', 'parked', 'ignored', 'dead')", name="state"),
        sa.UniqueConstraint("gateway", "event_id", name="uq_gateway_event_gateway_event_id"),
    )  # fmt: skip
    op.create_index("ix_gateway_event_object", "gateway_event", ["gateway", "object_id", "state"])
    op.create_index("ix_gateway_event_state", "gateway_event", ["state", "waits_since"])


def downgrade() -> None:
    """Remove them."""
    for table in TABLES:
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        for function in ("payment_guard", "payment_attempt_guard", "gateway_event_guard"):
            op.execute(f"DROP FUNCTION {function}()")
