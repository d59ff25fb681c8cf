"""What members tell about themselves for bills and bank transfers: name, address, account number."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import select

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.errors import InvalidInput
from marketplace.jobs.service import enqueue
from marketplace.notifications.service import notify
from marketplace.payments.billing.models import BillingDetails
from marketplace.payments.models import PayoutAccount
from marketplace.payments.offline.reference import NotAnAccount, account_number
from marketplace.runtime import runtime


def details_of(user_id: int) -> BillingDetails:
    """Give what a member has told, or an empty form of it that is not stored."""
    known = db.session.get(BillingDetails, user_id, populate_existing=True)
    empty = {"name": "", "address": "", "tax_number": "", "account": "", "holder": ""}
    return known or BillingDetails(user_id=user_id, updated_at=clock.now(), **empty)


def account_of_member(user_id: int) -> tuple[str, str]:
    """Give a member's account number and its holder, "" where none was told."""
    known = db.session.get(BillingDetails, user_id, populate_existing=True)
    return (known.account, known.holder) if known is not None else ("", "")


def tell(user_id: int, *, name: str, address: str, tax_number: str, account: str, holder: str) -> BillingDetails:
    """Keep what a member tells; a first account number sets pay-outs that waited for it going. Raises InvalidInput."""
    plain = ""
    if account.strip():
        try:
            plain = account_number(account)
        except NotAnAccount:
            raise InvalidInput(
                {"account": _("This is not an account number (IBAN); is there a typing error?")}
            ) from None
    at = clock.now()
    with transaction() as session:
        row = session.get(BillingDetails, user_id, with_for_update=True, populate_existing=True)
        if row is None:
            row = BillingDetails(user_id=user_id, updated_at=at)
            session.add(row)
        if plain and plain != row.account:
            facts = {"account": f"… {plain[-4:]}"}  # the whole number has no place in a mail
            notify(user_id, "payment_account_changed", params=facts, url="/account/payments/details")
        row.name, row.address, row.tax_number = name.strip()[:120], address.strip()[:400], tax_number.strip()[:40]
        row.account, row.holder, row.updated_at = plain, holder.strip()[:120], at
        session.flush()
        if plain:
            open_account(user_id)
            payload = {"user": user_id, "currency": runtime().settings.currency}
            enqueue("payments.pay_out", payload, key=f"payments.pay_out:{user_id}:{payload['currency']}")
    return row


def open_account(user_id: int) -> PayoutAccount:
    """Give the row that stands for pay-outs by hand to a member; one is made when needed."""

    wanted = select(PayoutAccount).where(PayoutAccount.user_id == user_id, PayoutAccount.gateway == "offline")
    known = db.session.scalars(wanted).one_or_none()
    if known is None:
        at = clock.now()
        known = PayoutAccount(
            user_id=user_id, gateway="offline", ref=f"member_{user_id}", transfers_enabled=True, charges_enabled=False,
            payouts_enabled=True, requirements=[], created_at=at, updated_at=at,
        )  # fmt: skip
        db.session.add(known)
        db.session.flush()
    return known
