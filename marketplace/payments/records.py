"""How payments and their attempts are written and read on the busy ways, in statements that are spelled once."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any, cast

from sqlalchemy import Table, bindparam, insert, select, update

from marketplace.agreements.models import Agreement
from marketplace.database import is_sqlite
from marketplace.kept import hold, known, rewritten
from marketplace.payments.models import Payment, PaymentAttempt, SavedMethod
from marketplace.prepared import Prepared

_payment, _method = cast(Table, Payment.__table__), cast(Table, SavedMethod.__table__)
_attempt, _agreement = cast(Table, PaymentAttempt.__table__), cast(Table, Agreement.__table__)
_FIRST: dict[str, Any] = {
    column.key: column.default.arg if column.default is not None else None  # type: ignore[attr-defined]
    for column in _payment.columns
    if not column.primary_key
}
"""What each column of a new payment has unless it is given."""

_INSERT = Prepared(insert(_payment).returning(_payment.c.id), *_FIRST)
_CHOICE = ("strategy", "method_id", "method_kind", "state", "updated_at")
_CHOOSE = Prepared(update(_payment).where(_payment.c.id == bindparam("payment")), *_CHOICE)
_METHOD = Prepared(select(_method).where(_method.c.id == bindparam("method")))
_PAID = ("state", "charged_at", "gateway", "source_ref", "decline_code", "retryable", "advice", "tries", "updated_at")
_PAY = Prepared(update(_payment).where(_payment.c.id == bindparam("payment")), *_PAID)

_ATTEMPT = Prepared(select(_attempt).where(_attempt.c.id == bindparam("attempt")))
_BY_KEY = Prepared(
    select(_attempt).where(_attempt.c.key == bindparam("given"), _attempt.c.gateway == bindparam("name"))
)
_MARK = Prepared(update(_attempt).where(_attempt.c.id == bindparam("attempt")), "state", "error_code", "updated_at")
_NAME = Prepared(update(_attempt).where(_attempt.c.id == bindparam("attempt")), "ref")


def asked(at: datetime, **facts: Any) -> Payment:
    """Write a new payment into the open transaction and give it."""
    values = {**_FIRST, **facts, "created_at": at, "updated_at": at}
    payment = known(Payment, {**values, "id": _INSERT.value(**values)})
    hold(payment.id, payment, made=True)
    return payment


def chosen(payment: Payment, method: Any, strategy: str, state: str, at: datetime) -> None:
    """Write by which method, and how, a locked payment is paid."""
    values = {
        "strategy": strategy,
        "method_id": method.id,
        "method_kind": method.kind,
        "state": state,
        "updated_at": at,
    }
    _CHOOSE.run(payment=payment.id, **values)
    rewritten(payment, values)


def saved_method(method_id: int) -> Any | None:
    """Give a saved method's row as it is now, or None."""
    return _METHOD.one(method=method_id)


@cache
def _lock(*, sqlite_database: bool) -> Prepared:
    """Build the statement that locks a payment's agreement and then the payment: no row of the second without the first."""
    wanted = select(_payment).where(_payment.c.id == bindparam("payment"))
    if sqlite_database:
        return Prepared(wanted)
    first = (
        select(_agreement.c.id)
        .join(_payment, _payment.c.agreement_id == _agreement.c.id)
        .where(_payment.c.id == bindparam("payment"))
        .with_for_update(of=_agreement)
        .cte("first")
    )
    return Prepared(wanted.join(first, first.c.id == _payment.c.agreement_id).with_for_update(of=_payment))


def locked_payment(payment_id: int) -> Payment | None:
    """Lock a payment after its agreement and give it as it is then; None when there is none."""
    row = _lock(sqlite_database=is_sqlite()).one(payment=payment_id)
    return None if row is None else known(Payment, row._asdict())


def paid(payment: Payment, at: datetime, gateway: str, source: str | None) -> None:
    """Write that all the money of a locked payment has come, and by one more answer of the payer's bank."""
    values = {
        "state": "succeeded", "charged_at": at, "gateway": gateway, "source_ref": source, "decline_code": None,
        "retryable": False, "advice": None, "tries": payment.tries + 1, "updated_at": at,
    }  # fmt: skip
    _PAY.run(payment=payment.id, **values)
    rewritten(payment, values)


def attempt_of_key(key: str, gateway: str) -> PaymentAttempt | None:
    """Give the attempt that carries a key, as it is now; None when there is none."""
    row = _BY_KEY.one(given=key, name=gateway)
    return None if row is None else known(PaymentAttempt, row._asdict())


def reread(attempt: PaymentAttempt) -> None:
    """Let an attempt say what its row says now; raises LookupError when the row is gone."""
    row = _ATTEMPT.one(attempt=attempt.id)
    if row is None:
        raise LookupError(f"attempt {attempt.id} is gone")
    rewritten(attempt, row._asdict())


def marked(attempt: PaymentAttempt, state: str, error_code: str | None, at: datetime) -> None:
    """Write an attempt's state and why."""
    values = {"state": state, "error_code": error_code, "updated_at": at}
    _MARK.run(attempt=attempt.id, **values)
    rewritten(attempt, values)


def named(attempt: PaymentAttempt, ref: str) -> None:
    """Write which object at the gateway an attempt became."""
    _NAME.run(attempt=attempt.id, ref=ref)
    rewritten(attempt, {"ref": ref})
