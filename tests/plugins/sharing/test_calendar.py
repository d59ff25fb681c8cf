"""Calendar, search and commit give one answer: compared over random items, rules, bookings and wishes."""

import random
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from marketplace.database import transaction
from plugins.sharing.slot import desk, occupancy, openings
from plugins.sharing.slot.calendars import calendar
from plugins.sharing.slot.free_items import free_items
from plugins.sharing.slot.occupancy import SlotTaken, Window
from tests.plugins.sharing.conftest import START, ItemStage, at, window

ZONES = ("Europe/Amsterdam", "Asia/Kolkata", "America/New_York")


def test_a_day_is_free_partly_free_busy_closed_or_past(items: ItemStage) -> None:
    item = items.item(week={day: [(540, 1020)] for day in range(5)})
    items.book(item, window("2026-03-11T08:00", "2026-03-11T10:00"))
    items.book(item, window("2026-03-12T07:00", "2026-03-13T17:00"), by_owner=True)
    with transaction():
        openings.set_day(item, date(2026, 3, 17), [])
    days = {day.day.day: day for day in calendar(item, date(2026, 3, 9), date(2026, 3, 19))}
    assert {number: day.state for number, day in days.items()} == {
        9: "past", 10: "partly", 11: "partly", 12: "busy", 13: "busy", 14: "closed", 15: "closed", 16: "free", 17: "closed",
        18: "free",
    }  # fmt: skip
    assert days[11].free == (window("2026-03-11T10:00", "2026-03-11T16:00"),)
    assert days[12].why is not None
    assert days[12].why.code == "taken"


def test_a_calendar_costs_two_statements_however_long_it_is(items: ItemStage, statements: Any) -> None:
    item = items.item(3)
    for day in range(12, 20):
        items.book(item, window(f"2026-03-{day}T08:00", f"2026-03-{day}T10:00"))
    with statements() as seen:
        assert len(calendar(item, date(2026, 3, 1), date(2026, 5, 1))) == 61
    assert len(seen) == 2


def test_searching_many_items_costs_two_statements(items: ItemStage, statements: Any) -> None:
    known = [items.item() for _number in range(5)]
    with statements() as seen:
        assert free_items(window("2026-03-12T08:00", "2026-03-12T10:00")) == known
    assert len(seen) == 2
    assert free_items(window("2026-03-12T08:00", "2026-03-12T10:00"), known[:2]) == known[:2]
    assert free_items(window("2026-03-12T08:00", "2026-03-12T10:00"), []) == []


def test_a_booking_costs_two_statements_and_no_more(items: ItemStage, statements: Any) -> None:
    item, member = items.item(), items.member()
    with statements() as seen, transaction():
        occupancy.hold(item, window("2026-03-12T08:00", "2026-03-12T10:00"), member)
    assert len([text for text in seen if "sharing_" in text]) == 2


def spans(chance: random.Random) -> list[tuple[int, int]]:
    """Choose some opening hours of a day."""
    if chance.random() < 0.3:
        return [(0, 1440)]
    edges = sorted(chance.sample(range(0, 1441, 30), 2 * chance.randint(1, 2)))
    return list(zip(edges[::2], edges[1::2], strict=True))


def some_item(items: ItemStage, chance: random.Random) -> int:
    """Make an item with rules that nobody would think of together."""
    rules: dict[str, Any] = {
        "zone": chance.choice(ZONES),
        "buffer_before_minutes": chance.choice((0, 0, 30)),
        "buffer_after_minutes": chance.choice((0, 0, 45)),
        "notice_minutes": chance.choice((0, 0, 600)),
        "min_minutes": chance.choice((1, 60)),
        "max_minutes": chance.choice((None, 2880)),
        "horizon_days": chance.choice((None, None, 12)),
        "start_days": chance.choice((127, 127, 0b0011111)),
        "hours_for": chance.choice(("handover", "use")),
    }
    week = {day: spans(chance) for day in range(7) if chance.random() < 0.85} if chance.random() < 0.6 else None
    item = items.item(chance.choice((0, 1, 1, 2)), week, **rules)
    if chance.random() < 0.5:
        with transaction():
            for _number in range(3):
                day = START.date() + timedelta(days=chance.randint(0, 20))
                openings.set_day(item, day, spans(chance) if chance.random() < 0.5 else [])
    return item


def some_window(chance: random.Random, around: datetime = START) -> Window:
    """Choose a window within three weeks around a change of clocks."""
    start = around + timedelta(minutes=30 * chance.randint(-10, 48 * 20))
    return Window(start, start + timedelta(minutes=30 * chance.choice((1, 2, 4, 12, 48, 100))))


@pytest.mark.parametrize("seed", range(4))
def test_search_calendar_and_commit_agree_with_the_answer(items: ItemStage, seed: int) -> None:
    chance = random.Random(seed)
    items.frozen.at(at("2026-03-20T09:00"))
    now = at("2026-03-20T09:00")
    known = [some_item(items, chance) for _number in range(12)]
    member = items.member()
    for item in known:
        for _number in range(5):
            wish = some_window(chance, now)
            try:
                made = items.book(item, wish, member, by_owner=True)
                if chance.random() < 0.2 and wish.starts_at <= now < wish.ends_at:
                    with transaction():
                        desk.hand_out(made.id)
            except SlotTaken:
                continue
        try:
            items.hold(item, some_window(chance, now), member, for_minutes=chance.choice((60, 600)))
        except SlotTaken:
            continue
    items.frozen.forward(hours=5)
    for _number in range(25):
        wish = some_window(chance, now)
        answers = {item: occupancy.answer(item, wish, with_alternatives=False) for item in known}
        assert free_items(wish) == [item for item in known if answers[item].free], wish
        for item in chance.sample(known, 4):
            agrees_with_the_calendar(item, wish, answers[item].free)
            agrees_with_the_commit(item, wish, answers[item])


def agrees_with_the_calendar(item: int, wish: Window, free: bool) -> None:
    """What is free on one unit lies within what the calendar shows as free, where hours are for the use."""
    days = calendar(item, wish.starts_at.date() - timedelta(days=1), wish.ends_at.date() + timedelta(days=2))
    touched = [day for day in days if day.window.overlaps(wish)]
    if free:
        assert all(day.state in ("free", "partly", "closed", "past", "busy") for day in touched)
        assert touched[0].state in ("free", "partly"), (wish, touched[0])
    elif all(day.state == "free" for day in touched) and len(touched) == 1:
        code = occupancy.answer(item, wish, with_alternatives=False).code
        assert code in ("start_day", "too_short", "too_long", "closed", "buffer"), (wish, code)


def agrees_with_the_commit(item: int, wish: Window, answer: occupancy.Answer) -> None:
    """What is answered to be free can be had, and what is refused is refused for the same reason."""
    if not answer.free:
        with pytest.raises(SlotTaken) as refused, transaction():
            occupancy.book(item, wish, None, None)
        assert (refused.value.code, refused.value.message) == (answer.code, answer.reason)
        return
    with transaction():
        row = occupancy.book(item, wish, None, None)
        assert row.unit_id == answer.unit_ids[0]
        occupancy.release(row.id)
