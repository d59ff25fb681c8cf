"""The operators' list of money to send by hand: filling in where to, exporting it for the bank, and saying that it was done."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from marketplace import clock
from marketplace.admin import audit
from marketplace.database import db, transaction
from marketplace.errors import InvalidInput, NotFound, Refused
from marketplace.payments.attempts import locked
from marketplace.payments.models import Refund
from marketplace.payments.offline import payouts, returns
from marketplace.payments.offline.models import BankOrder
from marketplace.payments.offline.reference import NotAnAccount, account_number
from marketplace.runtime import runtime
from marketplace.users.models import User

MOST = 500
"""How many orders one exported list holds."""


@dataclass(frozen=True, slots=True)
class Done:
    """What an operator says of an order that was carried out."""

    on: date
    note: str = ""


def fill_in(order_id: int, account: str, holder: str, way: str, actor_id: int) -> BankOrder:
    """Say where an order goes; raises InvalidInput for a wrong account number, Refused once it was exported."""
    with transaction():
        order = returns.locked_order(BankOrder.id == order_id)
        if order.state != "waiting":
            raise Refused(_("This can't be changed any more."), code="order_state")
        if way not in ("bank", "desk"):
            raise InvalidInput({"way": _("Choose one of these.")})
        try:
            plain = account_number(account) if account.strip() else ""
        except NotAnAccount:
            raise InvalidInput(
                {"account": _("This is not an account number (IBAN); is there a typing error?")}
            ) from None
        order.account, order.holder, order.way, order.updated_at = plain, holder.strip()[:200], way, clock.now()
        db.session.flush()
        audit.record(actor_id, "bank_order.filled_in", "bank_order", order_id, "", {"account": plain, "way": way})
    return order


def export(actor_id: int) -> str:
    """Put the bank orders that wait on a list for the bank, as CSV; whoever exports it can't confirm what needs two people."""
    with transaction():
        orders = db.session.scalars(
            select(BankOrder)
            .where(BankOrder.state == "waiting", BankOrder.way == "bank", BankOrder.account != "")
            .order_by(BankOrder.id)
            .limit(MOST)
            .with_for_update()
        ).all()
        at = clock.now()
        for order in orders:
            order.state, order.exported_at, order.exported_by, order.updated_at = "exported", at, actor_id, at
        db.session.flush()
        if orders:
            audit.record(
                actor_id, "bank_order.exported", "bank_order", orders[0].id, "", {"orders": [one.id for one in orders]}
            )
    return table(orders)


def prepare(order_id: int, actor_id: int) -> BankOrder:
    """Note that the first of two people has prepared an order that is not exported for the bank."""
    with transaction():
        order = returns.locked_order(BankOrder.id == order_id)
        if order.state != "waiting":
            raise Refused(_("This was prepared already."), code="order_state")
        at = clock.now()
        order.state, order.exported_at, order.exported_by, order.updated_at = "exported", at, actor_id, at
        db.session.flush()
        audit.record(actor_id, "bank_order.prepared", "bank_order", order_id, "", {})
    return order


def table(orders: Sequence[BankOrder]) -> str:
    """Write orders as CSV: one line each, with a plain decimal amount and the text for the bank statement.

    The name is that of the account's holder, or the member's own where none was told.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["order", "name", "account", "amount", "currency", "text"])
    site = runtime().settings.site_name
    members = {order.user_id for order in orders}
    names = {row.id: row.name for row in db.session.execute(select(User.id, User.name).where(User.id.in_(members)))}
    for order in orders:
        name = _harmless(order.holder or names[order.user_id])
        writer.writerow(
            [order.id, name, order.account, order.amount.decimal(), order.currency, f"{site} {order.reference}"]
        )
    return out.getvalue()


def _harmless(text: str) -> str:
    """Keep a spreadsheet from taking a name for a formula (OWASP, CSV injection)."""
    return f"'{text}" if text[:1] in "=+-@\t\r" else text


def done(order_id: int, said: Done, actor_id: int) -> BankOrder:
    """Book that an order was carried out; raises Refused for the same person where two are needed, NotFound."""
    with transaction():
        found = db.session.get(BankOrder, order_id)
        if found is None:
            raise NotFound(_("There is no such task."))
        payments: list[Any] = []
        if found.refund_id is not None:
            payments = [locked(db.session.get_one(Refund, found.refund_id).payment_id)]
        elif found.payout_id is not None:
            payments = payouts.lock_payments(found.payout_id)
        order = returns.locked_order(BankOrder.id == order_id)
        if order.refund_id is not None:
            returns.returned(order, actor_id, said.on, said.note)
        else:
            payouts.sent(order, payments, actor_id, said.on, said.note)
        facts = {
            "amount": order.amount_minor,
            "currency": order.currency,
            "on": said.on.isoformat(),
            "note": said.note[:200],
        }
        audit.record(actor_id, "bank_order.done", "bank_order", order_id, said.note[:200], facts)
    return order
