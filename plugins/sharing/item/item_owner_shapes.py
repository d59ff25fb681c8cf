"""An item's rules, units and opening hours as the API shows them to its lender and takes them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from marketplace.api import api_v1

Meta = api_v1.Meta
Unset = api_v1.UnsetType
Minutes = Annotated[int, Meta(ge=0, le=5_256_000, examples=[60])]
Minor = Annotated[int, Meta(ge=0, le=99_999_999, description="Minor units of the item's currency.", examples=[5000])]
Arrangement = Literal["borrow", "rent", "use", "buy", "portion"]
Who = Literal["everybody", "confirmed", "experienced", "known", "pass"]
Vehicle = Literal[
    "car_electric", "car_hybrid", "car_fuel", "moped_electric", "moped_fuel", "scooter_electric", "bike_electric",
    "cargo_bike_electric", "boat_electric", "boat_fuel", "other_electric", "other_fuel",
]  # fmt: skip
Label = Annotated[str, Meta(min_length=1, max_length=80, examples=["Number 2"])]
Place = Annotated[
    str, Meta(max_length=300, description="Told to nobody before an agreement.", examples=["Kerkstraat 3"])
]
OfDay = Annotated[int, Meta(ge=0, le=1440, description="Minutes after midnight, in the item's zone.", examples=[540])]
Note = Annotated[str, Meta(max_length=120, examples=["Holiday"])]


class RulesOut(api_v1.Output):
    """The rules under which an item is shared; `start_days` has a bit for each weekday, Monday 1 to Sunday 64."""

    id: api_v1.Id
    zone: Annotated[str, Meta(examples=["Europe/Amsterdam"])]
    currency: Annotated[str, Meta(examples=["EUR"])]
    arrangements: list[str]
    instant: bool
    notice_minutes: int
    min_minutes: int
    max_minutes: int | None
    horizon_days: int | None
    start_days: int
    buffer_before_minutes: int
    buffer_after_minutes: int
    hours_for: str
    deposit_kind: str
    deposit_minor: int
    late_fee_minor_per_day: int
    replacement_minor: int
    cancellation: str
    quota_count: int | None
    quota_days: int | None
    who: str
    who_least: int | None
    vehicle: Annotated[str | None, Meta(description="What it is when it has a motor.", examples=[None])]
    range_km: Annotated[int | None, Meta(description="How far it goes at least for whoever takes it.", examples=[None])]
    buy_minor: Annotated[int | None, Meta(description="What one unit costs for whoever buys it.", examples=[None])]
    buy_rent_percent: int
    buy_rent_days: int


class RuleChanges(api_v1.Input):
    """What to change; what is left out stays. It counts for what is agreed from then on."""

    arrangements: Annotated[list[Arrangement], Meta(min_length=1, max_length=5)] | Unset = api_v1.UNSET
    instant: bool | Unset = api_v1.UNSET
    notice_minutes: Minutes | Unset = api_v1.UNSET
    min_minutes: Annotated[int, Meta(ge=1, le=5_256_000, examples=[60])] | Unset = api_v1.UNSET
    max_minutes: Annotated[int, Meta(ge=1, le=5_256_000, examples=[10_080])] | Unset | None = api_v1.UNSET
    horizon_days: Annotated[int, Meta(ge=1, le=3660, examples=[180])] | Unset | None = api_v1.UNSET
    start_days: Annotated[int, Meta(ge=1, le=127, examples=[127])] | Unset = api_v1.UNSET
    buffer_before_minutes: Minutes | Unset = api_v1.UNSET
    buffer_after_minutes: Minutes | Unset = api_v1.UNSET
    hours_for: Literal["handover", "use"] | Unset = api_v1.UNSET
    deposit_kind: Literal["none", "promised", "card", "held"] | Unset = api_v1.UNSET
    deposit_minor: Minor | Unset = api_v1.UNSET
    late_fee_minor_per_day: Minor | Unset = api_v1.UNSET
    replacement_minor: Minor | Unset = api_v1.UNSET
    cancellation: Literal["flexible", "moderate", "strict"] | Unset = api_v1.UNSET
    quota_count: Annotated[int, Meta(ge=1, le=1000, examples=[2])] | Unset | None = api_v1.UNSET
    quota_days: Annotated[int, Meta(ge=1, le=3660, examples=[30])] | Unset | None = api_v1.UNSET
    who: Who | Unset = api_v1.UNSET
    who_least: Annotated[int, Meta(ge=1, le=1000, examples=[3])] | Unset | None = api_v1.UNSET
    vehicle: Vehicle | Unset | None = api_v1.UNSET
    range_km: Annotated[int, Meta(ge=1, le=2000, examples=[250])] | Unset | None = api_v1.UNSET
    buy_minor: (
        Annotated[int, Meta(ge=1, le=99_999_999, description="What one unit costs.", examples=[8000])] | Unset | None
    ) = api_v1.UNSET
    buy_rent_percent: (
        Annotated[int, Meta(ge=0, le=100, description="How much of the rent counts.", examples=[50])] | Unset
    ) = api_v1.UNSET
    buy_rent_days: Annotated[int, Meta(ge=0, le=3660, description="Of how many days.", examples=[90])] | Unset = (
        api_v1.UNSET
    )


class UnitOut(api_v1.Output):
    """A physical unit; `code` stands in its QR label."""

    id: api_v1.Id
    label: str
    code: str
    place: str
    replacement_minor: int | None
    active: bool


class UnitsOut(api_v1.Output):
    """An item's units, the oldest first."""

    data: list[UnitOut]


