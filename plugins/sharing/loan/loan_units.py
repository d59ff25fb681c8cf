"""The slots that a loan takes: held while it is paid, booked once it is agreed, free again thing by thing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select

from marketplace.api import Agreement, db
from plugins.sharing.item.item_models import Occupancy
from plugins.sharing.loan.booking_models import Loan, LoanUnit
from plugins.sharing.slot import desk, occupancy
from plugins.sharing.slot.answers import answer
from plugins.sharing.slot.windows import Window


def of(agreement_id: int) -> Sequence[LoanUnit]:
    """Give the things of a loan in their order, fresh from the database."""
    statement = select(LoanUnit).where(LoanUnit.agreement_id == agreement_id).order_by(LoanUnit.place)
    return db.session.scalars(statement.execution_options(populate_existing=True)).all()


def window_of(loan: Loan) -> Window:
    """Give a loan's period."""
    return Window(loan.starts_at, loan.ends_at)


def value(agreement: Agreement) -> int:
    """Give what all of a loan is worth by its terms (minor units): each unit its own value, others the item's."""
    terms = agreement.terms
    default = int(terms["replacement_minor"])
    own = {int(one["unit"]): int(one["minor"]) for one in terms.get("unit_values", ())}
    known = [own[row.unit_id] for row in of(agreement.id) if row.unit_id in own]
    return sum(known) + default * (int(terms["count"]) - len(known))


def add(loan: Loan, item_ids: Sequence[int]) -> None:
    """Note which things a new loan is about, one per item named (an item twice means two of its units)."""
    for place, item_id in enumerate(item_ids):
        db.session.add(LoanUnit(agreement_id=loan.agreement_id, place=place, item_id=item_id))
    db.session.flush()


def hold(loan: Loan, minutes: int) -> None:
    """Hold a slot for each thing; raises SlotTaken with alternatives."""

    def take(row: LoanUnit, unit_id: int | None) -> Occupancy:
        return occupancy.hold(row.item_id, window_of(loan), loan.member_id, for_minutes=minutes, unit_id=unit_id)

    _take(loan, take)


def book(loan: Loan, *, by_owner: bool) -> None:
    """Book a slot for each thing at once; raises SlotTaken with alternatives.

    `by_owner` is the lender's own yes: rules about notice held when it was asked for, and the lender may waive others.
    """

    def take(row: LoanUnit, unit_id: int | None) -> Occupancy:
        return occupancy.book(
            row.item_id, window_of(loan), loan.member_id, loan.agreement_id, unit_id, by_owner=by_owner
        )

    _take(loan, take)


def _take(loan: Loan, take: Callable[[LoanUnit, int | None], Occupancy]) -> None:
    rows = sorted(of(loan.agreement_id), key=lambda row: row.item_id)  # the order in which items are locked
    several = {row.item_id for row in rows if sum(other.item_id == row.item_id for other in rows) > 1}
    free: dict[int, list[int]] = {}
    for row in rows:
        unit_id = None
        if row.item_id in several:  # one member's holds of one slot are one hold, unless they name their units
            if row.item_id not in free:
                free[row.item_id] = list(answer(row.item_id, window_of(loan), loan.member_id).unit_ids)
            unit_id = free[row.item_id].pop(0) if free[row.item_id] else None
        taken = take(row, unit_id)
        row.occupancy_id, row.unit_id = taken.id, taken.unit_id
    db.session.flush()


def confirm(loan: Loan) -> None:
    """Turn holds into bookings; those that are booked already stay. Raises HoldExpired."""
    for row in of(loan.agreement_id):
        if row.occupancy_id is not None:
            occupancy.confirm(row.occupancy_id, loan.agreement_id)


def free_unused(loan: Loan) -> None:
    """Give back the slots of what never went out; what is lost stays promised to nobody until its owner says otherwise."""
    for row in of(loan.agreement_id):
        if row.occupancy_id is not None and row.out_at is None:
            occupancy.release(row.occupancy_id)
            row.occupancy_id = None
    db.session.flush()


def out(agreement_id: int) -> list[LoanUnit]:
    """Give the things that are out now."""
    return [row for row in of(agreement_id) if row.out_at is not None and row.back_at is None]


def mark_out(agreement_id: int, at: datetime) -> None:
    """Note that everything of a loan went out at `at` (UTC); raises Refused where something is still with somebody else."""
    for row in of(agreement_id):
        if row.out_at is None:
            row.out_at = at
            if row.occupancy_id is not None:
                desk.hand_out(row.occupancy_id)
    db.session.flush()


def mark_back(agreement_id: int, times: Mapping[int, datetime]) -> bool:
    """Note when things (ids of loan units) came back; their slots are free from now. Tells whether nothing is out any more."""
    for row in out(agreement_id):
        if row.id in times and row.out_at is not None:
            row.back_at = max(times[row.id], row.out_at)
            if row.occupancy_id is not None:
                desk.take_back(row.occupancy_id, row.back_at)
    db.session.flush()
    return not out(agreement_id)
