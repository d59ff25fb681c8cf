"""Cuts what windows cost down to their caps: the clock of money stops when a cap is reached, later use in it is free.

All figures are whole minor units, so a cap is never passed by a rounding.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from .bills import Line
from .figures import moment, seconds
from .model import Cap
from .rating import Cell
from .zones import Clockwork


@dataclass(slots=True)
class Running:
    """A cell on its way through the caps: what is left of it, what was cut, and which cap is said to have cut it."""

    source: str
    at: int
    left: int
    cut: int = 0
    by: int = -1


def apply(
    caps: Sequence[Cap], cells: Mapping[str, Sequence[Cell]], clock: Clockwork, before: Mapping[str, Decimal]
) -> tuple[list[Line], dict[str, int]]:
    """Apply the caps in the tariff's order, inner ones first; gives a line for each that took something, and the nets.

    Where an outer cap is reached, all that was cut inside it is said to be its doing: one reason, not two.
    `before` has the minor units already billed under caps of the billing period.
    """
    running = sorted(
        (Running(source, cell.at, cell.amount) for source, own in cells.items() for cell in own),
        key=lambda cell: cell.at,
    )
    full: dict[int, list[int]] = {}
    for number, cap in enumerate(caps):
        for window, members in _windows(cap, running, clock).items():
            if _fill(members, cap, number, before):
                full.setdefault(number, []).append(window)
    lines = []
    for number, cap in enumerate(caps):
        cut = sum(cell.cut for cell in running if cell.by == number)
        if cut:
            lines.append(Line(cap.key, "cap", -cut, _facts(cap, full[number], clock, before)))
    nets = dict.fromkeys(cells, 0)
    for cell in running:
        nets[cell.source] += cell.left
    return lines, nets


def _windows(cap: Cap, running: Iterable[Running], clock: Clockwork) -> dict[int, list[Running]]:
    """Sort the cells under a cap by window."""
    found: dict[int, list[Running]] = {}
    for cell in running:
        if cell.source in cap.of:
            found.setdefault(clock.window(cap.window, cell.at) if cap.window else 0, []).append(cell)
    return found


def _fill(members: Sequence[Running], cap: Cap, number: int, before: Mapping[str, Decimal]) -> bool:
    """Let one window fill up to its cap; tells whether something was cut."""
    room = max(0, cap.amount - (0 if cap.window else int(before.get(cap.key, 0))))
    if sum(cell.left for cell in members) <= room:
        return False
    for cell in members:
        kept = min(cell.left, room)
        room -= kept
        cell.cut += cell.left - kept
        cell.left = kept
        if cell.cut:
            cell.by = number
    return True


def _facts(cap: Cap, windows: Sequence[int], clock: Clockwork, before: Mapping[str, Decimal]) -> dict[str, str]:
    """Tell how high the cap is, how often it was reached and how its windows are counted."""
    facts = {"cap": str(cap.amount), "reached": str(len(windows)), "of": ",".join(sorted(cap.of))}
    if cap.window is None:
        return facts | {"window": "period", "before": str(int(before.get(cap.key, 0)))}
    facts |= {"window": seconds(cap.window.length), "from": cap.window.origin}
    if cap.window.origin == "start":
        facts["since"] = moment(clock.start).isoformat()
    else:
        facts["zone"] = clock.zone.key
    return facts
