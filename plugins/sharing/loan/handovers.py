"""Going out and coming back, as both sides saw it: proposals and counter-values until they agree, or 48 hours of silence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import select

from marketplace.api import (
    Actor,
    Agreement,
    InvalidInput,
    NotFound,
    Refused,
    Role,
    agreements,
    clock,
    db,
    display,
    transaction,
)
from plugins.sharing.item import units
from plugins.sharing.loan import evidence, loan_news, loan_units
from plugins.sharing.loan.booking_models import HandOver, Loan, Proposal
from plugins.sharing.typed_figure import typed_figure

SILENCE = timedelta(hours=48)
"""After so long without an answer what the other side recorded stands."""

EARLY = timedelta(hours=12)
"""How long before the agreed start something may go out."""

PLACES = 3
LONGEST = 2000
STATES = {"out": ("agreed", "active"), "in": ("active", "lost", "returned")}


def record(
    agreement_id: int,
    actor: Actor,
    kind: str,
    *,
    condition: str = "",
    readings: Mapping[str, str] | None = None,
    things: Sequence[int] | None = None,
    photos: Sequence[bytes] = (),
) -> Proposal:
    """Say how it went out ("out") or came back ("in"): condition, readings as decimal text, ids of loan units, photos.

    The first word opens the hand-over, each further one is a counter-value. What goes out is out at once, whoever says so;
    what comes back is back when the lender says so, agrees, or stays silent. Raises Refused, InvalidInput.
    """
    keys = [evidence.keep(data) for data in photos]
    with transaction():
        agreement, loan = _locked(agreement_id)
        open_now = _open(agreement_id, kind)
        _check(agreement, loan, actor, kind, open_now)
        row = open_now or _begin(agreement, kind)
        proposal = Proposal(
            hand_over_id=row.id,
            number=len(proposals_of(row.id)) + 1,
            by_id=actor.user_id,
            role=str(actor.role),
            condition=condition.strip()[:LONGEST],
            readings=_decimals(readings or {}),
            units=_things(agreement_id, kind, things),
            at=clock.now(),
        )
        db.session.add(proposal)
        row.closes_at = clock.now() + SILENCE
        db.session.flush()
        evidence.attach(agreement_id, keys, actor.user_id, proposal_id=proposal.id)
        _log(proposal, kind, keys, agreement_id)
        _happen(agreement, actor, row, proposal)
        tell = loan_news.tell_member if actor.role == Role.OWNER else loan_news.tell_lender
        tell(agreement, "hand_over", until=row.closes_at)
    return proposal


def _check(agreement: Agreement, loan: Loan, actor: Actor, kind: str, open_now: HandOver | None) -> None:
    if actor.role not in (Role.MEMBER, Role.OWNER):
        raise Refused(_("Only the two parties can record a hand-over."), code="not_a_party")
    if kind not in STATES or agreement.state not in STATES[kind]:
        raise Refused(_("This is not possible now."), code="not_now")
    if open_now is None and (agreement.state == "returned" or (kind == "out" and agreement.state == "active")):
        raise Refused(_("This is on record already."), code="recorded")
    if kind == "out" and clock.now() < loan.starts_at - EARLY:
        when = display.datetime_text(loan.starts_at - EARLY)
        raise Refused(
            _("It is too early to hand this over: you can do it from %(when)s on.", when=when), code="too_early"
        )


def _begin(agreement: Agreement, kind: str) -> HandOver:
    at = clock.now()
    row = HandOver(agreement_id=agreement.id, kind=kind, opened_at=at, closes_at=at + SILENCE)
    db.session.add(row)
    db.session.flush()
    return row


def _log(proposal: Proposal, kind: str, keys: Sequence[str], agreement_id: int) -> None:
    """Enter what was seen into each unit's condition log."""
    if not proposal.condition and not keys:
        return
    for row in loan_units.of(agreement_id):
        if row.id in proposal.units and row.unit_id is not None:
            units.note(
                row.unit_id, proposal.condition, proposal.by_id, kind="handed_over" if kind == "out" else "returned",
                agreement_id=agreement_id, pictures=keys,
            )  # fmt: skip


def _happen(agreement: Agreement, actor: Actor, row: HandOver, proposal: Proposal) -> None:
    """Let happen what a word makes true at once."""
    if row.kind == "out" and agreement.state == "agreed":
        agreements.transition(agreement.id, "hand_out", actor)
    elif row.kind == "in" and actor.role == Role.OWNER:
        _bring_back(agreement, actor, row, proposal)


def _bring_back(agreement: Agreement, actor: Actor, row: HandOver, proposal: Proposal) -> None:
    if agreement.state not in ("active", "lost"):
        return
    if loan_units.mark_back(agreement.id, _times(row, proposal)):
        agreements.transition(agreement.id, "bring_back", actor)
    elif proposal.units:
        loan_news.tell_both(agreement, "part_back")


