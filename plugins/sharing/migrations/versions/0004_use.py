"""Use sessions, readings, sealed bills, and what is to be paid for them."""

import sqlalchemy as sa
from alembic import op

from marketplace.api import BigIntId, Json, UtcDateTime

revision = "0004_use"
down_revision = "0003_bookings"

TABLES = (
    "sharing_plan_member", "sharing_co_user", "sharing_credit", "sharing_use_charge", "sharing_use_bill", "sharing_reading",
    "sharing_use", "sharing_device",
)  # fmt: skip
SESSION_FACTS = (
    "agreement_id", "listing_id", "unit_id", "member_id", "holder_id", "owner_id", "tariff_id", "currency", "zone",
)  # fmt: skip
CHARGE_FACTS = ("bill_id", "session_id", "payer_id", "owner_id", "amount_minor", "currency")
OF_SERIES = "series = new.series AND year = new.year"
NEXT_NUMBER = f"new.number <> (SELECT coalesce(max(number), 0) + 1 FROM sharing_use_bill WHERE {OF_SERIES})"
OF_ACCOUNT = "member_id = new.member_id AND owner_id = new.owner_id AND currency = new.currency"
NEXT_CREDIT = (
    f"new.number <> (SELECT coalesce(max(number), 0) + 1 FROM sharing_credit WHERE {OF_ACCOUNT})"
    f" OR new.balance_minor <> new.amount_minor + coalesce((SELECT balance_minor FROM sharing_credit WHERE {OF_ACCOUNT}"
    " AND number = new.number - 1), 0)"
)


def rules(different: str) -> list[tuple[str, str, str, str]]:
    """Give (table, event, condition, message); `different` is the dialect's comparison that knows NULL."""
    changed = " OR ".join(f"new.{column} {different} old.{column}" for column in CHARGE_FACTS)
    frozen = " OR ".join(f"new.{column} {different} old.{column}" for column in SESSION_FACTS)
    once = " OR ".join(
        f"(old.{column} IS NOT NULL AND new.{column} {different} old.{column})" for column in ("started_at", "ended_at")
    )
    return [
        ("sharing_reading", "UPDATE", "", "a reading stays as it came"),
        ("sharing_reading", "DELETE", "", "a reading stays as it came"),
        ("sharing_use_bill", "UPDATE", "", "a bill stays as it was sealed"),
        ("sharing_use_bill", "DELETE", "", "a bill stays as it was sealed"),
        ("sharing_use_bill", "INSERT", NEXT_NUMBER, "bills are numbered without holes"),
        ("sharing_use_charge", "UPDATE", changed, "what a bill comes to does not change"),
        ("sharing_use_charge", "DELETE", "", "what a bill comes to does not change"),
        ("sharing_use", "UPDATE", f"{frozen} OR {once}", "a session keeps its unit, tariff and times"),
        ("sharing_credit", "UPDATE", "", "credit is only ever added to and taken from"),
        ("sharing_credit", "DELETE", "", "credit is only ever added to and taken from"),
        ("sharing_credit", "INSERT", NEXT_CREDIT, "credit adds up"),
    ]


def name_of(table: str, event: str) -> str:
    """Give the name of a guard."""
    return f"{table}_{event.lower()}_guard"


