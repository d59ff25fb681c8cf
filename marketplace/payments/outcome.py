"""What became of a fact that was applied."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Fate(StrEnum):
    """How a fact fared."""

    APPLIED = "applied"
    OLD = "old"
    """It was known already, or is about a past that has been overtaken."""
    STRANGE = "strange"
    """It speaks of an object that nobody here knows (yet)."""
    PARKED = "parked"
    """It does not fit; nothing was booked, and an operator was told."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The fate of a fact, and why where somebody will ask."""

    fate: Fate
    why: str = ""


APPLIED = Outcome(Fate.APPLIED)
OLD = Outcome(Fate.OLD)
STRANGE = Outcome(Fate.STRANGE, "unknown object")


def parked(why: str) -> Outcome:
    """Say that a fact was set aside."""
    return Outcome(Fate.PARKED, why)
