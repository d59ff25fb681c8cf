"""Seals a session's bill, and corrects one that was wrong by a credit note and a new bill; nothing that was sealed changes."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from marketplace.api import Agreement, bill_number, clock, db, runtime
from plugins.sharing.price import price_lists
from plugins.sharing.tariffs import Bill
from plugins.sharing.tariffs.figures import MINUTE, SECOND
from plugins.sharing.tariffs.model import Terms
from plugins.sharing.use import collecting, credits, metering
from plugins.sharing.use.metering import About
from plugins.sharing.use.use_models import UseBill, UseSession

SERIES = {"bill": "U", "credit": "UC"}
"""Bills and credit notes each have their own numbers, beginning with 1 each year."""


def first(session: UseSession) -> UseBill:
    """Seal the bill of an ended session, in the caller's transaction; a second call gives the same one."""
    known = latest(session.agreement_id)
    if known is not None:
        return known
    rows = metering.readings_of(session.agreement_id)
    about = metering.about_of(session, before_of(session))
    return _seal(session, rows, about, metering.rate(session, rows, about), None)


def rerun(session: UseSession) -> UseBill | None:
    """Work a bill out again with all readings there are now; gives the new bill when it differs, else None.

    Joins the caller's transaction, which has locked the agreement. The old bill stays; a credit note takes it back, and both
    name it. What had been paid with prepaid credit goes back there first.
    """
    old = latest(session.agreement_id)
    if old is None:
        return None
    rows, about = metering.readings_of(session.agreement_id), About.thaw(old.about)
    found = metering.rate(session, rows, about)
    if found.canonical().decode("ascii") == old.document:
        return None
    note = _written(
        session,
        "credit",
        old.run,
        old.id,
        old.about,
        old.upto_reading,
        old.document,
        -old.total_minor,
        -old.credits_minor,
    )
    if old.credits_minor:
        credits.give_back(session, note, old.credits_minor)
    collecting.note(session, note, -(old.total_minor - old.credits_minor), collecting.due_of_correction(old.id))
    return _seal(session, rows, about, found, old)


def _seal(session: UseSession, rows: Sequence[Any], about: About, found: Bill, corrects: UseBill | None) -> UseBill:
    """Write a bill, pay from credit what credit pays, and note what is left to be paid."""
    paid_by_credit = min(
        found.credits, found.total, credits.balance(session.holder_id, session.owner_id, session.currency)
    )
    sealed = _written(
        session, "bill", corrects.run + 1 if corrects else 1, corrects.id if corrects else None, about.kept(),
        max((row.id for row in rows), default=0), found.canonical().decode("ascii"), found.total, paid_by_credit,
    )  # fmt: skip
    if paid_by_credit:
        credits.use(session, sealed, paid_by_credit)
    due = collecting.due_of_correction(corrects.id) if corrects is not None else None
    collecting.note(session, sealed, found.total - paid_by_credit, due)
    return sealed


def _written(
    session: UseSession, kind: str, run: int, corrects_id: int | None, about: dict[str, Any], upto: int, document: str,
    total: int, by_credit: int,
) -> UseBill:  # fmt: skip
    at = clock.now()
    today = clock.local(at, runtime().settings.timezone).date()
    sealed = UseBill(
        session_id=session.agreement_id, kind=kind, run=run, series=SERIES[kind], year=today.year,
        number=bill_number(SERIES[kind], today.year), corrects_id=corrects_id, about=about, upto_reading=upto,
        document=document, total_minor=total, credits_minor=by_credit, currency=session.currency, issued_on=today, created_at=at,
    )  # fmt: skip
    db.session.add(sealed)
    db.session.flush()
    return sealed


def latest(session_id: int) -> UseBill | None:
    """Give the bill that counts: the one of the last run."""
    statement = select(UseBill).where(UseBill.session_id == session_id, UseBill.kind == "bill")
    return db.session.scalars(statement.order_by(UseBill.run.desc()).limit(1)).one_or_none()