class NewUnit(api_v1.Input):
    """One more of it."""

    label: Label
    place: Place = ""
    replacement_minor: Minor | None = None


class UnitChanges(api_v1.Input):
    """What to change of a unit; one that is not active is promised to nobody from then on."""

    label: Label | Unset = api_v1.UNSET
    place: Place | Unset = api_v1.UNSET
    replacement_minor: Minor | Unset | None = api_v1.UNSET
    active: bool | Unset = api_v1.UNSET


class SpanIn(api_v1.Input):
    """From a minute until just before another."""

    from_minute: OfDay
    to_minute: OfDay


class SpanOut(api_v1.Output):
    """From a minute until just before another."""

    from_minute: OfDay
    to_minute: OfDay


class WeekdayIn(api_v1.Input):
    """The hours of a weekday, Monday 0."""

    weekday: Annotated[int, Meta(ge=0, le=6, examples=[0])]
    spans: Annotated[list[SpanIn], Meta(max_length=24)]


class WeekdayOut(api_v1.Output):
    """The hours of a weekday, Monday 0."""

    weekday: int
    spans: list[SpanOut]


class ExceptionOut(api_v1.Output):
    """A day whose hours differ; without any it is closed."""

    day: Annotated[date, Meta(examples=["2027-04-27"])]
    spans: list[SpanOut]
    note: str


class HoursOut(api_v1.Output):
    """When an item is open; a week without any hours is always open. Days that differ are those from today on."""

    zone: Annotated[str, Meta(examples=["Europe/Amsterdam"])]
    hours_for: str
    week: list[WeekdayOut]
    days: list[ExceptionOut]


class WeekIn(api_v1.Input):
    """The hours of the whole week; weekdays that are left out are closed, and none at all is always open."""

    week: Annotated[list[WeekdayIn], Meta(max_length=7)]


class DayIn(api_v1.Input):
    """A day with hours of its own: none is closed; `as_usual` gives it those of its weekday again."""

    day: Annotated[date, Meta(examples=["2027-04-27"])]
    spans: Annotated[list[SpanIn], Meta(max_length=24)] | Unset = api_v1.UNSET
    note: Note = ""
    as_usual: bool = False


def unit(found: Any) -> UnitOut:
    """Show a unit to its lender."""
    return UnitOut(
        id=found.id, label=found.label, code=found.code, place=found.place, replacement_minor=found.replacement_minor,
        active=found.active,
    )  # fmt: skip


def spans(found: Any) -> list[SpanOut]:
    """Show spans of a day."""
    return [SpanOut(from_minute=since, to_minute=until) for since, until in found]
