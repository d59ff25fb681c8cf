"""The API of uses: the same use cases as the pages, one transaction each."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import select

from marketplace.api import Agreement, InvalidInput, NotFound, User, api_v1, db
from plugins.sharing.item import units
from plugins.sharing.use import reaching, sessions, use_bills
from plugins.sharing.use import use_api_shapes as shapes
from plugins.sharing.use.sessions import Wish
from plugins.sharing.use.use_api_part import USES, part
from plugins.sharing.use.use_api_shapes import BillList, NewUse, UseLine, UseMove, UseOut
from plugins.sharing.use.use_models import UseSession

READ, WRITE = ("uses:read",), ("uses:write",)


def _own(use_id: int, user: User) -> tuple[Agreement, UseSession]:
    """Give a use that the caller makes or pays for; raises NotFound for others."""
    session = db.session.get(UseSession, use_id)
    if session is None or user.id not in (session.member_id, session.holder_id):
        raise NotFound(_("There is no such use."))
    return db.session.get_one(Agreement, use_id), session


def _shown(agreement: Agreement, session: UseSession) -> api_v1.Reply:
    going = session.standing and session.started_at is not None
    running = sessions.running_total(session) if going else None
    reached = reaching.of(session, running).bound
    return api_v1.Reply(shapes.use(agreement, session, running, reached), agreement.version)


@part.operation("GET", "/sharing/uses", tag=USES, scopes=READ, query=api_v1.PageQuery, returns=api_v1.Page[UseLine])
def list_uses(call: api_v1.Call[None, api_v1.PageQuery]) -> api_v1.Page[UseLine]:
    """List the own uses and those the caller pays for, the newest first."""
    statement = (
        select(
            Agreement.id, Agreement.state, use_bills.billed_minor(), Agreement.currency, UseSession.listing_id,
            UseSession.started_at, UseSession.ended_at,
        )
        .join(UseSession, UseSession.agreement_id == Agreement.id)
        .where((UseSession.member_id == call.user.id) | (UseSession.holder_id == call.user.id))
        .order_by(Agreement.id.desc())
        .limit(call.query.limit + 1)
    )  # fmt: skip
    before = api_v1.read_id(call.query.cursor)
    if before is not None:
        statement = statement.where(Agreement.id < before)
    rows = db.session.execute(statement).all()
    return api_v1.page(
        rows, call.query.limit,
        lambda row: UseLine(
            id=row.id, listing_id=row.listing_id, state=row.state, started_at=row.started_at, ended_at=row.ended_at,
            amount=api_v1.amount(row.amount_minor, row.currency),
        ),
        lambda row: row.id,
    )  # fmt: skip


@part.operation("GET", "/sharing/uses/{use_id}", tag=USES, scopes=READ, returns=UseOut, errors=(404,))
def get_use(call: api_v1.Call[None, api_v1.Query], use_id: int) -> api_v1.Reply:
    """Give one use with what it comes to now."""
    return _shown(*_own(use_id, call.user))


@part.operation(
    "POST", "/sharing/uses", tag=USES, scopes=WRITE, body=NewUse, returns=UseOut, status=201, errors=(404, 409),
    idempotency="required",
)  # fmt: skip
def begin_use(call: api_v1.Call[NewUse, api_v1.Query]) -> api_v1.Reply:
    """Reserve a unit, or start to use it."""
    body = call.body
    limit = body.limit.money("limit").minor if body.limit is not None else None
    unit = units.by_code(body.code)
    wish = Wish(
        unit_id=unit.id, nonce=call.key, limit_minor=limit, options=tuple(body.options), holder_id=body.holder_id
    )
    made = sessions.start_now(call.user, wish, body.registers) if body.start else sessions.reserve(call.user, wish)
    reply = _shown(*_own(made.id, call.user))
    return api_v1.Reply(reply.body, reply.version, location=url_for("sharing_use_api.get_use", use_id=made.id))


@part.operation(
    "POST", "/sharing/uses/{use_id}/moves", tag=USES, scopes=WRITE, body=UseMove, returns=UseOut, errors=(404, 409),
    idempotency="optional",
)  # fmt: skip
def move_use(call: api_v1.Call[UseMove, api_v1.Query], use_id: int) -> api_v1.Reply:
    """Start, pause, resume or end a use; cancelling a reservation is a move of its agreement.

    Registers that are hardly possible are a 422 with the code `implausible` and what it would cost; with `sure` they count.
    """
    _own(use_id, call.user)
    try:
        sessions.move(use_id, call.user, call.body.move, call.body.registers, sure=call.body.sure)
    except InvalidInput as error:
        raise type(error)({f"registers.{name}": text for name, text in error.errors.items()}) from None
    return _shown(*_own(use_id, call.user))


@part.operation("GET", "/sharing/uses/{use_id}/bills", tag=USES, scopes=READ, returns=BillList, errors=(404,))
def list_use_bills(call: api_v1.Call[None, api_v1.Query], use_id: int) -> BillList:
    """Give the bills of a use, credit notes among them."""
    _own(use_id, call.user)
    return BillList(data=[shapes.bill(one) for one in use_bills.of_session(use_id)])


__all__ = ["begin_use", "get_use", "list_use_bills", "list_uses", "move_use"]