def billed_minor() -> Any:
    """Give the column of what a use came to (minor units): by the bill that counts, which may correct what was agreed."""
    last = (
        select(UseBill.total_minor)
        .where(UseBill.session_id == Agreement.id, UseBill.kind == "bill")
        .order_by(UseBill.run.desc())
        .limit(1)
        .scalar_subquery()
    )
    return func.coalesce(last, Agreement.amount_minor).label("amount_minor")


def of_session(session_id: int) -> Sequence[UseBill]:
    """Give all bills and credit notes of a session, in the order in which they were written."""
    return db.session.scalars(select(UseBill).where(UseBill.session_id == session_id).order_by(UseBill.id)).all()


def before_of(session: UseSession) -> dict[str, str]:
    """Give what earlier bills of the same month took of what the tariff counts per billing period.

    That is the free amount of components whose allowance is per period, and what was billed under caps per period, by the
    payer's bills of the same tariff whose sessions ended in the same month of the item's zone.
    """
    terms = price_lists.stored(session.tariff_id).terms
    parts = [part for part in terms.components if part.free is not None and part.free.per == "period"]
    caps = [cap for cap in terms.caps if cap.window is None]
    if not (parts or caps) or session.ended_at is None:
        return {}
    sums: dict[str, Decimal] = {}
    for document in _earlier(session):
        for line in (*document["lines"], *document["notes"]):
            part = next((part for part in parts if part.key == line["key"].partition(".")[0]), None)
            if part is not None and "free" in line["facts"] and f"free {part.key}" not in document:
                free = Decimal(line["facts"]["free"])
                # Facts give seconds; what was used before is told in minutes.
                sums[part.key] = sums.get(part.key, Decimal(0)) + (free * SECOND / MINUTE if part.timed else free)
                document[f"free {part.key}"] = True
        for cap in caps:
            sums[cap.key] = sums.get(cap.key, Decimal(0)) + sum(document["nets"].get(key, 0) for key in cap.of)
    return {name: f"{value:f}" for name, value in sorted(sums.items())}


def _earlier(session: UseSession) -> list[dict[str, Any]]:
    """Give the documents of the bills that count in the billing period, without the session's own."""
    import json

    month = clock.local(session.ended_at or clock.now(), session.zone).strftime("%Y-%m")
    corrected = select(UseBill.corrects_id).where(UseBill.kind == "bill", UseBill.corrects_id.is_not(None))
    rows = db.session.execute(
        select(UseBill.document, UseSession.ended_at)
        .join(UseSession, UseSession.agreement_id == UseBill.session_id)
        .where(
            UseSession.holder_id == session.holder_id, UseSession.tariff_id == session.tariff_id, UseBill.kind == "bill",
            UseSession.agreement_id != session.agreement_id, UseBill.id.not_in(corrected),
        )
        .order_by(UseBill.id)
    )  # fmt: skip
    return [
        json.loads(row.document) for row in rows if clock.local(row.ended_at, session.zone).strftime("%Y-%m") == month
    ]


def thawed(sealed: UseBill) -> Bill:
    """Give a sealed bill as the engine's bill, for pages."""
    import json
    from datetime import datetime

    from plugins.sharing.tariffs import Gap, Line

    data = json.loads(sealed.document)
    return Bill(
        data["tariff"], data["currency"],
        tuple(Line(one["key"], one["kind"], one["amount"], one["facts"]) for one in data["lines"]),
        tuple(Line(one["key"], one["kind"], one["amount"], one["facts"]) for one in data["notes"]),
        data["nets"], data["total"], data["credits"],
        tuple(
            Gap(kind, datetime.fromisoformat(since), datetime.fromisoformat(until), detail)
            for kind, since, until, detail in data["gaps"]
        ),
    )  # fmt: skip


def terms_of(sealed: UseBill) -> Terms:
    """Give the tariff that a bill was made with."""
    tariff_id = db.session.scalar(select(UseSession.tariff_id).where(UseSession.agreement_id == sealed.session_id))
    return price_lists.stored(tariff_id or 0).terms
