"""The API with which a lender minds an item: its rules, units and opening hours; the same functions as the pages."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from marketplace.api import InvalidInput, api_v1, transaction
from plugins.sharing.item import item_owner_shapes as shapes
from plugins.sharing.item import item_reads, items, units
from plugins.sharing.item.item_owner_shapes import (
    DayIn,
    HoursOut,
    NewUnit,
    RuleChanges,
    RulesOut,
    UnitChanges,
    UnitOut,
    UnitsOut,
    WeekIn,
)
from plugins.sharing.slot import openings

part = api_v1.ApiPart("sharing_item_owner_api")
blueprint = part.blueprint
ITEMS = "Items"
SCOPES = ("listings:write",)


def _rules(item: Any) -> RulesOut:
    facts = {name: getattr(item, name) for name in (*items.RULES, "zone", "currency")}
    return RulesOut(id=item.listing_id, **facts)


@part.operation("GET", "/sharing/items/{listing_id}/rules", tag=ITEMS, scopes=SCOPES, returns=RulesOut, errors=(404,))
def get_rules(call: api_v1.Call[None, api_v1.Query], listing_id: int) -> RulesOut:
    """Give an item's rules to its lender."""
    return _rules(items.managed(listing_id, call.user)[1])


@part.operation(
    "PATCH", "/sharing/items/{listing_id}/rules", tag=ITEMS, scopes=SCOPES, body=RuleChanges, returns=RulesOut, errors=(404,),
    idempotency="optional",
)  # fmt: skip
def change_rules(call: api_v1.Call[RuleChanges, api_v1.Query], listing_id: int) -> RulesOut:
    """Change an item's rules; what was agreed keeps those that it was agreed under."""
    return _rules(items.set_rules(listing_id, call.user, api_v1.given(call.body, *items.RULES)))


@part.operation("GET", "/sharing/items/{listing_id}/units", tag=ITEMS, scopes=SCOPES, returns=UnitsOut, errors=(404,))
def get_units(call: api_v1.Call[None, api_v1.Query], listing_id: int) -> UnitsOut:
    """List an item's units with their codes and addresses, for its lender."""
    items.managed(listing_id, call.user)
    return UnitsOut(data=[shapes.unit(one) for one in units.units_of(listing_id)])


@part.operation(
    "POST", "/sharing/items/{listing_id}/units", tag=ITEMS, scopes=SCOPES, body=NewUnit, returns=UnitOut, status=201,
    errors=(404,), idempotency="optional",
)  # fmt: skip
def add_unit(call: api_v1.Call[NewUnit, api_v1.Query], listing_id: int) -> UnitOut:
    """Add a unit."""
    body = call.body
    return shapes.unit(items.add_unit(listing_id, call.user, body.label, body.place, body.replacement_minor))


@part.operation(
    "PATCH", "/sharing/items/{listing_id}/units/{unit_id}", tag=ITEMS, scopes=SCOPES, body=UnitChanges, returns=UnitOut,
    errors=(404,), idempotency="optional",
)  # fmt: skip
def change_unit(call: api_v1.Call[UnitChanges, api_v1.Query], listing_id: int, unit_id: int) -> UnitOut:
    """Change a unit; what was agreed on it stands."""
    items.managed(listing_id, call.user)
    now = items.unit_of(listing_id, unit_id)
    names = ("label", "place", "replacement_minor", "active")
    facts = {name: getattr(now, name) for name in names} | api_v1.given(call.body, *names)
    return shapes.unit(items.change_unit(listing_id, call.user, unit_id, **facts))


def _hours(listing_id: int, user: Any) -> HoursOut:
    _listing, item = items.managed(listing_id, user)
    week = openings.week_of(listing_id)
    return HoursOut(
        zone=item.zone,
        hours_for=item.hours_for,
        week=[shapes.WeekdayOut(weekday=day, spans=shapes.spans(found)) for day, found in sorted(week.items())],
        days=[
            shapes.ExceptionOut(day=day, spans=shapes.spans(found), note=note)
            for day, found, note in item_reads.exceptions(listing_id, item.zone)
        ],
    )


@part.operation("GET", "/sharing/items/{listing_id}/hours", tag=ITEMS, scopes=SCOPES, returns=HoursOut, errors=(404,))
def get_hours(call: api_v1.Call[None, api_v1.Query], listing_id: int) -> HoursOut:
    """Give the opening hours of the week, and the days that differ."""
    return _hours(listing_id, call.user)


@part.operation(
    "PUT", "/sharing/items/{listing_id}/hours", tag=ITEMS, scopes=SCOPES, body=WeekIn, returns=HoursOut, errors=(404,),
    idempotency="optional",
)  # fmt: skip
def set_hours(call: api_v1.Call[WeekIn, api_v1.Query], listing_id: int) -> HoursOut:
    """Replace the opening hours of the week; spans that touch become one."""
    week: dict[int, list[tuple[int, int]]] = {}
    for one in call.body.week:
        if one.weekday in week:
            raise InvalidInput({"week": _("Name each weekday once.")})
        week[one.weekday] = [(span.from_minute, span.to_minute) for span in one.spans]
    with transaction():
        items.managed(listing_id, call.user, lock=True)
        openings.set_week(listing_id, week)
    return _hours(listing_id, call.user)


@part.operation(
    "POST", "/sharing/items/{listing_id}/hours/days", tag=ITEMS, scopes=SCOPES, body=DayIn, returns=HoursOut, errors=(404,),
    idempotency="optional",
)  # fmt: skip
def set_day(call: api_v1.Call[DayIn, api_v1.Query], listing_id: int) -> HoursOut:
    """Give one day hours of its own, close it, or let it be as usual again."""
    body = call.body
    with transaction():
        items.managed(listing_id, call.user, lock=True)
        if body.as_usual:
            openings.clear_day(listing_id, body.day)
        else:
            asked = api_v1.given(body, "spans").get("spans", ())
            spans = [(span.from_minute, span.to_minute) for span in asked]
            openings.set_day(listing_id, body.day, spans, body.note.strip())
    return _hours(listing_id, call.user)
