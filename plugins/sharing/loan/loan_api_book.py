"""The API of loans: asking for an item, booking it, and what became of it; the same use cases as the pages."""

from __future__ import annotations

from flask import url_for
from sqlalchemy import or_, select

from marketplace.api import Agreement, Role, User, api_v1, db
from plugins.sharing.loan import loan_api_shapes as shapes
from plugins.sharing.loan import loan_money, loans
from plugins.sharing.loan.booking_models import Loan
from plugins.sharing.loan.loan_api_part import LOANS, READ, WRITE, part, party
from plugins.sharing.loan.loan_api_shapes import LoanLine, LoanOut, NewLoan
from plugins.sharing.slot.windows import Window


def shown(loan_id: int, user: User) -> api_v1.Reply:
    """Show a loan to its two sides and to operators."""
    agreement, side, actor = party(loan_id, user)
    path = loan_money.pay_path(side) if actor.role == Role.MEMBER else None
    return api_v1.Reply(shapes.loan(agreement, side, path), agreement.version)


@part.operation(
    "POST", "/sharing/items/{listing_id}/loans", tag=LOANS, scopes=WRITE, body=NewLoan, returns=LoanOut, status=201,
    errors=(404, 409), idempotency="required",
)  # fmt: skip
def ask_for_item(call: api_v1.Call[NewLoan, api_v1.Query], listing_id: int) -> api_v1.Reply:
    """Ask for an item, or book it where it is booked at once; what is taken names the nearest free `alternatives`."""
    body = call.body
    made = loans.request(
        listing_id, Window(body.starts_at, body.ends_at), call.user.id, body.arrangement, call.key, count=body.count,
        note=body.note.strip(),
    )  # fmt: skip
    reply = shown(made.id, call.user)
    return api_v1.Reply(reply.body, reply.version, location=url_for("sharing_loan_api.get_loan", loan_id=made.id))


@part.operation("GET", "/sharing/loans/{loan_id}", tag=LOANS, scopes=READ, returns=LoanOut, errors=(404,))
def get_loan(call: api_v1.Call[None, api_v1.Query], loan_id: int) -> api_v1.Reply:
    """Give one loan in which the caller borrows or lends."""
    return shown(loan_id, call.user)


@part.operation("GET", "/sharing/loans", tag=LOANS, scopes=READ, query=api_v1.PageQuery, returns=api_v1.Page[LoanLine])
def list_loans(call: api_v1.Call[None, api_v1.PageQuery]) -> api_v1.Page[LoanLine]:
    """List what the caller borrows and lends, the newest first."""
    statement = (
        select(
            Agreement.id, Agreement.listing_id, Agreement.state, Agreement.amount_minor, Loan.currency, Loan.arrangement,
            Loan.starts_at, Loan.ends_at,
        )
        .join(Loan, Loan.agreement_id == Agreement.id)
        .where(or_(Agreement.member_id == call.user.id, Agreement.owner_id == call.user.id))
        .order_by(Agreement.id.desc())
        .limit(call.query.limit + 1)
    )  # fmt: skip
    before = api_v1.read_id(call.query.cursor)
    if before is not None:
        statement = statement.where(Agreement.id < before)
    rows = db.session.execute(statement).all()
    return api_v1.page(rows, call.query.limit, shapes.line, lambda row: row.id)
