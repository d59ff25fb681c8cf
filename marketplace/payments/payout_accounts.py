"""The accounts at the gateway that members are paid to."""

from __future__ import annotations

from sqlalchemy import select

from marketplace.database import db
from marketplace.payments.gateway import gateway_name
from marketplace.payments.models import PayoutAccount


def account_of(user_id: int) -> PayoutAccount | None:
    """Give a member's account at the gateway; one that the gateway took away does not count."""
    statement = select(PayoutAccount).where(
        PayoutAccount.user_id == user_id, PayoutAccount.gateway == gateway_name(), PayoutAccount.gone_at.is_(None)
    )
    return db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()
