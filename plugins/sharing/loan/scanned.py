"""What a scanned label leads to when its unit is lent: the hand-over, for the two whom it concerns; else why it is not."""

from __future__ import annotations

from typing import Any

from flask import url_for

from marketplace.api import Agreement, DomainError, Listing, db
from plugins.sharing.item.item_models import Unit
from plugins.sharing.slot import desk


def hand_over_page(unit: Unit, viewer: Any) -> str | None:
    """Give where borrower or lender record the hand-over, or the return, of what stands before them; None to others."""
    row = desk.present(unit) if viewer.is_authenticated else None
    agreement = (
        db.session.get(Agreement, row.agreement_id) if row is not None and row.agreement_id is not None else None
    )
    if row is None or agreement is None or viewer.id not in (agreement.member_id, agreement.owner_id):
        return None
    if agreement.kind == "purchase":
        return url_for("agreements.show", agreement_id=agreement.id)
    if agreement.kind != "loan":
        return None
    return url_for("sharing_loans.hand_over", agreement_id=agreement.id, kind="in" if row.out_at is not None else "out")


def why_not(unit: Unit, listing: Listing, viewer: Any) -> str:
    """Say why a unit that somebody holds in their hands is not theirs now; nothing to its owner, or when nobody wants it."""
    if viewer.id == listing.owner_id or desk.present(unit) is None:
        return ""
    try:
        desk.scan(unit.code, viewer.id)
    except DomainError as error:
        return error.message
    return ""
