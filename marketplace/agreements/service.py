"""The one place where an agreement comes to be, changes its terms, or changes its state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from marketplace import clock
from marketplace.agreements import records
from marketplace.agreements.models import Agreement
from marketplace.database import db, transaction
from marketplace.errors import NotFound, Refused
from marketplace.hooks.types import AgreementKind
from marketplace.kept import held, hold
from marketplace.lifecycle import InvalidTransition, Role, StateMachine, Transition
from marketplace.listings.models import Listing
from marketplace.money import Money
from marketplace.runtime import agreement_kind, announce, decide

CREATED = "created"
AMENDED = "amended"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and in what capacity."""

    user_id: int | None
    role: Role

    @classmethod
    def system(cls) -> Actor:
        """The marketplace itself: a deadline, a job, a payment that came in."""
        return cls(None, Role.SYSTEM)

    @property
    def told(self) -> tuple[int | None, str]:
        """Give both as the history keeps them."""
        return self.user_id, str(self.role)


@dataclass(slots=True)
class TransitionContext:
    """What an effect may need to know about the move it belongs to."""

    transition: Transition
    actor: Actor
    note: str
    data: Mapping[str, Any]
    waits_until: datetime | None = field(default=None)
    """An effect sets it (UTC) when the new state waits for something; of no effect once a further move left that state."""


def actor_for(user: Any, agreement: Agreement) -> Actor:
    """Tell in what capacity a logged-in user stands to an agreement; raises NotFound for strangers."""
    if user.id == agreement.member_id:
        return Actor(user.id, Role.MEMBER)
    if user.id == agreement.owner_id:
        return Actor(user.id, Role.OWNER)
    if user.is_operator:
        return Actor(user.id, Role.OPERATOR)
    raise NotFound(_("This page does not exist, or is not for you."))


def kind_of(name: str) -> AgreementKind:
    """Give a kind's descriptor; raises Refused while its plugin is switched off."""
    kind = agreement_kind(name)
    if kind is None:
        raise Refused(_("This is not offered here at the moment."), code="plugin_off")
    return kind


def create(
    kind: str,
    *,
    listing: Listing,
    member_id: int,
    amount: Money | None,
    terms: Mapping[str, Any],
    actor: Actor,
    waits_until: datetime | None = None,
    foretold: str | None = None,
) -> Agreement:
    """Make an agreement in its kind's first state, with these terms frozen (JSON-ready data).

    `foretold` names a move that the system makes before this transaction ends: what it leads to is written at once, and the
    object shows it once the move is made. Raises Refused when the member owns the listing, or the kind's plugin is off.
    """
    machine = kind_of(kind).machine
    if listing.owner_id == member_id:
        raise Refused(_("This is your own listing."), code="own_listing")
    with transaction() as session:
        agreement = records.made(
            clock.now(),
            CREATED,
            actor.told,
            _outcome(machine, foretold),
            kind=kind,
            listing_id=listing.id,
            owner_id=listing.owner_id,
            member_id=member_id,
            state=machine.initial,
            phase=machine.state(machine.initial).phase.value,
            amount_minor=amount.minor if amount else None,
            currency=amount.currency if amount else None,
            terms=dict(terms),
            waits_until=waits_until,
        )
        agreement.about(listing.title)
        announce("agreement_changed", agreement=agreement, transition=CREATED, actor=actor)
        session.flush()
    return agreement


def _outcome(machine: StateMachine, move: str | None) -> tuple[str, str, str] | None:
    if move is None:
        return None
    state = machine.find(move, machine.initial, Role.SYSTEM).target
    return move, state, machine.state(state).phase.value


