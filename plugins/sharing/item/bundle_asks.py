"""What waits for the owner of a thing that somebody wants in a set, and how silence ends it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import BigInteger, Select, bindparam, literal, null, select
from sqlalchemy.orm import aliased

from marketplace.api import Listing, NotFound, TodoItem, clock, db, transaction
from plugins.sharing.item import bundles
from plugins.sharing.item.bundle_models import BundlePart

ANSWER_WITHIN = timedelta(days=14)
"""Whoever has not answered by then has declined; the thing stays as it is, and can be asked for again."""

SHOWN = 10
BATCH = 200


WHAT = "set"
"""What its rows are called among everything that waits for a member."""


def unanswered() -> Select[Any]:
    """Give the requests that :member has not answered, in the columns that everything that waits for a member has."""
    whole, owner = aliased(Listing), bindparam("member", type_=BigInteger)
    asked = (
        select(BundlePart.bundle_id, BundlePart.changed_at, Listing.title, whole.title.label("set"))
        .join(Listing, Listing.id == BundlePart.item_id)
        .join(whole, whole.id == BundlePart.bundle_id)
        .where(Listing.owner_id == owner, BundlePart.owner_id == owner, BundlePart.state == "asked")
        .order_by(BundlePart.changed_at, BundlePart.bundle_id)
        .limit(SHOWN)
        .subquery()
    )
    return select(
        literal(WHAT).label("what"), asked.c.bundle_id.label("id"), null().label("minor"), null().label("currency"),
        asked.c.changed_at.label("at"), asked.c.title.label("title"), asked.c.set.label("set"),
    )  # fmt: skip


def item(row: Any) -> TodoItem:
    """Ask for the answer."""
    text = _("Say whether “%(title)s” may belong to the set “%(set)s”", title=row.title, set=row.set)
    return TodoItem(text, url_for("sharing.set_of", listing_id=row.id), row.at + ANSWER_WITHIN, "handshake")


def lapse(_payload: dict[str, Any]) -> None:
    """Decline for owners who were silent, each in a transaction of its own, and tell the makers; twice changes nothing."""
    silent = select(BundlePart.bundle_id, BundlePart.item_id).where(
        BundlePart.state == "asked", BundlePart.changed_at <= clock.now() - ANSWER_WITHIN
    )
    rows = db.session.execute(silent.order_by(BundlePart.changed_at).limit(BATCH)).all()
    db.session.rollback()  # no read transaction stays open over the writing ones
    for row in rows:
        try:
            with transaction():
                _decline(row.bundle_id, row.item_id)
        except NotFound:
            db.session.rollback()


def _decline(bundle_id: int, item_id: int) -> None:
    part = bundles.locked(bundle_id, item_id)
    if part.state == "asked" and part.changed_at <= clock.now() - ANSWER_WITHIN:
        bundles.settle(part, "declined")
