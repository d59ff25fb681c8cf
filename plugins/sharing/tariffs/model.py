"""A tariff as frozen data: what a validated document becomes.

Prices are Decimal minor units (30.5 is 30 and a half cents), so that a price may be finer than the currency's smallest
coin; time is in microseconds, quantities are in billionths (`figures`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum


class Kind(StrEnum):
    """What a component counts."""

    FIXED = "fixed"
    """Once per use: a start fee, an access fee, a minimum that covers a time."""
    TIME = "time"
    """Time that passed, in some or all states."""
    QUANTITY = "quantity"
    """What a register of the item counted: km, kWh, units, accesses."""
    DAYS = "days"
    """Calendar days touched, in the item's zone."""
    NIGHTS = "nights"
    """Midnights passed, in the item's zone."""


class Origin(StrEnum):
    """From where windows are counted."""

    START = "start"
    ZONE = "zone"


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time that begins anew: `length` from the use's start, or calendar hours, days, weeks of the zone."""

    length: int
    origin: Origin


@dataclass(frozen=True, slots=True)
class Band:
    """Hours of some weekdays (0 = Monday) in the item's zone; minutes after midnight, `until` > 1440 is the next day."""

    key: str
    since: int
    until: int
    days: frozenset[int]


@dataclass(frozen=True, slots=True)
class Rate:
    """Another price than the component's own: within a band, or up to a charged amount (a block)."""

    key: str
    price: Decimal
    band: str = ""
    upto: int | None = None


@dataclass(frozen=True, slots=True)
class Free:
    """What is included: `amount` per use, per window, per period (less what earlier uses took) or per charged `by`."""

    amount: int
    per: str = "use"
    window: Window | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class Component:
    """One price: `price` minor units for each `per` of what is counted, in started steps."""

    key: str
    kind: Kind
    price: Decimal
    per: int
    step: int | None = None
    states: frozenset[str] = frozenset()
    register: str = ""
    rates: tuple[Rate, ...] = ()
    repeats: int | None = None
    free: Free | None = None
    limit: int | None = None
    limit_window: Window | None = None
    short_under: int = 0
    short_charged: int = 0
    least: int = 0
    covers: int = 0
    covers_of: tuple[str, ...] = ()
    option: str = ""

    @property
    def timed(self) -> bool:
        """Tell whether it counts passing time."""
        return self.kind is Kind.TIME


@dataclass(frozen=True, slots=True)
class Earned:
    """Free time for an event, such as refuelling."""

    event: str
    time: int
    of: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Package:
    """A fixed price (whole minor units) that covers time and quantities; used when that is cheaper, any number of times."""

    key: str
    price: int
    time: int
    of: tuple[str, ...]
    band: str
    quantities: Mapping[str, int]
    at_most: int


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `amount` minor units in each window for some components together; no window: the billing period."""

    key: str
    amount: int
    of: frozenset[str]
    window: Window | None


@dataclass(frozen=True, slots=True)
class Tier:
    """A percentage from a charged amount of the measured component on."""

    at_least: int
    percent: Decimal


@dataclass(frozen=True, slots=True)
class Discount:
    """A percentage off some components; with `by`, the highest tier reached by what that component charged."""

    key: str
    of: frozenset[str]
    by: str
    tiers: tuple[Tier, ...]


@dataclass(frozen=True, slots=True)
class Fee:
    """A percentage on top of some components after caps and discounts (renter's fee, insurance), within limits."""

    key: str
    of: frozenset[str]
    percent: Decimal
    least: int = 0
    most: int | None = None
    option: str = ""


@dataclass(frozen=True, slots=True)
class Tax:
    """A percentage of some components: contained in their prices, or added to them."""

    key: str
    of: frozenset[str]
    percent: Decimal
    included: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What members of a plan get: components waived, percentages off prices; `monthly` minor units are billed elsewhere."""

    key: str
    monthly: int
    waives: frozenset[str]
    percents: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Example:
    """A worked example: this use gives these lines and this total (minor units)."""

    name: str
    zone: str
    starts: str
    parts: tuple[tuple[str, int], ...]
    quantities: Mapping[str, Decimal]
    events: Mapping[str, int]
    options: frozenset[str]
    plan: str
    before: Mapping[str, Decimal]
    lines: tuple[tuple[str, int], ...]
    total: int


@dataclass(frozen=True, slots=True)
class Terms:
    """One version of a tariff as the engine sees it; `digest` is the SHA-256 of its document in canonical form."""

    name: str
    version: int
    currency: str
    digest: str
    states: tuple[str, ...]
    reservation: str
    reservation_free: int
    components: tuple[Component, ...]
    bands: tuple[Band, ...] = ()
    earned: tuple[Earned, ...] = ()
    packages: tuple[Package, ...] = ()
    caps: tuple[Cap, ...] = ()
    discounts: tuple[Discount, ...] = ()
    fees: tuple[Fee, ...] = ()
    taxes: tuple[Tax, ...] = ()
    plans: tuple[Plan, ...] = ()
    minimum: int = 0
    maximum: int | None = None
    credits: frozenset[str] = frozenset()
    examples: tuple[Example, ...] = field(default=(), repr=False)
