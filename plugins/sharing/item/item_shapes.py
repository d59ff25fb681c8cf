"""Items, their calendar and their new drafts as the API shows them and takes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from marketplace.api import api_v1, db
from plugins.sharing.item.item_models import Item
from plugins.sharing.slot.answers import Answer
from plugins.sharing.slot.calendars import Day
from plugins.sharing.slot.windows import Window

Meta = api_v1.Meta
LocalDay = Annotated[date, Meta(description="In the item's zone.", examples=["2027-05-01"])]


class Span(api_v1.Output):
    """From a moment until just before another."""

    starts_at: api_v1.Time
    ends_at: api_v1.Time


class DayOut(api_v1.Output):
    """A day of the calendar; `free` are the stretches in which a unit can be had, `reason` why not all of it is."""

    day: LocalDay
    state: Literal["free", "partly", "busy", "closed", "past"]
    may_start: bool
    free: list[Span]
    reason: Annotated[str | None, Meta(description="A code.", examples=["taken"])]
    reason_text: Annotated[str | None, Meta(examples=["It is booked at this time."])]


class CalendarOut(api_v1.Output):
    """Days of an item, in their order."""

    zone: Annotated[str, Meta(examples=["Europe/Amsterdam"])]
    data: list[DayOut]


class CalendarQuery(api_v1.Query):
    """Which days."""

    start: Annotated[date | None, Meta(description="Today when left out.", examples=["2027-05-01"])] = None
    days: Annotated[int, Meta(ge=1, le=92, examples=[31])] = 31


class FreeQuery(api_v1.Query):
    """Which period."""

    starts_at: api_v1.Time
    ends_at: api_v1.Time


class FreeOut(api_v1.Output):
    """Whether a period can be had now, and if not, why not and what is free nearby."""

    free: bool
    units: Annotated[int, Meta(ge=0, description="How many can be had.", examples=[1])]
    reason: Annotated[str | None, Meta(examples=["taken"])]
    reason_text: Annotated[str | None, Meta(examples=["It is booked at this time."])]
    alternatives: list[Span]


class NewItem(api_v1.Input):
    """An item to be started as a draft; `price` is a day's rent, an hour's use, or what buying it costs."""

    title: Annotated[str, Meta(min_length=3, max_length=120, examples=["A cordless drill"])]
    category: Annotated[str, Meta(max_length=32, examples=["tools"])]
    body_md: Annotated[str, Meta(max_length=20_000, examples=["Eighteen volts, with two batteries."])] = ""
    place: Annotated[str, Meta(max_length=80, examples=["Utrecht"])] = ""
    address: Annotated[str, Meta(max_length=300, description="Told to nobody before an agreement.", examples=[""])] = ""
    arrangement: Literal["borrow", "rent", "use", "buy"] = "borrow"
    price: api_v1.Amount | None = None


def day(found: Day) -> DayOut:
    """Show a day."""
    why = found.why if found.state != "free" else None
    return DayOut(
        day=found.day, state=found.state, may_start=found.may_start, free=[span(one) for one in found.free],  # type: ignore[arg-type]
        reason=why.code if why else None, reason_text=str(why) if why else None,
    )  # fmt: skip


def span(window: Window) -> Span:
    """Show a period."""
    return Span(starts_at=window.starts_at, ends_at=window.ends_at)


def answer(found: Answer) -> FreeOut:
    """Show an answer."""
    return FreeOut(
        free=found.free, units=len(found.unit_ids), reason=found.code, reason_text=found.reason,
        alternatives=[span(one) for one in found.alternatives],
    )  # fmt: skip


def details(listing_id: int) -> Mapping[str, Any]:
    """Give an item's part of the API's answer for its listing; amounts are minor units of its currency."""
    item = db.session.get(Item, listing_id)
    if item is None:
        return {}
    names = (
        "zone", "arrangements", "instant", "notice_minutes", "min_minutes", "max_minutes", "horizon_days", "start_days",
        "hours_for", "who", "who_least", "deposit_kind", "deposit_minor", "late_fee_minor_per_day", "replacement_minor",
        "cancellation", "currency", "vehicle", "range_km", "buy_minor", "buy_rent_percent", "buy_rent_days",
    )  # fmt: skip
    return {name: getattr(item, name) for name in names}
