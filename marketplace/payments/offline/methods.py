"""The ways to pay by hand: which of them this site offers, and choosing one for a payment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.errors import Refused
from marketplace.payments.models import Payment, SavedMethod
from marketplace.payments.offline.reference import NotAnAccount, account_number
from marketplace.payments.offline.wording import LABELS
from marketplace.payments.requests import use_saved_method
from marketplace.settings.service import get

GATEWAYS: Mapping[str, str] = {"bank_transfer": "offline", "cash_desk": "offline", "cash_owner": "direct"}
"""Who has the money then: we ourselves ("offline"), or the payee ("direct")."""

WAYS: Mapping[str, str] = {"bank_transfer": "bank", "cash_desk": "desk", "cash_owner": "owner"}


@dataclass(frozen=True, slots=True)
class Offer:
    """A way to pay by hand, with what the payer should know before choosing it."""

    kind: str
    label: str
    help: str


def own_account() -> str:
    """Give the platform's bank account (IBAN) for members' transfers; "" when there is none, or none that can be right."""
    try:
        return account_number(str(get("offline.account")))
    except NotAnAccount:
        return ""


def account_fault(text: str) -> str | None:
    """Say what is wrong with an IBAN that an operator typed; nothing with an empty one."""
    if not text:
        return None
    try:
        account_number(text)
    except NotAnAccount:
        return str(_("This is not an account number (IBAN); is there a typing error?"))
    return None


def offered() -> list[Offer]:
    """List the ways to pay by hand that operators have switched on."""
    days = int(get("offline.days"))
    offers = []
    if own_account():
        told = ngettext(
            "When it is time to pay we mail you the account number and a reference. You have at most %(num)s day.",
            "When it is time to pay we mail you the account number and a reference. You have at most %(num)s days.",
            days,
        )
        offers.append(Offer("bank_transfer", str(LABELS["bank_transfer"]), str(told)))
    if desk := str(get("offline.desk")):
        offers.append(Offer("cash_desk", str(LABELS["cash_desk"]), desk))
    if get("offline.between_members"):
        told = _("When it is time to pay you hand over the money, and the receiver confirms it here.")
        offers.append(Offer("cash_owner", str(LABELS["cash_owner"]), str(told)))
    return offers


def choose(payment: Payment, kind: str) -> Payment:
    """Let a payment be paid by hand; raises Refused for a way that is not offered, and as `use_saved_method`."""
    if kind not in {offer.kind for offer in offered()}:
        raise Refused(_("This way to pay is not offered."), field="method", code="method")
    try:
        with transaction():
            return use_saved_method(payment, method_for(payment.payer_id, kind))
    except IntegrityError:  # the same member chose at the same moment: now the row is there
        with transaction():
            return use_saved_method(payment, method_for(payment.payer_id, kind))


def method_for(user_id: int, kind: str) -> SavedMethod:
    """Give the row that stands for this member's payments of one kind; one is made when needed."""
    gateway, ref = GATEWAYS[kind], f"{kind}_{user_id}"
    wanted = select(SavedMethod).where(SavedMethod.gateway == gateway, SavedMethod.ref == ref)
    found = db.session.scalars(wanted).one_or_none()
    if found is None:
        found = SavedMethod(user_id=user_id, gateway=gateway, ref=ref, kind=kind, created_at=clock.now())
        db.session.add(found)
        db.session.flush()
    return found
