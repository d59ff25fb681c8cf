"""Writes receipts and credit notes: once for each cause, with what was known then, and tells the member."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import select

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.jobs.errors import TryLater
from marketplace.notifications.service import notify
from marketplace.payments.attempts import locked
from marketplace.payments.billing import fee_lines, parties, rows
from marketplace.payments.billing.models import Bill
from marketplace.payments.billing.numbers import SERIES, next_number
from marketplace.payments.methods import describe_method
from marketplace.payments.models import PaymentAttempt, Refund
from marketplace.runtime import runtime

FAILED = "refund_failed:"
"""Begins the cause of a receipt for money that did not go back."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A bill before it has a number; `lines` carry amounts in minor units, below zero on a credit note."""

    kind: str
    cause: str
    user_id: int
    currency: str
    seller: str
    buyer: str
    subject: str
    lines: Sequence[Mapping[str, Any]]
    payment_id: int | None = None
    corrects_id: int | None = None
    tax_name: str = ""
    tax_rate: str = ""
    notes: str = ""


def write(draft: Draft) -> Bill:
    """Give a bill its number and write it down, in the caller's transaction; a cause that was billed gives that bill."""
    return rows.of_cause(draft.cause) or _write(draft)


def _write(draft: Draft) -> Bill:
    """Write a bill whose cause was not billed a moment ago; raises TryLater when somebody else was first all the same."""
    at = clock.now()
    today = clock.local(at, runtime().settings.timezone).date()
    net, tax = (sum(int(line[part]) for line in draft.lines) for part in ("net_minor", "tax_minor"))
    series = SERIES[draft.kind]
    number = next_number(series, today.year)  # whoever was first has committed by now: the number's row was locked
    bill = rows.written({
        "kind": draft.kind, "series": series, "year": today.year, "number": number, "cause": draft.cause,
        "user_id": draft.user_id, "payment_id": draft.payment_id, "corrects_id": draft.corrects_id, "issued_on": today,
        "seller": draft.seller, "buyer": draft.buyer, "subject": draft.subject[:200],
        "lines": [dict(line) for line in draft.lines], "net_minor": net, "tax_minor": tax, "total_minor": net + tax,
        "currency": draft.currency, "tax_name": draft.tax_name, "tax_rate": draft.tax_rate, "notes": draft.notes,
        "created_at": at,
    })  # fmt: skip
    if bill is None:
        raise TryLater(timedelta(seconds=5), "somebody else was writing the same bill")
    amount = bill.total if bill.total.minor >= 0 else -bill.total
    facts = {"number": bill.code, "subject": bill.subject, "amount": amount}
    notify(bill.user_id, _told_as(bill), params=facts, url=f"/account/bills/{bill.id}")
    return bill


def _told_as(bill: Bill) -> str:
    """Give the notification of a bill: what is taken back is told as what comes back, where it had come in at all."""
    if bill.cause.startswith(FAILED):
        return "receipt_again"
    if bill.kind not in ("receipt_credit", "fee_credit"):
        return f"{bill.kind}_written"
    return "receipt_undone" if bill.cause.startswith("undone:") else "credit_note_written"


def run(payload: dict[str, Any]) -> None:
    """Write the bill that a charge, its undoing, a refund or its failure asks for."""
    with transaction():
        if "charge" in payload:
            receipt(int(payload["charge"]))
        elif "undone" in payload:
            undone(int(payload["undone"]))
        elif "refund" in payload:
            refunded(int(payload["refund"]))
        elif "refund_failed" in payload:
            not_refunded(int(payload["refund_failed"]))


def receipt(attempt_id: int) -> Bill:
    """Write the payer's receipt of a charge: from the payee, whose money it is, by way of the platform."""
    cause = f"charge:{attempt_id}"
    known = rows.of_cause(cause)
    if known is not None:
        return known
    charge = rows.charge_of(attempt_id)
    payer, payee = parties.of(charge.payer_id), parties.of(charge.payee_id)
    with force_locale(payer.language):
        notes = _paid_how(charge)
    amount = int(charge.params["amount_minor"])
    draft = Draft(
        kind="receipt", cause=cause, user_id=charge.payer_id, currency=charge.currency, seller=payee.lines,
        buyer=payer.lines, subject=charge.title, lines=[{"label": charge.title, "net_minor": amount, "tax_minor": 0}],
        payment_id=charge.id, notes=notes,
    )  # fmt: skip
    return _write(draft)


def _paid_how(charge: Any) -> str:
    method = rows.method_of(str(charge.params.get("method", "")), charge.gateway)
    site = runtime().settings.site_name
    how = _("Paid by: %(method)s.", method=describe_method(method)) if method else _("Paid.")
    by_way = _("Received by way of %(site)s, agreement %(id)s.", site=site, id=charge.agreement_id)
    return f"{how} {by_way}"


def undone(attempt_id: int) -> Bill:
    """Write the credit note of a whole receipt whose money had not come in after all."""
    original = receipt(attempt_id)
    with force_locale(parties.language(original.user_id)):
        why = _("Corrects %(number)s: the money had not come in after all.", number=original.code)
    return write(_credit(original, f"undone:{attempt_id}", original.total_minor, why))


def refunded(refund_id: int) -> Bill | None:
    """Write the credit note of a refund, and take the fees that were given back off the payee's invoices.

    None for a refund that has failed meanwhile.
    """
    refund = _under_lock(refund_id)
    if refund.state == "failed":
        return None
    charge = db.session.scalars(
        select(PaymentAttempt).where(
            PaymentAttempt.kind.in_(("charge", "hold")), PaymentAttempt.gateway == refund.gateway,
            PaymentAttempt.ref == refund.charge_ref, PaymentAttempt.payment_id == refund.payment_id,
        ).limit(1)
    ).one()  # fmt: skip
    original = receipt(charge.id)
    fee_lines.give_back(refund)
    with force_locale(parties.language(original.user_id)):
        why = _("Corrects %(number)s: refunded.", number=original.code)
    return write(_credit(original, f"refund:{refund_id}", refund.amount_minor, why))


def not_refunded(refund_id: int) -> Bill | None:
    """Write a receipt that answers the credit note of a refund which did not arrive; None where there is no such note."""
    refund = _under_lock(refund_id)
    credit = rows.of_cause(f"refund:{refund.id}")
    if credit is None:
        return None
    with force_locale(parties.language(credit.user_id)):
        why = _("Takes %(number)s back: the refund did not arrive.", number=credit.code)
    return write(
        Draft(
            kind="receipt", cause=f"{FAILED}{refund.id}", user_id=credit.user_id, currency=credit.currency,
            seller=credit.seller, buyer=credit.buyer, subject=credit.subject, payment_id=credit.payment_id, notes=why,
            lines=[{"label": credit.subject, "net_minor": -credit.net_minor, "tax_minor": -credit.tax_minor}],
        )
    )  # fmt: skip


def _under_lock(refund_id: int) -> Refund:
    """Give a refund with its payment locked: of its credit note and its failure, each sees whether the other came first."""
    refund = db.session.get_one(Refund, refund_id)
    locked(refund.payment_id)
    db.session.refresh(refund)
    return refund


def _credit(original: Bill, cause: str, minor: int, why: str) -> Draft:
    return Draft(
        kind="receipt_credit", cause=cause, user_id=original.user_id, currency=original.currency, seller=original.seller,
        buyer=original.buyer, subject=original.subject, payment_id=original.payment_id, corrects_id=original.id, notes=why,
        lines=[{"label": original.subject, "net_minor": -minor, "tax_minor": 0}],
    )  # fmt: skip
