"""What a gateway tells of our balance there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from marketplace.payments.facts import Trouble
from marketplace.payments.gateway import Gateway


@dataclass(frozen=True, slots=True)
class EntryFacts:
    """One entry of the balance: signed minor units, the fee is taken off the amount; `subject` as in `ProviderEntry`."""

    ref: str
    kind: str
    subject: str
    subject_kind: str
    amount_minor: int
    fee_minor: int
    currency: str
    at: datetime


@dataclass(frozen=True, slots=True)
class EntryPage:
    """A page of entries, newest first; `next_after` asks for the page after it, "" for none."""

    entries: tuple[EntryFacts, ...]
    next_after: str


class Statement(Gateway, Protocol):
    """A gateway that can be compared: it lists the entries of our balance, and says what the balance is."""

    def list_entries(self, since: datetime | None, after: str = "") -> EntryPage | Trouble:
        """Give a page of the entries since an instant (UTC; None for all), those before the entry `after`."""
        ...

    def balance(self) -> Mapping[str, int] | Trouble:
        """Give what the provider keeps for us, pending and available together: minor units by currency."""
        ...
