"""The API of pools: opening one, taking a pass, putting things in and taking them out; the same use cases as the pages."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from marketplace.api import Agreement, InvalidInput, NotFound, User, access, api_v1, db
from plugins.sharing.pool import passes, pool_reads, pools
from plugins.sharing.pool import pool_api_shapes as shapes
from plugins.sharing.pool.pool_api_shapes import NewPool, NewThing, PassOut, PoolOut
from plugins.sharing.pool.pool_models import Pass
from plugins.sharing.use import monthly_shapes

part = api_v1.ApiPart(
    "sharing_pool_api",
    scopes={
        "pools:read": _l("See pools, your passes and your shares"),
        "pools:write": _l("Open pools, take passes and put things in, in your name"),
    },
)
POOLS = "Pools"
READ, WRITE = ("pools:read",), ("pools:write",)
FIELDS = {"price": "monthly"}
"""What the pages call these fields, and what they are called here."""


def _shown(pool_id: int, user: User) -> PoolOut:
    return shapes.pool(pool_reads.seen(pool_id, user))


@part.operation(
    "POST", "/sharing/pools", tag=POOLS, scopes=WRITE, body=NewPool, returns=PoolOut, status=201, errors=(409,),
    idempotency="required",
)  # fmt: skip
def open_pool(call: api_v1.Call[NewPool, api_v1.Query]) -> api_v1.Reply:
    """Open a pool in public; saying it otherwise and closing it is done to the listing of the same number."""
    body = call.body
    facts = {"title": body.title, "body_md": body.body_md, "category": body.category, "place": body.place}
    monthly = body.monthly.money("monthly").minor
    try:
        made = pools.create(call.user, facts=facts, monthly_minor=monthly, measure=body.measure)
    except InvalidInput as error:
        raise InvalidInput({FIELDS.get(name, name): text for name, text in error.errors.items()}) from None
    return api_v1.Reply(_shown(made.id, call.user), location=url_for("sharing_pool_api.get_pool", pool_id=made.id))


@part.operation("GET", "/sharing/pools/{pool_id}", tag=POOLS, scopes=READ, returns=PoolOut, errors=(404,))
def get_pool(call: api_v1.Call[None, api_v1.Query], pool_id: int) -> PoolOut:
    """Give a pool, its things, and how the last twelve months were divided."""
    return _shown(pool_id, call.user)


@part.operation(
    "POST", "/sharing/pools/{pool_id}/passes", tag=POOLS, scopes=WRITE, returns=PassOut, status=201, errors=(404, 409),
    idempotency="required",
)  # fmt: skip
def take_pass(call: api_v1.Call[None, api_v1.Query], pool_id: int) -> api_v1.Reply:
    """Take a pass; it runs once its first month is paid. Who has one gets the same one."""
    made = passes.join(call.user, pool_id)
    return api_v1.Reply(_pass(made.id, call.user), location=url_for("sharing_pool_api.get_pass", pass_id=made.id))


def _pass(pass_id: int, user: User) -> PassOut:
    agreement, side = db.session.get(Agreement, pass_id), db.session.get(Pass, pass_id)
    if agreement is None or side is None:
        raise NotFound(_("There is no such pass."))
    access.require(user, "agreement.see", agreement)
    return PassOut(**monthly_shapes.facts(agreement, side))


@part.operation("GET", "/sharing/passes/{pass_id}", tag=POOLS, scopes=READ, returns=PassOut, errors=(404,))
def get_pass(call: api_v1.Call[None, api_v1.Query], pass_id: int) -> PassOut:
    """Give a pass to its member and to the pool's keeper."""
    return _pass(pass_id, call.user)


@part.operation(
    "POST", "/sharing/pools/{pool_id}/things", tag=POOLS, scopes=WRITE, body=NewThing, returns=PoolOut, status=201,
    errors=(404, 409), idempotency="required",
)  # fmt: skip
def offer_to_pool(call: api_v1.Call[NewThing, api_v1.Query], pool_id: int) -> PoolOut:
    """Offer one's own thing to a pool; it is in once the keeper agrees, the keeper's own at once."""
    pools.offer(pool_id, call.body.item_id, call.user)
    return _shown(pool_id, call.user)


@part.operation(
    "POST", "/sharing/pools/{pool_id}/things/{thing_id}/let-in", tag=POOLS, scopes=WRITE, returns=PoolOut,
    errors=(404, 409), idempotency="optional",
)  # fmt: skip
def let_into_pool(call: api_v1.Call[None, api_v1.Query], pool_id: int, thing_id: int) -> PoolOut:
    """Let a thing in that was offered, as the keeper."""
    pools.let_in(pool_id, thing_id, call.user)
    return _shown(pool_id, call.user)


@part.operation(
    "DELETE", "/sharing/pools/{pool_id}/things/{thing_id}", tag=POOLS, scopes=WRITE, returns=PoolOut, errors=(404,)
)
def take_out_of_pool(call: api_v1.Call[None, api_v1.Query], pool_id: int, thing_id: int) -> PoolOut:
    """Take a thing out, or decline it, as its owner or the keeper; loans that were agreed stand."""
    pools.take_out(pool_id, thing_id, call.user)
    return _shown(pool_id, call.user)


blueprint = part.blueprint
