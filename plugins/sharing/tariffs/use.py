"""What was used: registers and states at instants in UTC, checked, without duplicates, with their gaps named."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from .errors import UseInvalid
from .figures import ONE, TICK, billionths, instant, moment, plain


@dataclass(frozen=True, slots=True)
class Reading:
    """What an item told at an instant: the state that begins then, and what its registers stand at (not differences).

    `number` is the device's own count of readings; with it a lost reading is noticed. `event` names something that
    happened (refuelling). The state of the last reading is of no account: the use goes as far as that instant.
    """

    at: datetime
    state: str
    registers: Mapping[str, Decimal] = field(default_factory=dict)
    number: int | None = None
    event: str = ""


class Segment(NamedTuple):
    """A state and from when to when it lasted, in microseconds since 1970 UTC."""

    at: int
    end: int
    state: str


class Delta(NamedTuple):
    """What a register counted between two readings, in billionths, and the state it was in from the first one on."""

    at: int
    size: int
    state: str


class Gap(NamedTuple):
    """What is missing between two readings, and its name or size in `detail`.

    Kinds: numbers of readings ("number"), a sign of life in seconds ("silence"), where a register stood at the start
    ("register"), and on bills a register that no reading told of ("absent").
    """

    kind: str
    since: datetime
    until: datetime
    detail: str


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a bill depends on besides the readings.

    `before` is what earlier uses in the same billing period took: by a component's key the free quantity (minutes for
    time), by a cap's key the minor units already billed under it.
    """

    zone: str = "UTC"
    plan: str = ""
    options: frozenset[str] = frozenset()
    before: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Use:
    """One use of an item, derived from readings; `start` and `end` in microseconds since 1970 UTC."""

    start: int
    end: int
    segments: tuple[Segment, ...]
    deltas: Mapping[str, tuple[Delta, ...]]
    events: Mapping[str, int]
    gaps: tuple[Gap, ...]
    zone: ZoneInfo
    about: Circumstances


def zone_of(name: str) -> ZoneInfo:
    """Find an IANA zone; raises UseInvalid."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise UseInvalid(f"{name!r} is no time zone of the IANA database") from None


def from_readings(
    readings: Iterable[Reading], about: Circumstances = Circumstances(), *, silence: timedelta | None = None
) -> Use:
    """Derive durations per state and quantities; raises UseInvalid when readings contradict each other.

    Readings may come in any order and more than once. `silence` is the longest time without a reading that is normal
    for this item; a longer one is a gap. A gap is named and changes nothing: registers count on, the state holds.
    """
    rows = _ordered(readings)
    segments: list[Segment] = []
    for (at, reading), (until, _) in itertools.pairwise(rows):
        if segments and segments[-1].state == reading.state:
            segments[-1] = Segment(segments[-1].at, until, reading.state)
        elif until > at:
            segments.append(Segment(at, until, reading.state))
    events: dict[str, int] = {}
    for _, reading in rows:
        if reading.event:
            events[reading.event] = events.get(reading.event, 0) + 1
    start, end = rows[0][0], rows[-1][0]
    deltas, late = _deltas(rows)
    gaps = (*_gaps(rows, silence), *late)
    return Use(start, end, tuple(segments), deltas, events, gaps, zone_of(about.zone), about)


def _ordered(readings: Iterable[Reading]) -> list[tuple[int, Reading]]:
    """Order by instant and drop what came twice; raises UseInvalid for two different readings with one number or instant."""
    rows: list[tuple[int, Reading]] = []
    for reading in readings:
        try:
            rows.append((instant(reading.at), reading))
        except ValueError as error:
            raise UseInvalid(str(error)) from None
    if not rows:
        raise UseInvalid("a use needs at least one reading: without use there is no charge")
    rows.sort(key=lambda row: row[0])
    kept = [rows[0]]
    for row in rows[1:]:
        if row[0] != kept[-1][0]:
            kept.append(row)
        elif row[1] != kept[-1][1]:
            raise UseInvalid(f"two different readings at {row[1].at.isoformat()}")
    return kept


def _deltas(rows: Sequence[tuple[int, Reading]]) -> tuple[dict[str, tuple[Delta, ...]], list[Gap]]:
    """Take each register's differences; its first value is where counting begins."""
    last: dict[str, tuple[int, int, str]] = {}
    found: dict[str, list[Delta]] = {}
    late: list[Gap] = []
    for at, reading in rows:
        for name, value in reading.registers.items():
            stand = _stand(name, value, reading)
            if name not in last:
                found[name] = []
                if at != rows[0][0]:
                    late.append(Gap("register", rows[0][1].at, reading.at, name))
            elif stand < last[name][0]:
                was = plain(last[name][0], ONE)
                raise UseInvalid(f"register {name!r} fell from {was} to {value} at {reading.at.isoformat()}")
            elif stand > last[name][0]:
                found[name].append(Delta(last[name][1], stand - last[name][0], last[name][2]))
            last[name] = (stand, at, reading.state)
    return {name: tuple(parts) for name, parts in found.items()}, late


def _stand(name: str, value: Decimal, reading: Reading) -> int:
    """Give a register's stand in billionths; raises UseInvalid naming register and reading."""
    if not isinstance(value, Decimal):
        raise UseInvalid(f"register {name!r} at {reading.at.isoformat()} must be a Decimal, not {value!r}")
    try:
        return billionths(value)
    except ValueError as error:
        raise UseInvalid(f"register {name!r} at {reading.at.isoformat()}: {error}") from None


def _gaps(rows: Sequence[tuple[int, Reading]], silence: timedelta | None) -> list[Gap]:
    """Name missing numbers and long silences; raises UseInvalid when numbers don't grow with time."""
    gaps: list[Gap] = []
    numbered: Reading | None = None
    for (_, before), (_, after) in itertools.pairwise(rows):
        if silence is not None and after.at - before.at > silence:
            gaps.append(Gap("silence", before.at, after.at, f"{(after.at - before.at).total_seconds():.0f}"))
    for _, reading in rows:
        if reading.number is None:
            continue
        if numbered is not None and numbered.number is not None:
            missing = reading.number - numbered.number - 1
            if missing < 0:
                raise UseInvalid(f"reading {reading.number} at {reading.at.isoformat()} comes after {numbered.number}")
            if missing:
                gaps.append(Gap("number", numbered.at, reading.at, str(missing)))
        numbered = reading
    return gaps


def planned(
    start: datetime,
    parts: Sequence[tuple[str, timedelta]],
    quantities: Mapping[str, Decimal] | None = None,
    events: Mapping[str, int] | None = None,
    about: Circumstances = Circumstances(),
) -> Use:
    """Make the use of a quote: states one after another from `start` (aware), and what registers will have counted.

    It goes through `from_readings`, so that quote and bill differ in nothing but where the figures come from.
    """
    begin, readings = instant(start), []
    stands: dict[str, Decimal] = dict.fromkeys(quantities or {}, Decimal(0))
    for state, lasts in parts:
        if lasts <= timedelta():
            raise UseInvalid(f"a planned use takes some time, {state!r} takes {lasts}")
        readings.append(Reading(moment(begin), state, stands))
        stands, begin = {}, begin + lasts // TICK
    use = from_readings([*readings, Reading(moment(begin), "", quantities or {})], about)
    return replace(use, events={name: count for name, count in (events or {}).items() if count})
