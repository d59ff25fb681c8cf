"""Agreements: what the member agreed on, how it came about, and what can be done next."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import aliased

from marketplace import access
from marketplace.agreements import service
from marketplace.agreements.models import Agreement, AgreementEvent
from marketplace.agreements.page import foreseen
from marketplace.api_v1 import paging
from marketplace.api_v1.core_part import core
from marketplace.api_v1.operations import Call, Reply
from marketplace.api_v1.shapes import (
    UNSET,
    Amount,
    Id,
    Input,
    LinkText,
    Meta,
    NoQuery,
    Output,
    Page,
    PageQuery,
    Person,
    Time,
    UnsetType,
    Version,
    amount,
)
from marketplace.database import db
from marketplace.errors import Conflict, NotFound, Refused
from marketplace.lifecycle import Role, Transition
from marketplace.listings.models import Listing
from marketplace.users.models import User

TAG = "Agreements"
READ, WRITE = ("agreements:read",), ("agreements:write",)
MOST_EVENTS = 100
Phase = Literal["proposed", "agreed", "active", "completed", "cancelled", "failed"]
Kind = Annotated[str, Meta(examples=["pledge"])]
StateName = Annotated[str, Meta(examples=["pledged"])]


class ListingName(Output):
    """A listing by its title."""

    id: Id
    title: Annotated[str, Meta(examples=["A cargo bike for the street"])]


class AgreementLine(Output):
    """An agreement in a list; `role` is the caller's."""

    id: Id
    kind: Kind
    state: StateName
    phase: Phase
    role: Literal["member", "owner"]
    amount: Amount | None
    listing: ListingName
    other: Person
    waits_until: Time | None
    created_at: Time
    updated_at: Time


class Event(Output):
    """One line of the history; `actor` is null where the marketplace itself acted."""

    transition: Annotated[str, Meta(examples=["confirm"])]
    from_state: str | None
    to_state: StateName
    actor: Person | None
    actor_role: Annotated[str, Meta(examples=["system"])]
    note: str
    at: Time


class Possible(Output):
    """Something that can be done now; show `confirm` before doing it."""

    name: Annotated[str, Meta(examples=["cancel"])]
    label: Annotated[str, Meta(examples=["Cancel my pledge"])]
    confirm: str | None


class AgreementOut(Output):
    """An agreement in full; `terms` are frozen, and belong to its kind."""

    id: Id
    kind: Kind
    state: StateName
    phase: Phase
    role: Literal["member", "owner", "operator"]
    version: Version
    amount: Amount | None
    terms: dict[str, Any]
    terms_version: int
    listing: ListingName
    owner: Person
    member: Person
    waits_until: Time | None
    created_at: Time
    updated_at: Time
    history: Annotated[list[Event], Meta(description="The newest 100 events, the oldest of them first.")]
    possible: list[Possible]
    url: LinkText


class AgreementQuery(PageQuery):
    """In which role the caller takes part."""

    role: Literal["member", "owner"] = "member"


class Move(Input):
    """What is to be done with an agreement."""

    name: Annotated[str, Meta(min_length=1, max_length=32, examples=["cancel"])]
    note: Annotated[str, Meta(max_length=1000, examples=["I moved to another town."])] = ""
    version: Version | UnsetType = UNSET


@core.operation("GET", "/agreements", tag=TAG, scopes=READ, query=AgreementQuery, returns=Page[AgreementLine])
def list_agreements(call: Call[None, AgreementQuery]) -> Page[AgreementLine]:
    """List the member's agreements, the newest first."""
    other = aliased(User)
    owned = call.query.role == "owner"
    mine, theirs = (Agreement.owner_id, Agreement.member_id) if owned else (Agreement.member_id, Agreement.owner_id)
    statement = (
        select(
            Agreement.id, Agreement.kind, Agreement.state, Agreement.phase, Agreement.amount_minor, Agreement.currency,
            Agreement.listing_id, Agreement.waits_until, Agreement.created_at, Agreement.updated_at, Listing.title,
            theirs.label("other_id"), other.name.label("other_name"),
        )
        .join(Listing, Listing.id == Agreement.listing_id)
        .join(other, other.id == theirs)
        .where(mine == call.user.id)
        .order_by(Agreement.id.desc())
        .limit(call.query.limit + 1)
    )  # fmt: skip
    before = paging.read_id(call.query.cursor)
    if before is not None:
        statement = statement.where(Agreement.id < before)
    rows = db.session.execute(statement).all()
    return paging.page(rows, call.query.limit, lambda row: _line(row, call.query.role), lambda row: row.id)


