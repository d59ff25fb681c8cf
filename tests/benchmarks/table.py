"""Figures as tables of plain text."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def show(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; the first column is left-aligned, the others are figures."""
    widths = [max(len(row[place]) for row in (heads, *rows)) for place in range(len(heads))]
    lines = ["", title, _line(heads, widths), "  ".join("-" * width for width in widths)]
    lines += [_line(row, widths) for row in rows]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(
        cell.ljust(width) if place == 0 else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ).rstrip()


def ms(value: float | None) -> str:
    """Write milliseconds."""
    return "" if value is None else f"{value:.2f}"


def times(value: float | None, other: float | None) -> str:
    """Write how many times `other` a value is."""
    return "" if value is None or not other else f"{value / other:.2f}"