def _times(row: HandOver, standing: Proposal) -> dict[int, datetime]:
    """Give when each thing of the standing record came back: when somebody first recorded it, not when the other agreed."""
    said = proposals_of(row.id)
    return {thing: min(one.at for one in said if thing in one.units) for thing in standing.units}


def agree(hand_over_id: int, actor: Actor) -> HandOver:
    """Agree with what the other side recorded last; raises Refused when that was oneself, or it is closed."""
    with transaction():
        agreement, row = _locked_row(hand_over_id)
        last = proposals_of(row.id)[-1]
        if row.closed_at is not None or last.role == str(actor.role) or actor.role not in (Role.MEMBER, Role.OWNER):
            raise Refused(_("There is nothing to agree with."), code="not_now")
        _close(agreement, row, last, "agreed", actor)
    return row


def expire(hand_over_id: int) -> None:
    """Close a hand-over whose time is over: what was recorded last stands."""
    with transaction():
        agreement, row = _locked_row(hand_over_id)
        if row.closed_at is None and row.closes_at <= clock.now():
            _close(agreement, row, proposals_of(row.id)[-1], "deadline", Actor.system())


def _close(agreement: Agreement, row: HandOver, standing: Proposal, by: str, actor: Actor) -> None:
    row.closed_at, row.closed_by = clock.now(), by
    db.session.flush()
    if row.kind == "in":
        _bring_back(agreement, actor, row, standing)
    loan_news.tell_both(agreement, "hand_over_closed")


def recorded_back(agreement_id: int) -> bool:
    """Tell whether the borrower has recorded that everything is back, and the lender has not answered yet."""
    row = _open(agreement_id, "in")
    if row is None:
        return False
    last = proposals_of(row.id)[-1]
    return last.role == "member" and {one.id for one in loan_units.out(agreement_id)} <= set(last.units)


def standing_of(agreement_id: int, kind: str) -> Proposal | None:
    """Give the record that stands for going out or coming back: the last word of the newest hand-over."""
    return db.session.scalars(
        select(Proposal)
        .join(HandOver, HandOver.id == Proposal.hand_over_id)
        .where(HandOver.agreement_id == agreement_id, HandOver.kind == kind)
        .order_by(HandOver.id.desc(), Proposal.number.desc())
        .limit(1)
    ).one_or_none()


def of(agreement_id: int) -> Sequence[HandOver]:
    """Give a loan's hand-overs, the oldest first."""
    statement = select(HandOver).where(HandOver.agreement_id == agreement_id).order_by(HandOver.id)
    return db.session.scalars(statement).all()


def proposals_of(hand_over_id: int) -> Sequence[Proposal]:
    """Give what was recorded, the oldest first."""
    return said_in([hand_over_id])


def said_in(hand_over_ids: Sequence[int]) -> Sequence[Proposal]:
    """Give what was recorded in these hand-overs, the oldest first, with one statement."""
    of_these = select(Proposal).where(Proposal.hand_over_id.in_(hand_over_ids))
    return db.session.scalars(of_these.order_by(Proposal.hand_over_id, Proposal.number)).all()


def _decimals(readings: Mapping[str, str]) -> dict[str, str]:
    """Check readings, and write them as plain decimal text; raises InvalidInput (field "readings")."""
    found = {}
    for name, typed in readings.items():
        if not typed.strip():
            continue
        try:
            value = typed_figure(typed)
        except ValueError:
            raise InvalidInput({"readings": _("A reading is a number, like 1250 or 12.5.")}) from None
        if value < 0 or value > 10**12:
            raise InvalidInput({"readings": _("A reading is a number, like 1250 or 12.5.")})
        found[name.strip()[:40]] = f"{round(value, PLACES).normalize():f}"
    return found


def _things(agreement_id: int, kind: str, things: Sequence[int] | None) -> list[int]:
    rows = loan_units.of(agreement_id) if kind == "out" else loan_units.out(agreement_id)
    known = {row.id for row in loan_units.of(agreement_id)}
    if things is None:
        return [row.id for row in rows]
    if not set(things) <= known:
        raise InvalidInput({"things": _("This is not a part of the loan.")})
    return sorted(set(things))


def _open(agreement_id: int, kind: str) -> HandOver | None:
    statement = select(HandOver).where(
        HandOver.agreement_id == agreement_id, HandOver.kind == kind, HandOver.closed_at.is_(None)
    )
    return db.session.scalars(statement).one_or_none()


def _locked(agreement_id: int) -> tuple[Agreement, Loan]:
    agreement = agreements.locked(agreement_id)
    loan = db.session.get(Loan, agreement_id, populate_existing=True)
    if loan is None:
        raise NotFound(_("There is no such loan."))
    return agreement, loan


def _locked_row(hand_over_id: int) -> tuple[Agreement, HandOver]:
    agreement_id = db.session.scalar(select(HandOver.agreement_id).where(HandOver.id == hand_over_id))
    if agreement_id is None:
        raise NotFound(_("There is no such hand-over."))
    agreement = agreements.locked(agreement_id)
    return agreement, db.session.get_one(HandOver, hand_over_id, populate_existing=True)
