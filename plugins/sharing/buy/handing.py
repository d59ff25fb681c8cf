"""How a thing changes hands for good: the buyer's own loans of it end, its unit is offered no more, nor the item without any."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import func, select

from marketplace.api import Actor, Agreement, User, agreements, clock, db, listings
from plugins.sharing.buy.buy_models import Purchase
from plugins.sharing.item import units
from plugins.sharing.item.item_models import Unit
from plugins.sharing.loan import loan_units
from plugins.sharing.loan.booking_models import Loan, LoanUnit
from plugins.sharing.moving import move
from plugins.sharing.slot import occupancy

AT_HOME = ("active", "lost")


def own_loans(side: Purchase) -> Sequence[int]:
    """Give the buyer's own loans of the unit that run or are still to come, in the order in which they are locked.

    Before it is known which unit it will be, those of every unit.
    """
    which = LoanUnit.item_id == side.item_id if side.unit_id is None else LoanUnit.unit_id == side.unit_id
    found = (
        select(Loan.agreement_id)
        .join(LoanUnit, LoanUnit.agreement_id == Loan.agreement_id)
        .join(Agreement, Agreement.id == Loan.agreement_id)
        .where(
            which, LoanUnit.back_at.is_(None), Loan.member_id == side.member_id, Agreement.state.in_(("agreed", *AT_HOME)),
        )
        .distinct()
        .order_by(Loan.agreement_id)
    )  # fmt: skip
    return db.session.scalars(found).all()


def has_it(side: Purchase) -> bool:
    """Tell whether the buyer has the unit at home already, by a loan."""
    found = (
        select(LoanUnit.id)
        .join(Loan, Loan.agreement_id == LoanUnit.agreement_id)
        .join(Agreement, Agreement.id == Loan.agreement_id)
        .where(
            LoanUnit.unit_id == side.unit_id, LoanUnit.out_at.is_not(None), LoanUnit.back_at.is_(None),
            Loan.member_id == side.member_id, Agreement.state.in_(AT_HOME),
        )
    )  # fmt: skip
    return side.unit_id is not None and db.session.scalar(found.limit(1)) is not None


def lock(agreement: Agreement, side: Purchase) -> None:
    """Lock all that changing hands writes, in the one order: the buyer's own loans, the listing; the item comes after them."""
    for loan_id in own_loans(side):
        agreements.locked(loan_id)
    listings.locked(agreement.listing_id)


def change_hands(agreement: Agreement, side: Purchase) -> None:
    """Make it the buyer's: once, and for good. Joins the caller's transaction."""
    if side.completed_at is not None or side.unit_id is None:
        return
    lock(agreement, side)
    for loan_id in own_loans(side):
        _end_loan(loan_id, side)
    if side.occupancy_id is not None:
        occupancy.locked(side.occupancy_id)
    unit = db.session.get_one(Unit, side.unit_id, populate_existing=True)
    unit.active = False
    side.completed_at = clock.now()
    db.session.flush()
    owner = db.session.get_one(User, agreement.owner_id)
    with force_locale(owner.locale):  # the log is the owner's
        units.note(unit.id, str(_("Sold.")), None, agreement_id=agreement.id)
    _close_when_last(agreement)


def _end_loan(loan_id: int, side: Purchase) -> None:
    """Count the unit as returned to its new owner; a loan still to come has no more use, and all of its money goes back."""
    loan = agreements.locked(loan_id)
    if loan.state in AT_HOME:
        now = clock.now()
        back = {row.id: now for row in loan_units.out(loan_id) if row.unit_id == side.unit_id}
        if loan_units.mark_back(loan_id, back):
            agreements.transition(loan_id, "bring_back", Actor.system())
    elif loan.state == "agreed" and all(row.unit_id == side.unit_id for row in loan_units.of(loan_id)):
        agreements.transition(loan_id, "call_off", Actor.system())


def _close_when_last(agreement: Agreement) -> None:
    left = select(func.count()).select_from(Unit).where(Unit.item_id == agreement.listing_id, Unit.active)
    if db.session.scalar(left):
        return
    if listings.locked(agreement.listing_id).state == "published":
        listings.close(agreement.listing_id, actor=None)


def release_waiting(agreement_id: int) -> None:
    """Let go of a request, with thanks, for a thing of which nothing is left."""
    agreement = agreements.locked(agreement_id)
    if agreement.state != "requested":
        return
    move(agreement_id, "release" if agreement.kind == "purchase" else "decline")
