"""Numbers of bills: one row per series and year, locked from the number's giving to the commit, so that none is ever lost."""

from __future__ import annotations

from sqlalchemy import Integer, column, text

from marketplace.prepared import Prepared

SERIES = {"receipt": "R", "receipt_credit": "RC", "fee_invoice": "F", "fee_credit": "FC"}
"""Each kind of bill has its own numbers, beginning with 1 each year."""

_NEXT = Prepared(
    text(
        "INSERT INTO bill_series (series, year, last) VALUES (:series, :year, 1)"
        " ON CONFLICT (series, year) DO UPDATE SET last = bill_series.last + 1 RETURNING last"
    ).columns(column("last", Integer))
)


def next_number(series: str, year: int) -> int:
    """Give the next number of a series; others who want one wait until this transaction ends, and get it if it fails.

    Take it as late as possible, and write the bill that carries it in the same transaction: a trigger refuses a bill with
    any other number than the one that follows the last bill.
    """
    return int(_NEXT.value(series=series, year=year))
