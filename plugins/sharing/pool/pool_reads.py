"""What the pages, cards and API answers of pools show, with a fixed number of statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from marketplace.api import CardFacts, Listing, NotFound, User, access, clock, db, display, listings, runtime
from plugins.sharing.item.item_models import Item
from plugins.sharing.pool import closing, passes
from plugins.sharing.pool.pool_models import Pass, Pool, PoolItem, PoolMonth, PoolShare

SHOWN = 200
MONTHS = 12
RULE_WORDS = {
    "use": _l("by use"),
    "things": _l("equally by things, because nothing was used"),
    "back": _l("given back, because there was nothing to use"),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """A pool as one viewer sees it; `things` are in it, `asked` wait for the keeper, `offerable` the viewer could put in."""

    listing: Listing
    pool: Pool
    keeper: str
    is_keeper: bool
    mine: Pass | None
    passes: int
    things: Sequence[Any]
    asked: Sequence[Any]
    offerable: Sequence[Any]
    months: Sequence[Any]


def seen(pool_id: int, viewer: Any) -> Seen:
    """Give a pool that the viewer (a User, or a guest) may see; raises NotFound."""
    listing, pool = listings.visible(pool_id, viewer), db.session.get(Pool, pool_id)
    if pool is None:
        raise NotFound(_("This page does not exist, or is not for you."))
    member_id = viewer.id if viewer.is_authenticated else None
    is_keeper = access.may(viewer, "sharing.manage", listing)
    rows = _things(pool_id)
    in_it = [row for row in rows if row.joined_at is not None]
    asked = [row for row in rows if row.joined_at is None and (is_keeper or row.owner_id == member_id)]
    return Seen(
        listing=listing,
        pool=pool,
        keeper=db.session.scalar(select(User.name).where(User.id == listing.owner_id)) or "",
        is_keeper=is_keeper,
        mine=passes.of(pool_id, member_id) if member_id is not None else None,
        passes=_running(pool_id),
        things=in_it,
        asked=asked,
        offerable=_offerable(member_id) if member_id is not None and listing.state == "published" else (),
        months=_months(pool_id, member_id),
    )


def _running(pool_id: int) -> int:
    statement = select(func.count()).select_from(Pass)
    standing = statement.where(Pass.pool_id == pool_id, Pass.standing, Pass.paid_until > clock.now())
    return db.session.scalar(standing) or 0


def _things(pool_id: int) -> Sequence[Any]:
    owner = aliased(User)
    return db.session.execute(
        select(
            PoolItem.id, PoolItem.item_id, PoolItem.owner_id, PoolItem.joined_at, Listing.title, Listing.slug, owner.name
        )
        .join(Listing, Listing.id == PoolItem.item_id)
        .join(owner, owner.id == PoolItem.owner_id)
        .where(PoolItem.pool_id == pool_id, PoolItem.left_at.is_(None))
        .order_by(Listing.title, PoolItem.id)
        .limit(SHOWN)
    ).all()  # fmt: skip


def _offerable(member_id: int) -> Sequence[Any]:
    """Give the member's own things that are lent free, on offer, and in no pool."""
    taken = select(PoolItem.item_id).where(PoolItem.left_at.is_(None))
    rows = db.session.execute(
        select(Listing.id, Listing.title, Item.arrangements)
        .join(Item, Item.listing_id == Listing.id)
        .where(Listing.owner_id == member_id, Listing.state == "published", Listing.id.not_in(taken))
        .order_by(Listing.title, Listing.id)
        .limit(SHOWN)
    ).all()
    return [row for row in rows if "borrow" in row.arrangements]


def _months(pool_id: int, member_id: int | None) -> Sequence[Any]:
    """Give the newest months as they were divided, with the viewer's own share."""
    own = PoolShare.owner_id == (member_id or 0)
    return db.session.execute(
        select(
            PoolMonth.id, PoolMonth.first, PoolMonth.rule, PoolMonth.passes, PoolMonth.paid_minor, PoolMonth.divided_minor,
            PoolMonth.currency, PoolShare.amount_minor, PoolShare.weight,
        )
        .outerjoin(PoolShare, (PoolShare.month_id == PoolMonth.id) & own)
        .where(PoolMonth.pool_id == pool_id)
        .order_by(PoolMonth.first.desc())
        .limit(MONTHS)
    ).all()  # fmt: skip


def next_division(opened_at: datetime) -> date:
    """Give the first day of the month that is divided next; of a pool opened at `opened_at` (UTC), no month before that."""
    first = clock.local(opened_at, runtime().settings.timezone).date().replace(day=1)
    return max(first, closing.following(closing.last_to_close(clock.now())))


def month_words(first: date) -> str:
    """Name a month in the reader's language."""
    return display.date(first, "LLLL yyyy")


def of_item(item_id: int) -> Any | None:
    """Give the pool that an item is in: id, slug, title; None where it is in none."""
    return db.session.execute(
        select(Listing.id, Listing.slug, Listing.title)
        .join(PoolItem, PoolItem.pool_id == Listing.id)
        .where(PoolItem.item_id == item_id, PoolItem.left_at.is_(None), PoolItem.joined_at.is_not(None))
    ).one_or_none()


def card_facts(listing_ids: Sequence[int]) -> Mapping[int, CardFacts]:
    """Say on the cards of many pools how many things are in them, with one statement."""
    rows = db.session.execute(
        select(PoolItem.pool_id, func.count())
        .where(PoolItem.pool_id.in_(listing_ids), PoolItem.left_at.is_(None), PoolItem.joined_at.is_not(None))
        .group_by(PoolItem.pool_id)
    )
    return {pool: CardFacts(badge=ngettext("%(num)s thing", "%(num)s things", number)) for pool, number in rows}


def api_details(listing_id: int) -> Mapping[str, Any]:
    """Give a pool's part of the API's answer for its listing; amounts are minor units of its currency."""
    pool = db.session.get(Pool, listing_id)
    if pool is None:
        return {}
    return {
        "monthly_minor": pool.monthly_minor,
        "currency": pool.currency,
        "measure": pool.measure,
        "items": [row.item_id for row in _things(listing_id) if row.joined_at is not None],
    }
