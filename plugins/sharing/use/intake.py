"""Takes readings in: checked one by one, all of a batch or none, and what came before changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import insert, or_, select

from marketplace.api import InvalidInput, agreements, clock, db, jobs
from plugins.sharing.price import price_lists
from plugins.sharing.price.fault_words import translated
from plugins.sharing.tariffs import UseInvalid
from plugins.sharing.tariffs.figures import billionths
from plugins.sharing.use import metering
from plugins.sharing.use.metering import SLACK, About
from plugins.sharing.use.use_models import Device, Reading, UseSession

AHEAD = timedelta(minutes=5)
"""How far a device's clock may be ahead of ours."""

OPEN = ("reserved", "running", "paused", "ended")
MOST = Decimal(10) ** 12
NEIGHBOURS = 20


@dataclass(frozen=True, slots=True)
class Given:
    """A reading as somebody sent it; `registers` are decimal figures as text, what they stand at and not differences."""

    taken_at: datetime
    registers: Mapping[str, str] = field(default_factory=dict)
    state: str = ""
    number: int | None = None
    event: str = ""
    session_id: int | None = None


@dataclass(slots=True)
class Taken:
    """What became of a batch: how many were new, which were known already, and the sessions they belong to."""

    new: int = 0
    known: list[int] = field(default_factory=list)
    sessions: list[int] = field(default_factory=list)


def take(device: Device, batch: Sequence[Given]) -> Taken:
    """Store a device's batch, in the caller's transaction: all of it or, with InvalidInput that names each fault, nothing.

    A reading that was stored before, with the same content, changes nothing; with other content it is a fault.
    """
    faults: dict[str, str] = {}
    placed: dict[int, list[tuple[int, Given]]] = {}
    sessions = _sessions(device.unit_id, batch)
    for place, given in enumerate(batch):
        session = _session_for(given, sessions)
        if session is None:
            faults[f"readings[{place}].taken_at"] = _("No use of this unit was going on then.")
        elif given.taken_at > clock.now() + AHEAD:
            faults[f"readings[{place}].taken_at"] = _("This is in the future.")
        else:
            placed.setdefault(session.agreement_id, []).append((place, given))
    taken = Taken(sessions=sorted(placed))
    for session_id in taken.sessions:
        agreements.locked(session_id)  # readings of one session come one batch after the other
        rows = _checked(sessions[session_id], device, placed[session_id], faults, taken)
        if rows and not faults:
            db.session.execute(insert(Reading), rows)
            _ask_correction(session_id)
    if faults:
        raise InvalidInput(faults, _("Nothing was stored: some readings can't be accepted."))
    device.seen_at = clock.now()
    db.session.flush()
    return taken


def _sessions(unit_id: int, batch: Sequence[Given]) -> dict[int, UseSession]:
    """Give the sessions of the unit that the batch may speak of."""
    if not batch:
        return {}
    first, last = min(one.taken_at for one in batch) - SLACK, max(one.taken_at for one in batch) + SLACK
    statement = select(UseSession).where(
        UseSession.unit_id == unit_id, UseSession.started_at.is_not(None), UseSession.started_at <= last,
        or_(UseSession.ended_at.is_(None), UseSession.ended_at >= first),
    )  # fmt: skip
    rows = db.session.scalars(statement.order_by(UseSession.started_at).execution_options(populate_existing=True))
    return {row.agreement_id: row for row in rows}


def _session_for(given: Given, sessions: Mapping[int, UseSession]) -> UseSession | None:
    """Give the session in which a reading was taken; its slack counts where no other session was going on."""
    if given.session_id is not None:
        named = sessions.get(given.session_id)
        return named if named is not None and _within(given, named, SLACK) else None
    exact = [one for one in sessions.values() if _within(given, one, timedelta())]
    near = exact or [one for one in sessions.values() if _within(given, one, SLACK)]
    return near[-1] if near else None


def _within(given: Given, session: UseSession, slack: timedelta) -> bool:
    if session.started_at is None or given.taken_at < session.started_at - slack:
        return False
    return session.ended_at is None or given.taken_at <= session.ended_at + slack


def _checked(
    session: UseSession, device: Device, batch: Sequence[tuple[int, Given]], faults: dict[str, str], taken: Taken
) -> list[dict[str, Any]]:
    """Check one session's part of a batch against the tariff and against what is stored; gives the rows that are new."""
    stored = list(_around(session.agreement_id, [given for _place, given in batch]))
    mine = [row for row in stored if row.source == "device" and row.corrects_id is None]
    by_number = {row.number: row for row in mine if row.number is not None}
    by_time = {row.taken_at: row for row in mine}
    terms = price_lists.stored(session.tariff_id).terms
    rows: list[dict[str, Any]] = []
    for place, given in batch:
        registers = _registers(given, place, faults)
        if terms.states and given.state and given.state not in terms.states:
            known = ", ".join(terms.states)
            faults[f"readings[{place}].state"] = _("This state has no price here; there are %(states)s.", states=known)
        before = by_number.get(given.number) if given.number is not None else None
        before = before or by_time.get(given.taken_at)
        if before is not None:
            if not _same(before, given, registers):
                faults[f"readings[{place}]"] = _("Another reading with this number or time was stored before.")
            else:
                taken.known.append(place)
            continue
        row = _row(session.agreement_id, device.id, given, registers)
        rows.append(row)
        shown = _Shown(row, len(stored) + place)
        by_time[given.taken_at] = shown
        if given.number is not None:
            by_number[given.number] = shown
    if not faults:
        _agree(session, [*stored, *(_Shown(row, 2**61 + place) for place, row in enumerate(rows))], batch, faults)
    taken.new += len(rows)
    return rows


