"""What the pages of uses show, read as rows with a fixed number of statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import aliased

from marketplace.api import Agreement, Listing, NotFound, User, db
from plugins.sharing.item.item_models import Unit
from plugins.sharing.price import price_lists, tariff_words
from plugins.sharing.price.tariff_words import Row
from plugins.sharing.use import metering, reaching, sessions, use_bills
from plugins.sharing.use.machine_use import USE
from plugins.sharing.use.reaching import Reach
from plugins.sharing.use.use_models import Device, Reading, UseCharge, UseSession

LIST = 30
TONES = {"running": "good", "paused": "warm", "reserved": "info", "unpaid": "bad", "ended": "info", "billed": "info"}


@dataclass(frozen=True, slots=True)
class Meter:
    """How a use stands now: lines so far in words, the total, and what can be done."""

    agreement: Agreement
    session: UseSession
    listing: Listing
    unit: Unit
    label: Any
    tone: str
    rows: list[Row]
    total: int
    lasted: str
    registers: list[str]
    stands: dict[str, str]
    device: bool
    pausable: bool
    reach: Reach


def seen(use_id: int, viewer: User) -> tuple[Agreement, UseSession]:
    """Give a use to its member, its payer, its owner or an operator; raises NotFound for others."""
    session = db.session.get(UseSession, use_id)
    people = (session.member_id, session.holder_id, session.owner_id) if session is not None else ()
    if session is None or (viewer.id not in people and not viewer.is_operator):
        raise NotFound(_("This page does not exist, or is not for you."))
    return db.session.get_one(Agreement, use_id), session


def meter(agreement: Agreement, session: UseSession) -> Meter:
    """Gather how a use stands."""
    terms = price_lists.stored(session.tariff_id).terms
    names = metering.state_names(terms)
    running = sessions.running_total(session)
    registers = metering.registers_of(terms)
    total = running.total if running is not None else 0
    began = session.started_at or session.reserved_at
    until = metering.counted_until(session)
    return Meter(
        agreement=agreement, session=session, listing=db.session.get_one(Listing, session.listing_id),
        unit=db.session.get_one(Unit, session.unit_id), label=USE.state(agreement.state).label,
        tone=TONES.get(agreement.state, ""), rows=tariff_words.bill_rows(running) if running else [], total=total,
        lasted=_lasted(int((until - began).total_seconds())), registers=registers,
        stands=metering.last_stands(session.unit_id, registers), device=sessions.has_device(session.unit_id),
        pausable=names[0] != names[1], reach=reaching.of(session, running),
    )  # fmt: skip


def _lasted(seconds: int) -> str:
    """Say how long a use has lasted: in whole minutes, but for the first one."""
    return tariff_words.span(seconds if seconds < 60 else seconds // 60 * 60)


def own(member_id: int, before: int | None = None) -> tuple[Sequence[Any], int | None]:
    """List a member's uses and those they pay for, the newest first; gives the id to go on before, too."""
    user = aliased(User)
    statement = (
        select(
            Agreement.id, Agreement.state, use_bills.billed_minor(), Agreement.currency, Agreement.created_at, Listing.title,
            UseSession.started_at, UseSession.ended_at, UseSession.member_id, user.name.label("user_name"),
        )
        .join(UseSession, UseSession.agreement_id == Agreement.id)
        .join(Listing, Listing.id == Agreement.listing_id)
        .join(user, user.id == UseSession.member_id)
        .where((UseSession.member_id == member_id) | (UseSession.holder_id == member_id))
        .order_by(Agreement.id.desc())
        .limit(LIST + 1)
    )  # fmt: skip
    rows = db.session.execute(statement.where(Agreement.id < before) if before else statement).all()
    return rows[:LIST], rows[LIST - 1].id if len(rows) > LIST else None


def of_owner(listing_id: int) -> Sequence[Any]:
    """List the newest uses of an item for its owner."""
    return db.session.execute(
        select(
            Agreement.id, Agreement.state, use_bills.billed_minor(), Agreement.currency, User.name, UseSession.started_at,
            UseSession.ended_at, Unit.label,
        )
        .join(UseSession, UseSession.agreement_id == Agreement.id)
        .join(User, User.id == UseSession.member_id)
        .join(Unit, Unit.id == UseSession.unit_id)
        .where(UseSession.listing_id == listing_id)
        .order_by(Agreement.id.desc())
        .limit(LIST)
    ).all()  # fmt: skip


def devices(listing_id: int) -> Sequence[Any]:
    """List an item's devices that are not revoked, with their units."""
    return db.session.execute(
        select(Device.id, Device.name, Device.seen_at, Device.silence_seconds, Unit.label)
        .join(Unit, Unit.id == Device.unit_id)
        .where(Unit.item_id == listing_id, Device.revoked_at.is_(None))
        .order_by(Device.id)
    ).all()


def readings(use_id: int) -> list[Any]:
    """List a use's readings in the order of time, with who corrected what."""
    rows = db.session.execute(
        select(
            Reading.id, Reading.taken_at, Reading.state, Reading.registers, Reading.source, Reading.number, Reading.event,
            Reading.corrects_id, Reading.note, Reading.received_at,
        ).where(Reading.session_id == use_id).order_by(Reading.taken_at, Reading.id).limit(500)
    ).all()  # fmt: skip
    return list(rows)


@dataclass(frozen=True, slots=True)
class ShownBill:
    """A bill in words."""

    bill: Any
    rows: list[Row]
    notes: list[Row]
    gaps: tuple[Any, ...]
    corrects: str
    charge: UseCharge | None


def bills(use_id: int) -> list[ShownBill]:
    """Give a use's bills and credit notes in words, the newest first."""
    found = use_bills.of_session(use_id)
    codes = {one.id: one.code for one in found}
    charges = {row.bill_id: row for row in db.session.scalars(select(UseCharge).where(UseCharge.session_id == use_id))}
    made = []
    for one in reversed(found):
        thawed = use_bills.thawed(one)
        sign = -1 if one.kind == "credit" else 1
        rows = [Row(row.label, row.detail, sign * row.amount) for row in tariff_words.bill_rows(thawed)]
        corrects = codes.get(one.corrects_id, "") if one.corrects_id else ""
        made.append(ShownBill(one, rows, tariff_words.note_rows(thawed), thawed.gaps, corrects, charges.get(one.id)))
    return made
