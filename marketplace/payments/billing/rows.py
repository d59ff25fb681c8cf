"""How bills are read and written: statements that are spelled once, since every charge makes a receipt."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

from sqlalchemy import Table, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from marketplace.agreements.models import Agreement
from marketplace.database import is_sqlite
from marketplace.kept import known
from marketplace.listings.models import Listing
from marketplace.payments.billing.models import Bill
from marketplace.payments.models import Payment, PaymentAttempt, SavedMethod
from marketplace.prepared import Prepared

_bill, _method = cast(Table, Bill.__table__), cast(Table, SavedMethod.__table__).c
_attempt, _payment = cast(Table, PaymentAttempt.__table__).c, cast(Table, Payment.__table__).c
_agreement, _listing = cast(Table, Agreement.__table__).c, cast(Table, Listing.__table__).c

_OF_CAUSE = Prepared(select(_bill).where(_bill.c.cause == bindparam("given")))
_CHARGE = Prepared(
    select(
        _payment.id, _payment.payer_id, _payment.payee_id, _payment.currency, _payment.agreement_id,
        _attempt.params, _attempt.gateway, _listing.title,
    )
    .join(Payment, _payment.id == _attempt.payment_id)
    .join(Agreement, _agreement.id == _payment.agreement_id)
    .join(Listing, _listing.id == _agreement.listing_id)
    .where(_attempt.id == bindparam("attempt"))
)  # fmt: skip
_METHOD = Prepared(
    select(_method.kind, _method.brand, _method.last4)
    .where(_method.ref == bindparam("given"), _method.gateway == bindparam("name"))
    .limit(1)
)


@cache
def _insert(*, sqlite_database: bool) -> Prepared:
    statement = (
        (sqlite if sqlite_database else postgresql).insert(_bill).on_conflict_do_nothing(index_elements=["cause"])
    )
    return Prepared(statement.returning(_bill.c.id), *(one.key for one in _bill.columns if not one.primary_key))


def of_cause(cause: str) -> Bill | None:
    """Give the bill that was written for a cause."""
    row = _OF_CAUSE.one(given=cause)
    return None if row is None else known(Bill, row._asdict())


def written(values: dict[str, Any]) -> Bill | None:
    """Write a bill's row, None when its cause has been billed meanwhile; the number is then given back by a rollback."""
    number = _insert(sqlite_database=is_sqlite()).value(**values)
    return None if number is None else known(Bill, {**values, "id": number})


def charge_of(attempt_id: int) -> Any:
    """Give what a receipt tells of a charge: its payment's facts, the attempt's params and gateway, the listing's title.

    Raises LookupError when there is no such charge.
    """
    row = _CHARGE.one(attempt=attempt_id)
    if row is None:
        raise LookupError(f"there is no charge {attempt_id}")
    return row


def method_of(ref: str, gateway: str) -> Any | None:
    """Give kind, brand and last digits of a saved method."""
    return _METHOD.one(given=ref, name=gateway)
