"""Fee invoices: what the platform kept of a member's earnings, gathered per pay-out or, without one, per month."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import exists, select, update
from sqlalchemy.orm import aliased

from marketplace import clock, display
from marketplace.agreements.models import Agreement
from marketplace.database import db, transaction
from marketplace.listings.models import Listing
from marketplace.payments.billing import parties
from marketplace.payments.billing.models import Bill, FeeLine
from marketplace.payments.billing.wording import fee_words
from marketplace.payments.billing.writing import Draft, write
from marketplace.payments.models import Payment
from marketplace.payments.payout_models import PayoutPart
from marketplace.runtime import runtime

MEMBERS = 200
"""How many members get invoices in one run; the next run goes on."""


Line = tuple[FeeLine, str, str | None]
"""A fee, the title of the listing it was taken for, and who has the payment's money."""

OPEN = FeeLine.bill_id.is_(None) & ~FeeLine.void


def sweep(_payload: dict[str, Any] | None = None) -> None:
    """Write the invoices that are due: each member's in a transaction of its own."""
    due = db.session.execute(
        select(FeeLine.payee_id, FeeLine.currency).where(OPEN, _due()).distinct().limit(MEMBERS)
    ).all()
    for payee_id, currency in due:
        with transaction():
            invoice(payee_id, currency)


def _due() -> Any:
    """A fee stands on an invoice once its payment is being paid out, or its month is over (on the site's clock)."""
    zone = ZoneInfo(runtime().settings.timezone)
    month = clock.now().astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    sent = exists().where(PayoutPart.payment_id == FeeLine.payment_id, PayoutPart.state != "withdrawn")
    original = aliased(FeeLine)
    corrects = exists().where(original.id == FeeLine.given_back_id, original.bill_id.is_not(None))
    return (FeeLine.at < datetime.fromtimestamp(month.timestamp(), UTC)) | sent | corrects


def invoice(payee_id: int, currency: str) -> list[Bill]:
    """Write what is due for one member: an invoice per rate of tax, and a credit note for each invoice that was too high.

    Joins the caller's transaction. What was given back before it stood on an invoice is simply not charged.
    """
    lines = db.session.execute(
        select(FeeLine, Listing.title, Payment.gateway)
        .join(Payment, Payment.id == FeeLine.payment_id)
        .join(Agreement, Agreement.id == Payment.agreement_id)
        .join(Listing, Listing.id == Agreement.listing_id)
        .where(FeeLine.payee_id == payee_id, FeeLine.currency == currency, OPEN, _due())
        .order_by(FeeLine.id)
        .with_for_update(of=FeeLine)
    ).all()
    ids = [line.given_back_id for line, _title, _gateway in lines if line.given_back_id]
    known = db.session.execute(select(FeeLine.id, FeeLine.bill_id).where(FeeLine.id.in_(ids)))
    billed = {row.id: row.bill_id for row in known}
    groups: dict[tuple[int | None, str, str], list[Line]] = defaultdict(list)
    for line, title, gateway in lines:
        corrected = billed.get(line.given_back_id) if line.given_back_id else None
        groups[corrected, line.tax_name, line.tax_rate].append((line, title, gateway))
    return [bill for key, group in groups.items() if (bill := _written(payee_id, currency, key, group)) is not None]


def _written(payee_id: int, currency: str, key: tuple[int | None, str, str], group: Sequence[Line]) -> Bill | None:
    corrected, tax_name, tax_rate = key
    ids = [line.id for line, _title, _gateway in group]
    if not sum(line.net_minor + line.tax_minor for line, _title, _gateway in group):
        db.session.execute(update(FeeLine).where(FeeLine.id.in_(ids)).values(void=True))
        return None  # everything was given back before anything was invoiced
    with force_locale(parties.language(payee_id)):
        gathered = _gathered(group)
        subject = _("Fees of %(site)s", site=runtime().settings.site_name)
        if corrected is not None:
            original = db.session.get_one(Bill, corrected)
            notes = _("Corrects %(number)s: fees given back.", number=original.code)
        else:
            notes = _kept_how(group, currency)
    draft = Draft(
        kind="fee_invoice" if corrected is None else "fee_credit", cause=f"fees:{ids[0]}", user_id=payee_id,
        currency=currency, seller=parties.platform(), buyer=parties.member(payee_id), subject=subject, lines=gathered,
        corrects_id=corrected, tax_name=tax_name, tax_rate=tax_rate, notes=notes,
    )  # fmt: skip
    bill = write(draft)
    db.session.execute(update(FeeLine).where(FeeLine.id.in_(ids)).values(bill_id=bill.id))
    return bill


def _kept_how(group: Sequence[Line], currency: str) -> str:
    """Say whether the fees were kept from what came in, or are owed because the payee was paid directly."""
    owed = sum(line.net_minor + line.tax_minor for line, _title, gateway in group if gateway == "direct")
    if not owed:
        return str(_("Kept from what was paid to you; nothing has to be paid."))
    amount = display.money(owed, currency, exact=True)
    return str(_("%(amount)s of this is kept from what you earn later, because you were paid directly.", amount=amount))


def _gathered(group: Sequence[Line]) -> list[dict[str, Any]]:
    """Add up the fees of one listing, so that a campaign of a thousand pledges is one line with its count.

    A payment whose fee was given back as a whole is not counted.
    """
    sums: dict[tuple[str, str], dict[str, Any]] = {}
    left: dict[tuple[str, str], dict[int, int]] = {}
    for line, title, _gateway in group:
        label, key = f"{fee_words(line.label)}: {title}", (line.label, title)
        found = sums.setdefault(key, {"label": label, "count": 0, "net_minor": 0, "tax_minor": 0})
        of_payment = left.setdefault(key, defaultdict(int))
        of_payment[line.payment_id] += line.net_minor + line.tax_minor
        found["net_minor"] += line.net_minor
        found["tax_minor"] += line.tax_minor
    for key, of_payment in left.items():
        sums[key]["count"] = sum(minor > 0 for minor in of_payment.values())
    return list(sums.values())
