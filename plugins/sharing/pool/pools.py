"""A pool and what is in it: made by its keeper, things offered by their owners and let in by the keeper; both may end it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from marketplace.api import (
    Agreement,
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
    payments,
    runtime,
    transaction,
)
from plugins.sharing import amounts
from plugins.sharing.item.item_models import Item
from plugins.sharing.moving import move
from plugins.sharing.pool.pool_models import MEASURES, Pass, Pool, PoolItem

MEASURE_WORDS = {"days": _l("Days that things are out"), "loans": _l("How often things are borrowed")}
STANDING = PoolItem.left_at.is_(None)
OVER = ("closed", "removed")
ENDS_WITH_POOL = {"running": "leave", "joining": "lapse"}
"""How the passes of a pool that closes end, by their state; one whose next month is being charged leaves once it is paid."""


def create(user: Any, *, facts: Mapping[str, Any], monthly_minor: int, measure: str = "days") -> Listing:
    """Open a pool in public; `facts` are the listing's own, the price is in minor units of the site's currency.

    Price and measure stand from then on. Raises InvalidInput, Refused.
    """
    if not payments.payments_enabled():
        raise Refused(_("This site works without payments."), code="payments_off")
    currency = runtime().settings.currency
    faults = {}
    if monthly_minor < payments.least(currency).minor:
        faults["price"] = _("This is less than can be paid here.")
    elif (said := amounts.too_much(monthly_minor, currency)) is not None:
        faults["price"] = said
    if measure not in MEASURES:
        faults["measure"] = _("Choose from the list.")
    if faults:
        raise InvalidInput(faults)
    with transaction() as session:
        price = {"price": Money(monthly_minor, currency), "price_unit": "month"}
        listing = listings.create_draft("pool", owner=user, **{**facts, **price})
        session.add(
            Pool(listing_id=listing.id, currency=listing.currency, monthly_minor=monthly_minor, measure=measure)
        )
        session.flush()
        return listings.publish(listing.id, actor=user)


def kept(pool_id: int, user: Any) -> Listing:
    """Give a pool's listing to somebody who may keep it; raises NotFound to everybody else."""
    listing = listings.visible(pool_id, user)
    if listing.kind != "pool" or not access.may(user, "sharing.manage", listing):
        raise NotFound(_("This page does not exist, or is not for you."))
    return listing


def change(pool_id: int, user: Any, *, version: int | None, facts: dict[str, Any]) -> Listing:
    """Change what is said of a pool; raises InvalidInput, Conflict, NotFound."""
    kept(pool_id, user)
    return listings.update(pool_id, actor=user, version=version, **facts)


def offer(pool_id: int, item_id: int, user: User) -> PoolItem:
    """Offer one's own thing to a pool: that is the owner's consent; it is in once the keeper agrees, the keeper's own at once.

    Raises NotFound, Refused (not lent free, not published, in a pool already).
    """
    with transaction() as session:
        listings.locked(pool_id)  # so that it does not close meanwhile
        listing, item = listings.locked(item_id), db.session.get(Item, item_id)
        pool = listings.visible(pool_id, user)
        if item is None or listing.owner_id != user.id or pool.kind != "pool":
            raise NotFound(_("There is no such item."))
        if "borrow" not in item.arrangements or listing.state != "published" or pool.state != "published":
            raise Refused(_("Only things that are lent free, and are on offer, can be put in."), code="not_lent")
        known = standing_of(item_id)
        if known is not None and known.pool_id != pool_id:
            raise Refused(_("This is in another pool."), code="another_pool")
        if known is not None:
            return known
        row = PoolItem(pool_id=pool_id, item_id=item_id, owner_id=user.id, asked_at=clock.now())
        session.add(row)
        session.flush()
        if pool.owner_id == user.id:
            _let_in(row, item)
        else:
            _tell(pool.owner_id, "pool_asked", pool, listing.title, user.name)
    return row


def standing_of(item_id: int) -> PoolItem | None:
    """Give the row of an item that is in a pool, or asked to be."""
    statement = select(PoolItem).where(PoolItem.item_id == item_id, STANDING)
    return db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()


def let_in(pool_id: int, row_id: int, user: Any) -> None:
    """Let a thing in that was offered; doing it twice changes nothing. Raises NotFound, Refused (closed)."""
    with transaction():
        listings.locked(pool_id)  # so that it does not close meanwhile
        pool = kept(pool_id, user)
        if pool.state != "published":
            raise Refused(_("This is not offered at the moment."), code="not_offered")
        row, item = _locked(pool_id, row_id)
        if row.joined_at is None:
            _let_in(row, item)
            title = db.session.get_one(Listing, row.item_id).title
            _tell(row.owner_id, "pool_in", pool, title)


