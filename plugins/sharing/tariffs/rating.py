"""Charges one component for one use: from its stream to lines, each rounded once, and to cells that caps can cut.

The order is fixed: what packages and minimum charges cover is taken out, then what is free; the rest is rounded up to
started steps on the total; a limit per window keeps the first part; bands or blocks give the price.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from .figures import MINUTE, ONE, billionths, ceil_div, half_up
from .model import Component, Free, Kind, Rate, Terms, Window
from .stream import Interval, Piece, blocks, cut, drop_first, first_part, in_band, in_steps, keep_first, total, without
from .use import Use
from .zones import Clockwork


class Cell(NamedTuple):
    """Whole minor units that a component costs from an instant on."""

    at: int
    amount: int


@dataclass(slots=True)
class Slot:
    """What is charged at one price of a component: one line; `top / bottom` is the exact price of the smallest measure."""

    rate: Rate
    top: int
    bottom: int
    charged: int = 0
    amount: int = 0


@dataclass(slots=True)
class Rated:
    """A component as charged: how much was used, covered, free and charged, and its lines."""

    component: Component
    used: int = 0
    covered: int = 0
    free: int = 0
    charged: int = 0
    slots: dict[int, Slot] = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)


class Course:
    """One use under one tariff: the stream of every component, and what was already taken out of it."""

    def __init__(self, terms: Terms, use: Use, clock: Clockwork) -> None:
        """Make the streams of the components that apply."""
        self.terms, self.use, self.clock = terms, use, clock
        self.components = [part for part in terms.components if not part.option or part.option in use.about.options]
        self.streams = {part.key: self._stream(part) for part in self.components if part.kind is not Kind.FIXED}
        self.taken: dict[str, int] = {}

    def _stream(self, part: Component) -> list[Piece]:
        """List what was used, in the order of time."""
        if part.kind is Kind.TIME:
            segments = self.use.segments
            return [
                Piece(at, end, end - at)
                for at, end, state in segments
                if state != self.terms.reservation and (not part.states or state in part.states)
            ]
        if part.kind is Kind.QUANTITY:
            deltas = self.use.deltas.get(part.register, ())
            return [Piece(at, at, size) for at, size, state in deltas if not part.states or state in part.states]
        days = self.clock.days() if part.kind is Kind.DAYS else self.clock.nights()
        begins = [max(self.clock.wall(day, 0), self.clock.start) for day in days]
        return [Piece(at, at, ONE) for at in begins]

    def cover_time(self, keys: Iterable[str], amount: int, band: str = "") -> None:
        """Take the first `amount` of time out of the streams of some components together, or of their part in a band."""
        streams = [self.streams[key] for key in keys if key in self.streams]
        spans = [in_band(stream, band, self.clock) if band else stream for stream in streams]
        self._take(keys, first_part(spans, amount))

    def _take(self, keys: Iterable[str], spans: Sequence[Interval]) -> None:
        for key in keys:
            if key in self.streams:
                before = total(self.streams[key])
                self.streams[key] = without(self.streams[key], spans)
                self.taken[key] = self.taken.get(key, 0) + before - total(self.streams[key])

    def cover_quantity(self, key: str, amount: int) -> None:
        """Take the first `amount` of a quantity."""
        if key in self.streams:
            before = total(self.streams[key])
            self.streams[key] = drop_first(self.streams[key], amount)
            self.taken[key] = self.taken.get(key, 0) + before - total(self.streams[key])


def rate(
    part: Component, course: Course, others: dict[str, Rated], windows: Sequence[Window], percent: Decimal
) -> Rated:
    """Charge a component; `windows` are those of the caps it is under, `percent` is the plan's discount on its price."""
    rated = Rated(part)
    if part.kind is Kind.FIXED:
        rated.used = rated.charged = ONE
        _price(rated, [Piece(course.clock.start, course.clock.start, ONE)], course.clock, percent)
        return rated
    stream, clock = course.streams[part.key], course.clock
    rated.covered = course.taken.get(part.key, 0)
    rated.used = total(stream) + rated.covered
    if part.timed:
        stream = cut(stream, _edges(part, clock, windows))
    left = _after_free(part, stream, course, others)
    rated.free = total(stream) - total(left)
    charged = _counted(part, left, course, rated)
    if part.limit is not None:
        window = part.limit_window
        charged = keep_first(charged, part.limit, lambda piece: clock.window(window, piece.at) if window else 0)
    rated.charged = total(charged)
    _price(rated, charged, clock, percent)
    return rated


