"""Differences as they are kept: opened, explained where a rule can, closed when both sides agree, or settled with a reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from flask_babel import gettext as _
from sqlalchemy import select

from marketplace import clock
from marketplace.admin import audit
from marketplace.database import db, transaction
from marketplace.errors import InvalidInput, NotFound, Refused
from marketplace.payments.reconciliation.models import Difference, ProviderEntry

STANDING = ("open", "settled")
BALANCE = "balance"
"""The subject of a difference between the totals."""


class Figures(Protocol):
    """What two sides say of one object in one currency."""

    @property
    def subject(self) -> str: ...
    @property
    def currency(self) -> str: ...
    @property
    def theirs(self) -> int: ...
    @property
    def ours(self) -> int: ...


def open_subjects(name: str) -> set[str]:
    """Give the objects that differed when they were last compared, also those of which somebody said that they may."""
    rows = select(Difference.subject).where(Difference.gateway == name, Difference.state.in_(STANDING))
    return set(db.session.scalars(rows)) - {BALANCE}


def write(name: str, rows: Iterable[Figures], *, entries_known: set[str]) -> int:
    """Open or renew a difference for each row, close the open ones that are not among them; gives how many are open."""
    listed = {(row.subject, row.currency): row for row in rows}
    with transaction():
        for found in _standing(name):
            if found.subject != BALANCE and (found.subject, found.currency) not in listed:
                _close(found, "gone", found.reason, found.actor_id)
        for row in listed.values():
            _note(name, row.subject, row.currency, row.theirs, row.ours, _kind(row, entries_known))
        db.session.flush()
        return len([one for one in _open(name) if one.subject != BALANCE])


def write_balance(name: str, off: Mapping[str, tuple[int, int]]) -> None:
    """Open or renew a difference between the totals, by currency; close those that are not named."""
    with transaction():
        for found in _open(name):
            if found.subject == BALANCE and found.currency not in off:
                _close(found, "gone")
        for currency, (theirs, ours) in off.items():
            _note(name, BALANCE, currency, theirs, ours, BALANCE)


def _standing(name: str) -> list[Difference]:
    wanted = (
        select(Difference).where(Difference.gateway == name, Difference.state.in_(STANDING)).order_by(Difference.id)
    )
    return list(db.session.scalars(wanted.with_for_update()))


def _open(name: str) -> list[Difference]:
    wanted = select(Difference).where(Difference.gateway == name, Difference.state == "open").order_by(Difference.id)
    return list(db.session.scalars(wanted.with_for_update()))


def _kind(row: Figures, entries_known: set[str]) -> str:
    if row.subject not in entries_known:
        return "unknown_there"
    return "amount" if row.ours else "unknown_here"


def _note(name: str, subject: str, currency: str, theirs: int, ours: int, kind: str) -> None:
    at = clock.now()
    wanted = (
        select(Difference)
        .where(Difference.gateway == name, Difference.subject == subject, Difference.currency == currency)
        .order_by(Difference.id.desc())
        .limit(1)
    )
    newest = db.session.scalars(wanted).first()
    same = newest is not None and (newest.theirs_minor, newest.ours_minor) == (theirs, ours)
    if newest is not None and newest.state == "settled" and same:
        return
    if newest is not None and newest.state == "settled":
        _close(newest, "gone", newest.reason, newest.actor_id)  # its figures are others now
    if newest is None or newest.state != "open":
        newest = Difference(
            gateway=name, subject=subject, currency=currency, kind=kind, theirs_minor=theirs, ours_minor=ours,
            first_at=at, last_at=at,
        )  # fmt: skip
        db.session.add(newest)
    newest.kind, newest.theirs_minor, newest.ours_minor, newest.last_at = kind, theirs, ours, at
    newest.why = _why(newest)


def _why(found: Difference) -> str:
    """Name the rule that explains a difference; "" when somebody has to look."""
    if found.subject == BALANCE:
        return ""
    rows = db.session.execute(
        select(ProviderEntry.fee_minor, ProviderEntry.kind).where(
            ProviderEntry.gateway == found.gateway, ProviderEntry.subject == found.subject
        )
    ).all()
    fees = sum(row.fee_minor for row in rows)
    off = found.theirs_minor - found.ours_minor
    if fees and off == -fees:
        return "fee_not_booked"
    if found.kind == "unknown_here" and any(row.kind in ("charge", "payment") for row in rows):
        return "not_asked_by_us"
    if found.kind == "unknown_here" and any(row.kind in ("refund", "payment_refund") for row in rows):
        return "refunded_elsewhere"
    return "other_account" if found.kind == "unknown_there" else ""


def _close(found: Difference, state: str, reason: str = "", actor_id: int | None = None) -> None:
    found.state, found.ended_at = state, clock.now()
    found.reason, found.actor_id = reason, actor_id


def get(difference_id: int) -> Difference:
    """Give a difference; raises NotFound."""
    found = db.session.get(Difference, difference_id)
    if found is None:
        raise NotFound(_("There is no such difference."))
    return found


def settle(difference_id: int, actor_id: int, reason: str) -> Difference:
    """Say why a difference may stay; it comes back only when its figures change. Raises NotFound, InvalidInput, Refused."""
    if not reason.strip():
        raise InvalidInput({"reason": _("Say why it may stay.")})
    with transaction():
        found = db.session.get(Difference, difference_id, with_for_update=True, populate_existing=True)
        if found is None:
            raise NotFound(_("There is no such difference."))
        if found.state != "open":
            raise Refused(_("This difference is not open any more."))
        _close(found, "settled", reason.strip()[:300], actor_id)
        facts = {"subject": found.subject, "theirs": found.theirs_minor, "ours": found.ours_minor}
        audit.record(actor_id, "difference.settled", "difference", found.id, reason, facts)
    return found
