"""One card that was saved more than once: the newest of them is offered and charged, and stands for all.

The gateway tells by a fingerprint that two saved methods are the same card or bank account. Payments keep the method that was
chosen for them; what is charged is the card as it was saved last, which knows the newest date of expiry.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import aliased

from marketplace.database import db
from marketplace.payments.models import SavedMethod


def saved_last(method_id: int) -> SavedMethod:
    """Give what is charged for a payment by this method: the same card as it was saved last. One statement."""
    chosen, other = aliased(SavedMethod), SavedMethod
    found = _of_one_card(chosen, other, or_(other.id == chosen.id, other.removed_at.is_(None))).where(
        chosen.id == method_id, other.id >= chosen.id
    )
    newest: SavedMethod = db.session.scalars(found.order_by(other.id.desc()).limit(1)).one()
    return newest


def all_saved(method_id: int) -> Sequence[SavedMethod]:
    """Give a card each time it was saved and not yet taken away, the oldest first."""
    chosen, other = aliased(SavedMethod), SavedMethod
    found = _of_one_card(chosen, other, other.removed_at.is_(None)).where(chosen.id == method_id)
    return db.session.scalars(found.order_by(other.id)).all()


def barred_since(method: SavedMethod) -> datetime | None:
    """Give since when a card is barred, as whichever of its member's methods it was saved, also one that was taken away."""
    chosen, other = aliased(SavedMethod), SavedMethod
    found = _of_one_card(chosen, other, other.barred_at.is_not(None)).where(chosen.id == method.id)
    first = db.session.scalars(found.order_by(other.barred_at).limit(1)).first()
    return first.barred_at if first is not None else None


def _of_one_card(chosen: Any, other: Any, *wanted: Any) -> Any:
    same = and_(
        chosen.fingerprint != "", other.fingerprint == chosen.fingerprint, other.kind == chosen.kind,
        other.gateway == chosen.gateway,
    )  # fmt: skip
    return (
        select(other)
        .join(chosen, chosen.user_id == other.user_id)
        .where(or_(other.id == chosen.id, same), *wanted)
        .execution_options(populate_existing=True)
    )


def is_tried_by(method_id: int | None, ref: str | None) -> bool:
    """Tell whether a try at the gateway was by this method, or by the same card as it was saved last."""
    if method_id is None:
        return False
    return ref in (db.session.get_one(SavedMethod, method_id).ref, saved_last(method_id).ref)


def once_each(newest_first: Iterable[SavedMethod]) -> list[SavedMethod]:
    """Give each card once, as it was saved last; methods without a fingerprint stand for themselves."""
    found: dict[tuple[str, ...], SavedMethod] = {}
    for method in newest_first:
        found.setdefault((method.kind, method.fingerprint or f"method {method.id}"), method)
    return list(found.values())
