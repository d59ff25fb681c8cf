"""Nothing is ever promised twice: the cases of lending systems, and what the database itself refuses."""

from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from marketplace.database import db, transaction
from marketplace.errors import InvalidInput, NotFound, Refused
from plugins.sharing.item.item_models import Occupancy
from plugins.sharing.slot import desk, occupancy
from plugins.sharing.slot.occupancy import HoldExpired, SlotTaken, Window
from tests.plugins.sharing.conftest import ItemStage, at, window


def days(since: int, until: int) -> Window:
    """Give a window of November 2026, from 11:00 to 11:00 in Utrecht."""
    return window(f"2026-11-{since:02}T10:00", f"2026-11-{until:02}T10:00")


def hours(since: str, until: str) -> Window:
    """Give a window of 1 November."""
    return window(f"2026-11-01T{since}", f"2026-11-01T{until}")


@pytest.mark.parametrize("slot", [(19, 21), (21, 22), (20, 23), (21, 29), (18, 25)])
def test_a_slot_that_shares_a_moment_with_a_booking_is_refused(items: ItemStage, slot: tuple[int, int]) -> None:
    item = items.item()
    items.book(item, days(20, 23))
    with pytest.raises(SlotTaken) as refused:
        items.hold(item, days(*slot))
    assert refused.value.code == "taken"


@pytest.mark.parametrize("slot", [(18, 20), (23, 29)])
def test_a_slot_that_only_touches_a_booking_is_accepted(items: ItemStage, slot: tuple[int, int]) -> None:
    item = items.item()
    items.book(item, days(20, 23))
    assert items.hold(item, days(*slot)).kind == "hold"


@pytest.mark.parametrize(("since", "until", "fine"), [
    ("11:00", "12:00", True), ("15:00", "16:00", True),
    ("11:00", "13:00", False), ("14:00", "16:00", False), ("11:00", "16:00", False),
])  # fmt: skip
def test_hours_are_half_open_too(items: ItemStage, since: str, until: str, fine: bool) -> None:
    item = items.item()
    items.book(item, hours("12:00", "15:00"))
    assert occupancy.answer(item, hours(since, until)).free is fine
    if fine:
        items.book(item, hours(since, until))
    else:
        with pytest.raises(SlotTaken):
            items.book(item, hours(since, until))


@pytest.mark.parametrize("until", ["12:00", "11:00"])
def test_an_empty_or_backward_range_is_refused(until: str) -> None:
    with pytest.raises(InvalidInput):
        hours("12:00", until)


def test_a_slot_that_another_member_holds_unpaid_is_refused(items: ItemStage) -> None:
    item = items.item()
    items.hold(item, days(20, 23))
    with pytest.raises(SlotTaken) as refused:
        items.hold(item, days(20, 23))
    assert refused.value.code == "held"


@pytest.mark.parametrize("units", [1, 3])
def test_a_member_who_asks_again_for_their_slot_gets_the_same_hold(items: ItemStage, units: int) -> None:
    item, member = items.item(units), items.member()
    first = items.hold(item, days(20, 23), member)
    items.frozen.forward(minutes=5)
    again = items.hold(item, days(20, 23), member)
    assert (again.id, again.expires_at) == (first.id, first.expires_at)
    assert db.session.scalar(select(func.count()).select_from(Occupancy)) == 1


def test_a_member_may_hold_two_units_of_an_item_by_naming_them(items: ItemStage) -> None:
    item, member = items.item(2), items.member()
    held = {items.hold(item, days(20, 23), member, unit_id=unit).unit_id for unit in items.units(item)}
    assert held == set(items.units(item))


def test_booking_what_one_holds_makes_the_hold_the_booking(items: ItemStage) -> None:
    item, member = items.item(2), items.member()
    held = items.hold(item, days(20, 23), member)
    booked = items.book(item, days(20, 23), member)
    assert (booked.id, booked.kind, booked.expires_at) == (held.id, "booking", None)


def test_confirming_a_hold_after_its_limit_says_expired_and_a_fresh_one_is_untouched(items: ItemStage) -> None:
    item = items.item()
    old = items.hold(item, days(20, 23))
    items.frozen.forward(minutes=20)
    fresh = items.hold(item, days(24, 25))
    items.frozen.forward(minutes=10)
    with pytest.raises(HoldExpired), transaction():
        occupancy.confirm(old.id)
    with transaction():
        assert occupancy.confirm(fresh.id).kind == "booking"
        assert occupancy.confirm(fresh.id).kind == "booking", "a second time changes nothing"


