"""Who may borrow or use an item: a short list of rules to choose from, and what is known of a member for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from marketplace.api import Agreement, Listing, User, clock, db
from plugins.sharing.item.item_models import Item
from plugins.sharing.pool import opened
from plugins.sharing.slot.refusals import Reason, Why
from plugins.sharing.slot.rules import Rules

LABELS = {
    "everybody": _l("Every member"),
    "confirmed": _l("Members whose e-mail address is confirmed"),
    "experienced": _l("Members who have finished so many agreements here"),
    "known": _l("Members with whom you have finished an agreement before"),
}
"""What a lender may choose; *experienced* goes with a number. A thing in a pool has the rule *pass* besides."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the rules look at in a member: the address confirmed, agreements that ended well and with which owners, and the
    things that a pass opens.
    """

    confirmed: bool
    finished: int
    owners: frozenset[int]
    open: frozenset[int]


def standing(member_id: int, at: datetime) -> Standing:
    """Read a member's standing for a use that begins at `at` (UTC); four statements at most."""
    confirmed = db.session.scalar(select(User.email_confirmed_at.is_not(None)).where(User.id == member_id))
    mine = select(Agreement.owner_id, func.count()).where(
        Agreement.member_id == member_id, Agreement.phase == "completed"
    )
    lent = select(func.count()).select_from(Agreement).where(
        Agreement.owner_id == member_id, Agreement.phase == "completed"
    )  # fmt: skip
    rows = db.session.execute(mine.add_columns(lent.scalar_subquery()).group_by(Agreement.owner_id)).all()
    as_owner = rows[0][2] if rows else db.session.scalar(lent) or 0
    finished = as_owner + sum(row[1] for row in rows)
    return Standing(bool(confirmed), finished, frozenset(row[0] for row in rows), opened.open_to(member_id, at))


def refusal(rules: Rules, member_id: int | None, at: datetime) -> Why | None:
    """Say why this member may not have the item at all; None when they may, and for guests, who are asked to log in first."""
    if rules.who == "everybody" or member_id is None:
        return None
    owner_id = db.session.scalar(select(Listing.owner_id).where(Listing.id == rules.item_id)) or 0
    return why(rules.who, rules.who_least, owner_id, member_id, standing(member_id, at), rules.item_id)


def of_item(item: Item, owner_id: int, member_id: int | None) -> Why | None:
    """Say why a member may not have an item whatever the time, so that a page says it before a time is chosen."""
    if item.who == "everybody" or member_id is None:
        return None
    return why(item.who, item.who_least, owner_id, member_id, standing(member_id, clock.now()), item.listing_id)


def why(who: str, least: int | None, owner_id: int, member_id: int, known: Standing, item_id: int) -> Why | None:
    """Apply one rule to a member; what is one's own is always allowed."""
    if owner_id == member_id:
        return None
    if who == "confirmed" and not known.confirmed:
        return Why(Reason.NOT_CONFIRMED)
    if who == "experienced" and known.finished < (least or 1):
        return Why(Reason.TOO_NEW, {"least": least or 1, "finished": known.finished})
    if who == "known" and owner_id not in known.owners:
        return Why(Reason.NOT_KNOWN)
    return Why(Reason.NO_PASS) if who == "pass" and item_id not in known.open else None
