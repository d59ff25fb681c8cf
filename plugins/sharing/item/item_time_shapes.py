"""Time that a lender keeps, other sites' calendars and sets, as the API shows them and takes them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from marketplace.api import api_v1
from plugins.sharing.item.item_models import ImportedCalendar
from plugins.sharing.slot import imports

Id = api_v1.Id
Meta = api_v1.Meta
Time = api_v1.Time
Percent = Annotated[int, Meta(ge=0, le=100, description="Of what is left after the fee.", examples=[25])]


class NewBlock(api_v1.Input):
    """Time that a unit is kept for its lender, or for a repair."""

    unit_id: Id
    starts_at: Time
    ends_at: Annotated[Time, Meta(examples=["2026-11-22T18:30:00Z"])]
    kind: Literal["block", "repair"] = "block"


class BlockOut(api_v1.Output):
    """Time that is kept."""

    id: Id
    unit: Annotated[str, Meta(examples=["Number 2"])]
    kind: Annotated[str, Meta(examples=["block"])]
    starts_at: Time
    ends_at: Time


class BlockList(api_v1.Output):
    """The time that the lender keeps from now on."""

    data: list[BlockOut]


class NewCalendar(api_v1.Input):
    """Another site's calendar of a unit, in iCalendar."""

    unit_id: Id
    url: Annotated[str, Meta(min_length=1, max_length=500, examples=["https://example.org/calendar.ics"])]
    label: Annotated[str, Meta(max_length=80, examples=["The other site"])] = ""


class CalendarSource(api_v1.Output):
    """A calendar that is fetched; `problem` says what went wrong last, or what of it could not be read."""

    id: Id
    unit_id: Id
    label: str
    url: str
    fresh_at: Time | None
    events: int
    problem: str


class Calendars(api_v1.Output):
    """The secret address of the item's own feed, and the calendars that are fetched."""

    feed_url: api_v1.LinkText
    data: list[CalendarSource]


class NewPart(api_v1.Input):
    """A thing that is to belong to a set, and its owner's part of the price."""

    item_id: Id
    percent: Percent = 0


class PartAnswer(api_v1.Input):
    """Whether a thing's owner agrees."""

    agree: bool


class PartOut(api_v1.Output):
    """A thing of a set."""

    item_id: Id
    title: Annotated[str, Meta(examples=["A ladder"])]
    owner_id: Id
    percent: Percent
    state: Annotated[str, Meta(description="asked or agreed.", examples=["agreed"])]


class SetOut(api_v1.Output):
    """What belongs to a set."""

    data: list[PartOut]


def block(row: Any) -> BlockOut:
    """Give time that is kept."""
    return BlockOut(id=row.id, unit=row.label, kind=row.kind, starts_at=row.starts_at, ends_at=row.ends_at)


def calendar(row: ImportedCalendar) -> CalendarSource:
    """Give a calendar that is fetched."""
    names = ("id", "unit_id", "label", "url", "fresh_at", "events")
    return CalendarSource(
        **{name: getattr(row, name) for name in names}, problem=imports.trouble(row) or imports.remark(row)
    )


def part(row: Any) -> PartOut:
    """Give a thing of a set."""
    return PartOut(item_id=row.item_id, title=row.title, owner_id=row.owner_id, percent=row.percent, state=row.state)
