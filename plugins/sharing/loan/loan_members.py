"""What loans keep about each member: given on request, and photos forgotten with the account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import or_, select

from marketplace.api import Agreement, Listing, after_commit, db, private_pictures
from plugins.sharing.loan.booking_models import Claim, ClaimStep, Evidence, HandOver, Loan, Proposal


def export(user: Any) -> dict[str, Any]:
    """Give a member's loans on both sides, what the member recorded, said in claims and photographed (minor units, UTC)."""
    mine = or_(Agreement.member_id == user.id, Agreement.owner_id == user.id)
    loans = select(
        Loan.agreement_id, Listing.title, Agreement.state, Loan.arrangement, Loan.starts_at, Loan.ends_at, Loan.currency,
        Loan.deposit_kind, Loan.deposit_minor, Loan.deposit_state, Loan.returned_at,
    ).join(Agreement, Agreement.id == Loan.agreement_id).join(Listing, Listing.id == Agreement.listing_id)  # fmt: skip
    records = select(
        HandOver.agreement_id, HandOver.kind, Proposal.condition, Proposal.readings, Proposal.at
    ).join(HandOver, HandOver.id == Proposal.hand_over_id)  # fmt: skip
    said = select(
        Claim.agreement_id, Claim.kind, ClaimStep.act, ClaimStep.amount_minor, ClaimStep.note, ClaimStep.at
    ).join(Claim, Claim.id == ClaimStep.claim_id)  # fmt: skip
    photos = select(Evidence.agreement_id, Evidence.at).where(Evidence.by_id == user.id).order_by(Evidence.id)
    return {
        "loans": _rows(loans.where(mine).order_by(Loan.agreement_id)),
        "hand_overs": _rows(records.where(Proposal.by_id == user.id).order_by(Proposal.id)),
        "claims": _rows(said.where(ClaimStep.by_id == user.id).order_by(ClaimStep.id)),
        "photos": _rows(photos),
    }


def _rows(statement: Any) -> Sequence[dict[str, Any]]:
    return [
        {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row._mapping.items()}
        for row in db.session.execute(statement)
    ]


def erase(user: Any) -> None:
    """Forget the photos that a member took; what both sides recorded in words stays, because it is the other's too."""
    for key in db.session.scalars(select(Evidence.key).where(Evidence.by_id == user.id)).all():
        after_commit(partial(private_pictures.forget, key))
