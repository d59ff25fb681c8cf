"""Prepaid credit of a member with an owner: given or bought beforehand, used by bills, and never below zero."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select

from marketplace.api import (
    InvalidInput,
    Listing,
    Money,
    NotFound,
    Refused,
    User,
    clock,
    db,
    notifications,
    transaction,
)
from plugins.sharing.use.use_models import Credit, UseBill, UseSession

MOST = 1_000_000_00


def balance(member_id: int, owner_id: int, currency: str) -> int:
    """Give what a member has left with an owner, in minor units."""
    last = _last(member_id, owner_id, currency)
    return last.balance_minor if last is not None else 0


def standing(member_id: int, owner_id: int, currency: str) -> tuple[int, datetime | None]:
    """Give what a member has left with an owner (minor units), and when that last changed (UTC); None without an account."""
    last = _last(member_id, owner_id, currency)
    return (last.balance_minor, last.at) if last is not None else (0, None)


def _last(member_id: int, owner_id: int, currency: str) -> Credit | None:
    statement = select(Credit).where(
        Credit.member_id == member_id, Credit.owner_id == owner_id, Credit.currency == currency
    )
    return db.session.scalars(statement.order_by(Credit.number.desc()).limit(1)).one_or_none()


def accounts_of(member_id: int) -> list[Any]:
    """Give a member's credits with each owner: owner, name, currency, what is left."""
    rows = db.session.execute(
        select(Credit.owner_id, User.name, Credit.currency, Credit.balance_minor, Credit.number)
        .join(User, User.id == Credit.owner_id)
        .where(Credit.member_id == member_id)
        .order_by(Credit.owner_id, Credit.currency, Credit.number.desc())
    )
    seen: dict[tuple[int, str], Any] = {}
    for row in rows:
        seen.setdefault((row.owner_id, row.currency), row)
    return list(seen.values())


def left_with(owner_id: int) -> Sequence[Any]:
    """Give what members have left with an owner: member, currency, minor units."""
    newest = select(func.max(Credit.id)).where(Credit.owner_id == owner_id).group_by(Credit.member_id, Credit.currency)
    return db.session.execute(
        select(Credit.member_id, Credit.currency, Credit.balance_minor).where(
            Credit.id.in_(newest), Credit.balance_minor > 0
        )
    ).all()


def give(owner: User, member_id: int, amount_minor: int, listing: Listing, note: str = "") -> Credit:
    """Let an owner give a member credit for their items; raises InvalidInput, NotFound, Refused."""
    if not 0 < amount_minor <= MOST:
        raise InvalidInput({"amount": _("Give more than nothing, and not more than can be meant.")})
    if listing.owner_id != owner.id:
        raise Refused(_("Only the owner gives credit for it."))
    with transaction():
        member = db.session.get(User, member_id)
        if member is None or member.state != "active" or member.id == owner.id:
            raise NotFound(_("There is no such member."), field="member")
        lock(member_id)
        return move(member_id, owner.id, listing.currency, "given", amount_minor, author_id=owner.id, note=note[:200])


def give_to(owner: User, email: str, amount_minor: int, listing: Listing, note: str = "") -> Credit:
    """Let an owner give credit to the member with this address, who is told; raises as `give` does."""
    with transaction():
        member_id = db.session.scalar(select(User.id).where(User.email == email.strip().lower()))
        moved = give(owner, member_id or 0, amount_minor, listing, note)
        amount = Money(moved.amount_minor, moved.currency)
        notifications.notify(
            moved.member_id, "sharing.credit_given", params={"amount": amount, "name": owner.name}, url="/uses"
        )
    return moved


def use(session: UseSession, sealed: UseBill, amount_minor: int) -> None:
    """Take what a bill uses; the caller's transaction has looked how much there is."""
    lock(session.holder_id)
    move(session.holder_id, session.owner_id, session.currency, "used", -amount_minor, bill_id=sealed.id)


def give_back(session: UseSession, credit_note: UseBill, amount_minor: int) -> None:
    """Give back what a bill had used that turned out wrong."""
    lock(session.holder_id)
    move(session.holder_id, session.owner_id, session.currency, "returned", amount_minor, bill_id=credit_note.id)


def lock(member_id: int) -> None:
    """Lock the member's row: movements of one account come one after the other."""
    db.session.execute(select(User.id).where(User.id == member_id).with_for_update())


def move(member_id: int, owner_id: int, currency: str, kind: str, amount_minor: int, **more: Any) -> Credit:
    """Write a movement of an account that is locked: *given*, *bought* (below zero when money went back), *used*, *returned*."""
    last = _last(member_id, owner_id, currency)
    moved = Credit(
        member_id=member_id, owner_id=owner_id, currency=currency, number=last.number + 1 if last else 1, kind=kind,
        amount_minor=amount_minor, balance_minor=(last.balance_minor if last else 0) + amount_minor, at=clock.now(), **more,
    )  # fmt: skip
    db.session.add(moved)
    db.session.flush()
    return moved