def _let_in(row: PoolItem, item: Item) -> None:
    row.joined_at, row.who_before = clock.now(), item.who
    item.who = "pass"
    db.session.flush()


def take_out(pool_id: int, row_id: int, user: Any) -> None:
    """Take a thing out of a pool, or decline it: its owner may, and the pool's keeper. Loans that were agreed stand.

    Raises NotFound.
    """
    with transaction():
        row, item = _locked(pool_id, row_id)
        # Its owner may, also where an operator has taken the pool off the site.
        pool = db.session.get_one(Listing, pool_id)
        if row.owner_id != user.id and not access.may(user, "sharing.manage", pool):
            raise NotFound(_("This page does not exist, or is not for you."))
        _out(row, item)
        if row.owner_id != user.id:
            _tell(row.owner_id, "pool_out", pool, db.session.get_one(Listing, row.item_id).title)


def _locked(pool_id: int, row_id: int) -> tuple[PoolItem, Item]:
    item_id = db.session.scalar(
        select(PoolItem.item_id).where(PoolItem.id == row_id, PoolItem.pool_id == pool_id, STANDING)
    )
    if item_id is None:
        raise NotFound(_("This is not in the pool any more."))
    listings.locked(item_id)
    row = standing_of(item_id)
    if row is None or row.id != row_id:
        raise NotFound(_("This is not in the pool any more."))
    return row, db.session.get_one(Item, item_id, populate_existing=True)


def _out(row: PoolItem, item: Item) -> None:
    row.left_at = clock.now()
    if item.who == "pass":
        item.who = row.who_before if row.joined_at is not None else item.who
    db.session.flush()


def on_listing(listing: Any, change: str) -> None:
    """Follow listings that end: a thing leaves its pool; a pool that closes charges nobody, and gives its things back."""
    if change not in ("closed", "removed"):
        return
    if listing.kind == "item":
        row = standing_of(listing.id)
        if row is not None:
            _out(row, db.session.get_one(Item, listing.id))
    if listing.kind == "pool":
        standing = select(Pass.agreement_id, Agreement.state).join(Agreement, Agreement.id == Pass.agreement_id)
        for agreement_id, state in db.session.execute(
            standing.where(Pass.pool_id == listing.id, Agreement.state.in_(ENDS_WITH_POOL)).order_by(Pass.agreement_id)
        ).all():
            move(agreement_id, ENDS_WITH_POOL[state])
        release(listing.id)


def release(pool_id: int) -> None:
    """Give the things of a pool that has ended back to their owners' own rules, and tell them; joins the transaction.

    What was only offered is declined at once. What is in it stays until the last pass has ended, since those are paid;
    the sweep finds what two that end at the same moment leave to each other.
    """
    pool = db.session.get_one(Listing, pool_id)
    if pool.state not in OVER:
        return
    standing = select(Pass.agreement_id).where(Pass.pool_id == pool_id, Pass.standing.is_(True)).limit(1)
    rows = select(PoolItem.id).where(PoolItem.pool_id == pool_id, STANDING)
    if db.session.scalar(standing) is not None:
        rows = rows.where(PoolItem.joined_at.is_(None))
    for row_id in db.session.scalars(rows.order_by(PoolItem.item_id)).all():
        try:
            row, item = _locked(pool_id, row_id)
        except NotFound:  # its owner was quicker
            continue
        _out(row, item)
        _tell(row.owner_id, "pool_out", pool, db.session.get_one(Listing, row.item_id).title)


def over_with_things() -> list[int]:
    """Give the pools that have ended, whose things are to go back to their owners and have not."""
    held = select(PoolItem.id).where(PoolItem.pool_id == Listing.id, STANDING).exists()
    passes = select(Pass.agreement_id).where(Pass.pool_id == Listing.id, Pass.standing.is_(True)).exists()
    ended = select(Listing.id).where(Listing.kind == "pool", Listing.state.in_(OVER), held, ~passes)
    return list(db.session.scalars(ended.order_by(Listing.id)))


def _tell(user_id: int, kind: str, pool: Listing, title: str, name: str = "") -> None:
    params = {"title": title, "pool": pool.title, "name": name}
    notifications.notify(user_id, f"sharing.{kind}", params=params, url=f"/pools/{pool.id}-{pool.slug}", mail=True)