def locked(agreement_id: int) -> Agreement:
    """Give the agreement with its row locked for this transaction, fresh from the database; raises NotFound."""
    agreement = held(Agreement, agreement_id)
    if agreement is not None:
        return agreement
    statement = (
        select(Agreement)
        .where(Agreement.id == agreement_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    agreement = db.session.scalars(statement).one_or_none()
    if agreement is None:
        raise NotFound(_("There is no such agreement."))
    hold(agreement.id, agreement)
    return agreement


def transition(
    agreement_id: int, name: str, actor: Actor, *, note: str = "", data: Mapping[str, Any] | None = None
) -> Agreement:
    """Move an agreement: lock, check state and role, hear objections, set the state, write history, run the effect, announce.

    All in one transaction. Raises InvalidTransition when the machine has no such move from here for this role, Refused
    when a plugin objects, NotFound when there is no such agreement.
    """
    with transaction() as session:
        agreement = locked(agreement_id)
        kind = kind_of(agreement.kind)
        move = kind.machine.find(name, agreement.state, actor.role)
        objections = _objections(agreement, name, actor)
        if objections:
            raise Refused(" ".join(objections), code="objection")
        phase = kind.machine.state(move.target).phase.value
        if agreement.foretold is not None:
            records.came_true(agreement, name, move.target, phase, actor.told, said=bool(note or data))
        else:
            at, came_from = clock.now(), agreement.state
            records.moved(agreement, move.target, phase, at)
            records.written(agreement, name, came_from, actor.told, note, data or {}, at)
        context = TransitionContext(move, actor, note, data or {})
        effect = kind.effects.get(name)
        if effect is not None:
            effect(agreement, context)
        if context.waits_until is not None and agreement.state == move.target:  # an effect may have moved it on
            agreement.waits_until = context.waits_until
        announce("agreement_changed", agreement=agreement, transition=name, actor=actor)
        session.flush()
    return agreement


def amend(
    agreement_id: int, actor: Actor, *, amount: Money | None, terms: Mapping[str, Any], note: str = ""
) -> Agreement:
    """Replace an agreement's terms by a new numbered version; the former terms and amount stay in the history.

    Raises Refused when the agreement has ended.
    """
    with transaction() as session:
        agreement = locked(agreement_id)
        if kind_of(agreement.kind).machine.state(agreement.state).phase in ("completed", "cancelled", "failed"):
            raise Refused(_("This agreement has ended, so its terms can't change any more."), code="ended")
        at = clock.now()
        former = {
            "terms": agreement.terms,
            "amount_minor": agreement.amount_minor,
            "currency": agreement.currency,
            "terms_version": agreement.terms_version,
        }
        agreement.terms = dict(terms)
        agreement.terms_version += 1
        agreement.amount_minor = amount.minor if amount else None
        agreement.currency = amount.currency if amount else None
        agreement.updated_at = at
        agreement.version += 1
        records.written(agreement, AMENDED, agreement.state, actor.told, note, {"former": former}, at)
        announce("agreement_changed", agreement=agreement, transition=AMENDED, actor=actor)
        session.flush()
    return agreement


def title_of(agreement: Agreement) -> str:
    """Give the title of the listing that an agreement is about."""
    if agreement.listing_title is None:
        agreement.about(db.session.scalars(select(Listing.title).where(Listing.id == agreement.listing_id)).one())
    return agreement.listing_title or ""


def possible(agreement: Agreement, actor: Actor) -> tuple[Transition, ...]:
    """List the moves this actor could make now and nobody objects to; none while the kind's plugin is off."""
    kind = agreement_kind(agreement.kind)
    if kind is None:
        return ()
    moves = kind.machine.possible(agreement.state, actor.role)
    return tuple(move for move in moves if not move.hidden and not _objections(agreement, move.name, actor))


def _objections(agreement: Agreement, name: str, actor: Actor) -> list[str]:
    answers = decide("transition_objections", agreement=agreement, transition=name, actor=actor)
    return [str(text) for answer in answers for text in answer]


__all__ = [
    "Actor", "InvalidTransition", "TransitionContext", "actor_for", "amend", "create", "kind_of", "locked", "possible",
    "title_of", "transition",
]  # fmt: skip
