"""The API of pledges: placing one, changing it, and seeing the own ones; cancelling is a move of the agreement."""

from __future__ import annotations

from flask import g, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from marketplace.api import Agreement, Conflict, NotFound, User, agreements, api_v1, db
from plugins.funding import api_shapes as shapes
from plugins.funding import pledges
from plugins.funding.api_part import PLEDGES, part
from plugins.funding.api_shapes import NewPledge, PledgeChanges, PledgeOut
from plugins.funding.models import Pledge


@part.operation(
    "POST", "/campaigns/{campaign_id}/pledges", tag=PLEDGES, scopes=("pledges:write",), body=NewPledge, returns=PledgeOut,
    status=201, errors=(404, 409), idempotency="required",
)  # fmt: skip
def place_pledge(call: api_v1.Call[NewPledge, api_v1.Query], campaign_id: int) -> api_v1.Reply:
    """Pledge. It counts by when the request arrived; without a saved method it waits 15 minutes for one."""
    agreement = pledges.place(
        campaign_id,
        call.user,
        amount_minor=call.body.amount.minor,
        currency=call.body.amount.currency,
        reward_id=call.body.reward_id,
        nonce=call.key,
        arrived=g.arrived_at,
        method_id=call.body.method_id,
    )
    body = shapes.pledge(agreement, db.session.get_one(Pledge, agreement.id))
    return api_v1.Reply(body, agreement.version, location=url_for("funding_api.get_pledge", pledge_id=agreement.id))


@part.operation(
    "GET", "/pledges", tag=PLEDGES, scopes=("pledges:read",), query=api_v1.PageQuery, returns=api_v1.Page[PledgeOut]
)
def list_pledges(call: api_v1.Call[None, api_v1.PageQuery]) -> api_v1.Page[PledgeOut]:
    """List the own pledges, the newest first."""
    statement = (
        select(Agreement, Pledge)
        .join(Pledge, Pledge.agreement_id == Agreement.id)
        .where(Agreement.member_id == call.user.id, Agreement.kind == "pledge")
        .order_by(Agreement.id.desc())
        .limit(call.query.limit + 1)
    )
    before = api_v1.read_id(call.query.cursor)
    if before is not None:
        statement = statement.where(Agreement.id < before)
    rows = db.session.execute(statement).all()
    return api_v1.page(rows, call.query.limit, lambda row: shapes.pledge(*row), lambda row: row.Agreement.id)


def _own(pledge_id: int, user: User) -> tuple[Agreement, Pledge]:
    row = db.session.execute(
        select(Agreement, Pledge)
        .join(Pledge, Pledge.agreement_id == Agreement.id)
        .where(Agreement.id == pledge_id, Pledge.member_id == user.id)
    ).one_or_none()
    if row is None:
        raise NotFound(_("There is no such pledge."))
    return row.Agreement, row.Pledge


@part.operation("GET", "/pledges/{pledge_id}", tag=PLEDGES, scopes=("pledges:read",), returns=PledgeOut, errors=(404,))
def get_pledge(call: api_v1.Call[None, api_v1.Query], pledge_id: int) -> api_v1.Reply:
    """Give one of the own pledges; another member's does not exist."""
    agreement, found = _own(pledge_id, call.user)
    return api_v1.Reply(shapes.pledge(agreement, found), agreement.version)


@part.operation(
    "PATCH", "/pledges/{pledge_id}", tag=PLEDGES, scopes=("pledges:write",), body=PledgeChanges, returns=PledgeOut,
    errors=(404, 409), versioned=True, idempotency="optional",
)  # fmt: skip
def change_pledge(call: api_v1.Call[PledgeChanges, api_v1.Query], pledge_id: int) -> api_v1.Reply:
    """Change amount or reward until the deadline; the former terms stay in the agreement's history."""
    _own(pledge_id, call.user)
    agreement = agreements.locked(pledge_id)
    version = call.if_match
    if version is not None and version != agreement.version:
        raise Conflict(_("The pledge has changed meanwhile. Look at it again."))
    _agreement, now = _own(pledge_id, call.user)
    amount, reward_id = call.body.amount, call.body.reward_id
    agreement = pledges.change(
        pledge_id,
        call.user,
        amount_minor=now.amount_minor if amount is api_v1.UNSET else amount.money("amount", agreement.currency).minor,
        reward_id=now.reward_id if reward_id is api_v1.UNSET else reward_id,
        arrived=g.arrived_at,
    )
    return api_v1.Reply(shapes.pledge(agreement, db.session.get_one(Pledge, pledge_id)), agreement.version)