def guard() -> None:
    """Make the triggers."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    for table, event, condition, message in rules("IS NOT" if sqlite else "IS DISTINCT FROM"):
        name = name_of(table, event)
        if sqlite:
            when = f" WHEN {condition}" if condition else ""
            op.execute(
                f"CREATE TRIGGER {name} BEFORE {event} ON {table}{when} BEGIN SELECT RAISE(ABORT, '{message}'); END"
            )
            continue
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {condition or 'true'} THEN"
            f" RAISE EXCEPTION '{message}' USING ERRCODE = '23514'; END IF; RETURN new; END $$"
        )
        op.execute(f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")


def upgrade() -> None:
    """Make the tables of use and their guards."""
    meters()
    bills()
    credits()
    guard()


def id_column() -> sa.Column[int]:
    return sa.Column("id", BigIntId, primary_key=True)


def to(table: str, name: str, target: str, *, nullable: bool = False, **more: object) -> sa.Column[int]:
    """Give a foreign key with the name that both databases know it by."""
    return sa.Column(name, BigIntId, sa.ForeignKey(target, name=f"fk_{table}_{name}"), nullable=nullable, **more)  # type: ignore[arg-type]


def partial(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    """Make an index over some rows."""
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def meters() -> None:
    device, use, reading = "sharing_device", "sharing_use", "sharing_reading"
    op.create_table(
        device, id_column(), to(device, "unit_id", "sharing_unit.id"),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("secret", sa.String(80), nullable=False),
        sa.Column("silence_seconds", sa.Integer),
        sa.Column("created_at", UtcDateTime, nullable=False),
        to(device, "created_by", "user.id"),
        sa.Column("seen_at", UtcDateTime),
        sa.Column("revoked_at", UtcDateTime),
        sa.CheckConstraint("silence_seconds IS NULL OR silence_seconds > 0", name="silence"),
    )  # fmt: skip
    op.create_index("ix_sharing_device_unit", device, ["unit_id"])
    op.create_table(
        use, to(use, "agreement_id", "agreement.id", primary_key=True, autoincrement=False),
        to(use, "listing_id", "listing.id"), to(use, "unit_id", "sharing_unit.id"),
        to(use, "member_id", "user.id"), to(use, "holder_id", "user.id"), to(use, "owner_id", "user.id"),
        to(use, "tariff_id", "sharing_tariff.id"),
        sa.Column("occupancy_id", BigIntId),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("zone", sa.String(40), nullable=False),
        sa.Column("plan", sa.String(40), nullable=False, server_default=""),
        sa.Column("options", Json, nullable=False),
        sa.Column("nonce", sa.String(64), nullable=False),
        sa.Column("standing", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("limit_minor", BigIntId),
        sa.Column("warned_at", UtcDateTime),
        sa.Column("reserved_at", UtcDateTime, nullable=False),
        sa.Column("started_at", UtcDateTime),
        sa.Column("ended_at", UtcDateTime),
        sa.UniqueConstraint("member_id", "nonce", name="uq_sharing_use_member_id_nonce"),
        sa.CheckConstraint("limit_minor IS NULL OR limit_minor > 0", name="limit"),
        sa.CheckConstraint("ended_at IS NULL OR started_at IS NULL OR ended_at >= started_at", name="forwards"),
    )  # fmt: skip
    partial("uq_sharing_use_unit", use, ["unit_id"], "standing", unique=True)
    op.create_index("ix_sharing_use_unit_started", use, ["unit_id", "started_at"])
    for name in ("member", "holder", "listing"):
        op.create_index(f"ix_sharing_use_{name}", use, [f"{name}_id", "agreement_id"])
    op.create_table(
        reading, id_column(), to(reading, "session_id", "sharing_use.agreement_id"),
        sa.Column("source", sa.String(8), nullable=False),
        to(reading, "device_id", "sharing_device.id", nullable=True),
        sa.Column("number", BigIntId),
        sa.Column("taken_at", UtcDateTime, nullable=False),
        sa.Column("state", sa.String(40), nullable=False, server_default=""),
        sa.Column("registers", Json, nullable=False),
        sa.Column("event", sa.String(40), nullable=False, server_default=""),
        to(reading, "corrects_id", "sharing_reading.id", nullable=True),
        to(reading, "author_id", "user.id", nullable=True),
        sa.Column("note", sa.String(200), nullable=False, server_default=""),
        sa.Column("received_at", UtcDateTime, nullable=False),
        sa.UniqueConstraint("corrects_id", name="uq_sharing_reading_corrects_id"),
        sa.CheckConstraint("source IN ('member', 'owner', 'device', 'system')", name="source"),
        sa.CheckConstraint("(source = 'device') = (device_id IS NOT NULL)", name="device"),
    )  # fmt: skip
    op.create_index("ix_sharing_reading_session", reading, ["session_id", "taken_at"])
    partial("uq_sharing_reading_at", reading, ["session_id", "source", "taken_at"], "corrects_id IS NULL", unique=True)
    numbered = "number IS NOT NULL AND corrects_id IS NULL"
    partial("uq_sharing_reading_number", reading, ["session_id", "device_id", "number"], numbered, unique=True)


def bills() -> None:
    bill, charge = "sharing_use_bill", "sharing_use_charge"
    op.create_table(
        bill, id_column(), to(bill, "session_id", "sharing_use.agreement_id"),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("series", sa.String(8), nullable=False),
        sa.Column("year", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        to(bill, "corrects_id", "sharing_use_bill.id", nullable=True),
        sa.Column("about", Json, nullable=False),
        sa.Column("upto_reading", BigIntId, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("total_minor", BigIntId, nullable=False),
        sa.Column("credits_minor", BigIntId, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("issued_on", sa.Date, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.UniqueConstraint("series", "year", "number", name="uq_sharing_use_bill_series_year_number"),
        sa.UniqueConstraint("corrects_id", "kind", name="uq_sharing_use_bill_corrects_id_kind"),
        sa.UniqueConstraint("session_id", "run", "kind", name="uq_sharing_use_bill_session_id_run_kind"),
        sa.CheckConstraint("kind IN ('bill', 'credit')", name="kind"),
        sa.CheckConstraint("kind = 'bill' OR corrects_id IS NOT NULL", name="credit_names_a_bill"),
        sa.CheckConstraint(
            "(kind = 'bill' AND total_minor >= 0 AND credits_minor >= 0 AND credits_minor <= total_minor)"
            " OR (kind = 'credit' AND total_minor <= 0 AND credits_minor <= 0 AND credits_minor >= total_minor)",
            name="amounts",
        ),
    )  # fmt: skip
    op.create_table(
        charge, to(charge, "bill_id", "sharing_use_bill.id", primary_key=True, autoincrement=False),
        to(charge, "session_id", "sharing_use.agreement_id"),
        to(charge, "payer_id", "user.id"), to(charge, "owner_id", "user.id"),
        sa.Column("amount_minor", BigIntId, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("state", sa.String(8), nullable=False, server_default="open"),
        sa.Column("due_at", UtcDateTime, nullable=False),
        to(charge, "payment_id", "payment.id", nullable=True),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.CheckConstraint("state IN ('open', 'asked', 'paid', 'failed', 'waived')", name="state"),
        sa.CheckConstraint("state NOT IN ('asked') OR payment_id IS NOT NULL", name="asked"),
    )  # fmt: skip
    op.create_index("ix_sharing_use_charge_session_id", charge, ["session_id"])
    op.create_index("ix_sharing_use_charge_payment", charge, ["payment_id"])
    partial("ix_sharing_use_charge_due", charge, ["due_at", "bill_id"], "state = 'open'")
    partial("ix_sharing_use_charge_failed", charge, ["payer_id"], "state = 'failed'")


def credits() -> None:
    credit, co_user = "sharing_credit", "sharing_co_user"
    op.create_table(
        credit, id_column(), to(credit, "member_id", "user.id"), to(credit, "owner_id", "user.id"),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("amount_minor", BigIntId, nullable=False),
        sa.Column("balance_minor", BigIntId, nullable=False),
        to(credit, "bill_id", "sharing_use_bill.id", nullable=True),
        to(credit, "payment_id", "payment.id", nullable=True),
        to(credit, "author_id", "user.id", nullable=True),
        sa.Column("note", sa.String(200), nullable=False, server_default=""),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.UniqueConstraint(
            "member_id", "owner_id", "currency", "number", name="uq_sharing_credit_member_id_owner_id_currency_number"
        ),
        sa.UniqueConstraint("bill_id", name="uq_sharing_credit_bill_id"),
        sa.UniqueConstraint("payment_id", name="uq_sharing_credit_payment_id"),
        sa.CheckConstraint("kind IN ('given', 'bought', 'used', 'returned')", name="kind"),
        sa.CheckConstraint("amount_minor <> 0 AND balance_minor >= 0", name="amounts"),
    )  # fmt: skip
    op.create_table(
        co_user, id_column(), to(co_user, "holder_id", "user.id"), to(co_user, "user_id", "user.id"),
        sa.Column("asked_at", UtcDateTime, nullable=False),
        sa.Column("accepted_at", UtcDateTime),
        sa.UniqueConstraint("holder_id", "user_id", name="uq_sharing_co_user_holder_id_user_id"),
        sa.CheckConstraint("holder_id <> user_id", name="two_people"),
    )  # fmt: skip
    op.create_index("ix_sharing_co_user_user", co_user, ["user_id"])
    plan = "sharing_plan_member"
    op.create_table(
        plan, to(plan, "agreement_id", "agreement.id", primary_key=True, autoincrement=False),
        to(plan, "member_id", "user.id"), to(plan, "owner_id", "user.id"),
        sa.Column("plan", sa.String(40), nullable=False),
        sa.Column("monthly_minor", BigIntId, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("months", sa.Integer, nullable=False, server_default="0"),
        sa.Column("since", UtcDateTime, nullable=False),
        sa.Column("paid_until", UtcDateTime, nullable=False),
        sa.Column("standing", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.CheckConstraint("monthly_minor >= 0 AND months >= 0", name="amounts"),
    )  # fmt: skip
    partial("uq_sharing_plan_member_standing", plan, ["member_id", "owner_id"], "standing", unique=True)


def downgrade() -> None:
    """Remove them."""
    for table in TABLES:
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        for table, event, _condition, _message in rules(""):
            op.execute(f"DROP FUNCTION {name_of(table, event)}()")
