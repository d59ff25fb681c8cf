"""Photos that follow the word they belong to, one by one: whoever said it may add them until it is settled."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import func, select

from marketplace.api import Actor, NotFound, Refused, Role, agreements, db, transaction
from plugins.sharing.item import units
from plugins.sharing.loan import evidence, handovers, loan_units
from plugins.sharing.loan.booking_models import Claim, Evidence, HandOver, Proposal


def of_hand_over(hand_over_id: int, actor: Actor, data: bytes) -> int:
    """Add a photo to the own newest word of a hand-over and give its id; raises Refused once it is closed, NotFound."""
    key = evidence.keep(data)
    with transaction():
        agreement_id = db.session.scalar(select(HandOver.agreement_id).where(HandOver.id == hand_over_id))
        if agreement_id is None:
            raise NotFound(_("There is no such hand-over."))
        agreements.locked(agreement_id)
        row = db.session.get_one(HandOver, hand_over_id, populate_existing=True)
        mine = [one for one in handovers.proposals_of(hand_over_id) if one.role == str(actor.role)]
        if row.closed_at is not None or not mine:
            raise Refused(
                _("Only to what you recorded yourself, and until it is settled, photos can be added."), code="not_now"
            )
        _refuse_too_many(Evidence.proposal_id == mine[-1].id)
        evidence.attach(agreement_id, [key], actor.user_id, proposal_id=mine[-1].id)
        _log(mine[-1], row.kind, agreement_id, key)
        return _id_of(key)


def _log(proposal: Proposal, kind: str, agreement_id: int, key: str) -> None:
    """Enter the photo into each unit's condition log."""
    for row in loan_units.of(agreement_id):
        if row.id in proposal.units and row.unit_id is not None:
            units.note(
                row.unit_id, "", proposal.by_id, kind="handed_over" if kind == "out" else "returned",
                agreement_id=agreement_id, pictures=[key],
            )  # fmt: skip


def of_claim(claim_id: int, actor: Actor, data: bytes) -> int:
    """Add a photo to one's own claim and give its id; raises Refused once it is decided, NotFound."""
    key = evidence.keep(data)
    with transaction():
        agreement_id = db.session.scalar(select(Claim.agreement_id).where(Claim.id == claim_id))
        if agreement_id is None:
            raise NotFound(_("There is no such claim."))
        agreements.locked(agreement_id)
        claim = db.session.get_one(Claim, claim_id, populate_existing=True)
        if actor.role != Role.OWNER or claim.state != "open":
            raise Refused(_("Only the lender adds photos to a claim, and only until it is decided."), code="not_now")
        _refuse_too_many(Evidence.claim_id == claim_id)
        evidence.attach(agreement_id, [key], actor.user_id, claim_id=claim_id)
        return _id_of(key)


def _refuse_too_many(of_one: object) -> None:
    count = db.session.scalar(select(func.count()).select_from(Evidence).where(of_one))  # type: ignore[arg-type]
    if (count or 0) >= evidence.MOST:
        text = _("At most %(most)s photos at once.", most=evidence.MOST)
        raise Refused(text, field="photos", code="too_many")


def _id_of(key: str) -> int:
    return db.session.scalars(select(Evidence.id).where(Evidence.key == key)).one()
