"""The condition log of a unit, as its lender writes and reads it; what hand-overs add comes by `units.note`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select, update

from marketplace.api import InvalidInput, NotFound, Refused, User, after_commit, db, private_pictures, transaction
from plugins.sharing.item import items, units
from plugins.sharing.item.item_models import ConditionNote, Unit

BY_HAND = {"noted": _l("Noted"), "repaired": _l("Repaired")}
"""What a lender may enter without a hand-over."""

KINDS = {**BY_HAND, "handed_over": _l("Handed over"), "returned": _l("Brought back"), "damaged": _l("Damaged")}
MOST_PHOTOS = 6
LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log with its author's name; `places` number its photos."""

    row: ConditionNote
    label: Any
    author: str
    places: range


def add(
    listing_id: int, user: Any, unit_id: int, *, kind: str, text: str, photos: Sequence[bytes] = ()
) -> ConditionNote:
    """Enter into a unit's log what its lender saw or did; nothing in it is ever changed.

    Raises InvalidInput, Refused (field "photos"), NotFound for whoever may not change the item.
    """
    items.managed(listing_id, user)
    text = text.replace("\0", "").strip()
    if kind not in BY_HAND:
        raise InvalidInput({"kind": _("Choose one of these.")})
    if not text or len(text) > LONGEST:
        raise InvalidInput({"text": _("Say what you saw or did, in at most 2,000 characters.")})
    if len(photos) > MOST_PHOTOS:
        raise Refused(_("At most %(most)s photos at once.", most=MOST_PHOTOS), field="photos", code="too_many")
    keys = [private_pictures.keep(data) for data in photos]  # outside the transaction: it takes a moment
    with transaction():
        items.managed(listing_id, user, lock=True)
        return units.note(items.unit_of(listing_id, unit_id).id, text, user.id, kind=kind, pictures=keys)


def entries(unit_id: int) -> list[Entry]:
    """Give the newest entries of a unit's log, with two statements."""
    rows = units.log_of(unit_id)
    ids = {row.author_id for row in rows if row.author_id is not None}
    names = {row.id: row.name for row in db.session.execute(select(User.id, User.name).where(User.id.in_(ids)))}
    return [
        Entry(row, KINDS[row.kind], names.get(row.author_id or 0, ""), range(len(row.pictures or ()))) for row in rows
    ]


def picture(listing_id: int, user: Any, unit_id: int, note_id: int, place: int) -> str:
    """Give the key of an entry's photo to whoever may change the item; raises NotFound."""
    items.managed(listing_id, user)
    row = db.session.get(ConditionNote, note_id)
    if row is None or row.unit_id != items.unit_of(listing_id, unit_id).id or place >= len(row.pictures):
        raise NotFound(_("This page does not exist, or is not for you."))
    return str(row.pictures[place])


def export(user: Any) -> dict[str, Any]:
    """Give what a member entered into condition logs (UTC)."""
    rows = db.session.execute(
        select(Unit.label, ConditionNote.kind, ConditionNote.text, ConditionNote.at)
        .join(Unit, Unit.id == ConditionNote.unit_id)
        .where(ConditionNote.author_id == user.id)
        .order_by(ConditionNote.id)
    )
    found = [{"unit": row.label, "kind": row.kind, "text": row.text, "at": row.at.isoformat()} for row in rows]
    return {"condition_notes": found}


def erase(user: Any) -> None:
    """Forget the photos that a member entered; the words are about the thing, and stay."""
    own = ConditionNote.author_id == user.id
    for keys in db.session.scalars(select(ConditionNote.pictures).where(own)).all():
        for key in keys:
            after_commit(partial(private_pictures.forget, key))
    db.session.execute(update(ConditionNote).where(own).values(pictures=[]))