def _around(session_id: int, batch: Sequence[Given]) -> Sequence[Any]:
    """Give the stored readings that a batch can contradict: in its time, those next to it, and those with its numbers.

    A session may have many thousands, so the rest stays unread, unless the neighbours do not tell of every register.
    """
    first, last = min(one.taken_at for one in batch), max(one.taken_at for one in batch)
    of_session = select(*metering.COLUMNS).where(Reading.session_id == session_id)
    numbers = [one.number for one in batch if one.number is not None]
    inside = Reading.taken_at.between(first, last)
    found = {row.id: row for row in db.session.execute(of_session.where(or_(inside, Reading.number.in_(numbers))))}
    sides = (
        of_session.where(Reading.taken_at < first).order_by(Reading.taken_at.desc(), Reading.id.desc()),
        of_session.where(Reading.taken_at > last).order_by(Reading.taken_at, Reading.id),
    )
    for statement in sides:
        rows = db.session.execute(statement.limit(NEIGHBOURS)).all()
        if len(rows) == NEIGHBOURS and not _tell(rows, batch):
            return metering.readings_of(session_id)
        found |= {row.id: row for row in rows}
    return [found[number] for number in sorted(found)]


def _tell(rows: Sequence[Any], batch: Sequence[Given]) -> bool:
    """Tell whether these neighbours say enough: every register of the batch, a number, and nothing that was corrected."""
    wanted = {name for one in batch for name in one.registers}
    numbered = all(one.number is None for one in batch) or any(row.number is not None for row in rows)
    return (
        numbered
        and wanted <= {name for row in rows for name in row.registers}
        and not any(row.corrects_id for row in rows)
    )


def _registers(given: Given, place: int, faults: dict[str, str]) -> dict[str, str]:
    """Read the figures; what is none is a fault of its field."""
    found = {}
    for name, figure in given.registers.items():
        try:
            value = Decimal(figure)
            billionths(value)
        except (InvalidOperation, ValueError):
            faults[f"readings[{place}].registers.{name}"] = _("This is not a figure with at most nine decimal places.")
            continue
        if not 0 <= value <= MOST:
            faults[f"readings[{place}].registers.{name}"] = _("A register stands at zero or more.")
        found[name] = f"{value:f}"
    return found


def _same(row: Any, given: Given, registers: Mapping[str, str]) -> bool:
    before = {name: Decimal(value) for name, value in row.registers.items()}
    now = {name: Decimal(value) for name, value in registers.items()}
    facts = (row.taken_at, row.state, row.number, row.event)
    return before == now and facts == (given.taken_at, given.state, given.number, given.event)


class _Shown:
    """A row that is about to be stored, as if it had been."""

    def __init__(self, row: Mapping[str, Any], place: int) -> None:
        """Give it a place behind all that is stored."""
        self.__dict__.update(row)
        self.id = place
        self.corrects_id = None


def _row(session_id: int, device_id: int, given: Given, registers: Mapping[str, str]) -> dict[str, Any]:
    return {
        "session_id": session_id, "source": "device", "device_id": device_id, "number": given.number,
        "taken_at": given.taken_at, "state": given.state, "registers": dict(registers), "event": given.event,
        "received_at": clock.now(),
    }  # fmt: skip


def _agree(
    session: UseSession, rows: Sequence[Any], batch: Sequence[tuple[int, Given]], faults: dict[str, str]
) -> None:
    """Let the engine look for contradictions, such as a register that falls; the first reading at fault is named."""
    first, _last = metering.span_of(session)
    last = session.ended_at or max(row.taken_at for row in rows)
    try:
        metering.use_of(rows, first, max(first, last), About(session.zone))
    except UseInvalid as error:
        text = str(error)
        at_fault = next((place for place, one in batch if one.taken_at.isoformat() in text), batch[0][0])
        faults[f"readings[{at_fault}]"] = translated(text)


def _ask_correction(session_id: int) -> None:
    """A session that is billed already is looked at again, by a job."""
    state = agreements.locked(session_id).state
    if state not in OPEN:
        jobs.enqueue("sharing.rerun", {"session": session_id}, key=f"sharing.rerun:{session_id}")
