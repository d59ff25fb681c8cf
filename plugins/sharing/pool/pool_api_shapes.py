"""Pools, what is in them, and passes as the API shows them and takes them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from flask import url_for

from marketplace.api import api_v1
from plugins.sharing.pool.pool_reads import Seen
from plugins.sharing.use.monthly_shapes import MonthlyOut

Amount = api_v1.Amount
Id = api_v1.Id
Meta = api_v1.Meta
Time = api_v1.Time
Measure = Annotated[Literal["days", "loans"], Meta(description="What counts as use.", examples=["days"])]


class NewPool(api_v1.Input):
    """A pool, opened in public; price and measure stand from then on."""

    title: Annotated[str, Meta(min_length=3, max_length=120, examples=["Toys for the street"])]
    body_md: Annotated[str, Meta(max_length=20_000, examples=["Puzzles and trains for children up to ten."])]
    place: Annotated[str, Meta(max_length=80, examples=["Utrecht"])]
    monthly: Amount
    measure: Measure = "days"
    category: Annotated[str, Meta(max_length=32, examples=["toys"])] = ""


class PoolThing(api_v1.Output):
    """A thing in a pool, or offered to it while `joined_at` is null."""

    id: Id
    item_id: Id
    title: Annotated[str, Meta(examples=["A puzzle"])]
    owner_id: Id
    joined_at: Annotated[Time | None, Meta(examples=["2026-11-21T18:30:00Z"])]


class PoolMonthOut(api_v1.Output):
    """How a month's money was divided; `mine` is the caller's share."""

    month: Annotated[str, Meta(examples=["2027-03"])]
    rule: Annotated[str, Meta(description="use, things or back.", examples=["use"])]
    passes: Annotated[int, Meta(examples=[3])]
    paid: Amount
    divided: Amount
    mine: Annotated[Amount | None, Meta(examples=[None])]


class PoolOut(api_v1.Output):
    """A pool with its things; offers that wait are shown to the keeper and to their owner."""

    id: Id
    title: Annotated[str, Meta(examples=["Toys for the street"])]
    state: Annotated[str, Meta(examples=["published"])]
    keeper_id: Id
    monthly: Amount
    measure: Measure
    passes: Annotated[int, Meta(description="How many run now.", examples=[3])]
    pass_id: Annotated[Id | None, Meta(description="The caller's pass, if any.", examples=[None])]
    things: list[PoolThing]
    offered: list[PoolThing]
    months: list[PoolMonthOut]
    url: api_v1.LinkText


class PassOut(MonthlyOut):
    """A pass of a pool; `listing_id` is the pool's number."""


class NewThing(api_v1.Input):
    """One's own thing that is lent free."""

    item_id: Id


def pool(seen: Seen) -> PoolOut:
    """Give a pool as one viewer sees it."""
    listing, row = seen.listing, seen.pool
    return PoolOut(
        id=listing.id, title=listing.title, state=listing.state, keeper_id=listing.owner_id,
        monthly=Amount(row.monthly_minor, row.currency), measure=row.measure,  # type: ignore[arg-type]
        passes=seen.passes, pass_id=seen.mine.agreement_id if seen.mine else None,
        things=[_thing(one) for one in seen.things], offered=[_thing(one) for one in seen.asked],
        months=[_month(one) for one in seen.months],
        url=api_v1.absolute(url_for("sharing_pools.show", listing_id=listing.id, slug=listing.slug)),
    )  # fmt: skip


def _thing(row: Any) -> PoolThing:
    return PoolThing(id=row.id, item_id=row.item_id, title=row.title, owner_id=row.owner_id, joined_at=row.joined_at)


def _month(row: Any) -> PoolMonthOut:
    return PoolMonthOut(
        month=f"{row.first:%Y-%m}", rule=row.rule, passes=row.passes, paid=Amount(row.paid_minor, row.currency),
        divided=Amount(row.divided_minor, row.currency), mine=api_v1.amount(row.amount_minor, row.currency),
    )  # fmt: skip
