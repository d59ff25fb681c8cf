"""Triggers of bills and of payments by hand: what was sent or confirmed stays as it was, and numbers have no holes."""

RECEIPT_FACTS = (
    "request_id", "way", "amount_minor", "currency", "received_on", "payer_account", "note", "nonce", "two_eyes", "entered_by",
    "entered_at",
)  # fmt: skip
REQUEST_FACTS = ("payment_id", "attempt_id", "kind", "account", "holder", "amount_minor", "carried_minor", "currency")
ORDER_FACTS = ("payout_id", "refund_id", "user_id", "amount_minor", "currency", "two_eyes")
FEE_FACTS = (
    "payment_id", "payee_id", "given_back_id", "kind", "cause", "label", "net_minor", "tax_minor", "currency", "tax_name",
    "tax_rate", "at",
)  # fmt: skip

NEXT_NUMBER = (
    "new.number <> (SELECT coalesce(max(number), 0) + 1 FROM bill WHERE series = new.series AND year = new.year)"
    " OR new.number <> (SELECT last FROM bill_series WHERE series = new.series AND year = new.year)"
)
RECEIPT_STEP = (
    "new.state <> old.state AND NOT ((old.state = 'entered' AND new.state IN ('confirmed', 'rejected'))"
    " OR (old.state = 'confirmed' AND new.state = 'reversed'))"
)
ORDER_STEP = (
    "(old.state IN ('done', 'withdrawn') AND new.state <> old.state)"
    " OR (old.state = 'exported' AND (new.account <> old.account OR new.holder <> old.holder) AND new.state = 'exported')"
)
FEE_STEP = "old.bill_id IS NOT NULL OR old.void"
SERIES_STEP = "new.series <> old.series OR new.year <> old.year OR new.last <> old.last + 1"


def _changed(columns: tuple[str, ...], different: str) -> str:
    return " OR ".join(f"new.{column} {different} old.{column}" for column in columns)


def _rules(different: str) -> tuple[tuple[str, str, str, str], ...]:
    """Give (table, event, condition, message); `different` is the dialect's comparison that knows NULL."""
    return (
        ("bill", "UPDATE", "", "a bill stays as it was sent"),
        ("bill", "DELETE", "", "a bill stays as it was sent"),
        ("bill", "INSERT", NEXT_NUMBER, "bills are numbered without holes"),
        ("bill_series", "UPDATE", SERIES_STEP, "numbers of bills go up by one"),
        ("bill_series", "DELETE", "", "numbers of bills go up by one"),
        ("fee_line", "UPDATE", f"{_changed(FEE_FACTS, different)} OR {FEE_STEP}", "a fee stays as it was taken"),
        ("fee_line", "DELETE", "", "a fee stays as it was taken"),
        ("offline_request", "UPDATE", _changed(REQUEST_FACTS, different), "a payment request stays as it was sent"),
        ("offline_request", "DELETE", "", "a payment request stays as it was sent"),
        ("offline_receipt", "UPDATE", f"{_changed(RECEIPT_FACTS, different)} OR ({RECEIPT_STEP})", "a receipt stays as entered"),
        ("offline_receipt", "DELETE", "", "a receipt stays as entered"),
        ("bank_order", "UPDATE", f"{_changed(ORDER_FACTS, different)} OR {ORDER_STEP}", "a bank order stays as it was made"),
        ("bank_order", "DELETE", "", "a bank order stays as it was made"),
    )  # fmt: skip


def sqlite() -> list[str]:
    """Give the triggers for SQLite."""
    return [
        f"CREATE TRIGGER {table}_{event.lower()}_guard BEFORE {event} ON {table}"
        f"{f' WHEN {condition}' if condition else ''} BEGIN SELECT RAISE(ABORT, '{message}'); END"
        for table, event, condition, message in _rules("IS NOT")
    ]


def postgresql() -> list[str]:
    """Give the functions and triggers for PostgreSQL."""
    made = []
    for table, event, condition, message in _rules("IS DISTINCT FROM"):
        name = f"{table}_{event.lower()}_guard"
        made.append(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {condition or 'true'} THEN"
            f" RAISE EXCEPTION '{message}' USING ERRCODE = '23514'; END IF; RETURN new; END $$"
        )
        made.append(f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")
    return made


def functions() -> list[str]:
    """Name the functions that PostgreSQL keeps when their tables are gone."""
    return [f"{table}_{event.lower()}_guard" for table, event, _condition, _message in _rules("")]
