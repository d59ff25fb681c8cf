"""Who may use what on whose account: who did not pay is kept out until it is paid, and nobody is locked out mid-trip."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select

from marketplace.api import (
    InvalidInput,
    NotFound,
    Refused,
    User,
    clock,
    db,
    notifications,
    payments,
    runtime,
    settings,
    transaction,
)
from plugins.sharing.use.use_models import FAILED_CHARGE, CoUser, UseCharge


def unpaid(member_id: int) -> dict[str, int]:
    """Give what a member failed to pay for uses, in minor units by currency."""
    rows = db.session.execute(
        select(UseCharge.currency, func.sum(UseCharge.amount_minor))
        .where(FAILED_CHARGE, UseCharge.payer_id == member_id)
        .group_by(UseCharge.currency)
    )
    return {currency: int(minor) for currency, minor in rows if minor}


def refuse_blocked(member_id: int, holder_id: int) -> None:
    """Raise Refused while the payer, or the member on an account of their own, has not paid an earlier use."""
    if not settings.get("sharing.block_unpaid"):
        return
    for person in {member_id, holder_id}:
        if unpaid(person):
            text = _("An earlier use was not paid yet. Pay it, and you can go on at once.")
            raise Refused(
                text if person == member_id else _("The account that pays for you has a bill open."), code="unpaid"
            )


def chargeable(holder_id: int) -> bool:
    """Tell whether what a payer owes afterwards is charged to a method that they saved."""
    return takes_cards() and bool(payments.methods_of(holder_id))


def takes_cards() -> bool:
    """Tell whether this site takes payments by what members save."""
    return runtime().settings.takes("stripe")


def holder_of(user_id: int, holder_id: int | None) -> int:
    """Give who pays: the member, or a holder who has asked the member in; raises Refused."""
    if holder_id is None or holder_id == user_id:
        return user_id
    accepted = select(CoUser.id).where(
        CoUser.holder_id == holder_id, CoUser.user_id == user_id, CoUser.accepted_at.is_not(None)
    )
    if db.session.scalar(accepted) is None:
        raise Refused(_("You are not on this account."), code="not_a_co_user", field="holder")
    return holder_id


def holders_of(user_id: int) -> list[Any]:
    """Give the accounts that a member may use: id and name of the holders."""
    rows = select(User.id, User.name).join(CoUser, CoUser.holder_id == User.id)
    return list(db.session.execute(rows.where(CoUser.user_id == user_id, CoUser.accepted_at.is_not(None))).all())


def ask_in(holder: User, email: str) -> CoUser:
    """Ask somebody to use one's account; raises NotFound, InvalidInput for oneself."""
    with transaction() as session:
        user = session.scalars(
            select(User).where(User.email == email.strip().lower(), User.state == "active")
        ).one_or_none()
        if user is not None and user.id == holder.id:
            raise InvalidInput({"email": _("This is your own address. Ask somebody else.")})
        if user is None:
            raise NotFound(_("Nobody here has this address."), field="email")
        known = session.scalars(
            select(CoUser).where(CoUser.holder_id == holder.id, CoUser.user_id == user.id)
        ).one_or_none()
        if known is not None:
            return known
        made = CoUser(holder_id=holder.id, user_id=user.id, asked_at=clock.now())
        session.add(made)
        session.flush()
        notifications.notify(user.id, "sharing.asked_in", params={"name": holder.name}, url="/uses#people", mail=True)
    return made


def accept(user: User, co_user_id: int) -> None:
    """Accept being asked in; raises NotFound for what is not one's own."""
    with transaction() as session:
        row = session.get(CoUser, co_user_id, with_for_update=True)
        if row is None or row.user_id != user.id:
            raise NotFound(_("There is no such account."))
        row.accepted_at = row.accepted_at or clock.now()


def leave(user: User, co_user_id: int) -> None:
    """End it, by either of them; what was used is still paid by the holder. Raises NotFound."""
    with transaction() as session:
        row = session.get(CoUser, co_user_id, with_for_update=True)
        if row is None or user.id not in (row.user_id, row.holder_id):
            raise NotFound(_("There is no such account."))
        session.delete(row)
        session.flush()


def co_users(member_id: int) -> list[Any]:
    """Give everybody who is on a member's account or on whose account the member is, with names."""
    from sqlalchemy.orm import aliased

    holder, user = aliased(User), aliased(User)
    names = (holder.name.label("holder"), user.name.label("user"))
    rows = (
        select(CoUser.id, CoUser.holder_id, CoUser.user_id, CoUser.accepted_at, *names)
        .join(holder, holder.id == CoUser.holder_id)
        .join(user, user.id == CoUser.user_id)
        .where((CoUser.holder_id == member_id) | (CoUser.user_id == member_id))
        .order_by(CoUser.id)
    )  # fmt: skip
    return list(db.session.execute(rows).all())