def test_the_number_of_a_lapsed_hold_never_confirms_somebody_elses(items: ItemStage) -> None:
    item = items.item()
    lapsed = items.hold(item, days(20, 23))
    items.frozen.forward(minutes=30)
    taken = items.hold(item, days(20, 23))
    assert taken.id != lapsed.id
    with pytest.raises(HoldExpired), transaction():
        occupancy.confirm(lapsed.id)
    assert items.row(taken.id).kind == "hold"


def test_of_two_requests_that_wait_for_one_slot_the_second_to_be_confirmed_is_refused_with_the_reason(
    items: ItemStage,
) -> None:
    item = items.item()
    items.book(item, days(20, 23), by_owner=True)
    with pytest.raises(SlotTaken) as refused:
        items.book(item, days(22, 24), by_owner=True)
    assert (refused.value.status, refused.value.code) == (409, "taken")
    assert "booked" in refused.value.message


def test_the_refusal_offers_the_nearest_free_windows_of_the_same_length(items: ItemStage) -> None:
    item = items.item()
    items.book(item, days(20, 23))
    with pytest.raises(SlotTaken) as refused:
        items.hold(item, days(21, 23))
    assert refused.value.alternatives[:2] == (days(23, 25), days(18, 20))
    assert all(other.length == timedelta(days=2) for other in refused.value.alternatives)
    for other in refused.value.alternatives:
        items.hold(item, other)


def test_a_hold_that_is_not_paid_in_time_is_free_again_and_only_that_one_is_removed(items: ItemStage) -> None:
    item = items.item()
    lapsed, other = items.hold(item, days(20, 23)), items.hold(item, days(25, 26))
    items.frozen.forward(minutes=30)
    assert occupancy.answer(item, days(20, 23)).free
    taken = items.hold(item, days(21, 22))
    assert items.row(lapsed.id) is None
    assert items.row(other.id) is not None, "in nobody's way"
    assert taken.kind == "hold"
    with pytest.raises(HoldExpired), transaction():
        occupancy.confirm(lapsed.id)


def test_of_three_loans_that_meet_at_the_changeover_the_middle_one_can_be_handed_out(items: ItemStage) -> None:
    item = items.item()
    first, middle, last = (
        items.book(item, hours(a, b)) for a, b in (("08:00", "10:00"), ("10:00", "12:00"), ("12:00", "14:00"))
    )
    items.frozen.at("2026-11-01T08:00")
    with transaction():
        desk.hand_out(first.id)
    items.frozen.at("2026-11-01T10:00")
    with pytest.raises(Refused) as refused, transaction():
        desk.hand_out(middle.id)
    assert refused.value.code == "out"
    with transaction():
        desk.take_back(first.id)
        assert desk.hand_out(middle.id).out_at == at("2026-11-01T10:00")
    assert items.row(last.id).starts_at == at("2026-11-01T12:00")


def test_a_running_loan_is_extended_to_the_next_reservation_and_no_further(items: ItemStage) -> None:
    item = items.item()
    loan = items.book(item, days(1, 2))
    items.book(item, days(4, 9))
    with pytest.raises(SlotTaken) as refused, transaction():
        occupancy.extend(loan.id, at("2026-11-07T10:00"))
    assert refused.value.code == "taken"
    assert refused.value.alternatives == (days(1, 4),), "how long it may last"
    with transaction():
        assert occupancy.extend(loan.id, at("2026-11-04T10:00")).ends_at == at("2026-11-04T10:00")


def test_what_is_extended_takes_its_buffer_along(items: ItemStage) -> None:
    item = items.item(buffer_after_minutes=60)
    loan = items.book(item, hours("08:00", "09:00"))
    items.book(item, hours("12:00", "13:00"))
    with pytest.raises(SlotTaken) as refused, transaction():
        occupancy.extend(loan.id, at("2026-11-01T11:30"))
    assert refused.value.code == "buffer"
    assert refused.value.alternatives == (hours("08:00", "11:00"),)
    with transaction():
        assert occupancy.extend(loan.id, at("2026-11-01T11:00")).blocked_until == at("2026-11-01T12:00")


def test_an_item_is_free_after_its_buffer_and_promised_to_nobody_while_it_is_overdue(items: ItemStage) -> None:
    item = items.item(buffer_after_minutes=24 * 60)
    loan = items.book(item, window("2026-11-20T18:00", "2026-11-24T18:00"))
    assert occupancy.answer(item, window("2026-11-25T17:59", "2026-11-26T18:00")).code == "buffer"
    assert occupancy.answer(item, window("2026-11-25T18:00", "2026-11-26T18:00")).free
    items.frozen.at("2026-11-20T18:00")
    with transaction():
        desk.hand_out(loan.id)
    items.frozen.at("2026-11-24T18:00")
    later = window("2026-12-20T18:00", "2026-12-21T18:00")
    assert occupancy.answer(item, later).code == "overdue"
    with pytest.raises(SlotTaken) as refused:
        items.hold(item, later)
    assert refused.value.code == "overdue"
    items.frozen.forward(hours=3)
    with transaction():
        desk.take_back(loan.id)
    assert occupancy.answer(item, window("2026-11-25T20:00", "2026-11-25T22:00")).code == "buffer", (
        "from when it came back"
    )
    assert items.hold(item, later).kind == "hold"


