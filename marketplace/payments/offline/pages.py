"""What the pages of a payment show and do where it is paid by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from marketplace.database import db
from marketplace.errors import DomainError
from marketplace.payments.models import Payment, Refund
from marketplace.payments.offline import methods
from marketplace.payments.offline.asking import newest_request, undecided
from marketplace.payments.offline.models import BankOrder, OfflineRequest
from marketplace.payments.offline.reference import in_groups
from marketplace.payments.offline.wording import LABELS
from marketplace.settings.service import get

WAITS = ("waiting", "exported")
"""States of money that nobody has handed back yet."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A request with what its page says beside it; `waits` that a receipt waits for a second pair of eyes."""

    request: OfflineRequest
    label: str
    desk: str
    waits: bool
    to_return: list[BankOrder]

    @property
    def account(self) -> str:
        """Give the account number in groups of four, as it is printed."""
        return in_groups(self.request.account)

    @property
    def reference(self) -> str:
        """Give the reference in groups of four."""
        return in_groups(self.request.reference)


def shown(payment: Payment) -> Shown | None:
    """Gather what a payment's page shows of its newest request; None for payments that were never asked for by hand."""
    if payment.method_kind not in methods.GATEWAYS:
        return None
    request = newest_request(payment.id)
    if request is None:
        return None
    orders = []
    if request.kind == "cash_owner":
        wanted = select(BankOrder).join(Refund, Refund.id == BankOrder.refund_id)
        orders = list(db.session.scalars(wanted.where(Refund.payment_id == payment.id, BankOrder.state.in_(WAITS))))
    return Shown(request, str(LABELS[request.kind]), str(get("offline.desk")), undecided(request.id), orders)


def chosen(payment: Payment, form: Any) -> Any:
    """Use the way to pay by hand that a form names; None puts what went wrong into the form."""
    try:
        methods.choose(payment, form.method.data)
    except DomainError as error:
        form.refuse(error)
        return None
    flash(_("Thank you. We tell you how to pay when it is time."), "success")
    return redirect(url_for("agreements.show", agreement_id=payment.agreement_id), 303)
