"""Every bill of the site: the list, and the whole year as CSV for the bookkeeper."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from flask import Response, render_template, request
from sqlalchemy import select

from marketplace.admin.door import blueprint
from marketplace.admin.paging import chips, one_of, paged, word
from marketplace.database import db
from marketplace.money import Money
from marketplace.payments.billing.models import Bill, code_of
from marketplace.payments.billing.wording import KINDS
from marketplace.payments.hand_views import today
from marketplace.users.models import User

BATCH = 500


@blueprint.get("/bills")
def bills() -> Any:
    """List bills, the newest first; found by number or a part of the subject."""
    kind, q = one_of("kind", KINDS), word()
    listed = select(
        Bill.id, Bill.kind, Bill.series, Bill.year, Bill.number, Bill.issued_on, Bill.subject, Bill.net_minor, Bill.tax_minor,
        Bill.total_minor, Bill.currency, Bill.user_id, User.name,
    ).join(User, User.id == Bill.user_id)  # fmt: skip
    if kind:
        listed = listed.where(Bill.kind == kind)
    if q:
        digits = q.rpartition("-")[2]
        numbered = (Bill.number == int(digits)) if digits.isdecimal() and len(digits) < 10 else Bill.id == 0
        listed = listed.where(Bill.subject.icontains(q, autoescape=True) | numbered)
    return render_template(
        "operator/bills.html",
        page=paged(listed, Bill.id),
        kinds=chips("kind", list(KINDS.items())),
        q=q,
        kept={"kind": kind},
        names=KINDS,
        code=code_of,
        year=today().year,
    )


@blueprint.get("/bills.csv")
def bills_export() -> Any:
    """Give all bills of a year as CSV, by number, with the tax; amounts are plain decimals."""
    asked = request.args.get("year", "")
    year = int(asked) if asked.isdecimal() and len(asked) == 4 else today().year
    headers = {"Content-Disposition": f'attachment; filename="bills-{year}.csv"'}
    return Response("".join(_lines(year)), mimetype="text/csv", headers=headers)


def _lines(year: int) -> Iterator[str]:
    yield _line(
        [
            "number",
            "kind",
            "date",
            "member",
            "buyer",
            "subject",
            "net",
            "tax",
            "total",
            "currency",
            "tax name",
            "corrects",
        ]
    )
    after = 0
    while rows := db.session.scalars(
        select(Bill).where(Bill.year == year, Bill.id > after).order_by(Bill.id).limit(BATCH)
    ).all():
        corrected = {row.corrects_id for row in rows if row.corrects_id}
        codes = {bill.id: bill.code for bill in db.session.scalars(select(Bill).where(Bill.id.in_(corrected)))}
        for row in rows:
            amounts = [
                Money(minor, row.currency).decimal() for minor in (row.net_minor, row.tax_minor, row.total_minor)
            ]
            facts = [row.code, row.kind, row.issued_on.isoformat(), row.user_id, _plain(row.buyer), _plain(row.subject)]
            yield _line([*facts, *amounts, row.currency, row.tax_name, codes.get(row.corrects_id or 0, "")])
        after = rows[-1].id


def _line(values: list[Any]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(values)
    return out.getvalue()


def _plain(text: str) -> str:
    """Put a text of several lines on one, and keep a spreadsheet from taking it for a formula (OWASP, CSV injection)."""
    flat = ", ".join(text.splitlines())
    return f"'{flat}" if flat[:1] in "=+-@\t" else flat
