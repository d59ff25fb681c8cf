"""Photos of a hand-over or a claim: cleaned when they come in, and shown to the two parties and operators only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute

from marketplace.api import Refused, clock, db, private_pictures
from plugins.sharing.loan.booking_models import ClaimStep, Evidence

MOST = 6
"""The largest number of photos at once."""


def keep(data: bytes) -> str:
    """Keep a photo and give its key; raises Refused (field "photos") for what is no picture, or too large."""
    return private_pictures.keep(data, field="photos")


def attach(
    agreement_id: int,
    keys: Sequence[str],
    by_id: int | None,
    *,
    proposal_id: int | None = None,
    claim_id: int | None = None,
) -> None:
    """Note photos that were kept, in the caller's transaction; raises Refused for too many."""
    if len(keys) > MOST:
        raise Refused(_("At most %(most)s photos at once.", most=MOST), field="photos", code="too_many")
    for key in keys:
        db.session.add(
            Evidence(
                agreement_id=agreement_id,
                proposal_id=proposal_id,
                claim_id=claim_id,
                key=key,
                by_id=by_id,
                at=clock.now(),
            )
        )
    db.session.flush()


def of_proposals(ids: Sequence[int]) -> dict[int, list[int]]:
    """Give the photos' ids by proposal, with one statement."""
    return _by(Evidence.proposal_id, ids)


def of_claims(ids: Sequence[int]) -> dict[int, list[int]]:
    """Give the photos' ids by claim, with one statement."""
    return _by(Evidence.claim_id, ids)


def by_step(claim_id: int, said: Sequence[ClaimStep]) -> dict[int, list[int]]:
    """Give a claim's photos' ids by the step they belong to: what their author had said last before, else the claim itself."""
    found: dict[int, list[int]] = defaultdict(list)
    rows = select(Evidence.id, Evidence.by_id, Evidence.at).where(Evidence.claim_id == claim_id).order_by(Evidence.id)
    for row in db.session.execute(rows):
        own = [one.id for one in said if one.by_id == row.by_id and one.at <= row.at]
        found[own[-1] if own else said[0].id].append(row.id)
    return found


def _by(column: InstrumentedAttribute[int | None], ids: Sequence[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for owner, number in db.session.execute(select(column, Evidence.id).where(column.in_(ids)).order_by(Evidence.id)):
        if owner is not None:
            found[owner].append(number)
    return found