def test_another_unit_is_promised_while_one_is_overdue(items: ItemStage) -> None:
    item = items.item(2)
    loan = items.book(item, days(1, 2))
    items.frozen.at("2026-11-01T10:00")
    with transaction():
        desk.hand_out(loan.id)
    items.frozen.at("2026-11-03T10:00")
    assert items.book(item, days(8, 9)).unit_id == items.units(item)[1]


def test_what_comes_back_early_is_free_from_then_on(items: ItemStage) -> None:
    item = items.item(buffer_after_minutes=30)
    loan = items.book(item, days(1, 5))
    items.frozen.at("2026-11-01T10:00")
    with transaction():
        desk.hand_out(loan.id)
    items.frozen.at("2026-11-03T10:00")
    with transaction():
        desk.take_back(loan.id)
    assert occupancy.answer(item, window("2026-11-03T10:29", "2026-11-04T10:00")).code == "buffer"
    assert occupancy.answer(item, window("2026-11-03T10:30", "2026-11-04T10:00")).free


def test_a_scan_at_the_desk_refuses_what_is_reserved_for_somebody_else_and_says_why(items: ItemStage) -> None:
    item, member, other = items.item(), items.member(), items.member()
    from plugins.sharing.item import units

    code = units.units_of(item)[0].code
    loan = items.book(item, days(1, 5), member)
    with pytest.raises(Refused) as nothing:
        desk.scan(code, member)
    assert nothing.value.code == "not_booked"
    items.frozen.at("2026-11-01T10:30")
    with pytest.raises(Refused) as refused:
        desk.scan(code, other)
    assert refused.value.code == "reserved"
    assert "reserved for somebody else until" in refused.value.message
    assert desk.scan(code, member).id == loan.id
    with pytest.raises(NotFound):
        desk.scan("no-such-code", member)
    with transaction():
        desk.hand_out(loan.id)
    with pytest.raises(Refused) as out:
        desk.scan(code, other)
    assert out.value.code == "out"


def test_a_booking_is_handed_out_early_only_if_nobody_else_needs_the_unit(items: ItemStage) -> None:
    item = items.item()
    items.book(item, hours("08:00", "10:00"))
    middle = items.book(item, hours("12:00", "14:00"))
    items.frozen.at("2026-11-01T09:30")
    with pytest.raises(SlotTaken), transaction():
        desk.hand_out(middle.id)
    items.frozen.at("2026-11-01T10:30")
    with transaction():
        assert desk.hand_out(middle.id).starts_at == at("2026-11-01T10:30")


def test_another_unit_can_take_a_booking_over_when_it_is_free(items: ItemStage) -> None:
    item = items.item(2)
    one, two = items.units(item)
    booking = items.book(item, days(1, 5), unit_id=one)
    with transaction():
        assert occupancy.reassign(booking.id, two).unit_id == two
    items.book(item, days(3, 4), unit_id=one)
    with pytest.raises(SlotTaken), transaction():
        occupancy.reassign(booking.id, one)
    foreign = items.units(items.item())[0]
    with pytest.raises(NotFound), transaction():
        occupancy.reassign(booking.id, foreign)


def test_what_is_shortened_or_released_is_free_at_once(items: ItemStage) -> None:
    item = items.item()
    booking = items.book(item, days(1, 9))
    with transaction():
        occupancy.shorten(booking.id, at("2026-11-05T10:00"))
    assert occupancy.answer(item, days(5, 9)).free
    with transaction():
        assert occupancy.release(booking.id)
        assert not occupancy.release(booking.id)
    assert occupancy.answer(item, days(1, 9)).free


def test_an_owners_block_and_a_repair_refuse_what_is_booked_and_are_refused(items: ItemStage) -> None:
    item = items.item(buffer_after_minutes=60)
    unit = items.units(item)[0]
    items.book(item, hours("12:00", "13:00"))
    with pytest.raises(SlotTaken), transaction():
        occupancy.block(unit, hours("12:30", "14:00"))
    with transaction():
        occupancy.block(unit, hours("14:00", "15:00"))
        occupancy.block(unit, hours("15:00", "16:00"), "repair", "New drill bit")
    assert occupancy.answer(item, hours("14:30", "14:45")).code == "blocked"
    assert occupancy.answer(item, hours("15:30", "15:45")).code == "repair"


