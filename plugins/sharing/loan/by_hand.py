"""What is really waited for while a price is paid without a card: a bank transfer, cash at the desk, or cash to the owner."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from marketplace.api import TodoItem, payments
from plugins.sharing.loan import one_price

AWAITED = {"bank_transfer": _l("The bank transfer is awaited"), "cash_desk": _l("The cash is awaited at the desk")}
"""What the owner reads of a way to pay in which only an operator sees the money come in."""


def asked(side: Any) -> Any | None:
    """Give the payment for which a bank transfer or cash is awaited; None while a bank is at work. `side` as in `one_price`."""
    payment = payments.get(side.payment_id) if side.payment_id is not None else None
    return payment if payment is not None and payment.state == "awaiting" else None


def todo(side: Any, role: str, here: str, due: datetime | None) -> TodoItem | None:
    """Lead to where a transfer or cash is explained, and whoever takes the cash to where it is confirmed.

    None while nothing is awaited by hand. `here` is the agreement's page, `due` when the wait ends (UTC).
    """
    payment = asked(side)
    if payment is None:
        return None
    if role == "member":
        return TodoItem(_("Transfer the money or bring it: here is how"), f"/pay/{payment.id}", due, "credit-card")
    if payment.method_kind == "cash_owner":
        return TodoItem(_("Say when you have the cash"), f"/pay/{payment.id}/received", due, "handshake")
    return TodoItem(AWAITED[payment.method_kind], here, due, "hourglass", waits=True)


def missing(side: Any, role: str, here: str) -> TodoItem | None:
    """Lead to paying what was agreed as paid and is not there after all, and to no hand-over; None while the price is paid.

    As a receipt that was taken back: the payment is asked for again while the agreement stands.
    """
    why = one_price.money_is_missing(side)
    if why is None:
        return None
    awaited = asked(side)
    if role == "owner" and (awaited is None or awaited.method_kind != "cash_owner"):
        text = _("The money is missing again: hand nothing over before it is paid")
        return TodoItem(text, here, None, "circle-alert", waits=True)
    if awaited is not None:
        return todo(side, role, here, None)
    path = one_price.pay_path(side)
    if path is None:
        return TodoItem(why, here, None, "hourglass", waits=True)
    return TodoItem(_("Pay to keep it"), path, None, "credit-card", _("Pay"))
