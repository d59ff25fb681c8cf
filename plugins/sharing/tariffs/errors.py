"""What can be wrong with a tariff's document or with a use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a document: `field` is its path, such as `component[2].price`."""

    field: str
    message: str

    def __str__(self) -> str:
        """Show both."""
        return f"{self.field}: {self.message}"


class TariffInvalid(ValueError):
    """A document that can't be read, with every fault found."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        """Keep the faults."""
        super().__init__("; ".join(map(str, faults)))
        self.faults = tuple(faults)


class UseInvalid(ValueError):
    """Readings that contradict each other or don't fit the tariff; the message names the reading."""