def test_an_item_without_an_active_unit_is_offered_to_nobody(items: ItemStage) -> None:
    assert occupancy.answer(items.item(0), days(1, 2)).code == "no_units"
    with pytest.raises(NotFound):
        occupancy.answer(999_999, days(1, 2))


def test_several_items_are_held_together_or_not_at_all(items: ItemStage) -> None:
    one, two, member = items.item(), items.item(), items.member()
    items.book(two, days(2, 3))
    with pytest.raises(SlotTaken), transaction():
        occupancy.hold_together([two, one], days(1, 4), member)
    assert occupancy.answer(one, days(1, 4)).free
    with transaction():
        assert [row.item_id for row in occupancy.hold_together([two, one], days(4, 5), member)] == [one, two]


# The database itself


def raw(unit_id: int, item_id: int, since: str, until: str, **more: object) -> dict[str, object]:
    """Give a row as somebody would write it past the gate."""
    span = hours(since, until)
    return {
        "unit_id": unit_id, "item_id": item_id, "kind": "booking", "starts_at": span.starts_at, "ends_at": span.ends_at,
        "blocked_from": span.starts_at, "blocked_until": span.ends_at, "created_at": span.starts_at, **more,
    }  # fmt: skip


@pytest.mark.parametrize(("since", "until", "fine"), [
    ("11:00", "12:00", True), ("15:00", "16:00", True), ("11:00", "12:01", False), ("14:59", "16:00", False),
    ("12:00", "15:00", False), ("13:00", "14:00", False), ("11:00", "16:00", False),
])  # fmt: skip
def test_the_database_refuses_an_overlap_whoever_writes_it(
    items: ItemStage, since: str, until: str, fine: bool
) -> None:
    item = items.item()
    unit = items.units(item)[0]
    with transaction() as session:
        session.execute(insert(Occupancy), [raw(unit, item, "12:00", "15:00"), raw(unit, item, "20:00", "21:00")])
    if fine:
        with transaction() as session:
            session.execute(insert(Occupancy), [raw(unit, item, since, until)])
        return
    with pytest.raises(IntegrityError), transaction() as session:
        session.execute(insert(Occupancy), [raw(unit, item, since, until)])
    span = hours(since, until)
    moved = {
        "starts_at": span.starts_at,
        "ends_at": span.ends_at,
        "blocked_from": span.starts_at,
        "blocked_until": span.ends_at,
    }
    with pytest.raises(IntegrityError), transaction() as session:
        session.execute(update(Occupancy).where(Occupancy.starts_at == at("2026-11-01T20:00")).values(**moved))


def test_the_database_lets_other_sites_bookings_overlap_and_refuses_making_them_firm(items: ItemStage) -> None:
    item = items.item()
    unit = items.units(item)[0]
    soft = {"kind": "imported", "firm": False}
    with transaction() as session:
        session.execute(
            insert(Occupancy), [raw(unit, item, "12:00", "15:00", firm=True), raw(unit, item, "13:00", "14:00", **soft)]
        )
    with pytest.raises(IntegrityError), transaction() as session:
        session.execute(update(Occupancy).where(Occupancy.kind == "imported").values(firm=True, kind="booking"))


@pytest.mark.parametrize("wrong", [
    {"ends_at": at("2026-11-01T12:00")}, {"ends_at": at("2026-11-01T11:00")}, {"blocked_from": at("2026-11-01T12:30")},
    {"blocked_until": at("2026-11-01T14:30")}, {"kind": "hold"}, {"kind": "wish"}, {"expires_at": at("2026-11-01T12:00")},
    {"firm": False}, {"returned_at": at("2026-11-01T12:00")}, {"unit_id": 999_999},
])  # fmt: skip
def test_the_database_refuses_a_row_that_makes_no_sense(items: ItemStage, wrong: dict[str, object]) -> None:
    item = items.item()
    with pytest.raises(IntegrityError), transaction() as session:
        session.execute(insert(Occupancy), [{**raw(items.units(item)[0], item, "12:00", "15:00"), **wrong}])


def test_a_unit_belongs_to_the_item_that_is_booked(items: ItemStage) -> None:
    one, two = items.item(), items.item()
    with pytest.raises(DBAPIError), transaction() as session:
        session.execute(insert(Occupancy), [raw(items.units(one)[0], two, "12:00", "15:00")])
    with pytest.raises(SlotTaken) as refused:
        items.hold(one, hours("12:00", "13:00"), unit_id=items.units(two)[0])
    assert refused.value.code == "no_units"
