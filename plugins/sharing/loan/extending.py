"""More time for a loan that runs or is agreed: whoever comes next is given another unit first, else it ends at the changeover."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select

from marketplace.api import (
    Actor,
    Agreement,
    InvalidInput,
    Money,
    Refused,
    Role,
    agreements,
    clock,
    db,
    transaction,
)
from plugins.sharing.item.item_models import Item, Occupancy
from plugins.sharing.loan import deposits, loan_money, loan_news, loan_units, quoting
from plugins.sharing.loan.booking_models import Loan, LoanUnit
from plugins.sharing.loan.loan_effects import UNRECORDED
from plugins.sharing.slot import occupancy
from plugins.sharing.slot.answers import answer
from plugins.sharing.slot.refusals import SlotTaken
from plugins.sharing.slot.windows import Window

STATES = ("agreed", "active")


def quote(agreement: Agreement, loan: Loan, new_end: datetime) -> Money:
    """Say what more time costs: the whole period under the frozen price list, less what was agreed; never below zero."""
    if agreement.terms["tariff_id"] is None:  # lent free, or for a contribution once and for all: time has no price
        return Money(0, loan.currency)
    more = _whole(agreement, loan, new_end).total.minor - int(agreement.terms["total_minor"])
    return Money(max(more, 0), loan.currency)


def _whole(agreement: Agreement, loan: Loan, new_end: datetime) -> quoting.Quote:
    """Give the price of the whole period under the frozen price list."""
    item, terms = db.session.get_one(Item, loan.item_id), agreement.terms
    window = Window(loan.starts_at, new_end)
    return quoting.quote_lines(item, window, loan.arrangement, terms["count"], terms["tariff_id"])


def price(agreement_id: int, actor: Actor, new_end: datetime) -> Money:
    """Say what the borrower would pay for keeping it until `new_end` (UTC); raises Refused and InvalidInput as `ask` does."""
    agreement, loan = db.session.get_one(Agreement, agreement_id), db.session.get_one(Loan, agreement_id)
    _check(agreement, loan, actor, new_end)
    return quote(agreement, loan, new_end)


def _check(agreement: Agreement, loan: Loan, actor: Actor, new_end: datetime) -> None:
    if actor.role != Role.MEMBER or agreement.state not in STATES:
        raise Refused(_("More time can't be asked for now."), code="not_now")
    if new_end <= max(loan.ends_at, clock.now()):
        raise InvalidInput({"ends_at": _("The new end must be later than the present one.")})


def ask(agreement_id: int, actor: Actor, new_end: datetime) -> Loan:
    """Ask to keep it until `new_end` (UTC); where the item is booked at once, it is granted at once.

    Raises SlotTaken with the changeover when somebody comes next, Refused, InvalidInput.
    """
    with transaction():
        agreement, loan = _locked(agreement_id)
        _check(agreement, loan, actor, new_end)
        item = db.session.get_one(Item, loan.item_id)
        quote(agreement, loan, new_end)  # a period without a price is refused at once
        loan.wanted_end = new_end
        db.session.flush()
        if item.instant:
            _grant(agreement, loan, actor, by_owner=False)
        else:
            loan_news.tell_lender(agreement, "extension_asked", until=new_end)
    return loan


def grant(agreement_id: int, actor: Actor) -> Loan:
    """Give the time that was asked for, as the lender; raises SlotTaken with the changeover, Refused."""
    with transaction():
        agreement, loan = _locked(agreement_id)
        if actor.role != Role.OWNER or loan.wanted_end is None or agreement.state not in STATES:
            raise Refused(_("Nobody asks for more time."), code="not_now")
        _grant(agreement, loan, actor, by_owner=True)
    return loan


def refuse(agreement_id: int, actor: Actor) -> Loan:
    """Say no to more time; the loan ends as agreed."""
    with transaction():
        agreement, loan = _locked(agreement_id)
        if actor.role != Role.OWNER or loan.wanted_end is None:
            raise Refused(_("Nobody asks for more time."), code="not_now")
        loan.wanted_end = None
        db.session.flush()
        loan_news.tell_member(agreement, "extension_refused")
    return loan


def _grant(agreement: Agreement, loan: Loan, actor: Actor, *, by_owner: bool) -> None:
    new_end = loan.wanted_end
    if new_end is None:
        return
    more = quote(agreement, loan, new_end)
    for row in loan_units.of(loan.agreement_id):
        if row.occupancy_id is not None and row.back_at is None:
            _make_way(row, loan.ends_at, new_end)
            occupancy.extend(row.occupancy_id, new_end, by_owner=by_owner)
    loan.ends_at, loan.wanted_end, loan.told_end, loan.warned = new_end, None, False, 0
    db.session.flush()
    terms = {
        **agreement.terms,
        "ends_at": new_end.isoformat(),
        "total_minor": agreement.terms["total_minor"] + more.minor,
    }
    if more.minor:  # else what was agreed stays the price, also where the whole would be cheaper than its beginning
        terms["lines"] = [dict(line) for line in _whole(agreement, loan, new_end).lines]
    amount = Money(terms["total_minor"], loan.currency)
    agreements.amend(agreement.id, actor, amount=amount if amount.minor else None, terms=terms)
    if agreement.state == "agreed" and agreement.waits_until is not None:
        agreement.waits_until = new_end + UNRECORDED
    loan_money.charge_more(agreement, loan, loan_money.EXTENSION, more)
    deposits.prolong(loan)
    loan_news.tell_member(agreement, "extended")
    loan_news.tell_lender(agreement, "extended_lender")


def _make_way(row: LoanUnit, old_end: datetime, new_end: datetime) -> None:
    """Move whoever has booked the same unit next to another one, if one is free for all of their time."""
    for slot in _next(row, old_end, new_end):
        window = Window(slot.starts_at, slot.ends_at)
        others = [
            unit for unit in answer(slot.item_id, window, with_alternatives=False).unit_ids if unit != slot.unit_id
        ]
        for unit_id in others:
            with suppress(SlotTaken):
                occupancy.reassign(slot.id, unit_id)
                _tell_moved(slot.id, unit_id)
                break


def _next(row: LoanUnit, old_end: datetime, new_end: datetime) -> Sequence[Occupancy]:
    mine = db.session.get(Occupancy, row.occupancy_id)
    spare = mine.blocked_until - mine.ends_at if mine is not None else new_end - new_end
    return db.session.scalars(
        select(Occupancy)
        .where(
            Occupancy.unit_id == row.unit_id, Occupancy.id != row.occupancy_id, Occupancy.kind.in_(("booking", "hold")),
            Occupancy.blocked_from < new_end + spare, Occupancy.blocked_until > old_end, Occupancy.out_at.is_(None),
        )
        .order_by(Occupancy.blocked_from)
    ).all()  # fmt: skip


def _tell_moved(occupancy_id: int, unit_id: int) -> None:
    """Keep the waiting loan in step with its slot, and tell its borrower."""
    waiting = db.session.scalars(select(LoanUnit).where(LoanUnit.occupancy_id == occupancy_id)).one_or_none()
    if waiting is None:
        return
    waiting.unit_id = unit_id
    db.session.flush()
    agreement = db.session.get_one(Agreement, waiting.agreement_id)
    if agreement.state == "agreed":
        loan_news.tell_member(agreement, "moved")


def _locked(agreement_id: int) -> tuple[Agreement, Loan]:
    agreement = agreements.locked(agreement_id)
    return agreement, db.session.get_one(Loan, agreement_id, populate_existing=True)
