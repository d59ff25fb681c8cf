"""An item's physical units, each with a code of its own for its label, and their condition logs."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from flask_babel import gettext as _
from sqlalchemy import select

from marketplace.api import InvalidInput, NotFound, clock, db
from plugins.sharing.item.item_models import ConditionNote, Unit

CODE_BYTES = 9
NOTES = 50


def add(item_id: int, label: str, *, place: str = "", replacement_minor: int | None = None) -> Unit:
    """Add a unit; `replacement_minor` is in the item's currency, None means the item's own value. Joins the transaction."""
    if not label.strip():
        raise InvalidInput({"label": _("Give it a name by which people tell it from the others.")})
    unit = Unit(
        item_id=item_id, label=label.strip()[:80], code=secrets.token_urlsafe(CODE_BYTES), place=place,
        replacement_minor=replacement_minor, created_at=clock.now(),
    )  # fmt: skip
    db.session.add(unit)
    db.session.flush()
    return unit


def by_code(code: str) -> Unit:
    """Find the unit whose label was scanned; raises NotFound."""
    found = db.session.scalar(select(Unit).where(Unit.code == code))
    if found is None:
        raise NotFound(_("This label belongs to nothing that is shared here."))
    return found


def units_of(item_id: int) -> list[Unit]:
    """List an item's units, the oldest first."""
    return list(db.session.scalars(select(Unit).where(Unit.item_id == item_id).order_by(Unit.id)))


def note(
    unit_id: int,
    text: str,
    author_id: int | None,
    *,
    kind: str = "noted",
    agreement_id: int | None = None,
    pictures: Sequence[str] = (),
) -> ConditionNote:
    """Add to a unit's condition log; nothing in it is ever changed. Joins the caller's transaction."""
    row = ConditionNote(
        unit_id=unit_id, text=text, author_id=author_id, kind=kind, agreement_id=agreement_id, pictures=list(pictures),
        at=clock.now(),
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    return row


def log_of(unit_id: int, limit: int = NOTES) -> list[ConditionNote]:
    """Give the newest entries of a unit's condition log."""
    newest = select(ConditionNote).where(ConditionNote.unit_id == unit_id)
    return list(db.session.scalars(newest.order_by(ConditionNote.at.desc(), ConditionNote.id.desc()).limit(limit)))