def _edges(part: Component, clock: Clockwork, windows: Sequence[Window]) -> Callable[[int, int], list[int]]:
    """Say where the component's time must be cut: where a band or a window begins that matters to it."""
    wanted = {*windows, *filter(None, (part.limit_window, part.free.window if part.free else None))}
    banded = any(slot.band for slot in part.rates)

    def edges(since: int, until: int) -> list[int]:
        found = clock.band_edges(since, until) if banded else []
        for window in wanted:
            found = [*found, *clock.window_edges(window, since, until)]
        return found

    return edges


def _after_free(part: Component, stream: list[Piece], course: Course, others: dict[str, Rated]) -> list[Piece]:
    """Leave out what is included in the price."""
    free, clock = part.free, course.clock
    if free is None or not stream:
        return stream
    window = free.window
    if window and part.timed:
        return drop_first(stream, free.amount, lambda piece: clock.window(window, piece.at))
    return drop_first(stream, _included(part, free, course, others))


def _included(part: Component, free: Free, course: Course, others: dict[str, Rated]) -> int:
    """Work out how much is included in this use."""
    use, clock = course.use, course.clock
    if free.per == "period":
        used = billionths(use.about.before.get(part.key, Decimal(0)))
        return max(0, free.amount - (used * MINUTE // ONE if part.timed else used))
    if free.per == "charged":
        by = others.get(free.by)
        return free.amount * by.charged // by.component.per if by else 0
    if free.window is None:
        return free.amount
    if free.per == "day":
        return free.amount * len(clock.days())
    return free.amount * max(1, ceil_div(clock.end - clock.start, free.window.length))


def _counted(part: Component, stream: list[Piece], course: Course, rated: Rated) -> list[Piece]:
    """Round what is left up to what is charged: the price of a short use, started steps, the least charge."""
    if part.short_under and 0 < rated.used < part.short_under and stream:
        return [Piece(stream[0].at, stream[0].end, part.short_charged)]
    charged = in_steps(stream, part.step) if part.step else list(stream)
    missing = part.least - total(charged)
    used = rated.used or part.kind is Kind.NIGHTS
    if used and missing > 0 and not rated.covered and not rated.free:
        at = charged[-1].at if charged else course.clock.start
        charged.append(Piece(at, at, missing))
    return charged


def _price(rated: Rated, charged: Iterable[Piece], clock: Clockwork, percent: Decimal) -> None:
    """Put each part into the line of its price.

    A line is rounded once: its cells are the differences of the rounded amount so far, so that they add up to the line.
    """
    part = rated.component
    by_band = {slot.band: number for number, slot in enumerate(part.rates) if slot.band}
    own, rest, position = Rate("", part.price), 100 * ONE - billionths(percent), 0
    for piece in charged:
        parts = [(by_band.get(clock.band(piece.at), -1), piece)] if by_band else list(blocks(piece, position, part))
        position += piece.size
        for number, bit in parts:
            slot = rated.slots.get(number)
            if slot is None:
                chosen = part.rates[number] if number >= 0 else own
                top, bottom = chosen.price.as_integer_ratio()
                slot = rated.slots[number] = Slot(chosen, top * rest, bottom * 100 * ONE * part.per)
            slot.charged += bit.size
            amount = half_up(slot.top * slot.charged, slot.bottom)
            if amount != slot.amount:
                rated.cells.append(Cell(bit.at, amount - slot.amount))
                slot.amount = amount
