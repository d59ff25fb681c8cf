"""What a kind of payment method can do, as a gateway tells it: data, so that nothing else needs to know a method by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class Ability:
    """One kind of method, by the gateway's own name for it.

    `reusable`: it can be saved now and charged while the payer is away. `pays_now`: the payer can pay with it at once on
    the gateway's page. `slow`: its outcome takes days, and until then nobody knows. `disputable` is for how long the
    payer's bank may take the money back without asking why, None where a reason is needed. `currencies` is empty where any
    will do.

    `holds` is for how long an amount can be set aside while the payer is away, by brand ("" for the others); empty where
    that can't be done. It is what the gateway publishes and serves to warn beforehand; what counts in the end is the date
    that each hold comes back with.
    """

    kind: str
    name: Any
    icon: str
    reusable: bool = False
    pays_now: bool = False
    slow: bool = False
    currencies: frozenset[str] = frozenset()
    disputable: timedelta | None = None
    holds: Mapping[str, timedelta] = field(default_factory=dict)

    def takes(self, currency: str) -> bool:
        """Tell whether it pays in this currency."""
        return not self.currencies or currency in self.currencies

    def holds_for(self, brand: str) -> timedelta | None:
        """Give for how long a method of this brand can hold an amount, None when it can't."""
        return self.holds.get(brand, self.holds.get(""))
