"""Everything that is kept about a member, as JSON-ready data to take away."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, or_, select

from marketplace import clock
from marketplace.agreements.models import Agreement, AgreementEvent
from marketplace.database import db
from marketplace.listings.models import Listing, Picture
from marketplace.messages.models import Message
from marketplace.notifications.models import Notification
from marketplace.payments.models import Bill, BillingDetails, Payment, Payout, Refund
from marketplace.reviews.models import Review
from marketplace.runtime import collect, runtime
from marketplace.users.models import User, UserSession

# Secrets by which somebody could pose as the member.
LEFT_OUT = frozenset({"password_hash", "token_hash"})
# How and why a bank refused is the payer's business alone.
OF_PAYMENTS_RECEIVED = frozenset(
    {"id", "agreement_id", "purpose", "amount_minor", "currency", "refunded_minor", "charged_at", "settled_at"}
)


def everything(user: User) -> dict[str, Any]:
    """Collect a member's data from the core and from each plugin that is on; times are UTC in ISO 8601, money is minor units."""
    me = user.id
    mine = or_(Agreement.member_id == me, Agreement.owner_id == me)
    return {
        "site": runtime().settings.site_name,
        "made_at": clock.now().isoformat(),
        "account": _rows(User, User.id == me)[0],
        "sessions": _rows(UserSession, UserSession.user_id == me),
        "listings": _rows(Listing, Listing.owner_id == me),
        "pictures": _rows(Picture, Picture.owner_id == me),
        "agreements": _rows(Agreement, mine),
        "agreement_history": _rows(AgreementEvent, AgreementEvent.agreement_id.in_(select(Agreement.id).where(mine))),
        "messages_sent": _rows(Message, Message.sender_id == me),
        "notifications": _rows(Notification, Notification.user_id == me),
        "payments": _rows(Payment, Payment.payer_id == me),
        "payments_received": _rows(Payment, Payment.payee_id == me, OF_PAYMENTS_RECEIVED),
        "refunds": _rows(Refund, Refund.payment_id.in_(select(Payment.id).where(Payment.payer_id == me))),
        "payouts": _rows(Payout, Payout.user_id == me),
        "bills": _rows(Bill, Bill.user_id == me),
        "reviews_written": _rows(Review, Review.author_id == me),
        "reviews_received": _rows(Review, (Review.user_id == me) & Review.revealed_at.is_not(None)),
        "billing_details": _rows(BillingDetails, BillingDetails.user_id == me),
        "plugins": dict(collect("export_member", user=user)),
    }


def _rows(model: Any, which: ColumnElement[bool], only: frozenset[str] | None = None) -> list[dict[str, Any]]:
    names = [name for name in model.__mapper__.columns.keys() if name not in LEFT_OUT]  # noqa: SIM118 - no mapping
    columns = [getattr(model, name) for name in names if only is None or name in only]
    found = db.session.execute(select(*columns).where(which).order_by(*model.__mapper__.primary_key))
    return [{name: _plain(value) for name, value in row._mapping.items()} for row in found]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
