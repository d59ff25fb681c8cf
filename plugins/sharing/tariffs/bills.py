"""A bill: lines with the facts that explain them, and the one way to write it down, byte for byte."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from .use import Gap


@dataclass(frozen=True, slots=True)
class Line:
    """One line in whole minor units; `kind` chooses the sentence that explains it, `facts` are the figures in it.

    Times in facts are seconds, prices are minor units (per `per` seconds or units), instants are ISO 8601 in UTC.
    """

    key: str
    kind: str
    amount: int
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Bill:
    """What a use costs: `total` is the sum of `lines`, in minor units of `currency`.

    `notes` are lines that cost nothing (what was included, tax that prices contain). `nets` is what each component and
    package costs after caps, discounts and maximum. `credits` is the part of the total that prepaid credits pay first.
    """

    tariff: str
    currency: str
    lines: tuple[Line, ...]
    notes: tuple[Line, ...]
    nets: Mapping[str, int]
    total: int
    credits: int
    gaps: tuple[Gap, ...]

    def canonical(self) -> bytes:
        """Write the bill as JSON with sorted names and no spaces: the same bill gives the same bytes on every machine."""
        document = {
            "tariff": self.tariff,
            "currency": self.currency,
            "lines": [_line(line) for line in self.lines],
            "notes": [_line(line) for line in self.notes],
            "nets": dict(self.nets),
            "total": self.total,
            "credits": self.credits,
            "gaps": [[gap.kind, gap.since.isoformat(), gap.until.isoformat(), gap.detail] for gap in self.gaps],
        }
        return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def _line(line: Line) -> dict[str, object]:
    return {"key": line.key, "kind": line.kind, "amount": line.amount, "facts": dict(line.facts)}
