"""From stored readings to a use: corrections in their place, states filled in, everything within the session."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from marketplace.api import Agreement, clock, db, settings
from plugins.sharing.price import price_lists
from plugins.sharing.price.price_lists import IN_USE
from plugins.sharing.tariffs import Bill, Circumstances, Use, bill, from_readings
from plugins.sharing.tariffs import Reading as Read
from plugins.sharing.tariffs.model import Terms
from plugins.sharing.use.use_models import Device, Reading, UseSession

SLACK = timedelta(minutes=10)
"""Clocks differ: what was read so much before the start or after the end counts as of the start or the end."""

COLUMNS = (
    Reading.id, Reading.session_id, Reading.source, Reading.taken_at, Reading.state, Reading.registers, Reading.event,
    Reading.number, Reading.corrects_id,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class About:
    """What a bill depends on besides tariff and readings, as it is stored with the bill."""

    zone: str
    plan: str = ""
    options: tuple[str, ...] = ()
    before: Mapping[str, str] | None = None
    silence: int | None = None

    def kept(self) -> dict[str, Any]:
        """Give it as data."""
        return {
            "zone": self.zone, "plan": self.plan, "options": sorted(self.options), "before": dict(self.before or {}),
            "silence": self.silence,
        }  # fmt: skip

    @classmethod
    def thaw(cls, data: Mapping[str, Any]) -> About:
        """Read what was kept."""
        return cls(data["zone"], data["plan"], tuple(data["options"]), data["before"], data["silence"])

    def circumstances(self) -> Circumstances:
        """Give it as the engine takes it."""
        before = {name: Decimal(value) for name, value in (self.before or {}).items()}
        return Circumstances(self.zone, self.plan, frozenset(self.options), before)


def state_names(terms: Terms) -> tuple[str, str]:
    """Give the tariff's names for being used and for being paused; one name where pausing changes nothing."""
    if not terms.states:
        return IN_USE, IN_USE
    return terms.states[0], terms.states[1] if len(terms.states) > 1 else terms.states[0]


def registers_of(terms: Terms) -> list[str]:
    """Name the registers that the tariff charges by, in its order."""
    return list(dict.fromkeys(part.register for part in terms.components if part.register))


def readings_of(session_id: int) -> Sequence[Any]:
    """Give a session's readings as they came."""
    return db.session.execute(select(*COLUMNS).where(Reading.session_id == session_id).order_by(Reading.id)).all()


def silence_of(unit_id: int) -> int | None:
    """Give the longest normal silence of a unit's devices, in seconds."""
    statement = select(func.min(Device.silence_seconds)).where(Device.unit_id == unit_id, Device.revoked_at.is_(None))
    return db.session.scalar(statement)


def counted(rows: Iterable[Any]) -> list[Any]:
    """Put corrections in the place of what they correct; gives the readings that count, in the order of time."""
    found = list(rows)
    replaced = {row.corrects_id for row in found if row.corrects_id is not None}
    return sorted((row for row in found if row.id not in replaced), key=lambda row: (row.taken_at, row.id))


def timeline(rows: Iterable[Any], first: datetime, last: datetime) -> list[Read]:
    """Give the readings of one use: within `first` and `last`, one for each instant, each with the state that holds.

    What a device and a person read at the same instant is one reading with the registers of both. Numbers are the devices'.
    What was read after the end of a use that was ended later than it should have been is no part of it.
    """
    merged: dict[datetime, dict[str, Any]] = {}
    for row in counted(rows):
        if row.taken_at > last + SLACK:
            continue
        at = min(max(row.taken_at, first), last)
        here = merged.setdefault(at, {"state": "", "registers": {}, "number": None, "event": ""})
        here["state"] = row.state or here["state"]
        here["registers"] |= {name: Decimal(value) for name, value in row.registers.items()}
        here["number"] = row.number if row.number is not None else here["number"]
        here["event"] = row.event or here["event"]
    made, state = [], ""
    for at in sorted(merged):
        here = merged[at]
        state = here["state"] or state
        made.append(Read(at, state, here["registers"], here["number"], here["event"]))
    return made


def use_of(rows: Iterable[Any], first: datetime, last: datetime, about: About) -> Use:
    """Give the use that the readings tell of; raises UseInvalid when they contradict each other."""
    silence = timedelta(seconds=about.silence) if about.silence else None
    return from_readings(timeline(rows, first, last), about.circumstances(), silence=silence)


def span_of(session: Any, until: datetime | None = None) -> tuple[datetime, datetime]:
    """Give a session's first and last instant; one that goes on ends at `until`.

    The reservation belongs to it where the tariff knows one, else it begins with the start.
    """
    started = session.started_at or session.reserved_at
    last = session.ended_at or until or started
    reserving = price_lists.stored(session.tariff_id).terms.reservation
    return (session.reserved_at if reserving else started), max(last, started)


def rate(session: Any, rows: Iterable[Any], about: About, until: datetime | None = None) -> Bill:
    """Work out a session's bill; of one that goes on what it comes to at `until` (UTC). Raises UseInvalid."""
    first, last = span_of(session, until)
    closed = [*rows, _Mark(last)] if session.ended_at is None else rows
    return bill(price_lists.stored(session.tariff_id).terms, use_of(closed, first, last, about))


@dataclass(frozen=True, slots=True)
class _Mark:
    """The present moment, as a reading that says nothing else."""

    taken_at: datetime
    id: int = 2**62
    state: str = ""
    registers: Mapping[str, str] = None  # type: ignore[assignment]
    event: str = ""
    number: None = None
    corrects_id: None = None

    def __post_init__(self) -> None:
        """Have no registers."""
        object.__setattr__(self, "registers", {})


def about_of(session: UseSession, before: Mapping[str, str] | None = None) -> About:
    """Give a session's circumstances as they are now."""
    return About(session.zone, session.plan, tuple(session.options), before, silence_of(session.unit_id))


def last_stands(unit_id: int, registers: Collection[str]) -> dict[str, str]:
    """Give what a unit's registers stood at when they were last read, for a form to begin with."""
    rows = db.session.execute(
        select(Reading.registers)
        .join(UseSession, UseSession.agreement_id == Reading.session_id)
        .where(UseSession.unit_id == unit_id)
        .order_by(Reading.taken_at.desc(), Reading.id.desc())
        .limit(50)
    )
    found: dict[str, str] = {}
    for row in rows:
        for name in registers:
            if name in row.registers:
                found.setdefault(name, row.registers[name])
    return found


def latest_end(agreement: Agreement, session: UseSession) -> datetime:
    """Give the moment (UTC) until which a use is billed at most, by the hours that were the rule when it was reserved."""
    hours = agreement.terms.get("longest_hours") or int(settings.get("sharing.longest_use_hours"))
    return (session.started_at or session.reserved_at) + timedelta(hours=hours)


def counted_until(session: UseSession) -> datetime:
    """Give the moment (UTC) up to which a use counts now: its end, or the present as long as it may last."""
    if session.ended_at is not None:
        return session.ended_at
    agreement = db.session.get_one(Agreement, session.agreement_id)
    return min(clock.now(), latest_end(agreement, session))
