"""What a component counts, as a stream of pieces in the order of time, and what is cut out of it before it is charged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from .figures import ceil_div
from .model import Component
from .zones import Clockwork

Interval = tuple[int, int]


class Piece(NamedTuple):
    """A part of the stream: for time `size` is `end - at` (microseconds); a quantity (billionths) stands at one instant."""

    at: int
    end: int
    size: int


def cut(pieces: Iterable[Piece], edges: Callable[[int, int], Iterable[int]]) -> list[Piece]:
    """Cut pieces of time at the instants that `edges(since, until)` gives; quantities stay whole."""
    found: list[Piece] = []
    for piece in pieces:
        at = piece.at
        if piece.end > at:
            for edge in sorted(set(edges(at, piece.end))):
                found.append(Piece(at, edge, edge - at))
                at = edge
            found.append(Piece(at, piece.end, piece.end - at))
        else:
            found.append(piece)
    return found


def without(pieces: Iterable[Piece], taken: Sequence[Interval]) -> list[Piece]:
    """Take intervals (in order, not overlapping) out of pieces of time."""
    found = []
    for piece in pieces:
        at = piece.at
        for since, until in taken:
            if until <= at or since >= piece.end:
                continue
            if since > at:
                found.append(Piece(at, since, since - at))
            at = until
        if at < piece.end:
            found.append(Piece(at, piece.end, piece.end - at))
    return found


def first_part(streams: Iterable[Iterable[Piece]], budget: int) -> list[Interval]:
    """Give the first intervals of several streams of time together, as long as `budget`; what overlaps counts once."""
    spans = sorted((piece.at, piece.end) for stream in streams for piece in stream)
    found: list[Interval] = []
    reached = None
    for at, end in spans:
        since = at if reached is None else max(at, reached)
        if end <= since or budget <= 0:
            continue
        until = min(end, since + budget)
        found.append((since, until))
        budget -= until - since
        reached = until
    return found


def drop_first(pieces: Iterable[Piece], amount: int, group: Callable[[Piece], int] = lambda _: 0) -> list[Piece]:
    """Leave out the first `amount` of each group."""
    left: dict[int, int] = {}
    found = []
    for piece in pieces:
        name = group(piece)
        free = left.setdefault(name, amount)
        gone = min(free, piece.size)
        left[name] = free - gone
        if piece.size > gone:
            at = piece.at + gone if piece.end > piece.at else piece.at
            found.append(Piece(at, piece.end, piece.size - gone))
    return found


def keep_first(pieces: Iterable[Piece], amount: int, group: Callable[[Piece], int]) -> list[Piece]:
    """Keep only the first `amount` of each group."""
    left: dict[int, int] = {}
    found = []
    for piece in pieces:
        name = group(piece)
        size = min(left.setdefault(name, amount), piece.size)
        left[name] -= size
        if size:
            found.append(Piece(piece.at, piece.end, size))
    return found


def in_steps(pieces: Iterable[Piece], step: int) -> list[Piece]:
    """Round the total up to whole steps; each step belongs to the piece in which it begins."""
    found, position = [], 0
    for piece in pieces:
        started = ceil_div(position + piece.size, step) - ceil_div(position, step)
        position += piece.size
        if started:
            found.append(Piece(piece.at, piece.end, started * step))
    return found


def in_band(pieces: Iterable[Piece], band: str, clock: Clockwork) -> list[Piece]:
    """Keep what lies in a band."""
    return [piece for piece in cut(pieces, clock.band_edges) if clock.band(piece.at) == band]


def total(pieces: Iterable[Piece]) -> int:
    """Add up the sizes."""
    return sum(piece.size for piece in pieces)


def blocks(piece: Piece, position: int, component: Component) -> Iterable[tuple[int, Piece]]:
    """Divide what is charged over block prices: pairs of the rate's number (-1: the component's own price) and a part.

    `position` is what was charged before this piece; with `repeats` counting begins anew after that much.
    """
    left = piece.size
    while left:
        place = position % component.repeats if component.repeats else position
        room, rate = (component.repeats - place if component.repeats else left), -1
        for number, block in enumerate(component.rates):
            if block.upto is not None and place < block.upto:
                room, rate = block.upto - place, number
                break
        size = min(left, room)
        yield rate, Piece(piece.at, piece.end, size)
        left, position = left - size, position + size
