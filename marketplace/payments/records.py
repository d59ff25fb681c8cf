"""How a new payment and its choice of a method are written, in statements that are spelled once."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, bindparam, insert, select, update

from marketplace.kept import hold, known, rewritten
from marketplace.payments.models import Payment, SavedMethod
from marketplace.prepared import Prepared

_payment, _method = cast(Table, Payment.__table__), cast(Table, SavedMethod.__table__)
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
