"""What waits for the owner of a thing that somebody wants in a set, and how silence ends it."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import BigInteger, Executable, bindparam, select
from sqlalchemy.orm import aliased

from marketplace.api import Listing, NotFound, TodoItem, clock, db, transaction
from plugins.sharing.item import bundles
from plugins.sharing.item.bundle_models import BundlePart

ANSWER_WITHIN = timedelta(days=14)
"""Whoever has not answered by then has declined; the thing stays as it is, and can be asked for again."""

SHOWN = 10
BATCH = 200


@cache
def _unanswered() -> Executable:
    """Give the requests that :owner has not answered; made once, because making it takes longer than sending it."""
    whole, owner = aliased(Listing), bindparam("owner", type_=BigInteger)
    return (
        select(BundlePart.bundle_id, BundlePart.percent, BundlePart.changed_at, Listing.title, whole.title.label("set"))
        .join(Listing, Listing.id == BundlePart.item_id)
        .join(whole, whole.id == BundlePart.bundle_id)
        .where(Listing.owner_id == owner, BundlePart.owner_id == owner, BundlePart.state == "asked")
        .order_by(BundlePart.changed_at, BundlePart.bundle_id)
        .limit(SHOWN)
    )


def todo(user: Any) -> list[TodoItem]:
    """Give the requests that a member has not answered, by one statement."""
    rows = db.session.execute(_unanswered(), {"owner": user.id}).all()
    return [
        TodoItem(
            _("Say whether “%(title)s” may belong to the set “%(set)s”", title=row.title, set=row.set),
            url_for("sharing.set_of", listing_id=row.bundle_id), row.changed_at + ANSWER_WITHIN, "handshake",
        )
        for row in rows
    ]  # fmt: skip


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
