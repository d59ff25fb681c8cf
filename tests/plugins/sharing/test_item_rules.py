"""When an item can be had: notice, length, start days, hours with exceptions, quotas, and clocks that change."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete

from marketplace.database import db, transaction
from marketplace.errors import InvalidInput
from plugins.sharing.item.item_models import Occupancy
from plugins.sharing.slot import occupancy, openings
from plugins.sharing.slot.occupancy import SlotTaken, Window
from plugins.sharing.slot.windows import of_day, of_days, of_span, wall
from tests.plugins.sharing.conftest import ZONE, ItemStage, at, window

WORKDAYS = {day: [(9 * 60, 12 * 60), (13 * 60, 17 * 60)] for day in range(5)}


def local(since: str, until: str, zone: str = ZONE) -> Window:
    """Read a window from clocks in a zone."""
    ends = (datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)) for text in (since, until))
    return Window(*ends)


@pytest.mark.parametrize(("rules", "slot", "code"), [
    ({"notice_minutes": 24 * 60}, ("2026-03-10T20:00", "2026-03-11T09:00"), "notice"),
    ({"notice_minutes": 24 * 60}, ("2026-03-11T09:00", "2026-03-11T10:00"), None),
    ({"min_minutes": 120}, ("2026-03-12T09:00", "2026-03-12T10:59"), "too_short"),
    ({"min_minutes": 120}, ("2026-03-12T09:00", "2026-03-12T11:00"), None),
    ({"max_minutes": 7 * 1440}, ("2026-03-12T09:00", "2026-03-19T09:01"), "too_long"),
    ({"max_minutes": 7 * 1440}, ("2026-03-12T09:00", "2026-03-19T09:00"), None),
    ({"horizon_days": 30}, ("2026-04-08T09:00", "2026-04-09T09:01"), "too_far"),
    ({"horizon_days": 30}, ("2026-04-08T09:00", "2026-04-09T09:00"), None),
    ({"start_days": 1 << 4}, ("2026-03-12T09:00", "2026-03-14T09:00"), "start_day"),
    ({"start_days": 1 << 4}, ("2026-03-13T09:00", "2026-03-15T09:00"), None),
    ({"start_days": 1 << 4}, ("2026-03-12T23:00", "2026-03-15T09:00"), None),
    ({}, ("2026-03-10T08:00", "2026-03-10T11:00"), "past"),
    ({}, ("2026-03-10T08:56", "2026-03-10T11:00"), None),
])  # fmt: skip
def test_a_rule_of_the_owner_closes_a_slot_and_says_which(
    items: ItemStage, rules: dict[str, int], slot: tuple[str, str], code: str | None
) -> None:
    """The clock stands at 9:00 UTC of Tuesday 10 March; 23:00 UTC on Thursday is Friday in Utrecht."""
    item = items.item(**rules)
    found = occupancy.answer(item, window(*slot))
    assert (found.code, found.free) == (code, code is None)
    if code is None:
        items.hold(item, window(*slot))
    else:
        assert found.reason
        assert "%" not in found.reason
        with pytest.raises(SlotTaken) as refused:
            items.hold(item, window(*slot))
        assert (refused.value.code, refused.value.message) == (code, found.reason)


def test_the_reason_names_the_owners_rule(items: ItemStage) -> None:
    slot = window("2026-03-12T09:00", "2026-03-12T10:00")
    assert "2 hours" in str(occupancy.answer(items.item(min_minutes=120), slot).reason)
    assert "Monday, Wednesday" in str(occupancy.answer(items.item(start_days=0b101), slot).reason)
    assert "5 days notice" in str(occupancy.answer(items.item(notice_minutes=5 * 1440), slot).reason)
    closed = items.item(week={0: [(0, 1440)]})
    assert "12 March 2026" in str(occupancy.answer(closed, slot).reason)


def test_a_closed_hour_names_the_hours_of_its_day_and_a_closed_day_does_not(items: ItemStage) -> None:
    item = items.item(week=WORKDAYS, hours_for="use")
    early = str(occupancy.answer(item, local("2026-03-12T08:00", "2026-03-12T10:00")).reason)
    assert "open 9:00–12:00, 13:00–17:00" in early
    assert "It is closed then" in str(occupancy.answer(item, local("2026-03-14T10:00", "2026-03-14T11:00")).reason)


def test_the_owner_may_book_against_their_own_rules_but_not_over_a_booking(items: ItemStage) -> None:
    item = items.item(notice_minutes=5 * 1440, week=WORKDAYS)
    slot = window("2026-03-10T20:00", "2026-03-10T23:00")
    assert items.book(item, slot, by_owner=True).kind == "booking"
    with pytest.raises(SlotTaken):
        items.book(item, slot, by_owner=True)


@pytest.mark.parametrize(("since", "until", "free"), [
    ("2026-03-12T09:00", "2026-03-13T17:00", True), ("2026-03-12T11:59", "2026-03-12T12:00", True),
    ("2026-03-12T12:00", "2026-03-12T14:00", False), ("2026-03-12T08:59", "2026-03-12T14:00", False),
    ("2026-03-12T09:00", "2026-03-12T12:30", False), ("2026-03-12T09:00", "2026-03-16T09:00", True),
    ("2026-03-14T10:00", "2026-03-16T10:00", False), ("2026-03-13T10:00", "2026-03-15T10:00", False),
])  # fmt: skip
def test_hours_for_hand_over_bound_the_two_moments_only(items: ItemStage, since: str, until: str, free: bool) -> None:
    item = items.item(week=WORKDAYS)
    assert occupancy.answer(item, local(since, until)).free is free


@pytest.mark.parametrize(("since", "until", "free"), [
    ("2026-03-12T09:00", "2026-03-12T12:00", True), ("2026-03-12T09:00", "2026-03-12T14:00", False),
    ("2026-03-12T09:00", "2026-03-13T12:00", False), ("2026-03-14T10:00", "2026-03-15T22:00", True),
    ("2026-03-14T10:00", "2026-03-15T22:01", False), ("2026-03-14T10:00", "2026-03-15T00:00", True),
])  # fmt: skip
def test_hours_for_use_bound_every_minute(items: ItemStage, since: str, until: str, free: bool) -> None:
    item = items.item(hours_for="use", week={**WORKDAYS, 5: [(600, 1440)], 6: [(0, 1320)]})
    assert occupancy.answer(item, local(since, until)).free is free


def test_an_exception_closes_a_day_or_gives_it_other_hours(items: ItemStage) -> None:
    item = items.item(week=WORKDAYS)
    thursday = local("2026-03-12T10:00", "2026-03-12T11:00")
    with transaction():
        openings.set_day(item, date(2026, 3, 12), [], "Holiday")
        openings.set_day(item, date(2026, 3, 14), [(600, 660)])
    assert occupancy.answer(item, thursday).code == "closed"
    assert occupancy.answer(item, local("2026-03-14T10:00", "2026-03-14T11:00")).free
    assert occupancy.answer(item, local("2026-03-14T10:00", "2026-03-14T11:01")).code == "closed"
    with transaction():
        openings.clear_day(item, date(2026, 3, 12))
    assert occupancy.answer(item, thursday).free


def test_an_item_without_weekly_hours_may_still_be_closed_for_a_day(items: ItemStage) -> None:
    item = items.item()
    with transaction():
        openings.set_day(item, date(2026, 3, 12), [])
    assert occupancy.answer(item, local("2026-03-12T10:00", "2026-03-13T10:00")).code == "closed"
    assert occupancy.answer(item, local("2026-03-11T10:00", "2026-03-13T10:00")).free


def test_spans_that_touch_or_overlap_are_joined_and_nonsense_is_refused(items: ItemStage) -> None:
    item = items.item()
    with transaction():
        openings.set_week(item, {0: [(600, 700), (540, 600), (650, 720)], 3: [(0, 10), (20, 30)]})
    assert openings.week_of(item) == {0: [(540, 720)], 3: [(0, 10), (20, 30)]}
    for wrong in ((60, 60), (90, 60), (-1, 60), (60, 1441)):
        with pytest.raises(InvalidInput), transaction():
            openings.set_week(item, {0: [wrong]})
    assert openings.week_of(item) == {0: [(540, 720)], 3: [(0, 10), (20, 30)]}


def test_a_member_takes_no_more_than_their_share(items: ItemStage) -> None:
    item, member = items.item(quota_count=2, quota_days=7), items.member()
    hour = timedelta(hours=1)
    start = at("2026-03-12T09:00")
    for days in (0, 3):
        items.book(item, Window(start + timedelta(days=days), start + timedelta(days=days) + hour), member)
    third = Window(start + timedelta(days=6), start + timedelta(days=6) + hour)
    with pytest.raises(SlotTaken) as refused:
        items.hold(item, third, member)
    assert refused.value.code == "quota"
    for other in refused.value.alternatives:
        assert occupancy.answer(item, other, member).free, "what is offered instead is not refused for the same reason"
    offered = [one.starts_at for one in occupancy.answer(item, third, member).alternatives]
    assert offered == [third.starts_at + timedelta(days=days) for days in (1, 2)]
    assert occupancy.answer(item, third, member).code == "quota"
    assert occupancy.answer(item, third, items.member()).free
    items.hold(item, third.moved(timedelta(days=1)), member)
    with pytest.raises(SlotTaken):
        items.hold(item, Window(start - timedelta(days=1), start - timedelta(days=1) + hour), member)


def test_what_a_member_has_already_is_not_offered_instead(items: ItemStage) -> None:
    item, member = items.item(units_=2, quota_count=2, quota_days=30), items.member()
    mine = [window(f"2026-03-{day}T09:00", f"2026-03-{day}T10:00") for day in (12, 13)]
    for slot in mine:
        items.book(item, slot, member)
    refused = occupancy.answer(item, mine[0].moved(timedelta(days=2)), member)
    assert refused.code == "quota"
    assert not set(refused.alternatives) & set(mine)


def test_a_lapsed_hold_counts_for_no_quota_and_ones_own_slot_can_be_asked_for_again(items: ItemStage) -> None:
    item, member = items.item(quota_count=1, quota_days=7), items.member()
    slot = window("2026-03-12T09:00", "2026-03-12T10:00")
    first = items.hold(item, slot, member)
    assert items.hold(item, slot, member).id == first.id
    items.frozen.forward(minutes=31)
    assert items.hold(item, slot.moved(timedelta(hours=3)), member).kind == "hold"


def test_alternatives_keep_to_the_owners_rules(items: ItemStage) -> None:
    item = items.item(week=WORKDAYS, notice_minutes=60, buffer_after_minutes=30)
    items.book(item, local("2026-03-12T09:00", "2026-03-12T11:00"))
    found = occupancy.answer(item, local("2026-03-12T09:00", "2026-03-12T12:00"))
    assert found.code == "taken"
    assert found.alternatives
    for other in found.alternatives:
        assert occupancy.answer(item, other).free


SHOP = {day: [(9 * 60, 12 * 60 + 30), (14 * 60, 18 * 60)] for day in range(6)}


@pytest.mark.parametrize(("hours_for", "wish", "nearest"), [
    ("use", ("2026-03-12T09:00", "2026-03-12T13:00"), ("2026-03-12T14:00", "2026-03-12T18:00")),
    ("use", ("2026-03-12T12:00", "2026-03-12T13:00"), ("2026-03-12T11:30", "2026-03-12T12:30")),
    ("handover", ("2026-03-12T08:00", "2026-03-13T10:00"), ("2026-03-12T09:00", "2026-03-13T11:00")),
    ("handover", ("2026-03-12T16:00", "2026-03-13T08:00"), ("2026-03-12T17:00", "2026-03-13T09:00")),
    ("handover", ("2026-03-14T16:00", "2026-03-15T19:00"), ("2026-03-13T15:00", "2026-03-14T18:00")),
])  # fmt: skip
def test_what_is_closed_names_the_nearest_time_at_the_edges_of_the_hours(
    items: ItemStage, hours_for: str, wish: tuple[str, str], nearest: tuple[str, str]
) -> None:
    item = items.item(week=SHOP, hours_for=hours_for)
    found = occupancy.answer(item, local(*wish))
    assert found.code == "closed"
    assert found.alternatives[0] == local(*nearest)
    assert all(occupancy.answer(item, other).free for other in found.alternatives)


def test_a_day_with_hours_of_its_own_counts_when_something_else_is_looked_for(items: ItemStage) -> None:
    item = items.item(week=SHOP, hours_for="use")
    with transaction():
        openings.set_day(item, date(2026, 3, 15), [(10 * 60 + 15, 16 * 60)])
        openings.set_day(item, date(2026, 3, 14), [])
    found = occupancy.answer(item, local("2026-03-15T09:00", "2026-03-15T11:00"))
    assert (found.code, found.alternatives[0]) == ("closed", local("2026-03-15T10:15", "2026-03-15T12:15"))


# Clocks


@pytest.mark.parametrize(("zone", "first"), [
    (ZONE, date(2026, 3, 27)), (ZONE, date(2026, 10, 23)), ("Asia/Kolkata", date(2026, 3, 27)),
    (ZONE, date(2028, 2, 27)), ("America/St_Johns", date(2026, 3, 6)), ("Australia/Lord_Howe", date(2026, 4, 3)),
])  # fmt: skip
def test_days_touch_without_gap_or_overlap_and_a_weekly_half_past_twelve_stays_so(zone: str, first: date) -> None:
    days = of_days(first, first + timedelta(days=10), zone)
    assert len(days) == 10
    for one, other in pairwise(days):
        assert one.ends_at == other.starts_at
        assert not one.overlaps(other)
    for number in range(0, 70, 7):
        shown = wall(first + timedelta(days=number), 12 * 60 + 30, zone).astimezone(ZoneInfo(zone))
        assert (shown.hour, shown.minute) == (12, 30)


def test_hours_elapsed_come_from_utc_across_both_changes_of_clock() -> None:
    assert local("2026-03-28T10:00", "2026-03-30T10:00").length == timedelta(hours=47)
    assert local("2026-10-24T10:00", "2026-10-26T10:00").length == timedelta(hours=49)
    assert of_day(date(2026, 3, 29), ZONE).length == timedelta(hours=23)
    assert of_day(date(2026, 10, 25), ZONE).length == timedelta(hours=25)


def test_a_span_that_a_change_of_clocks_swallows_is_none() -> None:
    assert of_span(date(2026, 3, 29), 120, 180, ZONE) is None
    assert of_span(date(2026, 10, 25), 120, 180, ZONE) == window("2026-10-25T00:00", "2026-10-25T02:00")


def test_a_weekly_opening_stays_at_its_local_time_when_the_clocks_change(items: ItemStage) -> None:
    item = items.item(hours_for="use", week={day: [(750, 810)] for day in range(7)})
    for day, hour in ((28, 11), (29, 10), (30, 10)):
        start = datetime(2026, 3, day, hour, 30, tzinfo=UTC)
        assert occupancy.answer(item, Window(start, start + timedelta(hours=1))).free
        assert not occupancy.answer(item, Window(start - timedelta(hours=1), start)).free


@pytest.mark.parametrize(("zone", "since", "until"), [
    (ZONE, "2026-03-29T00:00", "2026-03-30T00:00"), (ZONE, "2026-10-25T00:00", "2026-10-26T00:00"),
    ("Asia/Kolkata", "2026-04-01T09:30", "2026-04-01T10:00"), (ZONE, "2028-02-28T12:00", "2028-03-01T12:00"),
    (ZONE, "2026-04-01T12:00", "2026-04-08T12:00"), (ZONE, "2026-04-01T12:00", "2026-04-01T12:01"),
])  # fmt: skip
def test_neighbours_touch_at_every_length_and_on_every_odd_day(
    items: ItemStage, zone: str, since: str, until: str
) -> None:
    item = items.item(zone=zone)
    slot = local(since, until, zone)
    items.book(item, slot)
    items.book(item, Window(slot.starts_at - timedelta(minutes=1), slot.starts_at))
    items.book(item, Window(slot.ends_at, slot.ends_at + timedelta(minutes=1)))
    with transaction() as session:
        session.execute(delete(Occupancy))
    assert occupancy.answer(item, slot).free
    db.session.rollback()
