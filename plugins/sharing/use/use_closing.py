"""What keeps a member from closing the account: credit that is left, uses that are not paid, uses by others on the account."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import func, select

from marketplace.api import Listing, Money, Obstacle, User, db
from plugins.sharing.use import buying
from plugins.sharing.use.use_models import UseCharge, UseSession

SHOWN = 20


def objections(user: Any) -> list[Obstacle]:
    """Give the reasons, each with where to do something about it."""
    return [*_credit(user.id), *_credit_of_others(user.id), *_unpaid(user.id), *_on_the_account(user.id)]


def _credit(member_id: int) -> list[Obstacle]:
    left = buying.returnable(member_id)
    names: dict[int, str] = {}
    if left:
        found = select(User.id, User.name).where(User.id.in_({owner for owner, _currency in left}))
        names = {row.id: row.name for row in db.session.execute(found)}
    return [
        Obstacle(
            _(
                "You have bought credit left for things of %(name)s. Use it, or give it back under My uses:",
                name=names[owner],
            ),
            url_for("sharing_use.mine"),
            Money(minor, currency),
        )
        for (owner, currency), minor in sorted(left.items())
    ]


def _credit_of_others(owner_id: int) -> list[Obstacle]:
    sums: dict[str, int] = {}
    for (_member, currency), minor in buying.returnable_by(owner_id).items():
        sums[currency] = sums.get(currency, 0) + minor
    text = _(
        "Members have bought credit for your things. They have to use it or give it back first; ask us to do that for them:"
    )
    return [
        Obstacle(text, url_for("sharing.index"), Money(minor, currency)) for currency, minor in sorted(sums.items())
    ]


def _unpaid(payer_id: int) -> list[Obstacle]:
    rows = db.session.execute(
        select(UseCharge.currency, func.sum(UseCharge.amount_minor))
        .where(UseCharge.payer_id == payer_id, UseCharge.state.in_(("open", "asked", "failed")))
        .group_by(UseCharge.currency)
        .order_by(UseCharge.currency)
    ).all()
    text = _("Uses are billed and not paid yet. Pay them under My uses, or wait until they are charged:")
    return [
        Obstacle(text, url_for("sharing_use.mine"), Money(int(minor), currency))
        for currency, minor in rows
        if minor > 0
    ]


def _on_the_account(holder_id: int) -> list[Obstacle]:
    rows = db.session.execute(
        select(UseSession.agreement_id, Listing.title, User.name)
        .join(Listing, Listing.id == UseSession.listing_id)
        .join(User, User.id == UseSession.member_id)
        .where(UseSession.holder_id == holder_id, UseSession.member_id != holder_id, UseSession.standing)
        .order_by(UseSession.agreement_id)
        .limit(SHOWN)
    ).all()
    return [
        Obstacle(
            _("%(name)s is using “%(title)s” on your account. It has to end first.", name=row.name, title=row.title),
            url_for("sharing_use.meter", use_id=row.agreement_id),
        )
        for row in rows
    ]
