"""What a member's own data about uses is, and what goes when the account is closed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, or_, select

from marketplace.api import Agreement, db
from plugins.sharing.use.use_models import CoUser, Credit, Reading, UseBill, UseSession


def export(user: Any) -> dict[str, Any]:
    """Give the uses, readings, bills and credit of a member, as data that JSON can hold."""
    mine = or_(UseSession.member_id == user.id, UseSession.holder_id == user.id)
    uses = db.session.execute(
        select(
            UseSession.agreement_id, Agreement.state, UseSession.reserved_at, UseSession.started_at, UseSession.ended_at
        )
        .join(Agreement, Agreement.id == UseSession.agreement_id)
        .where(mine)
        .order_by(UseSession.agreement_id)
    ).all()
    numbers = select(UseSession.agreement_id).where(mine)
    read = select(Reading.session_id, Reading.taken_at, Reading.state, Reading.registers).where(
        Reading.session_id.in_(numbers)
    )
    bills = db.session.scalars(select(UseBill).where(UseBill.session_id.in_(numbers)).order_by(UseBill.id))
    credit = select(Credit.kind, Credit.amount_minor, Credit.balance_minor, Credit.currency, Credit.note, Credit.at)
    return {
        "uses": [_plain(row) for row in uses],
        "readings": [_plain(row) for row in db.session.execute(read.order_by(Reading.id))],
        "use_bills": [{"number": one.code, "use": one.session_id, "document": one.document} for one in bills],
        "credit": [
            _plain(row) for row in db.session.execute(credit.where(Credit.member_id == user.id).order_by(Credit.id))
        ],
    }


def _plain(row: Any) -> dict[str, Any]:
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row._mapping.items()}


def erase(user: Any) -> None:
    """Take the member off all accounts; uses and bills stay for the books, and name nobody but by number."""
    db.session.execute(delete(CoUser).where(or_(CoUser.holder_id == user.id, CoUser.user_id == user.id)))
