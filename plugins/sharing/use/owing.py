"""What a payer has to pay for uses: when it is collected, and what of it waits for the payer's own hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import BigInteger, bindparam, exists, func, literal, null, select

from marketplace.api import Agreement, SlotFill, TodoItem, clock, db, display, payments
from plugins.sharing.use.use_models import FAILED_CHARGE, OPEN_CHARGE, UseCharge, UseSession

Payment = payments.Payment
OVER = ("succeeded", "cancelled")
BY_HAND = ("method_needed", "declined", "action_required")
"""States in which a payment goes on only by its payer's hand."""


@dataclass(frozen=True, slots=True)
class Owed:
    """One sum that is, or will be, asked for (minor units), and for how many uses.

    Until it is asked for there is no payment, and `due_at` says when that will be (UTC); None there means that its day has come.
    """

    minor: int
    currency: str
    uses: int
    due_at: datetime | None = None
    payment: Payment | None = None

    @property
    def by_hand(self) -> bool:
        """Tell whether it goes on only by the payer's hand."""
        return self.payment is not None and self.payment.state in BY_HAND

    @property
    def too_little(self) -> bool:
        """Tell whether its day has come and it waits for more, because so little is not charged."""
        return self.payment is None and self.due_at is None and self.minor < payments.least(self.currency).minor


def of_payer(member_id: int) -> list[Owed]:
    """Give what a member has been asked for and not paid yet, and what they will be asked for; two statements."""
    waiting = _open(UseSession.holder_id == member_id)
    return [*_asked(Payment.payer_id == member_id, Payment.purpose == "use"), *waiting]


def of_use(session: UseSession, viewer: Any) -> list[Owed]:
    """Give the same of one use, to its payer, its owner and operators; a payment may be for other uses as well."""
    if viewer.id not in (session.holder_id, session.owner_id) and not viewer.is_operator:
        return []
    mine = select(UseCharge.payment_id).where(
        UseCharge.session_id == session.agreement_id, UseCharge.state == "asked", UseCharge.payment_id.is_not(None)
    )
    return [*_asked(Payment.id.in_(mine)), *_open(UseCharge.session_id == session.agreement_id)]


def _asked(*which: Any) -> list[Owed]:
    # What failed has a payment as well once its payer asks to pay after all; that is told as unpaid.
    statement = (
        select(Payment, func.count(UseCharge.session_id.distinct()))
        .join(UseCharge, UseCharge.payment_id == Payment.id)
        .where(*which, UseCharge.state == "asked", Payment.state.not_in(OVER))
        .group_by(Payment.id)
        .order_by(Payment.id)
    )
    return [
        Owed(payment.amount_minor, payment.currency, int(uses), payment=payment)
        for payment, uses in db.session.execute(statement)
    ]


def _open(which: Any) -> list[Owed]:
    """Add up what is not asked for yet, by owner, currency and day: each of these will be one payment."""
    if not payments.payments_enabled():
        return []
    columns = UseCharge.owner_id, UseCharge.currency, UseCharge.due_at, UseCharge.session_id, UseCharge.amount_minor
    rows = select(*columns).join(UseSession, UseSession.agreement_id == UseCharge.session_id).where(OPEN_CHARGE, which)
    now = clock.now()
    together: dict[tuple[int, str, datetime | None], list[Any]] = {}
    for row in db.session.execute(rows.order_by(UseCharge.due_at, UseCharge.bill_id)):
        day = row.due_at if row.due_at > now else None
        together.setdefault((row.owner_id, row.currency, day), []).append(row)
    found = [
        Owed(sum(row.amount_minor for row in group), currency, len({row.session_id for row in group}), day)
        for (_owner, currency, day), group in together.items()
    ]
    return [one for one in found if one.minor > 0]


def fills(agreement: Agreement, viewer: Any) -> Sequence[SlotFill]:
    """Show on the page of a use's agreement where its meter and bill are, and what is to be paid."""
    session = db.session.get(UseSession, agreement.id)
    shown = {"owed": of_use(session, viewer), "paying": session.holder_id == viewer.id} if session is not None else {}
    return [SlotFill("sharing/_use.html", {"use": agreement, **shown})]


def by_hand() -> list[Any]:
    """Give what waits for :member by their own hand, in the columns that everything that waits for a member has.

    That is each payment of uses, and what failed of uses by others on the member's account: agreements speak for one's own.
    """
    member, nothing = bindparam("member", type_=BigInteger), (null(), null(), null())
    asked = select(Payment.state, Payment.id, Payment.amount_minor, Payment.currency, *nothing).where(
        Payment.payer_id == member, Payment.purpose == "use", Payment.state.in_(BY_HAND),
        exists().where(UseCharge.payment_id == Payment.id, UseCharge.state == "asked"),
    )  # fmt: skip
    failed = (
        select(literal("failed"), null(), func.sum(UseCharge.amount_minor), UseCharge.currency, *nothing)
        .join(UseSession, UseSession.agreement_id == UseCharge.session_id)
        .where(FAILED_CHARGE, UseCharge.payer_id == member, UseSession.member_id != member)
        .group_by(UseCharge.currency)
    )
    return [asked, failed]


def item(row: Any) -> TodoItem:
    """Ask for the payment, in the words that its state needs."""
    amount = display.money(int(row.minor), row.currency, exact=True)
    texts = {
        "declined": _("%(amount)s for what you used was declined: pay it in another way", amount=amount),
        "action_required": _("Your bank asks you to approve %(amount)s for what you used", amount=amount),
    }
    text = texts.get(row.what) or _("Pay %(amount)s for what you used", amount=amount)
    url = url_for("payments.pay", payment_id=row.id) if row.id is not None else url_for("sharing_use.mine")
    return TodoItem(text, url, icon="credit-card", action=_("Pay now"))
