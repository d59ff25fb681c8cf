"""The jobs that mind help: answers that are not needed are released, what is over is closed, who helps is reminded."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from marketplace.api import (
    Actor,
    Agreement,
    DomainError,
    InvalidTransition,
    Listing,
    agreements,
    clock,
    db,
    listings,
    transaction,
)
from plugins.sharing import sweeping
from plugins.sharing.help import help_listings, help_news
from plugins.sharing.help.help_hooks import KINDS
from plugins.sharing.help.help_models import Help, HelpAnswer

BATCH = 100
BEFORE = timedelta(hours=24)
"""So long before the first moment both sides are reminded."""


def release(payload: dict[str, Any]) -> None:
    """Let go whose answers wait on a listing that is full or taken back, each in a transaction of its own.

    With `call_off` the listing is closed, and what was agreed is called off as well. Run twice, nothing is done twice.
    """
    listing_id, wanted = int(payload["listing"]), {"answered": "release"}
    listing = db.session.get(Listing, listing_id)
    if listing is None:
        return
    if payload.get("call_off"):
        wanted["agreed"] = "call_off"
        db.session.rollback()
        _close(listing_id)
    elif listing.state == "published" and help_listings.free_places(listing_id):
        return  # somebody left meanwhile, so the others may be needed
    rows = db.session.execute(
        select(Agreement.id, Agreement.state)
        .where(Agreement.kind == "help", Agreement.listing_id == listing_id, Agreement.state.in_(list(wanted)))
        .order_by(Agreement.id)
    ).all()
    db.session.rollback()  # no read transaction stays open over the writing ones
    for number, state in rows:
        try:
            agreements.transition(number, wanted[state], Actor.system())
        except (DomainError, InvalidTransition):  # it moved on meanwhile
            db.session.rollback()


def sweep(_payload: dict[str, Any]) -> None:
    """Do what is due, each in a transaction of its own; run twice, nothing is done twice."""
    now = clock.now()
    over = select(Help.listing_id).join(Listing, Listing.id == Help.listing_id)
    over = over.where(Help.last_at <= now, Listing.state == "published", Listing.kind.in_(KINDS))
    soon = (
        select(HelpAnswer.agreement_id)
        .join(Agreement, Agreement.id == HelpAnswer.agreement_id)
        .join(Help, Help.listing_id == HelpAnswer.help_id)
        .where(~HelpAnswer.told, Agreement.state == "agreed", Help.starts_at <= now + BEFORE, Help.starts_at > now)
    )
    for found, act in (
        (over.order_by(Help.listing_id).limit(BATCH), _close),
        (soon.order_by(HelpAnswer.agreement_id).limit(BATCH), _remind),
    ):
        sweeping.each(db.session.scalars(found), act)


def _close(listing_id: int) -> None:
    with transaction():
        if listings.locked(listing_id).state == "published":
            listings.close(listing_id, actor=None)


def _remind(agreement_id: int) -> None:
    with transaction():
        agreement = agreements.locked(agreement_id)
        answer = db.session.get_one(HelpAnswer, agreement_id, populate_existing=True)
        if agreement.state == "agreed" and not answer.told:
            answer.told = True
            help_news.tell_member(agreement, "help_soon")
            help_news.tell_owner(agreement, "help_soon")