def _line(row: Any, role: Literal["member", "owner"]) -> AgreementLine:
    return AgreementLine(
        id=row.id,
        kind=row.kind,
        state=row.state,
        phase=row.phase,
        role=role,
        amount=amount(row.amount_minor, row.currency),
        listing=ListingName(id=row.listing_id, title=row.title),
        other=Person(id=row.other_id, name=row.other_name),
        waits_until=row.waits_until,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def seen(agreement_id: int, user: User) -> Agreement:
    """Give an agreement that the member may see; raises NotFound."""
    agreement = db.session.get(Agreement, agreement_id)
    if agreement is None:
        raise NotFound(_("There is no such agreement."))
    access.require(user, "agreement.see", agreement)
    return agreement


def shown(agreement: Agreement, user: User) -> Reply:
    """Give an agreement in full, by two statements and what plugins ask for their objections."""
    owner, member = aliased(User), aliased(User)
    names = db.session.execute(
        select(Listing.title, owner.name.label("owner"), member.name.label("member"))
        .select_from(Listing)
        .join(owner, owner.id == agreement.owner_id)
        .join(member, member.id == agreement.member_id)
        .where(Listing.id == agreement.listing_id)
    ).one()
    actor = service.actor_for(user, agreement)
    body = AgreementOut(
        id=agreement.id,
        kind=agreement.kind,
        state=agreement.state,
        phase=agreement.phase,  # type: ignore[arg-type]
        role=str(actor.role),  # type: ignore[arg-type]
        version=agreement.version,
        amount=amount(agreement.amount_minor, agreement.currency),
        terms=agreement.terms,
        terms_version=agreement.terms_version,
        listing=ListingName(id=agreement.listing_id, title=names.title),
        owner=Person(id=agreement.owner_id, name=names.owner),
        member=Person(id=agreement.member_id, name=names.member),
        waits_until=agreement.waits_until,
        created_at=agreement.created_at,
        updated_at=agreement.updated_at,
        history=history(agreement.id),
        possible=[
            Possible(name=move.name, label=str(move.label), confirm=_confirming(agreement, move, str(actor.role)))
            for move in service.possible(agreement, actor)
        ],
        url=paging.absolute(f"/agreements/{agreement.id}"),
    )
    return Reply(body, agreement.version)


def _confirming(agreement: Agreement, move: Transition, role: str) -> str | None:
    """Give what somebody should read before making a move, with what it would mean now in figures."""
    if not move.confirm:
        return None
    return " ".join(filter(None, (str(move.confirm), foreseen(agreement, move, role))))


def history(agreement_id: int) -> list[Event]:
    """Read the newest part of the history, the oldest event first, by one statement."""
    rows = db.session.execute(
        select(
            AgreementEvent.transition, AgreementEvent.from_state, AgreementEvent.to_state, AgreementEvent.actor_id,
            AgreementEvent.actor_role, AgreementEvent.note, AgreementEvent.at, User.name,
        )
        .outerjoin(User, User.id == AgreementEvent.actor_id)
        .where(AgreementEvent.agreement_id == agreement_id)
        .order_by(AgreementEvent.seq.desc())
        .limit(MOST_EVENTS)
    ).all()  # fmt: skip
    return [
        Event(
            transition=row.transition,
            from_state=row.from_state,
            to_state=row.to_state,
            actor=Person(id=row.actor_id, name=row.name) if row.actor_id is not None else None,
            actor_role=row.actor_role,
            note=row.note,
            at=row.at,
        )
        for row in reversed(rows)
    ]


@core.operation("GET", "/agreements/{agreement_id}", tag=TAG, scopes=READ, returns=AgreementOut, errors=(404,))
def get_agreement(call: Call[None, NoQuery], agreement_id: int) -> Reply:
    """Give an agreement with its history and what can be done next; for strangers it does not exist."""
    return shown(seen(agreement_id, call.user), call.user)


@core.operation(
    "POST", "/agreements/{agreement_id}/transitions", tag=TAG, scopes=WRITE, body=Move, returns=AgreementOut,
    errors=(404, 409), versioned=True, idempotency="optional",
)  # fmt: skip
def move_agreement(call: Call[Move, NoQuery], agreement_id: int) -> Reply:
    """Do one of the `possible` things, such as cancelling a pledge."""
    agreement = seen(agreement_id, call.user)
    access.require(call.user, "agreement.act", agreement)
    actor = service.actor_for(call.user, agreement)
    agreement = service.locked(agreement_id)
    version = call.version(call.body.version)
    if version is not None and version != agreement.version:
        raise Conflict(_("The agreement has moved on meanwhile. Look at it again."))
    if actor.role == Role.OPERATOR and not call.body.note.strip():
        raise Refused(_("Give a reason; the owner will read it."), field="note", code="reason_missing")
    service.transition(agreement_id, call.body.name, actor, note=call.body.note.strip())
    return shown(agreement, call.user)
