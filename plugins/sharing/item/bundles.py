"""Bundles: an item of which things of other owners are parts; each owner agrees to the bundle and to a part of its price."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, func, select

from marketplace.api import (
    InvalidInput,
    Listing,
    Money,
    NotFound,
    Refused,
    User,
    access,
    clock,
    db,
    listings,
    notifications,
    transaction,
)
from plugins.sharing.item import items
from plugins.sharing.item.bundle_models import BundlePart
from plugins.sharing.item.item_models import Item

MOST = 19
"""The largest number of things in a bundle besides its own."""


def add(bundle_id: int, user: Any, item_id: int, percent: int) -> BundlePart:
    """Ask the owner of a thing to let it belong to a bundle for a part of the price; what is one's own belongs at once.

    Asking again for another part of the price needs the owner's word again. Raises InvalidInput, NotFound, Refused.
    """
    with transaction() as session:
        listing, bundle = items.managed(bundle_id, user, lock=True)
        thing, found = session.get(Listing, item_id), session.get(Item, item_id)
        if thing is None or found is None or thing.state != "published":
            raise InvalidInput({"item": _("There is no such item.")})
        if (
            {"use", "buy"} & set(bundle.arrangements)
            or found.is_bundle
            or _belongs_somewhere(bundle_id)
            or item_id == bundle_id
        ):
            raise Refused(_("A set is borrowed or rented as a whole, and consists of single things."), code="no_bundle")
        _check(bundle_id, item_id, percent)
        own = thing.owner_id == listing.owner_id
        part = session.get(BundlePart, (bundle_id, item_id)) or BundlePart(
            bundle_id=bundle_id, item_id=item_id, owner_id=thing.owner_id
        )
        if part.state == "agreed" and part.percent == percent:
            return part
        part.percent, part.state, part.changed_at = percent, "agreed" if own else "asked", clock.now()
        session.add(part)
        bundle.is_bundle = True
        session.flush()
        if not own:
            _tell(thing.owner_id, "bundle_asked", listing, thing.title, percent)
    return part


def _belongs_somewhere(item_id: int) -> bool:
    return db.session.scalar(select(BundlePart.bundle_id).where(BundlePart.item_id == item_id).limit(1)) is not None


def _check(bundle_id: int, item_id: int, percent: int) -> None:
    others = db.session.execute(
        select(func.count(), func.coalesce(func.sum(BundlePart.percent), 0)).where(
            BundlePart.bundle_id == bundle_id, BundlePart.item_id != item_id
        )
    ).one()
    if others[0] >= MOST:
        raise Refused(_("That is too many things for one set."), code="too_many")
    if not 0 <= percent <= 100 - others[1]:
        raise InvalidInput({"percent": _("All parts together are at most 100 per cent of the price.")})


def answer(bundle_id: int, item_id: int, user: Any, *, agree: bool) -> None:
    """Let a thing's owner agree, decline, or take back what was agreed; what was booked stands. Raises NotFound."""
    with transaction():
        part = locked(bundle_id, item_id)
        if part.owner_id != user.id:
            raise NotFound(_("This page does not exist, or is not for you."))
        settle(part, "agreed" if agree else "declined")


def locked(bundle_id: int, item_id: int) -> BundlePart:
    """Give a thing's part of a set, with the set's listing locked, fresh from the database; raises NotFound."""
    listings.locked(bundle_id)
    part = db.session.get(BundlePart, (bundle_id, item_id), populate_existing=True)
    if part is None:
        raise NotFound(_("This page does not exist, or is not for you."))
    return part


def settle(part: BundlePart, wanted: str) -> None:
    """Write an owner's word down ("agreed" or "declined") and tell the set's maker, in the caller's transaction."""
    if part.state == wanted:
        return
    part.state, part.changed_at = wanted, clock.now()
    db.session.flush()
    bundle = db.session.get_one(Listing, part.bundle_id)
    title = db.session.get_one(Listing, part.item_id).title
    _tell(bundle.owner_id, f"bundle_{wanted}", bundle, title, part.percent)


def remove(bundle_id: int, user: Any, item_id: int) -> None:
    """Let a thing not belong to a bundle any more; without any, it is a plain item again. Raises NotFound."""
    with transaction():
        _listing, bundle = items.managed(bundle_id, user, lock=True)
        db.session.execute(delete(BundlePart).where(BundlePart.bundle_id == bundle_id, BundlePart.item_id == item_id))
        left = select(func.count()).select_from(BundlePart).where(BundlePart.bundle_id == bundle_id)
        bundle.is_bundle = bool(db.session.scalar(left))
        db.session.flush()


def weights(bundle_id: int, maker_id: int) -> dict[int, int]:
    """Give each owner's part of the price in per cent; the maker has what is left."""
    rows = db.session.execute(
        select(BundlePart.owner_id, BundlePart.percent).where(BundlePart.bundle_id == bundle_id)
    ).all()
    found: dict[int, int] = {}
    for owner_id, percent in rows:
        found[owner_id] = found.get(owner_id, 0) + percent
    found[maker_id] = found.get(maker_id, 0) + 100 - sum(found.values())
    return {owner: percent for owner, percent in sorted(found.items()) if percent}


def divide(earned: Money, parts: Mapping[str, int], maker_id: int) -> dict[int, Money]:
    """Give what goes to others than the maker of what a bundle earned, by frozen parts; the largest remainders get odd cents."""
    owners = sorted(int(owner) for owner in parts)
    split = earned.split([parts[str(owner)] for owner in owners])
    return {owner: part for owner, part in zip(owners, split, strict=True) if owner != maker_id and part.minor}


def _tell(user_id: int, kind: str, bundle: Listing, title: str, percent: int) -> None:
    params = {"title": title, "set": bundle.title, "percent": percent}
    notifications.notify(user_id, f"sharing.{kind}", params=params, url=f"/items/{bundle.id}/set", mail=True)


def rows_of(bundle_id: int) -> list[Any]:
    """Give the things of a set with their owners, by one statement."""
    return list(
        db.session.execute(
            select(
                BundlePart.item_id, BundlePart.owner_id, BundlePart.percent, BundlePart.state,
                BundlePart.changed_at, Listing.title, Listing.slug,
                User.name,
            )
            .join(Listing, Listing.id == BundlePart.item_id)
            .join(User, User.id == BundlePart.owner_id)
            .where(BundlePart.bundle_id == bundle_id)
            .order_by(BundlePart.item_id)
        ).all()
    )  # fmt: skip


def seen(bundle_id: int, user: Any) -> tuple[Listing, list[Any], bool]:
    """Give a set to its maker and to the owners of its things, and whether it is the maker; raises NotFound for others."""
    listing, item = db.session.get(Listing, bundle_id), db.session.get(Item, bundle_id)
    rows = rows_of(bundle_id)
    maker = listing is not None and access.may(user, "sharing.manage", listing)
    if listing is None or item is None or not (maker or any(row.owner_id == user.id for row in rows)):
        raise NotFound(_("This page does not exist, or is not for you."))
    return listing, rows, maker
